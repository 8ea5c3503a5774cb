/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sets of sources that the kernel drops, and the rules that do it (block.h).
 *
 *	chain drop_input {      ahead of everything else that the hook's chain does
 *		meta nfproto ipv4  meta iifname . meta l4proto . ip saddr . place @drop_7_4_all  drop
 *		meta nfproto ipv4  what begins a connection, and the same of @drop_7_4_new  drop
 *	}
 *
 * All sets of a number stand or go together.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"

#define TCP_SYN	   0x02
#define TCP_CHOOSE 0x3f /* all flags but those of congestion control */

static const char *const chains[FWD_N_PLACES] = {
	[FW_PREROUTING] = "drop_prerouting",
	[FW_INPUT] = "drop_input",
	[FW_FORWARD] = "drop_forward",
	[FWD_PLACE_RAW] = "drop_raw",
};

const char *fwd_block_chain(unsigned int place)
{
	return place < FWD_N_PLACES ? chains[place] : NULL;
}

struct fwd_kset fwd_block_set(uint32_t number, unsigned int family, unsigned int scope)
{
	struct fwd_kset set = {
		.words = FWD_BLOCK_WORD_ADDR + (family == FW_IP4 ? 1 : 4),
		.size = FWD_BLOCKS_MAX,
	};

	snprintf(set.name, sizeof(set.name), FWD_BLOCK_PREFIX "%u_%c_%s", number,
		 family == FW_IP4 ? '4' : '6', scope == FW_SOURCE_ALL ? "all" : "new");
	return set;
}

static void key_of(const struct fwd_source *s, uint32_t key[FWD_BLOCK_WORDS_MAX])
{
	memset(key, 0, FWD_BLOCK_WORDS_MAX * sizeof(*key));
	memcpy(&key[FWD_BLOCK_WORD_IN], s->in, sizeof(s->in));
	memcpy(&key[FWD_BLOCK_WORD_PROTO], &s->proto, 1);
	key[FWD_BLOCK_WORD_PLACE] = s->place;
	memcpy(&key[FWD_BLOCK_WORD_ADDR], &s->addr, s->family == FW_IP4 ? 4 : 16);
}

/* ---- rules --------------------------------------------------------------------------------- */

static void ask_state(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t states, uint32_t op)
{
	const uint32_t none = 0;

	fwd_rule_ct(b, r, NFT_CT_STATE);
	fwd_rule_bitwise(b, r, states, 0);
	fwd_rule_cmp(b, r, op, &none, sizeof(none));
}

static void ask_proto(struct fwd_nft_batch *b, struct nftnl_rule *r, uint8_t proto)
{
	fwd_rule_meta(b, r, NFT_META_L4PROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &proto, sizeof(proto));
}

/* Which of the source's packets are meant; proto: where only UDP's or TCP's are. */
static void ask_scope(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_plan *plan,
		      unsigned int scope, uint8_t proto)
{
	const uint32_t established = NF_CT_STATE_BIT(IP_CT_ESTABLISHED),
		       related = NF_CT_STATE_BIT(IP_CT_RELATED), new = NF_CT_STATE_BIT(IP_CT_NEW);
	const uint8_t syn = TCP_SYN;

	if (plan->kct && scope == FW_SOURCE_NEW)
		ask_state(b, r, new, NFT_CMP_NEQ);
	else if (plan->kct)
		ask_state(b, r, established | related, NFT_CMP_EQ);
	if (!proto)
		return;
	ask_proto(b, r, proto);
	if (proto != IPPROTO_TCP)
		return;
	fwd_rule_transport(b, r, 13, sizeof(syn));
	fwd_rule_bitwise8(b, r, TCP_CHOOSE);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &syn, sizeof(syn));
}

static void add_rule(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int place,
		     const struct fwd_kset *set, unsigned int family, unsigned int scope,
		     uint8_t proto)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, chains[place]);
	const uint8_t two = 2;

	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[family], 1);
	if (plan->dying[family]) { /* those without a hop left were seen in PREROUTING */
		fwd_rule_network(b, r, family == FW_IP4 ? 8 : 7, sizeof(two));
		fwd_rule_cmp(b, r, NFT_CMP_GTE, &two, sizeof(two));
	}
	if (place != FWD_PLACE_RAW) /* where nobody has tracked it yet */
		ask_scope(b, r, plan, scope, proto);
	fwd_load_meta(b, r, FWD_BLOCK_WORD_IN, NFT_META_IIFNAME);
	fwd_load_meta(b, r, FWD_BLOCK_WORD_PROTO, NFT_META_L4PROTO);
	fwd_load_word(b, r, FWD_BLOCK_WORD_PLACE, place);
	fwd_load_network(b, r, FWD_BLOCK_WORD_ADDR, family == FW_IP4 ? 12 : 8,
			 family == FW_IP4 ? 4 : 16);
	fwd_rule_in(b, r, set);
	fwd_rule_verdict(b, r, NF_DROP);
	fwd_batch_rule(b, r);
}

static void add_rules(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int place,
		      const struct fwd_kset *set, unsigned int family, unsigned int scope)
{
	if (scope == FW_SOURCE_ALL || plan->kct) {
		add_rule(b, plan, place, set, family, scope, 0);
		return;
	}
	add_rule(b, plan, place, set, family, scope, IPPROTO_UDP);
	add_rule(b, plan, place, set, family, scope, IPPROTO_TCP);
}

