/* Broken manifests, each with every line that it must give: where, what, and what to do. */
#include "check.h"

#include "desired_load.h"

#define ROUTE "x-reconcile: {routes: [{host: h, to: web:80}]}\n"

static const struct {
	const char *text, *problems;
} rows[] = {
	{"",
	 "compose.yaml: empty compose file\n"},
	{"# nothing\n",
	 "compose.yaml: empty compose file\n"},
	{"a: [\n",
	 "compose.yaml:2:1: not valid YAML: did not find expected node content, while parsing a flow node that began on line 2\n"},
	{"services: {}\nservices: {}\n",
	 "compose.yaml:2:1: the key 'services' is here a second time; the first is on line 1\n"},
	{"1: x\n",
	 "compose.yaml:1:1: the key '1' is not text; put it in quotes\n"},
	{"services: {a: {image: !reset x}}\n",
	 "compose.yaml:1:23: the tag '!reset' only means something when several files are merged, and that is not supported yet; remove it\n"},
	{"services: {a: {image: !mine x}}\n",
	 "compose.yaml:1:23: the tag '!mine' is not supported; remove it\n"},
	{"--- {services: {}}\n--- {}\n",
	 "compose.yaml:2:1: a second document; one file holds one document, remove the '---'\n"},
	{"a: &a [*a]\n",
	 "compose.yaml:1:8: the alias '*a' stands inside its own anchor\n"},
	{"a: *b\n",
	 "compose.yaml:1:4: the alias '*b' has no anchor '&b' above it\n"},
	{"x: {<<: 5}\n",
	 "compose.yaml:1:5: '<<' takes a map, or a list of maps\n"},
	{"x: {<<: {a: b}, <<: {c: d}}\n",
	 "compose.yaml:1:17: a second '<<' in one map; write one with a list: <<: [*a, *b]\n"},
	{"services: {\"a\\0b\": {}}\n",
	 "compose.yaml:1:12: the text holds a NUL character, which no setting of a container can\n"},
	{"- a\n",
	 "compose.yaml:1:1: a manifest is a map that has services, not a list\n"},
	{"name: shop\n",
	 "compose.yaml:1:1: there are no services; nothing is changed, and nothing that runs is removed\n"},
	{"service:\n  web: {image: a}\n",
	 "compose.yaml:1:1: unknown key 'service'; did you mean 'services'?\n"},
	{"include: []\nservices: {}\n",
	 "compose.yaml:1:1: 'include' is not supported yet; remove it\n"},
	{"services: []\n",
	 "compose.yaml:1:11: services: must be a map of services\n"},
	{"services:\n  web:\n",
	 "compose.yaml:2:7: services.web: must be a map, not one value\n"},
	{"services:\n  we b: {image: a}\n",
	 "compose.yaml:2:3: services: 'we b' is no service name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web: {}\n",
	 "compose.yaml:2:3: services.web: has no image; write one, like image: nginx:1.27, or a folder to build it from, like build: .\n"},
	{"services:\n  web:\n    image: a\n    imgae: b\n",
	 "compose.yaml:4:5: services.web: unknown key 'imgae'; did you mean 'image'?\n"},
	{"services:\n  web:\n    image: a\n    zzzzzz: true\n",
	 "compose.yaml:4:5: services.web: unknown key 'zzzzzz'; remove it, or write x- in front to keep it as a note\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 5OO\n",
	 "compose.yaml:4:16: services.web.mem_limit: '5OO' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: ${MEM}\n",
	 "compose.yaml:4:16: services.web.mem_limit: '${MEM}' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 1m\n",
	 "compose.yaml:4:16: services.web.mem_limit: '1m' is less than 6m, the least that Docker takes\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 1.5\n",
	 "compose.yaml:4:16: services.web.mem_limit: '1.5' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\n    memswap_limit: 1g\n",
	 "compose.yaml:4:20: services.web.memswap_limit: needs a memory limit beside it; write mem_limit or deploy.resources.limits.memory\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 512m\n    memswap_limit: 256m\n",
	 "compose.yaml:5:20: services.web.memswap_limit: is less than the memory limit, but it counts memory and swap together; write at least as much\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 512m\n    deploy: {resources: {limits: {memory: 256m}}}\n",
	 "compose.yaml:5:43: services.web.deploy.resources.limits.memory: differs from mem_limit on line 4, which means the same; write one of them\n"},
	{"services:\n  web:\n    image: a\n    deploy: {resources: {limit: {memory: 256m}}}\n",
	 "compose.yaml:4:26: services.web.deploy.resources: unknown key 'limit'; did you mean 'limits'?\n"},
	{"services:\n  web:\n    image: a\n    deploy: {replicas: many}\n",
	 "compose.yaml:4:24: services.web.deploy.replicas: 'many' is no number from 0 to 1000\n"},
	{"services:\n  web:\n    image: a\n    deploy: 3\n",
	 "compose.yaml:4:13: services.web.deploy: must be a map, not one value\n"},
	{"services:\n  web:\n    image: a\n    cpus: 0.001\n",
	 "compose.yaml:4:11: services.web.cpus: '0.001' is less than 0.01, the least that Docker takes\n"},
	{"services:\n  web:\n    image: a\n    cpus: some\n",
	 "compose.yaml:4:11: services.web.cpus: 'some' is no number of CPUs; write one like 0.5 or 2\n"},
	{"services:\n  web:\n    image: a\n    pids_limit: 1.5\n",
	 "compose.yaml:4:17: services.web.pids_limit: '1.5' is no number from -1 to 2147483647\n"},
	{"services:\n  web:\n    image: a\n    pull_policy: daily\n",
	 "compose.yaml:4:18: services.web.pull_policy: 'daily' is not supported yet; write always, missing or never\n"},
	{"services:\n  web:\n    image: a\n    restart: sometimes\n",
	 "compose.yaml:4:14: services.web.restart: 'sometimes' is no restart policy; write \"no\", always, unless-stopped, on-failure or on-failure:5\n"},
	{"services:\n  web:\n    image: a\n    restart: false\n",
	 "compose.yaml:4:14: services.web.restart: 'false' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    stop_grace_period: 30\n",
	 "compose.yaml:4:24: services.web.stop_grace_period: '30' is no duration; write a number with ms, s, m or h, like 30s or 1m30s\n"},
	{"services:\n  web:\n    image: a\n    healthcheck: {interval: 1us}\n",
	 "compose.yaml:4:29: services.web.healthcheck.interval: '1us' is shorter than 1ms, the least that Docker takes\n"},
	{"services:\n  web:\n    image: a\n    healthcheck: {test: [curl, x]}\n",
	 "compose.yaml:4:26: services.web.healthcheck.test: the list must begin with CMD, CMD-SHELL or NONE, not 'curl'\n"},
	{"services:\n  web:\n    image: a\n    healthcheck: {disable: maybe}\n",
	 "compose.yaml:4:28: services.web.healthcheck.disable: 'maybe' is neither true nor false\n"},
	{"services:\n  web:\n    image: a\n    command: [echo, 5]\n",
	 "compose.yaml:4:21: services.web.command: '5' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    command: echo \"a\n",
	 "compose.yaml:4:14: services.web.command: what \" opens is never closed\n"},
	{"services:\n  web:\n    image: a\n    command: (echo a)\n",
	 "compose.yaml:4:14: services.web.command: an unquoted '(' would need a shell; write a list: [sh, -c, \"...\"]\n"},
	{"services:\n  web:\n    image: a\n    environment: A=b\n",
	 "compose.yaml:4:18: services.web.environment: must be a map (NAME: value) or a list (- NAME=value)\n"},
	{"services:\n  web:\n    image: a\n    environment: [\"A =b\"]\n",
	 "compose.yaml:4:19: services.web.environment: the variable's name 'A ' has a blank or '=' in it\n"},
	{"services:\n  web:\n    image: a\n    environment: [{A: b}]\n",
	 "compose.yaml:4:19: services.web.environment: must be text, not a map\n"},
	{"services:\n  web:\n    image: a\n    environment: {A: [b]}\n",
	 "compose.yaml:4:22: services.web.environment: the value of A must be one text or number, not a list\n"},
	{"services:\n  web:\n    image: a\n    environment: {A: 2020-01-01}\n",
	 "compose.yaml:4:22: services.web.environment: the value of A, '2020-01-01', is a date in YAML; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    environment: {A: \"${B\"}\n",
	 "compose.yaml:4:22: services.web.environment: invalid interpolation format '${B'; write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a $\n"},
	{"services:\n  web:\n    image: a\n    environment: {A: \"${B:?set it in the host's env file}\"}\n",
	 "compose.yaml:4:22: services.web.environment: the variable B has no value: set it in the host's env file\n"},
	{"services:\n  web:\n    image: a\n    volumes: [data:/d]\n",
	 "compose.yaml:4:15: services.web.volumes: the volume 'data' is not declared; add it to volumes at the top level, as 'data: {}'\n"},
	{"services:\n  web:\n    image: a\n    volumes: [v:/d]\n",
	 "compose.yaml:4:15: services.web.volumes: 'v:/d': Compose takes a name of one letter for a drive; write a longer one\n"},
	{"services:\n  web:\n    image: a\n    volumes: [\"~/x:/d\"]\n",
	 "compose.yaml:4:15: services.web.volumes: '~/x:/d': HOME is not set, so '~' means nothing; write the whole path\n"},
	{"services:\n  web:\n    image: a\n    volumes: [/x:/d:rox]\n",
	 "compose.yaml:4:15: services.web.volumes: '/x:/d:rox' ends with an unknown option; write ro, rw, z or Z\n"},
	{"services:\n  web:\n    image: a\n    volumes: [/x:/d:ro:z]\n",
	 "compose.yaml:4:15: services.web.volumes: '/x:/d:ro:z' has too many parts; write source:target or source:target:ro\n"},
	{"services:\n  web:\n    image: a\n    volumes: [/x:d]\n",
	 "compose.yaml:4:15: services.web.volumes: '/x:d': the target must be a whole path inside the container, like data:/var/lib/data\n"},
	{"services:\n  web:\n    image: a\n    volumes: [\"${EMPTY}:/d\"]\n",
	 "compose.yaml:4:15: services.web.volumes: '${EMPTY}:/d' has an empty part; write source:target, like data:/var/lib/data\n"},
	{"services:\n  web:\n    image: a\n    expose: [http]\n",
	 "compose.yaml:4:14: services.web.expose: 'http' is no port; write one from 1 to 65535, like 8080 or 53/udp\n"},
	{"services:\n  web:\n    image: a\n    depends_on: [db]\n",
	 "compose.yaml:4:18: services.web.depends_on: there is no service 'db'\n"},
	{"services:\n  web:\n    image: a\n    depends_on: [web]\n",
	 "compose.yaml:4:18: services.web.depends_on: web waits for itself; remove it\n"},
	{"services:\n  web:\n    image: a\n    depends_on: {db: {condition: healthy}}\n",
	 "compose.yaml:4:34: services.web.depends_on.db: 'healthy' is no condition; write service_started, service_healthy or service_completed_successfully\n"},
	{"services:\n  web:\n    image: a\n    depends_on: {db: {}}\n",
	 "compose.yaml:4:22: services.web.depends_on.db: has no condition; write service_started, service_healthy or service_completed_successfully\n"},
	{"services:\n  a: {image: a, depends_on: [b]}\n  b: {image: a, depends_on: [c]}\n  c: {image: a, depends_on: [a]}\n",
	 "compose.yaml:2:30: services.a.depends_on: a circle: a -> b -> c -> a; remove one of these\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary}\n",
	 "compose.yaml:4:29: services.web.x-reconcile.strategy: canary moves traffic, and no route leads to web; add one under x-reconcile.routes at the top level, or write in-place\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: green}\n",
	 "compose.yaml:4:29: services.web.x-reconcile.strategy: 'green' is no strategy; write rolling, blue-green, canary or in-place\n"},
	{"services:\n  web:\n    image: a\n    deploy: {update_config: {order: stop-first}}\n    x-reconcile: {strategy: rolling}\n"
	 "x-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:4:37: services.web.x-reconcile.strategy: rolling starts the new web first, and deploy.update_config.order says stop-first; remove one of them\n"},
	{"services:\n  web:\n    image: a\n    deploy: {update_config: {order: both}}\n",
	 "compose.yaml:4:37: services.web.deploy.update_config.order: must be start-first or stop-first, not 'both'\n"},
	{"services:\n  web:\n    image: a\n    deploy: {update_config: {paralellism: 2}}\n",
	 "compose.yaml:4:30: services.web.deploy.update_config: unknown key 'paralellism'; did you mean 'parallelism'?\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: blue-green}\n",
	 "compose.yaml:4:29: services.web.x-reconcile.strategy: blue-green moves traffic, and no route leads to web; add one under x-reconcile.routes at the top level, or write in-place\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {steps: [5, 25]}\n",
	 "compose.yaml:4:26: services.web.x-reconcile.steps: only canary goes in steps, and this is in-place; add strategy: canary, or remove the steps\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {atomic: maybe}\n",
	 "compose.yaml:4:23: x-reconcile.atomic: 'maybe' is neither true nor false\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {analysis: {max_error_rate: 1%}}\n",
	 "compose.yaml:4:29: services.web.x-reconcile.analysis: compares the new revision with the old one, and in-place never has both; add strategy: canary, or remove it\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: [1]}\n" ROUTE,
	 "compose.yaml:4:47: services.web.x-reconcile.analysis: must be a map, like {max_error_rate: 1%, min_requests: 100}, or on or off, not a list\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: never}\n" ROUTE,
	 "compose.yaml:4:47: services.web.x-reconcile.analysis: must be a map, like {max_error_rate: 1%, min_requests: 100}, or on or off, not 'never'\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {max_error_rate: 0.01}}\n" ROUTE,
	 "compose.yaml:4:64: services.web.x-reconcile.analysis.max_error_rate: '0.01' is no bound; write percent of the requests, like 1%, or a multiple of what the old revision has, like 1.5x\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {max_error_rate: 0.5x}}\n" ROUTE,
	 "compose.yaml:4:64: services.web.x-reconcile.analysis.max_error_rate: '0.5x' is no bound; write percent of the requests, like 1%, or a multiple of what the old revision has, like 1.5x\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {max_latency_p99: 500}}\n" ROUTE,
	 "compose.yaml:4:65: services.web.x-reconcile.analysis.max_latency_p99: '500' is no bound; write a time of at least 1ms, like 500ms, or a multiple of what the old revision has, like 1.5x\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {max_hold: 0s}}\n" ROUTE,
	 "compose.yaml:4:58: services.web.x-reconcile.analysis.max_hold: '0s' is no time to wait for requests in; write how long a step "
	 "lasts at most, like 10m\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {max_hold: soon}}\n" ROUTE,
	 "compose.yaml:4:58: services.web.x-reconcile.analysis.max_hold: 'soon' is no duration; write a number with ms, s, m or h, like "
	 "30s or 1m30s\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {min_requests: -1}}\n" ROUTE,
	 "compose.yaml:4:62: services.web.x-reconcile.analysis.min_requests: '-1' is no number from 0 to 2147483647\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {query: {url: 'http://127.0.0.1:9090', max: 1}}}\n" ROUTE,
	 "compose.yaml:4:55: services.web.x-reconcile.analysis.query: has no promql; it needs url, promql and max\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {query: {url: 'localhost:9090', promql: up, max: 1}}}\n" ROUTE,
	 "compose.yaml:4:61: services.web.x-reconcile.analysis.query.url: 'localhost:9090' is no address of a Prometheus; write one like http://127.0.0.1:9090\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {query: {url: 'http://a', promql: 'up{r=\"{{revison}}\"}', max: 1}}}\n" ROUTE,
	 "compose.yaml:4:81: services.web.x-reconcile.analysis.query.promql: unknown name '{{revison}}'; did you mean '{{revision}}'?\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {query: {url: 'http://a', promql: 'up{{', max: 1}}}\n" ROUTE,
	 "compose.yaml:4:81: services.web.x-reconcile.analysis.query.promql: unknown name in {{ }}; there are {{revision}}, {{service}}, {{project}} and {{window}}\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {query: {url: 'http://a', promql: up, max: few}}}\n" ROUTE,
	 "compose.yaml:4:90: services.web.x-reconcile.analysis.query.max: 'few' is no number; write the most that the query may answer, like 0.05\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: 5}\n" ROUTE,
	 "compose.yaml:4:44: services.web.x-reconcile.steps: must be a list of shares, like [5, 25, 50], or of {weight: 25, hold: 10m}\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [5, 120%]}\n" ROUTE,
	 "compose.yaml:4:48: services.web.x-reconcile.steps[1]: '120%' is no share of the traffic; write percent, from 0.1 to 99.9, like 5 or 0.5%, or 0 for a first step in the dark\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [25, 5]}\n" ROUTE,
	 "compose.yaml:4:49: services.web.x-reconcile.steps[1]: is no more than the step before; shares only rise\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [{hold: 5s}]}\n" ROUTE,
	 "compose.yaml:4:45: services.web.x-reconcile.steps[0]: has no weight; write one, like weight: 25\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [{wieght: 5}]}\n" ROUTE,
	 "compose.yaml:4:46: services.web.x-reconcile.steps[0]: unknown key 'wieght'; did you mean 'weight'?\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [5, {weight: 0}]}\n" ROUTE,
	 "compose.yaml:4:48: services.web.x-reconcile.steps[1]: is in the dark, with none of the requests; only the first step can be\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [0, 0%]}\n" ROUTE,
	 "compose.yaml:4:48: services.web.x-reconcile.steps[1]: is in the dark, with none of the requests; only the first step can be\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [{weight: 5, instances: 1}]}\n" ROUTE,
	 "compose.yaml:4:45: services.web.x-reconcile.steps[0]: has as many instances as its share needs; write them at a first step with weight: 0, or not at all\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, steps: [{weight: 0, instances: 0}]}\n" ROUTE,
	 "compose.yaml:4:68: services.web.x-reconcile.steps[0].instances: '0' is no number from 1 to 2147483647\n"},
	{"services:\n  web:\n    image: a\n    deploy: {replicas: 2}\n    x-reconcile: {strategy: canary, steps: [{weight: 0, instances: 3}, 5]}\n" ROUTE,
	 "compose.yaml:5:45: services.web.x-reconcile.steps[0]: 3 instances are more than its replicas: 2\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: blue-green, steps: [{weight: 0, instances: 2}]}\n" ROUTE,
	 "compose.yaml:4:49: services.web.x-reconcile.steps[0]: 2 instances are more than its replicas: 1\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: blue-green, steps: [0, 25]}\n" ROUTE,
	 "compose.yaml:4:52: services.web.x-reconcile.steps[1]: blue-green moves all of the requests at once, and has one step at most: {weight: 0}, in the dark; add strategy: canary, or remove it\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: rolling, steps: [0]}\n" ROUTE,
	 "compose.yaml:4:45: services.web.x-reconcile.steps: only canary goes in steps, and this is rolling; add strategy: canary, or remove the steps\n"},
	{"services:\n  web:\n    image: a\n    deploy: {replicas: 4, update_config: {parallelism: 2}}\n    x-reconcile: {strategy: rolling, pause_after: 2}\n" ROUTE,
	 "compose.yaml:5:51: services.web.x-reconcile.pause_after: leaves no batch to come: 4 replicas, 2 at a time, are 2 batches\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {pause_after: 1}\n" ROUTE,
	 "compose.yaml:4:32: services.web.x-reconcile.pause_after: leaves no batch to come: 1 replica, 1 at a time, is 1 batch\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {pause_after: 0}\n" ROUTE,
	 "compose.yaml:4:32: services.web.x-reconcile.pause_after: '0' is no number from 1 to 2147483647\n"},
	{"services:\n  web:\n    image: a\n    deploy: {replicas: 2}\n    x-reconcile: {strategy: canary, pause_after: 1}\n" ROUTE,
	 "compose.yaml:5:50: services.web.x-reconcile.pause_after: counts the batches of rolling, and this is canary; remove it\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {strategy: canary, analysis: {on_inconclusive: wait}}\n" ROUTE,
	 "compose.yaml:4:65: services.web.x-reconcile.analysis.on_inconclusive: must be pause, promote or abort, not 'wait'\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {rollback_window: 11}\n",
	 "compose.yaml:4:36: services.web.x-reconcile.rollback_window: '11' is no number from 0 to 10\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {rollback_window: -1}\n",
	 "compose.yaml:4:36: services.web.x-reconcile.rollback_window: '-1' is no number from 0 to 10\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {keep_old: manual}\n",
	 "compose.yaml:4:29: services.web.x-reconcile.keep_old: 'manual' is no duration; write a number with ms, s, m or h, like 30s or 1m30s\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {}\n",
	 "compose.yaml:4:18: services.web.x-reconcile: is empty; write something into it, or remove it\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {http: {path: /}}}\n",
	 "compose.yaml:4:40: services.web.x-reconcile.ready.http: has no port; write the port inside the container, like port: 8080\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {http: {port: 8080, path: health}}}\n",
	 "compose.yaml:4:52: services.web.x-reconcile.ready.http.path: 'health' does not begin with '/'\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {http: {port: 0}}}\n",
	 "compose.yaml:4:40: services.web.x-reconcile.ready.http.port: '0' is no number from 1 to 65535\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {http: {port: 80, status: 20}}}\n",
	 "compose.yaml:4:52: services.web.x-reconcile.ready.http.status: '20' is no number from 100 to 599\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {tpc: {port: 1}}}\n",
	 "compose.yaml:4:27: services.web.x-reconcile.ready: unknown key 'tpc'; did you mean 'tcp'?\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {http: {path: /}}}\n",
	 "compose.yaml:4:40: services.web.x-reconcile.smoke.http: has no port; write the port inside the container, like port: 8080\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {within: 5s}}\n",
	 "compose.yaml:4:35: services.web.x-reconcile.smoke.http: has no port; write the port inside the container, like port: 8080\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {http: {port: 8080, path: smoke}}}\n",
	 "compose.yaml:4:52: services.web.x-reconcile.smoke.http.path: 'smoke' does not begin with '/'\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {http: {port: 80, status: 20}}}\n",
	 "compose.yaml:4:52: services.web.x-reconcile.smoke.http.status: '20' is no number from 100 to 599\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {tcp: {port: 1}}}\n",
	 "compose.yaml:4:27: services.web.x-reconcile.smoke: unknown key 'tcp'; remove it, or write x- in front to keep it as a note\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {smoke: {http: {port: 80}, within: soon}}\n",
	 "compose.yaml:4:53: services.web.x-reconcile.smoke.within: 'soon' is no duration; write a number with ms, s, m or h, like 30s or 1m30s\n"},
	{"services:\n  web:\n    image: a\n    x-reconcile: {ready: {within: 5s, for: 10s}}\n",
	 "compose.yaml:4:44: services.web.x-reconcile.ready: `for` is longer than `within`, so it could never become ready; make `within` the longer one\n"},
	{"services:\n  web:\n    image: a\n    deploy: {x-reconcile: {}}\n",
	 "compose.yaml:4:14: services.web.deploy: x-reconcile does not belong here, but directly in the service\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {name: /x}}\n",
	 "compose.yaml:4:24: volumes.data.name: '/x' is no name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {}}\n",
	 "compose.yaml:4:21: x-reconcile.host: is empty; write something into it, like swap: {size: 2G}, or remove it\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: 2G}\n",
	 "compose.yaml:4:21: x-reconcile.host: must be a map, not '2G'\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {hots: {swap: {size: 2G}}}\n",
	 "compose.yaml:4:15: x-reconcile: unknown key 'hots'; did you mean 'host'?\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swop: {size: 2G}}}\n",
	 "compose.yaml:4:22: x-reconcile.host: unknown key 'swop'; did you mean 'swap'?\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {siez: 2G, x-size: 2G}}}\n",
	 "compose.yaml:4:29: x-reconcile.host.swap: unknown key 'siez'; did you mean 'size'?\n"
	 "compose.yaml:4:39: x-reconcile.host.swap: unknown key 'x-size'; did you mean 'size'?\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {file: /swapfile}}}\n",
	 "compose.yaml:4:28: x-reconcile.host.swap: has no size; write one, like swap: {size: 2G}\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: 2G}}\n",
	 "compose.yaml:4:28: x-reconcile.host.swap: must be a map, not '2G'\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: lots}}}\n",
	 "compose.yaml:4:35: x-reconcile.host.swap.size: 'lots' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: 0}}}\n",
	 "compose.yaml:4:35: x-reconcile.host.swap.size: '0' is no size for swap; write at least 1m, or remove host.swap to have none\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: 2G, swappiness: 201}}}\n",
	 "compose.yaml:4:51: x-reconcile.host.swap.swappiness: '201' is no number from 0 to 200\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: 2G, file: swapfile}}}\n",
	 "compose.yaml:4:45: x-reconcile.host.swap.file: 'swapfile' is no place for a swap file; write a whole path of letters, digits, "
	 "'.', '_' and '-', like /swapfile\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: 2G, file: /a/../b}}}\n",
	 "compose.yaml:4:45: x-reconcile.host.swap.file: '/a/../b' is no place for a swap file; write a whole path of letters, digits, "
	 "'.', '_' and '-', like /swapfile\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {host: {swap: {size: 2G, file: \"/a b\"}}}\n",
	 "compose.yaml:4:45: x-reconcile.host.swap.file: '/a b' is no place for a swap file; write a whole path of letters, digits, "
	 "'.', '_' and '-', like /swapfile\n"},
	{"services:\n  web:\n    image: a\nx-reconcile: {route: []}\n",
	 "compose.yaml:4:15: x-reconcile: unknown key 'route'; did you mean 'routes'?\n"},
	{"name: '!!'\nservices:\n  web:\n    image: a\n",
	 "compose.yaml:1:7: name: '!!' has no letter or digit in it; write a name like shop\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: x\n    cpus: y\n    restart: z\n",
	 "compose.yaml:4:16: services.web.mem_limit: 'x' is no size; write a number with b, k, m or g, like 512m\ncompose.yaml:5:11: services.web.cpus: 'y' is no number of CPUs; write one like 0.5 or 2\ncompose.yaml:6:14: services.web.restart: 'z' is no restart policy; write \"no\", always, unless-stopped, on-failure or on-failure:5\n"},
	{"services: &s\n  web: {image: 5}\n  api: {image: 5}\n",
	 "compose.yaml:2:16: services.web.image: '5' is not text; put it in quotes\ncompose.yaml:3:16: services.api.image: '5' is not text; put it in quotes\n"},
	{"services:\n  web: {image: \"\377\"}\n",
	 "compose.yaml:2:17: not valid YAML: invalid leading UTF-8 octet\n"},
	{"services:\n\tweb: {}\n",
	 "compose.yaml:2:1: not valid YAML: a tab; indent with blanks\n"},
};

