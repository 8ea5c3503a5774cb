/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that tells the kernel whom to drop, and what the control thread asks of it (block.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "block.h"
#include "fw/ct.h"

#define SCAN_SLICE 1024 /* flows looked at with the lock held */
#define IDLE_TICKS 3 /* nothing came for so long: out */
#define RETRY_NS   (10 * FW_NSEC_PER_SEC) /* after a failure */

/* ---- connections --------------------------------------------------------------------------- */

struct scan {
	struct fwd_blocks *bl;
	uint64_t now;
};

static void has_flow(struct fwd_blocks *bl, struct fwd_block *m, uint64_t now)
{
	if (m->state == FWD_BLOCK_ASKED)
		fwd_block_leave(bl, m, now + FWD_BLOCK_BARRED_NS);
}

static void look_at(void *priv, const struct fw_ct_facts *facts)
{
	const struct scan *scan = priv;
	const struct fw_tuple *t = &facts->orig; /* nothing is translated, or we would not ask */

	fwd_block_each(scan->bl, t->family, t->proto, &t->src, has_flow, scan->now);
	fwd_block_each(scan->bl, t->family, t->proto, &t->dst, has_flow, scan->now);
}

/*
 * Of those that are asked about now, who has a connection?  Who asks meanwhile waits for the next
 * time; a connection that begins meanwhile is seen by workers (fwd_block_passed()).
 */
static void scan_flows(struct fwd_blocks *bl)
{
	struct scan scan = {.bl = bl};
	uint64_t cursor = 0;
	bool any = false;

	pthread_mutex_lock(&bl->core->lock);
	bl->scan++;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		any |= bl->block[i].state == FWD_BLOCK_ASKED;
	while (any) {
		scan.now = fwd_now();
		fw_ct_each(bl->core->world.ct, &cursor, SCAN_SLICE, NULL, scan.now, look_at, &scan);
		if (!cursor)
			break;
		pthread_mutex_unlock(&bl->core->lock);
		pthread_mutex_lock(&bl->core->lock);
	}
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (bl->block[i].state == FWD_BLOCK_ASKED && bl->block[i].scan <= bl->scan)
			bl->block[i].state = FWD_BLOCK_READY;
	pthread_mutex_unlock(&bl->core->lock);
}

/* ---- what is due, and when ----------------------------------------------------------------- */

struct timers { /* monotonic ns: not before */
	uint64_t look; /* at the members, once a second */
	uint64_t poll; /* at the counters, while lists are waiting for them */
};

/* Has it stopped, or will its answer end before we look again? */
static bool must_go(const struct fwd_block *m, uint64_t now)
{
	const struct fw_source_path *path = &m->path;

	return m->ticks_idle >= IDLE_TICKS ||
		(path->until < UINT64_MAX && path->until < now + FWD_BLOCK_MARGIN) ||
		(path->idle < UINT64_MAX && m->last + path->idle < now + FWD_BLOCK_MARGIN);
}

static void look_through(struct fwd_blocks *bl, uint64_t now)
{
	pthread_mutex_lock(&bl->core->lock);
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++) {
		struct fwd_block *m = &bl->block[i];

		if (m->state == FWD_BLOCK_BARRED && m->until <= now)
			fwd_block_free(bl, m);
		if (m->state != FWD_BLOCK_IN)
			continue;
		m->ticks_idle++;
		if (must_go(m, now))
			fwd_block_leave(bl, m, 0);
	}
	pthread_mutex_unlock(&bl->core->lock);
}

/* `old` is read for the last time, when nobody is in the middle of it, and with it who has left. */
static void bury(struct fwd_blocks *bl)
{
	if (bl->old.number) {
		fwd_nft_grace();
		fwd_block_read(bl, true);
		fwd_block_delete(bl);
	}
	pthread_mutex_lock(&bl->core->lock);
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (bl->block[i].state == FWD_BLOCK_LEFT)
			fwd_block_settle(bl, &bl->block[i]);
	pthread_mutex_unlock(&bl->core->lock);
}

/* Everything out.  Under `work`. */
static void disarm(struct fwd_blocks *bl)
{
	pthread_mutex_lock(&bl->nft->lock);
	if (bl->sets.number)
		fwd_block_flush(bl->nft);
	pthread_mutex_unlock(&bl->nft->lock);
	fwd_block_retire(bl);
	bury(bl);
	pthread_mutex_lock(&bl->core->lock);
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (bl->block[i].state != FWD_BLOCK_FREE)
			fwd_block_free(bl, &bl->block[i]);
	bl->cut = false;
	pthread_mutex_unlock(&bl->core->lock);
}

