/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: transaction, journal, swap, hooks, commit (edit.h). */
#include "edit.h"

#include <errno.h>
#include <string.h>

#include "fw/text.h"
#include "log.h"

#define DUMP_SLICE   65536 /* flows per call; nobody waits for them any more */
#define RECENT_SLICE 64 /* entries of recent lists for which the lock is held */

/*
 * Swap snapshots and plans, and let the kernel's hooks follow.  `rs` is taken over, and *old, the
 * one of before, is the caller's then, whatever is returned.  exact: counters are about to be
 * looked at.
 */
static int swap(struct fwd_editor *e, struct fw_ruleset *rs, bool exact, struct fw_ruleset **old,
		struct fw_err *err)
{
	struct fwd_core *core = e->core;
	const struct fw_plan before = core->plan;
	struct fw_needs needs;
	struct fw_plan plan;
	int r = 0;

	fw_ruleset_needs(rs, &needs);
	needs.kct |= before.kct; /* what is queued would be lost with its hooks */
	fw_plan_make(&needs, &plan);
	fwd_edit_hold(e, exact);
	*old = core->ruleset;
	fwd_core_publish(core, rs, &plan);
	if (e->kernel && memcmp(&plan, &before, sizeof(plan)))
		r = fwd_kernel_apply(e->kernel, &plan, err);
	fwd_edit_go_on(e);
	return r;
}

void fwd_edit_need_kct(struct fwd_editor *e)
{
	struct fw_needs needs;
	struct fw_plan plan;

	fw_ruleset_needs(e->core->ruleset, &needs);
	needs.kct = true;
	fw_plan_make(&needs, &plan);
	fwd_core_publish(e->core, e->core->ruleset, &plan);
}

void fwd_edit_forget(struct fwd_editor *e, struct fw_ruleset *rs)
{
	struct fw_tx_env env = fwd_core_env(e->core);

	fw_ruleset_unref(rs, &env);
}

void fwd_edit_revert(struct fwd_editor *e, struct fw_ruleset *rs)
{
	struct fw_err err = FW_ERR_INIT;
	struct fw_ruleset *undone;

	if (swap(e, rs, false, &undone, &err))
		fwd_log_err(2, "undoing an edit", &err);
	fwd_edit_forget(e, undone);
}

/* The swap is done, or is undone. */
static int finish(struct fwd_editor *e, struct fw_ruleset *old, int r)
{
	if (r)
		fwd_edit_revert(e, old);
	else
		fwd_edit_forget(e, old);
	return r;
}

int fwd_edit_publish(struct fwd_editor *e, struct fw_tx *tx, const struct fwd_edit *edit,
		     struct fw_err *err)
{
	struct fw_ruleset *old;
	int r = 0;

	if (e->kernel)
		r = fwd_kernel_prepare(e->kernel, fw_tx_result(tx), err);
	if (r)
		return r;
	r = swap(e, fw_tx_publish(tx), fw_tx_sets_counters(tx), &old, err);
	if (!r)
		fw_tx_set_counters(tx, edit ? edit->counted : NULL, edit ? edit->priv : NULL);
	return finish(e, old, r);
}

/* An edit begins: where the journal stands.  The group's first one remembers where to go back to. */
static struct fwd_store_mark begin(struct fwd_editor *e)
{
	struct fwd_store_mark mark = {.size = 0};

	if (e->store)
		mark = fwd_store_mark(e->store);
	if (!e->base) {
		e->base = fw_ruleset_ref(e->core->ruleset);
		e->mark = mark;
	}
	return mark;
}

/* … and ends: one that failed leaves nothing in the journal. */
static int end(struct fwd_editor *e, struct fwd_store_mark mark, int r)
{
	if (r && e->store)
		fwd_store_rewind(e->store, mark);
	return r;
}

static int record(struct fwd_editor *e, const struct fwd_edit *edit, struct fw_err *err)
{
	struct fwd_frame frame = {
		.family = edit->family,
		.flags = edit->flags & (FW_TX_NOFLUSH | FW_TX_COUNTERS),
		.body = edit->text,
		.len = edit->len,
	};

	if (!e->store)
		return 0;
	if (edit->table)
		strncpy(frame.table, edit->table, sizeof(frame.table) - 1);
	return fwd_store_append(e->store, &frame, err);
}

