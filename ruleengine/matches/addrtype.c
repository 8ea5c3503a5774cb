/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m addrtype: what kind of address it is to this host's routing (local, broadcast, …).
 *
 * Routing is the host's to know (world->ops->addrtype).  For IPv4 an address has exactly one type
 * and a list is an OR.  For IPv6 the kernel reads the list differently: MULTICAST, UNICAST and
 * UNSPEC must each hold if named, by the address alone; LOCAL, ANYCAST and UNREACHABLE are an OR.
 */
#include <string.h>
#include <strings.h>

#include "opt/opt.h"

struct addrtype {
	uint16_t src, dst; /* masks of 1 << enum fw_addrtype */
};

enum { SRC, DST, LIMIT_IN, LIMIT_OUT };

#define BIT(type) (1u << FW_ADDR_##type)

static const char *const names[] = {
	"UNSPEC",    "UNICAST",     "LOCAL",    "BROADCAST", "ANYCAST", "MULTICAST",
	"BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",     "NAT",     "XRESOLVE",
};
_Static_assert(FW_ARRAY_SIZE(names) == FW_N_ADDRTYPES, "a name for each type");

static int take_types(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	uint16_t *mask = (uint16_t *)((uint8_t *)use->data + opt->offset);
	const char *p = words[0];
	int r;

	for (;;) {
		size_t len = strcspn(p, ","), i = 0;

		while (i < FW_N_ADDRTYPES && (!len || strncasecmp(p, names[i], len)))
			i++;
		if (i == FW_N_ADDRTYPES)
			break;
		*mask |= (uint16_t)(1u << i);
		if (!p[len])
			return 0;
		p += len + 1;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not a list of types");
	fw_err_hint(err, "the types: fwctl help addrtype");
	fw_err_words(err, "addrtype: bad type \"%s\"", p);
	return r;
}

static void print_types(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct addrtype *a = use->data;
	unsigned int mask = opt->offset == offsetof(struct addrtype, src) ? a->src : a->dst;
	const char *comma = "";

	for (unsigned int i = 0; i < FW_N_ADDRTYPES; i++)
		if (mask >> i & 1) {
			fw_buf_str(out, comma);
			fw_buf_str(out, names[i]);
			comma = ",";
		}
}

static const struct fw_opt opts[] = {
	[SRC] = {.name = "src-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct addrtype, src), .parse = take_types, .print = print_types,
		 .arg = "type[,...]", .help = "Match source address type"},
	[DST] = {.name = "dst-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct addrtype, dst), .parse = take_types, .print = print_types,
		 .arg = "type[,...]", .help = "Match destination address type"},
	[LIMIT_IN] = {.name = "limit-iface-in", .kind = FW_OPT_FLAG,
		      .help = "Match only on the packet's incoming device"},
	[LIMIT_OUT] = {.name = "limit-iface-out", .kind = FW_OPT_FLAG,
		       .help = "Match only on the packet's outgoing device"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct addrtype *a = use->data;
	unsigned int all = a->src | a->dst;
	int r;

	if (!all) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "addrtype: neither --src-type nor --dst-type is given");
		fw_err_words(err, "addrtype: you must specify --src-type or --dst-type");
		return r;
	}
	if (fw_use_has(use, LIMIT_IN) && fw_use_has(use, LIMIT_OUT))
		return fw_fail(err, FW_ERR_PLACE,
			       "addrtype: --limit-iface-in conflicts with --limit-iface-out");
	if (ctx->family == FW_IP6 &&
	    (all & (BIT(BLACKHOLE) | BIT(BROADCAST)) || all >= BIT(PROHIBIT)))
		return fw_fail(err, FW_ERR_PLACE, "addrtype: IPv6 has no such type of address");
	return 0;
}

/* A packet has no outgoing interface yet, or no longer an incoming one, at some hooks. */
static unsigned int places(const struct fw_use *use)
{
	unsigned int hooks = FW_HOOKS_ALL;

	if (fw_use_has(use, LIMIT_IN))
		hooks &= ~(FW_HOOK_BIT(FW_OUTPUT) | FW_HOOK_BIT(FW_POSTROUTING));
	if (fw_use_has(use, LIMIT_OUT))
		hooks &= ~(FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_INPUT));
	return hooks;
}

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "\nValid types:           \n");
	for (unsigned int i = 0; i < FW_N_ADDRTYPES; i++)
		fw_buf_fmt(out, "                                %s\n", names[i]);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " ADDRTYPE match");
	for (unsigned int row = SRC; row <= DST; row++) {
		if (!fw_use_has(use, row))
			continue;
		fw_buf_fmt(out, " %s %s", opts[row].name, fw_use_inv(use, row) ? "!" : "");
		print_types(&opts[row], use, family, out);
	}
	if (fw_use_has(use, LIMIT_IN))
		fw_buf_str(out, " limit-in");
	if (fw_use_has(use, LIMIT_OUT))
		fw_buf_str(out, " limit-out");
}

static bool is6(const union fw_addr *a, unsigned int mask, unsigned int routing)
{
	static const union fw_addr zero;
	bool multicast = a->u8[0] == 0xff, any = !memcmp(a, &zero, sizeof(zero));
	bool mapped = !memcmp(a, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

	if ((mask & BIT(MULTICAST)) && !multicast)
		return false;
	if ((mask & BIT(UNICAST)) && (multicast || any || mapped))
		return false;
	if ((mask & BIT(UNSPEC)) && !any)
		return false;
	mask &= BIT(LOCAL) | BIT(ANYCAST) | BIT(UNREACHABLE);
	return !mask || (mask & routing);
}

static bool is(const struct fw_eval *e, const union fw_addr *a, unsigned int mask, uint32_t ifindex)
{
	const struct fw_world_ops *ops = e->world->ops;
	enum fw_family family = e->pkt->family;
	unsigned int routing = 0;

	if (ops && ops->addrtype)
		routing = ops->addrtype(e->world->priv, family, a, ifindex);
	return family == FW_IP6 ? is6(a, mask, routing) : mask & routing;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct addrtype *a = use->data;
	const struct fw_packet *pkt = e->pkt;
	uint32_t ifindex = fw_use_has(use, LIMIT_IN) ? pkt->meta.in_ifindex
		: fw_use_has(use, LIMIT_OUT)	     ? pkt->meta.out_ifindex
						     : 0;

	if (a->src && is(e, &pkt->src, a->src, ifindex) == fw_use_inv(use, SRC))
		return false;
	return !a->dst || is(e, &pkt->dst, a->dst, ifindex) != fw_use_inv(use, DST);
}

const struct fw_ext fw_match_addrtype = {
	.name = "addrtype", .summary = "what an address is to this host",
	.size = sizeof(struct addrtype), .opts = opts, .check = check, .places = places, .help = help,
	.list = list, .match = match,
};
