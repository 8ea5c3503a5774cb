/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our table.
 *
 *	table inet fwdd {
 *		chain judge { queue }                        the one way to the daemon
 *		chain types { … }                            packet type into our mark bits
 *		chain prerouting { type filter hook … ; meta nfproto ipv4 goto judge }
 *		chain input, forward, output, postrouting    the same
 *		chain clean_input, clean_postrouting         take our mark bits off, one step later
 *		chain defrag { … }                           nobody jumps here, see below
 *	}
 *
 * Base chains stand from start to stop: when any base chain goes, the kernel drops every packet
 * that waits in any queue.  Run-time changes touch rules only, in one batch.
 *
 * Priorities.  One visit covers all tables of a hook, so it stands where the first of them that
 * others may depend on would: PREROUTING and OUTPUT before the kernel's NAT (-100) and behind its
 * conntrack (-200), INPUT and FORWARD at filter's place, POSTROUTING just before source NAT.
 *
 * Ownership.  While the socket lives nobody else can change or flush the table.  Fail open: it
 * goes when the socket goes.  Fail closed: it stays (PERSIST), and its queue rule, without a
 * listener and without bypass, drops; the next start adopts it.  Kernels before 6.9 have no
 * PERSIST: there the table has no owner, which keeps it too.
 *
 * Whole packets.  The tracker needs what the kernel's needs: packets put together at priority
 * -400.  An expression of nft's tproxy switches that on for a family by merely existing, without
 * conntrack and its cost.  The chain it is in has no caller.  It is never taken back before stop,
 * because that too would drop what is queued.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expr.h"
#include "kernel.h"

#define TABLE "fwdd"
#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4
#endif

static const struct base {
	const char *name;
	int hook, priority;
} bases[] = {
	[FW_PREROUTING] = {"prerouting", NF_INET_PRE_ROUTING, -150},
	[FW_INPUT] = {"input", NF_INET_LOCAL_IN, 0},
	[FW_FORWARD] = {"forward", NF_INET_FORWARD, 0},
	[FW_OUTPUT] = {"output", NF_INET_LOCAL_OUT, -150},
	[FW_POSTROUTING] = {"postrouting", NF_INET_POST_ROUTING, 90},
};
_Static_assert(FW_ARRAY_SIZE(bases) == FW_N_HOOKS, "one for each hook");

static const struct base cleaners[] = {
	{"clean_input", NF_INET_LOCAL_IN, 1},
	{"clean_postrouting", NF_INET_POST_ROUTING, 91},
};

static const uint8_t nfprotos[FW_N_FAMILIES] = {NFPROTO_IPV4, NFPROTO_IPV6};

static struct fwd_nft_batch *batch_new(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = malloc(sizeof(*b));

	if (b)
		fwd_batch_begin(b, &nft->seq);
	return b;
}

static int batch_run(struct fwd_nft *nft, struct fwd_nft_batch *b)
{
	int r = b ? fwd_batch_commit(b, nft->fd) : -ENOMEM;

	free(b);
	return r;
}

/* ---- start --------------------------------------------------------------------------------- */

/* The table and all chains; `fresh` deletes one that is there, in the same batch. */
static int make_table(struct fwd_nft *nft, uint32_t flags, bool fresh)
{
	struct fwd_nft_batch *b = batch_new(nft);

	if (!b)
		return -ENOMEM;
	if (fresh)
		fwd_batch_table(b, NFT_MSG_DELTABLE, TABLE, 0);
	fwd_batch_table(b, NFT_MSG_NEWTABLE, TABLE, flags);
	fwd_batch_chain(b, TABLE, "judge", -1, 0);
	fwd_batch_chain(b, TABLE, "types", -1, 0);
	fwd_batch_chain(b, TABLE, "defrag", -1, 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(bases); i++)
		fwd_batch_chain(b, TABLE, bases[i].name, bases[i].hook, bases[i].priority);
	for (size_t i = 0; i < FW_ARRAY_SIZE(cleaners); i++)
		fwd_batch_chain(b, TABLE, cleaners[i].name, cleaners[i].hook, cleaners[i].priority);
	return batch_run(nft, b);
}

/*
 * Take over or make the table with these flags.  A table left by a crash is adopted as it stands
 * (its rules go on dropping until ours replace them); one whose flags or chains do not fit is
 * replaced.
 */
static int try_flags(struct fwd_nft *nft, uint32_t flags)
{
	int r = make_table(nft, flags, false);

	if (r == -EOPNOTSUPP || r == -EEXIST || r == -EINVAL || r == -EBUSY) {
		int again = make_table(nft, flags, true);

		if (again != -ENOENT)
			r = again;
	}
	if (r)
		return r;
	nft->owner = flags & NFT_TABLE_F_OWNER;
	nft->persist = flags & NFT_TABLE_F_PERSIST;
	nft->made = true;
	return 0;
}

