/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m dscp: the upper six bits of TOS or traffic class. */
#include "opt/dsfield.h"

enum { DSCP, CLASS };

static const struct fw_opt opts[] = {
	[DSCP] = {.name = "dscp", .kind = FW_OPT_U8, .flags = FW_OPT_NOT, .max = 63,
		  .excludes = 1 << CLASS, .print = fw_print_dscp, .arg = "value",
		  .help = "Match DSCP codepoint with numerical value"},
	[CLASS] = {.name = "dscp-class", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .parse = fw_take_dscp_class, .print = fw_print_dscp, .arg = "name",
		   .help = "Match the DiffServ class. This value may\n"
			   "\t\t\t\tbe any of the BE,EF, AFxx or CSx classes"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (fw_use_has(use, CLASS))
		fw_use_move(use, CLASS, DSCP);
	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "dscp: neither --dscp nor --dscp-class is given");
	fw_err_words(err, "DSCP match: Parameter --dscp is required");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, fw_use_inv(use, DSCP) ? " DSCP match !" : " DSCP match ");
	fw_print_dscp(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_dscp *d = use->data;

	return (e->pkt->tos >> 2 == d->value) != fw_use_inv(use, DSCP);
}

const struct fw_ext fw_match_dscp = {
	.name = "dscp", .summary = "the DiffServ codepoint",
	.flags = FW_EXT_INVARIANT,
	.size = sizeof(struct fw_dscp), .opts = opts, .check = check, .list = list, .match = match,
};
