/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What restore -v prints. */
#ifndef FWCTL_VERBOSE_H
#define FWCTL_VERBOSE_H

#include "ctl.h"

/* The daemon's chains before the text is applied: its save text.  Empty when it is silent. */
void ctl_verbose_chains(const struct ctl *ctl, struct fw_buf *ret);

/*
 * As iptables-restore -v: comments, then for each table the chains that are flushed and deleted,
 * and each rule.  Stops where err says that the text failed.
 */
void ctl_verbose_text(const struct ctl *ctl, const char *text, size_t len, bool noflush,
		      const char *only, const struct fw_buf *before, const struct fw_err *err);

#endif
