/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our table's life; its rules are nft.c's.
 *
 *	table inet fwdd {
 *		chain judge { queue }                  the one way to the daemon
 *		chain types { … }                      packet type into our mark bits
 *		chain owners { … }                     who listens behind a SYN-ACK, likewise
 *		chain defrag { … }                     nobody jumps here, see below
 *		chain states { … }                     what the kernel's conntrack says into our bits (kct.c)
 *		chain expected { … }                   a connection that a helper waited for (kct.c)
 *		set begun4 { … }                       connections whose first packet is on its way (wait.c)
 *		chain ct_behind_3 { … }                what raw says of a connection that begins (assign.c)
 *		chain known_input { … }                what need not be judged any more (known.c)
 *		chain drop_input { … }                 sources that the kernel drops (block-nft.c), for hooks
 *		chain nat_7 { … }                      a translation, found by its code in a map (nat.c)
 *		chain input { type filter hook … }     and other base chains as they are needed
 *	}
 *
 * Base chains.  Each costs every packet of its hook a little, so one is made when the first rule
 * for it is; from then on it stands until the stop, empty or not, because when any base chain goes,
 * the kernel drops every packet that waits in any queue.  Making one harms nothing.
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

#include "block.h"
#include "nft.h"

#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4
#endif

const struct fwd_base fwd_bases[FWD_N_BASES] = {
	[FW_PREROUTING] = {"prerouting", "filter", NF_INET_PRE_ROUTING, -150},
	[FW_INPUT] = {"input", "filter", NF_INET_LOCAL_IN, 0},
	[FW_FORWARD] = {"forward", "filter", NF_INET_FORWARD, 0},
	[FW_OUTPUT] = {"output", "filter", NF_INET_LOCAL_OUT, -150},
	[FW_POSTROUTING] = {"postrouting", "filter", NF_INET_POST_ROUTING, 90},
	[FWD_CLEAN_INPUT] = {"clean_input", "filter", NF_INET_LOCAL_IN, 101},
	[FWD_CLEAN_POSTROUTING] = {"clean_postrouting", "filter", NF_INET_POST_ROUTING, 101},
	[FWD_CLEAR_OUTPUT] = {"clear_output", "filter", NF_INET_LOCAL_OUT, -101},
	[FWD_OUTPUT_BEHIND] = {"output_behind", "filter", NF_INET_LOCAL_OUT, 0},
	[FWD_RAW_PREROUTING] = {"raw_prerouting", "filter", NF_INET_PRE_ROUTING, -300},
	[FWD_RAW_OUTPUT] = {"raw_output", "filter", NF_INET_LOCAL_OUT, -300},
	[FWD_NOTRACK_PREROUTING] = {"notrack_prerouting", "filter", NF_INET_PRE_ROUTING, -299},
	[FWD_NOTRACK_OUTPUT] = {"notrack_output", "filter", NF_INET_LOCAL_OUT, -299},
	[FWD_BEGUN_PREROUTING] = {"begun_prerouting", "filter", NF_INET_PRE_ROUTING, -199},
	[FWD_BEGUN_OUTPUT] = {"begun_output", "filter", NF_INET_LOCAL_OUT, -199},
	[FWD_DYING] = {"dying", "filter", NF_INET_PRE_ROUTING, -99},
	[FWD_WAIT_PREROUTING] = {"wait_prerouting", "filter", NF_INET_PRE_ROUTING, -250},
	[FWD_WAIT_OUTPUT] = {"wait_output", "filter", NF_INET_LOCAL_OUT, -250},
	[FWD_NAT_PREROUTING] = {"nat_prerouting", "nat", NF_INET_PRE_ROUTING, -100},
	[FWD_NAT_INPUT] = {"nat_input", "nat", NF_INET_LOCAL_IN, 100},
	[FWD_NAT_OUTPUT] = {"nat_output", "nat", NF_INET_LOCAL_OUT, -100},
	[FWD_NAT_POSTROUTING] = {"nat_postrouting", "nat", NF_INET_POST_ROUTING, 100},
};

const uint8_t fwd_nfprotos[FW_N_FAMILIES] = {NFPROTO_IPV4, NFPROTO_IPV6};

