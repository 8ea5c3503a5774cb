/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow offload (offload.h): generations of flows that the kernel lets pass.
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
 * wants to see counters, and for the last time behind fwd_nft_grace().  An edit cannot wait for
 * that, and takes the rules away that those counters are in: there the last reading is the one
 * behind the batch that ended the generation, a tenth of a millisecond later.  (A packet that
 * another processor was about to look up, and was kept from for so long, is not counted.)
 *
 * Locks, in this order: o->lock (who sends, retires or reads), nft->lock, core->lock (the living
 * generation, what is offered).
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "generation.h"

#define CHECK_NS  100000000ull /* between looks at what else a verdict depends on: names */
#define TURN_NS	  100000000ull /* a generation with an ended flow lasts so long at least … */
#define TURN_EACH 500000 /* … and that longer for each of its flows, which return */
#define QUIET_NS  (5 * FW_NSEC_PER_SEC) /* after the kernel refused */

/* ---- offers, under core->lock -------------------------------------------------------------- */

void fwd_offload_set_offering(struct fwd_offload *o)
{
	o->k->core->world.offer = o->held || o->quiet_until || !o->live ? NULL : &o->offer;
}

static bool has_new(const struct fwd_offload *o)
{
	const struct fwd_flows *f = o->live;

	return f && (f->of[FW_IP4].n > f->of[FW_IP4].sent || f->of[FW_IP6].n > f->of[FW_IP6].sent);
}

static bool is_empty(const struct fwd_flows *f)
{
	return !fwd_offload_flows(f);
}

void fwd_offload_take(struct fwd_offload *o, const struct fwd_msg *m, uint64_t now)
{
	const struct fwd_core *core = o->k->core;
	const bool had = has_new(o);
	uint32_t key[FWD_FLOW_WORDS6];

	if (!fwd_flow_key(m, &core->plan, core->config->mark_shift, key))
		return;
	if (!fwd_flows_find(o->live, m->pkt.family, key)) { /* else queued before others pass */
		if (!fwd_flows_add(o->live, m->pkt.family, key, &o->offer))
			return;
		if (!had)
			pthread_cond_signal(&o->work);
	}
	if (o->offer.tracked)
		fw_ct_unseen(core->world.ct, &o->offer.orig, now);
}

const struct fw_tuple *fwd_offload_turn(struct fwd_offload *o, const struct fwd_msg *m)
{
	const struct fwd_core *core = o ? o->k->core : NULL;
	const struct fwd_flow *flow;
	uint32_t key[FWD_FLOW_WORDS6];

	if (!o || is_empty(o->live) ||
	    !fwd_flow_key(m, &core->plan, core->config->mark_shift, key))
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
	uint64_t lasts = TURN_NS + fwd_offload_flows(o->live) * TURN_EACH;

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
	if (!o->live || !o->live->since)
		return false;
	return renamed || now >= end_of(o);
}

/* For something new, or for the time to look.  Under core->lock. */
static void wait_for_work(struct fwd_offload *o)
{
	uint64_t until = fwd_now() + CHECK_NS;
	struct timespec ts;

	if (o->stop || has_new(o))
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

static void do_work(struct fwd_offload *o, bool over)
{
	int r = 0;

	pthread_mutex_lock(&o->lock);
	if (over)
		fwd_generation_retire(o);
	else
		r = fwd_generation_push(o);
	if (r)
		give_up(o, r);
	pthread_mutex_unlock(&o->lock);
}

static void *run(void *priv)
{
	struct fwd_offload *o = priv;
	struct fwd_core *core = o->k->core;
	bool over;

	pthread_mutex_lock(&core->lock);
	while (!o->stop) {
		wait_for_work(o);
		over = look(o);
		pthread_mutex_unlock(&core->lock);
		do_work(o, over);
		pthread_mutex_lock(&core->lock);
	}
	pthread_mutex_unlock(&core->lock);
	return NULL;
}

/* A thread of its own, for it waits, and flows should not. */
static void *run_finisher(void *priv)
{
	struct fwd_offload *o = priv;
	struct fwd_core *core = o->k->core;

	pthread_mutex_lock(&core->lock);
	while (!o->stop) {
		if (!o->unfinished)
			pthread_cond_wait(&o->retirement, &core->lock);
		o->unfinished = false;
		pthread_mutex_unlock(&core->lock);
		fwd_generation_finish(o);
		pthread_mutex_lock(&core->lock);
	}
	pthread_mutex_unlock(&core->lock);
	return NULL;
}

/* ---- control ------------------------------------------------------------------------------- */

bool fwd_offload_collect(struct fwd_offload *o)
{
	bool any;

	if (!o)
		return false;
	pthread_mutex_lock(&o->lock);
	any = fwd_generation_read(o, o->live);
	for (struct fwd_flows *f = o->retired; f; f = f->next)
		any |= !f->closed && fwd_generation_read(o, f);
	pthread_mutex_unlock(&o->lock);
	return any;
}

static void hold(struct fwd_offload *o)
{
	pthread_mutex_lock(&o->k->core->lock);
	o->held = true;
	fwd_offload_set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
}

void fwd_offload_revoke(struct fwd_offload *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	hold(o);
	if (!is_empty(o->live)) /* nobody adds any more */
		fwd_generation_retire(o);
	for (struct fwd_flows *f = o->retired; f; f = f->next) {
		if (!f->closed)
			fwd_generation_read(o, f);
		f->closed = true;
	}
	pthread_mutex_unlock(&o->lock);
}

void fwd_offload_resume(struct fwd_offload *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->k->core->lock);
	o->held = false;
	fwd_offload_set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
}

