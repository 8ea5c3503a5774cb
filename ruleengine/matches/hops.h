/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ttl and hl share: how many hops a packet has left, equal to, below or above a number. */
#ifndef MATCHES_HOPS_H
#define MATCHES_HOPS_H

#include "opt/opt.h"

struct hops {
	uint8_t value;
};

enum { HOPS_EQ, HOPS_LT, HOPS_GT };

#define HOPS_ROWS(name_, eq_help, what)                                                     \
	[HOPS_EQ] = {.name = name_ "-eq", .alias = name_, .kind = FW_OPT_U8,                  \
		     .flags = FW_OPT_NOT, .excludes = 1 << HOPS_LT | 1 << HOPS_GT,            \
		     .arg = "value", .help = eq_help},                                        \
	[HOPS_LT] = {.name = name_ "-lt", .kind = FW_OPT_U8,                                  \
		     .excludes = 1 << HOPS_EQ | 1 << HOPS_GT, .arg = "value",                 \
		     .help = "Match " what " < value"},                                       \
	[HOPS_GT] = {.name = name_ "-gt", .kind = FW_OPT_U8,                                  \
		     .excludes = 1 << HOPS_EQ | 1 << HOPS_LT, .arg = "value",                 \
		     .help = "Match " what " > value"}

static inline int hops_check(const char *what, const struct fw_use *use, struct fw_err *err)
{
	const char *name = use->ext->name;
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "%s: none of --%s-eq, --%s-lt, --%s-gt is given", name, name,
		    name, name);
	fw_err_words(err, "%s match: You must specify one of `--%s-eq', `--%s-lt', `--%s-gt%s", what,
		     name, name, name, name[0] == 't' ? "" : "'"); /* to the letter */
	return r;
}

static inline void hops_list(const char *what, const struct fw_use *use, struct fw_buf *out)
{
	const struct hops *h = use->data;
	const char *sign = fw_use_has(use, HOPS_LT) ? "<" :
			   fw_use_has(use, HOPS_GT) ? ">" :
			   fw_use_inv(use, HOPS_EQ) ? "!=" :
						      "==";

	fw_buf_fmt(out, " %s match %s %s %u", what, what, sign, h->value);
}

static inline bool hops_match(const struct fw_use *use, struct fw_eval *e)
{
	const struct hops *h = use->data;

	if (fw_use_has(use, HOPS_LT))
		return e->pkt->ttl < h->value;
	if (fw_use_has(use, HOPS_GT))
		return e->pkt->ttl > h->value;
	return (e->pkt->ttl == h->value) != fw_use_inv(use, HOPS_EQ);
}

#endif
