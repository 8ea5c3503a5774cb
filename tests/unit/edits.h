/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset that is edited by restore text, as everywhere.  Needs cmocka and its headers included
 * first.
 */
#ifndef EDITS_H
#define EDITS_H

#include <stdio.h>
#include <string.h>

#include "fw/recent.h"
#include "fw/text.h"
#include "fw/tx.h"
#include "fw/world.h"

static const struct fw_tx_env pure;

/* Apply filter rules (IPv4) on top of *rs; 0, or the error. */
static inline enum fw_err_code edit_env(struct fw_ruleset **rs, const struct fw_tx_env *env,
					unsigned int flags, const char *text, struct fw_err *err)
{
	struct fw_tx *tx = fw_tx_new(*rs, env);
	int r;

	assert_non_null(tx);
	*err = (struct fw_err)FW_ERR_INIT;
	r = fw_tx_apply(tx, FW_IP4, text, strlen(text), flags, NULL, NULL, NULL, err);
	if (!r)
		r = fw_tx_prepare(tx, err);
	if (!r) {
		struct fw_ruleset *next = fw_tx_publish(tx);

		fw_tx_set_counters(tx, NULL, NULL);
		fw_ruleset_unref(*rs, env);
		*rs = next;
	}
	fw_tx_free(tx);
	assert_int_equal(!r, err->code == FW_ERR_NONE);
	return err->code;
}

static inline enum fw_err_code edit(struct fw_ruleset **rs, const char *lines)
{
	struct fw_err err;
	char text[4096];

	snprintf(text, sizeof(text), "*filter\n%sCOMMIT\n", lines);
	return edit_env(rs, &pure, FW_TX_NOFLUSH | FW_TX_COUNTERS, text, &err);
}

static const struct fw_chain *chain(const struct fw_ruleset *rs, const char *name)
{
	return fw_table_chain(rs->tables[FW_IP4][FW_FILTER], name);
}

#endif
