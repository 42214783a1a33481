/* The keys of the first tiers of Compose: what each comes to, in all its forms, and what a wrong one is told. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "desired_load.h"

#define WEB "services:\n  web:\n    image: a\n"
#define ROUTED "x-reconcile: {routes: [{host: h, to: web:8080}]}\n"
#define READY "    x-reconcile: {ready: {http: {port: 80}}}\n"

static const struct {
	const char *text, *problems;
} broken[] = {
	{"services:\n  web:\n    image: a\n    ports: web\n",
	 "compose.yaml:4:12: services.web.ports: must be a list of ports\n"},
	{"services:\n  web:\n    image: a\n    ports: [http]\n",
	 "compose.yaml:4:13: services.web.ports: 'http' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"80:\"]\n",
	 "compose.yaml:4:13: services.web.ports: '80:' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"\"]\n",
	 "compose.yaml:4:13: services.web.ports: '' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"70000:80\"]\n",
	 "compose.yaml:4:13: services.web.ports: '70000:80' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [0]\n",
	 "compose.yaml:4:13: services.web.ports: '0' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"80:80/icmp\"]\n",
	 "compose.yaml:4:13: services.web.ports: '80:80/icmp' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"localhost:80:80\"]\n",
	 "compose.yaml:4:13: services.web.ports: 'localhost:80:80': the address before the ports must be an IP address; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"::1:80:80\"]\n",
	 "compose.yaml:4:13: services.web.ports: '::1:80:80': the address before the ports must be an IP address; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"3000-3002:4000-4001\"]\n",
	 "compose.yaml:4:13: services.web.ports: '3000-3002:4000-4001': the two ranges differ in length\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"8080:80 \"]\n",
	 "compose.yaml:4:13: services.web.ports: '8080:80 ' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [80.5]\n",
	 "compose.yaml:4:13: services.web.ports: '80.5' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002\n"},
	{"services:\n  web:\n    image: a\n    ports: [{published: 80}]\n",
	 "compose.yaml:4:13: services.web.ports: has no target; write the port inside the container, like target: 80\n"},
	{"services:\n  web:\n    image: a\n    ports: [{target: 80, protocol: icmp}]\n",
	 "compose.yaml:4:36: services.web.ports: 'icmp' is no protocol; write tcp, udp or sctp\n"},
	{"services:\n  web:\n    image: a\n    ports: [{target: 80, publish: 80}]\n",
	 "compose.yaml:4:26: services.web.ports: unknown key 'publish'; did you mean 'published'?\n"},
	{"services:\n  web:\n    image: a\n    ports: [{target: 80, host_ip: localhost, published: 80}]\n",
	 "compose.yaml:4:35: services.web.ports: 'localhost' is no IP address\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"8080:80\"]\n    deploy: {replicas: 2}\n",
	 "compose.yaml:4:12: services.web.ports: several instances cannot share a fixed host port; let nginx lead to them, or write a range like 8080-8083:80\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"8080:80\"]\n    scale: 3\n",
	 "compose.yaml:4:12: services.web.ports: several instances cannot share a fixed host port; let nginx lead to them, or write a range like 8080-8083:80\n"},
	{"services:\n  web:\n    image: a\n    ports: [\"8080:80\"]\n    x-reconcile: {strategy: blue-green}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:4:12: services.web.x-reconcile.strategy: blue-green runs the old and the new web at once, and both cannot have a fixed host port; remove it, or write in-place\n"},
	{"services:\n  web:\n    image: a\n    scale: 3\n    deploy: {replicas: 2}\n",
	 "compose.yaml:4:12: services.web.scale: differs from deploy.replicas on line 5, which means the same; write one of them\n"},
	{"services:\n  web:\n    image: a\n    network_mode: \"service:db\"\n",
	 "compose.yaml:4:19: services.web.network_mode: there is no service 'db'\n"},
	{"services:\n  web:\n    image: a\n    network_mode: hots\n",
	 "compose.yaml:4:19: services.web.network_mode: must be bridge, host, none, service:NAME or container:NAME, not 'hots'\n"},
	{"services:\n  web:\n    image: a\n    network_mode: host\n    networks: [default]\n",
	 "compose.yaml:4:19: services.web.network_mode: stands beside networks, and the two do not go together; remove one of them\n"},
	{"services:\n  web:\n    image: a\n    network_mode: none\nx-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:4:19: services.web.network_mode: a route leads to web, but with none nginx cannot reach it; remove one of them\n"},
	{"services:\n  web:\n    image: a\n    network_mode: host\n    deploy: {replicas: 2}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:4:19: services.web.network_mode: several instances cannot share a port of the host; remove network_mode\n"},
	{"services:\n  web:\n    image: a\n    network_mode: host\n    x-reconcile: {strategy: blue-green}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:4:19: services.web.x-reconcile.strategy: blue-green runs the old and the new web at once, and both cannot have a port of the host; remove it, or write in-place\n"},
	{"services:\n  web:\n    image: a\n    network_mode: host\n    ports: [\"80:80\"]\n",
	 "compose.yaml:5:12: services.web.ports: nothing is published with network_mode host; remove one of them\n"},
	{"services:\n  web:\n    image: a\n    network_mode: none\n    x-reconcile: {ready: {tcp: {port: 80}}}\n",
	 "compose.yaml:4:19: services.web.network_mode: with none there is no address to probe; write a healthcheck instead of x-reconcile.ready\n"},
	{"services:\n  web:\n    image: a\n    network_mode: none\n    x-reconcile: {smoke: {http: {port: 80}}}\n",
	 "compose.yaml:4:19: services.web.network_mode: with none there is no address to probe; write a healthcheck instead of x-reconcile.smoke\n"},
	{"services:\n  web:\n    image: a\n    hostname: a b\n",
	 "compose.yaml:4:15: services.web.hostname: 'a b' is no host name; use letters, digits, '.' and '-'\n"},
	{"services:\n  web:\n    image: a\n    labels: a=b\n",
	 "compose.yaml:4:13: services.web.labels: must be a map (name: value) or a list (- name=value), not 'a=b'\n"},
	{"services:\n  web:\n    image: a\n    labels: [=b]\n",
	 "compose.yaml:4:14: services.web.labels: '=b' must be name=value\n"},
	{"services:\n  web:\n    image: a\n    labels: {a: [b]}\n",
	 "compose.yaml:4:17: services.web.labels: the value of a must be one text or number, not a list\n"},
	{"services:\n  web:\n    image: a\n    labels: {a: 2020-01-01}\n",
	 "compose.yaml:4:17: services.web.labels: the value of a, '2020-01-01', is a date in YAML; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    entrypoint: {a: b}\n",
	 "compose.yaml:4:17: services.web.entrypoint: must be text, not a map\n"},
	{"services:\n  web:\n    image: a\n    entrypoint: sh -c \"a\n",
	 "compose.yaml:4:17: services.web.entrypoint: what \" opens is never closed\n"},
	{"services:\n  web:\n    image: a\n    user: 1000\n",
	 "compose.yaml:4:11: services.web.user: '1000' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    working_dir: app\n",
	 "compose.yaml:4:18: services.web.working_dir: 'app' must be a whole path inside the container, like /app\n"},
	{"services:\n  web:\n    image: a\n    privileged: maybe\n",
	 "compose.yaml:4:17: services.web.privileged: 'maybe' is neither true nor false\n"},
	{"services:\n  web:\n    image: a\n    platform: linux/\n",
	 "compose.yaml:4:15: services.web.platform: 'linux/' is no platform; write one like linux/amd64 or linux/arm64/v8\n"},
	{"services:\n  web:\n    image: a\n    stop_signal: 9\n",
	 "compose.yaml:4:18: services.web.stop_signal: '9' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    security_opt: no-new-privileges\n",
	 "compose.yaml:4:19: services.web.security_opt: must be a list, not 'no-new-privileges'\n"},
	{"services:\n  web:\n    image: a\n    security_opt: [seccomp:profile.json]\n",
	 "compose.yaml:4:20: services.web.security_opt: 'seccomp:profile.json': there is no such file; make it, or write seccomp:unconfined\n"},
	{"services:\n  web:\n    image: a\n    env_file: 5\n",
	 "compose.yaml:4:15: services.web.env_file: '5' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    env_file: \"\"\n",
	 "compose.yaml:4:15: services.web.env_file: the name of the file is empty\n"},
	{"services:\n  web:\n    image: a\n    env_file: /nowhere/web.env\n",
	 "compose.yaml:4:15: services.web.env_file: '/nowhere/web.env': there is no such file /nowhere/web.env; make it, or write {path: ..., required: false}\n"},
	{"services:\n  web:\n    image: a\n    env_file: [web.env]\n",
	 "compose.yaml:4:16: services.web.env_file: 'web.env': there is no such file /srv/shop/web.env; make it, or write {path: ..., required: false}\n"},
	{"services:\n  web:\n    image: a\n    env_file: [{path: /nowhere/web.env, required: true}]\n",
	 "compose.yaml:4:23: services.web.env_file: '/nowhere/web.env': there is no such file /nowhere/web.env; make it, or write {path: ..., required: false}\n"},
	{"services:\n  web:\n    image: a\n    env_file: [{path: /x, format: raw}]\n",
	 "compose.yaml:4:35: services.web.env_file.format: 'raw' is not supported yet; remove it\n"},
	{"services:\n  web:\n    image: a\n    env_file: [{required: false}]\n",
	 "compose.yaml:4:16: services.web.env_file: has no path; write the file's name, like path: ./web.env\n"},
	{"services:\n  web:\n    image: a\n    env_file: [~/web.env]\n",
	 "compose.yaml:4:16: services.web.env_file: '~/web.env': HOME is not set, so '~' means nothing; write the whole path\n"},
	{"services:\n  web:\n    image: a\n    cap_add: NET_ADMIN\n",
	 "compose.yaml:4:14: services.web.cap_add: must be a list, not 'NET_ADMIN'\n"},
	{"services:\n  web:\n    image: a\n    cap_add: [\"NET ADMIN\"]\n",
	 "compose.yaml:4:15: services.web.cap_add: 'NET ADMIN' is no capability; write one like NET_ADMIN\n"},
	{"services:\n  web:\n    image: a\n    cap_drop: [\"\"]\n",
	 "compose.yaml:4:16: services.web.cap_drop: an empty text; remove it\n"},
	{"services:\n  web:\n    image: a\n    devices: [vendor.com/gpu=all]\n",
	 "compose.yaml:4:15: services.web.devices: 'vendor.com/gpu=all': devices of a vendor's own (CDI) are not supported yet\n"},
	{"services:\n  web:\n    image: a\n    devices: [ttyUSB0]\n",
	 "compose.yaml:4:15: services.web.devices: 'ttyUSB0' is no device; write one like /dev/ttyUSB0 or /dev/sda:/dev/xvda:r\n"},
	{"services:\n  web:\n    image: a\n    devices: [\"/dev/a:/dev/b:x\"]\n",
	 "compose.yaml:4:15: services.web.devices: '/dev/a:/dev/b:x' is no device; write one like /dev/ttyUSB0 or /dev/sda:/dev/xvda:r\n"},
	{"services:\n  web:\n    image: a\n    devices: [\"/dev/a:/dev/b:r:w\"]\n",
	 "compose.yaml:4:15: services.web.devices: '/dev/a:/dev/b:r:w' is no device; write one like /dev/ttyUSB0 or /dev/sda:/dev/xvda:r\n"},
	{"services:\n  web:\n    image: a\n    devices: [{target: /dev/b}]\n",
	 "compose.yaml:4:15: services.web.devices: a map is no device; write one like /dev/ttyUSB0 or /dev/sda:/dev/xvda:r\n"},
	{"services:\n  web:\n    image: a\n    ulimits: [nofile]\n",
	 "compose.yaml:4:14: services.web.ulimits: must be a map, like nofile: 65536\n"},
	{"services:\n  web:\n    image: a\n    ulimits: {nofile: many}\n",
	 "compose.yaml:4:23: services.web.ulimits.nofile: 'many' is no number from -1 to 9223372036854775807\n"},
	{"services:\n  web:\n    image: a\n    ulimits: {nofile: {soft: 5}}\n",
	 "compose.yaml:4:23: services.web.ulimits.nofile: has no hard; write one number, or both soft and hard\n"},
	{"services:\n  web:\n    image: a\n    ulimits: {nofile: {soft: 5, hard: 4}}\n",
	 "compose.yaml:4:23: services.web.ulimits.nofile: soft is more than hard; write at most as much\n"},
	{"services:\n  web:\n    image: a\n    ulimits: {NOFILE: 5}\n",
	 "compose.yaml:4:15: services.web.ulimits: 'NOFILE' is no limit; write one like nofile\n"},
	{"services:\n  web:\n    image: a\n    ulimits: {nofile: {soft: 5, hrad: 6}}\n",
	 "compose.yaml:4:33: services.web.ulimits.nofile: unknown key 'hrad'; did you mean 'hard'?\n"},
	{"services:\n  web:\n    image: a\n    extra_hosts: db\n",
	 "compose.yaml:4:18: services.web.extra_hosts: must be a list, like - db=10.0.0.5, or a map\n"},
	{"services:\n  web:\n    image: a\n    extra_hosts: [db]\n",
	 "compose.yaml:4:19: services.web.extra_hosts: 'db': write a name and an IP address, like db=10.0.0.5, or host-gateway for the host\n"},
	{"services:\n  web:\n    image: a\n    extra_hosts: [\"db:gateway\"]\n",
	 "compose.yaml:4:19: services.web.extra_hosts: 'db:gateway': write a name and an IP address, like db=10.0.0.5, or host-gateway for the host\n"},
	{"services:\n  web:\n    image: a\n    extra_hosts: {db: 10.0.0}\n",
	 "compose.yaml:4:23: services.web.extra_hosts: '10.0.0': write a name and an IP address, like db=10.0.0.5, or host-gateway for the host\n"},
	{"services:\n  web:\n    image: a\n    tmpfs: run\n",
	 "compose.yaml:4:12: services.web.tmpfs: 'run' must be a whole path inside the container, like /run\n"},
	{"services:\n  web:\n    image: a\n    tmpfs: {a: b}\n",
	 "compose.yaml:4:12: services.web.tmpfs: must be a path or a list of paths\n"},
	{"services:\n  web:\n    image: a\n    sysctls: [net.core.somaxconn]\n",
	 "compose.yaml:4:15: services.web.sysctls: 'net.core.somaxconn' must be name=value\n"},
	{"services:\n  web:\n    image: a\n    sysctls: {a: }\n",
	 "compose.yaml:4:18: services.web.sysctls: a has no value; write one, or remove the key\n"},
	{"services:\n  web:\n    image: a\n    group_add: wheel\n",
	 "compose.yaml:4:16: services.web.group_add: must be a list, not 'wheel'\n"},
	{"services:\n  web:\n    image: a\n    dns: [8.8]\n",
	 "compose.yaml:4:11: services.web.dns: '8.8' is not text; put it in quotes\n"},
	{"services:\n  web:\n    image: a\n    pid: \"service:db\"\n",
	 "compose.yaml:4:10: services.web.pid: 'service:db' is not supported yet; write host\n"},
	{"services:\n  web:\n    image: a\n    pid: own\n",
	 "compose.yaml:4:10: services.web.pid: must be host, not 'own'\n"},
	{"services:\n  web:\n    image: a\n    ipc: \"container:db\"\n",
	 "compose.yaml:4:10: services.web.ipc: 'container:db' is not supported yet; write host, private, shareable or none\n"},
	{"services:\n  web:\n    image: a\n    userns_mode: private\n",
	 "compose.yaml:4:18: services.web.userns_mode: must be host, not 'private'\n"},
	{"services:\n  web:\n    image: a\n    pull_policy: daily\n",
	 "compose.yaml:4:18: services.web.pull_policy: 'daily' is not supported yet; write always, missing or never\n"},
	{"services:\n  web:\n    image: a\n    pull_policy: every_12h\n",
	 "compose.yaml:4:18: services.web.pull_policy: 'every_12h' is not supported yet; write always, missing or never\n"},
	{"services:\n  web:\n    image: a\n    pull_policy: sometimes\n",
	 "compose.yaml:4:18: services.web.pull_policy: must be always, missing or never, not 'sometimes'\n"},
	{"services:\n  web:\n    image: a\n    shm_size: big\n",
	 "compose.yaml:4:15: services.web.shm_size: 'big' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\n    mem_swappiness: 101\n",
	 "compose.yaml:4:21: services.web.mem_swappiness: '101' is no number from 0 to 100\n"},
	{"services:\n  web:\n    image: a\n    oom_score_adj: 1001\n",
	 "compose.yaml:4:20: services.web.oom_score_adj: '1001' is no number from -1000 to 1000\n"},
	{"services:\n  web:\n    image: a\n    cpu_shares: -1\n",
	 "compose.yaml:4:17: services.web.cpu_shares: '-1' is no number from 0 to 262144\n"},
	{"services:\n  web:\n    image: a\n    cpuset: all\n",
	 "compose.yaml:4:13: services.web.cpuset: 'all' is no list of CPUs; write one like 0-2,4\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 64m\n    mem_reservation: 128m\n",
	 "compose.yaml:5:22: services.web.mem_reservation: is more than the memory limit; write at most as much\n"},
	{"services:\n  web:\n    image: a\n    mem_limit: 64m\n    deploy: {resources: {reservations: {memory: 128m}}}\n",
	 "compose.yaml:5:49: services.web.deploy.resources.reservations.memory: is more than the memory limit; write at most as much\n"},
	{"services:\n  web:\n    image: a\n    mem_reservation: 64m\n    deploy: {resources: {reservations: {memory: 128m}}}\n",
	 "compose.yaml:5:49: services.web.deploy.resources.reservations.memory: differs from mem_reservation on line 4, which means the same; write one of them\n"},
	{"services:\n  web:\n    image: a\n    deploy: {mode: many}\n",
	 "compose.yaml:4:20: services.web.deploy.mode: must be replicated, not 'many'\n"},
	{"services:\n  web:\n    image: a\n    deploy: {restart_policy: {condition: sometimes}}\n",
	 "compose.yaml:4:42: services.web.deploy.restart_policy.condition: must be none, on-failure or any, not 'sometimes'\n"},
	{"services:\n  web:\n    image: a\n    deploy: {restart_policy: {attempts: 3}}\n",
	 "compose.yaml:4:31: services.web.deploy.restart_policy: unknown key 'attempts'; remove it, or write x- in front to keep it as a note\n"},
	{"services:\n  web:\n    image: a\n    deploy: {repliacs: 2}\n",
	 "compose.yaml:4:14: services.web.deploy: unknown key 'repliacs'; did you mean 'replicas'?\n"},
	{"services:\n  web:\n    image: a\n    logging: {driver: json-file, opts: {}}\n",
	 "compose.yaml:4:34: services.web.logging: unknown key 'opts'; remove it, or write x- in front to keep it as a note\n"},
	{"services:\n  web:\n    image: a\n    logging: {options: [a=b]}\n",
	 "compose.yaml:4:24: services.web.logging.options: must be a map (name: value), not a list\n"},
	{"services:\n  web:\n    image: a\n    logging: json-file\n",
	 "compose.yaml:4:14: services.web.logging: must be a map, not one value\n"},
	{"services:\n  web:\n    image: a\n    container_name: we b\n",
	 "compose.yaml:4:21: services.web.container_name: 'we b' is no name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web:\n    image: a\n    container_name: web\n    scale: 2\n",
	 "compose.yaml:4:21: services.web.container_name: several instances cannot share one name; remove it, or one instance must do\n"},
	{"services:\n  web:\n    image: a\n    container_name: web\n  api:\n    image: a\n    container_name: web\n",
	 "compose.yaml:7:21: services.api.container_name: web on line 4 has the same name; give each its own\n"},
	{"services:\n  web:\n    image: a\n    networks: [front]\n",
	 "compose.yaml:4:16: services.web.networks: the network 'front' is not declared; add it to networks at the top level, as 'front: {}'\n"},
	{"services:\n  web:\n    image: a\n    networks: {front: {}}\n",
	 "compose.yaml:4:16: services.web.networks: the network 'front' is not declared; add it to networks at the top level, as 'front: {}'\n"},
	{"services:\n  web:\n    image: a\n    networks: {default: {alias: [x]}}\n",
	 "compose.yaml:4:26: services.web.networks.default: unknown key 'alias'; did you mean 'aliases'?\n"},
	{"services:\n  web:\n    image: a\n    networks: {default: {ipv4_address: 10.1.2.3}}\n",
	 "compose.yaml:4:16: services.web.networks.default: a fixed address needs a subnet: write ipam: {config: [{subnet: 172.28.0.0/24}]} in networks at the top level\n"},
	{"services:\n  web:\n    image: a\n    networks: {default: {priority: 5}}\n",
	 "compose.yaml:4:26: services.web.networks.default: 'priority' is not supported yet; remove it\n"},
	{"services:\n  web:\n    image: a\n    networks: {default: {aliases: x}}\n",
	 "compose.yaml:4:35: services.web.networks.default.aliases: must be a list, not 'x'\n"},
	{"services:\n  web:\n    image: a\n    networks: {front: {ipv4_address: 10.1.2}}\nnetworks: {front: {ipam: {config: [{subnet: 10.1.2.0/24}]}}}\n",
	 "compose.yaml:4:38: services.web.networks.front.ipv4_address: '10.1.2' is no IPv4 address\n"},
	{"services:\n  web:\n    image: a\n    networks: {front: {ipv4_address: 10.1.2.3}}\n    deploy: {replicas: 2}\nnetworks: {front: {ipam: {config: [{subnet: 10.1.2.0/24}]}}}\n",
	 "compose.yaml:4:15: services.web.networks: several instances cannot share a fixed address; remove the address\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: {drivr: bridge}}\n",
	 "compose.yaml:4:20: networks.front: unknown key 'drivr'; did you mean 'driver'?\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: {external: true, driver: bridge}}\n",
	 "compose.yaml:4:36: networks.front: 'driver' says how to make it, but external says that it is there already; remove one of them\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: 5}\n",
	 "compose.yaml:4:19: networks.front: must be a map, not '5'\n"},
	{"services:\n  web:\n    image: a\nnetworks: {reconcile: {}}\n",
	 "compose.yaml:4:12: networks: the name shop_reconcile is that of the network between nginx and the services; choose another\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: {ipam: {config: {subnet: x}}}}\n",
	 "compose.yaml:4:35: networks.front.ipam.config: must be a list, like - subnet: 172.28.0.0/24\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: {name: /x}}\n",
	 "compose.yaml:4:26: networks.front.name: '/x' is no name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web:\n    image: a\nnetworks: {\"a b\": {}}\n",
	 "compose.yaml:4:12: networks: 'a b' is no name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web:\n    image: a\nnetworks: [front]\n",
	 "compose.yaml:4:11: networks: must be a map of names, like front: {}\n"},
	{"services:\n  web:\n    image: a\nnetworks: {front: {enable_ipv4: false}}\n",
	 "compose.yaml:4:33: networks.front.enable_ipv4: a network without IPv4 is not supported yet; remove it\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {external: true, labels: {a: b}}}\n",
	 "compose.yaml:4:34: volumes.data: 'labels' says how to make it, but external says that it is there already; remove one of them\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {external: {name: old}, name: new}}\n",
	 "compose.yaml:4:41: volumes.data: 'name' says how to make it, but external says that it is there already; remove one of them\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {driver_opts: [a]}}\n",
	 "compose.yaml:4:31: volumes.data.driver_opts: must be a map (name: value), not a list\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {drivers: local}}\n",
	 "compose.yaml:4:18: volumes.data: unknown key 'drivers'; did you mean 'driver'?\n"},
	{"services:\n  web:\n    image: a\nvolumes: {data: {name: /x}}\n",
	 "compose.yaml:4:24: volumes.data.name: '/x' is no name; use letters, digits, '.', '_' and '-'\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: npipe, source: a, target: /d}]\n",
	 "compose.yaml:4:22: services.web.volumes: the type 'npipe' is not supported yet; write volume, bind or tmpfs\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: bind, source: /x, target: /d, bind: {creat_host_path: false}}]\n",
	 "compose.yaml:4:59: services.web.volumes.bind: unknown key 'creat_host_path'; did you mean 'create_host_path'?\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: bind, source: /x, target: /d, volume: {nocopy: true}}]\n",
	 "compose.yaml:4:60: services.web.volumes: 'volume' does not belong to a mount of type bind\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: bind, source: /x, target: /d, bind: {create_host_path: false, selinux: z}}]\n",
	 "compose.yaml:4:15: services.web.volumes: the engine cannot do both create_host_path: false and selinux; remove one of them\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: tmpfs, source: a, target: /d}]\n",
	 "compose.yaml:4:37: services.web.volumes: a tmpfs has no source; remove it\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: tmpfs}]\n",
	 "compose.yaml:4:15: services.web.volumes: has no target that is a whole path, like target: /run\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: tmpfs, target: /d, tmpfs: {size: big}}]\n",
	 "compose.yaml:4:55: services.web.volumes.tmpfs.size: 'big' is no size; write a number with b, k, m or g, like 512m\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: tmpfs, target: /d, tmpfs: {mode: rwx}}]\n",
	 "compose.yaml:4:55: services.web.volumes.tmpfs.mode: 'rwx' is no file mode; write one like 0755\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: bind, source: /x, target: /d, bind: {propagation: public}}]\n",
	 "compose.yaml:4:72: services.web.volumes.bind.propagation: 'public' is no propagation; write one like rprivate or rshared\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{source: /x, target: /d}]\n",
	 "compose.yaml:4:15: services.web.volumes: has no type; write type: volume, bind or tmpfs\n"},
	{"services:\n  web:\n    image: a\n    volumes: [{type: bind, target: /d}]\n",
	 "compose.yaml:4:15: services.web.volumes: has no source\n"},
	{"services:\n  web: {image: a, depends_on: [db]}\n  db: {image: a, profiles: [dev]}\n",
	 "compose.yaml:2:32: services.web.depends_on: there is no service 'db': none of its profiles is enabled\n"},
	{"services:\n  web: {image: a, profiles: [dev]}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n",
	 "compose.yaml:3:38: x-reconcile.routes: 'web:80' leads to no service of this file: none of its profiles is enabled\n"},
	{"services:\n  web:\n    image: a\n    profiles: dev\n",
	 "compose.yaml:4:15: services.web.profiles: must be a list, not 'dev'\n"},
};

static void every_message_is_literal(void)
{
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct loaded l;
		load(&l, broken[i].text);
		CHECK_STR(l.problems.text.text, broken[i].problems);
		CHECK_INT(l.result, -1);
		CHECK_INT(l.desired.projects_count, 0);
		loaded_done(&l);
	}
}

static const struct service *first(const struct loaded *l)
{
	static const struct service none = {.name = "(none)", .strategy_reason = "", .revision = ""};
	CHECK(l->desired.projects_count == 1 && l->desired.projects[0].services_count > 0);
	return l->desired.projects_count && l->desired.projects[0].services_count ? &l->desired.projects[0].services[0] : &none;
}

static void check_value(const struct loaded *l, const char *path, const char *wanted)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
	const struct value *v = spec_value(&first(l)->spec, path);
	if (l->result < 0)
		fprintf(stderr, "%s", l->problems.text.text);
	if (!v)
		fprintf(stderr, "no field %s\n", path);
	CHECK(v != NULL);
	if (v)
		value_print(&got, v, true);
	CHECK_STR(got.text, wanted);
}

/* One key of a service, and the value that it comes to. */
static void values_are_normalised(void)
{
	static const struct {
		const char *yaml, *path, *value;
	} rows[] = {
		{"container_name: box", "networks", "null"}, {"container_name: box\n" ROUTED, "networks", "{\"shop_default\":{\"aliases\":[\"box\"]}}"},
		{"entrypoint: sh -c 'a b'", "entrypoint", "[\"sh\",\"-c\",\"a b\"]"}, {"entrypoint: [a, b c]", "entrypoint", "[\"a\",\"b c\"]"},
		{"entrypoint: []", "entrypoint", "[]"}, {"entrypoint: ''", "entrypoint", "[]"}, {"entrypoint: ", "entrypoint", "null"},
		{"ports: [80]", "ports", "[\"80/tcp\"]"}, {"ports: ['8080:80', '53:53/UDP']", "ports", "[\"53:53/udp\",\"8080:80/tcp\"]"},
		{"ports: ['127.0.0.1:8080:80', '127.0.0.1::81', '[::1]:1:2', ':90', '0:91']", "ports",
		 "[\"127.0.0.1:8080:80/tcp\",\"127.0.0.1::81/tcp\",\"90/tcp\",\"91/tcp\",\"[::1]:1:2/tcp\"]"},
		{"ports: ['3000-3002:4000-4002', '5000-5001', '6000-6003:80']", "ports",
		 "[\"3000:4000/tcp\",\"3001:4001/tcp\",\"3002:4002/tcp\",\"5000/tcp\",\"5001/tcp\",\"6000-6003:80/tcp\"]"},
		{"ports: [{target: 80}, {target: '81', published: '8081', host_ip: 127.0.0.1, protocol: udp, mode: host, name: x, app_protocol: http}]",
		 "ports", "[\"127.0.0.1:8081:81/udp\",\"80/tcp\"]"},
		{"ports: [{target: 80, published: 8080-8083}]", "ports", "[\"8080-8083:80/tcp\"]"},
		{"ports: ['8080:80', {target: 80, published: 8080}, '8080:80/tcp']", "ports", "[\"8080:80/tcp\"]"},
		{"ports: ['${U:-8080}:80']", "ports", "[\"8080:80/tcp\"]"}, {"ports: []", "ports", "null"},
		{"ports: ['8080:80', '53:53/udp']", "expose", "[\"53/udp\",\"80/tcp\"]"},
		{"hostname: db-1.local", "hostname", "\"db-1.local\""}, {"domainname: local", "domainname", "\"local\""},
		{"labels: {a: 1, b: , c: true, d: \"${SECRET}\", 'e.f': x}", "labels",
		 "{\"a\":\"1\",\"b\":\"\",\"c\":\"true\",\"d\":(secret),\"e.f\":\"x\"}"},
		{"labels: [a=1, b, c=d=e]", "labels", "{\"a\":\"1\",\"b\":\"\",\"c\":\"d=e\"}"}, {"labels: []", "labels", "null"},
		{"network_mode: default", "network_mode", "\"bridge\""}, {"network_mode: none", "network_mode", "\"none\""},
		{"network_mode: host", "network_mode", "\"host\""},
		{"user: 1000:1000", "user", "\"1000:1000\""}, {"user: '1000'", "user", "\"1000\""}, {"working_dir: /a/./b/", "working_dir", "\"/a/b\""},
		{"tty: true", "tty", "true"}, {"tty: false", "tty", "null"}, {"stdin_open: true", "stdin_open", "true"},
		{"privileged: true", "privileged", "true"}, {"privileged: false", "privileged", "null"}, {"read_only: 'true'", "read_only", "true"},
		{"init: true", "init", "true"}, {"init: false", "init", "false"}, {"stop_signal: SIGINT", "stop_signal", "\"SIGINT\""},
		{"platform: linux/arm64/v8", "platform", "\"linux/arm64/v8\""}, {"runtime: runc", "runtime", "\"runc\""},
		{"security_opt: ['no-new-privileges:true', 'seccomp:unconfined']", "security_opt",
		 "[\"no-new-privileges:true\",\"seccomp:unconfined\"]"},
		{"cap_add: [sys_time, CAP_NET_ADMIN, NET_ADMIN]", "cap_add", "[\"NET_ADMIN\",\"SYS_TIME\"]"}, {"cap_drop: [ALL]", "cap_drop", "[\"ALL\"]"},
		{"devices: [/dev/a, '/dev/b:/dev/c', '/dev/d:/dev/e:r', '/dev/f:rw', {source: /dev/g, permissions: r}]", "devices",
		 "[\"/dev/a:/dev/a:rwm\",\"/dev/b:/dev/c:rwm\",\"/dev/d:/dev/e:r\",\"/dev/f:/dev/f:rw\",\"/dev/g:/dev/g:r\"]"},
		{"ulimits: {nofile: 65536, nproc: {soft: 10, hard: 20}, memlock: {soft: -1, hard: -1}}", "ulimits",
		 "{\"memlock\":{\"hard\":-1,\"soft\":-1},\"nofile\":{\"hard\":65536,\"soft\":65536},\"nproc\":{\"hard\":20,\"soft\":10}}"},
		{"extra_hosts: ['db:10.0.0.5', 'x=host-gateway', 'six:::1', 'v6=[fe80::1]']", "extra_hosts",
		 "[\"db:10.0.0.5\",\"x:host-gateway\",\"six:::1\",\"v6:fe80::1\"]"},
		{"extra_hosts: {db: 10.0.0.5, two: [10.0.0.6, 10.0.0.7]}", "extra_hosts", "[\"db:10.0.0.5\",\"two:10.0.0.6\",\"two:10.0.0.7\"]"},
		{"tmpfs: /run", "tmpfs", "{\"/run\":\"\"}"}, {"tmpfs: ['/run:size=64m,mode=1777', /tmp/]", "tmpfs", "{\"/run\":\"size=64m,mode=1777\",\"/tmp\":\"\"}"},
		{"sysctls: {net.core.somaxconn: 1024}", "sysctls", "{\"net.core.somaxconn\":\"1024\"}"},
		{"sysctls: [net.core.somaxconn=1024]", "sysctls", "{\"net.core.somaxconn\":\"1024\"}"},
		{"group_add: [wheel, 1000]", "group_add", "[\"wheel\",\"1000\"]"},
		{"dns: 1.1.1.1", "dns", "[\"1.1.1.1\"]"}, {"dns: [1.1.1.1, 8.8.8.8]", "dns", "[\"1.1.1.1\",\"8.8.8.8\"]"},
		{"dns_search: example.com", "dns_search", "[\"example.com\"]"}, {"dns_opt: [use-vc]", "dns_opt", "[\"use-vc\"]"},
		{"pid: host", "pid", "\"host\""}, {"ipc: shareable", "ipc", "\"shareable\""}, {"userns_mode: host", "userns_mode", "\"host\""},
		{"shm_size: 1gb", "shm_size", "1073741824"}, {"shm_size: 64m", "shm_size", "67108864"},
		{"mem_swappiness: 0", "mem_swappiness", "0"}, {"oom_score_adj: -500", "oom_score_adj", "-500"}, {"oom_score_adj: 0", "oom_score_adj", "null"},
		{"mem_reservation: 64m", "mem_reservation", "67108864"},
		{"deploy: {resources: {reservations: {memory: 64M, cpus: '0.5'}}}", "mem_reservation", "67108864"},
		{"cpu_shares: 512", "cpu_shares", "512"}, {"cpuset: 0-2,4", "cpuset", "\"0-2,4\""}, {"cpuset: 0", "cpuset", "\"0\""},
		{"logging: {driver: local, options: {max-size: 10m, max-file: 3}}", "logging.driver", "\"local\""},
		{"logging: {driver: local, options: {max-size: 10m, max-file: 3}}", "logging.options", "{\"max-file\":\"3\",\"max-size\":\"10m\"}"},
		{"pull_policy: if_not_present", "pull_policy", "\"missing\""}, {"pull_policy: never", "pull_policy", "\"never\""},
		{"scale: 3", "deploy.replicas", "3"}, {"scale: 3\n    deploy: {replicas: 3}", "deploy.replicas", "3"},
		{"deploy: {restart_policy: {condition: any}}", "restart", "\"always\""}, {"deploy: {restart_policy: {condition: none}}", "restart", "\"no\""},
		{"deploy: {restart_policy: {condition: on-failure, max_attempts: 3, delay: 5s, window: 10s}}", "restart", "\"on-failure:3\""},
		{"deploy: {restart_policy: {delay: 5s}}", "restart", "\"always\""},
		{"restart: unless-stopped\n    deploy: {restart_policy: {condition: on-failure}}", "restart", "\"on-failure\""},
		{"deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}", "deploy.restart_policy.max_attempts", "null"},
		{"deploy: {mode: replicated, endpoint_mode: vip, placement: {constraints: [a]}, labels: {a: b}, update_config: {order: start-first}, "
		 "rollback_config: {}}", "deploy.mode", "null"},
		{"attach: false\n    develop: {watch: []}", "attach", "null"}, {"profiles: []", "profiles", "null"},
		{"networks: [front, default]", "networks", "{\"shop_default\":{},\"shop_front\":{}}"},
		{"networks: {front: {aliases: [db, database], ipv4_address: 10.1.2.3}, named: }", "networks",
		 "{\"engine-net\":{},\"shop_front\":{\"aliases\":[\"db\",\"database\"],\"ipv4_address\":\"10.1.2.3\"}}"},
		{"networks: {default: {aliases: [x]}}", "networks", "{\"shop_default\":{\"aliases\":[\"x\"]}}"},
		{"networks: {outside: {ipv4_address: 10.9.9.9}}", "networks", "{\"outside\":{\"ipv4_address\":\"10.9.9.9\"}}"},
		{"networks: []", "networks", "null"},
		{"volumes: [{type: volume, source: data, target: /d, volume: {nocopy: true}}]", "volumes", "[\"shop_data:/d:nocopy\"]"},
		{"volumes: [{type: bind, source: ./c, target: /c, bind: {create_host_path: true, propagation: rshared, selinux: Z}, consistency: cached}]",
		 "volumes", "[\"/srv/shop/c:/c:rshared,Z\"]"},
		{"volumes: [{type: bind, source: /c, target: /c, read_only: true, bind: {create_host_path: false, propagation: rslave}}]", "volumes",
		 "[{\"BindOptions\":{\"Propagation\":\"rslave\"},\"ReadOnly\":true,\"Source\":\"/c\",\"Target\":\"/c\",\"Type\":\"bind\"}]"},
		{"volumes: [{type: tmpfs, target: /run/, tmpfs: {size: 64m, mode: 0755}}, data:/d]", "volumes",
		 "[\"shop_data:/d\",{\"Target\":\"/run\",\"TmpfsOptions\":{\"Mode\":493,\"SizeBytes\":67108864},\"Type\":\"tmpfs\"}]"},
		{"volumes: [{type: tmpfs, target: /run}]", "volumes", "[{\"Target\":\"/run\",\"Type\":\"tmpfs\"}]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2000];
		struct loaded l;
		snprintf(text, sizeof text, WEB "    %s\nvolumes: {data: }\nnetworks:\n  front: {ipam: {config: [{subnet: 10.1.2.0/24}]}}\n"
		         "  named: {name: engine-net}\n  outside: {external: true}\n", rows[i].yaml);
		load(&l, text);
		check_value(&l, rows[i].path, rows[i].value);
		loaded_done(&l);
	}
}

/* What a second copy cannot have, and what else the new keys say about the strategy. */
/* Batches and their holds, from Compose's words and ours. */
static void batches_follow(void)
{
	static const struct {
		const char *text;
		int batch, hold_ms, back_batch; /* 0: as there */
	} rows[] = {
		{"{replicas: 4}", 1, 5000},
		{"{replicas: 4, update_config: {parallelism: 2}}", 2, 5000},
		{"{replicas: 4, update_config: {parallelism: 0}}", 4, 5000},
		{"{replicas: 4, update_config: {parallelism: 9}}", 4, 5000},
		{"{replicas: 4, update_config: {delay: 10s}}", 1, 10000},
		{"{replicas: 4, update_config: {delay: 10s, monitor: 1m}}", 1, 60000},
		{"{replicas: 4, update_config: {delay: 0s}}", 1, 0},
		{"{replicas: 4, update_config: {delay: 10s}}\n    x-reconcile: {hold: 3s}", 1, 3000},
		{"{replicas: 4, rollback_config: {}}", 1, 5000},
		{"{replicas: 4, rollback_config: {parallelism: 2, order: start-first}}", 1, 5000, 2},
		{"{replicas: 4, update_config: {parallelism: 3}, rollback_config: {parallelism: 0}}", 3, 5000, 4},
		{"{replicas: 4, rollback_config: {parallelism: 9}}", 1, 5000, 4},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
		struct loaded l;
		buf_printf(&text, WEB "    deploy: %s\n" ROUTED, rows[i].text);
		load(&l, text.text);
		CHECK_STR(l.problems.text.text, "");
		CHECK_INT(first(&l)->batch, rows[i].batch);
		CHECK_INT(first(&l)->back_batch, rows[i].back_batch ? rows[i].back_batch : rows[i].batch);
		CHECK_INT(first(&l)->hold_ms, rows[i].hold_ms);
		loaded_done(&l);
	}
}

static bool is_bound(const struct bound *b, bool is_set, bool is_relative, double value)
{
	return b->is_set == is_set && b->is_relative == is_relative && b->value > value - 1e-9 && b->value < value + 1e-9;
}

static void analysis_is_read(void)
{
	static const struct {
		const char *text;
		bool is_on;
		struct bound errors, latency;
		int64_t least;
		const char *query;
		double max;
		enum inconclusive then;
		int64_t max_hold_ms;
	} rows[] = {
		{"{strategy: canary}", true, {0}, {0}, 0, NULL, 0},
		{"{strategy: rolling}", false, {0}, {0}, 0, NULL, 0},
		{"{strategy: rolling, analysis: on}", true, {0}, {0}, 0, NULL, 0},
		{"{strategy: blue-green, analysis: {}}", true, {0}, {0}, 0, NULL, 0},
		{"{strategy: canary, analysis: off}", false, {0}, {0}, 0, NULL, 0},
		{"{strategy: canary, analysis: false}", false, {0}, {0}, 0, NULL, 0},
		{"{strategy: canary, analysis: {max_error_rate: 1%, max_latency_p99: 1.2x, min_requests: 100}}", true,
		 {true, false, 0.01}, {true, true, 1.2}, 100, NULL, 0},
		{"{strategy: canary, analysis: {max_error_rate: 1.5x, max_latency_p99: 1.5s}}", true, {true, true, 1.5}, {true, false, 1500}, 0, NULL, 0},
		{"{strategy: canary, analysis: {query: {url: 'http://127.0.0.1:9090/', promql: 'a{r=\"{{revision}}\"}[{{window}}]', max: 0.05}}}", true,
		 {0}, {0}, 0, "a{r=\"{{revision}}\"}[{{window}}]", 0.05},
		{"{strategy: canary, analysis: {query: {url: 'https://prom', promql: up, max: -1e3}}}", true, {0}, {0}, 0, "up", -1000},
		{"{strategy: rolling, analysis: {on_inconclusive: pause}}", true, {0}, {0}, 0, NULL, 0, INCONCLUSIVE_PAUSE},
		{"{strategy: canary, analysis: {on_inconclusive: promote}}", true, {0}, {0}, 0, NULL, 0, INCONCLUSIVE_PROMOTE},
		{"{strategy: blue-green, analysis: {min_requests: 7, on_inconclusive: abort}}", true, {0}, {0}, 7, NULL, 0, INCONCLUSIVE_ABORT},
		{"{strategy: canary, analysis: {max_hold: 1h30m}}", true, {0}, {0}, 0, NULL, 0, INCONCLUSIVE_PAUSE, 5400000},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
		struct loaded l;
		buf_printf(&text, WEB "    x-reconcile: %s\n" ROUTED, rows[i].text);
		load(&l, text.text);
		CHECK_INT(l.result, 0);
		const struct service *s = l.result == 0 ? first(&l) : NULL;
		for (int again = 0; s && again < 2; again++) {
			const struct analysis *a = &s->analysis;
			CHECK_INT(a->is_on, rows[i].is_on);
			CHECK(is_bound(&a->max_error_rate, rows[i].errors.is_set, rows[i].errors.is_relative, rows[i].errors.value));
			CHECK(is_bound(&a->max_latency_p99, rows[i].latency.is_set, rows[i].latency.is_relative, rows[i].latency.value));
			CHECK_INT(a->min_requests, rows[i].least);
			CHECK_INT(a->on_inconclusive, rows[i].then);
			CHECK_INT(a->max_hold_ms, rows[i].max_hold_ms);
			CHECK_STR(a->query.text ? a->query.text : "", rows[i].query ? rows[i].query : "");
			CHECK(!rows[i].query || (a->query.max > rows[i].max - 1e-9 && a->query.max < rows[i].max + 1e-9));
			CHECK(!rows[i].query || a->query.url[strlen(a->query.url) - 1] != '/');
			/* And as the notes keep it. */
			struct service *kept = arena_alloc(&l.arena, sizeof *kept);
			struct err e;
			buf_clear(&text);
			service_print(&text, s);
			CHECK_INT(service_parse(text.text, &l.arena, kept, &e), 0);
			s = kept;
		}
		loaded_done(&l);
	}
}

static void canary_steps(void)
{
	static const struct {
		const char *text;
		size_t count;
		struct canary_step steps[3];
	} rows[] = {
		{"{strategy: canary}", 3, {{50, 60000}, {250, 60000}, {500, 60000}}},
		{"{strategy: canary, hold: 2m, steps: [5, 0.5%]}", 0, {{0}}},
		{"{strategy: canary, hold: 2m, steps: [0.5%, 25, '50%']}", 3, {{5, 120000}, {250, 120000}, {500, 120000}}},
		{"{strategy: canary, steps: [{weight: 5, hold: manual}, {weight: 25, hold: 10m}]}", 2, {{50, HOLD_MANUAL}, {250, 600000}}},
		{"{strategy: canary, hold: manual, steps: [1]}", 1, {{10, HOLD_MANUAL}}},
		{"{strategy: canary, hold: 2m, steps: [0, 5]}", 2, {{0, 120000}, {50, 120000}}},
		{"{strategy: canary, steps: [{weight: 0%, hold: manual, instances: 2}, 50]}", 2, {{0, HOLD_MANUAL, 2}, {500, 60000}}},
		{"{strategy: blue-green, steps: [{weight: 0, hold: manual}]}", 1, {{0, HOLD_MANUAL}}},
		{"{strategy: blue-green, steps: [{weight: 0, hold: 10m, instances: 1}]}", 1, {{0, 600000, 1}}},
		{"{strategy: blue-green, steps: [0]}", 1, {{0, 5000}}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
		struct loaded l;
		buf_printf(&text, WEB "    deploy: {replicas: 2}\n    x-reconcile: %s\n" ROUTED, rows[i].text);
		load(&l, text.text);
		CHECK_INT(l.result, rows[i].count ? 0 : -1);
		const struct service *s = rows[i].count ? first(&l) : NULL;
		for (int again = 0; s && again < 2; again++) {
			CHECK_INT(s->strategy, strstr(rows[i].text, "canary") ? STRATEGY_CANARY : STRATEGY_BLUE_GREEN);
			CHECK_INT(s->keep_old_ms, 600000);
			CHECK_INT(s->steps_count, rows[i].count);
			for (size_t k = 0; k < s->steps_count && k < rows[i].count; k++) {
				CHECK_INT(s->steps[k].weight, rows[i].steps[k].weight);
				CHECK_INT(s->steps[k].hold_ms, rows[i].steps[k].hold_ms);
				CHECK_INT(s->steps[k].instances, rows[i].steps[k].instances);
			}
			/* And as the notes keep it. */
			struct service *kept = arena_alloc(&l.arena, sizeof *kept);
			struct err e;
			buf_clear(&text);
			service_print(&text, s);
			CHECK_INT(service_parse(text.text, &l.arena, kept, &e), 0);
			s = kept;
		}
		loaded_done(&l);
	}
}

static void batches_to_pause_after(void)
{
	static const struct {
		const char *text;
		int pause_after;
	} rows[] = {
		{"    deploy: {replicas: 3}\n    x-reconcile: {hold: 1s}\n", 0},
		{"    deploy: {replicas: 3}\n    x-reconcile: {pause_after: 2}\n", 2},
		{"    deploy: {replicas: 5, update_config: {parallelism: 2}}\n    x-reconcile: {pause_after: 2}\n", 2},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
		struct loaded l;
		struct service kept;
		struct err e;
		buf_printf(&text, WEB "%s" ROUTED, rows[i].text);
		load(&l, text.text);
		CHECK_INT(l.result, 0);
		const struct service *s = first(&l);
		CHECK_INT(s->pause_after, rows[i].pause_after);
		buf_clear(&text);
		service_print(&text, s);
		CHECK_INT(service_parse(text.text, &l.arena, &kept, &e), 0);
		CHECK_INT(kept.pause_after, rows[i].pause_after);
		loaded_done(&l);
	}
}

static void strategies_follow(void)
{
	static const struct {
		const char *text;
		enum strategy strategy;
		const char *reason, *warning;
	} rows[] = {
		{WEB READY "    ports: ['8080:80']\n" ROUTED, STRATEGY_IN_PLACE, "a fixed host port", ""},
		{WEB READY "    ports: ['127.0.0.1:8080:80']\n" ROUTED, STRATEGY_IN_PLACE, "a fixed host port", ""},
		{WEB READY "    ports: ['[::1]:8080:80']\n" ROUTED, STRATEGY_IN_PLACE, "a fixed host port", ""},
		{WEB READY "    ports: [80, '127.0.0.1::81', '9000-9005:82']\n" ROUTED, STRATEGY_ROLLING, "routed", ""},
		{WEB "    ports: ['8080:80']\n", STRATEGY_IN_PLACE, "a fixed host port", ""},
		{WEB READY "    ports: ['8080:80']\n    volumes: [/d:/d]\n" ROUTED, STRATEGY_IN_PLACE, "a writable volume", ""},
		{WEB READY "    volumes: [{type: tmpfs, target: /d}]\n" ROUTED, STRATEGY_ROLLING, "routed", ""},
		{WEB READY "    networks: {front: {ipv4_address: 10.1.2.3}}\nnetworks: {front: {ipam: {config: [{subnet: 10.1.2.0/24}]}}}\n" ROUTED,
		 STRATEGY_IN_PLACE, "a fixed address", ""},
		{WEB READY "    network_mode: bridge\n" ROUTED, STRATEGY_ROLLING, "routed", ""},
		{WEB READY "    deploy: {update_config: {order: stop-first}}\n" ROUTED, STRATEGY_IN_PLACE, "stop-first", ""},
		{WEB READY "    deploy: {update_config: {order: start-first, failure_action: rollback}}\n" ROUTED,
		 STRATEGY_ROLLING, "routed", ""},
		{WEB READY "    deploy: {update_config: {max_failure_ratio: 0.5}, rollback_config: {order: stop-first}}\n" ROUTED,
		 STRATEGY_ROLLING, "routed",
		 "compose.yaml:5:49: services.web.deploy.update_config.max_failure_ratio: is not followed: one instance that fails is enough to go back\n"
		 "compose.yaml:5:80: services.web.deploy.rollback_config.order: is not followed: rolling is start-first, on the way back as on the way there\n"},
		{WEB READY "    deploy:\n      rollback_config: {delay: 5s, failure_action: pause, order: start-first}\n      update_config: {order: stop-first}\n" ROUTED,
		 STRATEGY_IN_PLACE, "stop-first",
		 "compose.yaml:6:32: services.web.deploy.rollback_config.delay: is not followed: the way back waits for nothing but what must be ready\n"
		 "compose.yaml:6:52: services.web.deploy.rollback_config.failure_action: is not followed: from the way back there is none\n"
		 "compose.yaml:6:66: services.web.deploy.rollback_config.order: is not followed: in-place is stop-first, on the way back as on the way there\n"},
		{WEB READY "    deploy: {update_config: {failure_action: pause}}\n" ROUTED, STRATEGY_ROLLING, "routed",
		 "compose.yaml:5:46: services.web.deploy.update_config.failure_action: 'pause' is taken as rollback: a revision that fails always goes back\n"},
		{WEB READY "    network_mode: host\n" ROUTED, STRATEGY_IN_PLACE, "a port of the host", ""},
		{WEB "    restart: always\n    deploy: {restart_policy: {condition: none}}\n", STRATEGY_IN_PLACE, "no route leads to it",
		 "compose.yaml:4:14: services.web.restart: deploy.restart_policy on line 5 says something else, and comes first\n"},
		{WEB "  dev: {image: a, profiles: [dev], build: nowhere}\n", STRATEGY_IN_PLACE, "no route leads to it", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;
		load(&l, rows[i].text);
		CHECK_STR(l.problems.text.text, "");
		CHECK_INT(first(&l)->strategy, rows[i].strategy);
		CHECK_STR(first(&l)->strategy_reason, rows[i].reason);
		CHECK_STR(l.problems.warnings.text, rows[i].warning);
		if (l.desired.projects_count)
			CHECK_INT(l.desired.projects[0].services_count, 1);
		loaded_done(&l);
	}
}

/* What is declared at the top level, in the engine's own words. */
static void resources_are_read(void)
{
	static const struct {
		const char *yaml, *name, *settings;
		int is_external, is_volume;
	} rows[] = {
		{"networks: {front: }", "shop_front", "{}", 0, 0}, {"networks: {front: {name: x.y, x-note: 1}}", "x.y", "{}", 0, 0},
		{"networks: {front: {external: true}}", "front", "{}", 1, 0}, {"networks: {front: {external: true, name: shared}}", "shared", "{}", 1, 0},
		{"networks: {front: {external: {name: shared}}}", "shared", "{}", 1, 0}, {"networks: {front: {external: false}}", "shop_front", "{}", 0, 0},
		{"networks: {front: {driver: bridge, driver_opts: {mtu: 1400}, internal: true, attachable: 'true', enable_ipv6: false, labels: [a=b], "
		 "ipam: {driver: default, config: [{subnet: 10.1.2.0/24, gateway: 10.1.2.1, ip_range: 10.1.2.128/25, aux_addresses: {x: 10.1.2.9}}], "
		 "options: {o: p}}}}", "shop_front",
		 "{\"Attachable\":true,\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[{\"AuxiliaryAddresses\":{\"x\":\"10.1.2.9\"},\"Gateway\":\"10.1.2.1\","
		 "\"IPRange\":\"10.1.2.128/25\",\"Subnet\":\"10.1.2.0/24\"}],\"Driver\":\"default\",\"Options\":{\"o\":\"p\"}},\"Internal\":true,"
		 "\"Labels\":{\"a\":\"b\"},\"Options\":{\"mtu\":\"1400\"}}", 0, 0},
		{"volumes: {front: {driver: local, driver_opts: {type: none, o: bind, device: ./data}, labels: {a: b}}}", "shop_front",
		 "{\"Driver\":\"local\",\"DriverOpts\":{\"device\":\"/srv/shop/data\",\"o\":\"bind\",\"type\":\"none\"},\"Labels\":{\"a\":\"b\"}}", 0, 1},
		{"volumes: {front: {driver_opts: {type: nfs, o: 'addr=10.0.0.1', device: ':/export'}}}", "shop_front",
		 "{\"DriverOpts\":{\"device\":\":/export\",\"o\":\"addr=10.0.0.1\",\"type\":\"nfs\"}}", 0, 1},
		{"volumes: {front: {external: true}}", "front", "{}", 1, 1}, {"volumes: {front: {name: \"${U:-vol}-1\"}}", "vol-1", "{}", 0, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2000];
		struct loaded l;
		CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
		snprintf(text, sizeof text, "%s\n" WEB, rows[i].yaml);
		load(&l, text);
		CHECK_STR(l.problems.text.text, "");
		const struct resource *r = rows[i].is_volume ? desired_volume(&l.desired, "shop", rows[i].name)
		                                             : desired_network(&l.desired, "shop", rows[i].name);
		CHECK(r != NULL);
		if (r) {
			value_print(&got, &r->settings, false);
			CHECK_STR(r->key, "front");
			CHECK_INT(r->is_external, rows[i].is_external);
			CHECK_STR(got.text, rows[i].settings);
		}
		loaded_done(&l);
	}
}

static void check_attachments(const char *text, const char *wanted)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(1000);
	struct loaded l;
	struct attachment *networks;
	load(&l, text);
	CHECK_STR(l.problems.text.text, "");
	size_t count = service_networks(first(&l), &l.arena, &networks);
	for (size_t i = 0; i < count; i++)
		buf_printf(&got, "%s ", networks[i].network);
	CHECK_STR(got.text, wanted);
	loaded_done(&l);
}

static void every_service_has_its_networks(void)
{
	check_attachments(WEB, "shop_default ");
	check_attachments(WEB "    networks: [default]\nnetworks: {default: }\n", "shop_default ");
	check_attachments(WEB "networks: {default: {name: other}}\n", "other ");
	check_attachments(WEB "networks: {default: {external: true, name: other}}\n", "other ");
	check_attachments(WEB "    networks: [front, back]\nnetworks: {front: , back: }\n", "shop_back shop_front ");
	check_attachments(WEB "    network_mode: bridge\n", "");
	check_attachments(WEB "    network_mode: host\nnetworks: {default: {name: other}}\n", "");
}

/* --- env_file --- */

static void write_file(const char *path, const char *text)
{
	struct err e;
	CHECK_INT(fs_write(path, text, strlen(text), 0600, &e), 0);
}

/* `keys` with %1$s and %2$s for the two files. */
static void load_with_files(struct loaded *l, const char *folder, const char *keys)
{
	char text[4000], one[200], two[200], all[3000];
	snprintf(one, sizeof one, "%s/one.env", folder);
	snprintf(two, sizeof two, "%s/two.env", folder);
	char *to = all;
	for (const char *c = keys; *c; c++) {
		const char *file = *c == '1' ? one : *c == '2' ? two : NULL;
		to += file ? snprintf(to, 200, "%s", file) : snprintf(to, 2, "%c", *c);
	}
	snprintf(text, sizeof text, WEB "%s", all);
	load(l, text);
}

static void env_files_are_read(void)
{
	static const struct {
		const char *one, *two, *keys, *environment;
	} rows[] = {
		{"A=x\nB=y\n", "B=z\nC=w\n", "    env_file: 1\n", "{\"A\":\"x\",\"B\":\"y\"}"},
		{"A=x\nB=y\n", "B=z\nC=w\n", "    env_file: [1, 2]\n", "{\"A\":\"x\",\"B\":\"z\",\"C\":\"w\"}"},
		{"A=x\nB=y\n", "B=z\nC=w\n", "    env_file: [2, {path: 1}]\n    environment: {C: own}\n", "{\"A\":\"x\",\"B\":\"y\",\"C\":\"own\"}"},
		{"A=x\n", "", "    env_file: [{path: /nowhere/at/all, required: false}, 1]\n", "{\"A\":\"x\"}"},
		{"A=x\n", "", "    env_file: [{path: /nowhere/at/all, required: false}]\n", "null"},
		/* Looked up: the host, then the service's own environment, then the lines above. */
		{"L=own\nA=$SECRET-$L-$E-${NOPE:-d}\nE=file\n", "", "    env_file: 1\n    environment: {E: env}\n",
		 "{\"A\":\"hunter2-own-env-d\",\"E\":\"env\",\"L\":\"own\"}"},
		/* A pass-through that the host does not have takes it away. */
		{"A=x\n", "", "    env_file: 1\n    environment: [A]\n", "{\"A\":null}"},
		{"", "", "    env_file: 1\n", "null"},
	};
	char folder[] = "/tmp/desired-keys-XXXXXX", path[100];
	CHECK(mkdtemp(folder) != NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
		struct loaded l;
		snprintf(path, sizeof path, "%s/one.env", folder);
		write_file(path, rows[i].one);
		snprintf(path, sizeof path, "%s/two.env", folder);
		write_file(path, rows[i].two);
		load_with_files(&l, folder, rows[i].keys);
		CHECK_STR(l.problems.text.text, "");
		const struct value *v = spec_value(&first(&l)->spec, "environment");
		if (v)
			value_print(&got, v, false);
		CHECK_STR(got.text, rows[i].environment);
		for (size_t k = 0; v && k < v->count; k++)
			CHECK(v->items[k].secret == (strstr(rows[i].keys, "environment") == NULL || v->keys[k][0] == 'B' || v->keys[k][0] == 'L' ||
			                             (v->keys[k][0] == 'A' && v->items[k].kind == VALUE_STRING)));
		loaded_done(&l);
	}
	struct err e;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

/* The content of a file is part of the revision; a broken one is told with its own place, and never its values. */
static void env_files_count(void)
{
	char folder[] = "/tmp/desired-keys-XXXXXX", path[100], revision[3][32];
	static const char *const texts[] = {"A=x\n", "A=y\n", "# a comment\nA=x\n"};
	struct loaded l;
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/one.env", folder);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(path, texts[i]);
		load_with_files(&l, folder, "    env_file: 1\n");
		snprintf(revision[i], sizeof revision[i], "%s", first(&l)->revision);
		loaded_done(&l);
	}
	CHECK(strcmp(revision[0], revision[1]) != 0);
	CHECK_STR(revision[2], revision[0]);
	load(&l, WEB "    environment: {A: x}\n");
	CHECK_STR(first(&l)->revision, revision[0]);
	loaded_done(&l);
	write_file(path, "A=1\nB hunter2\n");
	load_with_files(&l, folder, "    env_file: 1\n");
	char wanted[300];
	snprintf(wanted, sizeof wanted, "compose.yaml:4:15: services.web.env_file: %s:2: no '=' behind B; write NAME=value\n", path);
	CHECK_STR(l.problems.text.text, wanted);
	loaded_done(&l);
	struct err e;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

/* A manifest from Git has no folder on the host. */
static void relative_files_need_a_folder(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct problems p = PROBLEMS_INIT;
	struct desired d = {0};
	struct environment env = {0};
	struct err e = {0};
	static const char text[] = WEB "    env_file: web.env\n";
	struct manifest_source s = {.file = "f", .text = text, .length = strlen(text), .directory = "deploy"};
	CHECK_INT(manifest_load(&s, &env, &a, &d, &p, &e), -1);
	CHECK_STR(p.text.text, "f:4:15: services.web.env_file: 'web.env' is relative to the manifest, and a manifest from Git has no "
	                       "folder on the host yet; write the whole path\n");
	problems_done(&p);
}

static const struct test tests[] = {
	TEST(every_message_is_literal), TEST(values_are_normalised), TEST(strategies_follow), TEST(canary_steps), TEST(batches_to_pause_after), TEST(analysis_is_read), TEST(batches_follow), TEST(resources_are_read),
	TEST(every_service_has_its_networks), TEST(env_files_are_read), TEST(env_files_count), TEST(relative_files_need_a_folder),
};
TESTS_MAIN(tests)