void fwd_offload_stats(struct fwd_offload *o, struct fwd_offload_stats *ret)
{
	*ret = (struct fwd_offload_stats){.flows = 0};
	if (!o)
		return;
	pthread_mutex_lock(&o->k->core->lock);
	if (o->live)
		ret->flows = o->live->of[FW_IP4].sent + o->live->of[FW_IP6].sent;
	ret->packets = o->packets;
	ret->bytes = o->bytes;
	pthread_mutex_unlock(&o->k->core->lock);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What a former life let pass is judged again. */
static int clear_remains(struct fwd_nft *nft, struct fw_err *err)
{
	struct fwd_nft_batch *b;
	int r;

	if (!nft->adopted)
		return 0;
	pthread_mutex_lock(&nft->lock);
	b = fwd_nft_begin(nft);
	if (b)
		fwd_known_flush(b);
	r = fwd_nft_commit(nft, b);
	if (!r)
		r = fwd_kset_sweep(nft, FWD_FLOWS_NAME);
	pthread_mutex_unlock(&nft->lock);
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot clear the nft table inet %s: %s", FWD_TABLE,
			strerror(-r));
	return r;
}

static void init(struct fwd_offload *o, struct fwd_kernel *k)
{
	pthread_condattr_t attr;

	o->k = k;
	o->held = true;
	o->read_fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	o->offer.min_left_s = 2 * k->core->config->offload_s;
	o->live = fwd_flows_new(++o->number, o->key);
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->work, &attr);
	pthread_cond_init(&o->retirement, &attr);
	pthread_condattr_destroy(&attr);
}

int fwd_offload_start(struct fwd_offload **ret, struct fwd_kernel *k, struct fw_err *err)
{
	struct fwd_offload *o;
	int r = clear_remains(&k->nft, err);

	if (r || !k->core->config->offload)
		return r;
	o = calloc(1, sizeof(*o));
	if (!o)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory"), -ENOMEM;
	if (getrandom(&o->key, sizeof(o->key), 0) != sizeof(o->key)) {
		free(o);
		return fw_fail(err, FW_ERR_RESOURCE, "no random numbers"), -EIO;
	}
	init(o, k);
	*ret = o;
	r = pthread_create(&o->thread, NULL, run, o);
	o->running = !r;
	if (!r)
		r = pthread_create(&o->finisher, NULL, run_finisher, o);
	o->finishing = o->running && !r;
	if (r)
		return fw_fail(err, FW_ERR_RESOURCE, "cannot start a thread: %s", strerror(r)), -r;
	pthread_setname_np(o->thread, "fwd-offload");
	pthread_setname_np(o->finisher, "fwd-finisher");
	return 0;
}

void fwd_offload_stop(struct fwd_offload **at)
{
	struct fwd_offload *o = *at;

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	hold(o);
	if (!is_empty(o->live))
		fwd_generation_retire(o);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_lock(&o->k->core->lock);
	o->stop = true;
	*at = NULL; /* workers still look */
	pthread_cond_signal(&o->work);
	pthread_cond_signal(&o->retirement);
	pthread_mutex_unlock(&o->k->core->lock);
	if (o->running)
		pthread_join(o->thread, NULL);
	if (o->finishing)
		pthread_join(o->finisher, NULL);
	fwd_generation_finish(o);
	if (o->read_fd >= 0)
		close(o->read_fd);
	fwd_flows_free(o->live);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->retirement);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
