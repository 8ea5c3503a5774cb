/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j MARK: change the packet's mark.  Five options, one meaning: clear the bits of a mask, then
 * XOR a value; save prints that form.  It may stand in every table, as in the kernel.
 */
#include "fw/tx.h"
#include "opt/opt.h"

struct mark {
	uint32_t value, mask;
};

enum { SET_XMARK, SET_MARK, AND_MARK, OR_MARK, XOR_MARK, N_ROWS };

#define OTHERS(row) (((1u << N_ROWS) - 1) & ~(1u << (row)))

static int take(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		bool inverted, const char *const *words, struct fw_err *err)
{
	struct mark *m = use->data;
	unsigned int row = (unsigned int)(opt - use->ext->opts);
	uint32_t value, mask;

	if (fw_parse_mark(words[0], &value, &mask))
		return fw_opt_refuse_mark(err, use, opt, words[0]);
	if (row >= AND_MARK && mask != UINT32_MAX)
		return fw_opt_refuse(err, use, opt, words[0],
				     "has a mask, which only --set-mark and "
				     "--set-xmark take");
	switch (row) {
	case SET_XMARK: *m = (struct mark){value, mask}; break;
	case SET_MARK: *m = (struct mark){value, value | mask}; break;
	case AND_MARK: *m = (struct mark){0, ~value}; break;
	case OR_MARK: *m = (struct mark){value, value}; break;
	default: *m = (struct mark){value, 0};
	}
	return 0;
}

static void print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		  struct fw_buf *out)
{
	const struct mark *m = use->data;

	fw_buf_fmt(out, "0x%x/0x%x", m->value, m->mask);
}

#define ROW(row, words, value, text)                                                        \
	[row] = {.name = words, .kind = FW_OPT_CUSTOM, .excludes = OTHERS(row), .parse = take, \
		 .print = print, .arg = value, .help = text}

static const struct fw_opt opts[] = {
	ROW(SET_XMARK, "set-xmark", "value[/mask]", "Clear bits in mask and XOR value into nfmark"),
	ROW(SET_MARK, "set-mark", "value[/mask]", "Clear bits in mask and OR value into nfmark"),
	ROW(AND_MARK, "and-mark", "bits", "Binary AND the nfmark with bits"),
	ROW(OR_MARK, "or-mark", "bits", "Binary OR the nfmark with bits"),
	ROW(XOR_MARK, "xor-mark", "bits", "Binary XOR the nfmark with bits"),
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set) {
		use->set = 1u << SET_XMARK;
		return 0;
	}
	r = fw_fail(err, FW_ERR_USAGE, "MARK: what to do with the mark is missing");
	fw_err_hint(err, "add one of --set-mark, --set-xmark, --and-mark, --or-mark, --xor-mark");
	fw_err_words(err,
		     "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct mark *m = use->data;

	if (!m->value)
		fw_buf_fmt(out, " MARK and 0x%x", ~m->mask);
	else if (m->value == m->mask)
		fw_buf_fmt(out, " MARK or 0x%x", m->value);
	else if (!m->mask)
		fw_buf_fmt(out, " MARK xor 0x%x", m->value);
	else if (m->mask == UINT32_MAX)
		fw_buf_fmt(out, " MARK set 0x%x", m->value);
	else
		fw_buf_fmt(out, " MARK xset 0x%x/0x%x", m->value, m->mask);
}

/* Clearing the daemon's bits does no harm: rules see them as zero and the daemon puts its own. */
static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	const struct mark *m = use->data;

	return fw_use_may_mark(use, m->value, env, err);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct mark *m = use->data;

	e->mark = (e->mark & ~m->mask) ^ m->value;
	return FW_CONTINUE;
}

const struct fw_ext fw_target_mark = {
	.name = "MARK", .target = true, .summary = "change the packet's mark",
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct mark), .opts = opts, .check = check, .list = list, .deploy = deploy,
	.run = run,
};
