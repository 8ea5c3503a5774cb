/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -L, -S and whatever else needs the daemon's rules on this side. */
#ifndef FWCTL_LIST_H
#define FWCTL_LIST_H

#include "ctl.h"
#include "say.h"

#include "fw/ruleset.h"
#include "fw/text.h"
#include "fw/tx.h"

/*
 * Restore text, built into a ruleset on this side; NULL with err.
 *
 * @resolve  the text may have names
 * @env      the world that its rules shall act in, and that fw_ruleset_unref() must get, too; NULL:
 *           none, the rules are only looked at
 */
struct fw_ruleset *ctl_build(enum fw_family family, const char *text, size_t len, bool resolve,
			     const struct fw_tx_env *env, struct fw_err *err);

/* The listing a command asks for (-L, -S, with -Z).  Exit code. */
int ctl_list_cmd(const struct ctl *ctl, const struct fw_cmd *cmd, const struct ctl_typed *typed);

/* "DOING chain `NAME'" for each chain of a table; nothing when the daemon does not answer. */
void ctl_each_chain(const struct ctl *ctl, enum fw_family family, enum fw_table_id table,
		    bool users_only, const char *doing);

#endif
