/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a packet when its hook's verdict is known (run.c): its flow is confirmed, goes or
 * is offered; an answer gets what it has to take along; later hooks what they cannot find out.
 */
#include <string.h>

#include "engine/run.h"
#include "fw/ct.h"
#include "fw/nat.h"

#define RESET 0x04 /* of fw_packet.tcp_flags */

/* Is it our tracker that follows this packet? */
static bool tracks(const struct fw_plan *plan, const struct fw_eval *e)
{
	return plan->track[e->pkt->family] && !plan->kct && e->world->ct;
}

static bool is_ours(const struct fw_eval *e, const union fw_addr *addr)
{
	const unsigned int here = 1u << FW_ADDR_LOCAL | 1u << FW_ADDR_BROADCAST |
		1u << FW_ADDR_ANYCAST | 1u << FW_ADDR_MULTICAST;
	const struct fw_world_ops *ops = e->world->ops;

	return !ops || !ops->addrtype ||
		(ops->addrtype(e->world->priv, e->pkt->family, addr, 0) & here);
}

static bool is_for_us(const struct fw_eval *e)
{
	return is_ours(e, &e->pkt->dst);
}

/* … when it has been translated as nat's rules have just said. */
static bool will_be_for_us(const struct fw_eval *e)
{
	union fw_addr to;

	if (!e->nat)
		return is_for_us(e);
	return fw_nat_destination(e->nat, e->pkt, &to) ? is_ours(e, &to) : true;
}

bool fw_is_hopeless(const struct fw_eval *e)
{
	return e->pkt->meta.hook == FW_PREROUTING && e->pkt->ttl < 2 && !is_for_us(e);
}

/* May the packet, accepted here, meet us again before it is delivered or leaves? */
static bool meets_again(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	return !plan->last[pkt->family][pkt->meta.hook];
}

/* ... or after it left through loopback? */
static bool comes_back(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	const bool *queue = plan->queue[pkt->family];

	return !strcmp(pkt->meta.out_name, "lo") &&
		(pkt->meta.hook == FW_OUTPUT || pkt->meta.hook == FW_POSTROUTING) &&
		(queue[FW_PREROUTING] || queue[FW_INPUT]);
}

/* What later hooks cannot find out by themselves. */
static enum fw_ctinfo carry(const struct hook_run *r)
{
	const struct fw_eval *e = &r->w.e;
	bool again = meets_again(r->plan, e->pkt), back = comes_back(r->plan, e->pkt);

	if (r->plan->kct) /* … but the kernel itself, what raw said */
		return e->pkt->meta.part == FW_PART_RAW && e->ctinfo == FW_CT_UNTRACKED
			? FW_CT_UNTRACKED
			: FW_CT_NONE;
	if (!r->plan->track[e->pkt->family])
		return FW_CT_NONE;
	switch (e->ctinfo) {
	case FW_CT_UNTRACKED: return again || back ? e->ctinfo : FW_CT_NONE;
	case FW_CT_INVALID:
		/* Behind lo the kernel looks again, and finds the same, but for a sender's own
		 * fragments, which are one packet then. */
		back = back && !e->pkt->fragment && !e->pkt->frag_more;
		return again || back ? e->ctinfo : FW_CT_NONE;
	case FW_CT_RELATED:
	case FW_CT_RELATED_REPLY:
		return (again || back) && e->pkt->meta.ctinfo == e->ctinfo ? e->ctinfo : FW_CT_NONE;
	default:
		/* From an end to itself: looking it up again cannot tell the direction. */
		return (again || back) && !memcmp(&e->pkt->src, &e->pkt->dst, sizeof(e->pkt->src))
			? e->ctinfo
			: FW_CT_NONE;
	}
}

/* An answer made for this packet belongs to its flow, in the other direction; nf_ct_attach(). */
static enum fw_ctinfo reply_state(const struct fw_eval *e)
{
	switch (e->ctinfo) {
	case FW_CT_NEW:
	case FW_CT_ESTABLISHED:
	case FW_CT_RELATED: return FW_CT_RELATED_REPLY;
	case FW_CT_ESTABLISHED_REPLY:
	case FW_CT_RELATED_REPLY: return FW_CT_RELATED;
	default: return FW_CT_NONE;
	}
}

/* Its flow is over. */
static void reset(const struct fw_plan *plan, struct fw_eval *e)
{
	const struct fw_world_ops *ops = e->world->ops;
	struct fw_tuple room;

	if (e->pkt->tcp_flags & RESET) /* is never answered by one */
		return;
	if (plan->kct && ops && ops->closed && (fw_flow_status(e->flow) & FW_CTS_CONFIRMED))
		ops->closed(e->world->priv, fw_flow_tuple(e->flow, FW_DIR_ORIG, &room));
	fw_ct_reset(e->world->ct, e);
}

