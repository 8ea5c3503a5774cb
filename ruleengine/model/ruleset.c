/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots: all tables of both families at one moment, and what they ask of the kernel side. */
#include "fw/ruleset.h"

#include <stdlib.h>

#include "model/model.h"

/* The kernel's order; tracking stands between raw and mangle. */
static const enum fw_table_id at_prerouting[] = {FW_RAW, FW_MANGLE, FW_NAT};
static const enum fw_table_id at_input[] = {FW_MANGLE, FW_FILTER, FW_SECURITY, FW_NAT};
static const enum fw_table_id at_forward[] = {FW_MANGLE, FW_FILTER, FW_SECURITY};
static const enum fw_table_id at_output[] = {FW_RAW, FW_MANGLE, FW_NAT, FW_FILTER, FW_SECURITY};
static const enum fw_table_id at_postrouting[] = {FW_MANGLE, FW_NAT};

size_t fw_hook_tables(enum fw_hook hook, const enum fw_table_id **ret)
{
	switch (hook) {
	case FW_PREROUTING: *ret = at_prerouting; return FW_ARRAY_SIZE(at_prerouting);
	case FW_INPUT: *ret = at_input; return FW_ARRAY_SIZE(at_input);
	case FW_FORWARD: *ret = at_forward; return FW_ARRAY_SIZE(at_forward);
	case FW_OUTPUT: *ret = at_output; return FW_ARRAY_SIZE(at_output);
	case FW_POSTROUTING: *ret = at_postrouting; return FW_ARRAY_SIZE(at_postrouting);
	default: *ret = NULL; return 0;
	}
}

struct fw_ruleset *fw_ruleset_new(void)
{
	struct fw_ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->refs = 1;
	rs->next_rule_id = 1;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; t < FW_N_TABLES; t++) {
			rs->tables[f][t] = fw_table_new((enum fw_family)f, (enum fw_table_id)t);
			if (!rs->tables[f][t])
				return fw_ruleset_unref(rs, NULL);
		}
	return rs;
}

struct fw_ruleset *fw_ruleset_ref(struct fw_ruleset *rs)
{
	rs->refs++;
	return rs;
}

struct fw_ruleset *fw_ruleset_unref(struct fw_ruleset *rs, const struct fw_tx_env *env)
{
	struct fw_reap reap = {.bury = env && env->graveyard && env->graveyard->open};

	if (!rs || --rs->refs)
		return NULL;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; t < FW_N_TABLES; t++)
			fw_table_unref(rs->tables[f][t], &reap);
	fw_reap_finish(&reap, env);
	free(rs);
	return NULL;
}

static uint16_t chain_needs(const struct fw_chain *chain)
{
	uint16_t needs = 0;

	for (uint32_t k = 0; chain && k < chain->n_chunks; k++)
		needs |= chain->chunks[k]->needs;
	return needs;
}

/* Also notes from which hooks packets may come to rules that change them. */
static uint16_t table_needs(const struct fw_table *table, uint8_t write[FW_N_HOOKS])
{
	uint16_t needs = 0;

	for (uint32_t i = 0; i < table->n_slots; i++) {
		const uint16_t here = chain_needs(table->chains[i]);

		needs |= here;
		for (unsigned int h = 0; h < FW_N_HOOKS && (here & FW_NEED_ANY_WRITE); h++)
			if (table->chains[i]->reach & FW_HOOK_BIT(h))
				write[h] |= (uint8_t)(here & FW_NEED_ANY_WRITE);
	}
	return needs;
}

void fw_ruleset_needs(const struct fw_ruleset *rs, struct fw_needs *ret)
{
	*ret = (struct fw_needs){0};
	ret->too_many_owners = fw_ruleset_owners(rs, &ret->owners) != 0;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		bool nat = false;

		for (unsigned int t = 0; t < FW_N_TABLES; t++) {
			const struct fw_table *table = rs->tables[f][t];

			for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
				const struct fw_chain *chain;

				if (table->builtin[h] == FW_NO_SLOT)
					continue;
				chain = table->chains[table->builtin[h]];
				if (chain->n_rules || chain->policy != FW_ACCEPT) {
					ret->hook[f][h] = true;
					ret->tables[f][h] |= FW_TABLE_BIT(t);
				}
				nat |= t == FW_NAT && chain->n_rules;
				if (table->touched && t != FW_NAT)
					ret->idle[f][h] = true;
			}
			if (table->touched)
				ret->touched[f] |= FW_TABLE_BIT(t);
			if (table->n_rules)
				ret->flags[f] |= table_needs(table, ret->write[f]);
		}
		ret->kct |= ret->flags[f] & (FW_NEED_NAT | FW_NEED_KCT);
		/* nat is asked for first packets of connections, where anything tracks those */
		ret->kct |= nat && (ret->flags[f] & FW_NEED_TRACK);
		for (unsigned int h = 0; h < FW_N_HOOKS; h++)
			ret->idle[f][h] &= !ret->hook[f][h];
		ret->track[f] = ret->flags[f] & FW_NEED_TRACK;
	}
}
