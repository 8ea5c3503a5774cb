/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reply of the daemon taken apart.  Pure. */
#ifndef FWCTL_REPLY_H
#define FWCTL_REPLY_H

#include "fw/buf.h"
#include "fw/err.h"

struct ctl_reply {
	struct fw_buf raw;
	struct fw_err err; /* code NONE: "ok" */
	const char *body; /* inside raw; what follows "ok" */
	size_t len;
};

#define CTL_REPLY_INIT             \
	{                          \
		.raw = FW_BUF_INIT \
	}

/* Fill err or body from raw.  0 for "ok"; -EINVAL with err filled otherwise, also when the
 * answer is none that the protocol knows. */
int ctl_reply_parse(struct ctl_reply *reply);
void ctl_reply_deinit(struct ctl_reply *reply);

#endif
