/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generation of offloaded flows in the kernel (offload.c): sent, read, retired, deleted. */
#include <stdlib.h>
#include <string.h>

#include "generation.h"

#define SLICE	  256 /* flows that are seen to in one hold of core->lock */
#define LATE_NS	  (3 * FW_NSEC_PER_SEC) /* that the thread may be late, on a busy machine */

/* ---- reading ------------------------------------------------------------------------------- */

struct reading {
	struct fwd_offload *o;
	struct fwd_flows *flows;
	enum fw_family family;
	uint32_t n;
	struct {
		uint32_t key[FWD_FLOW_WORDS6];
		struct fw_counters counters;
	} rows[SLICE];
};

static void hand_in(struct reading *r)
{
	struct fwd_core *core = r->o->k->core;
	const uint64_t now = fwd_now();

	fwd_core_slice(core);
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
	}
	fwd_core_slice_end(core);
	r->n = 0;
}

static void on_element(void *priv, const uint32_t *key, const struct fw_counters *counters)
{
	struct reading *r = priv;
	const struct fwd_kset *set = &r->flows->of[r->family].set;

	memcpy(r->rows[r->n].key, key, set->words * sizeof(*key));
	r->rows[r->n].counters = *counters;
	if (++r->n == SLICE)
		hand_in(r);
}

/* Nothing is added to it meanwhile. */
static void read_one(struct fwd_offload *o, struct fwd_flows *f, int *fd)
{
	struct reading r;

	r.o = o;
	r.flows = f;
	r.n = 0;
	for (unsigned int i = 0; i < FW_N_FAMILIES; i++) {
		r.family = (enum fw_family)i;
		if (f->of[i].made)
			fwd_kset_read(fd, &f->of[i].set, on_element, &r);
		hand_in(&r);
	}
}

static struct fwd_flows *newest_retired(struct fwd_offload *o)
{
	struct fwd_flows *f;

	pthread_mutex_lock(&o->k->core->lock);
	f = o->retired;
	pthread_mutex_unlock(&o->k->core->lock);
	return f;
}

void fwd_generation_read(struct fwd_offload *o)
{
	if (o->live)
		read_one(o, o->live, &o->read_fd);
	pthread_mutex_lock(&o->reading);
	for (struct fwd_flows *f = newest_retired(o); f; f = f->next)
		read_one(o, f, &o->retired_fd);
	pthread_mutex_unlock(&o->reading);
}

/* ---- sending, under o->lock ---------------------------------------------------------------- */

struct news { /* what one batch brings */
	uint32_t n;
	uint64_t kinds;
	bool make;
};

/* Copy what is new of a family, for the lock is not held while the kernel is told. */
static struct news gather(struct fwd_offload *o, struct fwd_flows_of *of)
{
	struct news news = {.n = of->n - of->sent, .kinds = of->wanted & ~of->ruled};

	if (o->held || o->live->cut)
		news.n = 0; /* it is about to end */
	if (news.n > FWD_FLOWS_BATCH)
		news.n = FWD_FLOWS_BATCH;
	news.make = news.n && !of->made;
	for (uint32_t i = 0; i < news.n; i++)
		memcpy(&o->keys[i * of->set.words], of->flow[of->sent + i].key,
		       of->set.words * sizeof(uint32_t));
	return news;
}

/* 0, -errno, or 1: it was not sent, and will not be. */
static int send_news(struct fwd_offload *o, enum fw_family family, const struct news *news)
{
	struct fwd_flows *f = o->live;
	const struct fwd_flows_of *of = &f->of[family];
	struct fwd_nft *nft = &o->k->nft;
	struct fwd_nft_batch *b;
	int r;

	if (!f->until_wall)
		f->until_wall =
			fwd_wall() + o->k->core->config->offload_s * FW_NSEC_PER_SEC + LATE_NS;
	pthread_mutex_lock(&nft->lock);
	if (fwd_offload_is_cut(o)) {
		pthread_mutex_unlock(&nft->lock);
		return 1;
	}
	b = fwd_nft_begin(nft);
	if (b && news->make)
		fwd_kset_make(b, &of->set);
	if (b) {
		fwd_kset_add(b, &of->set, o->keys, news->n);
		fwd_known_rules(b, f, family, news->kinds, nft->plan.kct);
	}
	r = fwd_nft_commit(nft, b);
	if (!r && news->make)
		f->makes = nft->makes;
	pthread_mutex_unlock(&nft->lock);
	return r;
}