static void every_message_is_literal(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loaded l;
		load(&l, rows[i].text);
		CHECK_STR(l.problems.text.text, rows[i].problems);
		CHECK_INT(l.result, -1);
		CHECK_INT(l.err.kind, ERR_INVALID);
		size_t lines = 0;
		for (const char *c = rows[i].problems; *c; c++)
			lines += *c == '\n';
		CHECK_INT(l.problems.count, lines);
		loaded_done(&l);
	}
}

/* Nothing is added when the manifest is refused. */
static void a_refused_manifest_adds_nothing(void)
{
	struct loaded l;
	load(&l, "services: {web: {image: a, prots: []}}");
	CHECK_INT(l.desired.projects_count, 0);
	CHECK_INT(l.desired.routes_count, 0);
	CHECK_STR(l.err.message, "compose.yaml: 1 problem");
	loaded_done(&l);
}

/* The example of the design uses what comes later: it must be told so, and never called unknown. */
static void what_comes_later_is_told(void)
{
	struct loaded l;
	load(&l, "name: parking\n"
	         "services:\n"
	         "  backend:\n"
	         "    image: parking/was:1.0.3\n"
	         "    x-reconcile:\n"
	         "      strategy: canary\n"
	         "      steps: [5, 25, 50]\n"
	         "      hold: 2m\n"
	         "      analysis: { max_error_rat: 1% }\n"
	         "x-reconcile:\n"
	         "  routes:\n"
	         "    - host: parking.example.com\n"
	         "      to: [{service: backend:8080, weight: 90}]\n");
	CHECK_STR(l.problems.text.text,
	          "compose.yaml:6:17: services.backend.x-reconcile.strategy: canary moves traffic, and no route leads to backend; add one under "
	          "x-reconcile.routes at the top level, or write in-place\n"
	          "compose.yaml:9:19: services.backend.x-reconcile.analysis: unknown key 'max_error_rat'; did you mean 'max_error_rate'?\n"
	          "compose.yaml:13:11: x-reconcile.routes: the weights make 90 together; they are percent, and must make 100\n");
	loaded_done(&l);
}

