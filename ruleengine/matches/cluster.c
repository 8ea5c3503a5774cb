/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m cluster: of several firewalls that all see the same packets, is this the connection's?  Its
 * first source address is hashed; each node, kernel or fwd, comes to the same number.
 */
#include "base/jhash.h"
#include "fw/ct.h"
#include "opt/opt.h"

#define NODES_MAX 32

struct cluster {
	uint32_t total, mask, seed;
};

enum { NODE, MASK, TOTAL, SEED };

static int take_node(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct cluster *c = use->data;
	uint64_t node;

	if (fw_parse_u64(words[0], 1, NODES_MAX, &node))
		return fw_opt_out_of_range(err, use, opt, words[0]);
	c->mask = 1u << (node - 1);
	return 0;
}

static void print_hex(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%08x", *(const uint32_t *)((const uint8_t *)use->data + opt->offset));
}

static const struct fw_opt opts[] = {
	[NODE] = {.name = "cluster-local-node", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		  .min = 1, .max = NODES_MAX, .excludes = 1 << MASK, .parse = take_node,
		  .print = print_hex, .arg = "num", .help = "Set the local node number"},
	[MASK] = {.name = "cluster-local-nodemask", .kind = FW_OPT_U32, .flags = FW_OPT_NOT,
		  .offset = offsetof(struct cluster, mask), .excludes = 1 << NODE,
		  .print = print_hex, .arg = "num", .help = "Set the local node mask"},
	[TOTAL] = {.name = "cluster-total-nodes", .kind = FW_OPT_U32, .flags = FW_OPT_REQUIRED,
		   .min = 1, .max = NODES_MAX, .offset = offsetof(struct cluster, total),
		   .arg = "num", .help = "Set number of total nodes in cluster"},
	[SEED] = {.name = "cluster-hash-seed", .kind = FW_OPT_U32, .flags = FW_OPT_REQUIRED,
		  .offset = offsetof(struct cluster, seed), .print = print_hex, .arg = "num",
		  .help = "Set seed value of the Jenkins hash"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct cluster *c = use->data;
	int r;

	if (!fw_use_has(use, NODE) && !fw_use_has(use, MASK)) {
		r = fw_fail(err, FW_ERR_USAGE, "cluster: no node is given");
		fw_err_words(err,
			     "cluster match: `--cluster-local-node' "
			     "or`--cluster-local-nodemask' is missing");
		return r;
	}
	if (c->mask >> (c->total - 1) > 1) {
		r = fw_fail(err, FW_ERR_USAGE, "cluster: there is no such node among %u", c->total);
		fw_err_words(err, "cluster match: `--cluster-local-node%s `--cluster-total-nodes'",
			     fw_use_has(use, NODE) ? "' must be <=" : "mask' too big for");
		return r;
	}
	fw_use_move(use, NODE, MASK);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct cluster *c = use->data;

	fw_buf_fmt(out, " cluster %snode_mask=0x%08x total_nodes=%u hash_seed=0x%08x",
		   fw_use_inv(use, MASK) ? "!" : "", c->mask, c->total, c->seed);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct cluster *c = use->data;
	const struct fw_tuple *orig;
	struct fw_tuple room;
	uint32_t hash;

	if (!e->flow || (fw_flow_status(e->flow) & FW_CTS_TEMPLATE))
		return false;
	orig = fw_flow_tuple(e->flow, FW_DIR_ORIG, &room);
	/* of an IPv6 address, too, the first word only: so does the kernel */
	hash = jhash_words(orig->src.u32, 1, c->seed);
	return (c->mask >> ((uint64_t)hash * c->total >> 32) & 1) != fw_use_inv(use, MASK);
}

const struct fw_ext fw_match_cluster = {
	.name = "cluster", .summary = "the share of one of several firewalls",
	.flags = FW_NEED_TRACK, .size = sizeof(struct cluster), .opts = opts, .check = check,
	.list = list, .match = match,
};
