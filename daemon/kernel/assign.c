/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j CT: each distinct thing that a rule of raw may tell the kernel's tracker has a code, which the
 * verdict of raw's visit carries in our mark bits (fw/mark.h) to two maps:
 *
 *	ct_before (-299)  zones: they say where the tracker looks
 *	ct_behind (-199)  helpers, timeouts, events: of the connection that it has begun there
 *
 * As with translations (nat.c) a code is given for good.  That also keeps every helper object: when
 * one goes, the kernel drops what waits in any queue.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/assign.h"
#include "nft.h"

#define MAX_CODES (FWD_MAX_ZONES - 1) /* in bits beneath those in which UNTRACKED travels */

struct fwd_assigns {
	uint32_t n;    /* codes 1..n are given */
	uint32_t made; /* … and codes up to this have their chains */
	bool maps;     /* the maps are there */
	struct fw_assign assign[MAX_CODES + 1];
};

static uint32_t find(const struct fwd_assigns *s, const struct fw_assign *a)
{
	for (uint32_t i = 1; i <= s->n; i++)
		if (!memcmp(&s->assign[i], a, sizeof(*a)))
			return i;
	return 0;
}

/* A code in our mark bits.  None looks like a packet that waits (wait.c): bits 1-0 are not 01. */
static uint32_t bits_of(uint32_t code)
{
	return code + 1 + (code - 1) / 3;
}

uint32_t fwd_assign_code(const struct fwd_nft *nft, const struct fw_rule *rule)
{
	struct fw_assign a;
	uint32_t code;

	if (!nft->assigns || !fw_assign_of(rule, &a))
		return 0;
	code = find(nft->assigns, &a);
	return code && code <= nft->assigns->made ? bits_of(code) : 0;
}

static bool is_among(const uint16_t *zones, size_t n, uint16_t zone)
{
	for (size_t i = 0; i < n; i++)
		if (zones[i] == zone)
			return true;
	return false;
}

size_t fwd_assign_zones(const struct fwd_nft *nft, uint16_t *ret, size_t max)
{
	const struct fwd_assigns *s = nft->assigns;
	size_t n = 0;

	ret[n++] = 0;
	for (uint32_t i = 1; s && i <= s->made && n < max; i++)
		if (s->assign[i].zone_of != FW_ZONE_NONE && !s->assign[i].zone_mark &&
		    !is_among(ret, n, s->assign[i].zone))
			ret[n++] = s->assign[i].zone;
	return n;
}

/* ---- their chains -------------------------------------------------------------------------- */

/* A map's row for a code, and the chain that it leads to: empty, for a table that was adopted may
 * have it from another life, with another meaning. */
static void add_row(struct fwd_nft_batch *b, const struct fwd_nft *nft, const char *map,
		    uint32_t code, char name[32])
{
	snprintf(name, 32, "%s_%u", map, code);
	fwd_batch_chain(b, FWD_TABLE, name, NULL, 0, 0);
	fwd_batch_flush(b, FWD_TABLE, name);
	fwd_batch_row(b, FWD_TABLE, map, bits_of(code) << nft->mark_shift, name);
}

/* The code stays in the mark: it is needed again behind the tracking. */
static void add_before(struct fwd_nft_batch *b, const struct fwd_nft *nft, uint32_t code)
{
	const struct fw_assign *a = &nft->assigns->assign[code];
	struct nftnl_rule *r;
	char name[32];

	add_row(b, nft, FWD_MAP_CT_BEFORE, code, name);
	if (a->zone_of == FW_ZONE_NONE)
		return;
	r = fwd_rule_new(b, FWD_TABLE, name);
	fwd_rule_zone(b, r, a);
	fwd_batch_rule(b, r);
}

/* Objects cannot be changed: what one is called says all of it. */
static void name_object(char name[64], const char *kind, const struct fw_assign *a,
			const char *what)
{
	snprintf(name, 64, "%s_%d_%u_%s", kind, a->family == FW_IP4 ? 4 : 6, a->proto, what);
}

static void add_behind(struct fwd_nft_batch *b, const struct fwd_nft *nft, uint32_t code,
		       const struct fwd_timeout *t)
{
	const struct fw_assign *a = &nft->assigns->assign[code];
	char name[32], helper[64], timeout[64];
	struct nftnl_rule *r;

	name_object(helper, "helper", a, a->helper);
	name_object(timeout, "timeout", a, a->timeout);
	if (a->helper[0])
		fwd_batch_helper(b, FWD_TABLE, helper, a);
	if (a->timeout[0])
		fwd_batch_timeout(b, FWD_TABLE, timeout, a, t);
	add_row(b, nft, FWD_MAP_CT_BEHIND, code, name);
	r = fwd_rule_new(b, FWD_TABLE, name);
	fwd_rule_meta(b, r, NFT_META_MARK);
	fwd_rule_bitwise(b, r, ~(FW_MARK_CODE_MASK << nft->mark_shift), 0);
	fwd_rule_set_mark(b, r);
	if (a->has_events)
		fwd_rule_events(b, r, a);
	if (a->helper[0])
		fwd_rule_object(b, r, NFT_OBJECT_CT_HELPER, helper);
	if (a->timeout[0])
		fwd_rule_object(b, r, NFT_OBJECT_CT_TIMEOUT, timeout);
	fwd_batch_rule(b, r);
}

