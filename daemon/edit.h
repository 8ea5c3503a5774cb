/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an edit becomes what packets are judged by: the only writer of core->ruleset.
 *
 *	text ► transaction ► journal ► swap ► kernel's hooks ► counters ► (commit) disk
 *
 * Edits of one turn of the control loop are applied one after the other, each a transaction of its
 * own, and made durable together by fwd_edit_commit(); only then are they acknowledged.  What
 * fails leaves nothing behind:
 *
 *	text refused, journal full     nothing was changed yet
 *	kernel refuses the hooks       the snapshot before is put back, the record is taken away
 *	disk fails at commit           all of the group is undone: the snapshot before the group
 *
 * What undoing cannot bring back are counters that an undone edit zeroed.
 *
 * Control thread only.
 */
#ifndef FWD_EDIT_H
#define FWD_EDIT_H

#include "config.h"
#include "core.h"
#include "fw/tx.h"
#include "store/store.h"

/* An empty world: no rules, no flows.  0 or -EINVAL with err; deinit in either case. */
int fwd_core_init(struct fwd_core *core, struct fwd_options *o, struct fw_err *err);
void fwd_core_deinit(struct fwd_core *core);

struct fwd_editor {
	struct fwd_core *core;
	struct fwd_kernel *kernel; /* NULL: not open yet, hooks follow later */
	struct fwd_store *store; /* NULL: nothing is kept */
	struct fw_ruleset *base; /* before the group's first edit; NULL: no group is open */
	unsigned int kept; /* rulesets that others may yet go back to */
	struct fwd_store_mark mark;
	uint64_t last_edit_wall; /* when the last group was committed; 0: never */
	bool compact; /* a snapshot is wanted after the next commit, however short the journal */
	uint64_t era; /* of fwd_kernel_withdraw(), at the last swap */
	/* rules that died at some swap, and its era; core->graveyard has those since (hold.c) */
	struct fw_graveyard older;
	uint64_t older_era;
	bool dirty; /* something that only a snapshot keeps has changed by command or by policy */
	/* Set by keep.c: waits until it writes no snapshot, so that ours comes after it. */
	void (*settle)(void *priv);
	void *settle_priv;
};

/* One transaction: restore text of one family. */
struct fwd_edit {
	enum fw_family family;
	unsigned int flags; /* FW_TX_* */
	const char *table; /* the only table to apply, or NULL */
	const char *text;
	size_t len;
	bool test; /* check all of it, change nothing */
	const struct fw_resolver *resolver; /* or NULL */
	/* Told what the counters were that it set, as fw_tx_set_counters() does.  May be NULL. */
	fw_tx_counted *counted;
	void *priv;
};

/*
 * Apply one edit.  What -L and -S inside the text print goes to out (or NULL).  0: in force, to be
 * acknowledged after fwd_edit_commit().  Negative: nothing was changed, err says why.
 */
int fwd_edit_apply(struct fwd_editor *e, const struct fwd_edit *edit, struct fw_buf *out,
		   struct fw_err *err);

/* A whole ruleset, in a prepared transaction (the caller's to free), as an edit of the group: the
 * journal gets its text.  Negative: nothing was changed. */
int fwd_edit_replace(struct fwd_editor *e, struct fw_tx *tx, struct fw_err *err);

/* Make the group durable.  Negative: every edit since the last commit is undone. */
int fwd_edit_commit(struct fwd_editor *e, struct fw_err *err);

/* Swap in what a prepared transaction holds, hooks included; on failure swap back.  tx is the
 * caller's to free.  Used by edits, and by the start, which saves everything later. */
int fwd_edit_publish(struct fwd_editor *e, struct fw_tx *tx, const struct fwd_edit *edit,
		     struct fw_err *err);
/* Put `rs` (a reference that is taken over) back in force. */
void fwd_edit_revert(struct fwd_editor *e, struct fw_ruleset *rs);
/*
 * Policies of hooks that packets pass without being looked at count, too: add what the kernel has
 * counted for us since the last call to the snapshot in force.  Before a snapshot is replaced.
 */
void fwd_policy_count(struct fwd_editor *e);
/* The same, and what it has decided by itself.  Before counters are read, zeroed, set or saved. */
void fwd_policy_collect(struct fwd_editor *e);
/* At start: the kernel has to track, whatever the rules say. */
void fwd_edit_need_kct(struct fwd_editor *e);
/* Let go of a reference to a snapshot that is no longer needed. */
void fwd_edit_forget(struct fwd_editor *e, struct fw_ruleset *rs);

/* Write a snapshot of everything: rules, counters, recent lists.  No group may be open. */
int fwd_edit_snapshot(struct fwd_editor *e, struct fw_err *err);

/* What a snapshot has of the rules: a frame for each family, into text.  Any thread that holds a
 * reference; false: out of memory. */
bool fwd_edit_print_rules(const struct fw_ruleset *rs, unsigned int save_flags,
			  struct fwd_frame frames[FW_N_FAMILIES],
			  struct fw_buf text[FW_N_FAMILIES]);
/* … and of the recent lists, in slices.  Any thread, one at a time. */
void fwd_edit_print_recent(struct fwd_core *core, struct fw_buf *out);

/*
 * Go back to what was, as an edit of the group like any other: in force at once, durable with
 * fwd_edit_commit().  frames: the text of both families (with FW_SAVE_ALL, so that nothing else is
 * left), for the journal; rs: the snapshot itself (the reference stays the caller's), or NULL: it
 * is made from the text.  Negative: nothing was changed.
 */
int fwd_edit_go_back(struct fwd_editor *e, const struct fwd_frame frames[FW_N_FAMILIES],
		     struct fw_ruleset *rs, struct fw_err *err);

/* At the stop, when no packet can change it any more: the snapshot, and the tracker's flows. */
int fwd_edit_save_all(struct fwd_editor *e, struct fw_err *err);

/* ---- hold.c -------------------------------------------------------------------------------- */

/* What packets are judged by is about to change: the kernel does nothing by itself any more. exact:
 * counters are looked at or set in that moment, and have all of what it did. */
void fwd_edit_hold(struct fwd_editor *e, bool exact);
void fwd_edit_go_on(struct fwd_editor *e);
/* Free dead rules that nothing is owed to any more.  Now and then. */
void fwd_edit_tidy(struct fwd_editor *e);

#endif
