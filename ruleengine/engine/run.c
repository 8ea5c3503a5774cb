/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet at one hook: its tables in the kernel's order, the tracker between raw and mangle.
 * What the daemon must know of the outcome is outcome.c's.
 *
 * When is the tracker asked?  A packet that already belongs to a flow as it comes (through
 * loopback; an answer that carries its state in our mark; any hook behind the tracking point) has
 * its state before the first table, raw included.  Any other packet gets it behind raw.
 */
#include "engine/run.h"
#include "fw/ct.h"

/* PREROUTING has no rules: it is visited by those that may not come any further. */
static bool is_here_to_die(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	return pkt->meta.hook == FW_PREROUTING && plan->dying[pkt->family];
}

/* Not asked of who has no hop left: it is here for that, and through lo it came without a route. */
static bool has_no_route(const struct fw_eval *e)
{
	const struct fw_world_ops *ops = e->world->ops;

	return e->pkt->ttl >= 2 && ops && ops->no_route && ops->no_route(e->world->priv, e->pkt);
}

/* The kernel tracks: it has said what the packet is. */
static int follow_kernel(struct hook_run *r)
{
	struct fw_eval *e = &r->w.e;
	const struct fw_packet *pkt = e->pkt;

	r->tracked = true;
	e->ctinfo = (enum fw_ctinfo)pkt->meta.ctinfo;
	if (pkt->meta.part == FW_PART_RAW) {
		if (e->ctinfo == FW_CT_INVALID) /* nobody has looked yet */
			e->ctinfo = FW_CT_NONE;
		else if (e->world->ct) /* it comes with its flow */
			fw_ct_follow(e->world->ct, e, false);
		return 0;
	}
	if (e->world->ct && r->plan->track[pkt->family])
		fw_ct_follow(e->world->ct, e, fw_is_tracked_here(r->plan, pkt));
	return 0;
}

/* Before the first table: does the packet have its state already? */
static int track_early(struct hook_run *r)
{
	struct fw_eval *e = &r->w.e;
	const struct fw_packet *pkt = e->pkt;

	if (r->plan->kct && pkt->meta.ctinfo != FW_CT_NONE)
		return follow_kernel(r);
	if (!r->plan->track[pkt->family] || !e->world->ct) {
		e->ctinfo = (enum fw_ctinfo)pkt->meta.ctinfo;
		r->tracked = true;
		return 0;
	}
	if (pkt->meta.ctinfo != FW_CT_NONE) {
		r->tracked = true;
		return fw_ct_track(e->world->ct, e);
	}
	if (!r->plan->track_here[pkt->family][pkt->meta.hook] || fw_came_through_loopback(pkt)) {
		r->tracked = true;
		return fw_ct_resume(e->world->ct, e);
	}
	if (fw_ct_comes_tracked(e->world->ct, pkt, e->now)) {
		r->tracked = true;
		return fw_ct_track(e->world->ct, e);
	}
	return 0;
}

/* What is INVALID belongs to no flow: raw may still say that it is not to be tracked. */
static void hide_from_raw(struct hook_run *r)
{
	r->invalid = r->w.e.ctinfo == FW_CT_INVALID;
	if (r->invalid)
		r->w.e.ctinfo = FW_CT_NONE;
}

static int track_behind_raw(struct hook_run *r)
{
	if (r->invalid && r->w.e.ctinfo != FW_CT_UNTRACKED) {
		r->w.e.ctinfo = FW_CT_INVALID;
		r->w.e.flow = NULL; /* CT's template */
	}
	if (r->tracked)
		return 0;
	r->tracked = true;
	if (r->w.e.ctinfo == FW_CT_UNTRACKED) /* a rule in raw said so */
		return 0;
	return fw_ct_track(r->w.e.world->ct, &r->w.e);
}

/*
 * nat is asked once per flow and end, for the packet that makes it; or that answers it in place of
 * the other end, if it is no ICMP error.  Its policies stand still where it has no rules
 * (docs/differences.md).
 */
static bool nat_applies(const struct fw_plan *plan, const struct fw_eval *e)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;

	if (!plan->nat[e->pkt->family][meta->hook])
		return false;
	if (meta->carried)
		return meta->nat_pending && meta->hook == FW_POSTROUTING;
	if (meta->ctinfo != FW_CT_NONE)
		return meta->nat_pending;
	return e->ctinfo == FW_CT_NEW && e->flow && /* no kernel tells: a simulation */
		!(fw_flow_status(e->flow) & FW_CTS_CONFIRMED);
}

