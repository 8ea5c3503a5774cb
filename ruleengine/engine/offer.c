/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What need not be asked again while a flow lasts (fw/offer.h). */
#include <netinet/in.h>

#include "engine/engine.h"
#include "track/track.h"

uint8_t fw_offer_echo(enum fw_family family, enum fw_offer_kind kind)
{
	static const uint8_t types[FW_N_FAMILIES][2] = {[FW_IP4] = {8, 0}, [FW_IP6] = {128, 129}};

	return types[family][kind == FW_OFFER_ANSWERS];
}

static enum fw_offer_kind kind_of_echo(const struct fw_packet *pkt)
{
	const enum fw_family family = (enum fw_family)pkt->family;

	if (pkt->proto != (family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) || pkt->icmp_code)
		return FW_N_OFFER_KINDS;
	if (pkt->icmp_type == fw_offer_echo(family, FW_OFFER_ASKS))
		return FW_OFFER_ASKS;
	return pkt->icmp_type == fw_offer_echo(family, FW_OFFER_ANSWERS) ? FW_OFFER_ANSWERS
									 : FW_N_OFFER_KINDS;
}

enum fw_offer_kind fw_offer_kind(const struct fw_packet *pkt)
{
	if (!pkt->has_proto || !pkt->l4_ok || pkt->fragment || pkt->frag_more)
		return FW_N_OFFER_KINDS;
	switch (pkt->proto) {
	case IPPROTO_TCP:
		return (pkt->tcp_flags & FW_TCP_STEADY_MASK) == FW_TCP_STEADY ? FW_OFFER_TCP
									      : FW_N_OFFER_KINDS;
	case IPPROTO_UDP: return FW_OFFER_UDP;
	case IPPROTO_ESP: return FW_OFFER_ESP;
	default: return kind_of_echo(pkt);
	}
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

/* ---- who has earned it --------------------------------------------------------------------- */

#define HEAT_PACKETS 15u /* the bits of a place that count; the others tell flows apart */

/*
 * One of many packets of one direction at this hook?  Each place belongs to the flow that was seen
 * there last: many packets in a row are a busy flow's, among strangers that come once each.  Two
 * flows taken for one are offered earlier or later than they should be, which harms nobody.
 */
static bool is_hot(struct fw_offer *offer, const struct fw_packet *pkt)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ull;
	const uint64_t ports = (uint64_t)pkt->sport << 16 | pkt->dport |
		(uint64_t)pkt->proto << 32 | (uint64_t)pkt->meta.hook << 40;
	uint64_t h = (ports ^ pkt->src.u64[0]) * odd;
	uint32_t *heat, tag, packets;

	h = (h ^ h >> 32 ^ pkt->src.u64[1]) * odd;
	h = (h ^ h >> 32 ^ pkt->dst.u64[0]) * odd;
	h = (h ^ h >> 32 ^ pkt->dst.u64[1]) * odd;
	heat = &offer->heat[(h >> 32) % FW_OFFER_HEAT];
	tag = (uint32_t)h & ~HEAT_PACKETS;
	packets = (*heat & ~HEAT_PACKETS) == tag ? (*heat & HEAT_PACKETS) + 1 : 1;
	*heat = tag | (packets < offer->every ? packets : 0);
	return packets >= offer->every;
}

static bool is_tracked_flow(const struct fw_eval *e)
{
	return e->flow && (e->ctinfo == FW_CT_ESTABLISHED || e->ctinfo == FW_CT_ESTABLISHED_REPLY);
}

/* The kernel may track for nat's sake; then what it says of a packet is somebody's reason. */
static bool is_untracked_family(const struct fw_plan *plan, enum fw_family family)
{
	return !plan->track[family] && !plan->kct;
}

bool fw_offer_wanted(const struct fw_walk *w, const struct fw_plan *plan)
{
	const struct fw_eval *e = &w->e;
	const enum fw_family family = (enum fw_family)e->pkt->family;
	const bool untracked = is_untracked_family(plan, family);

	if (!e->world->offer || w->plain || (plan->flags[family] & (FW_NEED_EACH | FW_NEED_ACCT)) ||
	    !(untracked || is_tracked_flow(e)) || fw_offer_kind(e->pkt) == FW_N_OFFER_KINDS ||
	    !is_ordinary_visit(&e->pkt->meta, plan))
		return false;
	return untracked ? is_hot(e->world->offer, e->pkt)
			 : fw_ct_due(e->flow, fw_ctinfo_dir(e->ctinfo));
}

/* ---- what is offered ----------------------------------------------------------------------- */

/* Was it let pass as it came, for reasons that its flow gives? */
static bool was_let_pass(const struct fw_walk *w, const struct fw_decision *d)
{
	if (w->trail->of_packet)
		return false;
	return d->verdict == FW_ACCEPT && !d->nat && d->mark == w->e.pkt->meta.mark &&
		!d->reroute && !d->set_priority && !d->new_len && d->ctinfo == FW_CT_NONE;
}

bool fw_claims_add(struct fw_claims *claims, struct fw_recent_list *list,
		   const union fw_addr *addr)
{
	for (uint32_t i = 0; i < claims->n; i++)
		if (claims->claim[i].list == list &&
		    !memcmp(&claims->claim[i].addr, addr, sizeof(*addr)))
			return true;
	if (claims->n == FW_OFFER_CLAIMS)
		return false;
	claims->claim[claims->n].list = list;
	claims->claim[claims->n++].addr = *addr;
	return true;
}

/* Of which flow; false: it may have to be judged again. */
static bool name_flow(struct fw_offer *offer, const struct fw_eval *e, const struct fw_plan *plan)
{
	const struct fw_packet *pkt = e->pkt;
	struct fw_tuple room;

	if (is_untracked_family(plan, (enum fw_family)pkt->family)) {
		offer->dir = FW_DIR_ORIG;
		offer->tracked = false;
		return ct_tuple_of(pkt, &offer->orig);
	}
	if (!fw_ct_may_pass(e->world->ct, e->flow, e->now, offer->min_left_s))
		return false;
	offer->orig = *fw_flow_tuple(e->flow, FW_DIR_ORIG, &room);
	offer->dir = fw_ctinfo_dir(e->ctinfo);
	offer->tracked = fw_is_tracked_here(plan, pkt);
	return true;
}

bool fw_offer_make(const struct fw_walk *w, const struct fw_plan *plan, const struct fw_decision *d)
{
	const struct fw_eval *e = &w->e;
	struct fw_offer *offer = e->world->offer;

	if (!was_let_pass(w, d) || !name_flow(offer, e, plan))
		return false;
	offer->n = w->trail->n;
	memcpy(offer->counters, w->trail->counters, offer->n * sizeof(offer->counters[0]));
	offer->claims = w->trail->claims;
	return true;
}
