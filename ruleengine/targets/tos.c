/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j TOS: change the TOS or traffic class byte.  Four options, one meaning: clear the bits of a
 * mask, then XOR a value; save prints that form.
 */
#include "opt/dsfield.h"
#include "packet/rewrite.h"

struct tos {
	uint8_t value, mask;
};

enum { SET_TOS, AND_TOS, OR_TOS, XOR_TOS, N_ROWS };

#define OTHERS(row) (((1u << N_ROWS) - 1) & ~(1u << (row)))

static int take(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		bool inverted, const char *const *words, struct fw_err *err)
{
	const unsigned int row = (unsigned int)(opt - use->ext->opts);
	struct tos *t = use->data;
	uint64_t value;

	if (row == SET_TOS) {
		if (fw_parse_tos(words[0], &t->value, &t->mask))
			return fw_opt_refuse_tos(err, use, opt, words[0]);
		return 0;
	}
	if (fw_parse_u64(words[0], 0, UINT8_MAX, &value))
		return fw_opt_out_of_range(err, use, opt, words[0]);
	t->value = row == AND_TOS ? 0 : (uint8_t)value;
	t->mask = row == AND_TOS ? (uint8_t)~value : row == OR_TOS ? (uint8_t)value : 0;
	return 0;
}

static void print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		  struct fw_buf *out)
{
	const struct tos *t = use->data;

	fw_buf_fmt(out, "0x%02x/0x%02x", t->value, t->mask);
}

#define ROW(row, words, value, text)                                                        \
	[row] = {.name = words, .kind = FW_OPT_CUSTOM, .max = UINT8_MAX,                      \
		 .excludes = OTHERS(row), .parse = take, .print = print, .arg = value, .help = text}

static const struct fw_opt opts[] = {
	ROW(SET_TOS, "set-tos", "value[/mask]|symbol",
	    "Set Type of Service/Priority field to value\n"
	    "                          (Zero out bits in mask and XOR value into TOS)"),
	ROW(AND_TOS, "and-tos", "bits", "Binary AND the TOS value with bits"),
	ROW(OR_TOS, "or-tos", "bits", "Binary OR the TOS value with bits"),
	ROW(XOR_TOS, "xor-tos", "bits", "Binary XOR the TOS value with bits"),
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_tos_help("                          ", out);
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set) {
		use->set = 1u << SET_TOS;
		return 0;
	}
	r = fw_fail(err, FW_ERR_USAGE, "TOS: what to do with the field is missing");
	fw_err_hint(err, "add one of --set-tos, --and-tos, --or-tos, --xor-tos");
	fw_err_words(err, "TOS: An action is required");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct tos *t = use->data;
	const char *symbol = fw_tos_symbol(t->value, t->mask);

	if (!numeric && symbol)
		fw_buf_fmt(out, "  TOS set%s", symbol); /* to the letter */
	else if (!numeric && !t->value)
		fw_buf_fmt(out, " TOS and 0x%02x", (uint8_t)~t->mask);
	else if (!numeric && t->value == t->mask)
		fw_buf_fmt(out, " TOS or 0x%02x", t->value);
	else if (!numeric && !t->mask)
		fw_buf_fmt(out, " TOS xor 0x%02x", t->value);
	else
		fw_buf_fmt(out, " TOS set 0x%02x/0x%02x", t->value, t->mask);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct tos *t = use->data;
	const uint8_t tos = (uint8_t)((e->pkt->tos & ~t->mask) ^ t->value);

	return fw_rewrite_tos(e, tos) ? FW_CONTINUE : FW_DROP;
}

const struct fw_ext fw_target_tos = {
	.name = "TOS", .target = true, .summary = "change the TOS or traffic class byte",
	.tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct tos), .opts = opts, .check = check, .help = help, .list = list,
	.run = run,
};
