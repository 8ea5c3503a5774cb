/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transaction's inside, shared by edit.c, check.c, attach.c, tx.c and the reader of restore
 * text. */
#ifndef FW_MODEL_TX_H
#define FW_MODEL_TX_H

#include "model/model.h"

/* A counter to be set at publish; the reference keeps it alive until then. */
struct fw_count {
	struct fw_counters *counters, value;
	struct fw_rule *rule; /* whose it is; NULL: a policy's */
};

struct fw_tx {
	struct fw_ruleset *base, *work; /* work: NULL once published */
	struct fw_tx_env env;
	struct fw_reap reap;
	struct fw_count *counts;
	size_t n_counts, cap_counts;
	uint64_t first_id;        /* rules from this id on are new */
	uint32_t *lines;          /* of new rules in the text, by id - first_id; 0: none */
	size_t cap_lines;
	bool jumps_changed[FW_N_FAMILIES][FW_N_TABLES];
	struct {
		enum fw_family family;
		enum fw_table_id id;
	} order[FW_N_FAMILIES * FW_N_TABLES]; /* the tables that it has changed */
	unsigned int n_order;
	bool changed;
};

/* Where the words of a command stand, for errors. */
struct fw_place {
	uint32_t column, length;
};
struct fw_places {
	uint32_t line;
	struct fw_place chain, other, number, target;
};

/* No memory: says so in err.  Returns -ENOMEM. */
int fw_tx_nomem(struct fw_err *err);

/* The transaction's own version of a table.  NULL: no memory. */
struct fw_table *fw_tx_table(struct fw_tx *tx, enum fw_family family, enum fw_table_id id);

/* edit.c: everything below works on the transaction's own table. */
int fw_tx_empty_table(struct fw_tx *tx, struct fw_table **table);
int fw_tx_add_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos,
		   struct fw_rule *rule, uint32_t line);
int fw_tx_remove_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos);
int fw_tx_replace_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos,
		       struct fw_rule *rule, uint32_t line);
int fw_tx_flush(struct fw_tx *tx, struct fw_table *table, uint32_t slot);
int fw_tx_set_policy(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint8_t policy,
		     const struct fw_counters *counters);
int fw_tx_rename(struct fw_tx *tx, struct fw_table *table, uint32_t slot, const char *name);
/* Set a rule's or (rule NULL) a chain policy's counters when the transaction is published. */
int fw_tx_count(struct fw_tx *tx, struct fw_rule *rule, struct fw_counters *policy,
		const struct fw_counters *value);

/* Does the chain in this slot differ from the base's? */
bool fw_tx_changed(const struct fw_table *table, const struct fw_table *base, uint32_t slot);

/* attach.c: attach the new rules of a transaction that is right in all else. */
int fw_tx_attach(struct fw_tx *tx, struct fw_err *err);

/* check.c */
int fw_tx_check_table(struct fw_tx *tx, struct fw_table *table, const struct fw_table *base,
		      struct fw_err *err);
int fw_tx_check_queues(struct fw_tx *tx, enum fw_family family, struct fw_err *err);
uint32_t fw_tx_line(const struct fw_tx *tx, const struct fw_rule *rule);

#endif
