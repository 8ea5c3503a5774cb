/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow offload (offload.h): generations of flows that the kernel lets pass.  What workers do, and
 * the threads; what control asks for is in offload-life.c.
 *
 *	worker    takes an offer: one more flow in the living generation
 *	thread    sends what is new to the generation's set, in batches
 *	          every few seconds retires it: a new one begins, empty
 *	finisher  reads and deletes the old one's sets, when no packet can be in them any more
 *	control   retires at once, before anything changes that verdicts depend on
 *
 * So nothing has to be found and deleted by itself.  A flow that is alive comes to us again after
 * each change of generations with some packets, is seen by the tracker, judged by the rules in
 * force, and offered anew; one that is not is gone.
 *
 * Counters.  An element counts all packets that it let pass; what it has counted since the last
 * reading is added to the counters of its way through the rules.  It is read whenever somebody
 * wants to see counters, and for the last time behind fwd_nft_grace().  An edit does not wait for
 * that: it goes on as soon as the kernel lets nothing pass any more.  What was counted comes in
 * behind it, to the rules that were in force; of those that the edit took away the memory stays
 * until then (struct fw_graveyard).  Before counters are shown or set all are read, retired ones
 * too; what is still on its way then, and counts behind that, came together with the command.
 *
 * Locks, in this order: o->lock (who sends or retires, or reads the living generation), o->reading
 * (of those retired), nft->lock, core->lock (which generations there are, what is offered).
 */
#include <string.h>
#include <time.h>

#include "generation.h"

#define CHECK_NS    100000000ull /* between looks at what else a verdict depends on: names */
#define TURN_NS	    100000000ull /* a generation with an ended flow lasts so long at least, and
				  * FWD_RETURN_NS longer for each of its flows */
#define EMPTY_LOOKS 40 /* for queues that are empty: some milliseconds … */
#define LESS_LOOKS  200 /* … where many wait, for queues that have … */
#define LESS	    128 /* … so many packets less */
#define ALL_LOOKS   4000 /* in all */
#define QUIET_NS    (5 * FW_NSEC_PER_SEC) /* after the kernel refused */

/* ---- offers, under core->lock -------------------------------------------------------------- */

void fwd_offload_set_offering(struct fwd_offload *o)
{
	const bool may = !o->held && !o->untold && !o->quiet_until && o->live;

	o->k->core->world.offer = may ? &o->offer : NULL;
}

static bool has_new(const struct fwd_offload *o)
{
	const struct fwd_flows *f = o->live;

	return f && (f->of[FW_IP4].n > f->of[FW_IP4].sent || f->of[FW_IP6].n > f->of[FW_IP6].sent);
}

/* … that may be sent: not while an edit holds us, nor in a generation that was cut. */
static bool may_send(const struct fwd_offload *o)
{
	return has_new(o) && !o->held && !o->live->cut;
}

static bool is_empty(const struct fwd_flows *f)
{
	return !fwd_offload_flows(f);
}

void fwd_offload_take(struct fwd_offload *o, const struct fwd_msg *m, const struct fw_plan *plan,
		      uint64_t now)
{
	const struct fwd_core *core = o->k->core;
	const bool had = has_new(o);
	uint32_t key[FWD_FLOW_WORDS6];

	if (!fwd_flow_key(m, plan, core->config->mark_shift, key))
		return;
	if (!fwd_flows_find(o->live, m->pkt.family, key)) { /* else queued before others pass */
		if (!fwd_offload_watch(o, m->pkt.family, now) ||
		    !fwd_flows_add(o->live, m->pkt.family, fw_offer_kind(&m->pkt), key, &o->offer))
			return;
		if (!had)
			pthread_cond_signal(&o->work);
	}
	if (o->offer.tracked)
		fw_ct_unseen(core->world.ct, &o->offer.orig, now);
}