/* More than a hundred are counted, not listed. */
static void a_flood_is_cut(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	buf_puts(&text, "services:\n  web:\n    image: a\n");
	for (int i = 0; i < 250; i++)
		buf_printf(&text, "    wrong%d: x\n", i);
	struct loaded l;
	load(&l, text.text);
	size_t lines = 0;
	for (const char *c = l.problems.text.text; *c; c++)
		lines += *c == '\n';
	CHECK_INT(lines, 100);
	CHECK_INT(l.problems.count, 250);
	loaded_done(&l);
}

/* What an alias brings in twice is one line of the file. */
static void an_alias_is_told_once(void)
{
	struct loaded l;
	load(&l, "x-a: &a [\"A =b\"]\nservices:\n  a: {image: a, environment: *a}\n  b: {image: a, cpus: x, depends_on: {a: &d {}}}\n");
	CHECK_CONTAINS(l.problems.text.text, "compose.yaml:1:10: services.a.environment: the variable's name 'A '");
	loaded_done(&l);
}

static void expect_one(const char *text, size_t length, const char *problem)
{
	struct loaded l;
	load_bytes(&l, text, length);
	CHECK_STR(l.problems.text.text, problem);
	loaded_done(&l);
}

static void limits_hold(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(4 * 1024 * 1024);
	for (int i = 0; i < 70; i++)
		buf_puts(&text, "[");
	for (int i = 0; i < 70; i++)
		buf_puts(&text, "]");
	expect_one(text.text, text.length, "compose.yaml:1:65: nested deeper than 64 levels\n");
	buf_clear(&text);
	/* Ten anchors of ten aliases each: 10^10 values in a walk, 110 in the file. */
	buf_puts(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&text, "%s*a%d", j ? "," : "", i - 1);
		buf_puts(&text, "]\n");
	}
	expect_one(text.text, text.length,
	           "compose.yaml:5:38: too large: more than 100000 values once the aliases are expanded\n");
	buf_clear(&text);
	for (int i = 0; i < 2001; i++)
		buf_puts(&text, "- x\n");
	expect_one(text.text, text.length, "compose.yaml:2001:3: more than 2000 entries in one list\n");
	buf_clear(&text);
	for (int i = 0; i < 2001; i++)
		buf_printf(&text, "x-%d: x\n", i);
	expect_one(text.text, text.length, "compose.yaml:1:1: more than 2000 entries in one map\n");
	buf_clear(&text);
	while (text.length <= 1024 * 1024)
		buf_puts(&text, "# a comment that fills the file up to its limit\n");
	expect_one(text.text, text.length, "compose.yaml: larger than 1 MiB, which no manifest is\n");
	buf_clear(&text);
	/* One long text, used often: the file is small, what it asks for is not. */
	buf_puts(&text, "x-a: &a \"");
	for (int i = 0; i < 90000; i++)
		buf_puts(&text, "abcdefghij");
	buf_puts(&text, "\"\nservices:\n  web:\n    image: a\n    command: [");
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "*a,");
	buf_puts(&text, "]\n");
	expect_one(text.text, text.length,
	           "compose.yaml:1:6: services.web.command: the values come to more than 16 MiB of text\n");
}

