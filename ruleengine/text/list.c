/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `iptables -L` (1.8.9's layout, to the blank: people and scripts cut columns out of it).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/parse.h"
#include "text/print.h"

struct style {
	const struct fw_list_opts *opts;
	const struct fw_table *table;
	enum fw_family family;
	bool numeric, verbose, exact, numbers;
};

/* 5 places and a unit from 100,000 on, unless -x asks for all digits. */
static void print_num(const struct style *s, uint64_t n, int wide, struct fw_buf *out)
{
	static const char units[] = "KMGT";
	size_t u = 0;

	if (s->exact) {
		fw_buf_fmt(out, "%*llu ", wide, (unsigned long long)n);
		return;
	}
	if (n <= 99999) {
		fw_buf_fmt(out, "%*llu ", wide ? 5 : 0, (unsigned long long)n);
		return;
	}
	for (n = (n + 500) / 1000; n > 9999 && u < sizeof(units) - 2; u++)
		n = (n + 500) / 1000;
	fw_buf_fmt(out, "%*llu%c ", wide ? 4 : 0, (unsigned long long)n, units[u]);
}

static void print_chain_head(const struct style *s, const struct fw_chain *chain,
			     struct fw_buf *out)
{
	fw_buf_fmt(out, "Chain %s (", chain->name);
	if (chain->builtin) {
		fw_buf_str(out, chain->policy == FW_DROP ? "policy DROP" : "policy ACCEPT");
		if (s->verbose) {
			struct fw_counters c = fw_counters_read(chain->policy_counters);

			fw_buf_char(out, ' ');
			print_num(s, c.packets, 0, out);
			fw_buf_str(out, "packets, ");
			print_num(s, c.bytes, 0, out);
			fw_buf_str(out, "bytes");
		}
		fw_buf_str(out, ")\n");
	} else {
		fw_buf_fmt(out, "%u references)\n", chain->users);
	}
	if (s->numbers)
		fw_buf_str(out, "num  ");
	if (s->verbose)
		fw_buf_str(out, s->exact ? "    pkts      bytes " : " pkts bytes ");
	fw_buf_str(out, "target     prot opt");
	if (s->verbose)
		fw_buf_str(out, " in     out    ");
	fw_buf_str(out, " source               destination         \n");
}

static void print_iface(const char *name, bool inv, bool numeric, struct fw_buf *out)
{
	char text[FW_IFNAMSIZ + 2];

	snprintf(text, sizeof(text), "%s%s", inv ? "!" : "",
		 name[0]	   ? name
			 : numeric ? "*"
				   : "any");
	fw_buf_fmt(out, "%-6s ", text);
}

/* "0.0.0.0/0" or "anywhere", a name or a number with its mask. */
static void addr_text(const struct style *s, const union fw_addr *addr, const union fw_addr *mask,
		      struct fw_buf *text)
{
	static const union fw_addr zero;
	const union fw_addr *any = s->family == FW_IP4 ? mask : addr;
	char name[256];

	if (!s->numeric && !memcmp(any, &zero, sizeof(zero))) {
		fw_buf_str(text, "anywhere");
		return;
	}
	if (!s->numeric && s->opts && s->opts->host_name &&
	    s->opts->host_name(s->opts->priv, s->family, addr, name, sizeof(name)) == 0)
		fw_buf_str(text, name);
	else
		fw_print_addr(addr, s->family, text);
	fw_print_mask(mask, s->family, false, text);
}

static void print_addr(const struct style *s, const union fw_addr *addr, const union fw_addr *mask,
		       bool inv, struct fw_buf *out)
{
	struct fw_buf text = FW_BUF_INIT;

	addr_text(s, addr, mask, &text);
	fw_buf_fmt(out, "%c%-19s ", inv ? '!' : ' ', fw_buf_cstr(&text));
	if (text.failed)
		out->failed = true;
	fw_buf_deinit(&text);
}

static void print_extensions(const struct fw_rule *rule, bool numeric, struct fw_buf *out)
{
	enum fw_family family = (enum fw_family)rule->family;

	if (rule->verdict == FW_GOTO)
		fw_buf_str(out, "[goto] ");
	for (uint8_t i = 0; i < rule->n_matches; i++)
		fw_use_list(&rule->matches[i], family, numeric, out);
	if (rule->target.ext)
		fw_use_list(&rule->target, family, numeric, out);
}

static void print_proto(const struct style *s, uint8_t proto, bool inv, struct fw_buf *out)
{
	const char *name = s->numeric ? NULL : fw_proto_name(proto);

	fw_buf_char(out, inv ? '!' : ' ');
	if (name)
		fw_buf_fmt(out, "%-4s ", name);
	else
		fw_buf_fmt(out, "%-4u ", proto);
}

static const char *listed_name(const struct fw_rule *rule, const struct fw_table *table)
{
	if (rule->target.ext && rule->target.ext->listed)
		return rule->target.ext->listed;
	return fw_rule_target_name(rule, table);
}

static void print_rule(const struct style *s, const struct fw_rule *rule, uint32_t number,
		       struct fw_buf *out)
{
	const struct fw_generic *g = &rule->gen;

	if (s->numbers)
		fw_buf_fmt(out, "%-4u ", number);
	if (s->verbose) {
		struct fw_counters c = fw_counters_read(&rule->counters);

		print_num(s, c.packets, 8, out);
		print_num(s, c.bytes, 8, out);
	}
	fw_buf_fmt(out, "%-9s ", listed_name(rule, s->table));
	print_proto(s, g->proto, g->inv & FW_INV_PROTO, out);
	fw_buf_char(out, g->inv & FW_INV_FRAG ? '!' : '-');
	fw_buf_str(out, g->frag ? "f " : "- ");
	if (s->verbose) {
		fw_buf_char(out, ' ');
		print_iface(g->in, g->inv & FW_INV_IN, s->numeric, out);
		print_iface(g->out, g->inv & FW_INV_OUT, s->numeric, out);
	}
	print_addr(s, &g->src, &g->src_mask, g->inv & FW_INV_SRC, out);
	print_addr(s, &g->dst, &g->dst_mask, g->inv & FW_INV_DST, out);
	print_extensions(rule, s->numeric, out);
	fw_buf_char(out, '\n');
}

void fw_list_verbose_rule(const struct fw_rule *rule, const char *chain_target,
			  enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct fw_generic *g = &rule->gen;
	struct style s = {.family = family,
			  .numeric = true}; /* iptables' -v never asks for names */
	const char *proto = fw_proto_own_name(g->proto);

	(void)numeric;
	fw_buf_str(out,
		   chain_target && *chain_target ? chain_target : listed_name(rule, NULL));
	fw_buf_fmt(out, " %c", g->inv & FW_INV_PROTO ? '!' : ' ');
	if (proto)
		fw_buf_str(out, proto);
	else
		fw_buf_u64(out, g->proto);
	fw_buf_fmt(out, " opt %c%c ", g->inv & FW_INV_FRAG ? '!' : '-', g->frag ? 'f' : '-');
	fw_buf_fmt(out, "in %s%s ", g->inv & FW_INV_IN ? "!" : "", g->in[0] ? g->in : "*");
	fw_buf_fmt(out, "out %s%s ", g->inv & FW_INV_OUT ? "!" : "", g->out[0] ? g->out : "*");
	fw_buf_char(out, g->inv & FW_INV_SRC ? '!' : ' ');
	addr_text(&s, &g->src, &g->src_mask, out);
	fw_buf_str(out, g->inv & FW_INV_DST ? " !-> " : "  -> ");
	addr_text(&s, &g->dst, &g->dst_mask, out);
	fw_buf_str(out, "  ");
	print_extensions(rule, true, out);
	fw_buf_char(out, '\n');
}

static void list_chain(const struct style *s, const struct fw_chain *chain, struct fw_buf *out)
{
	uint32_t number = 0;

	if (s->opts->number) {
		const struct fw_rule *rule = fw_chain_rule(chain, s->opts->number);

		if (rule)
			print_rule(s, rule, s->opts->number, out);
		return;
	}
	print_chain_head(s, chain, out);
	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0; i < chain->chunks[k]->n; i++)
			print_rule(s, chain->chunks[k]->rules[i], ++number, out);
}

int fw_list_table(const struct fw_table *table, const struct fw_list_opts *opts, struct fw_buf *out,
		  struct fw_err *err)
{
	struct style s = {
		.opts = opts,
		.table = table,
		.family = table->family,
		.numeric = opts->flags & FW_CMD_F_NUMERIC,
		.verbose = opts->flags & FW_CMD_F_VERBOSE,
		.exact = opts->flags & FW_CMD_F_EXACT,
		.numbers = opts->flags & FW_CMD_F_NUMBERS,
	};
	const struct fw_chain **list;
	size_t n;

	list = fw_list_chosen(table, opts, &n, err);
	if (!list)
		return err && err->code == FW_ERR_RESOURCE ? -ENOMEM : -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (i)
			fw_buf_char(out, '\n');
		list_chain(&s, list[i], out);
	}
	free(list);
	return 0;
}
