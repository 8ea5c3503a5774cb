/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet side as the control side sees it: open, start, apply, stop.
 *
 * Start: queues are bound before the table is touched, so a table left by a crash (fail closed)
 * begins to queue to us where it dropped; what it queues waits for the workers.
 *
 * Stop loses nothing: (1) rules out, chains stay; (2) workers go on until nothing waits; (3) the
 * table goes; (4) the sockets close.  In any other order the kernel drops what is queued.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "handover.h"
#include "kernel.h"
#include "offload.h"

#define DRAIN_EMPTY_READS 10 /* 2 ms apart */
#define DRAIN_MAX_MS	  5000

static uint32_t range_for(const struct fw_plan *plan)
{
	const unsigned int flags = plan->flags[FW_IP4] | plan->flags[FW_IP6];

	if (flags & (FW_NEED_PAYLOAD | FW_NEED_WRITE))
		return FWD_COPY_ALL;
	if (plan->flags[FW_IP6] & FW_NEED_QUOTE)
		return FWD_COPY_QUOTE6;
	if (plan->flags[FW_IP4] & FW_NEED_QUOTE)
		return FWD_COPY_QUOTE4;
	return FWD_COPY_HEADERS;
}

static bool config_fits(const struct fwd_config *c, struct fw_err *err)
{
	if (c->queues < 1 || c->queues > FWD_MAX_QUEUES) {
		fw_fail(err, FW_ERR_USAGE, "queues: %u is not in 1..%u", c->queues, FWD_MAX_QUEUES);
		return false;
	}
	if (c->queue_base + FWD_QUEUES_EACH * c->queues > 65536) {
		fw_fail(err, FW_ERR_USAGE, "queue-base: %u leaves no room for %u queues",
			c->queue_base, FWD_QUEUES_EACH * c->queues);
		return false;
	}
	if (c->mark_shift + FW_MARK_BITS > 32) {
		fw_fail(err, FW_ERR_USAGE, "mark-shift: %u is not in 0..%u", c->mark_shift,
			32 - FW_MARK_BITS);
		return false;
	}
	return true;
}

/*
 * clean: the hooks are to go.  Otherwise (a start that failed) what a former life has left stays as
 * it is, in the kernel and in the manager's store: a firewall that fails closed does not open
 * because its daemon cannot start.
 */
static void release(struct fwd_kernel *k, bool clean)
{
	if (k->core->world.priv == k) {
		k->core->world.ops = NULL;
		k->core->world.priv = NULL;
	}
	fwd_nft_close(&k->nft, clean || !k->nft.adopted); /* before the queues: see the top */
	for (unsigned int i = 0; i < k->n_workers; i++)
		fwd_worker_deinit(&k->workers[i]);
	k->handover = fwd_handover_close(k->handover, clean);
	if (k->ct_fd >= 0)
		close(k->ct_fd);
	free(k->nft.nat);
	free(k->nft.assigns);
	k->addrtype = fwd_addrtype_free(k->addrtype);
	k->rtnl = fwd_rtnl_close(k->rtnl);
	free(k->drops);
	fwd_blocks_free(k->blocks);
	free(k);
}

/* ---- start --------------------------------------------------------------------------------- */

static int open_helpers(struct fwd_kernel *k, struct fw_err *err)
{
	int r = fwd_rtnl_open(&k->rtnl, err);

	if (r)
		return r;
	k->addrtype = fwd_addrtype_new(k->rtnl);
	k->drops = fwd_drops_new();
	k->handover = fwd_handover_open(k->core->config);
	if (!k->addrtype || !k->drops || !k->handover) {
		fw_fail(err, FW_ERR_RESOURCE, "no memory for the packet side");
		return -ENOMEM;
	}
	fwd_ops_install(k);
	return 0;
}

static int open_parts(struct fwd_kernel *k, struct fw_err *err)
{
	int r = open_helpers(k, err);

	for (unsigned int i = 0; r == 0 && i < k->core->config->queues; i++) {
		k->n_workers++;
		r = fwd_worker_init(&k->workers[i], k, i, err);
	}
	if (r == 0)
		k->nft.fd = fwd_handover_take(k->handover, FWD_NFT_FDNAME);
	if (r == 0)
		r = fwd_nft_open(&k->nft, k->core->config, err);
	if (r == 0)
		r = fwd_blocks_open(&k->blocks, k->core, &k->nft, err);
	return r;
}

int fwd_kernel_open(struct fwd_kernel **ret, struct fwd_core *core, struct fw_err *err)
{
	struct fwd_kernel *k;
	int r;

	if (!config_fits(core->config, err))
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory"), -ENOMEM;
	k->core = core;
	k->nft = (struct fwd_nft)FWD_NFT_INIT;
	k->ct_fd = -1;
	k->copy_range = FWD_COPY_HEADERS;
	r = open_parts(k, err);
	if (r) {
		release(k, false);
		return r;
	}
	*ret = k;
	return 0;
}

static void keep_sockets(struct fwd_kernel *k)
{
	char name[64];

	fwd_handover_keep(k->handover, FWD_NFT_FDNAME, k->nft.fd);
	for (unsigned int i = 0; i < k->n_workers; i++) {
		fwd_queue_fdname(k->core->config, i, name);
		fwd_handover_keep(k->handover, name, k->workers[i].fd);
	}
}