static void two_files_share_no_name_and_no_host(void)
{
	static const char text[] = "name: shop\nservices: {web: {image: a}}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n";
	static const char again[] = "name: blog\nservices: {web: {image: a}}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n";
	struct manifest_source s = {.file = "b.yaml", .text = text, .length = strlen(text), .directory = "/x"};
	struct environment env = {0};
	struct loaded l;
	load(&l, text);
	CHECK_INT(manifest_load(&s, &env, &l.arena, &l.desired, &l.problems, &l.err), -1);
	CHECK_STR(l.problems.text.text,
	          "b.yaml:1:1: name: the project 'shop' stands in compose.yaml, too; give one of them another name\n");
	buf_clear(&l.problems.text);
	struct desired parts[2] = {l.desired}, joined = {0};
	bool is_out[2];
	s.text = again;
	CHECK_INT(manifest_load(&s, &env, &l.arena, &parts[1], &l.problems, &l.err), 0);
	CHECK_INT(projects_join(parts, 2, is_out, &l.arena, &joined, &l.problems), 2);
	CHECK(is_out[0] && is_out[1] && joined.projects_count == 0);
	CHECK_STR(l.problems.text.text, "b.yaml:3:31: x-reconcile.routes: the host 'h' has a route already, at "
	                                "compose.yaml:3:31; remove one of them\n");
	loaded_done(&l);
}

