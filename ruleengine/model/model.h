/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's inside: what rules, chunks, chains and tables offer to the transaction.
 *
 * Sharing.  Everything but a rule's counters is immutable once published, and counted.  A
 * transaction may change an object in place only while it is the object's single owner, all the
 * way up: that is what the ..._own() functions make sure of, copying where needed.
 *
 * Death.  A rule that has lived in the world (attached) must be detached under the engine lock
 * before it is freed; unref functions collect such rules in a struct fw_reap, so that the lock is
 * taken once, at the end, and not around the freeing of everything else.  With an open graveyard
 * (fw/tx.h) all are collected, for their memory stays.
 */
#ifndef FW_MODEL_H
#define FW_MODEL_H

#include "fw/err.h"
#include "fw/ruleset.h"
#include "fw/tx.h"

#define FW_NO_SLOT UINT32_MAX

struct fw_reap {
	struct fw_rule *dead; /* linked through ->id */
	bool bury; /* all of them, into the graveyard */
};
/* Detach (under env's lock, some at a time) and free or bury what was collected. */
void fw_reap_finish(struct fw_reap *reap, const struct fw_tx_env *env);

/* rule.c: one allocation for a rule, its extensions' data and state.  refs is 1. */
struct fw_rule *fw_rule_new(enum fw_family family, const struct fw_generic *gen,
			    const struct fw_use *matches, uint8_t n_matches,
			    const struct fw_use *target, enum fw_verdict verdict);
struct fw_rule *fw_rule_unref(struct fw_rule *rule, struct fw_reap *reap); /* NULL */
void fw_rule_rehash(struct fw_rule *rule);
bool fw_rule_jumps(const struct fw_rule *rule);

/* index.c */
struct fw_index *fw_index_new(uint32_t room);
struct fw_index *fw_index_unref(struct fw_index *index); /* NULL */
struct fw_index *fw_index_ref(struct fw_index *index);
uint32_t fw_index_find(const struct fw_index *index, struct fw_chain *const *chains,
		       const char *name);
/* Both make the index the caller's own first.  0 or -ENOMEM. */
int fw_index_add(struct fw_index **index, const char *name, uint32_t slot);
int fw_index_remove(struct fw_index **index, const char *name, uint32_t slot);

/* chain.c */
struct fw_chain *fw_chain_new(const char *name, uint32_t slot);
struct fw_chain *fw_chain_copy(const struct fw_chain *chain); /* no program yet */
struct fw_chain *fw_chain_unref(struct fw_chain *chain, struct fw_reap *reap); /* NULL */
struct fw_counters *fw_policy_new(void);
struct fw_counters *fw_policy_ref(struct fw_counters *policy);
struct fw_counters *fw_policy_unref(struct fw_counters *policy); /* NULL */

/* chunk.c */
/* The chain must be the caller's own.  Positions are 0-based.  insert takes over a reference. */
int fw_chain_insert(struct fw_chain *chain, uint32_t pos, struct fw_rule *rule);
int fw_chain_remove(struct fw_chain *chain, uint32_t pos, struct fw_reap *reap);
int fw_chain_replace(struct fw_chain *chain, uint32_t pos, struct fw_rule *rule,
		     struct fw_reap *reap);
void fw_chain_clear(struct fw_chain *chain, struct fw_reap *reap);
/* 0-based place of the first rule equal to `rule`, or UINT32_MAX. */
uint32_t fw_chain_find(const struct fw_chain *chain, const struct fw_rule *rule);
/* The hash of each of a chunk's rules. */
static inline uint32_t *fw_chunk_hashes(const struct fw_chunk *chunk)
{
	return (uint32_t *)(void *)((char *)(uintptr_t)chunk->rules +
				    chunk->cap * sizeof(chunk->rules[0]));
}

/* seal.c: summaries of chunks, made once before a chain is published. */
int fw_chain_seal(struct fw_chain *chain, uint64_t first_new_id);

/* table.c */
struct fw_table *fw_table_new(enum fw_family family, enum fw_table_id id);
struct fw_table *fw_table_copy(const struct fw_table *table);
struct fw_table *fw_table_unref(struct fw_table *table, struct fw_reap *reap); /* NULL */
struct fw_chain *fw_table_own_chain(struct fw_table *table, uint32_t slot, struct fw_reap *reap);
int fw_table_add_chain(struct fw_table *table, const char *name, uint32_t *slot);
int fw_table_drop_chain(struct fw_table *table, uint32_t slot, struct fw_reap *reap);
uint32_t fw_table_slot(const struct fw_table *table, const char *name); /* or FW_NO_SLOT */
/* The name most like `name` among the chains; NULL: none comes near. */
const char *fw_table_nearest(const struct fw_table *table, const char *name);
/* Do these two names look like one another?  Edit distance, or a number too big. */
unsigned int fw_name_distance(const char *a, const char *b);

/* graph.c: loops, depth and reach of a table whose chains are all sealed. */
int fw_table_graph(struct fw_table *table, struct fw_reap *reap, uint32_t cycle[2]);

#endif