/* Signals are the control thread's: workers are started with all blocked. */
int fwd_kernel_start(struct fwd_kernel *k, struct fw_err *err)
{
	sigset_t all, old;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; r == 0 && i < k->n_workers; i++) {
		struct fwd_worker *w = &k->workers[i];

		atomic_store(&w->beat_ns, fwd_now());
		r = pthread_create(&w->thread, NULL, fwd_worker_main, w);
		w->running = r == 0;
		if (r == 0)
			pthread_setname_np(w->thread, "fwd-worker");
	}
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot start a worker: %s", strerror(r));
	r = r ? -r : fwd_guard_start(&k->guard, &k->nft, k->core->config, err);
	if (!r)
		r = fwd_offload_start(&k->offload, k, err);
	if (!r)
		r = fwd_blocks_start(k->blocks, err);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!r)
		keep_sockets(k);
	return r;
}

static void set_range(struct fwd_kernel *k, uint32_t range, bool wake)
{
	for (unsigned int i = 0; i < k->n_workers; i++)
		fwd_queue_set_range(k->workers[i].fd, k->workers[i].number, range, wake);
	k->copy_range = range;
}

int fwd_kernel_prepare(struct fwd_kernel *k, const struct fw_ruleset *rs, struct fw_err *err)
{
	int r = fwd_nat_prepare(k, rs, err);

	return r ? r : fwd_assign_prepare(&k->nft, k->core, rs, err);
}

void fwd_kernel_settled(struct fwd_kernel *k)
{
	fwd_nat_settled(&k->nft, k->core->ruleset);
}

int fwd_kernel_apply(struct fwd_kernel *k, const struct fw_plan *plan, struct fw_err *err)
{
	const uint32_t range = range_for(plan);
	int r = plan->kct ? fwd_kernel_prepare(k, k->core->ruleset, err) : 0;

	if (r)
		return r;
	if (plan->kct && !(k->nft.applied && k->nft.plan.kct))
		fwd_ct_seed(k->core);
	if (range != k->copy_range)
		set_range(k, range, false);
	return fwd_nft_apply(&k->nft, plan, err);
}

/* ---- stop ---------------------------------------------------------------------------------- */

/* Nothing waits in the kernel, and workers found nothing several times. */
static bool drained(struct fwd_kernel *k)
{
	for (unsigned int i = 0; i < k->n_workers; i++)
		if (k->workers[i].running && atomic_load(&k->workers[i].empty) < DRAIN_EMPTY_READS)
			return false;
	return !fwd_kernel_waiting(k);
}

static void drain(struct fwd_kernel *k)
{
	static const struct timespec ms = {.tv_nsec = 1000000};

	atomic_store(&k->phase, FWD_DRAINING);
	set_range(k, k->copy_range, true); /* the acknowledgement wakes them up */
	for (unsigned int i = 0; i < DRAIN_MAX_MS && !drained(k); i++)
		nanosleep(&ms, NULL);
}

static void stop_workers(struct fwd_kernel *k)
{
	atomic_store(&k->phase, FWD_STOPPED);
	set_range(k, k->copy_range, true);
	for (unsigned int i = 0; i < k->n_workers; i++)
		if (k->workers[i].running)
			pthread_join(k->workers[i].thread, NULL);
}

void fwd_kernel_leave(struct fwd_kernel *k)
{
	k->guard = fwd_guard_stop(k->guard);
	fwd_offload_stop(&k->offload);
	stop_workers(k);
	fwd_blocks_stop(k->blocks);
}

int fwd_kernel_exec(struct fwd_kernel *k, const char *path, char **argv)
{
	return fwd_handover_exec(k->handover, path, argv);
}

struct fwd_kernel *fwd_kernel_stop(struct fwd_kernel *k)
{
	bool clean;

	if (!k)
		return NULL;
	k->guard = fwd_guard_stop(k->guard);
	fwd_offload_stop(&k->offload);
	fwd_blocks_stop(k->blocks);
	clean = k->nft.applied || !k->nft.adopted; /* else the start failed half-way */
	if (clean && fwd_nft_silence(&k->nft) == 0)
		drain(k);
	stop_workers(k);
	release(k, clean);
	return NULL;
}

int fwd_kernel_counted(struct fwd_kernel *k, struct fw_counters ret[FW_N_FAMILIES][FWD_N_COUNTED])
{
	return fwd_nft_counted(&k->nft, ret);
}

bool fwd_kernel_collect(struct fwd_kernel *k)
{
	const bool passed = fwd_offload_collect(k->offload),
		   dropped = fwd_blocks_collect(k->blocks);

	return passed || dropped;
}

uint64_t fwd_kernel_withdraw(struct fwd_kernel *k)
{
	uint64_t era;

	fwd_offload_withdraw(k->offload);
	fwd_blocks_withdraw(k->blocks);
	pthread_mutex_lock(&k->core->lock);
	era = k->core->era++;
	pthread_mutex_unlock(&k->core->lock);
	return era;
}

bool fwd_kernel_owes(struct fwd_kernel *k, uint64_t number)
{
	return fwd_offload_owes(k->offload, number) || fwd_blocks_owe(k->blocks, number);
}

void fwd_kernel_revoke(struct fwd_kernel *k)
{
	fwd_kernel_withdraw(k);
	fwd_kernel_collect(k);
}

void fwd_kernel_resume(struct fwd_kernel *k)
{
	fwd_offload_resume(k->offload);
	fwd_blocks_resume(k->blocks);
}

void fwd_kernel_offload_stats(struct fwd_kernel *k, struct fwd_offload_stats *ret)
{
	fwd_offload_stats(k->offload, ret);
}

void fwd_kernel_block_stats(struct fwd_kernel *k, struct fwd_block_stats *ret)
{
	fwd_blocks_stats(k->blocks, ret);
}
