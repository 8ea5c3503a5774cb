/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction's life (fw/tx.h): a working copy that shares everything with its base until an
 * edit touches it; checked, compiled and attached by prepare; handed over by publish.
 */
#include "fw/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fw/classify.h"
#include "model/tx.h"

#define SLICE 128 /* counters that are set while packets wait, mostly far from each other */

int fw_tx_nomem(struct fw_err *err)
{
	fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	return -ENOMEM;
}

struct fw_tx *fw_tx_new(struct fw_ruleset *base, const struct fw_tx_env *env)
{
	struct fw_tx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return NULL;
	tx->work = malloc(sizeof(*tx->work));
	if (!tx->work) {
		free(tx);
		return NULL;
	}
	if (env)
		tx->env = *env;
	tx->base = fw_ruleset_ref(base);
	*tx->work = *base;
	tx->work->refs = 1;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; t < FW_N_TABLES; t++)
			tx->work->tables[f][t]->refs++;
	tx->first_id = base->next_rule_id;
	return tx;
}

struct fw_table *fw_tx_table(struct fw_tx *tx, enum fw_family family, enum fw_table_id id)
{
	struct fw_table *table = tx->work->tables[family][id], *own;

	if (table->refs > 1) {
		own = fw_table_copy(table);
		if (!own)
			return NULL;
		fw_table_unref(table, &tx->reap);
		tx->work->tables[family][id] = table = own;
		tx->order[tx->n_order].family = family;
		tx->order[tx->n_order++].id = id;
	}
	return table;
}

bool fw_tx_changed(const struct fw_table *table, const struct fw_table *base, uint32_t slot)
{
	return table->chains[slot] &&
		(slot >= base->n_slots || table->chains[slot] != base->chains[slot]);
}

static int compile_table(struct fw_tx *tx, struct fw_table *table, const struct fw_table *base,
			 struct fw_err *err)
{
	(void)tx;
	(void)err;
	for (uint32_t i = 0; i < table->n_slots; i++) {
		struct fw_chain *chain = table->chains[i];
		const struct fw_chain *old = i < base->n_slots ? base->chains[i] : NULL;

		if (!fw_tx_changed(table, base, i) || chain->program)
			continue;
		if (old && strcmp(old->name, chain->name))
			old = NULL; /* the slot's former tenant */
		chain->program = fw_program_build(chain, old, table->family);
	}
	return 0;
}

/* What was new is new no more. */
static int settle_table(struct fw_tx *tx, struct fw_table *table, const struct fw_table *base,
			struct fw_err *err)
{
	(void)tx;
	(void)err;
	for (uint32_t i = 0; i < table->n_slots; i++)
		for (uint32_t k = 0;
		     fw_tx_changed(table, base, i) && k < table->chains[i]->n_chunks; k++)
			if (table->chains[i]->chunks[k]->fresh)
				table->chains[i]->chunks[k]->fresh = false;
	return 0;
}

/* Walk over the tables that differ from the base's. */
static int each_table(struct fw_tx *tx, struct fw_err *err,
		      int (*step)(struct fw_tx *tx, struct fw_table *table,
				  const struct fw_table *base, struct fw_err *err))
{
	int r = 0;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; !r && t < FW_N_TABLES; t++)
			if (tx->work->tables[f][t] != tx->base->tables[f][t])
				r = step(tx, tx->work->tables[f][t], tx->base->tables[f][t], err);
	return r;
}

/* What cannot be told from outside the kernel must not be asked. */
static int check_owners(const struct fw_tx *tx, struct fw_err *err)
{
	struct fw_needs needs;
	bool kct;
	int r;

	fw_ruleset_needs(tx->work, &needs);
	kct = needs.kct || tx->env.kct;
	if (!needs.too_many_owners &&
	    fw_owners_codes(&needs.owners) <= (kct ? FW_OWNER_KCT : FW_OWNER_CODES))
		return 0;
	r = fw_fail(err, FW_ERR_LIMIT, "owner rules tell too many users and groups apart");
	fw_err_hint(err,
		    "%d groups of them can be told apart%s: join numbers that stand together "
		    "into one range LOW-HIGH",
		    kct ? FW_OWNER_KCT : FW_OWNER_CODES,
		    kct ? " while the kernel tracks (rules in nat, or CT)" : "");
	return r;
}

int fw_tx_prepare(struct fw_tx *tx, struct fw_err *err)
{
	int r = each_table(tx, err, fw_tx_check_table);

	for (unsigned int f = 0; !r && f < FW_N_FAMILIES; f++)
		r = fw_tx_check_queues(tx, (enum fw_family)f, err);
	if (!r)
		r = check_owners(tx, err);
	if (!r && !tx->env.inspect)
		r = each_table(tx, err, compile_table);
	/* Last, because it is what the living world sees. */
	if (!r && tx->env.world)
		r = fw_tx_attach(tx, err);
	if (!r)
		r = each_table(tx, err, settle_table);
	return r;
}

const struct fw_ruleset *fw_tx_result(const struct fw_tx *tx)
{
	return tx->work;
}

struct fw_ruleset *fw_tx_publish(struct fw_tx *tx)
{
	struct fw_ruleset *rs = tx->work;

	tx->work = NULL;
	rs->generation = tx->base->generation + 1;
	return rs;
}

/* Leaves in `value` what it was. */
static void set_counter(struct fw_count *count)
{
	const struct fw_counters was = *count->counters;

	__atomic_store_n(&count->counters->packets, count->value.packets, __ATOMIC_RELAXED);
	__atomic_store_n(&count->counters->bytes, count->value.bytes, __ATOMIC_RELAXED);
	count->value = was;
}

void fw_tx_set_counters(struct fw_tx *tx, fw_tx_counted *told, void *priv)
{
	for (size_t i = 0; i < tx->n_counts;) {
		const size_t end = tx->n_counts - i < SLICE ? tx->n_counts : i + SLICE;

		if (tx->env.lock)
			tx->env.lock(tx->env.priv);
		for (size_t k = i; k < end; k++)
			set_counter(&tx->counts[k]);
		if (tx->env.unlock)
			tx->env.unlock(tx->env.priv);
		for (; i < end; i++)
			if (told)
				told(priv, tx->counts[i].counters, &tx->counts[i].value);
	}
}

struct fw_tx *fw_tx_free(struct fw_tx *tx)
{
	if (!tx)
		return NULL;
	for (size_t i = 0; i < tx->n_counts; i++) {
		if (tx->counts[i].rule)
			fw_rule_unref(tx->counts[i].rule, &tx->reap);
		else
			fw_policy_unref(tx->counts[i].counters);
	}
	free(tx->counts);
	free(tx->lines);
	fw_reap_finish(&tx->reap, &tx->env);
	fw_ruleset_unref(tx->work, &tx->env);
	fw_ruleset_unref(tx->base, &tx->env);
	free(tx);
	return NULL;
}

bool fw_tx_sets_counters(const struct fw_tx *tx)
{
	return tx->n_counts;
}

bool fw_tx_empty(const struct fw_tx *tx)
{
	return !tx->changed;
}
