/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our table's rules: which packets are queued, and what becomes of our mark bits.
 *
 * All of them are made anew with each change of plan, in one batch: the kernel shows packets the
 * old ones or the new ones, nothing between.  An edit that does not change the plan costs nothing.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "block.h"
#include "nft.h"

static bool any_family(const struct fw_plan *plan, unsigned int hook)
{
	return plan->queue[FW_IP4][hook] || plan->queue[FW_IP6][hook];
}

/* "meta nfproto F" when only one family of a hook is wanted. */
static void add_family(struct fwd_nft_batch *b, struct nftnl_rule *r, const bool *wanted4,
		       const bool *wanted6)
{
	if (*wanted4 && *wanted6)
		return;
	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[*wanted4 ? FW_IP4 : FW_IP6], 1);
}

/*
 * Who needs the packet type: rules that ask, and REJECT at INPUT, for nothing is answered that the
 * link layer sent to many.  Locally made packets are PACKET_HOST wherever rules see them.
 */
static bool wants_pkttype(const struct fw_plan *plan, unsigned int base)
{
	const unsigned int hook = base == FWD_RAW_PREROUTING ? FW_PREROUTING : base;
	const unsigned int asking = FW_NEED_PKTTYPE | (hook == FW_INPUT ? FW_NEED_QUOTE : 0);

	if (hook != FW_PREROUTING && hook != FW_INPUT && hook != FW_FORWARD)
		return false;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if ((plan->queue[f][hook] || plan->nat[f][hook] || plan->raw[f][hook]) &&
		    (plan->flags[f] & asking))
			return true;
	return false;
}

void fwd_nft_add_types(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base)
{
	struct nftnl_rule *r;
	const uint8_t host = FW_PKT_HOST;

	if (!wants_pkttype(plan, base))
		return;
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	fwd_rule_meta(b, r, NFT_META_PKTTYPE);
	fwd_rule_cmp(b, r, NFT_CMP_NEQ, &host, sizeof(host));
	fwd_rule_chain(b, r, NFT_JUMP, "types");
	fwd_batch_rule(b, r);
}

/* PREROUTING for the tracker alone (plan.c): what has no hop left … */
static void add_hopless(struct fwd_nft_batch *b, unsigned int family)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[FW_PREROUTING].name);
	const uint8_t two = 2;

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[family], 1);
	fwd_rule_network(b, r, family == FW_IP4 ? 8 : 7, sizeof(two)); /* TTL, hop limit */
	fwd_rule_cmp(b, r, NFT_CMP_LT, &two, sizeof(two));
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

/*
 * … and what the routing will drop, as far as can be told from here: the engine asks again.  Of
 * IPv6 the kind of address is that of its route; of IPv4 only the host's own are known by it.
 */
static void add_unroutable(struct fwd_nft_batch *b, unsigned int family)
{
	const uint32_t none = 0, other = FW_ADDR_UNICAST, bad = htonl(FW_ADDR_BLACKHOLE);
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[FW_PREROUTING].name);

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[family], 1);
	if (family == FW_IP4) {
		fwd_rule_fib(b, r, NFT_FIB_RESULT_OIF);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &none, sizeof(none));
		fwd_rule_fib(b, r, NFT_FIB_RESULT_ADDRTYPE);
		fwd_rule_cmp(b, r, NFT_CMP_EQ, &other, sizeof(other));
	} else {
		fwd_rule_fib(b, r, NFT_FIB_RESULT_ADDRTYPE);
		fwd_rule_hton(b, r);
		fwd_rule_cmp(b, r, NFT_CMP_GTE, &bad, sizeof(bad)); /* or what comes behind it */
	}
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

static bool wants_owners(const struct fw_plan *plan, unsigned int base)
{
	if (!fw_owners_codes(&plan->owners) ||
	    (base != FW_OUTPUT && base != FWD_OUTPUT_BEHIND && base != FWD_RAW_OUTPUT &&
	     base != FW_POSTROUTING))
		return false;
	return (plan->flags[FW_IP4] | plan->flags[FW_IP6]) & FW_NEED_UID;
}

/* SYN and ACK: of these the queue does not tell the owner. */
void fwd_nft_add_owners(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base)
{
	struct nftnl_rule *r;
	const uint8_t tcp = IPPROTO_TCP, both = 0x12;

	if (!wants_owners(plan, base))
		return;
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	fwd_rule_meta(b, r, NFT_META_L4PROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &tcp, sizeof(tcp));
	fwd_rule_transport(b, r, 13, sizeof(both));
	fwd_rule_bitwise8(b, r, both);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &both, sizeof(both));
	fwd_rule_chain(b, r, NFT_JUMP, "owners");
	fwd_batch_rule(b, r);
}

static void add_id(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key,
		   const struct fw_cuts *cuts, uint32_t i)
{
	uint32_t lo, hi;

	fw_cuts_interval(cuts, i, &lo, &hi);
	lo = htonl(lo);
	hi = htonl(hi);
	fwd_rule_meta(b, r, key);
	fwd_rule_hton(b, r);
	fwd_rule_cmp(b, r, NFT_CMP_GTE, &lo, sizeof(lo));
	fwd_rule_cmp(b, r, NFT_CMP_LTE, &hi, sizeof(hi));
}