const struct fw_tuple *fwd_offload_turn(struct fwd_offload *o, const struct fwd_msg *m,
					const struct fw_plan *plan)
{
	const struct fwd_core *core = o ? o->k->core : NULL;
	const struct fwd_flow *flow;
	uint32_t key[FWD_FLOW_WORDS6];

	if (!o || is_empty(o->live) || !core->plan.track[m->pkt.family] ||
	    !fwd_flow_key(m, plan, core->config->mark_shift, key))
		return NULL;
	flow = fwd_flows_find(o->live, m->pkt.family, key);
	if (!flow)
		return NULL;
	if (!o->turned)
		pthread_cond_signal(&o->work);
	o->turned = true;
	return flow->tracked ? &flow->orig : NULL;
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* When the living generation is to be retired.  Under core->lock. */
static uint64_t end_of(const struct fwd_offload *o)
{
	const uint64_t longest = o->k->core->config->offload_s * FW_NSEC_PER_SEC;
	uint64_t lasts = TURN_NS + fwd_offload_flows(o->live) * FWD_RETURN_NS;

	if (!o->turned || lasts > longest)
		lasts = longest;
	return o->live->since + lasts;
}

/* Is it?  Under core->lock. */
static bool is_over(struct fwd_offload *o, uint64_t now)
{
	const uint64_t renames = fwd_rtnl_renames(o->k->rtnl);
	const bool renamed = renames != o->renames;

	o->renames = renames;
	if (o->live && o->live->cut)
		return true;
	if (!o->live || !o->live->since)
		return false;
	return renamed || now >= end_of(o);
}

/* For something new, or for the time to look.  Under core->lock. */
static void wait_for_work(struct fwd_offload *o)
{
	uint64_t until = fwd_now() + CHECK_NS;
	struct timespec ts;

	if (o->stop || may_send(o) || (o->live && o->live->cut))
		return;
	if (is_empty(o->live) && !o->quiet_until) {
		pthread_cond_wait(&o->work, &o->k->core->lock);
		return;
	}
	if (o->live && o->live->since && end_of(o) < until)
		until = end_of(o);
	ts = (struct timespec){.tv_sec = (time_t)(until / FW_NSEC_PER_SEC),
			       .tv_nsec = (long)(until % FW_NSEC_PER_SEC)};
	pthread_cond_timedwait(&o->work, &o->k->core->lock, &ts);
}

/* The kernel will not have it: everything is judged, as without us, and later tried again. */
static void give_up(struct fwd_offload *o, int error)
{
	if (!o->refused)
		fwd_log(4, "offload: the kernel takes no flows: %s", strerror(-error));
	o->refused = true;
	pthread_mutex_lock(&o->k->core->lock);
	o->quiet_until = fwd_now() + QUIET_NS;
	pthread_mutex_unlock(&o->k->core->lock);
	fwd_generation_retire(o);
}

/* Is the living generation over?  Under core->lock. */
static bool look(struct fwd_offload *o)
{
	const uint64_t now = fwd_now();

	fwd_rtnl_freshen(o->k->rtnl, now);
	if (o->quiet_until && now > o->quiet_until)
		o->quiet_until = 0;
	fwd_offload_set_offering(o);
	return is_over(o, now);
}

/*
 * Packets that wait in a queue would be overtaken by those that need not: let the queues run empty.
 * Under a load that never lets them, few are overtaken, and flows are offloaded all the same.  As
 * long as many wait and become fewer it is no such load: we were stopped, or began anew.
 */
static void let_queues_empty(const struct fwd_kernel *k)
{
	static const struct timespec pause = {.tv_nsec = 50000};
	uint32_t least = UINT32_MAX, waiting;
	int vain = 0;

	for (int i = 0; i < ALL_LOOKS && (waiting = fwd_kernel_waiting(k)); i++) {
		if (waiting + LESS <= least) {
			least = waiting;
			vain = 0;
		}
		if (++vain > (waiting > 2 * LESS ? LESS_LOOKS : EMPTY_LOOKS))
			return;
		nanosleep(&pause, NULL);
	}
}

static bool has_more(struct fwd_offload *o)
{
	bool more;

	fwd_core_lock(o->k->core);
	more = may_send(o) && !o->stop;
	fwd_core_unlock(o->k->core);
	return more;
}

/* One batch after the other: between them an edit may come. */
static void push_all(struct fwd_offload *o)
{
	int r;

	do {
		pthread_mutex_lock(&o->lock);
		r = fwd_generation_push(o);
		if (r)
			give_up(o, r);
		pthread_mutex_unlock(&o->lock);
	} while (!r && has_more(o));
}

static void do_work(struct fwd_offload *o, bool over, bool fresh)
{
	if (over) {
		pthread_mutex_lock(&o->lock);
		fwd_generation_retire(o);
		pthread_mutex_unlock(&o->lock);
	} else if (fresh) {
		let_queues_empty(o->k);
		push_all(o);
	}
}

void *fwd_offload_main(void *priv)
{
	struct fwd_offload *o = priv;
	struct fwd_core *core = o->k->core;
	bool over, fresh;

	pthread_mutex_lock(&core->lock);
	while (!o->stop) {
		wait_for_work(o);
		over = look(o);
		fresh = has_new(o);
		pthread_mutex_unlock(&core->lock);
		do_work(o, over, fresh);
		pthread_mutex_lock(&core->lock);
	}
	pthread_mutex_unlock(&core->lock);
	return NULL;
}

void *fwd_offload_finisher(void *priv)
{
	struct fwd_offload *o = priv;
	struct fwd_core *core = o->k->core;

	pthread_mutex_lock(&core->lock);
	while (!o->stop) {
		/* control may be about to read them all, and flows that come back now be in vain */
		if (!o->retired || o->held) {
			pthread_cond_wait(&o->retirement, &core->lock);
			continue;
		}
		pthread_mutex_unlock(&core->lock);
		fwd_generation_finish(o);
		pthread_mutex_lock(&core->lock);
	}
	pthread_mutex_unlock(&core->lock);
	return NULL;
}
