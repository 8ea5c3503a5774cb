/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our rules while the kernel tracks connections (struct fw_plan.kct): what its conntrack says of a
 * packet goes with it into the queue, in our mark bits (fw/mark.h), and the translation that was
 * chosen there is carried out by chains of type nat.
 *
 *	chain prerouting { jump states; …pending…; goto judge }
 *	chain nat_prerouting { meta mark & CODE map @nat_dst }
 *
 * Trap.  The kernel lets no packet through a queue that shares a connection which is not confirmed
 * yet (nf_ct_drop_unconfirmed): its own ICMP errors about the first packet of a connection.  Those
 * pass OUTPUT and POSTROUTING without our asking.
 */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kct.h"

static const struct {
	uint32_t state;
	int dir; /* -1: has none */
	uint32_t ctinfo;
} states[] = {
	{STATE_ESTABLISHED, 0, FW_CT_ESTABLISHED},
	{STATE_ESTABLISHED, 1, FW_CT_ESTABLISHED_REPLY},
	{STATE_NEW, -1, FW_CT_NEW},
	{STATE_RELATED, 0, FW_CT_RELATED},
	{STATE_RELATED, 1, FW_CT_RELATED_REPLY},
	{STATE_INVALID, -1, FW_CT_INVALID},
	{STATE_UNTRACKED, -1, FW_CT_UNTRACKED},
};

/* Replies of ours that belong to a flow: the kernel knows nothing of that, so their notes stay. */
static void ask_carried(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_nft *nft)
{
	compare_mark(b, r, nft, FW_MARK_OWN | FW_MARK_OWN_TOLD, NFT_CMP_EQ, FW_MARK_OWN);
	ask_mark(b, r, nft, FW_MARK_CTINFO_MASK);
}

static void add_state(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int i)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, "states");
	const uint8_t dir = (uint8_t)states[i].dir;

	fwd_rule_ct(b, r, NFT_CT_STATE);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &states[i].state, sizeof(states[i].state));
	if (states[i].dir >= 0) {
		fwd_rule_ct(b, r, NFT_CT_DIRECTION);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &dir, sizeof(dir));
	}
	set_bits(b, r, nft, 0, states[i].ctinfo << FW_MARK_CTINFO_SHIFT);
	fwd_batch_rule(b, r);
}