/* What is due, and whatever is new.  Under `work`. */
static void work(struct fwd_blocks *bl, const struct timers *t)
{
	const uint64_t now = fwd_now();
	int r = 0;

	if (now < bl->retry)
		return;
	if (now >= t->look || now >= t->poll)
		r = fwd_block_read(bl, false);
	if (now >= t->look)
		look_through(bl, now);
	if (r >= 0)
		r = fwd_block_arm(bl);
	if (r >= 0) {
		bury(bl);
		return;
	}
	/* the table was made anew (guard.c), or the kernel refuses: it goes on without */
	if (r != -ENOENT) {
		fwd_log(4, "the kernel does not take sources to drop: %s", strerror(-r));
		bl->retry = now + RETRY_NS;
	}
	disarm(bl);
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* Wait until something is due or new.  Returns false to end. */
static bool wait_for_work(struct fwd_blocks *bl, const struct timers *t)
{
	bool go_on;

	pthread_mutex_lock(&bl->core->lock);
	while (!bl->stop && !bl->wanted) {
		const uint64_t next = bl->n_updates ? t->poll : t->look;
		const struct timespec until = {.tv_sec = (time_t)(next / FW_NSEC_PER_SEC),
					       .tv_nsec = (long)(next % FW_NSEC_PER_SEC)};

		if (!bl->n)
			pthread_cond_wait(&bl->wake, &bl->core->lock);
		else if (pthread_cond_timedwait(&bl->wake, &bl->core->lock, &until) == ETIMEDOUT)
			break;
	}
	bl->wanted = false;
	go_on = !bl->stop;
	pthread_mutex_unlock(&bl->core->lock);
	return go_on;
}

static void *thread_main(void *priv)
{
	struct fwd_blocks *bl = priv;
	struct timers t = {0};

	while (wait_for_work(bl, &t)) {
		uint64_t now;

		scan_flows(bl);
		pthread_mutex_lock(&bl->work);
		work(bl, &t);
		pthread_mutex_unlock(&bl->work);
		now = fwd_now();
		if (now >= t.look)
			t.look = now + FWD_BLOCK_TICK;
		t.poll = now + FWD_BLOCK_POLL;
	}
	return NULL;
}

void fwd_block_cut(struct fwd_blocks *bl)
{
	pthread_mutex_lock(&bl->nft->lock);
	fwd_block_flush(bl->nft);
	pthread_mutex_lock(&bl->core->lock);
	bl->cut = bl->wanted = true; /* the thread may have made rules meanwhile */
	pthread_cond_signal(&bl->wake);
	pthread_mutex_unlock(&bl->core->lock);
	pthread_mutex_unlock(&bl->nft->lock);
}

/* ---- control ------------------------------------------------------------------------------- */

static void set_closed(struct fwd_blocks *bl, bool closed)
{
	pthread_mutex_lock(&bl->core->lock);
	if (!closed)
		fwd_hitters_forget(bl->hitters);
	bl->closed = closed;
	pthread_mutex_unlock(&bl->core->lock);
}

void fwd_blocks_revoke(struct fwd_blocks *bl)
{
	if (!bl || bl->revoked)
		return;
	bl->revoked = true;
	set_closed(bl, true);
	pthread_mutex_lock(&bl->work);
	disarm(bl);
}

void fwd_blocks_resume(struct fwd_blocks *bl)
{
	if (!bl || !bl->revoked)
		return;
	bl->revoked = false;
	set_closed(bl, false);
	pthread_mutex_unlock(&bl->work);
}

bool fwd_blocks_collect(struct fwd_blocks *bl)
{
	bool any;

	if (!bl || bl->revoked)
		return false;
	pthread_mutex_lock(&bl->work);
	any = fwd_block_read(bl, false) > 0;
	pthread_mutex_unlock(&bl->work);
	return any;
}

void fwd_blocks_stats(struct fwd_blocks *bl, struct fwd_block_stats *ret)
{
	*ret = (struct fwd_block_stats){0};
	if (!bl)
		return;
	pthread_mutex_lock(&bl->core->lock);
	ret->dropped = bl->dropped;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		ret->sources += bl->block[i].state == FWD_BLOCK_IN;
	pthread_mutex_unlock(&bl->core->lock);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int prepare(struct fwd_blocks *bl)
{
	uint64_t seed[2];
	pthread_condattr_t attr;

	bl->fd = -1;
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -errno;
	bl->hitters = fwd_hitters_new(seed[0]);
	bl->key = seed[1];
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		bl->bucket[i] = FWD_BLOCKS_MAX;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bl->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&bl->work, NULL);
	return bl->hitters ? 0 : -ENOMEM;
}

int fwd_blocks_open(struct fwd_blocks **ret, struct fwd_core *core, struct fwd_nft *nft,
		    struct fw_err *err)
{
	struct fwd_blocks *bl;
	int r = 0;

	if (nft->adopted) /* sets of a former life: before they can go, the rules have to */
		r = fwd_block_flush(nft);
	if (nft->adopted && !r)
		r = fwd_kset_sweep(nft, FWD_BLOCK_PREFIX);
	if (!r && !core->config->offload)
		return 0;
	bl = r ? NULL : calloc(1, sizeof(*bl));
	if (!r)
		r = bl ? prepare(bl) : -ENOMEM;
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "sources that the kernel drops: %s", strerror(-r));
		fwd_blocks_free(bl);
		return r;
	}
	bl->core = core;
	bl->nft = nft;
	*ret = bl;
	return 0;
}

int fwd_blocks_start(struct fwd_blocks *bl, struct fw_err *err)
{
	int r;

	if (!bl)
		return 0;
	r = pthread_create(&bl->thread, NULL, thread_main, bl);
	bl->running = r == 0;
	if (r)
		return fw_fail(err, FW_ERR_RESOURCE, "cannot start a thread: %s", strerror(r)), -r;
	pthread_setname_np(bl->thread, "fwd-drops");
	return 0;
}

void fwd_blocks_stop(struct fwd_blocks *bl)
{
	if (!bl)
		return;
	pthread_mutex_lock(&bl->core->lock);
	bl->stop = bl->closed = true;
	pthread_cond_signal(&bl->wake);
	pthread_mutex_unlock(&bl->core->lock);
	if (bl->running)
		pthread_join(bl->thread, NULL);
	bl->running = false;
	disarm(bl);
}

struct fwd_blocks *fwd_blocks_free(struct fwd_blocks *bl)
{
	if (!bl)
		return NULL;
	if (bl->fd >= 0)
		close(bl->fd);
	free(bl->hitters);
	free(bl);
	return NULL;
}
