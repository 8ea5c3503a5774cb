/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May this ruleset be?  Loops, depth, and whether every match and target stands where it can do
 * its work.  The kernel asks an extension for the hooks from which its rule can be reached, and
 * so do we; of old rules only those are asked again whose chain is reached from more hooks now.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/tx.h"

uint32_t fw_tx_line(const struct fw_tx *tx, const struct fw_rule *rule)
{
	return rule->id >= tx->first_id ? tx->lines[rule->id - tx->first_id] : 0;
}

static const char *hook_name(unsigned int i)
{
	return fw_hook_name((enum fw_hook)i);
}

static const char *table_name(unsigned int i)
{
	return fw_table_name((enum fw_table_id)i);
}

/* The names of the bits of a set, "A, B": as many as go into buf. */
static const char *name_list(unsigned int set, const char *(*name_of)(unsigned int), char *buf,
			     size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; set >> i; i++) {
		const char *name = name_of(i);
		const size_t len = strlen(name);

		if (!(set >> i & 1))
			continue;
		if (n + len + 3 > size)
			break;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", name);
	}
	return buf;
}

struct spot {
	const struct fw_tx *tx;
	const struct fw_table *table;
	const struct fw_chain *chain;
	const struct fw_rule *rule;
	uint32_t number;
};

static int fail_at(const struct spot *s, struct fw_err *err)
{
	if (err)
		fw_err_at(err, fw_tx_line(s->tx, s->rule), 0, 0);
	return -EINVAL;
}

static int check_use(const struct spot *s, const struct fw_use *use, struct fw_err *err)
{
	const struct fw_ext *ext = use->ext;
	char buf[128];

	if (ext->tables && !(ext->tables & FW_TABLE_BIT(s->table->id))) {
		fw_fail(err, FW_ERR_PLACE, "%s may not stand in table %s (chain %s, rule %u)",
			ext->name, fw_table_name(s->table->id), s->chain->name, s->number);
		fw_err_hint(err, "it may stand in: %s",
			    name_list(ext->tables, table_name, buf, sizeof(buf)));
		return fail_at(s, err);
	}
	if (s->chain->reach & ~fw_use_hooks(use)) {
		fw_fail(err, FW_ERR_PLACE,
			"%s cannot work in rule %u of chain %s: packets come there from %s",
			ext->name, s->number, s->chain->name,
			name_list(s->chain->reach & ~fw_use_hooks(use), hook_name, buf,
				  sizeof(buf)));
		fw_err_hint(err, "it may be reached from: %s",
			    name_list(fw_use_hooks(use), hook_name, buf, sizeof(buf)));
		return fail_at(s, err);
	}
	if (s->rule->id >= s->tx->first_id && ext->deploy && ext->deploy(use, &s->tx->env, err) < 0)
		return fail_at(s, err);
	return 0;
}

static int check_rule(const struct spot *s, struct fw_err *err)
{
	for (uint8_t i = 0; i < s->rule->n_matches; i++) {
		int r = check_use(s, &s->rule->matches[i], err);

		if (r < 0)
			return r;
	}
	return s->rule->target.ext ? check_use(s, &s->rule->target, err) : 0;
}

static int check_chain(struct fw_tx *tx, const struct fw_table *table, const struct fw_chain *chain,
		       unsigned int old_reach, struct fw_err *err)
{
	struct spot s = {.tx = tx, .table = table, .chain = chain};
	uint32_t before = 0;

	for (uint32_t k = 0; k < chain->n_chunks; k++) {
		struct fw_chunk *c = chain->chunks[k];
		bool all = c->limited && chain->reach & ~old_reach;

		for (uint32_t i = 0; (all || c->fresh) && i < c->n; i++) {
			s.rule = c->rules[i];
			s.number = before + i + 1;
			if ((all || s.rule->id >= tx->first_id) && check_rule(&s, err) < 0)
				return -EINVAL;
		}
		before += c->n;
	}
	return 0;
}