/* Journal first, then the swap: what is in force is on its way to the disk. */
static int enact(struct fwd_editor *e, struct fw_tx *tx, const struct fwd_edit *edit,
		 struct fw_err *err)
{
	const struct fwd_store_mark mark = begin(e);
	int r = record(e, edit, err);

	if (r)
		return r;
	return end(e, mark, fwd_edit_publish(e, tx, edit, err));
}

int fwd_edit_apply(struct fwd_editor *e, const struct fwd_edit *edit, struct fw_buf *out,
		   struct fw_err *err)
{
	struct fw_tx_env env = fwd_core_env(e->core);
	struct fw_tx *tx;
	int r;

	/* A journal that failed is replaced before it is asked for more. */
	if (e->store && !e->base && fwd_store_broken(e->store))
		fwd_edit_snapshot(e, NULL);
	tx = fw_tx_new(e->core->ruleset, &env);
	if (!tx)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	r = fw_tx_apply(tx, edit->family, edit->text, edit->len, edit->flags, edit->table,
			edit->resolver, out, err);
	if (!r)
		r = fw_tx_prepare(tx, err);
	if (!r && !edit->test && !fw_tx_empty(tx))
		r = enact(e, tx, edit, err);
	fw_tx_free(tx);
	return r;
}

int fwd_edit_commit(struct fwd_editor *e, struct fw_err *err)
{
	struct fw_ruleset *base = e->base;
	int r = 0;

	if (!base)
		return 0;
	e->base = NULL;
	if (e->store)
		r = fwd_store_sync(e->store, err);
	if (r) {
		fwd_edit_revert(e, base);
		fwd_store_rewind(e->store, e->mark);
		return r;
	}
	fwd_edit_forget(e, base);
	fwd_edit_tidy(e);
	if (e->kernel && !e->kept)
		fwd_kernel_settled(e->kernel);
	e->last_edit_wall = fwd_wall();
	return 0;
}

static int record_all(struct fwd_editor *e, const struct fwd_frame frames[FW_N_FAMILIES],
		      struct fw_err *err)
{
	int r = 0;

	for (unsigned int f = 0; f < FW_N_FAMILIES && !r && e->store; f++)
		r = fwd_store_append(e->store, &frames[f], err);
	return r;
}

int fwd_edit_replace(struct fwd_editor *e, struct fw_tx *tx, struct fw_err *err)
{
	struct fw_buf text[FW_N_FAMILIES] = {FW_BUF_INIT, FW_BUF_INIT};
	struct fw_ruleset *before = fw_ruleset_ref(e->core->ruleset);
	struct fwd_frame frames[FW_N_FAMILIES];
	const struct fwd_store_mark mark = begin(e);
	int r = fwd_edit_publish(e, tx, NULL, err);

	if (r) {
		fwd_edit_forget(e, before);
		return r;
	}
	if (fwd_edit_print_rules(e->core->ruleset, FW_SAVE_ALL, frames, text))
		r = record_all(e, frames, err);
	else
		r = fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	r = finish(e, before, end(e, mark, r));
	e->compact |= !r; /* the journal's text names tables that nobody uses, too */
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		fw_buf_deinit(&text[f]);
	return r;
}

/* Swap in a snapshot that was in force before. */
static int put_back(struct fwd_editor *e, struct fw_ruleset *rs, struct fw_err *err)
{
	struct fw_ruleset *old;
	int r = swap(e, fw_ruleset_ref(rs), false, &old, err);

	return finish(e, old, r);
}

/* The same from its text. */
static int rebuild(struct fwd_editor *e, const struct fwd_frame frames[FW_N_FAMILIES],
		   struct fw_err *err)
{
	struct fw_tx_env env = fwd_core_env(e->core);
	struct fw_tx *tx = fw_tx_new(e->core->ruleset, &env);
	int r = 0;

