/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the kernel's conntrack: words that kct.c and begun.c share. */
#ifndef FWD_KERNEL_KCT_H
#define FWD_KERNEL_KCT_H

#include <linux/netfilter/nf_tables.h>

#include "nft.h"

/* Of the kernel's conntrack: bits of nft's "ct state", bits of ct->status, directions. */
enum {
	STATE_INVALID = 1,
	STATE_ESTABLISHED = 2,
	STATE_RELATED = 4,
	STATE_NEW = 8,
	STATE_UNTRACKED = 64,
	STATUS_CONFIRMED = 1 << 3,
	STATUS_SRC_NAT_DONE = 1 << 7,
	STATUS_DST_NAT_DONE = 1 << 8,
};

/* "meta mark set meta mark & ~(clear) | set", both in our bits */
static inline void set_bits(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_nft *nft,
		     uint32_t clear, uint32_t set)
{
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ~((clear | set) << nft->mark_shift), set << nft->mark_shift);
	fwd_rule_set_mark(b, r);
}

/* "ct KEY & mask OP 0" */
static inline void ask_ct(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key, uint32_t mask,
		   uint32_t op)
{
	const uint32_t none = 0;

	fwd_rule_ct(b, r, key);
	fwd_rule_bitwise(b, r, mask, 0);
	fwd_rule_cmp(b, r, op, &none, sizeof(none));
}

/* "meta mark & mask OP value", all in our bits */
static inline void compare_mark(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_nft *nft,
			 uint32_t mask, uint32_t op, uint32_t value)
{
	value <<= nft->mark_shift;
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, mask << nft->mark_shift, 0);
	fwd_rule_cmp(b, r, op, &value, sizeof(value));
}

static inline void ask_mark(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_nft *nft,
		     uint32_t bits)
{
	compare_mark(b, r, nft, bits, NFT_CMP_NEQ, 0);
}

/* Where the map says for the code in the mark. */
static inline void add_map(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_nft *nft,
		    const char *map)
{
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, FW_MARK_CODE_MASK << nft->mark_shift, 0);
	fwd_rule_map(b, r, map);
	fwd_batch_rule(b, r);
}

/* begun.c: what is done right behind the tracking; is there anything, with rules of raw or without? */
bool fwd_begun_wanted(const struct fw_plan *plan, bool raw);
void fwd_begun_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		   unsigned int base);

#endif
