/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out commands on a transaction's working copy; used by the reader of restore text. */
#ifndef FW_EXEC_H
#define FW_EXEC_H

#include "fw/text.h"
#include "model/tx.h"

struct fw_exec {
	struct fw_tx *tx;
	struct fw_table *table;              /* the transaction's own */
	const struct fw_cmd *cmd;
	const struct fw_places *where;
	const struct fw_counters *counters;  /* [p:b] before the command, or NULL */
	struct fw_buf *out;                  /* for -L and -S; may be NULL */
	struct fw_err *err;
};

int fw_exec_run(struct fw_exec *x);

/* Set the place of an error; -EINVAL. */
int fw_exec_at(struct fw_err *err, const struct fw_places *where, struct fw_place place);
/* r, and if it says "no memory", so does err. */
int fw_exec_checked(int r, struct fw_err *err);
/* The chain that the command names.  0, or -EINVAL with err. */
int fw_exec_find_chain(struct fw_exec *x, uint32_t *slot);

/* chains.c */
int fw_exec_drop_chain(struct fw_exec *x, uint32_t slot);
int fw_exec_rename_chain(struct fw_exec *x);
int fw_exec_new_chain(struct fw_exec *x, const char *name, struct fw_place place);
int fw_exec_policy(struct fw_exec *x, const char *name, const char *policy,
		   const struct fw_counters *counters);

#endif
