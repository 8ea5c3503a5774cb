/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes on trial: applied now, undone by themselves unless somebody confirms them in time, so
 * that a rule that cuts off who made it does not last.
 *
 * There is one trial at a time.  What is applied `confirm` while one runs joins it: the time starts
 * anew, and what will come back is what was before the first.  Everything since goes with it,
 * whoever changed it.  Control thread only.
 */
#ifndef FWD_TRIAL_H
#define FWD_TRIAL_H

#include "daemon.h"

#define FWD_TRIAL_MAX_S 86400

struct fwd_trial;

/* Before the change: remember what is, on the disk, too.  0 or negative with err. */
int fwd_trial_begin(struct fwd *d, unsigned int seconds, struct fw_err *err);
/* The change has been made durable, or has not happened after all: then a trial that began with it
 * never was. */
void fwd_trial_settled(struct fwd *d, bool done);
/* Keep the change; undo it (as an edit of the group: fwd_edit_commit() makes it durable).  -EINVAL
 * with err: nothing is on trial. */
int fwd_trial_confirm(struct fwd *d, struct fw_err *err);
int fwd_trial_rollback(struct fwd *d, struct fw_err *err);
unsigned int fwd_trial_left_s(const struct fwd_trial *t);

/* At a start, once the rules are there: a trial that a crash or a stop left goes on, or is lost
 * already and undone.  0 or negative with err. */
int fwd_trial_load(struct fwd *d, struct fw_err *err);
/* Forget it here; on the disk it stays.  NULL is fine.  Returns NULL. */
struct fwd_trial *fwd_trial_free(struct fwd_trial *t);

#endif
