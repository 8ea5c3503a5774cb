/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m icmp: ICMP type and code (IPv4).  Type 255 is "any", whatever the codes, as in the kernel. */
#include <netinet/in.h>

#include "fw/classify.h"
#include "matches/icmptype.h"

#define ANY_CODE 0, 255

static const struct icmp_name names[] = {
	{"any", 255, ANY_CODE},
	{"echo-reply", 0, ANY_CODE},
	{"pong", 0, ANY_CODE},
	{"destination-unreachable", 3, ANY_CODE},
	{"network-unreachable", 3, 0, 0},
	{"host-unreachable", 3, 1, 1},
	{"protocol-unreachable", 3, 2, 2},
	{"port-unreachable", 3, 3, 3},
	{"fragmentation-needed", 3, 4, 4},
	{"source-route-failed", 3, 5, 5},
	{"network-unknown", 3, 6, 6},
	{"host-unknown", 3, 7, 7},
	{"network-prohibited", 3, 9, 9},
	{"host-prohibited", 3, 10, 10},
	{"TOS-network-unreachable", 3, 11, 11},
	{"TOS-host-unreachable", 3, 12, 12},
	{"communication-prohibited", 3, 13, 13},
	{"host-precedence-violation", 3, 14, 14},
	{"precedence-cutoff", 3, 15, 15},
	{"source-quench", 4, ANY_CODE},
	{"redirect", 5, ANY_CODE},
	{"network-redirect", 5, 0, 0},
	{"host-redirect", 5, 1, 1},
	{"TOS-network-redirect", 5, 2, 2},
	{"TOS-host-redirect", 5, 3, 3},
	{"echo-request", 8, ANY_CODE},
	{"ping", 8, ANY_CODE},
	{"router-advertisement", 9, ANY_CODE},
	{"router-solicitation", 10, ANY_CODE},
	{"time-exceeded", 11, ANY_CODE},
	{"ttl-exceeded", 11, ANY_CODE},
	{"ttl-zero-during-transit", 11, 0, 0},
	{"ttl-zero-during-reassembly", 11, 1, 1},
	{"parameter-problem", 12, ANY_CODE},
	{"ip-header-bad", 12, 0, 0},
	{"required-option-missing", 12, 1, 1},
	{"timestamp-request", 13, ANY_CODE},
	{"timestamp-reply", 14, ANY_CODE},
	{"address-mask-request", 17, ANY_CODE},
	{"address-mask-reply", 18, ANY_CODE},
	{NULL},
};

enum { TYPE };

static int take_type(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	return icmptype_parse(names, "ICMP", opt, use, words[0], err);
}

static const struct fw_opt opts[] = {
	[TYPE] = {.name = "icmp-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		  .parse = take_type, .print = icmptype_print, .arg = "typename|type[/code]",
		  .help = "match icmp type"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " icmp");
	icmptype_list(names, use, numeric, out);
}

static void help(enum fw_family family, struct fw_buf *out)
{
	icmptype_help(names, "ICMP", out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct icmptype *t = use->data;
	const struct fw_packet *pkt = e->pkt;
	bool is;

	if (pkt->fragment)
		return false;
	if (!pkt->l4_ok) {
		e->hotdrop = true;
		return false;
	}
	is = t->type == UINT8_MAX ||
		(pkt->icmp_type == t->type && pkt->icmp_code >= t->code[0] &&
		 pkt->icmp_code <= t->code[1]);
	return is != fw_use_inv(use, TYPE);
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct icmptype *t = use->data;

	if (t->type != UINT8_MAX)
		return icmptype_fields(use, f);
	if (fw_use_inv(use, TYPE)) { /* none at all */
		fw_fields_begin(f, FW_FIELD_ICMP);
		fw_fields_end(f);
	}
	return true;
}

const struct fw_ext fw_match_icmp = {
	.name = "icmp", .summary = "ICMP type and code",
	.families = 1 << FW_IP4, .proto = IPPROTO_ICMP,
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct icmptype), .opts = opts, .list = list, .help = help, .match = match,
	.fields = fields,
};
