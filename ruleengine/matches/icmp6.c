/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m icmp6: ICMPv6 type and code. */
#include <netinet/in.h>

#include "matches/icmptype.h"

#define ANY_CODE 0, 255

static const struct icmp_name names[] = {
	{"destination-unreachable", 1, ANY_CODE},
	{"no-route", 1, 0, 0},
	{"communication-prohibited", 1, 1, 1},
	{"beyond-scope", 1, 2, 2},
	{"address-unreachable", 1, 3, 3},
	{"port-unreachable", 1, 4, 4},
	{"failed-policy", 1, 5, 5},
	{"reject-route", 1, 6, 6},
	{"packet-too-big", 2, ANY_CODE},
	{"time-exceeded", 3, ANY_CODE},
	{"ttl-exceeded", 3, ANY_CODE},
	{"ttl-zero-during-transit", 3, 0, 0},
	{"ttl-zero-during-reassembly", 3, 1, 1},
	{"parameter-problem", 4, ANY_CODE},
	{"bad-header", 4, 0, 0},
	{"unknown-header-type", 4, 1, 1},
	{"unknown-option", 4, 2, 2},
	{"echo-request", 128, ANY_CODE},
	{"ping", 128, ANY_CODE},
	{"echo-reply", 129, ANY_CODE},
	{"pong", 129, ANY_CODE},
	{"mld-listener-query", 130, ANY_CODE},
	{"mld-listener-report", 131, ANY_CODE},
	{"mld-listener-done", 132, ANY_CODE},
	{"mld-listener-reduction", 132, ANY_CODE},
	{"router-solicitation", 133, ANY_CODE},
	{"router-advertisement", 134, ANY_CODE},
	{"neighbour-solicitation", 135, ANY_CODE},
	{"neighbor-solicitation", 135, ANY_CODE},
	{"neighbour-advertisement", 136, ANY_CODE},
	{"neighbor-advertisement", 136, ANY_CODE},
	{"redirect", 137, ANY_CODE},
	{NULL},
};

enum { TYPE };

static int take_type(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	return icmptype_parse(names, "ICMPv6", opt, use, words[0], err);
}

static const struct fw_opt opts[] = {
	[TYPE] = {.name = "icmpv6-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		  .parse = take_type, .print = icmptype_print, .arg = "typename|type[/code]",
		  .help = "match icmpv6 type"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " ipv6-icmp");
	icmptype_list(names, use, numeric, out);
}

static void help(enum fw_family family, struct fw_buf *out)
{
	icmptype_help(names, "ICMPv6", out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct icmptype *t = use->data;
	const struct fw_packet *pkt = e->pkt;

	if (pkt->fragment)
		return false;
	if (!pkt->l4_ok) {
		e->hotdrop = true;
		return false;
	}
	return (pkt->icmp_type == t->type && pkt->icmp_code >= t->code[0] &&
		pkt->icmp_code <= t->code[1]) != fw_use_inv(use, TYPE);
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	return icmptype_fields(use, f);
}

const struct fw_ext fw_match_icmp6 = {
	.name = "icmp6", .summary = "ICMPv6 type and code",
	.families = 1 << FW_IP6, .proto = IPPROTO_ICMPV6,
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct icmptype), .opts = opts, .list = list, .help = help, .match = match,
	.fields = fields,
};
