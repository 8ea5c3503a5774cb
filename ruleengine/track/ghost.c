/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A first packet that is rejected takes its flow with it, but the answer still belongs to that flow
 * and meets rules on its way out: it finds the flow here, with its mark and its translation.
 *
 * Answers leave within moments, so a few of the last are enough.
 */
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

static struct ct_ghost *ghost_at(const struct fw_ct *ct, const struct fw_tuple *t)
{
	return &ct->ghosts[ct_source_hash(t) % CT_GHOSTS];
}

void fw_ct_rejected(struct fw_ct *ct, const struct fw_eval *e)
{
	const struct fw_flow *flow = e->flow;
	struct ct_ghost *g;

	if (!flow)
		return;
	if (!ct->ghosts)
		ct->ghosts = calloc(CT_GHOSTS, sizeof(*ct->ghosts));
	if (!ct->ghosts)
		return;
	g = ghost_at(ct, &flow->orig);
	if (flow == &g->flow)
		return;
	if (flow->status & FW_CTS_CONFIRMED) { /* it stays, and its answers will find it */
		if (ct_tuple_equal(&g->flow.orig, &flow->orig))
			g->flow.expires = 0;
		return;
	}
	g->flow = *flow;
	if (flow->ext)
		g->ext = *flow->ext;
	g->flow.ext = flow->ext ? &g->ext : NULL;
	g->flow.flags = flow->flags & CT_F_ACCT;
	g->flow.expires = e->now + FW_NSEC_PER_SEC;
}

struct fw_flow *ct_ghost_of(struct fw_ct *ct, const struct fw_tuple *t, uint64_t now)
{
	struct ct_ghost *g = ct->ghosts ? ghost_at(ct, t) : NULL;

	if (!g || g->flow.expires <= now)
		return NULL;
	if (ct_tuple_equal(&g->flow.orig, t) ||
	    ((g->flow.status & FW_CTS_DST_NAT) && ct_tuple_equal(&g->ext.mid, t)))
		return &g->flow;
	return NULL;
}
