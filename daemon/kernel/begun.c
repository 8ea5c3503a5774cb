/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a connection has just begun, right behind the kernel's tracking and ahead of everything that
 * translates.
 *
 *	chain begun_prerouting { ct state new; meta mark & CODE map @ct_behind }    helpers, events …
 *	                       { expected and not confirmed; goto expected }
 *	chain expected         { ct helper NAME; its number into our mark bits; goto judge }
 *
 * The second is for our tracker: the first packet of an expected connection pays it a visit, so that
 * its flow has the ends that it came with, and who expected it.
 */
#include <string.h>

#include "fw/helper.h"
#include "kct.h"

/* "ct helper NAME": of the connection's master, as the kernel writes it */
static void ask_helper(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int helper)
{
	char name[16] = "";

	if (helper == FW_HELPER_NONE)
		return;
	fwd_rule_ct(b, r, NFT_CT_HELPER); /* the master has none: the rule ends */
	if (helper == FW_HELPER_OTHER)
		return;
	strncpy(name, fw_helper_name(helper), sizeof(name) - 1);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, name, sizeof(name));
}

/* The first that fits: names, then any name, then none. */
void fwd_begun_add_expected(struct fwd_nft_batch *b, const struct fwd_nft *nft)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, "expected");

	fwd_batch_flush(b, FWD_TABLE, "expected");
	fwd_rule_chain(b, r, NFT_JUMP, "states"); /* … of which the translation is wanted */
	fwd_batch_rule(b, r);
	for (unsigned int i = FW_N_HELPERS; i-- > 0;) {
		if (i >= FW_HELPER_NAMED && !fw_helper_name(i))
			continue;
		r = fwd_rule_new(b, FWD_TABLE, "expected");
		ask_helper(b, r, i);
		set_bits(b, r, nft, FW_MARK_CTINFO_MASK | FW_MARK_PART_MASK | FW_MARK_HELPER_MASK,
			 FW_PART_RAW | fw_mark_helper(i));
		fwd_rule_chain(b, r, NFT_GOTO, "judge");
		fwd_batch_rule(b, r);
	}
}

bool fwd_begun_wanted(const struct fw_plan *plan, bool raw)
{
	return plan->expected || (plan->assigns && raw) || fwd_wait_wanted(plan);
}

/* What raw said, carried out; and who was expected, told to our tracker. */
void fwd_begun_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		   unsigned int base)
{
	struct nftnl_rule *r;

	if (plan->assigns) {
		r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
		ask_ct(b, r, NFT_CT_STATE, STATE_NEW, NFT_CMP_NEQ); /* an expected one has its own */
		add_map(b, r, nft, FWD_MAP_CT_BEHIND);
		r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
		compare_mark(b, r, nft, FW_MARK_OWN, NFT_CMP_EQ, 0);
		set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
		fwd_batch_rule(b, r);
	}
	if (plan->expected) {
		r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
		ask_ct(b, r, NFT_CT_STATE, STATE_RELATED, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, FW_CTS_EXPECTED, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, STATUS_CONFIRMED, NFT_CMP_EQ);
		fwd_rule_chain(b, r, NFT_GOTO, "expected");
		fwd_batch_rule(b, r);
	}
	fwd_wait_add_begun(b, plan, base);
}