void fwd_kct_add_states(struct fwd_nft_batch *b, const struct fwd_nft *nft)
{
	static const uint32_t translated[][2] = {{FW_CTS_SRC_NAT, FW_MARK_SRC_NAT},
						 {FW_CTS_DST_NAT, FW_MARK_DST_NAT}};
	struct nftnl_rule *r;

	fwd_batch_flush(b, FWD_TABLE, "states");
	r = fwd_rule_new(b, FWD_TABLE, "states");
	ask_carried(b, r, nft);
	fwd_rule_verdict(b, r, NFT_RETURN);
	fwd_batch_rule(b, r);
	r = fwd_rule_new(b, FWD_TABLE, "states");
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_batch_rule(b, r);
	for (unsigned int i = 0; i < FW_ARRAY_SIZE(states); i++)
		add_state(b, nft, i);
	for (unsigned int i = 0; i < FW_ARRAY_SIZE(translated); i++) {
		r = fwd_rule_new(b, FWD_TABLE, "states");
		ask_ct(b, r, NFT_CT_STATUS, translated[i][0], NFT_CMP_NEQ);
		set_bits(b, r, nft, 0, translated[i][1]);
		fwd_batch_rule(b, r);
	}
	r = fwd_rule_new(b, FWD_TABLE, "states");
	ask_mark(b, r, nft, FW_MARK_OWN);
	set_bits(b, r, nft, 0, FW_MARK_OWN_TOLD);
	fwd_batch_rule(b, r);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static unsigned int hook_of(unsigned int base)
{
	return base == FWD_OUTPUT_BEHIND ? FW_OUTPUT : base;
}

/* Are all of a family's packets queued in this chain? */
static bool queues(const struct fw_plan *plan, unsigned int base, unsigned int f)
{
	return base == FWD_OUTPUT_BEHIND ? plan->split[f] : base < FW_N_HOOKS && plan->queue[f][base];
}

static bool queues_some(const struct fw_plan *plan, unsigned int base, unsigned int f)
{
	return queues(plan, base, f) || (base < FW_N_HOOKS && plan->nat_only[f][base]);
}

/* Does this chain count a family's packets for the policies of its hook? */
static bool counts(const struct fw_plan *plan, unsigned int base, unsigned int f)
{
	if (base == FWD_OUTPUT_BEHIND)
		return plan->count_behind[f];
	return base < FW_N_HOOKS && plan->count[f][base];
}

static bool has_nat(const struct fw_plan *plan, unsigned int hook)
{
	return plan->nat[FW_IP4][hook] || plan->nat[FW_IP6][hook];
}

/* Once made they stand, for what they began has to be gone on with. */
static bool is_nat(unsigned int base)
{
	return base >= FWD_NAT_PREROUTING && base <= FWD_NAT_POSTROUTING;
}

static bool either(const bool wanted[FW_N_FAMILIES])
{
	return wanted[FW_IP4] || wanted[FW_IP6];
}

static bool has_raw(const struct fw_plan *plan, unsigned int hook)
{
	return plan->raw[FW_IP4][hook] || plan->raw[FW_IP6][hook];
}

/* Where our replies are translated. */
static bool is_replies_way(unsigned int base)
{
	return base == FW_OUTPUT || base == FW_POSTROUTING;
}

bool fwd_kct_wants(const struct fw_plan *plan, unsigned int base)
{
	switch (base) {
	case FWD_RAW_PREROUTING:
	case FWD_NOTRACK_PREROUTING: return has_raw(plan, FW_PREROUTING);
	case FWD_RAW_OUTPUT: return has_raw(plan, FW_OUTPUT);
	case FWD_CLEAR_OUTPUT:
	case FWD_NOTRACK_OUTPUT: return true;
	case FWD_BEGUN_PREROUTING: return fwd_begun_wanted(plan, has_raw(plan, FW_PREROUTING));
	case FWD_BEGUN_OUTPUT: return fwd_begun_wanted(plan, has_raw(plan, FW_OUTPUT));
	case FWD_WAIT_PREROUTING:
	case FWD_WAIT_OUTPUT: return fwd_wait_wanted(plan);
	case FWD_DYING: return either(plan->exceeded);
	}
	if (is_nat(base) || is_replies_way(base) || base == FWD_CLEAN_INPUT ||
	    base == FWD_CLEAN_POSTROUTING)
		return true;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if (queues_some(plan, base, f) || counts(plan, base, f))
			return true;
	return false;
}

static void add_states_jump(struct fwd_nft_batch *b, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	fwd_rule_chain(b, r, NFT_JUMP, "states");
	fwd_batch_rule(b, r);
}

static struct nftnl_rule *new_of_family(struct fwd_nft_batch *b, unsigned int base, unsigned int f)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[f], 1);
	return r;
}

/* Errors only: an expected connection's first packet is RELATED, too. */
static void add_trap(struct fwd_nft_batch *b, unsigned int base)
{
	static const uint8_t protos[] = {IPPROTO_ICMP, IPPROTO_ICMPV6};

	for (unsigned int i = 0; i < FW_ARRAY_SIZE(protos); i++) {
		struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

		fwd_rule_meta(b, r, NFT_META_L4PROTO);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &protos[i], sizeof(protos[i]));
		ask_ct(b, r, NFT_CT_STATE, STATE_RELATED, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, STATUS_CONFIRMED, NFT_CMP_EQ);
		fwd_rule_verdict(b, r, NF_ACCEPT);
		fwd_batch_rule(b, r);
	}
}

static void add_part(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base,
		     unsigned int f, enum fw_part part)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[f], 1);
	set_bits(b, r, nft, FW_MARK_PART_MASK, part);
	fwd_batch_rule(b, r);
}

/* The kernel asks its nat chains for a connection's first packet, once for each end. */
static void add_pending(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int hook)
{
	const uint32_t done = hook == FW_PREROUTING || hook == FW_OUTPUT ? STATUS_DST_NAT_DONE :
									    STATUS_SRC_NAT_DONE;

	for (unsigned int expected = 0; expected < 2; expected++) {
		struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[hook].name);

		ask_ct(b, r, NFT_CT_STATE, expected ? STATE_RELATED : STATE_NEW, NFT_CMP_NEQ);
		if (expected) /* else an ICMP error, which goes with its connection */
			ask_ct(b, r, NFT_CT_STATUS, FW_CTS_EXPECTED, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, done, NFT_CMP_EQ);
		set_bits(b, r, nft, 0, FW_MARK_NAT_PENDING);
		fwd_batch_rule(b, r);
	}
}

