/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that tells the kernel whom to drop (block.h): who may be, who is no more, and when to
 * look.
 */
#include <errno.h>
#include <string.h>

#include "block.h"
#include "fw/ct.h"

#define SCAN_SLICE 256 /* flows looked at with the lock held */
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

	fwd_core_slice(bl->core);
	bl->scan++;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		any |= bl->table->block[i].state == FWD_BLOCK_ASKED;
	while (any) {
		scan.now = fwd_now();
		fw_ct_each(bl->core->world.ct, &cursor, SCAN_SLICE, NULL, scan.now, look_at, &scan);
		if (!cursor)
			break;
		fwd_core_slice_end(bl->core);
		fwd_core_slice(bl->core);
	}
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (bl->table->block[i].state == FWD_BLOCK_ASKED &&
		    bl->table->block[i].scan <= bl->scan)
			bl->table->block[i].state = FWD_BLOCK_READY;
	fwd_core_slice_end(bl->core);
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
		struct fwd_block *m = &bl->table->block[i];

		if (m->state == FWD_BLOCK_BARRED && m->until <= now)
			fwd_block_free(bl, bl->table, m);
		if (m->state != FWD_BLOCK_IN)
			continue;
		m->ticks_idle++;
		if (must_go(m, now))
			fwd_block_leave(bl, m, 0);
	}
	pthread_mutex_unlock(&bl->core->lock);
}

/* What is due, and whatever is new.  Under `work`.  True: there is more. */
static bool work(struct fwd_blocks *bl, const struct timers *t)
{
	const uint64_t now = fwd_now();
	int r = 0;

	if (now < bl->retry)
		return false;
	if (now >= t->look || now >= t->poll)
		r = fwd_block_read(bl, bl->table, false);
	if (now >= t->look)
		look_through(bl, now);
	if (r >= 0)
		r = fwd_block_arm(bl);
	if (r >= 0)
		return r;
	/* the table was made anew (guard.c), or the kernel refuses: it goes on without */
	if (r != -ENOENT) {
		fwd_log(4, "the kernel does not take sources to drop: %s", strerror(-r));
		bl->retry = now + RETRY_NS;
	}
	fwd_block_withdraw(bl);
	return false;
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* Wait until something is due or new.  Returns false to end. */
static bool wait_for_work(struct fwd_blocks *bl, const struct timers *t)
{
	bool go_on;

	pthread_mutex_lock(&bl->core->lock);
	while (!bl->stop && !bl->wanted) {
		const uint64_t next = bl->table->n_updates ? t->poll : t->look;
		const struct timespec until = {.tv_sec = (time_t)(next / FW_NSEC_PER_SEC),
					       .tv_nsec = (long)(next % FW_NSEC_PER_SEC)};

		if (!bl->table->n)
			pthread_cond_wait(&bl->wake, &bl->core->lock);
		else if (pthread_cond_timedwait(&bl->wake, &bl->core->lock, &until) == ETIMEDOUT)
			break;
	}
	bl->wanted = false;
	go_on = !bl->stop;
	pthread_mutex_unlock(&bl->core->lock);
	return go_on;
}

/* At once, unless an edit has come between. */
static void want_more(struct fwd_blocks *bl)
{
	fwd_core_lock(bl->core);
	bl->wanted |= !bl->closed;
	fwd_core_unlock(bl->core);
}

void *fwd_block_main(void *blocks)
{
	struct fwd_blocks *bl = blocks;
	struct timers t = {0};

	while (wait_for_work(bl, &t)) {
		uint64_t now;
		bool more;

		scan_flows(bl);
		pthread_mutex_lock(&bl->work);
		more = work(bl, &t);
		fwd_block_bury(bl);
		pthread_mutex_unlock(&bl->work);
		now = fwd_now();
		if (now >= t.look)
			t.look = now + FWD_BLOCK_TICK;
		t.poll = now + FWD_BLOCK_POLL;
		if (more)
			want_more(bl);
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
