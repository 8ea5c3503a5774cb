/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What need not be asked again while a flow lasts (fw/offer.h). */
#include <netinet/in.h>

#include "engine/engine.h"

/* One of those that are alike, as far as the packet shows it. */
static bool is_plain(const struct fw_packet *pkt)
{
	if (!pkt->has_proto || !pkt->l4_ok || pkt->fragment || pkt->frag_more)
		return false;
	if (pkt->proto == IPPROTO_TCP)
		return (pkt->tcp_flags & FW_TCP_STEADY_MASK) == FW_TCP_STEADY;
	return pkt->proto == IPPROTO_UDP;
}

/* raw on its own is asked before anybody knows the flow; what waits to be translated begins one. */
static bool is_ordinary_visit(const struct fw_pkt_meta *meta, const struct fw_plan *plan)
{
	if (!plan->kct)
		return meta->ctinfo == FW_CT_NONE;
	return !meta->nat_pending &&
		(meta->part == FW_PART_ALL || meta->part == FW_PART_TO_NAT ||
		 meta->part == FW_PART_BEHIND_NAT);
}

bool fw_offer_wanted(const struct fw_walk *w, const struct fw_plan *plan)
{
	const struct fw_eval *e = &w->e;

	if (!e->world->offer || w->plain || !e->flow ||
	    (plan->flags[e->pkt->family] & (FW_NEED_EACH | FW_NEED_ACCT)) ||
	    (e->ctinfo != FW_CT_ESTABLISHED && e->ctinfo != FW_CT_ESTABLISHED_REPLY))
		return false;
	return fw_ct_due(e->flow, fw_ctinfo_dir(e->ctinfo)) && is_plain(e->pkt) &&
		is_ordinary_visit(&e->pkt->meta, plan);
}

/* Was it let pass as it came, for reasons that its flow gives? */
static bool was_let_pass(const struct fw_walk *w, const struct fw_decision *d)
{
	if (w->trail->varies || w->trail->of_packet)
		return false;
	return d->verdict == FW_ACCEPT && !d->nat && d->mark == w->e.pkt->meta.mark &&
		!d->reroute && !d->set_priority && !d->new_len && d->ctinfo == FW_CT_NONE;
}

bool fw_offer_make(const struct fw_walk *w, const struct fw_plan *plan, const struct fw_decision *d)
{
	const struct fw_eval *e = &w->e;
	struct fw_offer *offer = e->world->offer;
	struct fw_tuple room;

	if (!w->trail || !fw_offer_wanted(w, plan)) /* a trail may be the cache's alone */
		return false;
	offer->tracked = fw_is_tracked_here(plan, e->pkt);
	if (!was_let_pass(w, d) ||
	    !fw_ct_may_pass(e->world->ct, e->flow, e->now, offer->min_left_s))
		return false;
	offer->orig = *fw_flow_tuple(e->flow, FW_DIR_ORIG, &room);
	offer->dir = fw_ctinfo_dir(e->ctinfo);
	offer->n = w->trail->n;
	memcpy(offer->counters, w->trail->counters, offer->n * sizeof(offer->counters[0]));
	return true;
}
