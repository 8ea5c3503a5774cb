/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow cache: what the rules made of a packet need not be found out again for the next one that
 * is the same in all that those rules looked at.
 *
 * A flow's packets, in one direction at one hook, differ in little that rules ask for.  Where
 * nothing that was asked can differ, the walk's outcome is kept: the counters that went up, the
 * mark, the verdict, who decided.  Verdicts, counters and side effects are those of a walk, to the
 * packet; only the time differs.
 *
 * Threads: as the world that it belongs to (world.h).  All memory is taken at the start.
 */
#ifndef FW_FLOWCACHE_H
#define FW_FLOWCACHE_H

#include "fw/types.h"

struct fw_flow_cache;

struct fw_flow_cache_stats {
	uint64_t hits, misses, stored, flushes;
};

/*
 * @entries  packets' kinds remembered at most (a connection has a handful), 128 bytes each; rounded
 *           up to a power of two
 *
 * NULL: no memory.
 */
struct fw_flow_cache *fw_flow_cache_new(uint32_t entries, uint64_t seed);
struct fw_flow_cache *fw_flow_cache_free(struct fw_flow_cache *c); /* NULL */

/*
 * Forget all: what was kept belongs to a ruleset or a plan that goes.  To be called whenever the
 * ruleset that packets are run through, or its plan, is exchanged, before the next packet.
 */
void fw_flow_cache_flush(struct fw_flow_cache *c); /* NULL is fine */

const struct fw_flow_cache_stats *fw_flow_cache_stats(const struct fw_flow_cache *c);

#endif
