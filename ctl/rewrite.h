/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restore text with names turned into restore text without. */
#ifndef FWCTL_REWRITE_H
#define FWCTL_REWRITE_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/opt.h"

struct ctl_rewrite {
	struct fw_buf text;
	uint32_t *lines; /* for each line of text, the line it was made from */
	size_t n_lines, cap;
};

/*
 * Every command line that a parser without a resolver refuses for a name is parsed with one, and
 * replaced by its canonical form (several lines where a host has several addresses).  All other
 * lines are copied as they are, wrong ones too: the daemon says what is wrong with them.
 *
 * 0; -EINVAL with err (place in the original text): a name that the resolver does not know
 * either; -ENOMEM.  The caller calls ctl_rewrite_deinit() in any case.
 */
int ctl_rewrite(struct ctl_rewrite *w, enum fw_family family, const char *text, size_t len,
		const struct fw_resolver *resolver, struct fw_err *err);
void ctl_rewrite_deinit(struct ctl_rewrite *w);

/* An error's place in w->text becomes its place in the original. */
void ctl_rewrite_place(const struct ctl_rewrite *w, struct fw_err *err);

#endif
