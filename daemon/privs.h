/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up what is not needed before anything else is done: what the daemon then opens and makes,
 * it opens and makes as who it will be, the same as when a service manager started it so.  Called
 * while there is one thread (capabilities belong to threads).
 */
#ifndef FWD_PRIVS_H
#define FWD_PRIVS_H

#include "config.h"

/*
 * Started as root: give state and run directory to o->user (if given), become that user and keep
 * CAP_NET_ADMIN and CAP_NET_RAW only; without a user keep CAP_DAC_OVERRIDE besides, for directories
 * that belong to another.  No new privileges in either case.
 *
 * 0, or -EINVAL with err.
 */
int fwd_privs_drop(const struct fwd_options *o, struct fw_err *err);

#endif