/* A rule for each pair of intervals; who has no owner passes them all. */
static void add_owners(struct fwd_nft_batch *b, const struct fwd_nft *nft,
		       const struct fw_plan *plan)
{
	const uint32_t mask = plan->kct ? FW_MARK_OWNER_KCT : FW_MARK_OWNER_MASK;
	const struct fw_owners *o = &plan->owners;
	uint32_t uid, gid;

	fwd_batch_flush(b, FWD_TABLE, "owners");
	for (uint32_t code = 1; code <= fw_owners_codes(o); code++) {
		struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, "owners");

		fw_owners_decode(o, code, &uid, &gid);
		add_id(b, r, NFT_META_SKUID, &o->uids, uid);
		add_id(b, r, NFT_META_SKGID, &o->gids, gid);
		fwd_rule_meta(b, r, NFT_META_MARK);
		fwd_rule_bitwise(b, r, ~(mask << nft->mark_shift),
				 fw_mark_owner(code, plan->kct) << nft->mark_shift);
		fwd_rule_set_mark(b, r);
		fwd_batch_rule(b, r);
	}
}

void fwd_nft_add_blocks(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	const unsigned int place = base == FWD_RAW_PREROUTING ? FWD_PLACE_RAW
		: base < FWD_PLACE_RAW				      ? base
								      : FWD_N_PLACES;
	const char *chain = fwd_block_chain(place);
	struct nftnl_rule *r;

	if (!chain || !nft->offload)
		return;
	r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	fwd_rule_chain(b, r, NFT_JUMP, chain);
	fwd_batch_rule(b, r);
}

static void add_hook(struct fwd_nft_batch *b, const struct fwd_nft *nft,
		     const struct fw_plan *plan, unsigned int hook)
{
	const char *chain = fwd_bases[hook].name;
	struct nftnl_rule *r;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		if (plan->count[f][hook])
			fwd_nft_add_counting(b, f, hook); /* those that are only tracked, too */
		if (hook != FW_PREROUTING || !plan->dying[f])
			continue;
		add_hopless(b, f);
		if (nft->fib == FWD_FIB_THERE)
			add_unroutable(b, f);
	}
	if (!any_family(plan, hook))
		return;
	fwd_known_jump(b, nft, hook);
	fwd_nft_add_blocks(b, nft, hook);
	fwd_nft_add_types(b, plan, hook);
	fwd_nft_add_owners(b, plan, hook);
	r = fwd_rule_new(b, FWD_TABLE, chain);
	add_family(b, r, &plan->queue[FW_IP4][hook], &plan->queue[FW_IP6][hook]);
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

/*
 * Where our bits can be on a packet that we shall not see again.  A state that is carried to a
 * later hook, a packet type that nobody asked for after all (the queue was bypassed), a reply to
 * REJECT; and at INPUT whatever was set before a packet went through lo.
 */
static bool wants_cleaner(const struct fw_plan *plan, unsigned int base)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		const bool *queue = plan->queue[f];
		const bool carried =
			base == FWD_CLEAN_INPUT || queue[FW_PREROUTING] || queue[FW_POSTROUTING] ||
			plan->dying[f];

		if (plan->flags[f] & (FW_NEED_PKTTYPE | FW_NEED_QUOTE | FW_NEED_UID))
			return true;
		if (plan->track[f] && carried)
			return true;
	}
	return false;
}

static bool wants(const struct fw_plan *plan, unsigned int base)
{
	if (plan->kct)
		return fwd_kct_wants(plan, base);
	if (base > FWD_CLEAN_POSTROUTING)
		return false;
	if (base == FW_PREROUTING && (plan->dying[FW_IP4] || plan->dying[FW_IP6]))
		return true;
	if (base < FW_N_HOOKS && (plan->count[FW_IP4][base] || plan->count[FW_IP6][base]))
		return true;
	return base < FW_N_HOOKS ? any_family(plan, base) : wants_cleaner(plan, base);
}

/* A packet leaves our sight: our bits go.  Towards lo it has not: it comes in again. */
static void add_cleaner(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base)
{
	const uint32_t ours = fw_mark_mask(nft->mark_shift), none = 0, loopback = 1;
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);

	if (base == FWD_CLEAN_POSTROUTING) {
		fwd_rule_meta(b, r, NFT_META_OIF);
		fwd_rule_cmp(b, r, NFT_CMP_NEQ, &loopback, sizeof(loopback));
	}
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ours, 0);
	fwd_rule_cmp(b, r, NFT_CMP_NEQ, &none, sizeof(none));
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ~ours, 0);
	fwd_rule_set_mark(b, r);
	fwd_batch_rule(b, r);
}

