/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves in the background (keep.h).
 *
 * A save of 100,000 rules prints ten megabytes and waits for the disk: neither packets nor edits
 * may.  So the control thread only takes a reference to the ruleset and the number of the edit it
 * stands for, and a thread of its own does the rest: the rules from that snapshot, which never
 * changes (counters may be read anywhere); recent lists and flows in slices under the engine lock.
 * Edits go on meanwhile and into the journal; the new snapshot says which of them it has, so a
 * start after a crash, at whatever moment, applies none twice and misses none.  The reference goes
 * back to the control thread, which alone may drop it.
 *
 * Whoever else writes a snapshot waits until ours is done (settle), or an old one could replace a
 * newer.
 */
#include "keep.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define SLICE	    64 /* flows for which the lock is held */
#define FLOWS_BYTES (64u * 1024 * 1024) /* more are not kept: they are picked up midway */

struct fwd_keeper {
	struct fwd *d;
	ev_timer timer;
	ev_async done;
	pthread_t thread;
	bool running;
	uint64_t packets, generation; /* as of the last save */

	/* the thread's, while it runs */
	struct fw_ruleset *rules;
	struct fwd_store_mark upto;
	struct fwd_store_written written;
	int result;
};

/* ---- its own thread ------------------------------------------------------------------------ */

static int save_snapshot(struct fwd_keeper *k)
{
	struct fw_buf text[FW_N_FAMILIES + 1] = {FW_BUF_INIT, FW_BUF_INIT, FW_BUF_INIT};
	struct fwd_frame frames[FW_N_FAMILIES + 1];
	struct fw_buf *recent = &text[FW_N_FAMILIES];
	const uint64_t wall = fwd_wall();
	int r = -ENOMEM;

	fwd_edit_print_recent(&k->d->core, recent);
	frames[FW_N_FAMILIES] = (struct fwd_frame){
		.kind = FWD_FRAME_RECENT, .body = fw_buf_cstr(recent), .len = recent->len};
	if (fwd_edit_print_rules(k->rules, 0, frames, text) && fw_buf_ok(recent))
		r = fwd_store_write(k->d->editor.store, k->upto, frames, FW_ARRAY_SIZE(frames),
				    wall, &k->written);
	for (size_t i = 0; i < FW_ARRAY_SIZE(text); i++)
		fw_buf_deinit(&text[i]);
	return r;
}

static int save_flows(struct fwd_keeper *k)
{
	const uint64_t wall = fwd_wall(), now = fwd_now();
	struct fwd_core *core = &k->d->core;
	struct fw_buf text = FW_BUF_INIT;
	struct fw_ct_copies *some = fw_ct_copies_new(SLICE);
	uint64_t cursor = 0;
	int r = 0;

	if (!some)
		return -ENOMEM;
	fwd_kernel_sync(k->d->editor.kernel);
	do {
		fwd_core_slice(core);
		fw_ct_copy(core->world.ct, &cursor, NULL, now, some);
		fwd_core_slice_end(core);
		fw_ct_copies_dump(some, &text);
	} while (cursor && text.len < FLOWS_BYTES);
	fw_ct_copies_free(some);
	if (cursor || !text.len)
		fwd_store_drop_flows(k->d->editor.store);
	else
		r = fwd_store_put_flows(k->d->editor.store, &text, wall, true, NULL);
	fw_buf_deinit(&text);
	return r;
}

static void *save(void *priv)
{
	struct fwd_keeper *k = priv;

	k->result = save_snapshot(k);
	if (!k->result)
		k->result = save_flows(k);
	ev_async_send(k->d->loop, &k->done);
	return NULL;
}

/* ---- control thread ------------------------------------------------------------------------ */

/* Wait for the thread, take over what it did. */
static void settle(void *priv)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_keeper *k = priv;
	int r;

	if (!k->running)
		return;
	pthread_join(k->thread, NULL);
	k->running = false;
	fwd_edit_forget(&k->d->editor, k->rules);
	k->rules = NULL;
	r = k->result;
	if (!k->written.size)
		fwd_store_unwritten(k->d->editor.store);
	else if (fwd_store_written(k->d->editor.store, &k->written, &err))
		fwd_log_err(3, NULL, &err);
	if (r)
		fwd_log(3, "counters, recent lists and flows could not be saved: %s", strerror(-r));
}

static void on_done(struct ev_loop *loop, ev_async *w, int events)
{
	settle(w->data);
}

static uint64_t packets(struct fwd *d)
{
	struct fwd_queue_stats q[FWD_MAX_QUEUES];
	size_t n = fwd_kernel_stats(d->editor.kernel, q, FW_ARRAY_SIZE(q));
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += q[i].packets;
	return sum;
}

/* Signals are the control thread's: ours is started with all blocked. */
static void begin(struct fwd_keeper *k)
{
	struct fwd_editor *e = &k->d->editor;
	sigset_t all, old;
	int r;

	e->dirty = e->compact = false;
	k->packets = packets(k->d);
	k->generation = e->core->ruleset->generation;
	k->rules = fw_ruleset_ref(e->core->ruleset);
	k->upto = fwd_store_mark(e->store);
	k->written = (struct fwd_store_written){.size = 0};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&k->thread, NULL, save, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	k->running = !r;
	if (!r) {
		pthread_setname_np(k->thread, "fwd-keeper");
		return;
	}
	fwd_edit_forget(e, k->rules);
	k->rules = NULL;
	fwd_log(3, "no thread to save counters with: %s", strerror(r));
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct fwd_keeper *k = w->data;
	struct fwd_editor *e = &k->d->editor;

	if (k->running || e->base)
		return; /* the disk is slow, or a group of edits is open: next time */
	fwd_policy_collect(e);
	if (e->dirty || packets(k->d) != k->packets ||
	    e->core->ruleset->generation != k->generation)
		begin(k);
}

bool fwd_keep_now(struct fwd_keeper *k)
{
	if (!k)
		return false;
	if (!k->running) {
		fwd_policy_collect(&k->d->editor);
		begin(k);
	}
	return k->running;
}

struct fwd_keeper *fwd_keep_start(struct fwd *d)
{
	const double interval = d->options.config.snapshot_interval;
	struct fwd_keeper *k;

	if (!d->editor.store || interval <= 0)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k) {
		fwd_log(3, "out of memory: counters are saved at the stop only");
		return NULL;
	}
	k->d = d;
	k->packets = packets(d);
	k->generation = d->core.ruleset->generation;
	ev_timer_init(&k->timer, on_timer, interval, interval);
	ev_async_init(&k->done, on_done);
	k->timer.data = k->done.data = k;
	ev_timer_start(d->loop, &k->timer);
	ev_async_start(d->loop, &k->done);
	d->editor.settle = settle;
	d->editor.settle_priv = k;
	if (d->editor.compact)
		fwd_keep_now(k);
	return k;
}

struct fwd_keeper *fwd_keep_stop(struct fwd_keeper *k)
{
	if (!k)
		return NULL;
	settle(k);
	k->d->editor.settle = NULL;
	ev_timer_stop(k->d->loop, &k->timer);
	ev_async_stop(k->d->loop, &k->done);
	free(k);
	return NULL;
}
