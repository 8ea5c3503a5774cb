/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of packets is judged: complete what the message tells of each, ask the engine, note what
 * is to be done about it.  All of it under core->lock, taken once for the batch.
 */
#include <assert.h>
#include <net/if_arp.h>

#include "block.h"
#include "fw/flowcache.h"
#include "fw/offer.h"
#include "offload.h"
#include "worker.h"

#define DETOUR_LOST_NS FW_NSEC_PER_SEC /* nothing came back for so long: they were dropped */
#define ENDS	       0x07 /* FIN, SYN, RST of fw_packet.tcp_flags */
#define GC_ROUNDS      16 /* batches between two looks for expired flows … */
#define GC_BUDGET      64 /* … and how many are looked at */

static void name_links(struct fwd_rtnl *rtnl, struct fw_pkt_meta *meta)
{
	if (meta->in_ifindex) {
		uint16_t type = fwd_rtnl_link(rtnl, meta->in_ifindex, meta->in_name);

		meta->has_mac = meta->has_mac && type == ARPHRD_ETHER;
	}
	if (meta->out_ifindex)
		fwd_rtnl_link(rtnl, meta->out_ifindex, meta->out_name);
	if (meta->phys_in_ifindex)
		fwd_rtnl_link(rtnl, meta->phys_in_ifindex, meta->phys_in);
	if (meta->phys_out_ifindex)
		fwd_rtnl_link(rtnl, meta->phys_out_ifindex, meta->phys_out);
}

/* Unless the kernel tracks, the bits of its notes are somebody else's. */
static void forget_notes(const struct fw_plan *plan, struct fw_pkt_meta *meta)
{
	if (plan->kct || meta->carried)
		return;
	meta->part = FW_PART_ALL;
	meta->nat_pending = false;
	meta->nat_status = 0;
}

/*
 * Who listens behind a SYN-ACK.  Any number of the interval will do: no rule tells it from the
 * true one.
 */
static void name_listener(const struct fw_plan *plan, struct fwd_msg *m)
{
	const struct fw_owners *o = &plan->owners;
	struct fw_pkt_meta *meta = &m->pkt.meta;
	const uint8_t synack = 0x12;
	uint32_t code, uid, gid, last;

	if (!meta->has_socket || meta->has_uid || m->pkt.proto != IPPROTO_TCP ||
	    (m->pkt.tcp_flags & synack) != synack)
		return;
	code = fw_mark_owner_code(m->ours, plan->kct);
	if (!code || code > fw_owners_codes(o))
		return;
	fw_owners_decode(o, code, &uid, &gid);
	fw_cuts_interval(&o->uids, uid, &meta->listener_uid, &last);
	fw_cuts_interval(&o->gids, gid, &meta->listener_gid, &last);
	meta->has_listener = true;
}

static void detour(struct fwd_worker *w, struct fwd_answer *a, uint16_t to, uint64_t now)
{
	a->verdict = fwd_to_queue(to);
	if (to == w->full_number) {
		w->detours++;
		w->detour_ns = now;
	} else {
		w->batch->barrier = true;
	}
}

/* The reply is made later; whom the packet was for is asked now, with the lock. */
static void note_reject(struct fwd_worker *w, size_t i)
{
	const unsigned int many = 1u << FW_ADDR_BROADCAST | 1u << FW_ADDR_MULTICAST;
	struct fwd_batch *b = w->batch;
	struct fw_packet *pkt = &b->msgs[i].pkt;
	const unsigned int to = fwd_addrtype_mask(w->k->addrtype, pkt->family, &pkt->dst, 0);

	pkt->meta.to_local = to & 1u << FW_ADDR_LOCAL;
	b->rejects[b->n_rejects].i = (uint8_t)i;
	b->rejects[b->n_rejects].to_many = pkt->family == FW_IP4 && (to & many);
	b->n_rejects++;
}

/* A source may be dropped often, or begin a connection. */
static void note_source(struct fwd_worker *w, size_t i, uint64_t now)
{
	struct fwd_batch *b = w->batch;

	if (b->decisions[i].verdict == FW_DROP)
		fwd_block_dropped(w->k->blocks, b->by, &b->msgs[i].pkt, &b->decisions[i],
				  b->n == FWD_BATCH, now, b->stack);
	else
		w->cut |= fwd_block_passed(w->k->blocks, &b->msgs[i].pkt, now);
}

