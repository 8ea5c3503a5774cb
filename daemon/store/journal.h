/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's file (the rules of its use: store/store.h).
 *
 * Sequence numbers in it go up by one from frame to frame; a gap means that something is missing
 * and is treated like a damaged frame.  Control thread only.
 */
#ifndef FWD_STORE_JOURNAL_H
#define FWD_STORE_JOURNAL_H

#include "store/store.h"

struct fwd_journal {
	int fd; /* -1: not open */
	uint64_t size; /* bytes of sound frames */
	uint64_t seq; /* of the last frame, or of the snapshot */
	uint64_t frames; /* in the file */
	bool broken; /* could not be written or cut: no more edits until it is started anew */
};
#define FWD_JOURNAL_INIT \
	{                \
		.fd = -1 \
	}

/*
 * Read the file, hand its frames newer than j->seq (the snapshot's) to fn, keep aside and cut what
 * is not sound, and open it for appending.
 */
int fwd_journal_load(struct fwd_journal *j, int dirfd, fwd_store_fn *fn, void *priv,
		     struct fw_err *err);
/* An empty file in the place of the old one; durable when it returns 0. */
int fwd_journal_restart(struct fwd_journal *j, int dirfd, struct fw_err *err);
/* The same, but for what was appended since the mark. */
int fwd_journal_drop_head(struct fwd_journal *j, int dirfd, struct fwd_store_mark upto,
			  struct fw_err *err);
int fwd_journal_append(struct fwd_journal *j, const struct fwd_frame *edit, struct fw_err *err);
int fwd_journal_sync(struct fwd_journal *j, struct fw_err *err);
void fwd_journal_rewind(struct fwd_journal *j, struct fwd_store_mark mark);
void fwd_journal_close(struct fwd_journal *j);

#endif
