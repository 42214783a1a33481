/*
 * Certificates, keys and pages: copies of ours, each under the hash of what is in it. The one thing to know: a file of
 * that name never changes, so one that is used by the generation in force can be used by the next one, too.
 */
#include <dirent.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/sha256.h"
#include "nginx/internal.h"

#define ASSET_MAX_BYTES ((size_t)1 << 20)

char *asset_path(const struct nginx_settings *s, struct arena *a, const struct asset *which)
{
	return arena_printf(a, "%s/assets/%s", s->directory, which->hash);
}

static bool is_whole(const struct nginx_settings *s, const struct asset *which)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *text, hex[SHA256_HEX_SIZE];
	size_t length;
	struct err e;
	if (fs_read(asset_path(s, &a, which), ASSET_MAX_BYTES, &a, &text, &length, &e) < 0)
		return false;
	sha256_hex(text, length, hex);
	return strcmp(hex, which->hash) == 0;
}

/* The next asset of a topology, in *out; false: there are no more. Starts with *at 0. */
static bool next_asset(const struct topology *t, size_t *at, struct asset *out, const struct intake_row **row, const struct route **r)
{
	for (; *at < t->routes_count * INTAKE_ROWS; (*at)++) {
		*r = &t->routes[*at / INTAKE_ROWS];
		*row = &intake_rows[*at % INTAKE_ROWS];
		struct intake in = (*r)->in;
		if ((*row)->kind != INTAKE_ASSET || !intake_asset(&in, *row)->hash || !config_is_route(*r))
			continue;
		*out = *intake_asset(&in, *row);
		(*at)++;
		return true;
	}
	return false;
}

int assets_write(const struct nginx_settings *s, struct arena *a, const struct topology *t, struct err *e)
{
	const struct intake_row *row;
	const struct route *r;
	struct asset asset;
	for (size_t at = 0; next_asset(t, &at, &asset, &row, &r);) {
		mode_t mode = strcmp(row->word, "key") == 0 ? 0600 : 0644;
		if (!asset.bytes || is_whole(s, &asset))
			continue;
		if (fs_mkdir(arena_printf(a, "%s/assets", s->directory), 0755, e) < 0 ||
		    fs_write(asset_path(s, a, &asset), asset.bytes, asset.length, mode, e) < 0)
			return -1;
	}
	return 0;
}

const char *assets_problem(const struct nginx_settings *s, struct arena *a, const struct topology *t)
{
	const struct intake_row *row;
	const struct route *r;
	struct asset asset;
	for (size_t at = 0; next_asset(t, &at, &asset, &row, &r);)
		if (!is_whole(s, &asset))
			return arena_printf(a, "the %s of %s was changed by hand or is gone", row->word, r->host);
	return NULL;
}

static bool has_asset(const struct topology *t, const char *name)
{
	const struct intake_row *row;
	const struct route *r;
	struct asset asset;
	for (size_t at = 0; next_asset(t, &at, &asset, &row, &r);)
		if (strcmp(asset.hash, name) == 0)
			return true;
	return false;
}

void assets_sweep(const struct nginx_settings *s, struct arena *a, const struct topology *one, const struct topology *other)
{
	struct err e;
	DIR *d = opendir(arena_printf(a, "%s/assets", s->directory));
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_name[0] != '.' && !has_asset(one, entry->d_name) && !has_asset(other, entry->d_name) &&
		    fs_remove_tree(arena_printf(a, "%s/assets/%s", s->directory, entry->d_name), &e) < 0)
			log_warning("%s", e.message);
	if (d)
		closedir(d);
}
