/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, tables and commands back to words, as iptables-save writes them. */
#include <stdlib.h>
#include <string.h>

#include "text/parse.h"
#include "text/print.h"

static bool addr_is_zero(const union fw_addr *a)
{
	return !(a->u64[0] | a->u64[1]);
}

static void print_v4(uint32_t be, struct fw_buf *out)
{
	char text[16], *at = text;
	uint8_t byte[4];

	memcpy(byte, &be, 4);
	for (int i = 0; i < 4; i++) {
		unsigned int v = byte[i];

		if (v >= 100)
			*at++ = (char)('0' + v / 100);
		if (v >= 10)
			*at++ = (char)('0' + v / 10 % 10);
		*at++ = (char)('0' + v % 10);
		*at++ = '.';
	}
	fw_buf_add(out, text, (size_t)(at - 1 - text));
}

static void print_net(const char *option, const union fw_addr *addr, const union fw_addr *mask,
		      bool inv, enum fw_family family, struct fw_buf *out)
{
	if (addr_is_zero(mask) && addr_is_zero(addr) && !inv)
		return;
	fw_buf_str(out, inv ? " !" : "");
	fw_buf_str(out, option);
	if (family == FW_IP4)
		print_v4(addr->u32[0], out);
	else
		fw_print_addr(addr, family, out);
	fw_print_mask(mask, family, true, out);
}

static void print_iface(const char *option, const char *name, bool inv, struct fw_buf *out)
{
	if (!name[0] || (!strcmp(name, "+") && !inv))
		return;
	fw_buf_str(out, inv ? " !" : "");
	fw_buf_str(out, option);
	fw_buf_str(out, name);
}

static void print_generic(const struct fw_generic *g, enum fw_family family, struct fw_buf *out)
{
	print_net(" -s ", &g->src, &g->src_mask, g->inv & FW_INV_SRC, family, out);
	print_net(" -d ", &g->dst, &g->dst_mask, g->inv & FW_INV_DST, family, out);
	print_iface(" -i ", g->in, g->inv & FW_INV_IN, out);
	print_iface(" -o ", g->out, g->inv & FW_INV_OUT, out);
	if (g->proto) {
		const char *name = fw_proto_name(g->proto);

		fw_buf_str(out, g->inv & FW_INV_PROTO ? " ! -p " : " -p ");
		if (name)
			fw_buf_str(out, name);
		else
			fw_buf_u64(out, g->proto);
	}
	if (g->frag)
		fw_buf_str(out, g->inv & FW_INV_FRAG ? " ! -f" : " -f");
}

const char *fw_rule_target_name(const struct fw_rule *rule, const struct fw_table *table)
{
	switch (rule->verdict) {
	case FW_ACCEPT: return "ACCEPT";
	case FW_DROP: return "DROP";
	case FW_RETURN: return "RETURN";
	case FW_JUMP:
	case FW_GOTO: return table ? table->chains[rule->jump]->name : "";
	default: return rule->target.ext ? rule->target.ext->name : "";
	}
}

void fw_rule_print_parts(const struct fw_rule *rule, const char *target,
			 const struct fw_counters *counters, struct fw_buf *out)
{
	enum fw_family family = (enum fw_family)rule->family;

	print_generic(&rule->gen, family, out);
	for (uint8_t i = 0; i < rule->n_matches; i++) {
		fw_buf_add(out, " -m ", 4);
		fw_buf_str(out, rule->matches[i].ext->name);
		fw_use_save(&rule->matches[i], family, out);
	}
	if (counters) { /* -S -v: before the target, as iptables does */
		fw_buf_str(out, " -c ");
		fw_buf_u64(out, counters->packets);
		fw_buf_char(out, ' ');
		fw_buf_u64(out, counters->bytes);
	}
	if (!*target)
		return;
	fw_buf_add(out, rule->verdict == FW_GOTO ? " -g " : " -j ", 4);
	fw_buf_str(out, target);
	if (rule->target.ext)
		fw_use_save(&rule->target, family, out);
}

void fw_rule_print(const struct fw_rule *rule, const struct fw_table *table, struct fw_buf *out)
{
	fw_rule_print_parts(rule, fw_rule_target_name(rule, table), NULL, out);
}

struct fw_counters fw_counters_read(const struct fw_counters *c)
{
	return (struct fw_counters){
		.packets = __atomic_load_n(&c->packets, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED),
	};
}

static void print_counters(const struct fw_counters *counters, struct fw_buf *out)
{
	struct fw_counters c = fw_counters_read(counters);

	fw_buf_char(out, '[');
	fw_buf_u64(out, c.packets);
	fw_buf_char(out, ':');
	fw_buf_u64(out, c.bytes);
	fw_buf_char(out, ']');
}

static void save_head(const struct fw_chain *chain, struct fw_buf *out)
{
	fw_buf_char(out, ':');
	fw_buf_str(out, chain->name);
	if (chain->builtin) {
		fw_buf_str(out, chain->policy == FW_DROP ? " DROP " : " ACCEPT ");
		print_counters(chain->policy_counters, out);
		fw_buf_char(out, '\n');
	} else {
		fw_buf_str(out, " - [0:0]\n");
	}
}

static void save_rules(const struct fw_chain *chain, const struct fw_table *table,
		       unsigned int flags, struct fw_buf *out)
{
	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0; i < chain->chunks[k]->n; i++) {
			const struct fw_rule *rule = chain->chunks[k]->rules[i];

			if (flags & FW_SAVE_COUNTERS) {
				print_counters(&rule->counters, out);
				fw_buf_char(out, ' ');
			}
			fw_buf_add(out, "-A ", 3);
			fw_buf_str(out, chain->name);
			fw_rule_print(rule, table, out);
			fw_buf_char(out, '\n');
		}
}

void fw_save_table(const struct fw_table *table, unsigned int flags, struct fw_buf *out)
{
	const struct fw_chain **chains;
	size_t n;

	chains = fw_table_sorted(table, &n);
	if (!chains) {
		out->failed = true;
		return;
	}
	fw_buf_char(out, '*');
	fw_buf_str(out, fw_table_name(table->id));
	fw_buf_char(out, '\n');
	for (size_t i = 0; i < n; i++)
		save_head(chains[i], out);
	for (size_t i = 0; i < n; i++)
		save_rules(chains[i], table, flags, out);
	fw_buf_str(out, "COMMIT\n");
	free(chains);
}

/* The order of iptables-nft-save; that of iptables-legacy-save depends on history. */
const enum fw_table_id fw_save_order[FW_N_TABLES] = {FW_MANGLE, FW_SECURITY, FW_RAW, FW_FILTER,
						     FW_NAT};

void fw_save(const struct fw_ruleset *rs, enum fw_family family, unsigned int flags,
	     struct fw_buf *out)
{
	for (size_t i = 0; i < FW_N_TABLES; i++) {
		const struct fw_table *table = rs->tables[family][fw_save_order[i]];

		if (table->touched || flags & FW_SAVE_ALL)
			fw_save_table(table, flags, out);
	}
}
