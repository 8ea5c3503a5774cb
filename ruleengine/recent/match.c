/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -m recent asks of a list.  The order of steps is the kernel's, side effects included: an
 * --update takes place exactly when the whole (possibly negated) question came out true.
 */
#include "recent/recent.h"

/* Did enough of the entry's stamps fall into the last `seconds`? */
static bool hit(const struct recent_entry *e, const struct fw_recent_query *q, int64_t since)
{
	uint32_t hits = 0;

	for (uint32_t i = 0; i < e->nstamps; i++) {
		if (q->seconds && e->stamps[i] < since)
			continue;
		if (!q->hitcount || ++hits >= q->hitcount)
			return true;
	}
	return false;
}

/* --reap: the oldest entry goes when its last stamp is too old, unless it is about to be updated. */
static void reap(struct fw_recent_list *list, const struct recent_entry *working, bool update,
		 int64_t since)
{
	struct recent_entry *e = recent_oldest(list);

	if (!e || (e == working && update))
		return;
	if (e->stamps[(e->index - 1u) & list->stamps_mask] < since)
		recent_drop(list, e);
}

bool fw_recent_match(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		     const struct fw_recent_query *q, uint64_t now)
{
	int64_t since = (int64_t)now - (int64_t)q->seconds * (int64_t)FW_NSEC_PER_SEC;
	struct recent_entry *e;
	const union fw_addr key = recent_key(list, addr);
	bool found, update;

	e = recent_lookup(list, family, &key, q->rttl ? q->ttl : 0);
	if (!e) {
		if (q->op == FW_RECENT_SET)
			recent_insert(list, family, &key, q->ttl, (int64_t)now);
		return q->op == FW_RECENT_SET;
	}
	if (q->op == FW_RECENT_REMOVE) {
		recent_drop(list, e);
		return true;
	}
	found = q->op == FW_RECENT_SET || hit(e, q, since);
	update = q->op == FW_RECENT_SET || (q->op == FW_RECENT_UPDATE && found != q->invert);
	if (q->reap && q->op != FW_RECENT_SET)
		reap(list, e, update, since);
	if (update) {
		recent_touch(list, e, (int64_t)now);
		e->ttl = q->ttl;
	}
	return found;
}