/* Is the table walked at this visit? */
static bool table_applies(const struct fw_table *table, const struct fw_plan *plan,
			  const struct fw_eval *e)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const bool behind_nat = table->id == FW_FILTER || table->id == FW_SECURITY;

	if (is_here_to_die(plan, e->pkt))
		return false; /* here to be tracked only */
	if (table->id == FW_RAW
		    ? plan->raw[e->pkt->family][meta->hook] != (meta->part == FW_PART_RAW)
		    : meta->part == FW_PART_RAW)
		return false; /* another visit's */
	if (meta->part == FW_PART_RAW)
		return true;
	if (behind_nat && meta->hook == FW_OUTPUT && plan->count_behind[e->pkt->family])
		return false; /* has no rules, and nft counts on its policy */
	if (meta->part != FW_PART_ALL && behind_nat != (meta->part == FW_PART_BEHIND_NAT))
		return false; /* another visit's */
	if (plan->kct && !plan->queue[e->pkt->family][meta->hook] && table->id != FW_NAT &&
	    meta->part != FW_PART_BEHIND_NAT)
		return false; /* has no rules, and nft counts on its policy */
	if (fw_table_is_void(table, meta->hook))
		return false;
	return table->id != FW_NAT || nat_applies(plan, e);
}

static void decided(const struct hook_run *r, struct fw_decision *ret)
{
	ret->table = r->w.e.table;
	ret->chain = r->w.e.chain;
	ret->rule = r->w.e.rule;
	ret->number = r->w.e.number;
}

/*
 * May the cache speak for this packet?  It knows packets with whole headers, and not what nat makes
 * of a flow's first one.
 */
static bool cache_applies(const struct hook_run *r)
{
	const struct fw_eval *e = &r->w.e;
	const struct fw_packet *pkt = e->pkt;

	return e->world->cache && !r->w.plain && pkt->has_proto && pkt->l4_ok && !pkt->fragment &&
		!pkt->frag_more && !nat_applies(r->plan, e);
}

/* What the walk over the tables would do, without the walk. */
static enum fw_verdict replay(struct hook_run *r, const struct flow_path *path,
			      struct fw_decision *ret)
{
	for (uint32_t i = 0; i < path->n; i++) {
		fw_count(path->counters[i], r->w.e.pkt->len);
		if (r->w.trail)
			fw_trail_add(r->w.trail, path->counters[i]);
	}
	if (r->w.trail)
		r->w.trail->of_packet |= path->of_packet;
	r->w.e.mark = path->mark;
	r->reroute = path->reroute;
	ret->table = (enum fw_table_id)path->table;
	ret->chain = path->chain;
	ret->rule = path->rule;
	ret->number = path->number;
	return (enum fw_verdict)path->verdict;
}

static void begin_trail(struct hook_run *r)
{
	r->trail->n = r->trail->claims.n = 0;
	r->trail->varies = r->trail->of_packet = false;
	r->w.trail = r->trail;
}

/* Each table counts on a rule or its policy: without a counter (from `first` on), none was there. */
static void remember(const struct hook_run *r, uint32_t first, const struct flow_slot *slot,
		     enum fw_verdict verdict, const struct fw_decision *ret)
{
	const struct fw_trail *trail = r->w.trail;
	const struct flow_path path = {
		.number = ret->number,
		.mark = r->w.e.mark,
		.cost = r->w.cost,
		.reroute = r->reroute,
		.of_packet = trail->of_packet,
		.verdict = (uint8_t)verdict,
		.table = (uint8_t)ret->table,
		.chain = ret->chain,
		.rule = ret->rule,
	};

	if (trail->n > first && !trail->varies && !r->w.e.hotdrop &&
	    (verdict == FW_ACCEPT || verdict == FW_DROP))
		fw_flow_cache_put(r->w.e.world->cache, slot, &path, trail->counters + first,
				  trail->n - first);
}

static enum fw_verdict walk_tables(struct hook_run *r, const struct fw_ruleset *rs,
				   const enum fw_table_id *tables, size_t n,
				   struct fw_decision *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct fw_table *table = rs->tables[r->w.e.pkt->family][tables[i]];
		const uint32_t mark = r->w.e.mark;
		enum fw_verdict verdict;

		if (!table_applies(table, r->plan, &r->w.e))
			continue;
		verdict = fw_walk_table(&r->w, table);
		decided(r, ret);
		if (tables[i] == FW_MANGLE)
			r->reroute = r->w.e.mark != mark;
		if (verdict != FW_ACCEPT)
			return verdict;
	}
	return FW_ACCEPT;
}

/* A walk that the cache is to remember.  What raw did before is no matter of the cache. */
static enum fw_verdict walk_noting(struct hook_run *r, const struct fw_ruleset *rs,
				   const enum fw_table_id *tables, size_t n,
				   const struct flow_slot *slot, struct fw_decision *ret)
{
	enum fw_verdict verdict;
	bool of_packet;
	uint32_t first;

	if (!r->w.trail)
		begin_trail(r);
	first = r->trail->n;
	of_packet = r->trail->of_packet;
	r->trail->varies = r->trail->of_packet = false;
	verdict = walk_tables(r, rs, tables, n, ret);
	remember(r, first, slot, verdict, ret);
	r->trail->of_packet |= of_packet;
	return verdict;
}

