/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains that let known flows pass, ahead of the queue.
 *
 *	chain input       { jump known_input; …; goto judge }
 *	chain known_input { a rule for each family and protocol that has flows: key @flows4_7
 *	                accept }
 *
 * Where nothing is offloaded such a chain is empty, and costs as much as a jump.
 *
 * The rules end by themselves a little later than they should be taken away: if we are dead, or
 * stuck, what --fail says holds for these flows, too.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "flows.h"

#define CT_STATE_ESTABLISHED 2 /* a bit of nft's "ct state" */

static bool is_known_base(unsigned int base)
{
	return base < FW_N_HOOKS || base == FWD_OUTPUT_BEHIND;
}

#define CHAIN_NAME 32

static void chain_name(char name[CHAIN_NAME], unsigned int base)
{
	snprintf(name, CHAIN_NAME, "known_%s", fwd_bases[base].name);
}

void fwd_known_chains(struct fwd_nft_batch *b)
{
	char name[CHAIN_NAME];

	for (unsigned int base = 0; base < FWD_N_BASES; base++) {
		if (!is_known_base(base))
			continue;
		chain_name(name, base);
		fwd_batch_chain(b, FWD_TABLE, name, NULL, 0, 0);
	}
}

void fwd_known_jump(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	char name[CHAIN_NAME];
	struct nftnl_rule *r;

	if (!nft->offload)
		return;
	chain_name(name, base);
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	fwd_rule_chain(b, r, NFT_JUMP, name);
	fwd_batch_rule(b, r);
}

void fwd_known_flush(struct fwd_nft_batch *b)
{
	char name[CHAIN_NAME];

	for (unsigned int base = 0; base < FWD_N_BASES; base++) {
		if (!is_known_base(base))
			continue;
		chain_name(name, base);
		fwd_batch_flush(b, FWD_TABLE, name);
	}
}

void fwd_known_close(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);

	if (b)
		fwd_known_flush(b);
	if (fwd_nft_commit(nft, b))
		fwd_log(2, "offload: cannot take flows back from the kernel");
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Interfaces that a hook does not have, or that the queue does not tell, are zero. */
static void load_interface(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
			   bool there, uint32_t key)
{
	if (there)
		fwd_load_meta(b, r, word, key);
	else
		fwd_load_word(b, r, word, 0);
}

static uint8_t proto_of(enum fw_family family, enum fw_offer_kind kind)
{
	switch (kind) {
	case FW_OFFER_TCP: return IPPROTO_TCP;
	case FW_OFFER_UDP: return IPPROTO_UDP;
	case FW_OFFER_ESP: return IPPROTO_ESP;
	default: return family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	}
}

static bool is_echo(enum fw_offer_kind kind)
{
	return kind == FW_OFFER_ASKS || kind == FW_OFFER_ANSWERS;
}

static void load_key(struct fwd_nft_batch *b, struct nftnl_rule *r, enum fw_family family,
		     unsigned int base, enum fw_offer_kind kind)
{
	const unsigned int ends = family == FW_IP4 ? 2 : 8; /* words */
	const unsigned int ports = FWD_FLOW_ENDS + ends;

	fwd_load_word(b, r, FWD_FLOW_BASE, base);
	load_interface(b, r, FWD_FLOW_IN, fwd_base_has_in(base), NFT_META_IIF);
	load_interface(b, r, FWD_FLOW_OUT, fwd_base_has_out(base), NFT_META_OIF);
	fwd_load_meta(b, r, FWD_FLOW_MARK, NFT_META_MARK);
	fwd_load_word(b, r, FWD_FLOW_PROTO,
		      fwd_flow_proto(proto_of(family, kind),
				     is_echo(kind) ? fw_offer_echo(family, kind) : 0));
	fwd_load_network(b, r, FWD_FLOW_ENDS, family == FW_IP4 ? 12 : 8, ends * 4);
	if (is_echo(kind))
		fwd_load_transport(b, r, ports, 4, 2);
	else if (kind == FW_OFFER_ESP)
		fwd_load_word(b, r, ports, 0);
	else
		fwd_load_transport(b, r, ports, 0, 4);
}

/* Only packets of the kind; with a whole header, for matches drop one that is cut short. */
static void ask_kind(struct fwd_nft_batch *b, struct nftnl_rule *r, enum fw_family family,
		     enum fw_offer_kind kind)
{
	const uint8_t proto = proto_of(family, kind), flags = FW_TCP_STEADY;
	const uint32_t header = kind == FW_OFFER_TCP ? sizeof(struct tcphdr) : 8;

	fwd_rule_meta(b, r, NFT_META_L4PROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &proto, sizeof(proto));
	fwd_rule_transport(b, r, header - 1, 1);
	if (kind == FW_OFFER_TCP) {
		fwd_rule_transport(b, r, 13, sizeof(flags));
		fwd_rule_bitwise8(b, r, FW_TCP_STEADY_MASK);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &flags, sizeof(flags));
	} else if (is_echo(kind)) {
		const uint8_t type_code[2] = {fw_offer_echo(family, kind), 0};

		fwd_rule_transport(b, r, 0, sizeof(type_code));
		fwd_rule_cmp(b, r, NFT_CMP_EQ, type_code, sizeof(type_code));
	}
}

static void add_rule(struct fwd_nft_batch *b, const struct fwd_flows *f, enum fw_family family,
		     unsigned int base, enum fw_offer_kind kind, bool kct)
{
	const uint32_t none = 0;
	char name[CHAIN_NAME];
	struct nftnl_rule *r;

	chain_name(name, base);
	r = fwd_rule_new(b, FWD_TABLE, name);
	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[family], 1);
	ask_kind(b, r, family, kind);
	if (kct) { /* the kernel may say otherwise of a packet */
		fwd_rule_ct_state(b, r);
		fwd_rule_bitwise(b, r, CT_STATE_ESTABLISHED, 0);
		fwd_rule_cmp(b, r, NFT_CMP_NEQ, &none, sizeof(none));
	}
	fwd_rule_before(b, r, f->until_wall);
	load_key(b, r, family, base, kind);
	fwd_rule_in(b, r, &f->of[family].set);
	fwd_rule_verdict(b, r, NF_ACCEPT);
	fwd_batch_rule(b, r);
}

void fwd_known_rules(struct fwd_nft_batch *b, const struct fwd_flows *f, enum fw_family family,
		     uint64_t kinds, bool kct)
{
	for (unsigned int base = 0; base < FWD_N_BASES; base++)
		for (unsigned int k = 0; is_known_base(base) && k < FW_N_OFFER_KINDS; k++)
			if (kinds & fwd_flow_kind(base, (enum fw_offer_kind)k))
				add_rule(b, f, family, base, (enum fw_offer_kind)k, kct);
}
