/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j CONNMARK: change the connection's mark, or copy it from or to the packet's.  Without a
 * connection it does nothing.  Seven options say three things; save prints the three.
 */
#include <errno.h>

#include "fw/ct.h"
#include "fw/tx.h"
#include "opt/opt.h"

enum mode { MODE_NONE, MODE_SET, MODE_SAVE, MODE_RESTORE };

struct connmark {
	uint32_t value, ctmask, nfmask;
	uint8_t mode, right, bits;
};

enum {
	SET_XMARK, SAVE_MARK, RESTORE_MARK, NFMASK, CTMASK, LEFT_SHIFT, RIGHT_SHIFT,
	SET_MARK, AND_MARK, OR_MARK, XOR_MARK, MASK
};

#define BIT(row) (1u << (row))
#define OPS                                                                                 \
	(BIT(SET_XMARK) | BIT(SAVE_MARK) | BIT(RESTORE_MARK) | BIT(SET_MARK) | BIT(AND_MARK) | \
	 BIT(OR_MARK) | BIT(XOR_MARK))
#define OTHERS(row) (OPS & ~BIT(row))

static int take_set(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	const unsigned int row = (unsigned int)(opt - use->ext->opts);
	struct connmark *m = use->data;
	uint32_t value, mask;

	if (fw_parse_mark(words[0], &value, &mask))
		return fw_opt_refuse_mark(err, use, opt, words[0]);
	if (row >= AND_MARK && mask != UINT32_MAX)
		return fw_opt_refuse(err, use, opt, words[0],
				     "has a mask, which only --set-mark and --set-xmark take");
	m->mode = MODE_SET;
	m->value = row == AND_MARK ? 0 : value;
	switch (row) {
	case SET_XMARK: m->ctmask = mask; break;
	case SET_MARK: m->ctmask = value | mask; break;
	case AND_MARK: m->ctmask = ~value; break;
	case OR_MARK: m->ctmask = value; break;
	default: m->ctmask = 0;
	}
	return 0;
}

static int take_copy(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct connmark *m = use->data;

	m->mode = opt - use->ext->opts == SAVE_MARK ? MODE_SAVE : MODE_RESTORE;
	return 0;
}

static int take_mask(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	const unsigned int row = (unsigned int)(opt - use->ext->opts);
	struct connmark *m = use->data;
	uint64_t mask;

	if (fw_parse_u64(words[0], 0, UINT32_MAX, &mask))
		return fw_opt_out_of_range(err, use, opt, words[0]);
	if (row != CTMASK)
		m->nfmask = (uint32_t)mask;
	if (row != NFMASK)
		m->ctmask = (uint32_t)mask;
	return 0;
}

static int take_shift(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct connmark *m = use->data;
	uint64_t bits;

	if (fw_parse_u64(words[0], 0, 31, &bits))
		return fw_opt_out_of_range(err, use, opt, words[0]);
	m->right = opt - use->ext->opts == RIGHT_SHIFT;
	m->bits = (uint8_t)bits;
	return 0;
}

static void print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		  struct fw_buf *out)
{
	const struct connmark *m = use->data;

	switch (opt - use->ext->opts) {
	case SET_XMARK: fw_buf_fmt(out, "0x%x/0x%x", m->value, m->ctmask); break;
	case NFMASK: fw_buf_fmt(out, "0x%x", m->nfmask); break;
	case CTMASK: fw_buf_fmt(out, "0x%x", m->ctmask); break;
	default: fw_buf_fmt(out, "%u", m->bits);
	}
}

#define SETTER(row, words, value, text)                                                      \
	[row] = {.name = words, .kind = FW_OPT_CUSTOM, .excludes = OTHERS(row),                \
		 .parse = take_set, .print = print, .arg = value, .help = text}
#define COPIER(row, words, text)                                                             \
	[row] = {.name = words, .kind = FW_OPT_FLAG, .excludes = OTHERS(row),                  \
		 .parse = take_copy, .help = text}
#define MASKER(row, words, not, text)                                                        \
	[row] = {.name = words, .kind = FW_OPT_CUSTOM, .max = UINT32_MAX, .excludes = not,     \
		 .parse = take_mask, .print = print, .arg = "mask", .help = text}
#define SHIFTER(row, words, text)                                                            \
	[row] = {.name = words, .kind = FW_OPT_CUSTOM, .max = 31, .parse = take_shift,         \
		 .print = print, .arg = "value", .help = text}

