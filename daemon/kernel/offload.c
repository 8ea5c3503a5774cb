/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow offload (offload.h): generations of flows that the kernel lets pass.
 *
 *	worker    takes an offer: one more flow in the living generation
 *	thread    sends what is new to the generation's set, in batches
 *	          every few seconds retires it: a new one begins, empty
 *	          … and reads and deletes the old one's sets, when no packet can be in them any more
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
 * behind the batch that ended the generation, a tenth of a millisecond later.  (A packet that another
 * processor was about to look up, and was kept from for so long, is not counted.)
 *
 * Locks, in this order: o->lock (who sends, retires or reads), nft->lock, core->lock (the living
 * generation, what is offered).
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flows.h"
#include "offload.h"

#define SLICE	  256 /* flows that are seen to in one hold of core->lock */
#define CHECK_NS  FW_NSEC_PER_SEC /* between looks at what else a verdict depends on */
#define TURN_NS	  100000000ull    /* a generation with an ended flow lasts so long at least … */
#define TURN_EACH 500000	  /* … and that longer for each of its flows, which return */
#define QUIET_NS  (5 * FW_NSEC_PER_SEC) /* after the kernel refused */
#define FINISH_NS FW_NSEC_PER_SEC /* from retiring to the last reading, which keeps us waiting */

struct fwd_offload {
	struct fwd_kernel *k;
	pthread_t thread;
	pthread_cond_t work; /* with core->lock */
	bool running, stop;

	/* under core->lock */
	struct fw_offer offer;
	struct fwd_flows *live; /* NULL: no memory */
	bool held; /* until resumed */
	uint64_t finish_at; /* 0: none is retired */
	bool turned; /* a connection of the living one has ended, or begun anew */
	uint64_t quiet_until;
	uint64_t renames;
	uint64_t packets, bytes;

	/* under lock */
	pthread_mutex_t lock;
	int read_fd;
	uint32_t number; /* of the last generation */
	struct fwd_flows *retired;
	uint32_t keys[FWD_KSET_BATCH * FWD_FLOW_WORDS6];
};

/* ---- offers, under core->lock -------------------------------------------------------------- */

static void set_offering(struct fwd_offload *o)
{
	o->k->core->world.offer = o->held || o->quiet_until || !o->live ? NULL : &o->offer;
}

static bool has_new(const struct fwd_offload *o)
{
	const struct fwd_flows *f = o->live;

	return f && (f->of[FW_IP4].n > f->of[FW_IP4].sent || f->of[FW_IP6].n > f->of[FW_IP6].sent);
}

static uint64_t n_flows(const struct fwd_flows *f)
{
	return f ? (uint64_t)f->of[FW_IP4].n + f->of[FW_IP6].n : 0;
}

static bool is_empty(const struct fwd_flows *f)
{
	return !n_flows(f);
}

void fwd_offload_take(struct fwd_offload *o, const struct fwd_msg *m)
{
	const struct fwd_core *core = o->k->core;
	const bool had = has_new(o);
	uint32_t key[FWD_FLOW_WORDS6];

	if (fwd_flow_key(m, &core->plan, core->config->mark_shift, key)) {
		if (fwd_flows_find(o->live, m->pkt.family, key))
			return; /* it was queued before the others were let pass */
		if (fwd_flows_add(o->live, m->pkt.family, key, &o->offer)) {
			if (!had)
				pthread_cond_signal(&o->work);
			return;
		}
	}
	if (o->offer.tracked)
		fw_ct_seen_again(core->world.ct, &o->offer.orig, o->offer.dir, fwd_now());
}

void fwd_offload_turn(struct fwd_offload *o, const struct fwd_msg *m)
{
	const struct fwd_core *core = o ? o->k->core : NULL;
	uint32_t key[FWD_FLOW_WORDS6];

	if (!o || o->turned || is_empty(o->live) ||
	    !fwd_flow_key(m, &core->plan, core->config->mark_shift, key) ||
	    !fwd_flows_find(o->live, m->pkt.family, key))
		return;
	o->turned = true;
	pthread_cond_signal(&o->work);
}

/* ---- reading, under o->lock ---------------------------------------------------------------- */

