/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow cache (fw/flowcache.h): a table of keys, five to a set, and an arena of outcomes.
 *
 * When it is asked.  A compiled chain answers faster than a big table that the processor's caches
 * do not hold.  So it is known for every hook and state how long packets' walks are there, on
 * average over the last ones, and only where they are long the cache is asked.
 *
 * What is allowed in.  A key that missed leaves a trace of itself in its set; only when it misses
 * again, before three others did, is the walk recorded.  So packets that come once (a flood
 * from made-up sources) cost a lookup and drive nobody out.
 *
 * What makes it void.  Outcomes point at rules and counters of a ruleset.  Every entry carries the
 * epoch in which it was made, and an exchanged ruleset begins a new one; the arena is then empty.
 * A full arena does the same: all is forgotten, and what still runs is back after two packets.
 */
#include "engine/cache.h"

#include <stdlib.h>

#define WAYS		5
#define SEEN		3
#define BUCKETS		4096u
#define ARENA_PER_ENTRY 8 /* words; several entries mostly share an outcome */
#define ARENA_MIN	512

#define WORTH	   150 /* from this average on the cache is asked; as fw_walk.cost counts */
#define COST_MAX   100000
#define AVERAGE_OF 16 /* walks */

struct entry {
	struct flow_key key;
	uint32_t epoch; /* 0: never used */
	uint32_t path; /* place in the arena */
	uint32_t zero[8];
} __attribute__((aligned(64)));

/* What is looked at first: half a line. */
struct set {
	uint32_t hash[WAYS];
	uint32_t seen[SEEN]; /* who missed last */
} __attribute__((aligned(32)));

struct fw_flow_cache {
	struct fw_flow_cache_stats stats;
	const struct fw_ruleset *rs; /* what all outcomes belong to */
	uint64_t generation; /* and its number */
	uint64_t seed;
	uint32_t epoch;
	uint32_t mask; /* sets - 1 */
	uint32_t room; /* words of the arena */
	uint32_t used; /* words of the arena; the first is none's */
	uint32_t bucket[BUCKETS];
	uint32_t worth;
	uint32_t average[FW_N_FAMILIES][FW_N_HOOKS][FW_N_CTINFO]; /* cost, times AVERAGE_OF */
	struct set *sets;
	struct entry *entries; /* WAYS for each set */
	uint64_t *arena;
};

struct fw_flow_cache *fw_flow_cache_new(uint32_t entries, uint64_t seed)
{
	struct fw_flow_cache *c = calloc(1, sizeof(*c));
	uint32_t sets = 1;

	if (!c)
		return NULL;
	while (sets < entries / WAYS && sets < 1u << 24)
		sets *= 2;
	c->seed = seed;
	c->epoch = 1;
	c->mask = sets - 1;
	c->used = 1;
	c->room = sets * WAYS * ARENA_PER_ENTRY;
	if (c->room < ARENA_MIN)
		c->room = ARENA_MIN;
	c->worth = WORTH;
	c->sets = aligned_alloc(64, (sets + 1) / 2 * 64);
	c->entries = aligned_alloc(64, (size_t)sets * WAYS * sizeof(*c->entries));
	c->arena = malloc(c->room * sizeof(*c->arena));
	if (!c->sets || !c->entries || !c->arena)
		return fw_flow_cache_free(c);
	memset(c->sets, 0, sets * sizeof(*c->sets));
	memset(c->entries, 0, (size_t)sets * WAYS * sizeof(*c->entries));
	return c;
}

struct fw_flow_cache *fw_flow_cache_free(struct fw_flow_cache *c)
{
	if (c) {
		free(c->sets);
		free(c->entries);
		free(c->arena);
	}
	free(c);
	return NULL;
}

const struct fw_flow_cache_stats *fw_flow_cache_stats(const struct fw_flow_cache *c)
{
	return &c->stats;
}

void fw_flow_cache_flush(struct fw_flow_cache *c)
{
	if (!c)
		return;
	c->stats.flushes++;
	if (++c->epoch == 0) { /* entries of the first epochs must not come back */
		memset(c->entries, 0, ((size_t)c->mask + 1) * WAYS * sizeof(*c->entries));
		c->epoch = 1;
	}
	c->used = 1;
	memset(c->bucket, 0, sizeof(c->bucket));
}

