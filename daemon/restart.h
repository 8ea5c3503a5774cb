/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A restart in place: the process starts its program anew, an upgraded one perhaps, and goes on
 * where it was.  No packet and no connection is lost, the process keeps its number.
 */
#ifndef FWD_RESTART_H
#define FWD_RESTART_H

#include "fw/buf.h"
#include "fw/err.h"

#include <stdbool.h>

/* What the last life has left for this one. */
struct fwd_baton {
	int state; /* rules, counters, recent lists, flows: frames in a file; -1: nothing */
	int control; /* the listening control socket; -1: none */
	unsigned int restarts; /* how many there were; 0: this is a first life */
	bool filtered; /* the system call filter is in place and stays */
	char socket[128]; /* the control socket's path */
};

struct fwd;

/* Look for it in the environment.  Before anything else is opened. */
void fwd_baton_take(struct fwd_baton *ret);
/* All of the state's bytes; 0 or -errno. */
int fwd_baton_read(struct fwd_baton *b, struct fw_buf *ret);

/* Remember what program this is, before it can be replaced. */
void fwd_restart_init(void);
/* Would the program start: is it there, is the configuration right?  0, or -EINVAL with err. */
int fwd_restart_check(struct fwd *d, struct fw_err *err);
/* Do it, with signals blocked.  Returns only when it failed, and then the process can do nothing
 * any more but end. */
void fwd_restart(struct fwd *d);

#endif