struct reading {
	struct fwd_offload *o;
	struct fwd_flows *flows;
	enum fw_family family;
	uint32_t n;
	bool any;
	struct {
		uint32_t key[FWD_FLOW_WORDS6];
		struct fw_counters counters;
	} rows[SLICE];
};

static void hand_in(struct reading *r)
{
	struct fwd_core *core = r->o->k->core;
	const uint64_t now = fwd_now();

	pthread_mutex_lock(&core->lock);
	for (uint32_t i = 0; i < r->n; i++) {
		struct fwd_flow *flow = fwd_flows_find(r->flows, r->family, r->rows[i].key);
		struct fw_counters more;

		if (!flow || flow->taken.packets == r->rows[i].counters.packets)
			continue;
		more = fwd_flows_count(r->flows, flow, &r->rows[i].counters);
		if (flow->tracked)
			fw_ct_passed(core->world.ct, &flow->orig, (enum fw_ct_dir)flow->dir,
				     more.packets, more.bytes, now);
		r->o->packets += more.packets;
		r->o->bytes += more.bytes;
		r->any = true;
	}
	pthread_mutex_unlock(&core->lock);
	r->n = 0;
}

static void on_element(void *priv, const uint32_t *key, const struct fw_counters *counters,
		       uint64_t idle_ms)
{
	struct reading *r = priv;
	const struct fwd_kset *set = &r->flows->of[r->family].set;

	memcpy(r->rows[r->n].key, key, set->words * sizeof(*key));
	r->rows[r->n].counters = *counters;
	if (++r->n == SLICE)
		hand_in(r);
}

/* True: some packets had passed. */
static bool read_flows(struct fwd_offload *o, struct fwd_flows *f)
{
	struct reading r;

	r.o = o;
	r.flows = f;
	r.n = 0;
	r.any = false;

	for (unsigned int i = 0; f && i < FW_N_FAMILIES; i++) {
		r.family = (enum fw_family)i;
		if (f->of[i].made)
			fwd_kset_read(&o->read_fd, &f->of[i].set, on_element, &r);
		hand_in(&r);
	}
	return r.any;
}

/* ---- sending, under o->lock ---------------------------------------------------------------- */

struct news { /* what one batch brings */
	uint32_t n, kinds;
	bool make;
};

/* Copy what is new of a family, for the lock is not held while the kernel is told. */
static struct news gather(struct fwd_offload *o, struct fwd_flows_of *of)
{
	struct news news = {.n = of->n - of->sent, .kinds = of->wanted & ~of->ruled};

	if (news.n > FWD_KSET_BATCH)
		news.n = FWD_KSET_BATCH;
	news.make = news.n && !of->made;
	for (uint32_t i = 0; i < news.n; i++)
		memcpy(&o->keys[i * of->set.words], of->flow[of->sent + i].key,
		       of->set.words * sizeof(uint32_t));
	return news;
}

static int send_news(struct fwd_offload *o, enum fw_family family, const struct news *news)
{
	const struct fwd_flows_of *of = &o->live->of[family];
	struct fwd_nft *nft = &o->k->nft;
	struct fwd_nft_batch *b;
	int r;

	pthread_mutex_lock(&nft->lock);
	b = fwd_nft_begin(nft);
	if (b && news->make)
		fwd_kset_make(b, &of->set);
	if (b) {
		fwd_kset_add(b, &of->set, o->keys, news->n);
		fwd_known_rules(b, &of->set, family, news->kinds, nft->plan.kct);
	}
	r = fwd_nft_commit(nft, b);
	if (!r && news->make)
		o->live->makes = nft->makes;
	pthread_mutex_unlock(&nft->lock);
	return r;
}

/* One batch of a family; *more: there is another. */
static int push_some(struct fwd_offload *o, enum fw_family family, bool *more)
{
	pthread_mutex_t *lock = &o->k->core->lock;
	struct fwd_flows *f = o->live;
	struct fwd_flows_of *of = &f->of[family];
	struct news news;
	int r;

	pthread_mutex_lock(lock);
	news = gather(o, of);
	pthread_mutex_unlock(lock);
	r = news.n ? send_news(o, family, &news) : 0;
	if (r)
		return r;
	pthread_mutex_lock(lock);
	of->made |= news.make;
	of->sent += news.n;
	of->ruled |= news.kinds;
	if (!f->since && news.n)
		f->since = fwd_now();
	*more = of->n > of->sent;
	pthread_mutex_unlock(lock);
	return 0;
}

