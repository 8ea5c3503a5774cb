/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A first packet that is rejected takes its flow with it, but the answer still belongs to that flow
 * and meets rules on its way out: it finds the flow here, with its mark and its translation.
 *
 * Answers leave within moments, or when a whole queue has been judged before them.
 */
#include <string.h>

#include "track/ghost.h"

#define GHOST_NS FW_NSEC_PER_SEC

static const struct fw_tuple *met_by(const struct ct_ghost *g)
{
	return g->alias ? &g->ext.mid : &g->flow.orig;
}

struct asked {
	const struct fw_tuple *t;
	bool alias;
	struct ct_ghost *found;
};

static enum ct_note_say is_it(void *priv, struct ct_note *note)
{
	struct ct_ghost *g = (struct ct_ghost *)note;
	struct asked *a = priv;

	if (g->alias != a->alias || !ct_tuple_equal(met_by(g), a->t))
		return CT_NOTE_NO;
	a->found = g;
	return CT_NOTE_YES;
}

static struct ct_ghost *find(struct fw_ct *ct, const struct fw_tuple *t, bool alias, uint64_t now)
{
	struct asked a = {.t = t, .alias = alias};

	ct_notes_ask(&ct->ghosts, ct_tuple_hash(ct->config.seed, t), now, is_it, &a);
	return a.found;
}

static enum ct_note_say is_past(void *priv, struct ct_note *note)
{
	return ct_tuple_equal(met_by((struct ct_ghost *)note), priv) ? CT_NOTE_OVER : CT_NOTE_NO;
}

/* Packets were rejected before that had these ends there: what comes is the answer to the last. */
static void forget(struct fw_ct *ct, const struct fw_tuple *t, uint64_t now)
{
	struct fw_tuple tuple = *t;

	ct_notes_ask(&ct->ghosts, ct_tuple_hash(ct->config.seed, t), now, is_past, &tuple);
}

static void add(struct fw_ct *ct, const struct fw_flow *flow, const struct fw_tuple *t, bool alias,
		uint64_t now)
{
	struct ct_ghost *g;

	forget(ct, t, now);
	g = ct_notes_add(&ct->ghosts, ct_tuple_hash(ct->config.seed, t), now, GHOST_NS);
	if (!g)
		return;
	g->alias = alias;
	g->flow = *flow;
	g->flow.flags = flow->flags & CT_F_ACCT;
	if (flow->ext)
		g->ext = *flow->ext;
}

void fw_ct_rejected(struct fw_ct *ct, const struct fw_eval *e)
{
	struct fw_flow *flow = e->flow;

	if (!flow || ct_notes_have(&ct->ghosts, flow))
		return;
	if (flow->status & FW_CTS_CONFIRMED) { /* it stays, and its answers will find it */
		forget(ct, &flow->orig, e->now);
		return;
	}
	add(ct, flow, &flow->orig, false, e->now);
	if ((flow->status & FW_CTS_DST_NAT) && !ct_tuple_equal(&flow->ext->mid, &flow->orig))
		add(ct, flow, &flow->ext->mid, true, e->now);
}

struct fw_flow *ct_ghost_of(struct fw_ct *ct, const struct fw_tuple *t, uint64_t now)
{
	struct ct_ghost *g = find(ct, t, false, now), *alias = NULL;

	if (!g)
		alias = find(ct, t, true, now);
	if (alias)
		g = find(ct, &alias->flow.orig, false, now);
	if (!g)
		return NULL;
	g->flow.ext = g->flow.ext ? &g->ext : NULL; /* it may have been moved */
	return &g->flow;
}

void fw_ct_revive(struct fw_ct *ct, struct fw_eval *e)
{
	const struct fw_flow *was = e->flow;
	struct fw_flow *flow;
	struct ct_key key;

	if (!ct_notes_have(&ct->ghosts, was) || !ct_key_make(ct, &was->orig, &key))
		return;
	flow = ct_flow_new(ct, &key, e->now);
	if (!flow)
		return;
	flow->expires = was->expires;
	flow->status = was->status | FW_CTS_CONFIRMED;
	flow->helper = was->helper;
	flow->mark = was->mark;
	flow->u = was->u;
	if (flow->ext && was->ext) {
		memcpy(flow->ext->packets, was->ext->packets, sizeof(flow->ext->packets));
		memcpy(flow->ext->bytes, was->ext->bytes, sizeof(flow->ext->bytes));
	}
	if (ct_flow_insert(ct, flow))
		e->flow = flow;
	else
		ct_flow_free(ct, flow);
}