static void flush_all(struct fwd_nft_batch *b, const struct fwd_nft *nft)
{
	for (unsigned int i = 0; i < FWD_N_BASES; i++)
		if (nft->bases >> i & 1)
			fwd_batch_flush(b, FWD_TABLE, fwd_bases[i].name);
}

/* What of a plan the rules depend on. */
static bool same_rules(const struct fw_plan *a, const struct fw_plan *b)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if (((a->flags[f] ^ b->flags[f]) &
		     (FW_NEED_PKTTYPE | FW_NEED_QUOTE | FW_NEED_UID)) ||
		    a->track[f] != b->track[f])
			return false;
	if (memcmp(&a->owners, &b->owners, sizeof(a->owners)) != 0)
		return false;
	return a->kct == b->kct && a->assigns == b->assigns && a->expected == b->expected &&
		memcmp(a->queue, b->queue, sizeof(a->queue)) == 0 &&
		memcmp(a->count, b->count, sizeof(a->count)) == 0 &&
		memcmp(a->count_behind, b->count_behind, sizeof(a->count_behind)) == 0 &&
		memcmp(a->nat, b->nat, sizeof(a->nat)) == 0 &&
		memcmp(a->nat_only, b->nat_only, sizeof(a->nat_only)) == 0 &&
		memcmp(a->raw, b->raw, sizeof(a->raw)) == 0 &&
		memcmp(a->exceeded, b->exceeded, sizeof(a->exceeded)) == 0 &&
		memcmp(a->split, b->split, sizeof(a->split)) == 0;
}

/* All rules of the plan, and the base chains that are missing.  Returns which there are then. */
static unsigned int add_rules(struct fwd_nft_batch *b, const struct fwd_nft *nft,
			      const struct fw_plan *plan)
{
	unsigned int bases = nft->bases;

	flush_all(b, nft);
	if (plan->kct)
		fwd_kct_add_states(b, nft);
	if (fwd_wait_wanted(plan))
		fwd_wait_sets(b);
	if (plan->expected)
		fwd_begun_add_expected(b, nft);
	add_owners(b, nft, plan);
	for (unsigned int i = 0; i < FWD_N_BASES; i++) {
		if (!wants(plan, i))
			continue;
		if (!(bases >> i & 1))
			fwd_nft_add_base(b, i);
		bases |= 1u << i;
		if (i == FWD_CLEAN_INPUT || i == FWD_CLEAN_POSTROUTING)
			add_cleaner(b, nft, i);
		else if (plan->kct)
			fwd_kct_add(b, nft, plan, i);
		else
			add_hook(b, nft, plan, i);
	}
	return bases;
}

static bool counts(const struct fw_plan *plan)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int h = 0; h < FW_N_HOOKS; h++)
			if (plan->count[f][h] || plan->count_behind[f])
				return true;
	return false;
}

static int apply(struct fwd_nft *nft, const struct fw_plan *plan, struct fw_err *err)
{
	unsigned int bases = nft->bases;
	struct fwd_nft_batch *b;
	int r;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		r = plan->track[f] && !plan->kct ? fwd_nft_defrag(nft, f, err) : 0;
		if (r)
			return r;
		if (plan->dying[f])
			fwd_nft_probe_fib(nft);
	}
	if (nft->applied && same_rules(&nft->plan, plan))
		return 0;
	if (fwd_wait_wanted(plan))
		fwd_wait_probe(nft);

	b = fwd_nft_begin(nft);
	if (b)
		bases = add_rules(b, nft, plan);
	r = fwd_nft_commit(nft, b);
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot change the nft table inet %s: %s", FWD_TABLE,
			strerror(-r));
		return r;
	}
	nft->bases = bases;
	nft->counting |= counts(plan);
	nft->plan = *plan;
	nft->applied = true;
	return 0;
}

int fwd_nft_apply(struct fwd_nft *nft, const struct fw_plan *plan, struct fw_err *err)
{
	int r;

	pthread_mutex_lock(&nft->lock);
	r = apply(nft, plan, err);
	pthread_mutex_unlock(&nft->lock);
	return r;
}

int fwd_nft_remake(struct fwd_nft *nft, const struct fwd_config *config)
{
	int r = 0;

	pthread_mutex_lock(&nft->lock);
	if (nft->applied) { /* else nothing was asked for yet, or no more */
		const struct fw_plan plan = nft->plan;

		nft->applied = false;
		r = fwd_nft_restore(nft, config);
		if (!r && plan.kct)
			r = fwd_nat_remake(nft);
		if (!r && plan.kct)
			r = fwd_assign_remake(nft);
		if (!r)
			r = apply(nft, &plan, NULL);
		nft->applied = true; /* it is what we want, come what may */
	}
	pthread_mutex_unlock(&nft->lock);
	return r;
}

int fwd_nft_silence(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b;
	int r;

	pthread_mutex_lock(&nft->lock);
	b = fwd_nft_begin(nft);
	if (b)
		flush_all(b, nft);
	nft->applied = false;
	r = fwd_nft_commit(nft, b);
	pthread_mutex_unlock(&nft->lock);
	return r;
}
