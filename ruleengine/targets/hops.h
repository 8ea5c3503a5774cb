/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What TTL and HL share: set, raise or lower the hops that a packet has left. */
#ifndef TARGETS_HOPS_H
#define TARGETS_HOPS_H

#include "opt/opt.h"
#include "packet/rewrite.h"

struct hops {
	uint8_t value;
};

enum { HOPS_SET, HOPS_DEC, HOPS_INC };

#define HOPS_ROW(row, name_, least, not, text)                                              \
	[row] = {.name = name_, .kind = FW_OPT_U8, .min = least, .excludes = not, .arg = "value", \
		 .help = text}

#define HOPS_ROWS(name, what)                                                               \
	HOPS_ROW(HOPS_SET, name "-set", 0, 1 << HOPS_DEC | 1 << HOPS_INC,                     \
		 "Set " what " to <value 0-255>"),                                            \
	HOPS_ROW(HOPS_DEC, name "-dec", 1, 1 << HOPS_SET | 1 << HOPS_INC,                     \
		 "Decrement " what " by <value 1-255>"),                                      \
	HOPS_ROW(HOPS_INC, name "-inc", 1, 1 << HOPS_SET | 1 << HOPS_DEC,                     \
		 "Increment " what " by <value 1-255>")

static inline int hops_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const char *name = use->ext->name;
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "%s: what to do is missing", name);
	fw_err_hint(err, "add one of --%s, --%s, --%s", use->ext->opts[HOPS_SET].name,
		    use->ext->opts[HOPS_DEC].name, use->ext->opts[HOPS_INC].name);
	fw_err_words(err, "%s: You must specify an action", name);
	return r;
}

static inline void hops_list(const struct fw_use *use, enum fw_family family, bool numeric,
			     struct fw_buf *out)
{
	const struct hops *h = use->data;
	const char *how = fw_use_has(use, HOPS_SET) ? "set to" :
			  fw_use_has(use, HOPS_DEC) ? "decrement by" :
						      "increment by";

	fw_buf_fmt(out, " %s %s %u", use->ext->name, how, h->value);
}

static inline enum fw_verdict hops_run(const struct fw_use *use, struct fw_eval *e)
{
	const struct hops *h = use->data;
	int hops = h->value;

	if (fw_use_has(use, HOPS_DEC))
		hops = e->pkt->ttl - hops;
	else if (fw_use_has(use, HOPS_INC))
		hops = e->pkt->ttl + hops;
	hops = hops < 0 ? 0 : hops > UINT8_MAX ? UINT8_MAX : hops;
	return fw_rewrite_hops(e, (uint8_t)hops) ? FW_CONTINUE : FW_DROP;
}

#endif
