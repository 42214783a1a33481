/*
 * Images and registries, through the engine: pull, ask what a tag means, let go. The one thing to know: the engine
 * makes a 500 of nearly everything that a registry says, or puts it into a stream that began with 200, so what it means
 * for whoever thinks of trying again is read from the words.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "docker/body.h"
#include "docker/credentials.h"
#include "docker/image_name.h"
#include "docker/job.h"

#define PULL_TIMEOUT_MS (30 * 60 * 1000)
#define PULL_STALL_MS 60000
#define PULL_MAX_STREAM (64u << 20) /* a line for each tick of each layer's progress */
#define RESOLVE_TIMEOUT_MS 20000

/* Docker 20.10 to 28 with Docker Hub, distribution, and registries that answer with a page of HTML. The first wins. */
static enum err_kind kind_of_pull(const char *said)
{
	static const struct { const char *words; enum err_kind kind; } meanings[] = {
		{"toomanyrequests", ERR_TRANSIENT},  {"HTTP status: 5", ERR_TRANSIENT},   {"HTTP 5", ERR_TRANSIENT},
		{"HTTP 429", ERR_TRANSIENT},         {"HTTP 401", ERR_DENIED},            {"HTTP 403", ERR_DENIED},
		{"HTTP 404", ERR_NOT_FOUND},         {"no basic auth credentials", ERR_DENIED},
		{"unauthorized", ERR_DENIED},        {"authentication required", ERR_DENIED},
		{"permission denied", ERR_TRANSIENT}, {"denied", ERR_DENIED},             {"access forbidden", ERR_DENIED},
		{"manifest unknown", ERR_NOT_FOUND}, {"name unknown", ERR_NOT_FOUND},     {"does not exist", ERR_NOT_FOUND},
		{"no matching manifest", ERR_NOT_FOUND}, {"not found", ERR_NOT_FOUND},
	};
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcasestr(said, meanings[i].words))
			return meanings[i].kind;
	return ERR_TRANSIENT;
}

/* "toomanyrequests: retry-after: 1.5s, allowed: 44000/minute": seconds, or a duration of Go's with one unit. */
static int64_t retry_after_of(const char *said)
{
	static const struct { const char *name; double ms; } units[] = {
		{"ms", 1}, {"\xc2\xb5s", 0.001}, {"us", 0.001}, {"ns", 0.000001}, {"s", 1000}, {"m", 60000}, {"h", 3600000},
	};
	const char *at = strcasestr(said, "retry-after:");
	if (!at)
		return 0;
	char *unit;
	double n = strtod(at + strlen("retry-after:"), &unit), ms = 1000;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strncmp(unit, units[i].name, strlen(units[i].name)) == 0) {
			ms = units[i].ms;
			break;
		}
	return n > 0 && n * ms < 1e12 ? (int64_t)(n * ms) + 1 : 0;
}

/* What the registry said may name the image. Statuses of the engine's own (400 for a name that is none) stay. */
static void refuse(struct err *e, int status, const char *said, bool is_secret)
{
	enum err_kind kind = status == 400 ? ERR_INVALID : kind_of_pull(said);
	if (kind == ERR_TRANSIENT && status == 404)
		kind = ERR_NOT_FOUND;
	if (kind == ERR_TRANSIENT && (status == 401 || status == 403))
		kind = ERR_DENIED;
	err_set(e, kind, "%s", is_secret ? "the registry's answer names the image, which is secret" : said);
	e->number = status;
}

static bool is_secret(const struct service *s)
{
	const struct value *image = spec_value(&s->spec, "image");
	return image && image->secret;
}

/* --- pull --- */

static void identified(struct job *j)
{
	/* Without its id it is not noted as ours, and stays for ever: no reason to call the pull a failure. */
	const char *id = job_answered_well(j) ? json_string(j->answer->json, "Id") : NULL;
	if (id && strlen(id) < sizeof j->outcome->image_id)
		memcpy(j->outcome->image_id, id, strlen(id) + 1);
	job_end(j);
}

static const char *image_path(struct arena *a, const char *image)
{
	struct image_name n = image_name_parse(a, image);
	return arena_printf(a, "/images/%s", url_escape(a, n.digest ? arena_printf(a, "%s@%s", n.name, n.digest)
	                                                            : arena_printf(a, "%s:%s", n.name, n.tag)));
}

void job_identify_image(struct job *j)
{
	job_ask(j, &(struct call){.path = arena_printf(j->arena, "%s/json", image_path(j->arena, j->action->spec->image))},
	        identified);
}

static void fail_pull(struct job *j, int status, const char *said)
{
	refuse(&j->outcome->err, status, said, is_secret(j->action->spec));
	j->outcome->retry_after_ms = retry_after_of(said);
	j->outcome->result = -1;
	j->state = JOB_ENDED;
}

/* The stream is one JSON object after another; the status was 200 before the first of them. */
static void pulled(struct job *j)
{
	const struct call *c = j->answer;
	if (!job_answered_well(j) && c->status) {
		fail_pull(j, c->status, c->err.message);
		return;
	}
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		return;
	}
	const char *p = c->text.text, *end = p + c->text.length;
	while (p < end) {
		const char *next = p;
		cJSON *line = cJSON_ParseWithLengthOpts(p, (size_t)(end - p), &next, false);
		const char *said = json_string(line, "errorDetail.message");
		said = said ? said : json_string(line, "error");
		if (said)
			fail_pull(j, 0, said);
		else if (!line)
			job_fail(j, ERR_TRANSIENT, "the engine's report of the pull broke off");
		cJSON_Delete(line);
		if (j->state == JOB_ENDED)
			return;
		for (p = next; p < end && strchr(" \t\r\n", *p); p++)
			;
	}
	job_identify_image(j);
}

