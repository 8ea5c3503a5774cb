/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m connlimit: how many connections an address, or a net, has (conncount.h).  A packet that
 * belongs to no connection and could begin none is dropped, as the kernel drops it.
 */
#include <string.h>

#include "matches/conncount.h"
#include "opt/opt.h"

struct connlimit {
	uint32_t limit;
	union fw_addr mask;
};

struct state {
	struct fw_conncount *count; /* NULL: a world without a tracker */
};

enum { UPTO, ABOVE, MASK, SADDR, DADDR };

static int take_mask(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct connlimit *c = use->data;
	union fw_addr mask;
	unsigned int len;
	int r;

	if (!fw_parse_mask(words[0], ctx->family, &mask) &&
	    fw_mask_is_prefix(&mask, ctx->family, &len)) {
		c->mask = mask;
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is no length of a prefix");
	fw_err_words(
		err,
		"connlimit: bad value for option \"--connlimit-mask\", neither a valid network "
		"mask nor valid CIDR (0-%u).",
		ctx->family == FW_IP4 ? 32u : 128u);
	return r;
}

static void print_mask(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	unsigned int len = 0;

	fw_mask_is_prefix(&((const struct connlimit *)use->data)->mask, family, &len);
	fw_buf_u64(out, len);
}

static const struct fw_opt opts[] = {
	[UPTO] = {.name = "connlimit-upto", .kind = FW_OPT_U32, .flags = FW_OPT_NOT,
		  .offset = offsetof(struct connlimit, limit), .excludes = 1 << ABOVE, .arg = "n",
		  .help = "match if the number of existing connections is 0..n"},
	[ABOVE] = {.name = "connlimit-above", .kind = FW_OPT_U32, .flags = FW_OPT_NOT,
		   .offset = offsetof(struct connlimit, limit), .excludes = 1 << UPTO, .arg = "n",
		   .help = "match if the number of existing connections is >n"},
	[MASK] = {.name = "connlimit-mask", .kind = FW_OPT_CUSTOM, .parse = take_mask,
		  .print = print_mask, .arg = "n",
		  .help = "group hosts using prefix length (default: max len)"},
	[SADDR] = {.name = "connlimit-saddr", .kind = FW_OPT_FLAG, .excludes = 1 << DADDR,
		   .help = "select source address for grouping"},
	[DADDR] = {.name = "connlimit-daddr", .kind = FW_OPT_FLAG, .excludes = 1 << SADDR,
		   .help = "select destination addresses for grouping"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	memset(&((struct connlimit *)use->data)->mask, 0xff, ctx->family == FW_IP4 ? 4 : 16);
}

/* "! above" is "up to", and the other way round. */
static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (!fw_use_has(use, UPTO) && !fw_use_has(use, ABOVE)) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "connlimit: neither --connlimit-above nor --connlimit-upto is given");
		fw_err_words(err,
			     "You must specify \"--connlimit-above\" or "
			     "\"--connlimit-upto\".");
		return r;
	}
	if (use->inv)
		use->set ^= 1u << UPTO | 1u << ABOVE;
	use->inv = 0;
	use->set |= 1ull << MASK | (fw_use_has(use, DADDR) ? 0 : 1ull << SADDR);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct connlimit *c = use->data;

	fw_buf_str(out, fw_use_has(use, DADDR) ? " #conn dst/" : " #conn src/");
	print_mask(NULL, use, family, out);
	fw_buf_fmt(out, " %s %u", fw_use_has(use, UPTO) ? "<=" : ">", c->limit);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	struct state *s = use->state;

	s->count = NULL;
	if (!world->ct)
		return 0;
	s->count = cc_new(world);
	return s->count ? 0 : fw_fail(err, FW_ERR_RESOURCE, "connlimit: no memory");
}

static void detach(const struct fw_use *use, struct fw_world *world)
{
	struct state *s = use->state;

	if (s->count)
		cc_put(world, s->count);
	s->count = NULL;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct connlimit *c = use->data;
	const struct state *s = use->state;
	union fw_addr addr = fw_use_has(use, DADDR) ? e->pkt->dst : e->pkt->src;
	uint32_t n;

	for (int i = 0; i < 4; i++)
		addr.u32[i] &= c->mask.u32[i];
	n = s->count ? cc_count(s->count, e, &addr) : 0;
	if (!n) {
		e->hotdrop = true;
		return false;
	}
	return (n > c->limit) == fw_use_has(use, ABOVE);
}

const struct fw_ext fw_match_connlimit = {
	.name = "connlimit", .summary = "how many connections an address has",
	.flags = FW_NEED_TRACK | FW_NEED_FLOWS | FW_EXT_STATEFUL,
	.size = sizeof(struct connlimit), .state_size = sizeof(struct state), .opts = opts,
	.init = init, .check = check, .list = list, .attach = attach, .detach = detach,
	.match = match,
};
