/* The table to JSON Schema (draft 2020-12): for editors that complete and check a manifest while it is written. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "desired/fields.h"
#include "desired/manifest.h"

#define VARIABLE "{\"type\":\"string\",\"pattern\":\"\\\\$\"}"
#define STRINGS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define FLAG "{\"anyOf\":[{\"type\":\"boolean\"}," VARIABLE "]}"
#define PAIRS "{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":" SCALAR "}," STRINGS "]}"
#define SHARE "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0,\"exclusiveMaximum\":100}," \
	"{\"type\":\"string\",\"pattern\":\"^[0-9]*\\\\.?[0-9]*%?$|\\\\$\"}]}"
#define HOLD "{\"type\":\"string\",\"pattern\":\"^manual$|^([0-9]*\\\\.?[0-9]*(ns|us|\\u00b5s|\\u03bcs|ms|s|m|h|d|w))+$|\\\\$\"}"
#define SCALAR "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}"

/* What each shape allows; a text with a $ in it may become anything. */
static const char *const shapes[SHAPE_COUNT] = {
	[SHAPE_STRING] = "{\"type\":\"string\"}",
	[SHAPE_NUMBER] = "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"pattern\":\"^-?[0-9]+$|\\\\$\"}]}",
	[SHAPE_BOOL] = "{\"anyOf\":[{\"type\":\"boolean\"}," VARIABLE "]}",
	[SHAPE_SIZE] = "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"pattern\":"
	               "\"^([0-9]+\\\\.?[0-9]*|\\\\.[0-9]+) ?([bB]|[kKmMgGtTpP]([iI]?[bB])?)?$|^-1$|\\\\$\"}]}",
	[SHAPE_DURATION] = "{\"type\":\"string\",\"pattern\":\"^([0-9]*\\\\.?[0-9]*(ns|us|\\u00b5s|\\u03bcs|ms|s|m|h|d|w))+$|\\\\$\"}",
	[SHAPE_PORT] = "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
	               "{\"type\":\"string\",\"pattern\":\"^[0-9]+$|\\\\$\"}]}",
	[SHAPE_COMMAND] = "{\"anyOf\":[{\"type\":[\"string\",\"null\"]}," STRINGS "]}",
	[SHAPE_ENVIRONMENT] = "{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":" SCALAR "}," STRINGS "]}",
	[SHAPE_VOLUMES] =
	    "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
	    "\"properties\":{\"type\":{\"type\":\"string\",\"enum\":[\"volume\",\"bind\",\"tmpfs\"]},"
	    "\"source\":{\"type\":\"string\"},\"target\":{\"type\":\"string\"},"
	    "\"read_only\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]},"
	    "\"consistency\":{\"type\":\"string\"},\"bind\":{\"type\":\"object\","
	    "\"properties\":{\"create_host_path\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\","
	    "\"pattern\":\"\\\\$\"}]},\"propagation\":{\"type\":\"string\"},\"selinux\":{\"enum\":[\"z\",\"Z\"]}},"
	    "\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}},\"volume\":{\"type\":\"object\","
	    "\"properties\":{\"nocopy\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\","
	    "\"pattern\":\"\\\\$\"}]}},\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}},"
	    "\"tmpfs\":{\"type\":\"object\",\"properties\":{\"size\":{\"type\":[\"string\",\"integer\"]},"
	    "\"mode\":{\"type\":[\"string\",\"integer\"]}},\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}},\"required\":[\"type\",\"target\"],\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}]}}",
	[SHAPE_DEPENDS_ON] = "{\"anyOf\":[" STRINGS ",{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\","
	                     "\"properties\":{\"condition\":{\"enum\":[\"service_started\",\"service_healthy\","
	                     "\"service_completed_successfully\"]},\"required\":" FLAG ",\"restart\":" FLAG "},"
	                     "\"required\":[\"condition\"],\"additionalProperties\":false}}]}",
	[SHAPE_RESTART] = "{\"type\":\"string\",\"pattern\":\"^(no|always|unless-stopped|on-failure(:[0-9]+)?)$|\\\\$\"}",
	[SHAPE_TEST] = "{\"anyOf\":[{\"type\":[\"string\",\"null\"]}," STRINGS "]}",
	[SHAPE_PORTS] = "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}}",
	[SHAPE_NETWORKS] =
	    "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"object\","
	    "\"additionalProperties\":{\"type\":[\"object\",\"null\"],\"properties\":{\"aliases\":{\"type\":\"array\","
	    "\"items\":{\"type\":\"string\"}},\"ipv4_address\":{\"type\":\"string\"},"
	    "\"ipv6_address\":{\"type\":\"string\"}},\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}}]}",
	[SHAPE_STRATEGY] = "{\"type\":\"string\",\"enum\":[\"rolling\",\"blue-green\",\"canary\",\"in-place\"]}",
	[SHAPE_CPUS] = "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},"
	               "{\"type\":\"string\",\"pattern\":\"^[0-9]*\\\\.?[0-9]*$|\\\\$\"}]}",
	[SHAPE_ANY] = "{}",
	[SHAPE_STRINGS] = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
	[SHAPE_STRINGS_OR_ONE] =
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
	[SHAPE_PAIRS] =
	    "{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\","
	    "\"null\"]}},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
	[SHAPE_MAP] =
	    "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}",
	[SHAPE_GROUPS] = "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}}",
	[SHAPE_PORT_BINDINGS] =
	    "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":[\"string\",\"integer\"]},{\"type\":\"object\","
	    "\"properties\":{\"target\":{\"type\":[\"string\",\"integer\"]},\"published\":{\"type\":[\"string\","
	    "\"integer\"]},\"host_ip\":{\"type\":\"string\"},\"protocol\":{\"type\":\"string\"},"
	    "\"mode\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"app_protocol\":{\"type\":\"string\"}},"
	    "\"required\":[\"target\"],\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}]}}",
	[SHAPE_NETWORK_MODE] = "{\"type\":\"string\",\"pattern\":\"^(bridge|default|host|none)$|\\\\$\"}",
	[SHAPE_ENV_FILE] =
	    "{\"anyOf\":[{\"type\":\"string\"},{\"$ref\":\"#/$defs/env_file\"},{\"type\":\"array\","
	    "\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"$ref\":\"#/$defs/env_file\"}]}}]}",
	[SHAPE_DEVICES] =
	    "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
	    "\"properties\":{\"source\":{\"type\":\"string\"},\"target\":{\"type\":\"string\"},"
	    "\"permissions\":{\"type\":\"string\"}},\"required\":[\"source\"],\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}]}}",
	[SHAPE_ULIMITS] =
	    "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":[\"string\",\"integer\"]},"
	    "{\"type\":\"object\",\"properties\":{\"soft\":{\"type\":[\"string\",\"integer\"]},"
	    "\"hard\":{\"type\":[\"string\",\"integer\"]}},\"required\":[\"soft\",\"hard\"],"
	    "\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}]}}",
	[SHAPE_EXTRA_HOSTS] =
	    "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"object\","
	    "\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\","
	    "\"items\":{\"type\":\"string\"}}]}}]}",
	[SHAPE_PULL_POLICY] = "{\"type\":\"string\",\"pattern\":\"^(always|missing|if_not_present|never|build)$|\\\\$\"}",
	[SHAPE_EXTENDS] =
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{\"service\":{\"type\":\"string\"},"
	    "\"file\":{\"type\":\"string\"}},\"required\":[\"service\"],\"additionalProperties\":false}]}",
	[SHAPE_FILES] =
	    "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{"
	    "\"source\":{\"type\":\"string\"},\"target\":{\"type\":\"string\"},\"uid\":{\"type\":[\"string\",\"integer\"]},"
	    "\"gid\":{\"type\":[\"string\",\"integer\"]},\"mode\":{\"type\":[\"string\",\"integer\"]}},\"required\":[\"source\"],"
	    "\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}]}}",
	[SHAPE_GPUS] = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	    "\"driver\":{\"type\":\"string\"},\"count\":{\"type\":[\"string\",\"integer\"]},\"device_ids\":" STRINGS ","
	    "\"capabilities\":" STRINGS ",\"options\":{\"type\":\"object\"}},\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}}]}",
	[SHAPE_BUILD] =
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{\"context\":{\"type\":\"string\"},"
	    "\"dockerfile\":{\"type\":\"string\"},\"dockerfile_inline\":{\"type\":\"string\"},\"args\":" PAIRS ","
	    "\"target\":{\"type\":\"string\"},\"cache_from\":" STRINGS ",\"cache_to\":" STRINGS ",\"labels\":" PAIRS ","
	    "\"network\":{\"type\":\"string\"},\"no_cache\":" FLAG ",\"pull\":" FLAG ","
	    "\"shm_size\":{\"type\":[\"string\",\"integer\"]},\"extra_hosts\":{\"type\":[\"array\",\"object\"]},"
	    "\"tags\":" STRINGS "},\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}]}",
	[SHAPE_HOLD] = HOLD,
	[SHAPE_ANALYSIS] =
	    "{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"^(on|off)$|\\\\$\"},{\"type\":\"object\","
	    "\"properties\":{\"max_error_rate\":{\"type\":\"string\",\"pattern\":\"^[0-9.]+[%x]$|\\\\$\"},"
	    "\"max_latency_p99\":{\"type\":\"string\"},\"min_requests\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},"
	    "{\"type\":\"string\",\"pattern\":\"\\\\$\"}]},"
	    "\"max_hold\":{\"type\":\"string\"},\"on_inconclusive\":{\"type\":\"string\",\"pattern\":\"^(pause|promote|abort)$|\\\\$\"},\"query\":{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"},"
	    "\"promql\":{\"type\":\"string\"},\"max\":{\"type\":[\"number\",\"string\"]}},\"required\":[\"url\",\"promql\",\"max\"],"
	    "\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}},\"additionalProperties\":false,"
	    "\"patternProperties\":{\"^x-\":{}}}]}",
	[SHAPE_STEPS] = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[" SHARE ",{\"type\":\"object\",\"properties\":{\"weight\":" SHARE
	                ",\"hold\":" HOLD ",\"instances\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1}," VARIABLE "]}},\"required\":[\"weight\"],\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}]}}",
};

#define KEPT(more) \
	"\"additionalProperties\":{\"type\":\"object\",\"properties\":{\"file\":{\"type\":\"string\"}," more \
	"\"environment\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"labels\":{}},\"additionalProperties\":false," \
	"\"patternProperties\":{\"^x-\":{}}},\"patternProperties\":{\"^x-\":{}}"

#define PLACE "\"type\":[\"string\",\"integer\"]"
#define PART_INSIDE "cookie:[A-Za-z0-9_]{1,64}|header:[A-Za-z0-9-]{1,64}"
#define FLAG_INSIDE "\"anyOf\":[{\"type\":\"boolean\"}," VARIABLE "]"

static const char head[] =
	"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"A manifest of reconcile\","
	"\"description\":\"A Compose file; what Compose cannot say stands under x-reconcile.\",\"type\":\"object\","
	"\"required\":[\"services\"],\"additionalProperties\":false,\"patternProperties\":{\"^x-(?!reconcile$)\":{}},"
	"\"properties\":{"
	"\"name\":{\"description\":\"The project's name; default: the folder's.\",\"type\":\"string\"},"
	"\"version\":{\"description\":\"Ignored.\"},"
	"\"volumes\":{\"description\":\"Named volumes that the services mount.\",\"type\":[\"object\",\"null\"],"
	"\"additionalProperties\":{\"type\":[\"object\",\"null\"],"
	"\"properties\":{\"name\":{\"description\":\"The engine's name for it; default: project_key.\","
	"\"type\":\"string\"},\"external\":{\"anyOf\":[{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\","
	"\"pattern\":\"\\\\$\"}]},{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},"
	"\"additionalProperties\":false}],\"description\":\"It is there already: never made, never changed.\"},"
	"\"driver\":{\"type\":\"string\"},\"driver_opts\":{\"type\":\"object\","
	"\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}},"
	"\"labels\":{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\","
	"\"boolean\",\"null\"]}},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}},\"additionalProperties\":false,"
	"\"patternProperties\":{\"^x-\":{}}},\"patternProperties\":{\"^x-\":{}}},"
	"\"networks\":{\"description\":\"Networks that the services join; default is there without a word.\","
	"\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"type\":[\"object\",\"null\"],"
	"\"properties\":{\"name\":{\"description\":\"The engine's name for it; default: project_key.\","
	"\"type\":\"string\"},\"external\":{\"anyOf\":[{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\","
	"\"pattern\":\"\\\\$\"}]},{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},"
	"\"additionalProperties\":false}],\"description\":\"It is there already: never made, never changed.\"},"
	"\"driver\":{\"type\":\"string\"},\"driver_opts\":{\"type\":\"object\","
	"\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}},"
	"\"internal\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]},"
	"\"attachable\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]},"
	"\"enable_ipv6\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]},"
	"\"labels\":{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\","
	"\"boolean\",\"null\"]}},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]},\"ipam\":{\"type\":\"object\","
	"\"properties\":{\"driver\":{\"type\":\"string\"},\"config\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"properties\":{\"subnet\":{\"type\":\"string\"},\"ip_range\":{\"type\":\"string\"},"
	"\"gateway\":{\"type\":\"string\"},\"aux_addresses\":{\"type\":\"object\","
	"\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}},"
	"\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}},\"options\":{\"type\":\"object\","
	"\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}},"
	"\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}}},\"additionalProperties\":false,"
	"\"patternProperties\":{\"^x-\":{}}},\"patternProperties\":{\"^x-\":{}}},"
	"\"secrets\":{\"description\":\"What services may get as files in /run/secrets.\",\"type\":[\"object\",\"null\"],"
	KEPT("") "},"
	"\"configs\":{\"description\":\"What services may get as files.\",\"type\":[\"object\",\"null\"],"
	KEPT("\"content\":{\"type\":\"string\"},") "},"
	"\"x-reconcile\":{\"description\":\"What Compose cannot say.\",\"type\":\"object\",\"additionalProperties\":false,"
	"\"properties\":{\"routes\":{\"description\":\"Which hosts and paths lead to which services.\",\"type\":\"array\",\"items\":{"
	"\"type\":\"object\",\"required\":[\"to\"],\"oneOf\":[{\"required\":[\"host\"]},{\"required\":[\"upstream\"]},"
	"{\"required\":[\"tcp\"]},{\"required\":[\"udp\"]}],"
	"\"additionalProperties\":false,\"properties\":{"
	"\"host\":{\"description\":\"Host name, *.example.com, or _ for any other; or a list of them.\",\"anyOf\":["
	"{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}]},"
	"\"upstream\":{\"description\":\"Instead of host: the name under which a server of your own reaches it, as in proxy_pass "
	"http://NAME.\",\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_-]*$|\\\\$\"},"
	"\"tcp\":{\"description\":\"Instead of host: a port (or address:port) of the host whose connections are passed on.\"," PLACE "},"
	"\"udp\":{\"description\":\"The same for packets.\"," PLACE "},"
	"\"listen\":{\"description\":\"Port, or address:port. Default: the setting nginx.listen; with tls 443.\"," PLACE "},"
	"\"redirect\":{\"description\":\"With tls: send http on to https, from the setting nginx.listen (true) or this port.\",\"anyOf\":["
	"{\"type\":\"boolean\"},{" PLACE "}]},"
	"\"tls\":{\"description\":\"PEM files on the host. A content that changes is taken over at the next run.\",\"type\":\"object\","
	"\"required\":[\"certificate\",\"key\"],\"additionalProperties\":false,\"properties\":{"
	"\"certificate\":{\"description\":\"The certificate, with those between it and the authority.\",\"type\":\"string\"},"
	"\"key\":{\"description\":\"Its private key.\",\"type\":\"string\"},"
	"\"http2\":{\"description\":\"Default: true.\"," FLAG_INSIDE "},"
	"\"hsts\":{\"description\":\"How long browsers shall come by https only, like 365d. Default: not said.\",\"type\":\"string\"}}},"
	"\"client_max_body_size\":{\"description\":\"The largest body of a request; 0: any. Default: nginx's, 1m.\","
	"\"type\":[\"string\",\"integer\"]},"
	"\"proxy_connect_timeout\":{\"description\":\"Default: 1s.\",\"type\":\"string\"},"
	"\"proxy_send_timeout\":{\"description\":\"Default: nginx's, 60s.\",\"type\":\"string\"},"
	"\"proxy_read_timeout\":{\"description\":\"Default: nginx's, 60s.\",\"type\":\"string\"},"
	"\"proxy_timeout\":{\"description\":\"tcp and udp: how long both sides may be silent. Default: 1d, with udp 30s.\",\"type\":\"string\"},"
	"\"maintenance\":{\"description\":\"An HTML file that is shown while nothing can serve, with 503.\",\"type\":\"string\"},"
	"\"split\":{\"description\":\"What a client keeps its service and its revision by: its address, a cookie (set for who has none) or "
	"a header. Default: random, each request for itself.\",\"type\":\"string\","
	"\"pattern\":\"^(random|address|" PART_INSIDE ")$|\\\\$\"},"
	"\"testers\":{\"description\":\"The header or cookie that asks for the new revision (always) or the old one (never).\","
	"\"type\":\"string\",\"pattern\":\"^(" PART_INSIDE ")$|\\\\$\"},"
	"\"path\":{\"description\":\"That, and all below it; the longest wins. Default: /.\",\"type\":\"string\","
	"\"pattern\":\"^/[A-Za-z0-9._~/-]*$|\\\\$\"},"
	"\"to\":{\"description\":\"service:port, the port inside the container; or several that share the requests.\",\"anyOf\":["
	"{\"$ref\":\"#/$defs/target\"},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"required\":[\"service\","
	"\"weight\"],\"additionalProperties\":false,\"properties\":{\"service\":{\"$ref\":\"#/$defs/target\"},"
	"\"weight\":{\"description\":\"Percent of the requests; together they are 100.\",\"anyOf\":[{\"type\":\"integer\","
	"\"minimum\":0,\"maximum\":100},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]}}}}]}}}},"
	"\"atomic\":{\"description\":\"true: all services of the project come to what Git says, or none does.\",\"type\":\"boolean\"},"
	"\"host\":{\"description\":\"What the host itself has.\",\"type\":\"object\",\"additionalProperties\":false,"
	"\"properties\":{\"swap\":{\"description\":\"A swap file, made and kept.\",\"type\":\"object\",\"required\":[\"size\"],"
	"\"additionalProperties\":false,\"properties\":{"
	"\"file\":{\"description\":\"Where it is. Default: /swapfile.\",\"type\":\"string\",\"pattern\":\"^/|\\\\$\"}}}}}}},"
	"\"services\":{\"description\":\"What runs.\",\"type\":\"object\",\"patternProperties\":{\"^x-\":{},"
	"\"^(?!x-)[a-zA-Z0-9._-]+$\":{\"$ref\":\"#/$defs/service\"}},\"additionalProperties\":false}},\"$defs\":{"
	"\"target\":{\"type\":\"string\",\"pattern\":\"^[^:]+:[0-9]+$|\\\\$\"},"
	"\"env_file\":{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"},"
	"\"required\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]}},"
	"\"required\":[\"path\"],\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}}},"
	"\"service\":{}}}";

/* cJSON answers NULL only when memory is out, or when a text above is no JSON: then a test fails here. */
static cJSON *parse(const char *text)
{
	cJSON *json = cJSON_Parse(text);
	if (!json)
		abort();
	return json;
}

static cJSON *section(cJSON *parent, const char *name, bool is_ours)
{
	cJSON *properties = cJSON_GetObjectItemCaseSensitive(parent, "properties");
	cJSON *found = cJSON_GetObjectItemCaseSensitive(properties, name);
	if (found)
		return found;
	found = parse(is_ours ? "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
	                      : "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false,"
	                        "\"patternProperties\":{\"^x-(?!reconcile$)\":{}}}");
	cJSON_AddItemToObject(properties, name, found);
	return found;
}

static cJSON *described(enum shape shape, const char *doc)
{
	cJSON *leaf = parse(shapes[shape]);
	cJSON_AddStringToObject(leaf, "description", doc);
	return leaf;
}

static void add_swap(cJSON *root)
{
	static const char *const way[] = {"x-reconcile", "host", "swap"};
	for (size_t i = 0; i < ARRAY_LEN(way); i++)
		root = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "properties"), way[i]);
	root = cJSON_GetObjectItemCaseSensitive(root, "properties");
	cJSON_AddItemToObject(root, "size", described(SHAPE_SIZE, "Its size, at least 1m."));
	cJSON_AddItemToObject(root, "swappiness", described(SHAPE_NUMBER, "vm.swappiness, from 0 to 200. Default: as it is."));
}

static void add_row(cJSON *service, const struct field_row *row)
{
	char name[64];
	const char *path = row->field.path;
	bool is_ours = strncmp(path, "x-reconcile", 11) == 0;
	cJSON *at = service;
	for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
		at = section(at, name, is_ours);
	}
	char text[2048];
	snprintf(text, sizeof text, "%s%s%s%s", row->doc, row->fallback ? " Default: " : "", row->fallback ? row->fallback : "",
	         row->fallback ? "." : "");
	cJSON_AddItemToObject(cJSON_GetObjectItemCaseSensitive(at, "properties"), path, described(row->shape, text));
}

void schema_print(struct buf *out)
{
	size_t count, shown;
	const struct field_row *rows = fields_table(&count, &shown);
	cJSON *root = parse(head);
	cJSON *definitions = cJSON_GetObjectItemCaseSensitive(root, "$defs");
	cJSON *service = parse("{\"type\":\"object\",\"additionalProperties\":false,"
	                       "\"patternProperties\":{\"^x-(?!reconcile$)\":{}},\"properties\":{}}");
	cJSON_ReplaceItemInObjectCaseSensitive(definitions, "service", service);
	add_swap(root);
	for (size_t i = 0; i < count; i++)
		if (rows[i].parse)
			add_row(service, &rows[i]);
	char *text = cJSON_Print(root);
	cJSON_Delete(root);
	if (!text)
		abort();
	buf_puts(out, text);
	buf_puts(out, "\n");
	cJSON_free(text);
}
