/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations: each distinct one that a rule may ask for has a code, and our table a chain of that
 * number which carries it out.  A packet's verdict carries the code in our mark bits (fw/mark.h) to
 * the base chain of type nat behind the queue, whose map leads to the chain.
 *
 * A code belongs to its translation for good, so a verdict of a ruleset that is no more in force
 * is carried out as it was meant.
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
	uint32_t n;           /* codes 1..n are given */
	uint32_t made;        /* … and codes up to this have their chains */
	bool maps;            /* the maps are there */
	uint32_t n_shifts;    /* maps of shifts, among codes 1..n */
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

	return code && code <= nft->nat->made ? code : 0;
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

	if (nat->kind == FW_NAT_NONE) /* given to nobody */
		return;
	snprintf(name, sizeof(name), "nat_%u", code);
	fwd_batch_chain(b, FWD_TABLE, name, NULL, 0, 0);
	fwd_batch_flush(b, FWD_TABLE, name); /* a table that was adopted may have it */
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
	return r;
}

/* Does a code before this one have this shift's map? */
static bool has_map(const struct fwd_nat *n, uint32_t before, const struct fw_nat *nat)
{
	for (uint32_t i = 1; i < before; i++)
		if (fwd_shift_mapped(&n->nat[i]) && fwd_shift_same(&n->nat[i], nat))
			return true;
	return false;
}

static int make_shifts(struct fwd_nft *nft, uint32_t from, uint32_t to)
{
	int r = 0;

	for (uint32_t i = from; !r && i <= to; i++) {
		const struct fw_nat *nat = &nft->nat->nat[i];

		if (fwd_shift_mapped(nat) && !has_map(nft->nat, i, nat))
			r = fwd_shift_make(nft, nat);
	}
	return r;
}

/* Chains for the codes from..to; nobody comes there before the ruleset is in force. */
static int make_chains(struct fwd_nft *nft, uint32_t from, uint32_t to)
{
	int r = nft->nat->maps ? 0 : make_maps(nft);

	if (!r)
		r = make_shifts(nft, from, to);
	while (!r && from <= to) {
		struct fwd_nft_batch *b = fwd_nft_begin(nft);

		for (uint32_t i = 0; b && i < PER_BATCH && from <= to; i++)
			add_chain(b, nft, from++);
		r = fwd_nft_commit(nft, b);
	}
	return r;
}

int fwd_nat_remake(struct fwd_nft *nft)
{
	if (!nft->nat)
		return 0;
	nft->nat->maps = false;
	return make_chains(nft, 1, nft->nat->made);
}

/* ---- codes --------------------------------------------------------------------------------- */

/* What nft tells of first packets is left in their marks until nat's chain is near (kct.c). */
static bool looks_told(uint32_t code)
{
	const uint32_t ctinfo = (code & FW_MARK_CTINFO_MASK) >> FW_MARK_CTINFO_SHIFT;

	return ctinfo == FW_CT_NEW || ctinfo == FW_CT_RELATED;
}

/* A code for one more; -ENOSPC where there are no more. */
static int give_code(void *priv, const struct fw_nat *nat)
{
	struct fwd_nat *n = priv;
	bool shift;
	uint32_t slot;

	if (find(n, nat, &slot))
		return 0;
	shift = fwd_shift_mapped(nat) && !has_map(n, n->n + 1, nat);
	if (shift && n->n_shifts == MAX_SHIFTS)
		return -E2BIG;
	do {
		if (n->n == MAX_CODES)
			return -ENOSPC;
		n->n++;
	} while (looks_told(n->n));
	n->nat[n->n] = *nat;
	n->slots[slot] = (uint16_t)n->n;
	n->n_shifts += shift;
	return 0;
}

static int fail(struct fw_err *err, int r)
{
	if (r == -ENOSPC) {
		fw_fail(err, FW_ERR_LIMIT, "more than %u different translations since the start",
			USABLE);
		fw_err_hint(err, "restart fwd, or use NETMAP, REDIRECT or ranges in place of many "
				 "rules");
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

int fwd_nat_prepare(struct fwd_nft *nft, struct fwd_core *core, const struct fw_ruleset *rs,
		    struct fw_err *err)
{
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
	if (!r) {
		pthread_mutex_lock(&core->lock);
		r = fw_nat_each(rs, give_code, nft->nat);
		pthread_mutex_unlock(&core->lock);
	}
	if (!r)
		r = make_chains(nft, nft->nat->made + 1, nft->nat->n);
	if (!r) {
		pthread_mutex_lock(&core->lock);
		nft->nat->made = nft->nat->n;
		pthread_mutex_unlock(&core->lock);
	}
	pthread_mutex_unlock(&nft->lock);
	return r ? fail(err, r) : 0;
}