static void add_judge(struct fwd_nft_batch *b, const struct fwd_nft *nft,
		      const struct fw_plan *plan, unsigned int base, unsigned int f)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[f], 1);
	if (!queues(plan, base, f))
		ask_mark(b, r, nft, FW_MARK_NAT_PENDING);
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

static void add_clear(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	compare_mark(b, r, nft, FW_MARK_OWN | FW_MARK_OWN_TOLD, NFT_CMP_NEQ, FW_MARK_OWN);
	ask_mark(b, r, nft, FW_MARK_CODE_MASK);
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_batch_rule(b, r);
}

/* Our replies that have something to do with translation are translated by us. */
static void add_replies(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	ask_carried(b, r, nft);
	ask_mark(b, r, nft, FW_MARK_NAT_PENDING | FW_MARK_SRC_NAT | FW_MARK_DST_NAT);
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

static void add_hook(struct fwd_nft_batch *b, const struct fwd_nft *nft,
		     const struct fw_plan *plan, unsigned int base)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if (counts(plan, base, f))
			fwd_nft_add_counting(b, f, base);
	if (!queues_some(plan, base, FW_IP4) && !queues_some(plan, base, FW_IP6)) {
		if (base == FW_OUTPUT && fwd_wait_wanted(plan))
			fwd_wait_add_clear(b, nft, base);
		if (is_replies_way(base))
			add_replies(b, nft, base);
		return;
	}
	if (queues(plan, base, FW_IP4) || queues(plan, base, FW_IP6))
		fwd_known_jump(b, nft, base);
	fwd_nft_add_blocks(b, nft, base);
	if (hook_of(base) == FW_OUTPUT || base == FW_POSTROUTING)
		add_trap(b, base);
	add_states_jump(b, base);
	for (unsigned int f = 0; hook_of(base) == FW_OUTPUT && f < FW_N_FAMILIES; f++)
		if (plan->split[f])
			add_part(b, nft, base, f,
				 base == FW_OUTPUT ? FW_PART_TO_NAT : FW_PART_BEHIND_NAT);
	if (base < FW_N_HOOKS && has_nat(plan, base))
		add_pending(b, nft, base);
	if (base < FW_N_HOOKS)
		fwd_nft_add_types(b, plan, base);
	fwd_nft_add_owners(b, plan, base);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if (queues_some(plan, base, f))
			add_judge(b, nft, plan, base, f);
	if (is_replies_way(base))
		add_replies(b, nft, base);
	add_clear(b, nft, base); /* what is not queued after all */
}

/*
 * What a verdict left as it was told (answer.c), ahead of nat's chain, which would take it for a
 * code, and of the routing behind that.
 */
static void add_clear_output(struct fwd_nft_batch *b, const struct fwd_nft *nft)
{
	static const uint32_t told[] = {FW_CT_NEW, FW_CT_RELATED}; /* no code looks like these */
	struct nftnl_rule *r;

	for (unsigned int i = 0; i < FW_ARRAY_SIZE(told); i++) {
		r = fwd_rule_new(b, FWD_TABLE, fwd_bases[FWD_CLEAR_OUTPUT].name);
		compare_mark(b, r, nft, FW_MARK_CTINFO_MASK | FW_MARK_OWN, NFT_CMP_EQ,
			     told[i] << FW_MARK_CTINFO_SHIFT);
		set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
		fwd_batch_rule(b, r);
	}
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[FWD_CLEAR_OUTPUT].name);
	ask_ct(b, r, NFT_CT_STATE, STATE_NEW | STATE_RELATED, NFT_CMP_EQ);
	compare_mark(b, r, nft, FW_MARK_OWN | FW_MARK_OWN_TOLD, NFT_CMP_NEQ, FW_MARK_OWN);
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_batch_rule(b, r);
}

static void add_lookup(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base,
		       const char *map)
{
	add_map(b, fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name), nft, map);
}

