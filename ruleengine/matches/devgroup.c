/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m devgroup: the group that an interface was put into (ip link set dev … group …). */
#include "matches/valmask.h"

struct devgroup {
	struct valmask src, dst;
};

enum { SRC, DST };

#define ZERO	   "default"
#define SRC_PLACES (FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD))
#define DST_PLACES (FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT) | FW_HOOK_BIT(FW_POSTROUTING))

static int take_group(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	return valmask_take(use, opt, words[0], ZERO, err);
}

static void print_group(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	valmask_print((const struct valmask *)((const uint8_t *)use->data + opt->offset), ZERO,
		      out);
}

static const struct fw_opt opts[] = {
	[SRC] = {.name = "src-group", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct devgroup, src), .parse = take_group,
		 .print = print_group, .arg = "value[/mask]",
		 .help = "Match device group of incoming device"},
	[DST] = {.name = "dst-group", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct devgroup, dst), .parse = take_group,
		 .print = print_group, .arg = "value[/mask]",
		 .help = "Match device group of outgoing device"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "devgroup: no group is given");
	fw_err_words(err, "devgroup match: You must specify either '--src-group' or '--dst-group'");
	return r;
}

static unsigned int places(const struct fw_use *use)
{
	return (fw_use_has(use, SRC) ? SRC_PLACES : FW_HOOKS_ALL) &
		(fw_use_has(use, DST) ? DST_PLACES : FW_HOOKS_ALL);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct devgroup *g = use->data;

	for (unsigned int row = SRC; row <= DST; row++) {
		if (!fw_use_has(use, row))
			continue;
		fw_buf_fmt(out, "%s %s ", fw_use_inv(use, row) ? " !" : "", opts[row].name);
		valmask_print(row == SRC ? &g->src : &g->dst, numeric ? NULL : ZERO, out);
	}
}

static bool fits(const struct fw_world *world, const struct valmask *want, uint32_t ifindex)
{
	const bool told = world->ops && world->ops->group;

	return valmask_fits(want, told ? world->ops->group(world->priv, ifindex) : 0);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const struct devgroup *g = use->data;

	if (fw_use_has(use, SRC) &&
	    fits(e->world, &g->src, meta->in_ifindex) == fw_use_inv(use, SRC))
		return false;
	return !fw_use_has(use, DST) ||
		fits(e->world, &g->dst, meta->out_ifindex) != fw_use_inv(use, DST);
}

const struct fw_ext fw_match_devgroup = {
	.name = "devgroup", .summary = "groups of interfaces", .size = sizeof(struct devgroup),
	.opts = opts, .check = check, .places = places, .list = list, .match = match,
};
