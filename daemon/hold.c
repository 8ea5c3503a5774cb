/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has let pass and dropped by itself, when an edit changes the rules it did so by
 * (edit.h).
 *
 * To read what it has counted of thousands of flows takes longer than the edit may, and so comes
 * behind it; edits that look at counters, or set them, wait for it.  The counters of a rule that an
 * edit takes away are thus used longer than the rule is: it is detached as it dies, but its memory
 * is kept in a graveyard until nothing is owed to it any more.
 */
#include "edit.h"

static bool is_owed(struct fwd_editor *e, uint64_t era)
{
	return e->kernel && fwd_kernel_owes(e->kernel, era);
}

/* Edits may follow one another faster than what they have left is counted; so those that died
 * before some moment wait for what was withdrawn before it, and behind them the next ones gather.
 */
void fwd_edit_tidy(struct fwd_editor *e)
{
	struct fw_graveyard *young = &e->core->graveyard;

	if (e->older.rules && !is_owed(e, e->older_era))
		fw_graveyard_clear(&e->older);
	young->open = is_owed(e, e->era);
	if (!young->open) {
		fw_graveyard_clear(young);
	} else if (!e->older.rules) {
		e->older.rules = young->rules;
		e->older_era = e->era;
		young->rules = NULL;
	}
}

void fwd_edit_hold(struct fwd_editor *e, bool exact)
{
	if (!e->kernel)
		return;
	e->era = fwd_kernel_withdraw(e->kernel);
	fwd_edit_tidy(e); /* what dies from now on may be owed something */
	if (exact)
		fwd_policy_collect(e);
	else
		fwd_policy_count(e);
}

void fwd_edit_go_on(struct fwd_editor *e)
{
	if (e->kernel)
		fwd_kernel_resume(e->kernel);
}
