/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands about chains as a whole: -N, -X, -E, -P. */
#include <stdio.h>
#include <string.h>

#include "text/exec.h"

/* "INPUT rule 3, FORWARD rule 1 and 5 more": who jumps to a chain. */
static void name_users(const struct fw_table *table, uint32_t slot, char *buf, size_t size)
{
	unsigned int more = 0;
	size_t n = 0;

	buf[0] = '\0';
	for (uint32_t s = 0; s < table->n_slots; s++) {
		const struct fw_chain *chain = table->chains[s];
		uint32_t number = 0;

		for (uint32_t k = 0; chain && k < chain->n_chunks; k++)
			for (uint32_t i = 0; i < chain->chunks[k]->n; i++) {
				const struct fw_rule *rule = chain->chunks[k]->rules[i];

				number++;
				if (!fw_rule_jumps(rule) || rule->jump != slot)
					continue;
				if (n + FW_NAME_SIZE + 40 > size)
					more++;
				else
					n += (size_t)snprintf(buf + n, size - n, "%s%s rule %u",
							      n ? ", " : "", chain->name, number);
			}
	}
	if (more)
		snprintf(buf + n, size - n, " and %u more", more);
}

int fw_exec_drop_chain(struct fw_exec *x, uint32_t slot)
{
	const struct fw_chain *chain = x->table->chains[slot];
	char users[256];

	if (chain->builtin) {
		fw_fail(x->err, FW_ERR_BUILTIN, "chain %s is built in and stays", chain->name);
		fw_err_hint(x->err, "-F %s empties it", chain->name);
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	if (chain->users) {
		name_users(x->table, slot, users, sizeof(users));
		fw_fail(x->err, FW_ERR_IN_USE, "chain %s of table %s is used by %s", chain->name,
			fw_table_name(x->table->id), users);
		fw_err_hint(x->err, "delete the rules that lead to it first");
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	if (chain->n_rules) {
		fw_fail(x->err, FW_ERR_NOT_EMPTY, "chain %s still has %u rule%s", chain->name,
			chain->n_rules, chain->n_rules == 1 ? "" : "s");
		fw_err_hint(x->err, "empty it first: -F %s", chain->name);
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	x->tx->changed = true;
	return fw_exec_checked(fw_table_drop_chain(x->table, slot, &x->tx->reap), x->err);
}

int fw_exec_new_chain(struct fw_exec *x, const char *name, struct fw_place place)
{
	uint32_t slot;

	if (fw_table_slot(x->table, name) != FW_NO_SLOT) {
		fw_fail(x->err, FW_ERR_CHAIN_EXISTS, "chain %s is there already in table %s", name,
			fw_table_name(x->table->id));
		return fw_exec_at(x->err, x->where, place);
	}
	if (x->table->n_chains >= FW_MAX_CHAINS) {
		fw_fail(x->err, FW_ERR_LIMIT, "table %s would have more than %d chains",
			fw_table_name(x->table->id), FW_MAX_CHAINS);
		return fw_exec_at(x->err, x->where, place);
	}
	x->tx->changed = true;
	return fw_exec_checked(fw_table_add_chain(x->table, name, &slot), x->err);
}

int fw_exec_rename_chain(struct fw_exec *x)
{
	const char *to = x->cmd->other;
	uint32_t slot;
	int r;

	if (fw_table_slot(x->table, to) != FW_NO_SLOT) {
		fw_fail(x->err, FW_ERR_RENAME_EXISTS, "chain %s is there already", to);
		return fw_exec_at(x->err, x->where, x->where->other);
	}
	r = fw_exec_find_chain(x, &slot);
	if (r < 0)
		return r;
	if (x->table->chains[slot]->builtin) {
		fw_fail(x->err, FW_ERR_NO_CHAIN, "chain %s is built in and keeps its name",
			x->cmd->chain);
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	return fw_exec_checked(fw_tx_rename(x->tx, x->table, slot, to), x->err);
}

int fw_exec_policy(struct fw_exec *x, const char *name, const char *policy,
		   const struct fw_counters *counters)
{
	uint32_t slot = fw_table_slot(x->table, name);

	if (slot == FW_NO_SLOT || !x->table->chains[slot]->builtin) {
		fw_fail(x->err, FW_ERR_NOT_BUILTIN,
			"chain `%s' is not built in, so it has no policy", name);
		fw_err_hint(x->err, "a rule without matches at its end does the same");
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	if (strcmp(policy, "ACCEPT") && strcmp(policy, "DROP")) {
		fw_fail(x->err, FW_ERR_BAD_POLICY, "a policy is ACCEPT or DROP, not `%s'", policy);
		return fw_exec_at(x->err, x->where, x->where->other);
	}
	return fw_exec_checked(fw_tx_set_policy(x->tx, x->table, slot,
						!strcmp(policy, "DROP") ? FW_DROP : FW_ACCEPT,
						counters),
			       x->err);
}
