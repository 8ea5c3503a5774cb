/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of a transaction's working copy: rules in and out, with the books kept straight: who uses
 * a chain, how many rules a table has, whether anybody's jumps changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/tx.h"

static int use_chain(struct fw_tx *tx, struct fw_table *table, const struct fw_rule *rule, int step)
{
	struct fw_chain *chain;

	if (!fw_rule_jumps(rule))
		return 0;
	tx->jumps_changed[table->family][table->id] = true;
	chain = fw_table_own_chain(table, rule->jump, &tx->reap);
	if (!chain)
		return -ENOMEM;
	chain->users += (uint32_t)step;
	return 0;
}

static int note_line(struct fw_tx *tx, const struct fw_rule *rule, uint32_t line)
{
	size_t i = rule->id - tx->first_id;

	if (i >= tx->cap_lines) {
		size_t cap = tx->cap_lines * 2 > 64 ? tx->cap_lines * 2 : 64;
		uint32_t *lines = realloc(tx->lines, cap * sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		tx->lines = lines;
		tx->cap_lines = cap;
	}
	tx->lines[i] = line;
	return 0;
}

static int name_rule(struct fw_tx *tx, struct fw_rule *rule, uint32_t line)
{
	rule->id = tx->work->next_rule_id++;
	tx->changed = true;
	return note_line(tx, rule, line);
}

int fw_tx_add_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos,
		   struct fw_rule *rule, uint32_t line)
{
	struct fw_chain *chain;
	int r = name_rule(tx, rule, line);

	if (r < 0)
		return r;
	r = use_chain(tx, table, rule, 1);
	if (r < 0)
		return r;
	chain = fw_table_own_chain(table, slot, &tx->reap);
	if (!chain)
		return -ENOMEM;
	r = fw_chain_insert(chain, pos, rule);
	if (r < 0)
		return r;
	rule->refs++;
	table->n_rules++;
	return 0;
}

int fw_tx_remove_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos)
{
	struct fw_chain *chain;
	int r = use_chain(tx, table, fw_chain_rule(table->chains[slot], pos + 1), -1);

	tx->changed = true;
	if (r < 0)
		return r;
	chain = fw_table_own_chain(table, slot, &tx->reap);
	if (!chain)
		return -ENOMEM;
	r = fw_chain_remove(chain, pos, &tx->reap);
	if (r < 0)
		return r;
	table->n_rules--;
	return 0;
}

int fw_tx_replace_rule(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint32_t pos,
		       struct fw_rule *rule, uint32_t line)
{
	struct fw_chain *chain;
	int r = name_rule(tx, rule, line);

	if (r < 0)
		return r;
	r = use_chain(tx, table, fw_chain_rule(table->chains[slot], pos + 1), -1);
	if (r < 0)
		return r;
	r = use_chain(tx, table, rule, 1);
	if (r < 0)
		return r;
	chain = fw_table_own_chain(table, slot, &tx->reap);
	if (!chain)
		return -ENOMEM;
	r = fw_chain_replace(chain, pos, rule, &tx->reap);
	if (r < 0)
		return r;
	rule->refs++;
	return 0;
}

int fw_tx_flush(struct fw_tx *tx, struct fw_table *table, uint32_t slot)
{
	struct fw_chain *chain = table->chains[slot];

	if (!chain->n_rules)
		return 0;
	tx->changed = true;
	chain = fw_table_own_chain(table, slot, &tx->reap);
	if (!chain)
		return -ENOMEM;
	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0; i < chain->chunks[k]->n; i++) {
			int r = use_chain(tx, table, chain->chunks[k]->rules[i], -1);

			if (r < 0)
				return r;
		}
	table->n_rules -= chain->n_rules;
	fw_chain_clear(chain, &tx->reap);
	return 0;
}

/* A table with nothing but its built-in chains, their policies and policy counters. */
int fw_tx_empty_table(struct fw_tx *tx, struct fw_table **table)
{
	struct fw_table *old = *table, *fresh;

	if (!old->n_rules && old->n_chains == (uint32_t)__builtin_popcount(fw_table_hooks(old->id)))
		return 0;
	fresh = fw_table_new(old->family, old->id);
	if (!fresh)
		return -ENOMEM;
	for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
		const struct fw_chain *was;
		struct fw_chain *is;

		if (old->builtin[h] == FW_NO_SLOT)
			continue;
		was = old->chains[old->builtin[h]];
		is = fresh->chains[fresh->builtin[h]];
		is->policy = was->policy;
		fw_policy_unref(is->policy_counters);
		is->policy_counters = fw_policy_ref(was->policy_counters);
	}
	fresh->touched = true;
	tx->changed = true;
	tx->jumps_changed[old->family][old->id] = true;
	tx->work->tables[old->family][old->id] = fresh;
	fw_table_unref(old, &tx->reap);
	*table = fresh;
	return 0;
}

int fw_tx_set_policy(struct fw_tx *tx, struct fw_table *table, uint32_t slot, uint8_t policy,
		     const struct fw_counters *counters)
{
	static const struct fw_counters zero;
	struct fw_chain *chain = fw_table_own_chain(table, slot, &tx->reap);

	if (!chain)
		return -ENOMEM;
	chain->policy = policy;
	tx->changed = true;
	/* libiptc replaces the counters along with the policy, with zeroes when none are given. */
	return fw_tx_count(tx, NULL, chain->policy_counters, counters ? counters : &zero);
}

int fw_tx_rename(struct fw_tx *tx, struct fw_table *table, uint32_t slot, const char *name)
{
	struct fw_chain *chain = fw_table_own_chain(table, slot, &tx->reap);
	int r;

	if (!chain)
		return -ENOMEM;
	tx->changed = true;
	r = fw_index_remove(&table->index, chain->name, slot);
	if (r < 0)
		return r;
	memset(chain->name, 0, sizeof(chain->name));
	memcpy(chain->name, name, strnlen(name, sizeof(chain->name) - 1));
	return fw_index_add(&table->index, chain->name, slot);
}

int fw_tx_count(struct fw_tx *tx, struct fw_rule *rule, struct fw_counters *policy,
		const struct fw_counters *value)
{
	struct fw_count *list = tx->counts;

	if (rule && rule->id >= tx->first_id) { /* nobody else sees it yet */
		rule->counters = *value;
		return 0;
	}
	if (tx->n_counts == tx->cap_counts) {
		size_t cap = tx->cap_counts ? tx->cap_counts * 2 : 16;

		list = realloc(list, cap * sizeof(*list));
		if (!list)
			return -ENOMEM;
		tx->counts = list;
		tx->cap_counts = cap;
	}
	list[tx->n_counts++] = (struct fw_count){
		.counters = rule ? &rule->counters : fw_policy_ref(policy),
		.value = *value,
		.rule = rule,
	};
	if (rule)
		rule->refs++;
	tx->changed = true;
	return 0;
}