/* raw, ahead of the tracking. */
static void add_raw(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		    unsigned int base)
{
	const unsigned int hook = base == FWD_RAW_OUTPUT ? FW_OUTPUT : FW_PREROUTING;

	fwd_nft_add_blocks(b, nft, base);
	add_states_jump(b, base);
	fwd_nft_add_types(b, plan, base);
	fwd_nft_add_owners(b, plan, base);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		struct nftnl_rule *r;

		if (!plan->raw[f][hook])
			continue;
		add_part(b, nft, base, f, FW_PART_RAW);
		r = new_of_family(b, base, f);
		fwd_rule_chain(b, r, NFT_GOTO, "judge");
		fwd_batch_rule(b, r);
	}
	add_clear(b, nft, base);
}

/* … and what it said. */
static void add_notrack(struct fwd_nft_batch *b, const struct fwd_nft *nft,
			const struct fw_plan *plan, unsigned int base)
{
	const uint32_t said = (FW_CT_UNTRACKED << FW_MARK_CTINFO_SHIFT) << nft->mark_shift;
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, (FW_MARK_CTINFO_MASK | FW_MARK_OWN) << nft->mark_shift, 0);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &said, sizeof(said));
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_rule_notrack(b, r);
	fwd_batch_rule(b, r);
	if (plan->assigns)
		add_lookup(b, nft, base, FWD_MAP_CT_BEFORE);
	if (base != FWD_NOTRACK_OUTPUT)
		return;
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	ask_carried(b, r, nft);
	fwd_rule_notrack(b, r);
	fwd_batch_rule(b, r);
}

/*
 * First packets that will be forwarded and have no hop left: what the kernel told their senders
 * would share their connection, see the trap above, so we tell them.
 */
static void add_dying(struct fwd_nft_batch *b, const struct fwd_nft *nft,
		      const struct fw_plan *plan, unsigned int base)
{
	const uint32_t unicast = FW_ADDR_UNICAST;
	const uint8_t two = 2;

	add_states_jump(b, base);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		struct nftnl_rule *r;

		if (!plan->exceeded[f])
			continue;
		r = new_of_family(b, base, f);
		fwd_rule_network(b, r, f == FW_IP4 ? 8 : 7, sizeof(two));
		fwd_rule_cmp(b, r, NFT_CMP_LT, &two, sizeof(two));
		ask_ct(b, r, NFT_CT_STATE, STATE_NEW, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, STATUS_CONFIRMED, NFT_CMP_EQ);
		fwd_rule_fib(b, r, NFT_FIB_RESULT_ADDRTYPE);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &unicast, sizeof(unicast));
		set_bits(b, r, nft, FW_MARK_PART_MASK, FW_PART_BEHIND_NAT); /* DYING */
		fwd_rule_chain(b, r, NFT_GOTO, "judge");
		fwd_batch_rule(b, r);
	}
	add_clear(b, nft, base);
}

void fwd_kct_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		 unsigned int base)
{
	switch (base) {
	case FWD_RAW_PREROUTING:
	case FWD_RAW_OUTPUT: add_raw(b, nft, plan, base); return;
	case FWD_NOTRACK_PREROUTING:
	case FWD_NOTRACK_OUTPUT: add_notrack(b, nft, plan, base); return;
	case FWD_BEGUN_PREROUTING:
	case FWD_BEGUN_OUTPUT: fwd_begun_add(b, nft, plan, base); return;
	case FWD_DYING: add_dying(b, nft, plan, base); return;
	case FWD_WAIT_PREROUTING:
	case FWD_WAIT_OUTPUT: fwd_wait_add(b, nft, plan, base); return;
	case FWD_CLEAR_OUTPUT: add_clear_output(b, nft); return;
	}
	if (!is_nat(base)) {
		add_hook(b, nft, plan, base);
		return;
	}
	if (base == FWD_NAT_PREROUTING || base == FWD_NAT_OUTPUT) {
		add_lookup(b, nft, base, FWD_MAP_DST);
		return;
	}
	add_lookup(b, nft, base, FWD_MAP_SRC);
	if (base == FWD_NAT_POSTROUTING)
		add_lookup(b, nft, base, FWD_MAP_MASQ);
}
