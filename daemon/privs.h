/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up what is not needed, after the setup and before the first packet: other users' rights,
 * capabilities, system calls.  Called while there is only one thread besides the log's
 * (capabilities belong to threads).
 */
#ifndef FWD_PRIVS_H
#define FWD_PRIVS_H

#include "config.h"

/* The directories that a daemon started as root makes for its later user. */
int fwd_privs_prepare(const struct fwd_options *o, struct fw_err *err);
/*
 * Become o->user (if given) with CAP_NET_ADMIN and CAP_NET_RAW only; as root keep
 * CAP_DAC_OVERRIDE besides, for state and run directories that belong to another user.  Then no
 * new privileges, and the system call filter.
 *
 * 0, or -EINVAL with err.  A filter that the kernel does not take is only logged.
 */
int fwd_privs_drop(const struct fwd_options *o, struct fw_err *err);

#endif
