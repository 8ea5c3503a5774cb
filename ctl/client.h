/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to the daemon. */
#ifndef FWCTL_CLIENT_H
#define FWCTL_CLIENT_H

#include "ctl.h"
#include "reply.h"

/* Silence for so long, in either direction, and the daemon counts as hung. */
#define CTL_TIMEOUT_S 60

/*
 * Connect, send `request` (a line without newline) and body, half-close, read all.
 *
 * 0 when the daemon said "ok"; -EINVAL with reply->err otherwise: its refusal, or RESOURCE or
 * PERM when there is none that could answer.  The caller calls ctl_reply_deinit() in any case.
 */
int ctl_request(const struct ctl *ctl, const char *request, const void *body, size_t len,
		struct ctl_reply *reply);

#endif
