/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many connections there are for each address: what -m connlimit counts (nf_conncount). */
#ifndef MATCHES_CONNCOUNT_H
#define MATCHES_CONNCOUNT_H

#include "fw/eval.h"

struct fw_conncount;

struct fw_conncount *cc_new(struct fw_world *world); /* NULL: no memory */
/* Its memory comes back by fw_world_reclaim(). */
void cc_put(struct fw_world *world, struct fw_conncount *cc);

/* The packet's connection joins those of `addr`; how many they are now.  0: it cannot be counted
 * (no tuple, no memory, or all are over), and the packet is to be dropped. */
uint32_t cc_count(struct fw_conncount *cc, const struct fw_eval *e, const union fw_addr *addr);

#endif
