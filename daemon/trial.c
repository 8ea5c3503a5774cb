/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes on trial (trial.h).
 *
 * The clock runs in the daemon: the client's death, which is the point, changes nothing.  Nor does
 * the daemon's: before the change is made, the rules as they are go to the disk with the moment at
 * which they come back, and a start takes that up, or goes back at once when the moment is past.
 * While the daemon lives it holds the old snapshot itself, so that going back is a swap and
 * counters and recent lists are as if the change had never been.
 */
#include "trial.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/text.h"
#include "log.h"

#define AGAIN_S 5.0

struct fwd_trial {
	struct fwd *d;
	ev_timer timer;
	uint64_t deadline; /* monotonic ns */
	bool fresh; /* its first change is not known to be durable yet */
	bool undone; /* nor is going back */
	struct fw_ruleset *before; /* NULL: known by its text only, from a former life */
	struct fw_buf text[FW_N_FAMILIES];
	struct fwd_frame frames[FW_N_FAMILIES];
};

static void on_time(struct ev_loop *loop, ev_timer *w, int events)
{
	struct fwd_trial *t = w->data;
	struct fwd_editor *e = &t->d->editor;
	struct fw_err err = FW_ERR_INIT;
	struct fwd *d = t->d;
	int r;

	fwd_log(4, "nobody has confirmed the change: going back to the rules before it");
	r = fwd_trial_rollback(d, &err);
	if (!r)
		r = fwd_edit_commit(e, &err);
	fwd_trial_settled(d, !r);
	if (!r && e->store)
		r = fwd_edit_snapshot(e, &err);
	if (r)
		fwd_log_err(2, "going back", &err);
}

static void set_clock(struct fwd_trial *t, double seconds)
{
	t->deadline = fwd_now() + (uint64_t)(seconds * (double)FW_NSEC_PER_SEC);
	ev_now_update(t->d->loop);
	ev_timer_stop(t->d->loop, &t->timer);
	ev_timer_set(&t->timer, seconds, 0.0);
	ev_timer_start(t->d->loop, &t->timer);
}

static struct fwd_trial *new_trial(struct fwd *d)
{
	struct fwd_trial *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->d = d;
	ev_timer_init(&t->timer, on_time, 0.0, 0.0);
	t->timer.data = t;
	return t;
}

struct fwd_trial *fwd_trial_free(struct fwd_trial *t)
{
	if (!t)
		return NULL;
	ev_timer_stop(t->d->loop, &t->timer);
	if (t->before) {
		fwd_edit_forget(&t->d->editor, t->before);
		t->d->editor.kept--;
	}
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		fw_buf_deinit(&t->text[f]);
	free(t);
	return NULL;
}

/* It is over. */
static void end(struct fwd *d)
{
	d->trial = fwd_trial_free(d->trial);
	if (d->editor.store)
		fwd_store_drop_trial(d->editor.store);
}

static int write_down(struct fwd_trial *t, unsigned int seconds, struct fw_err *err)
{
	struct fwd_store *store = t->d->editor.store;
	const uint64_t deadline = fwd_wall() + seconds * FW_NSEC_PER_SEC;
	char note[64];

	if (!store)
		return 0;
	snprintf(note, sizeof(note), "%" PRIu64 " %u\n", deadline, seconds);
	return fwd_store_put_trial(store, t->frames, FW_N_FAMILIES, note, err);
}

int fwd_trial_begin(struct fwd *d, unsigned int seconds, struct fw_err *err)
{
	struct fwd_trial *t = d->trial;
	bool fresh = !t;
	int r;

	if (fresh) {
		t = new_trial(d);
		if (!t)
			return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
		t->fresh = true;
		t->before = fw_ruleset_ref(d->core.ruleset);
		d->editor.kept++;
		fwd_policy_collect(&d->editor);
		if (!fwd_edit_print_rules(t->before, FW_SAVE_ALL, t->frames, t->text)) {
			fwd_trial_free(t);
			return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
		}
	}
	r = write_down(t, seconds, err);
	if (r) {
		if (fresh)
			fwd_trial_free(t);
		return r;
	}
	d->trial = t;
	set_clock(t, seconds);
	return 0;
}

void fwd_trial_settled(struct fwd *d, bool done)
{
	struct fwd_trial *t = d->trial;

	if (!t)
		return;
	if (t->fresh ? !done : t->undone && done) {
		end(d);
		return;
	}
	if (t->undone) /* the disk failed: once more, until it works */
		set_clock(t, AGAIN_S);
	t->fresh = t->undone = false;
}

static int nothing(struct fw_err *err)
{
	fw_fail(err, FW_ERR_USAGE, "no change waits to be confirmed");
	fw_err_hint(err, "fwctl apply --confirm SECONDS FILE makes one; the time may be over");
	return -EINVAL;
}

int fwd_trial_confirm(struct fwd *d, struct fw_err *err)
{
	if (!d->trial)
		return nothing(err);
	end(d);
	fwd_log(5, "the change is confirmed");
	return 0;
}

int fwd_trial_rollback(struct fwd *d, struct fw_err *err)
{
	struct fwd_trial *t = d->trial;
	int r;

	if (!t)
		return nothing(err);
	r = fwd_edit_go_back(&d->editor, t->frames, t->before, err);
	t->undone = !r;
	if (r)
		set_clock(t, AGAIN_S);
	return r;
}

unsigned int fwd_trial_left_s(const struct fwd_trial *t)
{
	uint64_t now = fwd_now();

	return t->deadline > now ? (unsigned int)((t->deadline - now) / FW_NSEC_PER_SEC) + 1 : 0;
}

struct reading {
	struct fwd_trial *trial;
	uint64_t deadline_wall;
	unsigned int seconds;
};

static int take_frame(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	struct reading *r = priv;
	struct fwd_trial *t = r->trial;

	if (f->kind == FWD_FRAME_END)
		return sscanf(f->body, "%" SCNu64 " %u", &r->deadline_wall, &r->seconds) == 2
			? 0
			: fw_fail(err, FW_ERR_RESOURCE, "the trial's file has no time");
	fw_buf_add(&t->text[f->family], f->body, f->len);
	t->frames[f->family] = *f;
	t->frames[f->family].body = fw_buf_cstr(&t->text[f->family]);
	return fw_buf_ok(&t->text[f->family]) ? 0 : fw_fail(err, FW_ERR_RESOURCE, "out of memory");
}

/* Never longer than it was to be, wherever the wall clock has gone meanwhile. */
static double left(const struct reading *r)
{
	uint64_t now = fwd_wall(), all = r->seconds * FW_NSEC_PER_SEC;
	uint64_t ns = r->deadline_wall > now ? r->deadline_wall - now : 0;

	return (double)(ns < all ? ns : all) / (double)FW_NSEC_PER_SEC;
}

int fwd_trial_load(struct fwd *d, struct fw_err *err)
{
	struct reading reading = {.trial = new_trial(d)};
	double seconds;
	int r;

	if (!reading.trial)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	r = fwd_store_read_trial(d->editor.store, take_frame, &reading, err);
	if (r) {
		fwd_trial_free(reading.trial);
		return r == -ENOENT ? 0 : r;
	}
	d->trial = reading.trial;
	seconds = left(&reading);
	if (seconds > 0) {
		fwd_log(5, "a change waits to be confirmed, for another %.0f s", seconds);
		set_clock(d->trial, seconds);
		return 0;
	}
	on_time(d->loop, &d->trial->timer, 0);
	return 0;
}