static int loop_error(struct fw_tx *tx, const struct fw_table *table, const uint32_t cycle[2],
		      struct fw_err *err)
{
	const struct fw_chain *from = table->chains[cycle[0]], *to = table->chains[cycle[1]];
	uint32_t number = 1;

	fw_fail(err, FW_ERR_LOOP,
		"jumps go round in a circle: chain %s leads to %s, which leads back to %s",
		from->name, to->name, from->name);
	fw_err_hint(err, "a packet could go round for ever; remove one of the jumps");
	for (const struct fw_rule *rule; (rule = fw_chain_rule(from, number)); number++)
		if (fw_rule_jumps(rule) && rule->jump == cycle[1] && fw_tx_line(tx, rule)) {
			fw_err_at(err, fw_tx_line(tx, rule), 0, 0);
			break;
		}
	return -EINVAL;
}

static int graph(struct fw_tx *tx, struct fw_table *table, struct fw_err *err)
{
	uint32_t cycle[2];
	int r = fw_table_graph(table, &tx->reap, cycle);

	if (r == -ELOOP)
		return loop_error(tx, table, cycle, err);
	if (r < 0)
		return fw_tx_nomem(err);
	if (table->depth > FW_MAX_DEPTH) {
		fw_fail(err, FW_ERR_LOOP, "table %s: jumps nest %u deep; %u is the limit",
			fw_table_name(table->id), table->depth, FW_MAX_DEPTH);
		fw_err_hint(err, "use -g where a chain need not return to its caller");
		return -EINVAL;
	}
	return 0;
}

int fw_tx_check_table(struct fw_tx *tx, struct fw_table *table, const struct fw_table *base,
		      struct fw_err *err)
{
	int r = 0;

	for (uint32_t i = 0; i < table->n_slots; i++) {
		struct fw_chain *chain = table->chains[i];

		if (chain && (i >= base->n_slots || chain != base->chains[i]) &&
		    fw_chain_seal(chain, tx->first_id) < 0)
			return fw_tx_nomem(err);
	}
	if (tx->jumps_changed[table->family][table->id])
		r = graph(tx, table, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < table->n_slots; i++) {
		const struct fw_chain *chain = table->chains[i];
		const struct fw_chain *old = i < base->n_slots ? base->chains[i] : NULL;

		if (chain && chain != old &&
		    check_chain(tx, table, chain, old ? old->reach : 0, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static bool hook_queues(const struct fw_table *table, unsigned int hook)
{
	for (uint32_t i = 0; i < table->n_slots; i++)
		if (table->chains[i] && table->chains[i]->queues &&
		    table->chains[i]->reach & FW_HOOK_BIT(hook))
			return true;
	return false;
}

/*
 * A packet that NFQUEUE hands to another program is accepted by that program on behalf of our
 * whole base chain: it goes on behind us, and the tables that we would have visited next are never
 * asked.  Rather than let it slip past a DROP, such a ruleset is refused.
 */
int fw_tx_check_queues(struct fw_tx *tx, enum fw_family family, struct fw_err *err)
{
	for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
		const enum fw_table_id *order;
		const struct fw_table *queues = NULL;
		size_t n = fw_hook_tables((enum fw_hook)h, &order);

		for (size_t i = 0; i < n; i++) {
			const struct fw_table *table = tx->work->tables[family][order[i]];
			const struct fw_chain *chain = table->chains[table->builtin[h]];

			if (queues && (chain->n_rules || chain->policy != FW_ACCEPT)) {
				fw_fail(err, FW_ERR_PLACE,
					"table %s queues packets to another program in %s, so they "
					"would skip the rules of table %s",
					fw_table_name(queues->id), chain->name,
					fw_table_name(table->id));
				fw_err_hint(err,
					    "empty %s of table %s and set its policy to ACCEPT, or "
					    "queue from the last table that has rules there",
					    chain->name, fw_table_name(table->id));
				return -EINVAL;
			}
			if (hook_queues(table, h))
				queues = table;
		}
	}
	return 0;
}