static int make_maps(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);
	int r;

	if (!b)
		return -ENOMEM;
	fwd_batch_map(b, FWD_TABLE, FWD_MAP_CT_BEFORE, 1);
	fwd_batch_map(b, FWD_TABLE, FWD_MAP_CT_BEHIND, 2);
	r = fwd_nft_commit(nft, b);
	nft->assigns->maps = r == 0;
	return r;
}

static int make_chain(struct fwd_nft *nft, uint32_t code)
{
	const struct fw_assign *a = &nft->assigns->assign[code];
	struct fwd_timeout t = {.len = 0};
	struct fwd_nft_batch *b;

	if (a->timeout[0] && fwd_timeout_get(a, &t))
		return -EINVAL; /* -ENOENT is about helpers */
	b = fwd_nft_begin(nft);
	if (b) {
		add_before(b, nft, code);
		add_behind(b, nft, code, &t);
	}
	return fwd_nft_commit(nft, b);
}

/* One batch each, so that it is clear which one the kernel does not take. */
static int make_chains(struct fwd_nft *nft, uint32_t from, uint32_t to, uint32_t *bad)
{
	int r = nft->assigns->maps ? 0 : make_maps(nft);

	for (uint32_t code = from; !r && code <= to; code++) {
		r = make_chain(nft, code);
		*bad = code;
	}
	return r;
}

int fwd_assign_remake(struct fwd_nft *nft)
{
	uint32_t bad;

	if (!nft->assigns)
		return 0;
	nft->assigns->maps = false;
	return make_chains(nft, 1, nft->assigns->made, &bad);
}

/* ---- codes --------------------------------------------------------------------------------- */

struct coding {
	struct fwd_core *core;
	struct fwd_assigns *s;
};

/* A code for one more; -ENOSPC where there are no more. */
static int give_code(void *priv, const struct fw_assign *a)
{
	const struct coding *c = priv;
	struct fwd_assigns *s = c->s;

	if (find(s, a))
		return 0;
	if (s->n == MAX_CODES)
		return -ENOSPC;
	fwd_core_slice(c->core); /* packets wait for it: not while all rules are looked through */
	s->assign[++s->n] = *a;
	fwd_core_slice_end(c->core);
	return 0;
}

static int fail(struct fw_err *err, const struct fw_assign *a, int r)
{
	if (r == -ENOSPC) {
		fw_fail(err, FW_ERR_LIMIT, "more than %u different uses of CT since the start",
			MAX_CODES);
		fw_err_hint(err, "restart fwd");
	} else if (r == -ENOENT && a->helper[0]) {
		fw_fail(err, FW_ERR_PLACE,
			"CT: this kernel has no helper '%s' for protocol %u over IPv%d", a->helper,
			a->proto, a->family == FW_IP4 ? 4 : 6);
		fw_err_hint(err, "load nf_conntrack_%s, and say -p of the protocol that it is for",
			    a->helper);
		fw_err_words(err, "No chain/target/match by that name.");
	} else if (r == -EINVAL && a->timeout[0]) {
		fw_fail(err, FW_ERR_PLACE,
			"CT: the kernel has no timeout policy '%s' for protocol %u over IPv%d", a->timeout,
			a->proto, a->family == FW_IP4 ? 4 : 6);
		fw_err_hint(err, "make it by nfct(8) first");
		fw_err_words(err, "No chain/target/match by that name.");
	} else {
		fw_fail(err, FW_ERR_RESOURCE,
			"CT: cannot tell the kernel's tracker by the nft table inet %s: %s",
			FWD_TABLE, strerror(-r));
		fw_err_hint(err, "the kernel needs CONFIG_NFT_CT and CONFIG_NF_CONNTRACK_ZONES");
	}
	return r;
}

static int prepare(struct fwd_nft *nft, struct fwd_core *core, const struct fw_ruleset *rs,
		   uint32_t *bad)
{
	struct fwd_assigns *fresh = nft->assigns ? NULL : calloc(1, sizeof(*fresh));
	int r;

	pthread_mutex_lock(&core->lock);
	if (!nft->assigns)
		nft->assigns = fresh;
	pthread_mutex_unlock(&core->lock);
	r = nft->assigns
		? fw_assign_each(rs, give_code, &(struct coding){core, nft->assigns})
		: -ENOMEM;
	if (!r)
		r = make_chains(nft, nft->assigns->made + 1, nft->assigns->n, bad);
	if (!nft->assigns)
		return r;
	pthread_mutex_lock(&core->lock);
	if (r)
		nft->assigns->n = nft->assigns->made; /* what was refused may come again */
	else
		nft->assigns->made = nft->assigns->n;
	pthread_mutex_unlock(&core->lock);
	return r;
}

int fwd_assign_prepare(struct fwd_nft *nft, struct fwd_core *core, const struct fw_ruleset *rs,
		       struct fw_err *err)
{
	struct fw_assign refused;
	struct fw_needs needs;
	uint32_t bad = 0;
	int r;

	fw_ruleset_needs(rs, &needs);
	if (!((needs.flags[FW_IP4] | needs.flags[FW_IP6]) & FW_NEED_KCT))
		return 0;
	pthread_mutex_lock(&nft->lock);
	r = prepare(nft, core, rs, &bad);
	if (r && nft->assigns)
		refused = nft->assigns->assign[bad];
	else
		memset(&refused, 0, sizeof(refused));
	pthread_mutex_unlock(&nft->lock);
	return r ? fail(err, &refused, r) : 0;
}
