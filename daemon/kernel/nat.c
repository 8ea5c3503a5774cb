/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations: each distinct one that a rule may ask for has a code, and our table a chain of that
 * number which carries it out.  A packet's verdict carries the code in our mark bits (fw/mark.h) to
 * the base chain of type nat behind the queue, whose map leads to the chain.
 *
 * A code stays its translation's as long as a ruleset that has it may be in force (again), and until
 * every worker has answered what it had judged by one: a verdict is carried out as it was meant.
 * fwd_nat_settled() says when no ruleset but the one in force can be; what that does not use is idle,
 * and given to others where no code is left.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/nat.h"
#include "nft.h"

#define MAX_CODES  FW_MARK_CODE_MASK
#define USABLE     (MAX_CODES - 512) /* see looks_told() */
#define SLOTS      4096 /* twice as many, a power of two */
#define PER_BATCH  16   /* translations: a third of a batch's room */
#define MAX_SHIFTS 64   /* maps of 65,536 ports, about 4 MiB each */

struct fwd_nat {
	uint32_t n;     /* codes 1..n have been given */
	uint32_t n_free; /* … and so many of them can be given again: their kind is NONE */
	bool maps;       /* the maps are there */
	bool reused;     /* codes, and their chains are to be made */
	uint32_t n_shifts, shifts_made;
	struct fw_nat shifts[MAX_SHIFTS]; /* their maps stay */
	bool ready[MAX_CODES + 1];        /* its chain is there */
	bool idle[MAX_CODES + 1];
	const char *row[MAX_CODES + 1];   /* the map that leads to its chain; NULL: none */
	struct fw_nat nat[MAX_CODES + 1];
	uint16_t slots[SLOTS]; /* codes, by hash; 0: empty */
};

static uint32_t hash(const struct fw_nat *nat)
{
	const uint8_t *p = (const uint8_t *)nat;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*nat); i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t find(const struct fwd_nat *n, const struct fw_nat *nat, uint32_t *slot)
{
	uint32_t i = hash(nat) & (SLOTS - 1);

	while (n->slots[i] && memcmp(&n->nat[n->slots[i]], nat, sizeof(*nat)) != 0)
		i = (i + 1) & (SLOTS - 1);
	*slot = i;
	return n->slots[i];
}

uint32_t fwd_nat_code(const struct fwd_nft *nft, const struct fw_nat *nat)
{
	uint32_t slot, code = nft->nat ? find(nft->nat, nat, &slot) : 0;

	return code && nft->nat->ready[code] ? code : 0;
}

/* ---- their chains -------------------------------------------------------------------------- */

static const char *map_of(const struct fw_nat *nat)
{
	switch (nat->kind) {
	case FW_NAT_DST:
	case FW_NAT_REDIRECT: return FWD_MAP_DST;
	case FW_NAT_MASQUERADE: return FWD_MAP_MASQ;
	default: return FWD_MAP_SRC;
	}
}

static void add_chain(struct fwd_nft_batch *b, const struct fwd_nft *nft, uint32_t code)
{
	const struct fw_nat *nat = &nft->nat->nat[code];
	struct nftnl_rule *r;
	char name[16];

	snprintf(name, sizeof(name), "nat_%u", code);
	fwd_batch_chain(b, FWD_TABLE, name, NULL, 0, 0);
	if (nft->nat->row[code] && nft->nat->row[code] != map_of(nat))
		fwd_batch_unrow(b, FWD_TABLE, nft->nat->row[code], code << nft->mark_shift);
	fwd_batch_flush(b, FWD_TABLE, name); /* it may be there, from another life or use */
	r = fwd_rule_new(b, FWD_TABLE, name);
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ~(FW_MARK_CODE_MASK << nft->mark_shift), 0);
	fwd_rule_set_mark(b, r);
	if (fwd_shift_mapped(nat)) {
		fwd_batch_rule(b, r);
		fwd_shift_rules(b, name, nat);
		r = fwd_rule_new(b, FWD_TABLE, name);
	}
	fwd_rule_nat(b, r, nat);
	fwd_batch_rule(b, r);
	fwd_batch_row(b, FWD_TABLE, map_of(nat), code << nft->mark_shift, name);
}

/*
 * Those of a table that was adopted lead to chains by the codes of the life before, which were given
 * in another order; nft refuses what may not stand behind a row.  Nobody needs the rows: the packets
 * that wait will be judged by us.
 */
