/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m iprange: addresses from one to another, which need not be a prefix. */
#include <string.h>

#include "fw/classify.h"
#include "fw/source.h"
#include "opt/opt.h"

struct iprange {
	union fw_addr src[2], dst[2]; /* lo, hi */
};

enum { SRC, DST };

static int take_range(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	union fw_addr *range = (union fw_addr *)((uint8_t *)use->data + opt->offset);
	const char *dash = strchr(words[0], '-');
	int r;

	if (!fw_parse_addr_range(words[0], ctx->family, &range[0], &range[1]))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], "is not ADDRESS[-ADDRESS]");
	fw_err_words(err, "iprange: Bad value for \"--%s\" option: \"%s\"", opt->name,
		     dash ? dash + 1 : words[0]);
	return r;
}

static void print_range(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const union fw_addr *range = (const union fw_addr *)((uint8_t *)use->data + opt->offset);

	fw_print_addr(&range[0], family, out);
	fw_buf_char(out, '-');
	fw_print_addr(&range[1], family, out);
}

static const struct fw_opt opts[] = {
	[SRC] = {.name = "src-range", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct iprange, src), .parse = take_range, .print = print_range,
		 .arg = "ip[-ip]", .help = "Match source IP in the specified range"},
	[DST] = {.name = "dst-range", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct iprange, dst), .parse = take_range, .print = print_range,
		 .arg = "ip[-ip]", .help = "Match destination IP in the specified range"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "iprange: no range is given");
	fw_err_words(err, "iprange match: You must specify `--src-range' or `--dst-range'");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	for (unsigned int row = SRC; row <= DST; row++) {
		if (!fw_use_has(use, row))
			continue;
		fw_buf_str(out, row == SRC ? " source IP range" : " destination IP range");
		fw_buf_str(out, fw_use_inv(use, row) ? " ! " : " ");
		print_range(&opts[row], use, family, out);
	}
}

/* Addresses are big-endian bytes, IPv4's at the front of zeroes: they compare as bytes do. */
static bool within(const union fw_addr *range, const union fw_addr *addr)
{
	return fw_addr_less_eq(&range[0], addr) && fw_addr_less_eq(addr, &range[1]);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct iprange *i = use->data;

	if (fw_use_has(use, SRC) && within(i->src, &e->pkt->src) == fw_use_inv(use, SRC))
		return false;
	return !fw_use_has(use, DST) || within(i->dst, &e->pkt->dst) != fw_use_inv(use, DST);
}

/* The neighbour of an address; false: there is none. */
static bool step(const union fw_addr *a, int by, enum fw_family family, union fw_addr *ret)
{
	unsigned int n = family == FW_IP4 ? 4 : 16;

	*ret = *a;
	while (n--) {
		ret->u8[n] = (uint8_t)(ret->u8[n] + by);
		if (ret->u8[n] != (by > 0 ? 0 : UINT8_MAX))
			return true;
	}
	return false;
}

static void side_fields(const union fw_addr *range, enum fw_field field, bool inverted,
			enum fw_family family, struct fw_fields *f)
{
	static const union fw_addr lowest;
	union fw_addr highest = {0}, next;

	if (!fw_addr_less_eq(&range[0], &range[1])) { /* nobody is in it */
		if (!inverted) {
			fw_fields_begin(f, field);
			fw_fields_end(f);
		}
		return;
	}
	memset(&highest, 0xff, family == FW_IP4 ? 4 : 16);
	fw_fields_begin(f, field);
	if (!inverted)
		fw_fields_add_addr(f, &range[0], &range[1]);
	if (inverted && step(&range[0], -1, family, &next))
		fw_fields_add_addr(f, &lowest, &next);
	if (inverted && step(&range[1], 1, family, &next))
		fw_fields_add_addr(f, &next, &highest);
	fw_fields_end(f);
}

static int by_source(const struct fw_use *use, struct fw_source *src)
{
	const struct iprange *i = use->data;

	if (fw_use_has(use, SRC) && within(i->src, &src->pkt->src) == fw_use_inv(use, SRC))
		return FW_NO;
	return fw_use_has(use, DST) ? FW_MAYBE : FW_YES;
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct iprange *i = use->data;

	if (fw_use_has(use, SRC))
		side_fields(i->src, FW_FIELD_SRC, fw_use_inv(use, SRC), family, f);
	if (fw_use_has(use, DST))
		side_fields(i->dst, FW_FIELD_DST, fw_use_inv(use, DST), family, f);
	return true;
}

const struct fw_ext fw_match_iprange = {
	.name = "iprange", .summary = "ranges of addresses",
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct iprange), .opts = opts, .check = check, .list = list, .match = match,
	.by_source = by_source, .fields = fields,
};
