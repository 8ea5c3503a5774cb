/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m dscp: the upper six bits of TOS or traffic class. */
#include "opt/dsfield.h"

struct dscp {
	uint8_t value;
};

enum { DSCP, CLASS };

static int take_class(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct dscp *d = use->data;

	if (fw_parse_dscp_class(words[0], &d->value))
		return fw_opt_refuse_dscp_class(err, use, opt, words[0]);
	return 0;
}

static void print_dscp(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%02x", ((const struct dscp *)use->data)->value);
}

static const struct fw_opt opts[] = {
	[DSCP] = {.name = "dscp", .kind = FW_OPT_U8, .flags = FW_OPT_NOT, .max = 63,
		  .excludes = 1 << CLASS, .print = print_dscp, .arg = "value",
		  .help = "Match DSCP codepoint with numerical value"},
	[CLASS] = {.name = "dscp-class", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .parse = take_class, .print = print_dscp, .arg = "name",
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
	print_dscp(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct dscp *d = use->data;

	return (e->pkt->tos >> 2 == d->value) != fw_use_inv(use, DSCP);
}

const struct fw_ext fw_match_dscp = {
	.name = "dscp", .summary = "the DiffServ codepoint",
	.flags = FW_EXT_INVARIANT,
	.size = sizeof(struct dscp), .opts = opts, .check = check, .list = list, .match = match,
};