static void make_key(const struct fw_eval *e, struct flow_key *key)
{
	const struct fw_packet *pkt = e->pkt;

	*key = (struct flow_key){
		.src = pkt->src,
		.dst = pkt->dst,
		.mark = e->mark,
		.sport = pkt->sport,
		.dport = pkt->dport,
		.family = (uint8_t)pkt->family,
		.hook = pkt->meta.hook,
		.part = pkt->meta.part,
		.ctinfo = (uint8_t)e->ctinfo,
		.proto = pkt->proto,
		.tcp_flags = pkt->tcp_flags,
		.icmp_type = pkt->icmp_type,
		.icmp_code = pkt->icmp_code,
		.tos = pkt->tos,
		.ttl = pkt->ttl,
		.pkttype = pkt->meta.pkttype,
		.has_ports = pkt->has_ports,
	};
	memcpy(key->in, pkt->meta.in_name, sizeof(key->in));
	memcpy(key->out, pkt->meta.out_name, sizeof(key->out));
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	unsigned __int128 m = (unsigned __int128)(h ^ word) * 0x9e3779b97f4a7c15ull;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint32_t hash_words(uint64_t seed, const uint64_t *w, size_t n)
{
	uint64_t a = seed, b = ~seed; /* two chains, for their multiplications to overlap */

	for (size_t i = 0; i + 1 < n; i += 2) {
		a = mix(a, w[i]);
		b = mix(b, w[i + 1]);
	}
	if (n & 1)
		a = mix(a, w[n - 1]);
	a = mix(a, b);
	return (uint32_t)(a ^ a >> 32);
}

static bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	uint64_t x[FLOW_KEY_WORDS], y[FLOW_KEY_WORDS], differ = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (size_t i = 0; i < FLOW_KEY_WORDS; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

static struct flow_path *path_at(const struct fw_flow_cache *c, uint32_t place)
{
	return (struct flow_path *)(void *)&c->arena[place];
}

const struct flow_path *fw_flow_cache_find(struct fw_flow_cache *c, const struct fw_ruleset *rs,
					   const struct fw_eval *e, struct flow_slot *slot,
					   bool *keep)
{
	uint64_t words[FLOW_KEY_WORDS];
	struct entry *entry;
	struct set *set;

	if (c->rs != rs || c->generation != rs->generation) {
		fw_flow_cache_flush(c);
		c->rs = rs;
		c->generation = rs->generation;
	}
	make_key(e, &slot->key);
	memcpy(words, &slot->key, sizeof(words));
	slot->hash = hash_words(c->seed, words, FLOW_KEY_WORDS);
	set = &c->sets[slot->hash & c->mask];
	entry = &c->entries[(size_t)(slot->hash & c->mask) * WAYS];
	for (int i = 0; i < WAYS; i++)
		if (set->hash[i] == slot->hash && entry[i].epoch == c->epoch &&
		    same_key(&entry[i].key, &slot->key)) {
			c->stats.hits++;
			return path_at(c, entry[i].path);
		}
	c->stats.misses++;
	*keep = set->seen[0] == slot->hash || set->seen[1] == slot->hash ||
		set->seen[2] == slot->hash;
	if (!*keep) {
		set->seen[2] = set->seen[1];
		set->seen[1] = set->seen[0];
		set->seen[0] = slot->hash;
	}
	return NULL;
}

static_assert(1 + sizeof(struct flow_path) / 8 + TRAIL_MAX <= ARENA_MIN, "one always has room");

/* The stored outcome that is equal, or a new one. */
static uint32_t intern(struct fw_flow_cache *c, const struct flow_path *path,
		       struct fw_counters *const *counters, uint32_t n)
{
	const uint32_t words = (uint32_t)sizeof(*path) / 8 + n;
	struct flow_path *new;
	uint32_t *bucket;

	if (c->used + words > c->room)
		fw_flow_cache_flush(c);
	/* made where it would stay */
	new = path_at(c, c->used);
	*new = *path;
	new->n = n;
	new->hash = new->next = 0;
	memcpy(new->counters, counters, n * sizeof(counters[0]));
	new->hash = hash_words(c->seed, &c->arena[c->used], words);
	bucket = &c->bucket[new->hash % BUCKETS];
	for (uint32_t at = *bucket; at; at = path_at(c, at)->next) {
		const struct flow_path *old = path_at(c, at);

		new->next = old->next;
		if (old->hash == new->hash && old->n == new->n && !memcmp(old, new, words * 8))
			return at;
	}
	new->next = *bucket;
	*bucket = c->used;
	c->used += words;
	return *bucket;
}

void fw_flow_cache_put(struct fw_flow_cache *c, const struct flow_slot *slot,
		       const struct flow_path *path, struct fw_counters *const *counters,
		       uint32_t n)
{
	const uint32_t place = intern(c, path, counters, n);
	struct set *set = &c->sets[slot->hash & c->mask];
	struct entry *entry = &c->entries[(size_t)(slot->hash & c->mask) * WAYS];
	uint32_t way = slot->hash >> 28; /* whose place is taken where all are */

	for (uint32_t i = 0; i < WAYS; i++)
		if (entry[i].epoch != c->epoch)
			way = i;
	way %= WAYS;
	set->hash[way] = slot->hash;
	entry[way].key = slot->key;
	entry[way].epoch = c->epoch;
	entry[way].path = place;
	c->stats.stored++;
}

static uint32_t *average_of(struct fw_flow_cache *c, const struct fw_eval *e)
{
	return &c->average[e->pkt->family][e->pkt->meta.hook][e->ctinfo];
}

bool fw_flow_cache_worth(struct fw_flow_cache *c, const struct fw_eval *e)
{
	return *average_of(c, e) >= c->worth * AVERAGE_OF;
}

void fw_flow_cache_cost(struct fw_flow_cache *c, const struct fw_eval *e, uint32_t cost)
{
	uint32_t *average = average_of(c, e);

	if (cost > COST_MAX)
		cost = COST_MAX;
	*average = *average - *average / AVERAGE_OF + cost;
}

void fw_flow_cache_always(struct fw_flow_cache *c)
{
	c->worth = 0;
}
