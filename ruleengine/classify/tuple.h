/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First candidates by a packet's own values: what a flow's next packets cost.
 *
 * Where all that a chain asks of a packet fits two words (addresses of IPv4, ports, protocol,
 * flags, state), these words lead to the first candidate without a search for classes.  Other
 * chains, and packets that are not what they should be, go by their classes.
 *
 * Strangers find nothing here and pay for looking, and of many flows each finds its place far away
 * in memory, where few classes would do, which stay near.  So hits are counted: only where nearly
 * all packets hit, anybody looks, but for a sample from time to time.
 */
#ifndef FW_CLASSIFY_TUPLE_H
#define FW_CLASSIFY_TUPLE_H

#include "classify/classify.h"

#define TUPLE_WAYS 3

struct tuple { /* a packet's values, as far as the chain asks for them */
	uint64_t addr, rest;
};

struct tuple_set {
	struct tuple key[TUPLE_WAYS]; /* rest 0: nobody's */
	uint32_t first[TUPLE_WAYS]; /* as the cache of classes has it */
} __attribute__((aligned(64)));

struct tuples {
	struct tuple_set *set;
	uint64_t mask; /* of struct tuple.rest */
	uint8_t shift; /* of a hash, to a set */
	bool on; /* else only counting down */
	uint32_t left; /* lookups until it is decided again whether it is worth it */
	uint32_t hits;
	uint32_t grace; /* windows with fewer hits that may still follow */
};

/* NULL: no memory, or the chain asks for something else. */
struct tuples *fw_tuples_new(const struct base *b, enum fw_family family);
struct tuples *fw_tuples_free(struct tuples *t); /* NULL */
size_t fw_tuples_size(const struct tuples *t);
/* `left` is down: is it worth it? */
void fw_tuples_review(struct tuples *t);

#define TUPLE_VALID	((uint64_t)1 << 63)
#define TUPLE_PORTS	((uint64_t)0xffffffff)
#define TUPLE_PROTO	((uint64_t)0xff << 32)
#define TUPLE_TCP_FLAGS ((uint64_t)0xff << 40)
#define TUPLE_CTINFO	((uint64_t)0xff << 48)

static inline struct tuple fw_tuple_of(const struct tuples *t, const struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	const uint64_t ports = pkt->has_ports ? (uint64_t)pkt->sport << 16 | pkt->dport
					      : (uint64_t)pkt->icmp_type << 16 | pkt->icmp_code;

	return (struct tuple){
		.addr = (uint64_t)pkt->dst.u32[0] << 32 | pkt->src.u32[0],
		.rest = (ports | (uint64_t)pkt->proto << 32 | (uint64_t)pkt->tcp_flags << 40 |
			 (uint64_t)e->ctinfo << 48 | (uint64_t)pkt->has_ports << 56 | TUPLE_VALID) &
			t->mask,
	};
}

static inline struct tuple_set *fw_tuple_set(const struct tuples *t, const struct tuple *key)
{
	uint64_t h = (key->addr * 0x9e3779b97f4a7c15ull + key->rest) * 0xd6e8feb86659fd93ull;

	return &t->set[h >> t->shift];
}

/* Its way in the set; TUPLE_WAYS: not here. */
static inline uint32_t fw_tuple_way(const struct tuple_set *set, const struct tuple *key)
{
	uint32_t found = 1 << TUPLE_WAYS;

	for (uint32_t i = 0; i < TUPLE_WAYS; i++)
		found |= (uint32_t)(!((set->key[i].addr ^ key->addr) |
				      (set->key[i].rest ^ key->rest)))
			<< i;
	return (uint32_t)__builtin_ctz(found);
}

static inline void fw_tuple_put(struct tuple_set *set, const struct tuple *key, uint32_t first)
{
	for (uint32_t i = TUPLE_WAYS - 1; i; i--) {
		set->key[i] = set->key[i - 1];
		set->first[i] = set->first[i - 1];
	}
	set->key[0] = *key;
	set->first[0] = first;
}

#endif
