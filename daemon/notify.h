/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager is told (sd_notify): ready, reloading, stopping, and, as its watchdog,
 * that packets are still being judged: the sign of life is given from the control loop and only
 * while every worker goes round its own.  Without a service manager all of it does nothing.
 */
#ifndef FWD_NOTIFY_H
#define FWD_NOTIFY_H

#include "daemon.h"

struct fwd_notify;

/* Packets are being filtered and the socket is there.  NULL: no memory. */
struct fwd_notify *fwd_notify_ready(struct fwd *d);
void fwd_notify_reloading(void);
/* The reload is over; failed: why, or NULL. */
void fwd_notify_reloaded(struct fwd *d, const char *failed);
/* NULL is fine.  Returns NULL. */
struct fwd_notify *fwd_notify_stopping(struct fwd_notify *n);
/* The same for a restart in place, which to a manager is a reload. */
struct fwd_notify *fwd_notify_restarting(struct fwd_notify *n);

#endif
