/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables behind -m hashlimit: a bucket of credit for each address or port that was seen.
 *
 * A name and a family are one table, shared by the rules that say the name; the first of them
 * makes it and its settings are the table's, as in the kernel.  Entries are found again until the
 * clean-up at the end of a gc interval has met them after they expired; we compute whether it
 * would have.  They expire in the order of their last packets, so the oldest one tells whether
 * there is one that can be used anew: nothing is ever looked for, however large the table.
 *
 * Threads: under the engine lock (world.h).  Memory: entries are allocated while packets are
 * judged, 128 at a time, up to the table's max; beyond that packets are dropped, as the kernel
 * does.
 */
#ifndef MATCHES_HASHTABLE_H
#define MATCHES_HASHTABLE_H

#include "fw/err.h"
#include "fw/eval.h"
#include "matches/hashcredit.h"

struct fw_hashlimit;

/* NULL with err.  Released by hl_put(); its memory, by fw_world_reclaim(). */
struct fw_hashlimit *hl_get(struct fw_world *world, const char *name,
			    const struct hl_config *config, uint64_t now, struct fw_err *err);
void hl_put(struct fw_world *world, struct fw_hashlimit *table);

/* Is the packet within the limit?  mode: the rule's.  1, 0, or -1: it cannot be told, and the packet is
 * to be dropped. */
int hl_within(struct fw_hashlimit *table, uint8_t mode, const struct fw_eval *e);

#endif