struct fwd_nft_batch *fwd_nft_begin(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = malloc(sizeof(*b));

	if (b)
		fwd_batch_begin(b, &nft->seq);
	return b;
}

int fwd_nft_commit(struct fwd_nft *nft, struct fwd_nft_batch *b)
{
	int r = b ? fwd_batch_commit(b, nft->fd) : -ENOMEM;

	free(b);
	return r;
}

void fwd_nft_add_base(struct fwd_nft_batch *b, unsigned int base)
{
	fwd_batch_chain(b, FWD_TABLE, fwd_bases[base].name, fwd_bases[base].type,
			fwd_bases[base].hook, fwd_bases[base].priority);
}

/* ---- start --------------------------------------------------------------------------------- */

enum how {
	HOW_NEW, /* there must be none */
	HOW_ADOPT, /* take over what a crash has left, as it stands */
	HOW_REPLACE, /* delete and make anew, at once */
};

#define ALL_BASES ((1u << FWD_N_BASES) - 1)

/* Would this kernel let us have that table with these flags? */
static int touch_table(struct fwd_nft *nft, uint32_t flags)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);

	if (b)
		fwd_batch_table(b, NFT_MSG_NEWTABLE, 0, FWD_TABLE, flags);
	return fwd_nft_commit(nft, b);
}

/*
 * A table that is adopted goes on dropping by its old rules until ours replace them.  Whether it
 * can be is asked first: a batch that fails behind a new base chain takes that chain back, and so
 * drops what is queued.
 *
 * @bases  chains to make, too
 */
static int make_table(struct fwd_nft *nft, uint32_t flags, enum how how, unsigned int bases)
{
	struct fwd_nft_batch *b;
	int r = how == HOW_ADOPT ? touch_table(nft, flags) : 0;

	if (r)
		return r;
	b = fwd_nft_begin(nft);
	if (!b)
		return -ENOMEM;
	if (how == HOW_REPLACE)
		fwd_batch_table(b, NFT_MSG_DELTABLE, 0, FWD_TABLE, 0);
	fwd_batch_table(b, NFT_MSG_NEWTABLE, how == HOW_NEW ? NLM_F_EXCL : 0, FWD_TABLE, flags);
	fwd_batch_chain(b, FWD_TABLE, "judge", NULL, 0, 0);
	fwd_batch_chain(b, FWD_TABLE, "types", NULL, 0, 0);
	fwd_batch_chain(b, FWD_TABLE, "owners", NULL, 0, 0);
	fwd_batch_chain(b, FWD_TABLE, "defrag", NULL, 0, 0);
	fwd_batch_chain(b, FWD_TABLE, "states", NULL, 0, 0);
	fwd_batch_chain(b, FWD_TABLE, "expected", NULL, 0, 0);
	fwd_known_chains(b);
	for (unsigned int p = 0; p < FWD_N_PLACES; p++)
		fwd_batch_chain(b, FWD_TABLE, fwd_block_chain(p), NULL, 0, 0);
	for (unsigned int i = 0; i < FWD_N_BASES; i++)
		if (bases >> i & 1)
			fwd_nft_add_base(b, i);
	r = fwd_nft_commit(nft, b);
	if (r)
		return r;
	nft->owner = flags & NFT_TABLE_F_OWNER;
	nft->persist = flags & NFT_TABLE_F_PERSIST;
	nft->bases = bases;
	nft->made = true;
	nft->makes++;
	nft->adopted = how == HOW_ADOPT;
	return 0;
}

