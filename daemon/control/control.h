/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: accepting clients, and running what they ask in groups.
 *
 * One turn of the loop reads a little from every client that has something to say; the requests
 * that became complete run at its end, in the order in which they did.  Edits among them share one
 * fdatasync, and their answers wait for it.
 *
 * What strangers can do to it is bounded: who has no right at all is sent away at once; there are
 * at most FW_CLIENTS_MAX clients (the one idle for longest makes room); large requests together
 * hold at most FWD_REQUESTS_MAX bytes, and where answers that nobody reads hold FWD_ANSWERS_MAX, no
 * more large ones are given; small requests are served whatever the large ones do.  Whoever makes
 * no progress for FW_CLIENT_IDLE_S seconds is closed, and no client is read or written more than a
 * piece per turn.
 *
 * Control thread only.
 */
#ifndef FWD_CONTROL_H
#define FWD_CONTROL_H

#include "control/peer.h"
#include "daemon.h"

#define FWD_REQUESTS_MAX  (512u * 1024 * 1024)
#define FWD_ANSWERS_MAX	  (512u * 1024 * 1024)
#define FWD_REQUEST_SMALL (64u * 1024)

struct fwd_control;
struct fwd_client;

/*
 * Listen where fwd_control_probe() said (and link to it in the host's own namespace).  A
 * socket that nobody answers is replaced; a daemon that answers is an error.  The path appears only
 * once it can be connected to.
 */
int fwd_control_open(struct fwd_control **ret, struct fwd *d, struct fw_err *err);
/* Remove the socket, close all clients.  NULL is fine.  Returns NULL. */
struct fwd_control *fwd_control_close(struct fwd_control *c);
/* Serve those who are there to the end (or for two seconds); who comes now waits. */
void fwd_control_drain(struct fwd_control *c);
/* Close all clients, but keep listening: the socket, for whoever will go on with it. */
int fwd_control_leave(struct fwd_control *c);
/* Where will the socket be, and is a daemon there already?  0, or -EBUSY with err.  Asked before
 * anything else is touched, and while pid 1 may be looked at. */
int fwd_control_probe(struct fwd *d, struct fw_err *err);

/* Look up the groups again (SIGHUP). */
void fwd_control_reload(struct fwd_control *c);
unsigned int fwd_control_clients(const struct fwd_control *c);

#endif
