/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wording and exit codes of the iptables names.  Pure. */
#ifndef FWCTL_DROP_H
#define FWCTL_DROP_H

#include "ctl.h"

/*
 * What iptables, iptables-restore or iptables-save would print to stderr for this refusal.
 *
 * @text  of restore text, where err's place is; else of a command line
 */
void ctl_drop_format(const struct ctl *ctl, const struct fw_err *err, bool text,
		     struct fw_buf *out);

/* Its exit code: the kind's own, except where restore differs. */
int ctl_drop_exit_code(const struct fw_err *err, bool text);

#endif
