/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j DSCP: the upper six bits of TOS or traffic class. */
#include "opt/dsfield.h"
#include "packet/rewrite.h"

struct dscp {
	uint8_t value;
};

enum { SET_DSCP, SET_CLASS };

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
	[SET_DSCP] = {.name = "set-dscp", .kind = FW_OPT_U8, .max = 63, .excludes = 1 << SET_CLASS,
		      .print = print_dscp, .arg = "value",
		      .help = "Set DSCP field in packet header to value"},
	[SET_CLASS] = {.name = "set-dscp-class", .kind = FW_OPT_CUSTOM, .excludes = 1 << SET_DSCP,
		       .parse = take_class, .print = print_dscp, .arg = "class",
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
	print_dscp(opts, use, family, out);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct dscp *d = use->data;
	const uint8_t tos = (uint8_t)(d->value << 2 | (e->pkt->tos & 3));

	return fw_rewrite_tos(e, tos) ? FW_CONTINUE : FW_DROP;
}

const struct fw_ext fw_target_dscp = {
	.name = "DSCP", .target = true, .summary = "change the DiffServ codepoint",
	.tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct dscp), .opts = opts, .check = check, .list = list, .run = run,
};
