/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New rules meet the living world: recent lists come to be, limits are filled.
 *
 * Which rule comes first matters where several share something: the rule that makes a recent list
 * decides its mask.  So the order is the kernel's: tables as the text has them, in a table the
 * built-in chains, then the others by name.
 */
#include <stdlib.h>

#include "model/tx.h"

static bool wants_attach(const struct fw_rule *rule)
{
	for (uint8_t i = 0; i < rule->n_matches; i++)
		if (rule->matches[i].ext->attach || rule->matches[i].ext->detach)
			return true;
	return rule->target.ext && (rule->target.ext->attach || rule->target.ext->detach);
}

/* May packets see what it does? */
static bool wants_lock(const struct fw_rule *rule)
{
	uint32_t flags = rule->target.ext ? rule->target.ext->flags : 0;

	for (uint8_t i = 0; i < rule->n_matches; i++)
		flags |= rule->matches[i].ext->flags;
	return flags & FW_EXT_LOCKED;
}

static int attach_use(struct fw_tx *tx, const struct fw_use *use, struct fw_err *err)
{
	return use->ext->attach ? use->ext->attach(use, tx->env.world, tx->env.now, err) : 0;
}

static void detach_use(struct fw_tx *tx, const struct fw_use *use)
{
	if (use->ext->detach)
		use->ext->detach(use, tx->env.world);
}

/* All of a rule's extensions, or none. */
static int attach_rule(struct fw_tx *tx, struct fw_rule *rule, struct fw_err *err)
{
	uint8_t n = 0;
	int r = 0;

	while (n < rule->n_matches) {
		r = attach_use(tx, &rule->matches[n], err);
		if (r < 0)
			goto undo;
		n++;
	}
	if (rule->target.ext)
		r = attach_use(tx, &rule->target, err);
	if (r < 0)
		goto undo;
	rule->attached = true;
	return 0;
undo:
	while (n-- > 0)
		detach_use(tx, &rule->matches[n]);
	if (err)
		fw_err_at(err, fw_tx_line(tx, rule), 0, 0);
	return r;
}

/*
 * Attach the new rules of a chunk, which no packet can meet yet: only what they share with others
 * needs the lock, for one rule at a time, because packets wait for it.
 */
static int attach_chunk(struct fw_tx *tx, struct fw_chunk *c, struct fw_err *err)
{
	bool locked;
	int r = 0;

	for (uint32_t i = 0; c->fresh && !r && i < c->n; i++) {
		struct fw_rule *rule = c->rules[i];

		if (rule->id < tx->first_id || rule->attached || !wants_attach(rule))
			continue;
		locked = wants_lock(rule);
		if (locked && tx->env.lock)
			tx->env.lock(tx->env.priv);
		r = attach_rule(tx, rule, err);
		if (locked && tx->env.unlock)
			tx->env.unlock(tx->env.priv);
	}
	return r;
}

static int attach_chain(struct fw_tx *tx, const struct fw_chain *chain, struct fw_err *err)
{
	int r = 0;

	for (uint32_t k = 0; !r && k < chain->n_chunks; k++)
		r = attach_chunk(tx, chain->chunks[k], err);
	return r;
}

/* Mostly one chain has changed, and has not to be sorted for. */
static int attach_table(struct fw_tx *tx, const struct fw_table *table, const struct fw_table *base,
			struct fw_err *err)
{
	const struct fw_chain **chains, *only = NULL;
	size_t n = 0;
	int r = 0;

	for (uint32_t i = 0; i < table->n_slots; i++)
		if (fw_tx_changed(table, base, i)) {
			only = table->chains[i];
			n++;
		}
	if (n <= 1)
		return only ? attach_chain(tx, only, err) : 0;
	chains = fw_table_sorted(table, &n);
	if (!chains)
		return fw_tx_nomem(err);
	for (size_t i = 0; !r && i < n; i++)
		if (fw_tx_changed(table, base, chains[i]->slot))
			r = attach_chain(tx, chains[i], err);
	free(chains);
	return r;
}

int fw_tx_attach(struct fw_tx *tx, struct fw_err *err)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < tx->n_order; i++) {
		const enum fw_family f = tx->order[i].family;
		const enum fw_table_id t = tx->order[i].id;

		r = attach_table(tx, tx->work->tables[f][t], tx->base->tables[f][t], err);
	}
	return r;
}
