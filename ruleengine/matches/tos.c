/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m tos: the TOS or traffic class byte under a mask; the old names of IPv4's TOS. */
#include "opt/dsfield.h"

struct tos {
	uint8_t value, mask;
};

enum { TOS };

static int take_tos(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	struct tos *t = use->data;

	if (fw_parse_tos(words[0], &t->value, &t->mask))
		return fw_opt_refuse_tos(err, use, opt, words[0]);
	return 0;
}

static void print_tos(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	const struct tos *t = use->data;

	fw_buf_fmt(out, "0x%02x/0x%02x", t->value, t->mask);
}

static const struct fw_opt opts[] = {
	[TOS] = {.name = "tos", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		 .parse = take_tos, .print = print_tos, .arg = "value[/mask]|symbol",
		 .help = "Match Type of Service/Priority field value"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_tos_help("                          ", out);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct tos *t = use->data;
	const char *symbol = numeric ? NULL : fw_tos_symbol(t->value, t->mask);

	fw_buf_str(out, fw_use_inv(use, TOS) ? " tos match!" : " tos match");
	if (symbol)
		fw_buf_fmt(out, " %s", symbol);
	else
		print_tos(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct tos *t = use->data;

	return ((e->pkt->tos & t->mask) == t->value) != fw_use_inv(use, TOS);
}

const struct fw_ext fw_match_tos = {
	.name = "tos", .summary = "the TOS or traffic class byte",
	.flags = FW_EXT_INVARIANT,
	.size = sizeof(struct tos), .opts = opts, .help = help, .list = list, .match = match,
};
