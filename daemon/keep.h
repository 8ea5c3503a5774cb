/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes by itself, kept from time to time, so that a crash loses little of it: counters,
 * recent lists, flows (snapshot-interval).
 */
#ifndef FWD_KEEP_H
#define FWD_KEEP_H

#include "daemon.h"

struct fwd_keeper;

/* Control thread, like all here.  NULL: nothing is to be kept, or no memory (which is said). */
struct fwd_keeper *fwd_keep_start(struct fwd *d);
/* Save now, or be at it already; NULL: false, as where there is no thread to do it.  No group of
 * edits may be open. */
bool fwd_keep_now(struct fwd_keeper *k);
/* NULL is fine.  Waits for a save that is under way.  Returns NULL. */
struct fwd_keeper *fwd_keep_stop(struct fwd_keeper *k);

#endif