static int make_maps(struct fwd_nft *nft)
{
	static const char *const maps[] = {FWD_MAP_DST, FWD_MAP_SRC, FWD_MAP_MASQ};
	struct fwd_nft_batch *b = fwd_nft_begin(nft);
	int r;

	if (!b)
		return -ENOMEM;
	for (uint32_t i = 0; i < FW_ARRAY_SIZE(maps); i++) {
		fwd_batch_map(b, FWD_TABLE, maps[i], i + 1);
		fwd_batch_empty(b, FWD_TABLE, maps[i]);
	}
	r = fwd_nft_commit(nft, b);
	nft->nat->maps = r == 0;
	if (!r)
		memset(nft->nat->row, 0, sizeof(nft->nat->row));
	return r;
}

static bool has_map(const struct fwd_nat *n, const struct fw_nat *nat)
{
	for (uint32_t i = 0; i < n->n_shifts; i++)
		if (fwd_shift_same(&n->shifts[i], nat))
			return true;
	return false;
}

static int make_shifts(struct fwd_nft *nft)
{
	struct fwd_nat *n = nft->nat;
	int r = 0;

	while (!r && n->shifts_made < n->n_shifts) {
		r = fwd_shift_make(nft, &n->shifts[n->shifts_made]);
		n->shifts_made += !r;
	}
	return r;
}

/* The next PER_BATCH codes from *code on whose chains are there (or not); made says which. */
static int make_some(struct fwd_nft *nft, uint32_t *code, bool ready)
{
	struct fwd_nat *n = nft->nat;
	struct fwd_nft_batch *b = fwd_nft_begin(nft);
	uint32_t codes[PER_BATCH], i = 0;
	int r;

	for (; b && i < PER_BATCH && *code <= n->n; ++*code)
		if (n->nat[*code].kind != FW_NAT_NONE && n->ready[*code] == ready) {
			add_chain(b, nft, *code);
			codes[i++] = *code;
		}
	r = fwd_nft_commit(nft, b);
	for (uint32_t k = 0; !r && k < i; k++)
		n->row[codes[k]] = map_of(&n->nat[codes[k]]);
	return r;
}

/* Chains for codes; nobody comes to new ones before the ruleset is in force. */
static int make_chains(struct fwd_nft *nft, bool ready)
{
	int r = nft->nat->maps ? 0 : make_maps(nft);

	if (!r)
		r = make_shifts(nft);
	for (uint32_t code = 1; !r && code <= nft->nat->n;)
		r = make_some(nft, &code, ready);
	return r;
}

int fwd_nat_remake(struct fwd_nft *nft)
{
	if (!nft->nat)
		return 0;
	nft->nat->maps = false;
	nft->nat->shifts_made = 0;
	return make_chains(nft, true);
}

/* ---- codes --------------------------------------------------------------------------------- */

/* What nft tells of first packets is left in their marks until nat's chain is near (kct.c). */
static bool looks_told(uint32_t code)
{
	const uint32_t ctinfo = (code & FW_MARK_CTINFO_MASK) >> FW_MARK_CTINFO_SHIFT;

	return ctinfo == FW_CT_NEW || ctinfo == FW_CT_RELATED;
}

/* Codes that nobody can use are free. */
static void reclaim(struct fwd_nat *n)
{
	uint32_t slot;

	memset(n->slots, 0, sizeof(n->slots));
	for (uint32_t i = 1; i <= n->n; i++) {
		if (n->nat[i].kind == FW_NAT_NONE)
			continue;
		if (n->idle[i]) {
			memset(&n->nat[i], 0, sizeof(n->nat[i]));
			n->ready[i] = n->idle[i] = false;
			n->n_free++;
			continue;
		}
		find(n, &n->nat[i], &slot);
		n->slots[slot] = (uint16_t)i;
	}
}

/* 0: there is none */
static uint32_t free_code(struct fwd_nat *n)
{
	while (n->n < MAX_CODES)
		if (!looks_told(++n->n))
			return n->n;
	if (!n->n_free)
		reclaim(n);
	for (uint32_t i = 1; n->n_free && i <= n->n; i++)
		if (n->nat[i].kind == FW_NAT_NONE && !looks_told(i)) {
			n->n_free--;
			n->reused = true;
			return i;
		}
	return 0;
}

