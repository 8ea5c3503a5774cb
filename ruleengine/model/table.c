/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables: chains in numbered slots, found by name through an index.
 *
 * A slot is a chain's number for the rules that jump to it.  It stays the same through renames
 * and edits, and is used again only after the chain is gone, which it can only be when no rule
 * jumps to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fw/classify.h"
#include "model/model.h"

static int add_builtin(struct fw_table *table, enum fw_hook hook)
{
	struct fw_chain *chain;
	uint32_t slot;
	int r;

	r = fw_table_add_chain(table, fw_hook_name(hook), &slot);
	if (r < 0)
		return r;
	chain = table->chains[slot];
	chain->builtin = true;
	chain->hook = (uint8_t)hook;
	chain->policy = FW_ACCEPT;
	chain->reach = FW_HOOK_BIT(hook);
	chain->policy_counters = fw_policy_new();
	table->builtin[hook] = slot;
	return chain->policy_counters ? 0 : -ENOMEM;
}

struct fw_table *fw_table_new(enum fw_family family, enum fw_table_id id)
{
	struct fw_table *table = calloc(1, sizeof(*table));
	struct fw_reap reap = {0};

	if (!table)
		return NULL;
	table->refs = 1;
	table->family = family;
	table->id = id;
	table->index = fw_index_new(8);
	for (unsigned int h = 0; h < FW_N_HOOKS; h++)
		table->builtin[h] = FW_NO_SLOT;
	if (!table->index)
		return fw_table_unref(table, &reap);
	for (unsigned int h = 0; h < FW_N_HOOKS; h++)
		if (fw_table_hooks(id) & FW_HOOK_BIT(h) && add_builtin(table, (enum fw_hook)h) < 0)
			return fw_table_unref(table, &reap);
	return table;
}

struct fw_table *fw_table_copy(const struct fw_table *table)
{
	struct fw_table *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *table;
	copy->refs = 1;
	copy->chains = malloc(table->n_slots * sizeof(copy->chains[0]));
	if (!copy->chains) {
		free(copy);
		return NULL;
	}
	memcpy(copy->chains, table->chains, table->n_slots * sizeof(copy->chains[0]));
	for (uint32_t i = 0; i < copy->n_slots; i++)
		if (copy->chains[i])
			copy->chains[i]->refs++;
	fw_index_ref(copy->index);
	return copy;
}

struct fw_table *fw_table_unref(struct fw_table *table, struct fw_reap *reap)
{
	if (!table || --table->refs)
		return NULL;
	for (uint32_t i = 0; i < table->n_slots; i++)
		fw_chain_unref(table->chains[i], reap);
	free(table->chains);
	fw_index_unref(table->index);
	free(table);
	return NULL;
}

struct fw_chain *fw_table_own_chain(struct fw_table *table, uint32_t slot, struct fw_reap *reap)
{
	struct fw_chain *chain = table->chains[slot], *own;

	if (chain->refs == 1) {
		chain->program = fw_program_unref(chain->program);
		return chain;
	}
	own = fw_chain_copy(chain);
	if (!own)
		return NULL;
	fw_chain_unref(chain, reap);
	table->chains[slot] = own;
	return own;
}

/* A free place in chains[]; holes are found through the hint, so that many chains cost little. */
static int free_slot(struct fw_table *table, uint32_t *slot)
{
	struct fw_chain **chains;
	uint32_t n = table->n_slots, room;

	for (uint32_t i = table->free_hint; i < n; i++)
		if (!table->chains[i]) {
			*slot = i;
			table->free_hint = i + 1;
			return 0;
		}
	room = n + (n / 2 > 8 ? n / 2 : 8);
	chains = realloc(table->chains, room * sizeof(*chains));
	if (!chains)
		return -ENOMEM;
	memset(chains + n, 0, (room - n) * sizeof(*chains));
	table->chains = chains;
	table->n_slots = room;
	*slot = n;
	table->free_hint = n + 1;
	return 0;
}

int fw_table_add_chain(struct fw_table *table, const char *name, uint32_t *slot)
{
	struct fw_chain *chain;
	int r = free_slot(table, slot);

	if (r < 0)
		return r;
	chain = fw_chain_new(name, *slot);
	if (!chain)
		return -ENOMEM;
	r = fw_index_add(&table->index, chain->name, *slot);
	if (r < 0) {
		free(chain);
		return r;
	}
	table->chains[*slot] = chain;
	table->n_chains++;
	return 0;
}

int fw_table_drop_chain(struct fw_table *table, uint32_t slot, struct fw_reap *reap)
{
	int r = fw_index_remove(&table->index, table->chains[slot]->name, slot);

	if (r < 0)
		return r;
	table->n_rules -= table->chains[slot]->n_rules;
	table->chains[slot] = fw_chain_unref(table->chains[slot], reap);
	table->n_chains--;
	if (slot < table->free_hint)
		table->free_hint = slot;
	return 0;
}

uint32_t fw_table_slot(const struct fw_table *table, const char *name)
{
	return fw_index_find(table->index, table->chains, name);
}

const struct fw_chain *fw_table_chain(const struct fw_table *table, const char *name)
{
	uint32_t slot = fw_table_slot(table, name);

	return slot == FW_NO_SLOT ? NULL : table->chains[slot];
}

static int by_place(const void *pa, const void *pb)
{
	const struct fw_chain *a = *(const struct fw_chain *const *)pa;
	const struct fw_chain *b = *(const struct fw_chain *const *)pb;

	if (a->builtin != b->builtin)
		return a->builtin ? -1 : 1;
	if (a->builtin)
		return (int)a->hook - (int)b->hook;
	return strcmp(a->name, b->name);
}

const struct fw_chain **fw_table_sorted(const struct fw_table *table, size_t *n)
{
	const struct fw_chain **ret = malloc((table->n_slots + 1) * sizeof(*ret));

	*n = 0;
	if (!ret)
		return NULL;
	for (uint32_t i = 0; i < table->n_slots; i++)
		if (table->chains[i])
			ret[(*n)++] = table->chains[i];
	qsort(ret, *n, sizeof(*ret), by_place);
	return ret;
}

unsigned int fw_name_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, FW_NAME_SIZE), m = strnlen(b, FW_NAME_SIZE);
	unsigned int row[FW_NAME_SIZE + 1];

	if (n >= FW_NAME_SIZE || m >= FW_NAME_SIZE)
		return UINT32_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diag = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int up = row[j],
				     best = diag + ((a[i - 1] | 32) != (b[j - 1] | 32));

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[m];
}

const char *fw_table_nearest(const struct fw_table *table, const char *name)
{
	unsigned int best = (unsigned int)strnlen(name, FW_NAME_SIZE) / 3 + 1;
	const char *ret = NULL;

	for (uint32_t i = 0; i < table->n_slots; i++) {
		unsigned int d;

		if (!table->chains[i])
			continue;
		d = fw_name_distance(name, table->chains[i]->name);
		if (d < best || (d == best && !ret)) {
			best = d;
			ret = table->chains[i]->name;
		}
	}
	return ret;
}