/* The tables behind the tracker: by the cache, or one after the other. */
static enum fw_verdict tracked_tables(struct hook_run *r, const struct fw_ruleset *rs,
				      const enum fw_table_id *tables, size_t n,
				      struct fw_decision *ret)
{
	struct fw_flow_cache *cache = r->w.e.world->cache;
	const struct flow_path *path = NULL;
	const struct fw_eval *e = &r->w.e;
	struct flow_slot slot;
	enum fw_verdict verdict;
	bool keep = false;

	if (!cache_applies(r))
		return walk_tables(r, rs, tables, n, ret);
	if (fw_flow_cache_worth(cache, e))
		path = fw_flow_cache_find(cache, rs, e, &slot, &keep);
	if (path) {
		fw_flow_cache_cost(cache, e, path->cost);
		return replay(r, path, ret);
	}
	r->w.cost = 0; /* without raw's */
	verdict = keep ? walk_noting(r, rs, tables, n, &slot, ret)
		       : walk_tables(r, rs, tables, n, ret);
	fw_flow_cache_cost(cache, e, r->w.cost);
	return verdict;
}

/* Before the tracker is asked nobody knows whether the packet is worth a trail. */
static enum fw_verdict walk_raw(struct hook_run *r, const struct fw_ruleset *rs,
				const enum fw_table_id *tables, struct fw_decision *ret)
{
	struct fw_flow *const flow = r->w.e.flow;
	enum fw_verdict verdict;

	if (r->w.e.world->offer && !r->w.plain)
		begin_trail(r);
	verdict = walk_tables(r, rs, tables, 1, ret);
	r->w.e.flow = flow; /* CT's template is there for raw's rules only */
	return verdict;
}

static enum fw_verdict run_tables(struct hook_run *r, const struct fw_ruleset *rs,
				  struct fw_decision *ret)
{
	const enum fw_table_id *tables;
	size_t n = fw_hook_tables((enum fw_hook)r->w.e.pkt->meta.hook, &tables);

	if (r->w.e.pkt->meta.part == FW_PART_EXPECTED) {
		if (r->w.e.world->ct)
			fw_ct_expected(r->w.e.world->ct, &r->w.e);
		return FW_ACCEPT;
	}
	if (track_early(r) < 0)
		return FW_DROP;
	if (r->w.e.pkt->meta.part == FW_PART_DYING) {
		r->w.e.reject = FW_REJECT_NO_HOP_LEFT;
		return FW_DROP;
	}
	if (n && tables[0] == FW_RAW) {
		enum fw_verdict verdict;

		hide_from_raw(r);
		verdict = walk_raw(r, rs, tables, ret);
		if (verdict != FW_ACCEPT)
			return verdict;
		tables++;
		n--;
	}
	if (track_behind_raw(r) < 0) {
		*ret = (struct fw_decision){.verdict = FW_DROP};
		return FW_DROP;
	}
	r->wanted = fw_offer_wanted(&r->w, r->plan);
	if (!r->wanted)
		r->w.trail = NULL;
	else if (!r->w.trail)
		begin_trail(r);
	return tracked_tables(r, rs, tables, n, ret);
}

static void run(bool plain, const struct fw_ruleset *rs, const struct fw_plan *plan,
		struct fw_world *world, const struct fw_packet *pkt, uint64_t now, uint64_t wall,
		struct fw_frame *stack, struct fw_decision *ret)
{
	bool traced = world->ops && world->ops->trace;
	struct fw_packet room;
	struct fw_trail trail;
	struct hook_run r = {
		.w =
			{
				.e = {.pkt = pkt,
				      .world = world,
				      .now = now,
				      .wall = wall,
				      .mark = pkt->meta.mark,
				      .room = &room},
				.stack = stack,
				.plain = plain || traced,
				.trace = traced,
			},
		.plan = plan,
		.trail = &trail,
	};

	*ret = (struct fw_decision){.verdict = FW_ACCEPT};
	r.doomed = is_here_to_die(plan, pkt) && (fw_is_hopeless(&r.w.e) || has_no_route(&r.w.e));
	if (!r.doomed && is_here_to_die(plan, pkt)) {
		/* it will not, and goes on as it came: the hook that it comes to tracks it */
		ret->mark = pkt->meta.mark;
		ret->ctinfo = pkt->meta.ctinfo;
		return;
	}
	ret->verdict = run_tables(&r, rs, ret);
	if (ret->verdict == FW_ACCEPT)
		fw_reply_translate(&r.w.e);
	fw_settle(&r, ret);
}

void fw_engine_run(const struct fw_ruleset *rs, const struct fw_plan *plan, struct fw_world *world,
		   const struct fw_packet *pkt, uint64_t now, uint64_t wall, struct fw_frame *stack,
		   struct fw_decision *ret)
{
	run(false, rs, plan, world, pkt, now, wall, stack, ret);
}

void fw_engine_run_plain(const struct fw_ruleset *rs, const struct fw_plan *plan,
			 struct fw_world *world, const struct fw_packet *pkt, uint64_t now,
			 uint64_t wall, struct fw_frame *stack, struct fw_decision *ret)
{
	run(true, rs, plan, world, pkt, now, wall, stack, ret);
}
