/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's parts, in the order in which they are set up; torn down in reverse (main.c). */
#ifndef FWD_DAEMON_H
#define FWD_DAEMON_H

#include "config.h"
#include "control/address.h"
#include "core.h"
#include "edit.h"
#include "restart.h"

struct ev_loop;
struct fwd_control;
struct fwd_http;
struct fwd_keeper;
struct fwd_notify;
struct fwd_trial;

struct fwd {
	struct fwd_options options;
	struct ev_loop *loop;
	struct fwd_core core;
	struct fwd_editor editor; /* holds the store and, once open, the kernel side */
	struct fwd_address address; /* of the control socket; found while we may still look */
	struct fwd_control *control;
	struct fwd_http *http; /* NULL: no --metrics */
	struct fwd_keeper *keeper; /* NULL: nothing is kept */
	struct fwd_notify *notify;
	struct fwd_trial *trial; /* a change that waits to be confirmed, or NULL */
	uint64_t started; /* monotonic ns */
	char **argv;
	bool restart; /* asked for: once the loop has ended */
	struct fwd_baton baton; /* what the life before a restart has left */
};

#endif