static void flush_chains(struct fwd_nft_batch *b)
{
	for (unsigned int i = 0; i < FWD_N_PLACES; i++)
		fwd_batch_flush(b, FWD_TABLE, chains[i]);
}

int fwd_block_flush(struct fwd_nft *nft)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);

	if (b)
		flush_chains(b);
	return fwd_nft_commit(nft, b);
}

/* ---- sets ---------------------------------------------------------------------------------- */

static bool is_covered(const struct fwd_block_sets *sets, const struct fwd_block *m)
{
	return sets->places[m->source.family][m->path.scope] & 1u << m->source.place;
}

/* The sets that stand are not what they should be: somebody has to go, the rules are gone, or there
 * are none for some member.  Under core->lock. */
static bool needs_new_sets(const struct fwd_blocks *bl)
{
	const struct fwd_block_table *t = bl->table;

	if (bl->cut)
		return true;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++) {
		const struct fwd_block *m = &t->block[i];

		if (m->state == FWD_BLOCK_OUT ||
		    (m->state == FWD_BLOCK_READY && !is_covered(&t->sets, m)))
			return true;
	}
	return false;
}

/* What goes into which set. */
struct load {
	bool renew;
	bool more; /* than fits: some are READY still, or again */
	uint32_t n_all;
	struct fwd_block_sets sets;
	struct fw_plan plan;
	uint32_t n[FW_N_FAMILIES][FW_N_SOURCE_SCOPES];
	uint32_t keys[FW_N_FAMILIES][FW_N_SOURCE_SCOPES][FWD_BLOCKS_BATCH * FWD_BLOCK_WORDS_MAX];
};

static void load_one(struct load *l, struct fwd_block *m, uint64_t now)
{
	const unsigned int family = m->source.family, scope = m->path.scope;
	const uint32_t words = fwd_block_set(0, family, scope).words;
	uint32_t key[FWD_BLOCK_WORDS_MAX];

	if (m->state == FWD_BLOCK_OUT)
		m->state = FWD_BLOCK_LEFT; /* l->renew, then */
	if (m->state != FWD_BLOCK_READY && (m->state != FWD_BLOCK_IN || !l->renew))
		return;
	l->sets.places[family][scope] |= (uint8_t)(1u << m->source.place);
	if (l->n_all == FWD_BLOCKS_BATCH) {
		m->state = FWD_BLOCK_READY;
		l->more = true;
		return;
	}
	l->n_all++;
	m->state = FWD_BLOCK_IN;
	if (!m->since)
		m->since = m->last = now;
	key_of(&m->source, key);
	memcpy(l->keys[family][scope] + l->n[family][scope]++ * words, key, words * sizeof(*key));
}

static bool is_empty(const struct fwd_block_sets *sets)
{
	static const struct fwd_block_sets none;

	return !memcmp(sets->places, none.places, sizeof(none.places));
}

static void load_all(struct fwd_blocks *bl, struct load *l, uint64_t now)
{
	struct fwd_block_table *t = bl->table;

	pthread_mutex_lock(&bl->core->lock);
	l->renew = needs_new_sets(bl);
	l->plan = fwd_snapshot_begin(bl->core, FWD_READER_BLOCKS)->plan;
	fwd_snapshot_end(bl->core, FWD_READER_BLOCKS);
	l->sets = l->renew ? (struct fwd_block_sets){.number = ++bl->last_number} : t->sets;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (t->block[i].state != FWD_BLOCK_FREE)
			load_one(l, &t->block[i], now);
	if (is_empty(&l->sets))
		l->sets.number = 0; /* there are rules no more */
	bl->cut = false;
	pthread_mutex_unlock(&bl->core->lock);
}

static void add_set(struct fwd_nft_batch *b, const struct load *l, unsigned int family,
		    unsigned int scope)
{
	const struct fwd_kset set = fwd_block_set(l->sets.number, family, scope);

	if (l->renew)
		fwd_kset_make(b, &set);
	fwd_kset_add(b, &set, l->keys[family][scope], l->n[family][scope]);
	for (unsigned int p = 0; l->renew && p < FWD_N_PLACES; p++)
		if (l->sets.places[family][scope] & 1u << p)
			add_rules(b, &l->plan, p, &set, family, scope);
}

static int send_load(struct fwd_nft *nft, const struct load *l)
{
	struct fwd_nft_batch *b = fwd_nft_begin(nft);

	if (b && l->renew)
		flush_chains(b);
	for (unsigned int f = 0; b && f < FW_N_FAMILIES; f++)
		for (unsigned int s = 0; s < FW_N_SOURCE_SCOPES; s++)
			if (l->sets.places[f][s])
				add_set(b, l, f, s);
	return fwd_nft_commit(nft, b);
}

int fwd_block_arm(struct fwd_blocks *bl)
{
	struct load *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	pthread_mutex_lock(&bl->nft->lock);
	load_all(bl, l, fwd_now());
	r = send_load(bl->nft, l);
	pthread_mutex_unlock(&bl->nft->lock);
	if (!r && l->renew)
		fwd_block_retire(bl);
	if (!r)
		bl->table->sets = l->sets;
	r = r ? r : l->more;
	free(l);
	return r;
}
