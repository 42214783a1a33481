/*
 * TCP and UDP: what stands in the stream block. The one thing to know: nothing is drawn here. A connection goes to the
 * side that has all the traffic, or to any instance of both where each has its share; so a change of weight is a reload.
 */
#include <string.h>

#include "nginx/render.h"

static bool is_same_target(const struct route *a, const struct route *b)
{
	return a->port == b->port && a->next_port == b->next_port && strcmp(a->project, b->project) == 0 && strcmp(a->service, b->service) == 0;
}

static bool has_anybody(const struct render *c, const struct route *r, bool *has_stable, bool *has_next)
{
	const struct traffic *t = topology_service(c->t, r->project, r->service);
	*has_stable = *has_next = false;
	if (!t || !config_is_service(t))
		return false;
	bool is_rolling_out = render_has_address(&t->next) && *t->rollout;
	*has_next = is_rolling_out && t->weight > 0;
	*has_stable = render_has_address(&t->stable) && !(*has_next && t->weight == PERMILLE);
	return *has_stable || *has_next;
}

static void print_upstream(struct buf *out, const struct render *c, const struct route *r)
{
	const struct traffic *t = topology_service(c->t, r->project, r->service);
	bool has_stable, has_next;
	if (!has_anybody(c, r, &has_stable, &has_next))
		return;
	buf_printf(out, "upstream %s {", render_target(c, r));
	if (has_stable)
		render_side(out, &t->stable, r->port, "");
	if (has_next)
		render_side(out, &t->next, r->next_port ? r->next_port : r->port, "");
	buf_puts(out, " }\n");
}

/* A silent database connection lives on, and a dead peer is found by the kernel; for packets there is no end but time. */
static void print_server(struct buf *out, const struct render *c, const struct route *r)
{
	bool has_stable, has_next, is_udp = r->transport == TRANSPORT_UDP;
	if (!has_anybody(c, r, &has_stable, &has_next))
		return; /* nobody listens: refused at once is what a client of TCP understands */
	buf_printf(out, "server {\n\tlisten %s%s;\n", strcmp(r->host, INTAKE_USUAL) == 0 ? c->s->listen : r->host,
	           is_udp ? " udp reuseport" : " so_keepalive=on");
	if (!is_udp)
		buf_puts(out, "\tproxy_socket_keepalive on;\n");
	if (!r->in.connect_ms)
		buf_puts(out, "\tproxy_connect_timeout 1s;\n");
	if (!r->in.idle_ms)
		buf_printf(out, "\tproxy_timeout %s;\n", is_udp ? "30s" : "1d");
	render_limits(out, "\t", r);
	buf_printf(out, "\tproxy_pass %s;\n}\n", render_target(c, r));
}

void render_streams(struct buf *out, const struct render *c)
{
	for (size_t i = 0; i < c->t->routes_count; i++)
		if (render_is_first(c, i, is_same_target))
			print_upstream(out, c, &c->t->routes[i]);
	for (size_t i = 0; i < c->t->routes_count; i++)
		if (render_is_first(c, i, route_is_same_way))
			print_server(out, c, &c->t->routes[i]);
}