static int push(struct fwd_offload *o)
{
	int r = 0;

	for (unsigned int i = 0; i < FW_N_FAMILIES && o->live; i++) {
		bool more = true;

		while (!r && more)
			r = push_some(o, (enum fw_family)i, &more);
	}
	return r;
}

/* ---- retiring, under o->lock --------------------------------------------------------------- */

static void tell_of_some(struct fwd_offload *o, const struct fwd_flow *flow, uint32_t n)
{
	struct fwd_core *core = o->k->core;
	const uint64_t now = fwd_now();

	pthread_mutex_lock(&core->lock);
	for (const struct fwd_flow *end = flow + n; flow < end; flow++)
		if (flow->tracked)
			fw_ct_seen_again(core->world.ct, &flow->orig, (enum fw_ct_dir)flow->dir,
					 now);
	pthread_mutex_unlock(&core->lock);
}

/* The tracker sees these again. */
static void tell_tracker(struct fwd_offload *o, struct fwd_flows *f)
{
	for (unsigned int i = 0; i < FW_N_FAMILIES; i++) {
		const struct fwd_flows_of *of = &f->of[i];

		for (uint32_t at = 0; at < of->n; at += SLICE)
			tell_of_some(o, &of->flow[at], of->n - at < SLICE ? of->n - at : SLICE);
	}
}

static void close_chains(struct fwd_offload *o)
{
	struct fwd_nft *nft = &o->k->nft;
	struct fwd_nft_batch *b;

	pthread_mutex_lock(&nft->lock);
	b = fwd_nft_begin(nft);
	if (b)
		fwd_known_flush(b);
	if (fwd_nft_commit(nft, b))
		fwd_log(2, "offload: cannot take flows back from the kernel");
	pthread_mutex_unlock(&nft->lock);
}

/* Begin a new generation.  Returns the old one, which is in o->retired now, or NULL: the kernel
 * knew nothing of it. */
static struct fwd_flows *retire(struct fwd_offload *o)
{
	struct fwd_flows *fresh = fwd_flows_new(++o->number), *old;

	pthread_mutex_lock(&o->k->core->lock);
	old = o->live;
	o->live = fresh;
	if (old && old->since && !o->finish_at)
		o->finish_at = fwd_now() + FINISH_NS;
	o->turned = false;
	set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
	if (!old || !old->since) {
		free(old);
		return NULL;
	}
	tell_tracker(o, old);
	close_chains(o);
	old->next = o->retired;
	o->retired = old;
	return old;
}

/* The sets of a generation whose last reading is done. */
static void delete_sets(struct fwd_offload *o, const struct fwd_flows *f)
{
	struct fwd_nft *nft = &o->k->nft;
	struct fwd_nft_batch *b;

	pthread_mutex_lock(&nft->lock);
	b = fwd_nft_begin(nft);
	for (unsigned int i = 0; b && i < FW_N_FAMILIES; i++)
		if (f->of[i].made && nft->makes == f->makes)
			fwd_kset_delete(b, &f->of[i].set);
	fwd_nft_commit(nft, b);
	pthread_mutex_unlock(&nft->lock);
}

/* All that were retired before a grace. */
static void finish_some(struct fwd_offload *o, struct fwd_flows *upto)
{
	struct fwd_flows **at = &o->retired, *f;

	while (*at != upto)
		at = &(*at)->next;
	*at = NULL;
	while ((f = upto)) {
		upto = f->next;
		if (!f->closed)
			read_flows(o, f);
		delete_sets(o, f);
		free(f);
	}
}

