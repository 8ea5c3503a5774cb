/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `iptables -S`, and which chains a listing is about. */
#include <errno.h>
#include <stdlib.h>

#include "model/tx.h"
#include "text/print.h"

const struct fw_chain **fw_list_chosen(const struct fw_table *table,
				       const struct fw_list_opts *opts, size_t *n,
				       struct fw_err *err)
{
	const struct fw_chain **list, *one;
	const char *near;

	if (!opts->chain || !opts->chain[0]) {
		list = fw_table_sorted(table, n);
		if (!list)
			fw_tx_nomem(err);
		return list;
	}
	one = fw_table_chain(table, opts->chain);
	if (!one) {
		near = fw_table_nearest(table, opts->chain);
		fw_fail(err, FW_ERR_NO_CHAIN, "no chain `%s' in table %s", opts->chain,
			fw_table_name(table->id));
		if (near)
			fw_err_hint(err, "did you mean %s?", near);
		return NULL;
	}
	list = malloc(sizeof(*list));
	if (!list) {
		fw_tx_nomem(err);
		return NULL;
	}
	*n = 1;
	list[0] = one;
	return list;
}

static void rules_head(const struct fw_chain *chain, bool verbose, struct fw_buf *out)
{
	if (!chain->builtin) {
		fw_buf_fmt(out, "-N %s\n", chain->name);
		return;
	}
	fw_buf_fmt(out, "-P %s %s", chain->name, chain->policy == FW_DROP ? "DROP" : "ACCEPT");
	if (verbose) {
		struct fw_counters c = fw_counters_read(chain->policy_counters);

		fw_buf_fmt(out, " -c %llu %llu", (unsigned long long)c.packets,
			   (unsigned long long)c.bytes);
	}
	fw_buf_char(out, '\n');
}

static void rules_line(const struct fw_table *table, const struct fw_chain *chain,
		       const struct fw_rule *rule, bool verbose, struct fw_buf *out)
{
	struct fw_counters c = fw_counters_read(&rule->counters);

	fw_buf_add(out, "-A ", 3);
	fw_buf_str(out, chain->name);
	fw_rule_print_parts(rule, fw_rule_target_name(rule, table), verbose ? &c : NULL, out);
	fw_buf_char(out, '\n');
}

int fw_list_rules(const struct fw_table *table, const struct fw_list_opts *opts, struct fw_buf *out,
		  struct fw_err *err)
{
	bool verbose = opts->flags & FW_CMD_F_VERBOSE;
	const struct fw_chain **list;
	size_t n;

	list = fw_list_chosen(table, opts, &n, err);
	if (!list)
		return err && err->code == FW_ERR_RESOURCE ? -ENOMEM : -EINVAL;
	for (size_t i = 0; !opts->number && i < n; i++)
		rules_head(list[i], verbose, out);
	for (size_t i = 0; i < n; i++) {
		const struct fw_chain *chain = list[i];
		const struct fw_rule *rule = fw_chain_rule(chain, opts->number);

		if (rule)
			rules_line(table, chain, rule, verbose, out);
		for (uint32_t k = 0; !opts->number && k < chain->n_chunks; k++)
			for (uint32_t j = 0; j < chain->chunks[k]->n; j++)
				rules_line(table, chain, chain->chunks[k]->rules[j], verbose, out);
	}
	free(list);
	return 0;
}
