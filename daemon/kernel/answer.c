/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decision becomes what the kernel is told: a verdict, a mark with our notes in it, the packet as
 * rules have left it.
 */
#include "fw/nat.h"
#include "worker.h"

static void set_mark(struct fwd_answer *a, const struct fwd_msg *m, const struct fw_decision *d,
		     unsigned int shift, uint32_t code)
{
	const uint32_t own = m->mark >> shift & FW_MARK_OWN;
	uint32_t ours = (uint32_t)d->ctinfo << FW_MARK_CTINFO_SHIFT | own | code;

	if (m->pkt.meta.carried && d->ctinfo == FW_CT_NONE) /* nobody else knows what our reply is */
		ours |= m->mark >> shift & FW_MARK_OWN_KEEPS;

	a->mark = (d->mark & ~fw_mark_mask(shift)) | (ours << shift);
	a->set_mark = a->mark != m->mark;
}

/*
 * The kernel routes a packet of its own anew when its mark has changed on the way through us, and
 * then forgets by which interface its sender wants it to leave.  What nft told for this visit is no
 * reason: it is left, and taken off behind us (kct.c).
 */
static void leave_notes(const struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
			const struct fw_decision *d)
{
	const struct fw_plan *plan = &w->batch->by->plan;
	const struct fw_pkt_meta *meta = &m->pkt.meta;

	if (plan->kct && meta->hook == FW_OUTPUT && !meta->carried && d->mark == meta->mark &&
	    d->ctinfo == FW_CT_NONE &&
	    !(meta->part == FW_PART_RAW && plan->assigns))
		a->set_mark = false;
}

static uint32_t code_of(const struct fwd_worker *w, const struct fwd_msg *m,
			const struct fw_decision *d)
{
	struct fw_nat nat;

	if (d->assign)
		return fwd_assign_code(&w->k->nft, d->assign);
	if (!d->nat)
		return 0;
	nat = fw_nat_at(d->nat, (enum fw_hook)m->pkt.meta.hook);
	return fwd_nat_code(&w->k->nft, &nat);
}

/* The packet as rules have left it. */
static void carry_changes(struct fwd_answer *a, const struct fwd_msg *m,
			  const struct fw_decision *d)
{
	struct fw_packet pkt;

	a->set_priority = d->set_priority;
	a->priority = d->priority;
	if (!d->new_len)
		return;
	a->payload = m->pkt.writable;
	a->payload_len = d->new_len;
	if (!(m->pkt.meta.flags & FW_PKT_CSUM_PARTIAL))
		return;
	/* anew: a rule may have made it longer */
	if (fw_packet_parse(&pkt, m->pkt.family, m->pkt.data, d->new_len, d->new_len,
			    &m->pkt.meta) == 0) {
		pkt.writable = m->pkt.writable;
		fw_packet_fill_csum(&pkt);
	}
}

/*
 * The kernel routes a packet of its own anew when its mark changed on the way through us.  It
 * would do so for mangle's marks; for other tables' it must not, and does not find a change when
 * the mark is there already as the packet comes to us once more.
 */
static bool must_not_reroute(const struct fwd_answer *a, const struct fwd_msg *m,
			     const struct fw_decision *d)
{
	return m->pkt.meta.hook == FW_OUTPUT && a->set_mark && !a->payload_len &&
		d->mark != m->pkt.meta.mark && !d->reroute;
}

void fwd_answer(struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
		const struct fw_decision *d)
{
	uint32_t code;

	switch (d->verdict) {
	case FW_DROP:
		a->verdict = NF_DROP;
		fwd_count(&w->dropped);
		break;
	case FW_QUEUE:
		a->verdict = fwd_to_queue(d->queue) |
			(d->queue_bypass ? NF_VERDICT_FLAG_QUEUE_BYPASS : 0);
		set_mark(a, m, d, w->k->core->config->mark_shift, 0);
		carry_changes(a, m, d);
		fwd_count(&w->queued_on);
		break;
	default:
		code = code_of(w, m, d);
		if (d->nat && !code)
			break; /* cannot be: it was prepared; never let it pass as it is */
		a->verdict = NF_ACCEPT;
		set_mark(a, m, d, w->k->core->config->mark_shift, code);
		if (!code)
			leave_notes(w, a, m, d);
		carry_changes(a, m, d);
		if (must_not_reroute(a, m, d))
			a->verdict = fwd_to_queue(w->pass_number);
		fwd_count(&w->accepted);
		break;
	}
}
