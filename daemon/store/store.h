/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory: what outlives the daemon.
 *
 *	lock       held by flock(2) while a daemon runs, so that two never share a directory
 *	snapshot   everything up to edit number SEQ; replaced whole (written beside, fsync, rename)
 *	journal    edits since then, one frame each, appended and made durable before they are
 *	           acknowledged
 *	flows      the tracker's flows, used once: a start takes it away, so that a later crash does
 *	           not bring back connections that have ended long since; written at a clean stop, and
 *	           from time to time, then to be used only while it is fresh
 *	trial      what to go back to if an edit is not confirmed in time
 *	journal.bad-TIME…  what was cut off a journal because it was torn or damaged
 *
 * A start reads the snapshot and then those edits of the journal that are newer than it, so a crash
 * between "new snapshot" and "new journal" applies nothing twice.  The journal is used up to the
 * first frame that is not whole and sound; the rest is kept aside and reported.  A damaged snapshot
 * is an error: nothing sensible is left to filter by, and a person must choose.
 *
 * Control thread only but for the two that say otherwise.  All functions return 0 or a negative errno with err filled.
 */
#ifndef FWD_STORE_H
#define FWD_STORE_H

#include "fw/err.h"
#include "store/frame.h"

struct fwd_store;

/* A place in the journal to go back to. */
struct fwd_store_mark {
	uint64_t size, seq;
};

/* Make the directory if it is missing (mode 0700), lock it.  -EBUSY: another daemon has it. */
int fwd_store_open(struct fwd_store **ret, const char *dir, struct fw_err *err);
/* NULL is fine.  Returns NULL.  Saves nothing. */
struct fwd_store *fwd_store_close(struct fwd_store *s);

/*
 * Give every frame worth having to `fn`, in order: the snapshot's, then the journal's newer ones.
 * A negative result of fn ends the reading and is returned (fn fills err).  Cuts a damaged journal
 * and opens it for appending.
 */
typedef int fwd_store_fn(void *priv, const struct fwd_frame *frame, struct fw_err *err);
int fwd_store_load(struct fwd_store *s, fwd_store_fn *fn, void *priv, struct fw_err *err);

/* Number and append an edit (kind and seq are set here).  Not durable yet.  After an error the
 * journal is as it was before. */
int fwd_store_append(struct fwd_store *s, const struct fwd_frame *edit, struct fw_err *err);
/* Make everything appended durable.  After an error only fwd_store_rewind() and a new snapshot
 * make the journal usable again. */
int fwd_store_sync(struct fwd_store *s, struct fw_err *err);

struct fwd_store_mark fwd_store_mark(const struct fwd_store *s);
/* Take away what was appended since the mark.  Cannot fail: a journal that cannot be cut takes no
 * more edits until a new snapshot has replaced it. */
void fwd_store_rewind(struct fwd_store *s, struct fwd_store_mark mark);

/* Nothing was ever kept here: no snapshot, no edit. */
bool fwd_store_empty(const struct fwd_store *s);
/* The journal takes no edits until fwd_store_snapshot() has succeeded. */
bool fwd_store_broken(const struct fwd_store *s);
/* Has the journal grown enough (or suffered) that a new snapshot is worth its cost? */
bool fwd_store_due(const struct fwd_store *s);

/*
 * Replace the snapshot: frames (seq and END are added here) stand for everything appended so far;
 * then start the journal anew.  Durable when it returns 0.  After an error the old state stands.
 */
int fwd_store_snapshot(struct fwd_store *s, struct fwd_frame *frames, size_t n, uint64_t wall,
		       struct fw_err *err);

/*
 * The same while the journal goes on.  Write: the frames stand for edits up to the mark; any
 * thread, but never two snapshots at a time.  Written: the control thread takes note, and from the
 * journal what the snapshot has.  Unwritten: it could not be written; the next one is not due
 * before the journal has grown somewhat.
 */
struct fwd_store_written {
	struct fwd_store_mark upto;
	uint64_t size;
};
int fwd_store_write(const struct fwd_store *s, struct fwd_store_mark upto, struct fwd_frame *frames,
		    size_t n, uint64_t wall, struct fwd_store_written *ret);
int fwd_store_written(struct fwd_store *s, const struct fwd_store_written *w, struct fw_err *err);
void fwd_store_unwritten(struct fwd_store *s);

/* The file `flows`: written at a clean stop or (live, any thread) while packets go on; read and
 * removed at a start (-ENOENT: there is none, or it was damaged, which is logged).  wall: when it
 * was written. */
int fwd_store_put_flows(const struct fwd_store *s, const struct fw_buf *text, uint64_t wall,
			bool live, struct fw_err *err);
int fwd_store_take_flows(struct fwd_store *s, struct fw_buf *text, uint64_t *wall, bool *live);
void fwd_store_drop_flows(const struct fwd_store *s); /* any thread */

/*
 * The file `trial`: what the rules were before a change that is to be confirmed.  Put makes it
 * durable; `note` is kept with it.  Read gives each frame to fn, with the note as an END frame;
 * -ENOENT: there is none, or it was damaged, which is logged.
 */
int fwd_store_put_trial(struct fwd_store *s, const struct fwd_frame *frames, size_t n,
			const char *note, struct fw_err *err);
int fwd_store_read_trial(struct fwd_store *s, fwd_store_fn *fn, void *priv, struct fw_err *err);
void fwd_store_drop_trial(struct fwd_store *s);

/* Facts for status and metrics. */
uint64_t fwd_store_journal_bytes(const struct fwd_store *s);
uint64_t fwd_store_seq(const struct fwd_store *s);

#endif
