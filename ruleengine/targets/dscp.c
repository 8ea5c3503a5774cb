/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j DSCP: the upper six bits of TOS or traffic class. */
#include "opt/dsfield.h"
#include "packet/rewrite.h"

enum { SET_DSCP, SET_CLASS };

static const struct fw_opt opts[] = {
	[SET_DSCP] = {.name = "set-dscp", .kind = FW_OPT_U8, .max = 63, .excludes = 1 << SET_CLASS,
		      .print = fw_print_dscp, .arg = "value",
		      .help = "Set DSCP field in packet header to value"},
	[SET_CLASS] = {.name = "set-dscp-class", .kind = FW_OPT_CUSTOM, .excludes = 1 << SET_DSCP,
		       .parse = fw_take_dscp_class, .print = fw_print_dscp, .arg = "class",
		       .help = "Set the DSCP field to the value of the\n"
			       "\t\t\t\tDiffServ class: EF, BE, CSxx or AFxx"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (fw_use_has(use, SET_CLASS))
		fw_use_move(use, SET_CLASS, SET_DSCP);
	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "DSCP: neither --set-dscp nor --set-dscp-class is given");
	fw_err_words(err, "DSCP target: Parameter --set-dscp is required");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " DSCP set ");
	fw_print_dscp(opts, use, family, out);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_dscp *d = use->data;
	const uint8_t tos = (uint8_t)(d->value << 2 | (e->pkt->tos & 3));

	return fw_rewrite_tos(e, tos) ? FW_CONTINUE : FW_DROP;
}

const struct fw_ext fw_target_dscp = {
	.name = "DSCP", .target = true, .summary = "change the DiffServ codepoint",
	.tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct fw_dscp), .opts = opts, .check = check, .list = list, .run = run,
};
