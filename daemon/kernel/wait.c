/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that overtake their connection's first one.
 *
 * The kernel's tracker knows a connection from when its first packet is through, and that one is on
 * its way through our queue.  A packet of the same connection that comes meanwhile begins the
 * connection once more for the kernel: another translation is chosen for it, and of ICMP's all but
 * the first are dropped.  Resolvers, QUIC and traceroute send so.  Therefore such packets wait, ahead
 * of the tracking:
 *
 *	chain begun_prerouting (-199) { a connection begins: its ends into @begun4, for half a second }
 *	chain wait_prerouting (-250)  { ends in @begun4: part WAITING; goto judge }
 *
 * The daemon lets a packet pass when our tracker's flow of its ends is confirmed, or gone; until then
 * it sends it round again (NF_REPEAT), each time behind everything that was queued before.  How often
 * is counted in its mark.  A first packet that the kernel has dropped without our knowing is waited
 * for in vain, but not for ever; and who sends many packets whose first one always is must not fill the
 * queue with those that go round: so there are only so many rounds, and then nobody waits for a while.
 *
 * TCP's first packets come one by one; and where a rule of raw assigns something to a packet's
 * connection our mark bits are taken, and it does not wait.
 */
#include <netinet/in.h>
#include <stdio.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kct.h"
#include "kset.h"
#include "worker.h"

#define BEGUN_MS   500
#define MOST_VISITS 10000 /* a second, of a family and kind */
#define BEGUN_MOST 65536
#define TYPE_INTEGER 4 /* for nft(8): how to print the keys */

#define MOST_ROUNDS (FW_MARK_ROUNDS_MASK >> FW_MARK_ROUNDS_SHIFT)
/* Rounds in each of these times: some percent of what a worker can do. */
#define MOST_REPEATS 2000
#define REPEATS_NS   (FW_NSEC_PER_SEC / 10)

/* Addresses, and a word of what tells the protocol's connections apart. */
static const struct family {
	const struct fwd_kset begun;
	uint32_t addrs_off, addrs_len;
	uint8_t icmp, echo;
} families[FW_N_FAMILIES] = {
	[FW_IP4] = {{"begun4", 3, BEGUN_MOST}, 12, 8, IPPROTO_ICMP, 8},
	[FW_IP6] = {{"begun6", 9, BEGUN_MOST}, 8, 32, IPPROTO_ICMPV6, 128},
};

static bool waits(const struct fw_plan *plan, unsigned int f)
{
	if (!plan->kct)
		return false;
	for (unsigned int h = 0; h < FW_N_HOOKS; h++)
		if (plan->queue[f][h] || plan->nat_only[f][h])
			return true;
	return plan->split[f];
}

bool fwd_wait_wanted(const struct fw_plan *plan)
{
	return waits(plan, FW_IP4) || waits(plan, FW_IP6);
}

void fwd_wait_sets(struct fwd_nft_batch *b)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSET, NLM_F_CREATE);
		struct nftnl_set *s = nftnl_set_alloc();

		b->failed |= !s;
		if (!b->failed) {
			nftnl_set_set_str(s, NFTNL_SET_TABLE, FWD_TABLE);
			nftnl_set_set_str(s, NFTNL_SET_NAME, families[f].begun.name);
			nftnl_set_set_u32(s, NFTNL_SET_ID, *b->seq);
			nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_TIMEOUT | NFT_SET_EVAL);
			nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_INTEGER);
			nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, families[f].begun.words * 4);
			nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, families[f].begun.size);
			nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, BEGUN_MS);
			nftnl_set_nlmsg_build_payload(nlh, s);
			fwd_batch_push(b, nlh);
		}
		if (s)
			nftnl_set_free(s);
	}
}

enum kind { KIND_UDP, KIND_ECHO, KIND_OTHER, N_KINDS };

static void ask_proto(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t op, uint8_t proto)
{
	fwd_rule_meta(b, r, NFT_META_L4PROTO);
	fwd_rule_cmp(b, r, op, &proto, sizeof(proto));
}

/* A rule for packets of that family and kind. */
static struct nftnl_rule *new_of_kind(struct fwd_nft_batch *b, unsigned int base, unsigned int f,
				      enum kind kind)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	if (kind != KIND_OTHER)
		ask_proto(b, r, NFT_CMP_EQ, kind == KIND_UDP ? IPPROTO_UDP : families[f].icmp);
	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[f], 1);
	if (kind == KIND_ECHO) {
		fwd_rule_transport(b, r, 0, sizeof(families[f].echo));
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &families[f].echo, sizeof(families[f].echo));
	} else if (kind == KIND_OTHER) {
		ask_proto(b, r, NFT_CMP_NEQ, IPPROTO_TCP);
		ask_proto(b, r, NFT_CMP_NEQ, IPPROTO_UDP);
		ask_proto(b, r, NFT_CMP_NEQ, families[f].icmp);
	}
	return r;
}

static void load_ends(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int f, enum kind kind)
{
	const unsigned int last = families[f].addrs_len / 4;

	fwd_load_network(b, r, 0, families[f].addrs_off, families[f].addrs_len);
	switch (kind) {
	case KIND_UDP: fwd_load_transport(b, r, last, 0, 4); break;  /* ports */
	case KIND_ECHO: fwd_load_transport(b, r, last, 4, 2); break; /* identifier */
	default: fwd_load_meta(b, r, last, NFT_META_L4PROTO); break; /* coarse, and good enough */
	}
}

/* A flood whose first packet always dies must not pay us two visits for each. */
static void limit(struct fwd_nft_batch *b, struct nftnl_rule *r)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, MOST_VISITS);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, MOST_VISITS / 10);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

