/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m dscp: the upper six bits of TOS or traffic class. */
#include <strings.h>

#include "opt/opt.h"

struct dscp {
	uint8_t value;
};

enum { DSCP, CLASS };

static const struct fw_opt_name classes[] = {
	{"CS0", 0x00},	{"CS1", 0x08},	{"CS2", 0x10},	{"CS3", 0x18},	{"CS4", 0x20},
	{"CS5", 0x28},	{"CS6", 0x30},	{"CS7", 0x38},	{"BE", 0x00},	{"AF11", 0x0a},
	{"AF12", 0x0c}, {"AF13", 0x0e}, {"AF21", 0x12}, {"AF22", 0x14}, {"AF23", 0x16},
	{"AF31", 0x1a}, {"AF32", 0x1c}, {"AF33", 0x1e}, {"AF41", 0x22}, {"AF42", 0x24},
	{"AF43", 0x26}, {"EF", 0x2e},	{NULL},
};

static int take_class(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct dscp *d = use->data;
	int r;

	for (const struct fw_opt_name *n = classes; n->name; n++)
		if (!strcasecmp(n->name, words[0])) {
			d->value = (uint8_t)n->value;
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0], "is none of BE, EF, AFxx, CSx");
	fw_err_words(err, "Invalid DSCP value `%s'", words[0]);
	return r;
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
	.size = sizeof(struct dscp), .opts = opts, .check = check, .list = list, .match = match,
};