static const struct fw_opt opts[] = {
	SETTER(SET_XMARK, "set-xmark", "value[/ctmask]",
	       "Zero mask bits and XOR ctmark with value"),
	COPIER(SAVE_MARK, "save-mark", "Copy nfmark to ctmark using masks"),
	COPIER(RESTORE_MARK, "restore-mark", "Copy ctmark to nfmark using masks"),
	MASKER(NFMASK, "nfmask", BIT(MASK), "which bits of the packet's mark"),
	MASKER(CTMASK, "ctmask", BIT(MASK), "which bits of the connection's mark"),
	SHIFTER(LEFT_SHIFT, "left-shift-mark", "Left shift the ctmark with bits"),
	SHIFTER(RIGHT_SHIFT, "right-shift-mark", "Right shift the ctmark with bits"),
	SETTER(SET_MARK, "set-mark", "value[/mask]", "Set conntrack mark value"),
	SETTER(AND_MARK, "and-mark", "value", "Binary AND the ctmark with bits"),
	SETTER(OR_MARK, "or-mark", "value", "Binary OR  the ctmark with bits"),
	SETTER(XOR_MARK, "xor-mark", "value", "Binary XOR the ctmark with bits"),
	MASKER(MASK, "mask", BIT(NFMASK) | BIT(CTMASK), "both masks at once"),
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct connmark *m = use->data;

	m->ctmask = m->nfmask = UINT32_MAX;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct connmark *m = use->data;
	int r;

	if (m->mode == MODE_NONE) {
		r = fw_fail(err, FW_ERR_USAGE, "CONNMARK: what to do with the mark is missing");
		fw_err_hint(err, "add one of --set-xmark, --set-mark, --and-mark, --or-mark, "
				 "--xor-mark, --save-mark, --restore-mark");
		fw_err_words(err, "CONNMARK target: No operation specified");
		return r;
	}
	use->set = m->mode == MODE_SET	? BIT(SET_XMARK) :
		   m->mode == MODE_SAVE ? BIT(SAVE_MARK) | BIT(NFMASK) | BIT(CTMASK) :
					  BIT(RESTORE_MARK) | BIT(NFMASK) | BIT(CTMASK);
	if (m->mode == MODE_SET)
		m->nfmask = UINT32_MAX; /* no part of it */
	if (m->bits)
		use->set |= m->right ? BIT(RIGHT_SHIFT) : BIT(LEFT_SHIFT);
	else
		m->right = 0;
	return 0;
}

static void list_set(const struct connmark *m, struct fw_buf *out)
{
	if (!m->value)
		fw_buf_fmt(out, " CONNMARK and 0x%x", ~m->ctmask);
	else if (m->value == m->ctmask)
		fw_buf_fmt(out, " CONNMARK or 0x%x", m->value);
	else if (!m->ctmask)
		fw_buf_fmt(out, " CONNMARK xor 0x%x", m->value);
	else if (m->ctmask == UINT32_MAX)
		fw_buf_fmt(out, " CONNMARK set 0x%x", m->value);
	else
		fw_buf_fmt(out, " CONNMARK xset 0x%x/0x%x", m->value, m->ctmask);
}

static void list_copy(const struct connmark *m, struct fw_buf *out)
{
	const bool save = m->mode == MODE_SAVE;

	fw_buf_str(out, save ? " CONNMARK save" : " CONNMARK restore");
	if (m->nfmask == UINT32_MAX && m->ctmask == UINT32_MAX)
		return;
	if (m->nfmask == m->ctmask)
		fw_buf_fmt(out, " mask 0x%x", m->nfmask);
	else if (save)
		fw_buf_fmt(out, " nfmask 0x%x ctmask ~0x%x", m->nfmask, m->ctmask);
	else
		fw_buf_fmt(out, " ctmask 0x%x nfmask ~0x%x", m->ctmask, m->nfmask);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct connmark *m = use->data;

	if (m->mode == MODE_SET)
		list_set(m, out);
	else
		list_copy(m, out);
	if (m->bits)
		fw_buf_fmt(out, " %s-shift-mark %u", m->right ? "right" : "left", m->bits);
}

static uint32_t shift(const struct connmark *m, uint32_t mark)
{
	return m->right ? mark >> m->bits : mark << m->bits;
}

/* What is stored may come back into a packet, where some bits are the daemon's.  They are in no
 * packet and in no connection, so only what is set, or shifted, may come to them. */
static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	const struct connmark *m = use->data;
	uint32_t may = ~env->mark_reserved;

	if (m->mode == MODE_SET)
		may = (may & ~m->ctmask) | m->value;
	else
		may &= m->mode == MODE_SAVE ? m->nfmask : m->ctmask;
	if (!fw_use_may_mark(use, shift(m, may), env, err))
		return 0;
	if (m->bits)
		fw_err_hint(err, "a mask keeps a shift from bits 0x%x; mark-shift moves the daemon's own",
			    env->mark_reserved);
	return -EINVAL;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct connmark *m = use->data;
	uint32_t mark;

	if (!e->flow)
		return FW_CONTINUE;
	mark = fw_flow_mark(e->flow);
	if (m->mode == MODE_SET)
		fw_flow_set_mark(e->flow, shift(m, (mark & ~m->ctmask) ^ m->value));
	else if (m->mode == MODE_SAVE)
		fw_flow_set_mark(e->flow, (mark & ~m->ctmask) ^ shift(m, e->mark & m->nfmask));
	else
		e->mark = (e->mark & ~m->nfmask) ^ shift(m, mark & m->ctmask);
	return FW_CONTINUE;
}

const struct fw_ext fw_target_connmark = {
	.name = "CONNMARK", .target = true, .summary = "change or copy the connection's mark",
	.flags = FW_NEED_TRACK | FW_NEED_FLOWS,
	.size = sizeof(struct connmark), .opts = opts, .init = init, .check = check, .list = list,
	.deploy = deploy, .run = run,
};
