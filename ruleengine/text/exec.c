/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One parsed command, carried out on a transaction's working copy of a table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "text/exec.h"

int fw_exec_at(struct fw_err *err, const struct fw_places *where, struct fw_place place)
{
	if (err)
		fw_err_at(err, where->line, place.column, place.length);
	return -EINVAL;
}

int fw_exec_checked(int r, struct fw_err *err)
{
	return r == -ENOMEM ? fw_tx_nomem(err) : r;
}

static int no_chain(struct fw_exec *x, const char *name, enum fw_err_code code,
		    struct fw_place place)
{
	const char *near = fw_table_nearest(x->table, name);
	const enum fw_cmd_op op = x->cmd->op;
	const bool wanted = op == FW_CMD_APPEND || op == FW_CMD_INSERT || op == FW_CMD_REPLACE;

	fw_fail(x->err, code, "no chain `%s' in table %s", name, fw_table_name(x->table->id));
	if (near)
		fw_err_hint(x->err, "did you mean %s?", near);
	else if (code == FW_ERR_NO_EXT)
		fw_err_hint(x->err, "-N %s makes it; fwctl help targets lists what else -j takes",
			    name);
	else if (wanted)
		fw_err_hint(x->err, "make it first: -N %s", name);
	else
		fw_err_hint(x->err, "-S lists the chains that there are");
	return fw_exec_at(x->err, x->where, place);
}

/* -j or -g of a chain: its slot.  The rule is ready to be compared or added after this. */
static int resolve(struct fw_exec *x, struct fw_rule *rule)
{
	const char *name = x->cmd->target;
	const struct fw_chain *chain;

	if (fw_rule_jumps(rule)) {
		chain = fw_table_chain(x->table, name);
		if (!chain && rule->verdict == FW_GOTO) {
			no_chain(x, name, FW_ERR_USAGE, x->where->target);
			fw_err_words(x->err, "goto '%s' is not a chain", name);
			return -EINVAL;
		}
		if (!chain) {
			no_chain(x, name, FW_ERR_NO_EXT, x->where->target);
			fw_err_words(x->err, "Couldn't load target `%s':No such file or directory",
				     name);
			return -EINVAL;
		}
		if (chain->builtin) {
			fw_fail(x->err, FW_ERR_PLACE, "cannot jump to built-in chain %s", name);
			fw_err_hint(x->err,
				    "packets come there by themselves; put shared rules into a "
				    "chain of your own");
			return fw_exec_at(x->err, x->where, x->where->target);
		}
		rule->jump = chain->slot;
	}
	fw_rule_rehash(rule);
	return 0;
}

int fw_exec_find_chain(struct fw_exec *x, uint32_t *slot)
{
	*slot = fw_table_slot(x->table, x->cmd->chain);
	if (*slot != FW_NO_SLOT)
		return 0;
	/* where both are missing, iptables speaks of the target */
	if (x->cmd->target[0] && !fw_table_chain(x->table, x->cmd->target))
		return resolve(x, x->cmd->rules[0]);
	no_chain(x, x->cmd->chain, FW_ERR_NO_CHAIN, x->where->chain);
	if (x->cmd->op == FW_CMD_CHECK || x->cmd->op == FW_CMD_DELETE)
		fw_err_words(x->err, "Bad rule (does a matching rule exist in that chain?).");
	return -EINVAL;
}

static int bad_number(struct fw_exec *x, enum fw_err_code code, const struct fw_chain *chain)
{
	fw_fail(x->err, code, "chain %s has %u rule%s, so there is no place %u", chain->name,
		chain->n_rules, chain->n_rules == 1 ? "" : "s", x->cmd->number);
	return fw_exec_at(x->err, x->where, x->where->number);
}

