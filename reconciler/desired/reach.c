/* What a routed service says of its network, and whether nginx can reach it there. */
#include "desired/draft.h"

/* With nginx in a container there is no way over the host's loopback, and the addresses of their network are given here. */
static void settle_nginx_network(struct parse *p, struct draft *d, enum address_kind kind)
{
	const struct value *place = value_get(draft_value(d, "networks"), p->nginx_network);
	if (kind == ADDRESS_HOST)
		parse_error(p, draft_mark(d, "network_mode"), arena_printf(p->a, "%s.network_mode", d->path),
		            "a route leads to %s, and nginx is on the network %s (setting nginx.network), from which it cannot reach the host's "
		            "own; remove network_mode", d->service.name, p->nginx_network);
	if (place && value_get(place, "ipv4_address"))
		parse_error(p, draft_mark(d, "networks"), arena_printf(p->a, "%s.networks", d->path),
		            "a route leads to %s, and on %s, the network of nginx (setting nginx.network), its instances have addresses of their own; "
		            "remove ipv4_address", d->service.name, p->nginx_network);
}

void draft_reach(struct parse *p, struct draft *d)
{
	const char *path = arena_printf(p->a, "%s.network_mode", d->path);
	enum address_kind kind = address_kind(draft_value(d, "network_mode"));
	if (!d->service.is_routed)
		return;
	if (kind == ADDRESS_NONE)
		parse_error(p, draft_mark(d, "network_mode"), path, "a route leads to %s, but with %s nginx cannot reach it; remove one of them",
		            d->service.name, draft_value(d, "network_mode")->string);
	if (p->nginx_network)
		settle_nginx_network(p, d, kind);
	if (kind != ADDRESS_HOST)
		return;
	d->fixed = "a port of the host";
	d->fixed_path = "network_mode";
	if (d->service.replicas > 1)
		parse_error(p, draft_mark(d, "network_mode"), path, "several instances cannot share %s; remove network_mode", d->fixed);
}
