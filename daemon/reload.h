/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules files once more: at SIGHUP, and when a client asks for it. */
#ifndef FWD_RELOAD_H
#define FWD_RELOAD_H

#include "daemon.h"

/*
 * Load the rules files (and who is in which group) as an edit of the group; the caller commits.
 * Negative: nothing was changed, err names the file and the place in it.  Tells the log and the
 * service manager.
 */
int fwd_reload(struct fwd *d, struct fw_err *err);

#endif