/* What the reply has to take with it, on its way out through the other hooks. */
static void prepare_reply(const struct fw_plan *plan, struct fw_eval *e, struct fw_decision *ret)
{
	const uint32_t status = e->flow ? fw_flow_status(e->flow) : 0;

	ret->reply_ctinfo = reply_state(e);
	ret->reply_nat = status & (FW_CTS_SRC_NAT | FW_CTS_DST_NAT);
	ret->reply_asks_nat = e->reject == FW_REJECT_TCP_RESET && e->flow &&
		!(status & FW_CTS_CONFIRMED) && e->ctinfo == FW_CT_NEW &&
		!fw_came_through_loopback(e->pkt);
	if (e->reject == FW_REJECT_TCP_RESET && e->flow)
		reset(plan, e);
	if (e->flow)
		fw_ct_rejected(e->world->ct, e);
}

/*
 * Is the flow that the packet makes to be confirmed here?  What comes in for this host we meet no
 * more behind PREROUTING where INPUT is not queued, though what is forwarded we do.
 */
static bool is_last(const struct fw_plan *plan, const struct fw_eval *e)
{
	const struct fw_world_ops *ops = e->world->ops;
	const struct fw_packet *pkt = e->pkt;

	if (plan->last[pkt->family][pkt->meta.hook])
		return !(plan->kct && fw_is_hopeless(e));
	return (plan->kct || tracks(plan, e)) && pkt->meta.hook == FW_PREROUTING &&
		!plan->queue[pkt->family][FW_INPUT] &&
		!(fw_flow_status(e->flow) & FW_CTS_CONFIRMED) && ops && ops->addrtype &&
		will_be_for_us(e);
}

/* While the kernel tracks it drops what has no hop left; where answers meet rules we do (DYING).  What
 * is translated may be for this host. */
static bool dies_unseen(const struct fw_plan *plan, const struct fw_eval *e)
{
	return plan->kct && !plan->exceeded[e->pkt->family] && !e->nat && fw_is_hopeless(e);
}

/* The packet goes no further, nor does a flow that it made. */
static void forget(const struct fw_plan *plan, struct fw_eval *e)
{
	if (!e->flow)
		return;
	if (plan->kct)
		fw_ct_gone(e->world->ct, e);
	fw_ct_dropped(e->world->ct, e);
}

/* It goes on behind the last hook where we meet it. */
static void confirm(const struct fw_plan *plan, struct fw_eval *e)
{
	fw_ct_confirm(e->world->ct, e);
	if (e->ctinfo == FW_CT_RELATED && e->pkt->meta.own && !plan->kct)
		fw_ct_revive(e->world->ct, e);
}

void fw_settle(struct hook_run *r, struct fw_decision *ret)
{
	struct fw_eval *e = &r->w.e;

	ret->mark = e->mark;
	ret->reroute = r->reroute;
	ret->set_priority = e->set_priority;
	ret->priority = e->priority;
	if (e->pkt == e->room || e->fill_csum)
		ret->new_len = e->pkt->len;
	if (ret->verdict == FW_DROP) {
		ret->reject = e->reject;
		if (e->reject != FW_REJECT_NONE)
			prepare_reply(r->plan, e, ret);
		forget(r->plan, e);
		return;
	}
	if (ret->verdict == FW_QUEUE) {
		ret->queue = e->queue;
		ret->queue_bypass = e->queue_bypass;
	}
	if (!e->flow && tracks(r->plan, e) &&
	    r->plan->track_here[e->pkt->family][e->pkt->meta.hook])
		fw_ct_lost(e->world->ct, e->pkt);
	/* the kernel drops it behind PREROUTING, and forgets a flow that it made */
	if ((tracks(r->plan, e) && (r->doomed || fw_is_hopeless(e))) || dies_unseen(r->plan, e)) {
		forget(r->plan, e);
		return;
	}
	ret->assign = e->pkt->meta.part == FW_PART_RAW ? e->assign : NULL;
	if (e->nat && !e->pkt->meta.carried && fw_nat_moves(e->nat, e->pkt))
		ret->nat = e->nat;
	if (ret->nat && (e->pkt->meta.hook == FW_PREROUTING || e->pkt->meta.hook == FW_OUTPUT))
		fw_ct_expect_translation(e->world->ct, e);
	else if (ret->nat)
		fw_ct_expect_masking(e->world->ct, e);
	ret->ctinfo = (uint8_t)carry(r);
	ret->offered = r->wanted && fw_offer_make(&r->w, r->plan, ret);
	/* Without bypass nobody may be there to take it, and the kernel drops it; if somebody is,
	 * an answer confirms the flow. */
	if (ret->verdict == FW_QUEUE && !ret->queue_bypass)
		return;
	if (e->flow && is_last(r->plan, e) && e->pkt->meta.part != FW_PART_TO_NAT)
		confirm(r->plan, e);
}
