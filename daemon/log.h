/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log's life; fwd_log() itself is in core.h.
 *
 * Lines go to stderr.  Once started they pass through a bounded ring to a thread of their own: a
 * reader of stderr that has stopped reading delays nobody, it only loses lines (and is told how
 * many).  Before that, and after the stop, lines are written where they arise.
 */
#ifndef FWD_LOG_H
#define FWD_LOG_H

#include "fw/err.h"

/* Look at stderr: journald's (lines get "<N>" in front) or anything else. */
void fwd_log_init(void);
/* Start the thread.  0 or negative errno (then logging goes on without). */
int fwd_log_start(void);
/* Write what is left, end the thread; where nobody reads, only for a second: packets may wait. */
void fwd_log_stop(void);

/* An error as a person reads it: "FILE:LINE:COLUMN: MESSAGE (HINT)".  file may be NULL. */
void fwd_log_err(int priority, const char *file, const struct fw_err *err);

#endif