static int add_rules(struct fw_exec *x, uint32_t slot)
{
	const struct fw_cmd *cmd = x->cmd;
	const struct fw_chain *chain = x->table->chains[slot];
	int r = 0;

	if (cmd->op == FW_CMD_INSERT && cmd->number - 1 > chain->n_rules)
		return bad_number(x, FW_ERR_INS_INDEX, chain);
	if (x->table->n_rules + cmd->n_rules > FW_MAX_RULES) {
		fw_fail(x->err, FW_ERR_LIMIT, "table %s would have more than %d rules",
			fw_table_name(x->table->id), FW_MAX_RULES);
		return fw_exec_at(x->err, x->where, x->where->chain);
	}
	for (size_t i = 0; !r && i < cmd->n_rules; i++) {
		uint32_t pos = cmd->op == FW_CMD_INSERT ? cmd->number - 1
							: x->table->chains[slot]->n_rules;

		if (x->counters)
			cmd->rules[i]->counters = *x->counters;
		r = resolve(x, cmd->rules[i]);
		if (!r)
			r = fw_exec_checked(fw_tx_add_rule(x->tx, x->table, slot, pos,
							   cmd->rules[i], x->where->line),
					    x->err);
	}
	return r;
}

static int replace(struct fw_exec *x, uint32_t slot)
{
	const struct fw_chain *chain = x->table->chains[slot];
	int r;

	if (x->cmd->number > chain->n_rules)
		return bad_number(x, FW_ERR_REP_INDEX, chain);
	if (x->counters)
		x->cmd->rules[0]->counters = *x->counters;
	r = resolve(x, x->cmd->rules[0]);
	if (r < 0)
		return r;
	return fw_exec_checked(fw_tx_replace_rule(x->tx, x->table, slot, x->cmd->number - 1,
						  x->cmd->rules[0], x->where->line),
			       x->err);
}

/* -C and -D by text. */
static int find_rules(struct fw_exec *x, uint32_t slot)
{
	int r = 0;

	for (size_t i = 0; !r && i < x->cmd->n_rules; i++) {
		uint32_t pos;

		r = resolve(x, x->cmd->rules[i]);
		if (r < 0)
			return r;
		pos = fw_chain_find(x->table->chains[slot], x->cmd->rules[i]);
		if (pos == UINT32_MAX) {
			fw_fail(x->err, FW_ERR_NO_RULE, "chain %s has no such rule", x->cmd->chain);
			fw_err_hint(x->err, "-S %s prints its rules as -C and -D want them",
				    x->cmd->chain);
			return fw_exec_at(x->err, x->where, x->where->chain);
		}
		if (x->cmd->op == FW_CMD_DELETE)
			r = fw_exec_checked(fw_tx_remove_rule(x->tx, x->table, slot, pos), x->err);
	}
	return r;
}

static int delete_number(struct fw_exec *x, uint32_t slot)
{
	const struct fw_chain *chain = x->table->chains[slot];

	if (x->cmd->number > chain->n_rules)
		return bad_number(x, FW_ERR_DEL_INDEX, chain);
	return fw_exec_checked(fw_tx_remove_rule(x->tx, x->table, slot, x->cmd->number - 1),
			       x->err);
}

static int zero_rule(struct fw_exec *x, struct fw_rule *rule)
{
	static const struct fw_counters zero;

	return fw_exec_checked(fw_tx_count(x->tx, rule, NULL, &zero), x->err);
}

static int zero_chain(struct fw_exec *x, uint32_t slot)
{
	static const struct fw_counters zero;
	const struct fw_chain *chain = x->table->chains[slot];
	int r = 0;

	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0; !r && i < chain->chunks[k]->n; i++)
			r = zero_rule(x, chain->chunks[k]->rules[i]);
	if (!r && chain->builtin)
		r = fw_exec_checked(fw_tx_count(x->tx, NULL, chain->policy_counters, &zero),
				    x->err);
	return r;
}