/* One batch of a family. */
static int push_some(struct fwd_offload *o, enum fw_family family)
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
		return r < 0 ? r : 0;
	pthread_mutex_lock(lock);
	of->made |= news.make;
	of->sent += news.n;
	of->ruled |= news.kinds;
	if (!f->since && news.n)
		f->since = fwd_now();
	pthread_mutex_unlock(lock);
	return 0;
}

int fwd_generation_push(struct fwd_offload *o)
{
	int r = 0;

	for (unsigned int i = 0; i < FW_N_FAMILIES && o->live && !r; i++)
		r = push_some(o, (enum fw_family)i);
	return r;
}

/* ---- retiring ------------------------------------------------------------------------------ */

void fwd_generation_retire(struct fwd_offload *o)
{
	struct fwd_flows *fresh = fwd_flows_new(++o->number, o->key), *old;
	struct fwd_nft *nft = &o->k->nft;
	struct fwd_core *core = o->k->core;

	pthread_mutex_lock(&core->lock);
	old = o->live;
	o->live = fresh;
	o->turned = false;
	o->untold += old != NULL;
	fwd_offload_set_offering(o);
	pthread_mutex_unlock(&core->lock);
	if (!old)
		return;
	if (old->since) { /* else the kernel knows nothing of it */
		pthread_mutex_lock(&nft->lock);
		fwd_known_close(nft);
		pthread_mutex_unlock(&nft->lock);
	}
	pthread_mutex_lock(&core->lock);
	fw_recent_unwatch(core->world.recent); /* all its own: while it is untold none is new */
	old->era = core->era;
	old->next = o->retired;
	o->retired = old;
	pthread_cond_signal(&o->retirement);
	pthread_mutex_unlock(&core->lock);
}

/* ---- finishing ----------------------------------------------------------------------------- */

static void tell_of_some(struct fwd_offload *o, const struct fwd_flow *flow, uint32_t n)
{
	struct fwd_core *core = o->k->core;
	const uint64_t now = fwd_now();

	fwd_core_slice(core);
	for (const struct fwd_flow *end = flow + n; flow < end; flow++)
		if (flow->tracked)
			fw_ct_seen_again(core->world.ct, &flow->orig, (enum fw_ct_dir)flow->dir,
					 now);
	fwd_core_slice_end(core);
}

/* The tracker sees these again.  Until it knows that, none of them is offered: one that passes anew
 * must not be taken for one that does not. */
static void tell_tracker(struct fwd_offload *o, const struct fwd_flows *f)
{
	for (unsigned int i = 0; i < FW_N_FAMILIES; i++) {
		const struct fwd_flows_of *of = &f->of[i];

		for (uint32_t at = 0; at < of->n; at += SLICE)
			tell_of_some(o, &of->flow[at], of->n - at < SLICE ? of->n - at : SLICE);
	}
	pthread_mutex_lock(&o->k->core->lock);
	o->untold--;
	fwd_offload_set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
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

/* These and all older ones are over; under core->lock they are cut off, for nobody else does. */
static void cut_off(struct fwd_offload *o, const struct fwd_flows *upto)
{
	struct fwd_flows **at = &o->retired;

	pthread_mutex_lock(&o->k->core->lock);
	while (*at != upto)
		at = &(*at)->next;
	*at = NULL;
	pthread_mutex_unlock(&o->k->core->lock);
}

void fwd_generation_finish(struct fwd_offload *o)
{
	struct fwd_flows *const newest = newest_retired(o), *next;

	if (!newest)
		return;
	for (const struct fwd_flows *f = newest; f; f = f->next)
		tell_tracker(o, f);
	fwd_nft_grace();
	pthread_mutex_lock(&o->reading);
	for (struct fwd_flows *f = newest; f; f = f->next) {
		read_one(o, f, &o->retired_fd);
		delete_sets(o, f);
	}
	cut_off(o, newest);
	for (struct fwd_flows *f = newest; f; f = next) {
		next = f->next;
		fwd_flows_free(f);
	}
	pthread_mutex_unlock(&o->reading);
}