/* A code for one more; -ENOSPC where there are no more.  Under core->lock. */
static int give_code(struct fwd_nat *n, const struct fw_nat *nat)
{
	const bool shift = fwd_shift_mapped(nat) && !has_map(n, nat);
	uint32_t slot, code;

	if (shift && n->n_shifts == MAX_SHIFTS)
		return -E2BIG;
	code = free_code(n);
	if (!code)
		return -ENOSPC;
	if (shift)
		n->shifts[n->n_shifts++] = *nat;
	n->nat[code] = *nat;
	n->idle[code] = false;
	find(n, nat, &slot); /* the slots may be others now */
	n->slots[slot] = (uint16_t)code;
	return 0;
}

struct coding {
	struct fwd_core *core;
	struct fwd_nat *n;
};

/* Mostly there is one: the lock, for which packets wait, is taken for those that are new only. */
static int need_code(void *priv, const struct fw_nat *nat)
{
	const struct coding *c = priv;
	uint32_t slot, code = find(c->n, nat, &slot);
	int r;

	if (code) {
		c->n->idle[code] = false; /* no worker looks at it */
		return 0;
	}
	fwd_core_slice(c->core);
	r = give_code(c->n, nat);
	fwd_core_slice_end(c->core);
	return r;
}

static int use_code(void *priv, const struct fw_nat *nat)
{
	struct fwd_nat *n = priv;
	uint32_t slot;

	n->idle[find(n, nat, &slot)] = false;
	return 0;
}

void fwd_nat_settled(struct fwd_nft *nft, const struct fw_ruleset *rs)
{
	pthread_mutex_lock(&nft->lock);
	if (nft->nat && nft->nat->n > MAX_CODES / 2) { /* else there is time */
		memset(nft->nat->idle, true, sizeof(nft->nat->idle));
		fw_nat_each(rs, use_code, nft->nat);
	}
	pthread_mutex_unlock(&nft->lock);
}

static int fail(struct fw_err *err, int r)
{
	if (r == -ENOSPC) {
		fw_fail(err, FW_ERR_LIMIT, "more than %u different translations", USABLE);
		fw_err_hint(err, "those of the rules in force count, too; use NETMAP, REDIRECT or ranges "
				 "in place of many rules");
	} else if (r == -E2BIG) {
		fw_fail(err, FW_ERR_LIMIT, "more than %u different port shifts since the start",
			MAX_SHIFTS);
		fw_err_hint(err, "restart fwd; a shift is FIRST-LAST/BASE, whatever the address");
	} else {
		fw_fail(err, FW_ERR_RESOURCE, "cannot make translations in the nft table inet %s: %s",
			FWD_TABLE, strerror(-r));
		fw_err_hint(err, "the kernel needs CONFIG_NFT_NAT, CONFIG_NFT_MASQ, "
				 "CONFIG_NFT_REDIR and CONFIG_NFT_CT");
	}
	return r;
}

/* nft->lock is held, and left for a while. */
static int make_new(struct fwd_kernel *k)
{
	struct fwd_nft *nft = &k->nft;
	struct fwd_nat *n = nft->nat;
	int r = 0;

	if (n->reused) {
		pthread_mutex_unlock(&nft->lock); /* which a worker may wait for */
		r = fwd_kernel_answered(k);
		pthread_mutex_lock(&nft->lock);
	}
	if (!r)
		r = make_chains(nft, false);
	if (r)
		return r;
	n->reused = false;
	pthread_mutex_lock(&k->core->lock);
	for (uint32_t i = 1; i <= n->n; i++)
		n->ready[i] = n->nat[i].kind != FW_NAT_NONE;
	pthread_mutex_unlock(&k->core->lock);
	return 0;
}

int fwd_nat_prepare(struct fwd_kernel *k, const struct fw_ruleset *rs, struct fw_err *err)
{
	struct fwd_core *core = k->core;
	struct fwd_nft *nft = &k->nft;
	struct fw_needs needs;
	int r;

	fw_ruleset_needs(rs, &needs);
	if (!needs.kct && !core->plan.kct)
		return 0;
	pthread_mutex_lock(&nft->lock);
	if (!nft->nat) {
		struct fwd_nat *fresh = calloc(1, sizeof(*fresh));

		pthread_mutex_lock(&core->lock);
		nft->nat = fresh;
		pthread_mutex_unlock(&core->lock);
	}
	r = nft->nat ? 0 : -ENOMEM;
	if (!r)
		r = fw_nat_each(rs, need_code, &(struct coding){core, nft->nat});
	if (!r)
		r = make_new(k);
	for (uint32_t i = 1; r && nft->nat && i <= nft->nat->n; i++)
		nft->nat->idle[i] |= !nft->nat->ready[i]; /* the ruleset will not be */
	pthread_mutex_unlock(&nft->lock);
	return r ? fail(err, r) : 0;
}
