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

#include "track/pending.h"

#define MASKED_NS (10 * FW_NSEC_PER_SEC) /* an answer comes from afar */

/* By who answers, and the port that he answers to (mostly it is kept), or 0: whatever that is. */
static uint32_t key_of(const struct fw_ct *ct, const struct fw_tuple *reply, uint16_t port_be)
{
	const struct fw_tuple t = {.src = reply->src, .sport_be = reply->sport_be, .dport_be = port_be,
				   .proto = reply->proto, .family = reply->family};

	return ct_tuple_hash(ct->config.seed, &t);
}

static void note(struct fw_ct *ct, uint32_t key, const struct fw_tuple *orig,
		 const struct fw_nat *nat, uint64_t now)
{
	struct ct_pending *p = ct_notes_add(&ct->masked, key, now, MASKED_NS);

	if (!p)
		return;
	p->orig = *orig;
	p->nat = *nat;
}

static void note_twice(struct fw_ct *ct, const struct fw_flow *flow, const struct fw_nat *nat,
		       uint64_t now)
{
	const struct fw_tuple *reply;
	struct fw_tuple room;

	if (flow->orig.proto != IPPROTO_TCP)
		return;
	reply = fw_flow_tuple(flow, FW_DIR_REPLY, &room);
	note(ct, key_of(ct, reply, reply->dport_be), &flow->orig, nat, now);
	note(ct, key_of(ct, reply, 0), &flow->orig, nat, now);
}

void ct_note_masked(struct fw_ct *ct, const struct fw_flow *flow, uint64_t now)
{
	const struct fw_nat unknown = {.kind = FW_NAT_NONE};

	note_twice(ct, flow, &unknown, now);
}

void fw_ct_expect_masking(struct fw_ct *ct, const struct fw_eval *e)
{
	struct fw_nat nat = {.kind = FW_NAT_NONE};

	if (e->nat)
		nat = fw_nat_at(e->nat, (enum fw_hook)e->pkt->meta.hook);
	if (!e->flow || e->flow == &ct->scratch)
		return;
	e->flow->flags |= CT_F_MASKED;
	note_twice(ct, e->flow, &nat, e->now);
}

struct asked {
	struct ct_ctx *c;
	const struct fw_tuple *answer;
	struct fw_tuple t; /* … turned round */
	struct fw_flow *flow;
	bool any, several; /* port; flows that it may be */
};

/* Is this an answer to the noted flow's packet? */
static enum ct_note_say answers(void *priv, struct ct_note *note)
{
	const struct ct_pending *p = (const struct ct_pending *)note;
	struct asked *a = priv;
	struct fw_flow *flow = ct_pending_flow(a->c, p, FW_CTS_SRC_NAT);
	const struct fw_tuple *plain;
	struct fw_tuple room;

	if (!flow)
		return CT_NOTE_OVER;
	plain = fw_flow_tuple(flow, FW_DIR_REPLY, &room);
	if (plain->family != a->t.family || plain->sport_be != a->answer->sport_be ||
	    memcmp(&plain->src, &a->answer->src, sizeof(plain->src)) != 0 ||
	    !ct_pending_leads(p, true, &a->t))
		return CT_NOTE_NO;
	if (a->any ? p->nat.kind == FW_NAT_NONE && /* an end is kept then */
			    memcmp(&plain->dst, &a->answer->dst, sizeof(plain->dst)) != 0
		   : plain->dport_be != a->answer->dport_be)
		return CT_NOTE_NO;
	a->several = a->flow && a->flow != flow;
	a->flow = flow;
	return !a->any || a->several ? CT_NOTE_YES : CT_NOTE_NO;
}

/*
 * By the port that is kept, the first is it who has sent from there.  By any port it is he who is
 * alone: others' ports would have to be known, and to guess would end somebody else's flow.
 */
static struct fw_flow *asked_by(struct ct_ctx *c, const struct fw_tuple *t, bool any)
{
	struct asked a = {.c = c, .answer = t, .any = any};

	if (!ct_tuple_invert(t, &a.t))
		return NULL;
	ct_notes_ask(&c->ct->masked, key_of(c->ct, t, any ? 0 : t->dport_be), c->now, answers, &a);
	return a.several ? NULL : a.flow;
}

struct fw_flow *ct_take_masked(struct ct_ctx *c, const struct fw_tuple *t)
{
	struct fw_flow *flow;

	if (t->proto != IPPROTO_TCP)
		return NULL;
	flow = asked_by(c, t, false);
	if (!flow)
		flow = asked_by(c, t, true);
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
