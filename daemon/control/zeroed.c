/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters as they were when they were zeroed (zeroed.h). */
#include "control/zeroed.h"

#include <stdlib.h>

struct counted {
	const struct fw_counters *of;
	struct fw_counters was; /* when it was zeroed, or read */
};

struct table {
	const struct fw_table *table;
	const struct fw_chain **chains; /* as they are printed */
	size_t n_chains;
	struct counted **by_slot; /* for each chain its rules', then its policy's */
};

struct fwd_zeroed {
	struct table tables[FW_N_TABLES];
	size_t n;
	struct counted *all; /* in the order in which they are zeroed */
	struct counted *next; /* not told yet */
};

void fwd_zeroed_free(struct fwd_zeroed *z)
{
	for (size_t i = 0; z && i < z->n; i++) {
		free(z->tables[i].chains);
		free(z->tables[i].by_slot);
	}
	if (z)
		free(z->all);
	free(z);
}

/* Room for all; false: no memory. */
static bool reserve(struct fwd_zeroed *z, const struct fw_ruleset *rs, enum fw_family family,
		    int table, unsigned int save_flags)
{
	size_t n = 1; /* never nothing */

	for (int id = 0; id < FW_N_TABLES; id++) {
		const struct fw_table *t = rs->tables[family][id];
		struct table *to = &z->tables[z->n];

		if (table >= 0 ? table != id : !t->touched && !(save_flags & FW_SAVE_ALL))
			continue;
		to->table = t;
		to->chains = fw_table_sorted(t, &to->n_chains);
		to->by_slot = calloc(t->n_slots + 1, sizeof(*to->by_slot));
		n += t->n_rules + FW_N_HOOKS;
		z->n++;
		if (!to->chains || !to->by_slot)
			return false;
	}
	z->all = z->next = calloc(n, sizeof(*z->all));
	return z->all;
}

static struct counted *list_chain(const struct fw_chain *chain, struct counted *to)
{
	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0; i < chain->chunks[k]->n; i++)
			(to++)->of = &chain->chunks[k]->rules[i]->counters;
	if (chain->builtin)
		(to++)->of = chain->policy_counters;
	return to;
}

static void read_all(struct fwd_zeroed *z)
{
	struct counted *to = z->all;

	for (size_t i = 0; i < z->n; i++) {
		const struct fw_table *t = z->tables[i].table;

		for (uint32_t slot = 0; slot < t->n_slots; slot++) {
			z->tables[i].by_slot[slot] = to;
			if (t->chains[slot])
				to = list_chain(t->chains[slot], to);
		}
	}
	for (struct counted *c = z->all; c < to; c++) {
		c->was.packets = __atomic_load_n(&c->of->packets, __ATOMIC_RELAXED);
		c->was.bytes = __atomic_load_n(&c->of->bytes, __ATOMIC_RELAXED);
	}
}

struct fwd_zeroed *fwd_zeroed_new(const struct fw_ruleset *rs, enum fw_family family, int table,
				  unsigned int save_flags)
{
	struct fwd_zeroed *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	if (!reserve(z, rs, family, table, save_flags)) {
		fwd_zeroed_free(z);
		return NULL;
	}
	read_all(z);
	return z;
}

void fwd_zeroed_text(const struct fwd_zeroed *z, const char *chain, const char *number,
		     struct fw_buf *text)
{
	for (size_t i = 0; i < z->n; i++)
		fw_buf_fmt(text, "*%s\n-Z%s%s%s%s\nCOMMIT\n", fw_table_name(z->tables[i].table->id),
			   chain ? " " : "", chain ? chain : "", chain && number ? " " : "",
			   chain && number ? number : "");
}

void fwd_zeroed_note(void *priv, const struct fw_counters *of, const struct fw_counters *was)
{
	struct fwd_zeroed *z = priv;

	while (z->next->of != of)
		z->next++;
	(z->next++)->was = *was;
}

static void print_counters(const struct fw_counters *c, struct fw_buf *out)
{
	fw_buf_char(out, '[');
	fw_buf_u64(out, c->packets);
	fw_buf_char(out, ':');
	fw_buf_u64(out, c->bytes);
	fw_buf_char(out, ']');
}

static void print_rules(const struct fw_table *t, const struct fw_chain *chain,
			const struct counted *c, bool counters, struct fw_buf *out)
{
	for (uint32_t n = 1; n <= chain->n_rules; n++) {
		if (counters) {
			print_counters(&c[n - 1].was, out);
			fw_buf_char(out, ' ');
		}
		fw_buf_str(out, "-A ");
		fw_buf_str(out, chain->name);
		fw_rule_print(fw_chain_rule(chain, n), t, out);
		fw_buf_char(out, '\n');
	}
}

static void print_chain(const struct fw_chain *chain, const struct counted *c, struct fw_buf *out)
{
	static const struct fw_counters none;

	fw_buf_fmt(out, ":%s %s ", chain->name,
		   !chain->builtin ? "-" : chain->policy == FW_DROP ? "DROP" : "ACCEPT");
	print_counters(chain->builtin ? &c[chain->n_rules].was : &none, out);
	fw_buf_char(out, '\n');
}

void fwd_zeroed_print(const struct fwd_zeroed *z, bool counters, struct fw_buf *out)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct table *t = &z->tables[i];

		fw_buf_fmt(out, "*%s\n", fw_table_name(t->table->id));
		for (size_t k = 0; k < t->n_chains; k++)
			print_chain(t->chains[k], t->by_slot[t->chains[k]->slot], out);
		for (size_t k = 0; k < t->n_chains; k++)
			print_rules(t->table, t->chains[k], t->by_slot[t->chains[k]->slot],
				    counters, out);
		fw_buf_str(out, "COMMIT\n");
	}
}