static int try_flags(struct fwd_nft *nft, uint32_t flags)
{
	int r = make_table(nft, flags, HOW_NEW, 0);

	if (r == -EEXIST)
		r = make_table(nft, flags, HOW_ADOPT, ALL_BASES); /* whatever it has */
	else if (r)
		return r;
	if (r == -EOPNOTSUPP || r == -EEXIST || r == -EINVAL || r == -EBUSY)
		r = make_table(nft, flags, HOW_REPLACE,
			       0); /* other flags, another version's chains */
	return r;
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
		fw_fail(err, FW_ERR_PERM, "may not make the nft table inet %s", FWD_TABLE);
		fw_err_hint(err,
			    "another fwd may own it in this network namespace (nft list tables); "
			    "else CAP_NET_ADMIN is missing");
	} else {
		fw_fail(err, FW_ERR_RESOURCE, "cannot make the nft table inet %s: %s", FWD_TABLE,
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
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, "types");

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
	struct fwd_nft_batch *b = fwd_nft_begin(nft);
	struct nftnl_rule *rule;

	if (!b)
		return -ENOMEM;
	fwd_batch_flush(b, FWD_TABLE, "types");
	for (uint8_t type = FW_PKT_BROADCAST; type <= FW_PKT_OTHERHOST; type++)
		add_pkttype(b, nft, type);
	fwd_batch_flush(b, FWD_TABLE, "judge");
	rule = fwd_rule_new(b, FWD_TABLE, "judge");
	if (kind == FWD_QUEUE_NATIVE)
		fwd_rule_queue_native(b, rule, num, total, config->fail_open);
	else
		fwd_rule_queue_compat(b, rule, num, total, config->fail_open);
	fwd_batch_rule(b, rule);
	return fwd_nft_commit(nft, b);
}

int fwd_nft_open(struct fwd_nft *nft, const struct fwd_config *config, struct fw_err *err)
{
	int r;

	nft->mark_shift = config->mark_shift;
	nft->offload = config->offload;
	if (nft->fd < 0)
		nft->fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	else
		fwd_nl_drain(nft->fd); /* answers that the last life did not wait for */
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

int fwd_nft_restore(struct fwd_nft *nft, const struct fwd_config *config)
{
	const uint32_t flags =
		(nft->owner ? NFT_TABLE_F_OWNER : 0) | (nft->persist ? NFT_TABLE_F_PERSIST : 0);
	int r = make_table(nft, flags, HOW_ADOPT, nft->bases);

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		nft->defrag[f] = FWD_DEFRAG_NONE;
	return r ? r : make_ways(nft, config, nft->queue_kind);
}

/* ---- whole packets ------------------------------------------------------------------------- */

static int try_defrag(struct fwd_nft *nft, enum fw_family family, enum fwd_defrag_kind kind)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);
	struct nftnl_rule *rule;

	if (!b)
		return -ENOMEM;
	rule = fwd_rule_new(b, FWD_TABLE, "defrag");
	if (kind == FWD_DEFRAG_TPROXY)
		fwd_rule_tproxy(b, rule, fwd_nfprotos[family]);
	else
		fwd_rule_ct_state(b, rule);
	fwd_batch_rule(b, rule);
	return fwd_nft_commit(nft, b);
}

int fwd_nft_defrag(struct fwd_nft *nft, enum fw_family family, struct fw_err *err)
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

/* ---- routes -------------------------------------------------------------------------------- */

void fwd_nft_probe_fib(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b;
	struct nftnl_rule *rule;

	if (nft->fib != FWD_FIB_UNKNOWN)
		return;
	b = fwd_nft_begin(nft);
	if (!b)
		return;
	rule = fwd_rule_new(b, FWD_TABLE, "defrag"); /* which nobody goes through */
	fwd_rule_fib(b, rule, NFT_FIB_RESULT_OIF);
	fwd_batch_rule(b, rule);
	nft->fib = fwd_nft_commit(nft, b) ? FWD_FIB_MISSING : FWD_FIB_THERE;
	if (nft->fib == FWD_FIB_MISSING)
		fwd_log(5, "the kernel has no nft fib expression (CONFIG_NFT_FIB_INET): packets that "
			   "die for lack of a route are not tracked");
}

/* ---- stop ---------------------------------------------------------------------------------- */

void fwd_nft_close(struct fwd_nft *nft, bool delete)
{
	struct fwd_nft_batch *b;

	if (nft->made && delete) {
		b = fwd_nft_begin(nft);
		if (b)
			fwd_batch_table(b, NFT_MSG_DELTABLE, 0, FWD_TABLE, 0);
		fwd_nft_commit(nft, b);
	}
	if (nft->fd >= 0)
		close(nft->fd);
	nft->fd = -1;
	nft->made = false;
}