/* Not under o->lock, for it may wait. */
static void finish(struct fwd_offload *o)
{
	struct fwd_flows *newest;
	bool wait = false;

	pthread_mutex_lock(&o->lock);
	newest = o->retired;
	for (const struct fwd_flows *f = newest; f; f = f->next)
		wait |= !f->closed;
	pthread_mutex_unlock(&o->lock);
	if (!newest)
		return;
	if (wait)
		fwd_nft_grace();
	pthread_mutex_lock(&o->lock);
	finish_some(o, newest); /* they are still there: nobody else takes them out */
	pthread_mutex_unlock(&o->lock);
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* When the living generation is to be retired.  Under core->lock. */
static uint64_t end_of(const struct fwd_offload *o)
{
	const uint64_t longest = o->k->core->config->offload_s * FW_NSEC_PER_SEC;
	uint64_t lasts = TURN_NS + n_flows(o->live) * TURN_EACH;

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
	if (is_empty(o->live) && !o->quiet_until && !o->finish_at) {
		pthread_cond_wait(&o->work, &o->k->core->lock);
		return;
	}
	if (o->live && o->live->since && end_of(o) < until)
		until = end_of(o);
	if (o->finish_at && o->finish_at < until)
		until = o->finish_at;
	ts = (struct timespec){.tv_sec = (time_t)(until / FW_NSEC_PER_SEC),
			       .tv_nsec = (long)(until % FW_NSEC_PER_SEC)};
	pthread_cond_timedwait(&o->work, &o->k->core->lock, &ts);
}

/* The kernel will not have it: everything is judged, as without us, and later tried again. */
static void give_up(struct fwd_offload *o, int error)
{
	fwd_log(4, "offload: the kernel takes no flows: %s", strerror(-error));
	pthread_mutex_lock(&o->k->core->lock);
	o->quiet_until = fwd_now() + QUIET_NS;
	pthread_mutex_unlock(&o->k->core->lock);
	retire(o);
}

struct work { /* what is due */
	bool retire, finish;
};

/* Under core->lock. */
static struct work look(struct fwd_offload *o)
{
	const uint64_t now = fwd_now();
	struct work work;

	fwd_rtnl_freshen(o->k->rtnl, now);
	work.retire = is_over(o, now);
	work.finish = o->finish_at && now >= o->finish_at;
	if (work.finish)
		o->finish_at = 0;
	if (o->quiet_until && now > o->quiet_until)
		o->quiet_until = 0;
	set_offering(o);
	return work;
}

static void do_work(struct fwd_offload *o, struct work work)
{
	int r = 0;

	pthread_mutex_lock(&o->lock);
	if (work.retire)
		retire(o);
	else
		r = push(o);
	if (r)
		give_up(o, r);
	pthread_mutex_unlock(&o->lock);
	if (work.finish)
		finish(o);
}

static void *run(void *priv)
{
	struct fwd_offload *o = priv;
	struct fwd_core *core = o->k->core;
	struct work work;

	pthread_mutex_lock(&core->lock);
	while (!o->stop) {
		wait_for_work(o);
		work = look(o);
		pthread_mutex_unlock(&core->lock);
		do_work(o, work);
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
	any = read_flows(o, o->live);
	for (struct fwd_flows *f = o->retired; f; f = f->next)
		any |= !f->closed && read_flows(o, f);
	pthread_mutex_unlock(&o->lock);
	return any;
}

static void hold(struct fwd_offload *o)
{
	pthread_mutex_lock(&o->k->core->lock);
	o->held = true;
	set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
}

void fwd_offload_revoke(struct fwd_offload *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	hold(o);
	if (!is_empty(o->live)) /* nobody adds any more */
		retire(o);
	for (struct fwd_flows *f = o->retired; f; f = f->next) {
		if (!f->closed)
			read_flows(o, f);
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
	set_offering(o);
	if (o->finish_at)
		pthread_cond_signal(&o->work); /* it may be asleep for good */
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
	o->live = fwd_flows_new(++o->number);
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->work, &attr);
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
	init(o, k);
	r = pthread_create(&o->thread, NULL, run, o);
	o->running = !r;
	*ret = o;
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot start a thread: %s", strerror(r));
	else
		pthread_setname_np(o->thread, "fwd-offload");
	return -r;
}

void fwd_offload_stop(struct fwd_offload **at)
{
	struct fwd_offload *o = *at;

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	hold(o);
	if (!is_empty(o->live))
		retire(o);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_lock(&o->k->core->lock);
	o->stop = true;
	*at = NULL; /* workers still look */
	pthread_cond_signal(&o->work);
	pthread_mutex_unlock(&o->k->core->lock);
	if (o->running)
		pthread_join(o->thread, NULL);
	finish(o);
	if (o->read_fd >= 0)
		close(o->read_fd);
	free(o->live);
	pthread_cond_destroy(&o->work);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
