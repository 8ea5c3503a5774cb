/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow cache, inside (fw/flowcache.h is outside). */
#ifndef FW_ENGINE_CACHE_H
#define FW_ENGINE_CACHE_H

#include <assert.h>
#include <string.h>

#include "fw/engine.h"
#include "fw/flowcache.h"
#include "fw/offer.h"

/*
 * All that an extension with FW_EXT_INVARIANT, a generic match or the classifier may look at.
 * Compared byte by byte: no padding.  Interfaces by name, as rules have them: an index may get
 * another name.
 */
struct flow_key {
	union fw_addr src, dst;
	char in[FW_IFNAMSIZ], out[FW_IFNAMSIZ];
	uint32_t mark;
	uint16_t sport, dport;
	uint8_t family, hook, part, ctinfo;
	uint8_t proto, tcp_flags, icmp_type, icmp_code;
	uint8_t tos, ttl, pkttype, has_ports;
	uint32_t zero;
};
#define FLOW_KEY_WORDS 11
static_assert(sizeof(struct flow_key) == FLOW_KEY_WORDS * 8, "no padding");

#define TRAIL_MAX FW_OFFER_MAX /* counters; a longer way is walked each time */

/* What a walk did, as far as the cache and offers are concerned. */
struct fw_trail {
	bool varies; /* something was asked, or done, that may be different next time */
	bool of_packet; /* … or for the flow's next packet, though the claims hold */
	uint32_t n;
	struct fw_counters *counters[TRAIL_MAX];
	struct fw_claims claims; /* of the walk so far; of no use once it is of_packet */
};

/* An outcome; stored once for all keys that have it. */
struct flow_path {
	uint32_t hash, next; /* in its bucket */
	uint32_t n;
	uint32_t number;
	uint32_t mark;
	uint32_t cost; /* of the walk */
	uint8_t verdict, table;
	uint8_t reroute; /* as in struct fw_decision */
	uint8_t of_packet; /* as in struct fw_trail */
	uint8_t zero[4];
	const struct fw_chain *chain;
	const struct fw_rule *rule;
	struct fw_counters *counters[];
};

static inline void fw_trail_add(struct fw_trail *t, struct fw_counters *c)
{
	if (t->n == TRAIL_MAX)
		t->varies = t->of_packet = true;
	else
		t->counters[t->n++] = c;
}

/* Written by whoever holds the engine lock, read by anyone at any time. */
static inline void fw_count(struct fw_counters *c, uint32_t bytes)
{
	__atomic_store_n(&c->packets, c->packets + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, c->bytes + bytes, __ATOMIC_RELAXED);
}

/* Where the answer to a question goes. */
struct flow_slot {
	struct flow_key key;
	uint32_t hash;
};

/* Are packets like this one walked far enough here for asking the cache? */
bool fw_flow_cache_worth(struct fw_flow_cache *c, const struct fw_eval *e);
/* Its walk cost so much, or would have. */
void fw_flow_cache_cost(struct fw_flow_cache *c, const struct fw_eval *e, uint32_t cost);
/* For tests: ask it for every packet. */
void fw_flow_cache_always(struct fw_flow_cache *c);

/*
 * The packet's outcome under this ruleset, or NULL: walk.  *slot is then filled, and *keep tells
 * whether the walk is worth remembering: not for a packet seen for the first time, of which there
 * may never be another.
 */
const struct flow_path *fw_flow_cache_find(struct fw_flow_cache *c, const struct fw_ruleset *rs,
					   const struct fw_eval *e, struct flow_slot *slot,
					   bool *keep);

/* Remember: `path` is what to store, but for its counters. */
void fw_flow_cache_put(struct fw_flow_cache *c, const struct flow_slot *slot,
		       const struct flow_path *path, struct fw_counters *const *counters,
		       uint32_t n);

#endif