static int zero(struct fw_exec *x, uint32_t slot)
{
	const struct fw_chain *chain = x->table->chains[slot];

	/* beside -L the number may only say what is listed */
	if (!x->cmd->number || !(x->cmd->flags & FW_CMD_F_ZERO_RULE))
		return zero_chain(x, slot);
	if (x->cmd->number > chain->n_rules) {
		bad_number(x, FW_ERR_DEL_INDEX, chain);
		fw_err_words(x->err, "Index of counter too big.");
		return -EINVAL;
	}
	return zero_rule(x, fw_chain_rule(chain, x->cmd->number));
}

/* -F, -Z, -X without a name: all chains (-X: the users'). */
static int each_chain(struct fw_exec *x)
{
	int r = 0;

	for (uint32_t s = 0; !r && s < x->table->n_slots; s++) {
		if (!x->table->chains[s])
			continue;
		if (x->cmd->op == FW_CMD_FLUSH)
			r = fw_exec_checked(fw_tx_flush(x->tx, x->table, s), x->err);
		else if (x->cmd->op == FW_CMD_DELETE_CHAIN && !x->table->chains[s]->builtin)
			r = fw_exec_drop_chain(x, s);
		else if (x->cmd->op != FW_CMD_FLUSH && x->cmd->op != FW_CMD_DELETE_CHAIN)
			r = zero_chain(x, s);
	}
	return r;
}

static int list(struct fw_exec *x)
{
	const struct fw_cmd *cmd = x->cmd;
	struct fw_list_opts opts = {
		.flags = cmd->flags, .chain = cmd->chain, .number = cmd->number};
	struct fw_buf none = FW_BUF_INIT, *out = x->out ? x->out : &none;
	uint32_t slot;
	int r;

	r = cmd->op == FW_CMD_LIST ? fw_list_table(x->table, &opts, out, x->err)
				   : fw_list_rules(x->table, &opts, out, x->err);
	fw_buf_deinit(&none);
	if (r < 0) {
		fw_exec_at(x->err, x->where, x->where->chain);
		return r;
	}
	if (!(cmd->flags & FW_CMD_F_ZERO))
		return 0;
	if (!cmd->chain[0])
		return each_chain(x);
	r = fw_exec_find_chain(x, &slot);
	return r < 0 ? r : zero(x, slot);
}

int fw_exec_run(struct fw_exec *x)
{
	const struct fw_cmd *cmd = x->cmd;
	uint32_t slot;
	int r;

	switch (cmd->op) {
	case FW_CMD_NEW_CHAIN: return fw_exec_new_chain(x, cmd->chain, x->where->chain);
	case FW_CMD_RENAME: return fw_exec_rename_chain(x);
	case FW_CMD_POLICY:
		return fw_exec_policy(x, cmd->chain, cmd->other,
				      cmd->flags & FW_CMD_F_COUNTERS ? &cmd->counters : NULL);
	case FW_CMD_LIST:
	case FW_CMD_LIST_RULES: return list(x);
	case FW_CMD_HELP:
	case FW_CMD_VERSION:
		fw_fail(x->err, FW_ERR_USAGE, "a text of rules cannot ask for help or a version");
		return fw_exec_at(x->err, x->where, (struct fw_place){0});
	case FW_CMD_FLUSH:
	case FW_CMD_ZERO:
	case FW_CMD_DELETE_CHAIN:
		if (!cmd->chain[0])
			return each_chain(x);
		break;
	default: break;
	}
	r = fw_exec_find_chain(x, &slot);
	if (r < 0)
		return r;
	switch (cmd->op) {
	case FW_CMD_APPEND:
	case FW_CMD_INSERT: return add_rules(x, slot);
	case FW_CMD_REPLACE: return replace(x, slot);
	case FW_CMD_CHECK:
	case FW_CMD_DELETE: return find_rules(x, slot);
	case FW_CMD_DELETE_NUM: return delete_number(x, slot);
	case FW_CMD_FLUSH: return fw_exec_checked(fw_tx_flush(x->tx, x->table, slot), x->err);
	case FW_CMD_ZERO: return zero(x, slot);
	case FW_CMD_DELETE_CHAIN: return fw_exec_drop_chain(x, slot);
	default: return 0;
	}
}