static void two_files_want_the_same_swap(void)
{
	static const char *const others[] = {"{size: 1G}", "{size: 2G, file: /other}", "{size: 2G, swappiness: 10}"};
	struct environment env = {0};
	struct loaded l;
	for (size_t i = 0; i <= ARRAY_LEN(others); i++) {
		bool is_other = i < ARRAY_LEN(others), is_out[2];
		load(&l, "name: shop\nservices: {}\nx-reconcile: {host: {swap: {size: 2G}}}\n");
		const char *text = arena_printf(&l.arena, "name: blog\nservices: {}\nx-reconcile: {host: {swap: %s}}\n",
		                                is_other ? others[i] : "{size: 2048m, file: /swapfile}");
		struct manifest_source s = {.file = "b.yaml", .text = text, .length = strlen(text), .directory = "/x"};
		struct desired parts[2] = {l.desired}, joined = {0};
		CHECK_INT(manifest_load(&s, &env, &l.arena, &parts[1], &l.problems, &l.err), 0);
		CHECK_INT(projects_join(parts, 2, is_out, &l.arena, &joined, &l.problems), is_other ? 2 : 0);
		CHECK_STR(l.problems.text.text, !is_other ? "" :
		          "b.yaml:3:28: x-reconcile.host.swap: differs from what compose.yaml:3:28 says; there is one host, write the same "
		          "in both, or remove one\n");
		loaded_done(&l);
	}
}

static const struct test tests[] = {
	TEST(every_message_is_literal), TEST(a_refused_manifest_adds_nothing), TEST(what_comes_later_is_told),
	TEST(a_flood_is_cut), TEST(an_alias_is_told_once), TEST(limits_hold), TEST(two_files_share_no_name_and_no_host),
	TEST(two_files_want_the_same_swap),
};
TESTS_MAIN(tests)