	if (!tx)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	for (unsigned int f = 0; f < FW_N_FAMILIES && !r; f++)
		r = fw_tx_apply(tx, frames[f].family, frames[f].body, frames[f].len, FW_TX_COUNTERS,
				NULL, NULL, NULL, err);
	if (!r)
		r = fw_tx_prepare(tx, err);
	if (!r)
		r = fwd_edit_publish(e, tx, NULL, err);
	fw_tx_free(tx);
	return r;
}

int fwd_edit_go_back(struct fwd_editor *e, const struct fwd_frame frames[FW_N_FAMILIES],
		     struct fw_ruleset *rs, struct fw_err *err)
{
	const struct fwd_store_mark mark = begin(e);
	int r = record_all(e, frames, err);

	if (!r)
		r = rs ? put_back(e, rs, err) : rebuild(e, frames, err);
	end(e, mark, r);
	e->compact |= !r; /* the journal's text names tables that nobody uses, too */
	return r;
}

void fwd_edit_print_recent(struct fwd_core *core, struct fw_buf *out)
{
	const uint64_t now = fwd_now();
	bool more;

	fwd_core_slice(core);
	fw_recent_dump_begin(core->world.recent);
	fwd_core_slice_end(core);
	do {
		fwd_core_slice(core);
		more = fw_recent_dump_more(core->world.recent, RECENT_SLICE, now, out);
		fwd_core_slice_end(core);
	} while (more);
}

bool fwd_edit_print_rules(const struct fw_ruleset *rs, unsigned int save_flags,
			  struct fwd_frame frames[FW_N_FAMILIES], struct fw_buf text[FW_N_FAMILIES])
{
	bool fine = true;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		fw_save(rs, (enum fw_family)f, FW_SAVE_COUNTERS | save_flags, &text[f]);
		frames[f] = (struct fwd_frame){
			.kind = FWD_FRAME_RULES,
			.family = (enum fw_family)f,
			.flags = FW_TX_COUNTERS,
			.body = fw_buf_cstr(&text[f]),
			.len = text[f].len,
		};
		fine = fine && fw_buf_ok(&text[f]);
	}
	return fine;
}

int fwd_edit_snapshot(struct fwd_editor *e, struct fw_err *err)
{
	struct fw_buf text[FW_N_FAMILIES + 1] = {FW_BUF_INIT, FW_BUF_INIT, FW_BUF_INIT};
	struct fwd_frame frames[FW_N_FAMILIES + 1];
	struct fw_buf *recent = &text[FW_N_FAMILIES];
	int r;

	if (!e->store)
		return 0;
	e->compact = false;
	if (e->settle)
		e->settle(e->settle_priv);
	fwd_policy_collect(e);
	fwd_edit_print_recent(e->core, recent);
	frames[FW_N_FAMILIES] = (struct fwd_frame){
		.kind = FWD_FRAME_RECENT, .body = fw_buf_cstr(recent), .len = recent->len};
	if (fwd_edit_print_rules(e->core->ruleset, 0, frames, text) && fw_buf_ok(recent))
		r = fwd_store_snapshot(e->store, frames, FW_ARRAY_SIZE(frames), fwd_wall(), err);
	else
		r = fw_fail(err, FW_ERR_RESOURCE, "out of memory for a snapshot");
	for (size_t i = 0; i < FW_ARRAY_SIZE(text); i++)
		fw_buf_deinit(&text[i]);
	return r;
}

int fwd_edit_save_all(struct fwd_editor *e, struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT;
	uint64_t cursor = 0;
	int r;

	if (!e->store)
		return 0;
	r = fwd_edit_snapshot(e, err);
	if (r)
		return r;
	fwd_store_drop_flows(e->store);
	do
		fw_ct_dump(e->core->world.ct, &cursor, DUMP_SLICE, fwd_now(), &text);
	while (cursor);
	if (text.len || !fw_buf_ok(&text))
		r = fwd_store_put_flows(e->store, &text, fwd_wall(), false, err);
	fw_buf_deinit(&text);
	return r;
}
