/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j CLASSIFY: the packet's class for queueing disciplines (its priority), hexadecimal. */
#include <stdio.h>

#include "fw/tx.h"
#include "opt/opt.h"

struct classify {
	uint32_t priority;
};

enum { SET_CLASS };

static int take_class(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct classify *c = use->data;
	unsigned int major, minor;
	int r;

	/* As iptables reads it: signs, 0x, and whatever stands behind are taken. */
	if (sscanf(words[0], "%x:%x", &major, &minor) == 2) {
		c->priority = major << 16 | (minor & 0xffff);
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not MAJOR:MINOR, both hexadecimal");
	fw_err_words(err, "Bad class value \"%s\"", words[0]);
	return r;
}

static void print_class(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct classify *c = use->data;

	fw_buf_fmt(out, "%.4x:%.4x", c->priority >> 16, c->priority & 0xffff);
}

static const struct fw_opt opts[] = {
	[SET_CLASS] = {.name = "set-class", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		       .parse = take_class, .print = print_class, .arg = "MAJOR:MINOR",
		       .help = "Set skb->priority value (always hexadecimal!)"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct classify *c = use->data;

	fw_buf_fmt(out, " CLASSIFY set %x:%x", c->priority >> 16, c->priority & 0xffff);
}

static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	int r;

	if (!env->no_priority)
		return 0;
	r = fw_fail(err, FW_ERR_UNSUPPORTED,
		    "CLASSIFY: this kernel takes no priority from a queue's verdict");
	fw_err_hint(err, "Linux 5.18 and later do; MARK and tc's fw classifier work everywhere");
	return r;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct classify *c = use->data;

	e->priority = c->priority;
	e->set_priority = true;
	return FW_CONTINUE;
}

const struct fw_ext fw_target_classify = {
	.name = "CLASSIFY", .target = true, .summary = "the packet's traffic class",
	.hooks = FW_HOOK_BIT(FW_OUTPUT) | FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_POSTROUTING),
	.size = sizeof(struct classify), .opts = opts, .list = list, .deploy = deploy, .run = run,
};
