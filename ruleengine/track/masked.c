/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets that answer first packets of connections with another source.
 *
 * The kernel forgets such a connection before anybody can ask for its other end.  So it is noted by
 * who may answer, when its source is about to be translated; the kernel's word that an answer is one
 * of a translated flow, and what translations leave as it is, make it this one's.
 */
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

#define MASKED_NS (10 * FW_NSEC_PER_SEC) /* an answer comes from afar */

/* By who answers, and the port that he answers to (mostly it is kept), or 0: whatever that is. */
static uint32_t hash_of(const struct fw_tuple *reply, uint16_t port)
{
	return ct_source_hash(reply) ^ port ^ port >> 8;
}

void ct_note_masked(struct fw_ct *ct, const struct fw_flow *flow, uint64_t now)
{
	const struct fw_tuple *reply;
	struct fw_tuple room;

	if (flow->orig.proto != IPPROTO_TCP)
		return;
	reply = fw_flow_tuple(flow, FW_DIR_REPLY, &room);
	ct_pending_note(&ct->masked, hash_of(reply, reply->dport_be), &flow->orig, now + MASKED_NS);
	ct_pending_note(&ct->masked, hash_of(reply, 0), &flow->orig, now + MASKED_NS);
}

void fw_ct_expect_masking(struct fw_ct *ct, const struct fw_eval *e)
{
	if (e->flow && e->flow != &ct->scratch)
		ct_note_masked(ct, e->flow, e->now);
}

/* The noted flow, if this may be an answer to it. */
static struct fw_flow *answered(struct ct_ctx *c, const struct ct_pending *p, const struct fw_tuple *t)
{
	const struct fw_tuple *plain;
	enum fw_ct_dir dir = FW_DIR_ORIG;
	struct fw_tuple room;
	struct fw_flow *flow;
	struct ct_key key;

	if (p->until <= c->now || !ct_key_make(c->ct, &p->orig, &key))
		return NULL;
	flow = ct_find_way(c->ct, &key, c->now, true, &dir);
	if (!flow || dir != FW_DIR_ORIG || (flow->status & FW_CTS_SRC_NAT))
		return NULL;
	plain = fw_flow_tuple(flow, FW_DIR_REPLY, &room);
	if (plain->family != t->family || plain->sport_be != t->sport_be ||
	    memcmp(&plain->src, &t->src, sizeof(t->src)) != 0)
		return NULL;
	return plain->dport_be == t->dport_be || !memcmp(&plain->dst, &t->dst, sizeof(t->dst))
		? flow
		: NULL;
}

static struct fw_flow *any_answered(struct ct_ctx *c, uint32_t hash, const struct fw_tuple *t)
{
	const struct ct_pending_set *set = ct_pending_at(c->ct->masked, hash);
	struct fw_flow *flow = NULL;

	for (size_t i = 0; i < CT_PENDING_WAYS && !flow; i++)
		flow = answered(c, &set->way[i], t);
	return flow;
}

struct fw_flow *ct_take_masked(struct ct_ctx *c, const struct fw_tuple *t)
{
	struct fw_flow *flow;

	if (!c->ct->masked || t->proto != IPPROTO_TCP)
		return NULL;
	flow = any_answered(c, hash_of(t, t->dport_be), t);
	if (!flow)
		flow = any_answered(c, hash_of(t, 0), t);
	if (!flow || !ct_flow_translate(c->ct, flow, t))
		return NULL;
	c->dir = FW_DIR_REPLY;
	return flow;
}

bool ct_clashes(const struct ct_ctx *c, const struct fw_tuple *t)
{
	struct fw_tuple answer;

	return c->ctinfo == FW_CT_NEW && t->proto == IPPROTO_TCP && ct_tuple_invert(t, &answer) &&
		ct_find_behind(c->ct, &answer, c->now);
}
