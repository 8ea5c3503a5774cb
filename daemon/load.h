/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole rulesets from files: at the start from the state directory or, while that holds nothing
 * yet, from the rules files; at SIGHUP from the rules files.
 *
 * All of it is one transaction: a mistake in the last line of the second file leaves nothing of
 * the first.  Control thread only.
 */
#ifndef FWD_LOAD_H
#define FWD_LOAD_H

#include "edit.h"
#include "restart.h"

/*
 * Fill the world that fwd_core_init() made: from what a life before a restart has left, else from the
 * state directory, else from the rules files.  0, or negative with err and in `file` the name of
 * what is wrong.
 */
int fwd_load_start(struct fwd_editor *e, struct fwd_baton *baton, char *file, size_t size,
		   struct fw_err *err);

/* Apply the rules files as `iptables-restore` would, as an edit of the group that is open (or
 * begins).  On failure nothing changes. */
int fwd_load_rules(struct fwd_editor *e, char *file, size_t size, struct fw_err *err);

/* Do the rules files parse?  Changes nothing; e->core is enough. */
int fwd_load_check(struct fwd_editor *e, char *file, size_t size, struct fw_err *err);

#endif