static void judge_one(struct fwd_worker *w, size_t i, uint64_t now, uint64_t wall)
{
	struct fwd_core *core = w->k->core;
	struct fwd_batch *b = w->batch;
	struct fwd_msg *m = &b->msgs[i];
	struct fwd_answer *a = &b->answers[i];
	const struct fw_tuple *unseen = NULL;
	uint16_t way;

	*a = (struct fwd_answer){.id = m->id, .queue = m->queue, .verdict = NF_DROP};
	if (m->queue == w->pass_number) {
		a->verdict = NF_ACCEPT; /* judged before */
		return;
	}
	if (!m->valid) {
		fwd_count(&w->malformed);
		fwd_drops_note(w->k->drops, NULL, NULL, now);
		return;
	}
	forget_notes(&b->by->plan, &m->pkt.meta);
	if (m->pkt.meta.part == FW_PART_WAITING) {
		fwd_wait_judge(w, a, m, now);
		return;
	}
	way = fwd_way(w, m, &b->by->plan);
	if (way) {
		detour(w, a, way, now);
		return;
	}
	if (!m->truncated)
		m->pkt.writable = b->slots + (m->pkt.data - b->slots);
	if (m->queue == w->full_number) {
		w->detours -= w->detours > 0;
		w->detour_ns = now;
	}
	name_links(w->k->rtnl, &m->pkt.meta);
	name_listener(&b->by->plan, m);
	if (m->pkt.proto == IPPROTO_TCP && (m->pkt.tcp_flags & ENDS))
		unseen = fwd_offload_turn(w->k->offload, m, &b->by->plan);
	fw_engine_run(b->by->ruleset, &b->by->plan, &core->world, &m->pkt, now, wall, b->stack,
		      &b->decisions[i]);
	if (unseen)
		fw_ct_unseen(core->world.ct, unseen, now);
	if (b->decisions[i].offered)
		fwd_offload_take(w->k->offload, m, &b->by->plan, now);
	fwd_answer(w, a, m, &b->decisions[i]);
	fwd_count(&w->packets);
	if (b->decisions[i].verdict == FW_DROP)
		fwd_drops_note(w->k->drops, &m->pkt, &b->decisions[i], now);
	if (w->k->blocks)
		note_source(w, i, now);
	if (b->decisions[i].reject != FW_REJECT_NONE)
		note_reject(w, i);
}

/* All flows are asked for before the first packet is judged: memory answers them side by side. */
static void prefetch(const struct fwd_worker *w)
{
	const struct fwd_batch *b = w->batch;
	const struct fw_packet *pkts[FWD_BATCH];
	size_t n = 0;

	static_assert(FWD_BATCH <= FW_CT_PREFETCH, "one call for a batch");
	for (size_t i = 0; i < b->n; i++)
		if (b->msgs[i].valid)
			pkts[n++] = &b->msgs[i].pkt;
	if (n > 1)
		fw_ct_prefetch(w->k->core->world.ct, pkts, n);
}

void fwd_judge(struct fwd_worker *w, uint64_t now)
{
	struct fwd_core *core = w->k->core;
	struct fwd_batch *b = w->batch;
	const uint64_t wall = fwd_wall();
	bool came;

	b->now = now;
	b->n_rejects = 0;
	b->barrier = false;
	if (w->barriers && now - w->barrier_ns > DETOUR_LOST_NS)
		w->barriers = 0;
	if (w->detours && now - w->detour_ns > DETOUR_LOST_NS)
		w->detours = 0;

	fwd_core_lock(core);
	b->by = fwd_snapshot_begin(core, w->index);
	if (core->cached != b->by->number) {
		fw_flow_cache_flush(core->world.cache);
		core->cached = b->by->number;
	}
	fwd_rtnl_freshen(w->k->rtnl, now);
	fwd_addrtype_batch(w->k->addrtype);
	prefetch(w);
	for (size_t i = 0; i < b->n; i++)
		judge_one(w, i, now, wall);
	if (w->k->blocks)
		w->cut |= fwd_block_judged(w->k->blocks);
	came = fwd_offload_judged(w->k->offload, now);
	if (++w->rounds % GC_ROUNDS == 0)
		fw_ct_gc(core->world.ct, now, GC_BUDGET);
	fwd_snapshot_end(core, w->index);
	b->by = NULL;
	fwd_core_unlock(core);
	if (w->cut)
		fwd_block_cut(w->k->blocks);
	w->cut = false;
	if (came)
		fwd_offload_cut(w->k);
}