void fwd_wait_probe(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = nft->limits_known ? NULL : fwd_nft_begin(nft);
	struct nftnl_rule *r;

	if (!b)
		return;
	r = fwd_rule_new(b, FWD_TABLE, "defrag"); /* which nobody goes through */
	limit(b, r);
	fwd_batch_rule(b, r);
	nft->limits = fwd_nft_commit(nft, b) == 0;
	nft->limits_known = true;
}

/* What stands behind this is not for TCP. */
static void leave_tcp(struct fwd_nft_batch *b, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	ask_proto(b, r, NFT_CMP_EQ, IPPROTO_TCP);
	fwd_rule_verdict(b, r, NFT_RETURN);
	fwd_batch_rule(b, r);
}

static void note(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_kset *set)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "dynset");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set->name);
}

void fwd_wait_add_begun(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base)
{
	leave_tcp(b, base);
	for (unsigned int i = 0; i < N_KINDS * FW_N_FAMILIES; i++) {
		const unsigned int f = i / N_KINDS;
		struct nftnl_rule *r;

		if (!waits(plan, f))
			continue;
		r = new_of_kind(b, base, f, i % N_KINDS);
		ask_ct(b, r, NFT_CT_STATE, STATE_NEW, NFT_CMP_NEQ);
		ask_ct(b, r, NFT_CT_STATUS, STATUS_CONFIRMED, NFT_CMP_EQ);
		load_ends(b, r, f, i % N_KINDS);
		note(b, r, &families[f].begun);
		fwd_batch_rule(b, r);
	}
}

/* raw's visit leaves what it was told (answer.c), which nobody needs any more. */
static void forget_raw(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	compare_mark(b, r, nft, FW_MARK_OWN, NFT_CMP_EQ, 0);
	ask_mark(b, r, nft, FW_MARK_CTINFO_MASK);
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_batch_rule(b, r);
}

/* Codes of raw's (assign.c), which are not of one that goes round. */
static void leave_assigned(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	ask_mark(b, r, nft, FW_MARK_CODE_MASK);
	compare_mark(b, r, nft, FW_MARK_CTINFO_MASK | FW_MARK_PART_MASK, NFT_CMP_NEQ, FW_PART_TO_NAT);
	fwd_rule_verdict(b, r, NFT_RETURN);
	fwd_batch_rule(b, r);
}

void fwd_wait_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		  unsigned int base)
{
	struct nftnl_rule *r;

	leave_tcp(b, base);
	if (base == FWD_WAIT_OUTPUT)
		forget_raw(b, nft, base);
	if (plan->assigns)
		leave_assigned(b, nft, base);
	for (unsigned int i = 0; i < N_KINDS * FW_N_FAMILIES; i++) {
		const unsigned int f = i / N_KINDS;

		if (!waits(plan, f))
			continue;
		r = new_of_kind(b, base, f, i % N_KINDS);
		/* not looked at yet; what is INVALID comes through lo with our word for it */
		compare_mark(b, r, nft, FW_MARK_OWN | FW_MARK_CTINFO_MASK, NFT_CMP_EQ, 0);
		ask_ct(b, r, NFT_CT_STATE, STATE_INVALID, NFT_CMP_NEQ);
		load_ends(b, r, f, i % N_KINDS);
		fwd_rule_in(b, r, &families[f].begun);
		if (nft->limits)
			limit(b, r);
		set_bits(b, r, nft, FW_MARK_PART_MASK, FW_PART_TO_NAT); /* WAITING */
		fwd_rule_chain(b, r, NFT_GOTO, "judge");
		fwd_batch_rule(b, r);
	}
	fwd_wait_add_clear(b, nft, base); /* of one that is beyond the limit on its next round */
}

void fwd_wait_add_clear(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	compare_mark(b, r, nft, FW_MARK_CTINFO_MASK | FW_MARK_OWN | FW_MARK_PART_MASK, NFT_CMP_EQ,
		     FW_PART_TO_NAT);
	set_bits(b, r, nft, FW_MARK_CODE_MASK, 0);
	fwd_batch_rule(b, r);
}

/* ---- the visit ----------------------------------------------------------------------------- */

static enum fw_ct_patience patience_of(uint32_t rounds)
{
	if (!rounds)
		return FW_CT_COMES;
	return rounds < MOST_ROUNDS ? FW_CT_HAS_WAITED : FW_CT_IN_VAIN;
}

static bool may_wait(struct fwd_worker *w, uint64_t now)
{
	if (now - w->repeats_ns > REPEATS_NS) {
		w->repeats_ns = now;
		w->repeats = 0;
	}
	return w->repeats < MOST_REPEATS;
}

void fwd_wait_judge(struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
		    uint64_t now)
{
	const struct fwd_core *core = w->k->core;
	const unsigned int shift = core->config->mark_shift;
	const uint32_t rounds = (m->ours & FW_MARK_ROUNDS_MASK) >> FW_MARK_ROUNDS_SHIFT;

	a->verdict = NF_ACCEPT;
	a->mark = m->mark & ~fw_mark_mask(shift);
	if (may_wait(w, now) && core->world.ct &&
	    fw_ct_must_wait(core->world.ct, &m->pkt, patience_of(rounds), now)) {
		w->repeats++;
		a->verdict = NF_REPEAT;
		a->mark |= ((rounds % MOST_ROUNDS + 1) << FW_MARK_ROUNDS_SHIFT | FW_PART_TO_NAT) << shift;
		a->set_mark = true;
		return;
	}
	/* Of the host's own the mark stays, lest the kernel routes it anew; kct.c takes it off. */
	a->set_mark = m->pkt.meta.hook != FW_OUTPUT;
}