static int open_table(struct fwd_nft *nft, bool fail_open, struct fw_err *err)
{
	int r = try_flags(nft,
			  fail_open ? NFT_TABLE_F_OWNER : NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST);

	if (r == -EOPNOTSUPP || r == -EINVAL) /* older than the flag */
		r = try_flags(nft, 0);
	if (r == 0)
		return 0;
	if (r == -EPERM) {
		fw_fail(err, FW_ERR_PERM, "may not make the nft table inet %s", TABLE);
		fw_err_hint(err,
			    "another fwd may own it in this network namespace (nft list tables); "
			    "else CAP_NET_ADMIN is missing");
	} else {
		fw_fail(err, FW_ERR_RESOURCE, "cannot make the nft table inet %s: %s", TABLE,
			strerror(-r));
		if (r == -EOPNOTSUPP || r == -EINVAL || r == -ENOENT)
			fw_err_hint(err, "the kernel needs nf_tables (CONFIG_NF_TABLES, _INET)");
	}
	return r;
}

/* Packets of this type carry its number in our bits into the queue. */
static void add_pkttype(struct fwd_nft_batch *b, const struct fwd_nft *nft, uint8_t type)
{
	const uint32_t bits = FW_MARK_PKTTYPE_MASK << nft->mark_shift;
	const uint32_t value = (uint32_t)type << (FW_MARK_PKTTYPE_SHIFT + nft->mark_shift);
	struct nftnl_rule *r = fwd_rule_new(b, TABLE, "types");

	fwd_rule_meta(b, r, NFT_META_PKTTYPE);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &type, sizeof(type));
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ~bits, value);
	fwd_rule_set_mark(b, r);
	fwd_batch_rule(b, r);
}

/* The two chains that base chains send packets through. */
static int make_ways(struct fwd_nft *nft, const struct fwd_config *config, enum fwd_queue_kind kind)
{
	const uint16_t num = (uint16_t)config->queue_base, total = (uint16_t)config->queues;
	struct fwd_nft_batch *b = batch_new(nft);
	struct nftnl_rule *rule;

	if (!b)
		return -ENOMEM;
	fwd_batch_flush(b, TABLE, "types");
	for (uint8_t type = FW_PKT_BROADCAST; type <= FW_PKT_OTHERHOST; type++)
		add_pkttype(b, nft, type);
	fwd_batch_flush(b, TABLE, "judge");
	rule = fwd_rule_new(b, TABLE, "judge");
	if (kind == FWD_QUEUE_NATIVE)
		fwd_rule_queue_native(b, rule, num, total, config->fail_open);
	else
		fwd_rule_queue_compat(b, rule, num, total, config->fail_open);
	fwd_batch_rule(b, rule);
	return batch_run(nft, b);
}

int fwd_nft_open(struct fwd_nft *nft, const struct fwd_config *config, struct fw_err *err)
{
	int r;

	nft->mark_shift = config->mark_shift;
	nft->fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	if (nft->fd < 0) {
		fw_fail(err, FW_ERR_RESOURCE, "no netfilter netlink socket: %s",
			strerror(-nft->fd));
		return nft->fd;
	}
	r = open_table(nft, config->fail_open, err);
	if (r)
		return r;

	nft->queue_kind = FWD_QUEUE_NATIVE;
	r = make_ways(nft, config, nft->queue_kind);
	if (r) {
		nft->queue_kind = FWD_QUEUE_COMPAT;
		r = make_ways(nft, config, nft->queue_kind);
	}
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot make a queue rule: %s", strerror(-r));
		fw_err_hint(err,
			    "the kernel needs CONFIG_NFT_QUEUE, or CONFIG_NFT_COMPAT with "
			    "CONFIG_NETFILTER_XT_TARGET_NFQUEUE");
	}
	return r;
}

/* ---- rules --------------------------------------------------------------------------------- */

static bool any_family(const struct fw_plan *plan, unsigned int hook)
{
	return plan->queue[FW_IP4][hook] || plan->queue[FW_IP6][hook];
}

static bool any_queue(const struct fw_plan *plan)
{
	for (unsigned int h = 0; h < FW_N_HOOKS; h++)
		if (any_family(plan, h))
			return true;
	return false;
}

/* "meta nfproto F" when only one family of a hook is wanted. */
static void add_family(struct fwd_nft_batch *b, struct nftnl_rule *r, const bool *wanted4,
		       const bool *wanted6)
{
	if (*wanted4 && *wanted6)
		return;
	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &nfprotos[*wanted4 ? FW_IP4 : FW_IP6], 1);
}

/*
 * Who needs the packet type: rules that ask, and REJECT at INPUT, for nothing is answered that the
 * link layer sent to many.  Locally made packets are PACKET_HOST wherever rules see them.
 */
static bool wants_pkttype(const struct fw_plan *plan, unsigned int hook)
{
	const unsigned int asking = FW_NEED_PKTTYPE | (hook == FW_INPUT ? FW_NEED_QUOTE : 0);

	if (hook != FW_PREROUTING && hook != FW_INPUT && hook != FW_FORWARD)
		return false;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if (plan->queue[f][hook] && (plan->flags[f] & asking))
			return true;
	return false;
}