static void ask_pull(struct job *j)
{
	/* Always a tag or a digest: without one the engine pulls every tag there is. */
	struct image_name n = image_name_parse(j->arena, j->action->spec->image);
	const char *auth;
	if (credentials_find(j->credentials, j->action->spec->image, &auth, &j->outcome->err) < 0) {
		j->outcome->result = -1;
		j->state = JOB_ENDED;
		return;
	}
	const char *path = n.digest
		? arena_printf(j->arena, "/images/create?fromImage=%s",
		               url_escape(j->arena, arena_printf(j->arena, "%s@%s", n.name, n.digest)))
		: arena_printf(j->arena, "/images/create?fromImage=%s&tag=%s", url_escape(j->arena, n.name),
		               url_escape(j->arena, n.tag));
	path = arena_printf(j->arena, "%s%s", path, body_query(j->arena, &j->action->spec->spec));
	job_ask_slowly(j, &(struct call){.method = "POST", .path = path, .registry_auth = auth, .is_raw = true,
	                                 .timeout_ms = PULL_TIMEOUT_MS, .stall_timeout_ms = PULL_STALL_MS,
	                                 .max_answer = PULL_MAX_STREAM}, pulled);
}

/* Where the engine keeps its images, when that is a folder of this host. */
static void disk_known(struct job *j)
{
	const char *root = job_answered_well(j) ? json_string(j->answer->json, "DockerRootDir") : NULL;
	struct statvfs disk;
	int64_t wanted = j->docker->settings.min_free_bytes;
	int64_t there = root && statvfs(root, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : wanted;
	if (there < wanted)
		job_fail(j, ERR_TRANSIENT, "not %s: %s has %lldM free, and min_free wants %lldM",
		         j->action->kind == ACTION_BUILD ? "built" : "pulled", root,
		         (long long)(there >> 20), (long long)(wanted >> 20));
	else
		j->go(j);
}

void job_with_room(struct job *j, void (*go)(struct job *))
{
	j->go = go;
	if (j->docker->settings.min_free_bytes && j->docker->unix_socket[0])
		job_ask(j, &(struct call){.path = "/info"}, disk_known);
	else
		go(j);
}

void begin_pull(struct job *j)
{
	job_with_room(j, ask_pull);
}

/* --- what a tag means --- */

static void take_digest(struct arena *a, const struct call *c, struct resolution *r)
{
	const char *digest = json_string(c->json, "Descriptor.digest");
	if (c->result < 0 && c->status)
		refuse(&r->err, c->status, c->err.message, r->is_secret);
	else if (c->result < 0)
		r->err = c->err;
	else if (!digest || !strchr(digest, ':'))
		err_set(&r->err, ERR_INTERNAL, "GET /distribution: Descriptor.digest is missing or no digest");
	else
		r->digest = arena_strdup(a, digest);
}

void docker_resolve(struct docker *d, struct arena *a, struct resolution *items, size_t count)
{
	struct credentials credentials = {.folder = d->settings.config_folder, .arena = a};
	struct call *calls = arena_alloc(a, (count + 1) * sizeof *calls);
	struct resolution **asked = arena_alloc(a, (count + 1) * sizeof *asked);
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		struct image_name name = image_name_parse(a, items[i].image);
		const char *auth;
		items[i].digest = NULL;
		items[i].err = (struct err){0};
		if (credentials_find(&credentials, items[i].image, &auth, &items[i].err) < 0)
			continue;
		const char *reference = url_escape(a, arena_printf(a, "%s:%s", name.name, name.tag ? name.tag : "latest"));
		calls[n] = (struct call){.path = arena_printf(a, "/distribution/%s/json", reference), .registry_auth = auth,
		                         .timeout_ms = RESOLVE_TIMEOUT_MS};
		asked[n++] = &items[i];
	}
	client_perform(d, a, calls, n);
	for (size_t i = 0; i < n; i++) {
		take_digest(a, &calls[i], asked[i]);
		call_done(&calls[i]);
	}
}

/* --- letting go --- */

static void dropped(struct job *j)
{
	/* 409: somebody has begun to use it. That is for the next run to see. */
	if (job_answered_well(j) || j->answer->status == 404 || j->answer->status == 409)
		job_end(j);
	else
		job_fail_as_answered(j);
}

/* A tag in the same repository, which with the digest would lose what it was pulled as. */
static bool has_tag_beside(struct arena *a, const cJSON *inspect, const char *image)
{
	struct image_name n = image_name_parse(a, image);
	const cJSON *tag;
	cJSON_ArrayForEach(tag, json_at(inspect, "RepoTags")) {
		const char *text = cJSON_GetStringValue(tag);
		if (text && n.digest && strcmp(image_name_parse(a, text).name, n.name) == 0)
			return true;
	}
	return false;
}

static void found_to_drop(struct job *j)
{
	const struct past_image *image = j->action->image;
	const char *id = json_string(j->answer->json, "Id");
	if (j->answer->status == 404)
		job_end(j);
	else if (!job_answered_well(j))
		job_fail_as_answered(j);
	else if (!id || strcmp(id, image->id) != 0 || has_tag_beside(j->arena, j->answer->json, image->image))
		job_end(j); /* by now it is somebody else's */
	else
		job_ask(j, &(struct call){.method = "DELETE", .path = image_path(j->arena, image->image)}, dropped);
}

void begin_drop(struct job *j)
{
	job_ask(j, &(struct call){.path = arena_printf(j->arena, "%s/json", image_path(j->arena, j->action->image->image))},
	        found_to_drop);
}
