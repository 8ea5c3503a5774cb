/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the nat tables of a ruleset may ask for (fw/nat.h). */
#include "fw/nat.h"

struct fw_nat fw_nat_at(const struct fw_use *use, enum fw_hook hook)
{
	struct fw_nat nat = *(const struct fw_nat *)use->data;

	if (nat.kind == FW_NAT_BOTH)
		nat.kind = hook == FW_PREROUTING || hook == FW_OUTPUT ? FW_NAT_DST : FW_NAT_SRC;
	return nat;
}

bool fw_nat_moves(const struct fw_use *use, const struct fw_packet *pkt)
{
	const struct fw_nat nat = fw_nat_at(use, (enum fw_hook)pkt->meta.hook);
	const union fw_addr *addr = nat.kind == FW_NAT_DST ? &pkt->dst : &pkt->src;

	if (!(nat.flags & FW_NAT_NETMAP))
		return true;
	for (unsigned int i = 0; i < (pkt->family == FW_IP4 ? 4u : 16u); i++)
		if ((addr->u8[i] ^ nat.min_addr.u8[i]) & ~(nat.min_addr.u8[i] ^ nat.max_addr.u8[i]))
			return true;
	return false;
}

bool fw_nat_destination(const struct fw_use *use, const struct fw_packet *pkt, union fw_addr *ret)
{
	const struct fw_nat nat = fw_nat_at(use, FW_PREROUTING);

	if (nat.kind == FW_NAT_REDIRECT)
		return false;
	*ret = nat.flags & FW_NAT_ADDR ? nat.min_addr : pkt->dst;
	for (unsigned int i = 0; (nat.flags & FW_NAT_NETMAP) && i < sizeof(ret->u8); i++)
		ret->u8[i] |= pkt->dst.u8[i] & (nat.min_addr.u8[i] ^ nat.max_addr.u8[i]);
	return true;
}

static int each_of_rule(const struct fw_rule *rule, int (*fn)(void *, const struct fw_nat *),
			void *priv)
{
	struct fw_nat before = fw_nat_at(&rule->target, FW_PREROUTING);
	struct fw_nat behind = fw_nat_at(&rule->target, FW_POSTROUTING);
	int r = fn(priv, &before);

	return r || before.kind == behind.kind ? r : fn(priv, &behind);
}

static int each_of_chain(const struct fw_chain *chain, int (*fn)(void *, const struct fw_nat *),
			 void *priv)
{
	int r = 0;

	for (uint32_t c = 0; chain && c < chain->n_chunks; c++) {
		const struct fw_chunk *chunk = chain->chunks[c];

		if (!(chunk->needs & FW_NEED_NAT))
			continue;
		for (uint32_t i = 0; !r && i < chunk->n; i++)
			if (chunk->rules[i]->needs & FW_NEED_NAT)
				r = each_of_rule(chunk->rules[i], fn, priv);
	}
	return r;
}

int fw_nat_each(const struct fw_ruleset *rs, int (*fn)(void *priv, const struct fw_nat *nat),
		void *priv)
{
	int r = 0;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		const struct fw_table *table = rs->tables[f][FW_NAT];

		for (uint32_t i = 0; !r && i < table->n_slots; i++)
			r = each_of_chain(table->chains[i], fn, priv);
	}
	return r;
}