static void add_types(struct fwd_nft_batch *b, const char *chain)
{
	struct nftnl_rule *r = fwd_rule_new(b, TABLE, chain);
	const uint8_t host = FW_PKT_HOST;

	fwd_rule_meta(b, r, NFT_META_PKTTYPE);
	fwd_rule_cmp(b, r, NFT_CMP_NEQ, &host, sizeof(host));
	fwd_rule_chain(b, r, NFT_JUMP, "types");
	fwd_batch_rule(b, r);
}

static void add_hook(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int hook)
{
	const char *chain = bases[hook].name;
	struct nftnl_rule *r;

	if (!any_family(plan, hook))
		return;
	if (wants_pkttype(plan, hook))
		add_types(b, chain);
	r = fwd_rule_new(b, TABLE, chain);
	add_family(b, r, &plan->queue[FW_IP4][hook], &plan->queue[FW_IP6][hook]);
	fwd_rule_chain(b, r, NFT_GOTO, "judge");
	fwd_batch_rule(b, r);
}

/* A packet leaves our sight: our bits go.  Towards lo it has not: it comes in again. */
static void add_cleaner(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct base *base)
{
	const uint32_t ours = fw_mark_mask(nft->mark_shift), none = 0, loopback = 1;
	struct nftnl_rule *r = fwd_rule_new(b, TABLE, base->name);

	if (base->hook == NF_INET_POST_ROUTING) {
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

static void flush_all(struct fwd_nft_batch *b)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(bases); i++)
		fwd_batch_flush(b, TABLE, bases[i].name);
	for (size_t i = 0; i < FW_ARRAY_SIZE(cleaners); i++)
		fwd_batch_flush(b, TABLE, cleaners[i].name);
}

static int try_defrag(struct fwd_nft *nft, enum fw_family family, enum fwd_defrag_kind kind)
{
	struct fwd_nft_batch *b = batch_new(nft);
	struct nftnl_rule *rule;

	if (!b)
		return -ENOMEM;
	rule = fwd_rule_new(b, TABLE, "defrag");
	if (kind == FWD_DEFRAG_TPROXY)
		fwd_rule_tproxy(b, rule, nfprotos[family]);
	else
		fwd_rule_ct_state(b, rule);
	fwd_batch_rule(b, rule);
	return batch_run(nft, b);
}

static int need_defrag(struct fwd_nft *nft, enum fw_family family, struct fw_err *err)
{
	enum fwd_defrag_kind kind = FWD_DEFRAG_TPROXY;
	int r;

	if (nft->defrag[family] != FWD_DEFRAG_NONE)
		return 0;
	r = try_defrag(nft, family, kind);
	if (r) {
		kind = FWD_DEFRAG_CT;
		r = try_defrag(nft, family, kind);
	}
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE,
			"the kernel cannot put fragments together for the tracker: %s",
			strerror(-r));
		fw_err_hint(err, "it needs CONFIG_NFT_TPROXY or CONFIG_NFT_CT");
		return r;
	}
	nft->defrag[family] = kind;
	return 0;
}

/* What of a plan the rules depend on. */
static bool same_rules(const struct fw_plan *a, const struct fw_plan *b)
{
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		if ((a->flags[f] ^ b->flags[f]) & (FW_NEED_PKTTYPE | FW_NEED_QUOTE))
			return false;
	return memcmp(a->queue, b->queue, sizeof(a->queue)) == 0;
}

int fwd_nft_apply(struct fwd_nft *nft, const struct fw_plan *plan, struct fw_err *err)
{
	struct fwd_nft_batch *b;
	int r;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		r = plan->track[f] ? need_defrag(nft, f, err) : 0;
		if (r)
			return r;
	}
	if (nft->applied && same_rules(&nft->plan, plan))
		return 0;

	b = batch_new(nft);
	if (b) {
		flush_all(b);
		for (unsigned int h = 0; h < FW_N_HOOKS; h++)
			add_hook(b, plan, h);
		if (any_queue(plan))
			for (size_t i = 0; i < FW_ARRAY_SIZE(cleaners); i++)
				add_cleaner(b, nft, &cleaners[i]);
	}
	r = batch_run(nft, b);
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot change the nft table inet %s: %s", TABLE,
			strerror(-r));
		return r;
	}
	nft->plan = *plan;
	nft->applied = true;
	return 0;
}

/* ---- stop ---------------------------------------------------------------------------------- */

int fwd_nft_silence(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = batch_new(nft);

	if (b)
		flush_all(b);
	nft->applied = false;
	return batch_run(nft, b);
}

void fwd_nft_close(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b;

	if (nft->made) {
		b = batch_new(nft);
		if (b)
			fwd_batch_table(b, NFT_MSG_DELTABLE, TABLE, 0);
		batch_run(nft, b);
	}
	if (nft->fd >= 0)
		close(nft->fd);
	nft->fd = -1;
	nft->made = false;
}
