/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control thread asks of flow offload, and its life (offload.c). */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "generation.h"

/* ---- control ------------------------------------------------------------------------------- */

bool fwd_offload_collect(struct fwd_offload *o)
{
	bool any;

	if (!o)
		return false;
	pthread_mutex_lock(&o->lock);
	fwd_generation_read(o);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_lock(&o->k->core->lock);
	any = o->packets != o->handed_in;
	o->handed_in = o->packets;
	pthread_mutex_unlock(&o->k->core->lock);
	return any;
}

static void hold(struct fwd_offload *o)
{
	pthread_mutex_lock(&o->k->core->lock);
	o->held = true;
	fwd_offload_set_offering(o);
	pthread_mutex_unlock(&o->k->core->lock);
}

void fwd_offload_withdraw(struct fwd_offload *o)
{
	if (!o)
		return;
	hold(o); /* nobody adds any more, or sends another batch before we have the lock */
	pthread_mutex_lock(&o->lock);
	if (fwd_offload_flows(o->live))
		fwd_generation_retire(o);
	pthread_mutex_unlock(&o->lock);
}

void fwd_offload_resume(struct fwd_offload *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->k->core->lock);
	o->held = false;
	fwd_offload_set_offering(o);
	pthread_cond_signal(&o->work);
	pthread_cond_signal(&o->retirement);
	pthread_mutex_unlock(&o->k->core->lock);
}

bool fwd_offload_owes(struct fwd_offload *o, uint64_t era)
{
	const struct fwd_flows *f;

	if (!o)
		return false;
	pthread_mutex_lock(&o->k->core->lock);
	for (f = o->retired; f && f->era > era;)
		f = f->next;
	pthread_mutex_unlock(&o->k->core->lock);
	return f;
}

void fwd_offload_stats(struct fwd_offload *o, struct fwd_offload_stats *ret)
{
	*ret = (struct fwd_offload_stats){.flows = 0};
	if (!o)
		return;
	pthread_mutex_lock(&o->k->core->lock);
	if (o->live && !o->live->cut)
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
	o->retired_fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	o->offer.min_left_s = 2 * k->core->config->offload_s;
	o->offer.every = k->core->config->ct.offer_every;
	o->live = fwd_flows_new(++o->number, o->key);
	pthread_mutex_init(&o->lock, NULL);
	pthread_mutex_init(&o->reading, NULL);
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
	r = pthread_create(&o->thread, NULL, fwd_offload_main, o);
	o->running = !r;
	if (!r)
		r = pthread_create(&o->finisher, NULL, fwd_offload_finisher, o);
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
	fwd_offload_withdraw(o);
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
	if (o->retired_fd >= 0)
		close(o->retired_fd);
	fwd_flows_free(o->live);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->retirement);
	pthread_mutex_destroy(&o->reading);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
