/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First packets whose destination is being translated: the next hook meets them as somebody else's,
 * and before they are through the kernel cannot be asked whose.  So they are noted by their source,
 * which stays as it is.
 *
 * A queue may hold tens of thousands of them.  Notes stand in sets of a few; the oldest of a full
 * set goes, and mostly its packet is through by then.
 */
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

#define PENDING_NS FW_NSEC_PER_SEC

void ct_pending_note(struct ct_pending_set **table, uint32_t hash, const struct fw_tuple *orig,
		     uint64_t until)
{
	struct ct_pending *way;
	size_t i = 0;

	if (!*table)
		*table = calloc(CT_PENDING_SETS, sizeof(**table));
	if (!*table)
		return;
	way = (*table)[hash % CT_PENDING_SETS].way;
	while (i < CT_PENDING_WAYS - 1 && !ct_tuple_equal(&way[i].orig, orig))
		i++;
	memmove(&way[1], &way[0], i * sizeof(way[0]));
	way[0] = (struct ct_pending){.orig = *orig, .until = until};
}

void fw_ct_expect_translation(struct fw_ct *ct, const struct fw_eval *e)
{
	if (e->flow && e->flow != &ct->scratch)
		ct_pending_note(&ct->pending, ct_source_hash(&e->flow->orig), &e->flow->orig,
				e->now + PENDING_NS);
}

static struct fw_flow *flow_of(const struct ct_ctx *c, const struct ct_pending *p,
			       const struct fw_tuple *t)
{
	enum fw_ct_dir dir = FW_DIR_ORIG;
	struct fw_flow *flow;
	struct ct_key key;

	if (p->until <= c->now || p->orig.proto != t->proto || p->orig.family != t->family ||
	    p->orig.sport_be != t->sport_be || memcmp(&p->orig.src, &t->src, sizeof(t->src)) != 0 ||
	    !ct_key_make(c->ct, &p->orig, &key))
		return NULL;
	flow = ct_find_way(c->ct, &key, c->now, true, &dir);
	return dir == FW_DIR_ORIG ? flow : NULL;
}

/* One source may be about to be translated towards several destinations: packets come in the order
 * in which they were noted, so the oldest is it whose other end is not known yet. */
struct fw_flow *ct_take_pending(struct ct_ctx *c, const struct fw_tuple *t, bool answer)
{
	const struct ct_pending_set *set;
	struct fw_flow *flow = NULL, *known = NULL;
	struct fw_tuple reply;

	if (!c->ct->pending || !ct_tuple_invert(t, &reply))
		return NULL;
	set = ct_pending_at(c->ct->pending, ct_source_hash(t));
	for (size_t i = CT_PENDING_WAYS; i-- > 0 && !flow;) {
		flow = flow_of(c, &set->way[i], t);
		if (flow && (flow->status & CT_NAT)) {
			known = flow;
			flow = NULL;
		}
	}
	if (!flow && !answer)
		flow = known;
	if (!flow || !ct_flow_translate(c->ct, flow, &reply))
		return NULL;
	c->dir = answer ? FW_DIR_REPLY : FW_DIR_ORIG;
	return flow;
}
