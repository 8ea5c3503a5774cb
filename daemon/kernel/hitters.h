/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who was dropped often lately: a small table of fixed size, filled by whoever sends.
 *
 * A source has its place in one of many sets of a few; the one with the fewest drops in this second
 * makes room.  Made-up sources by the million so replace each other and drive out nobody who floods.
 */
#ifndef FWD_KERNEL_HITTERS_H
#define FWD_KERNEL_HITTERS_H

#include <assert.h>

#include "fw/packet.h"

#define FWD_HITTERS_OFTEN   64 /* drops within a second */
#define FWD_HITTERS_CROWDED 8  /* what one counts for while more packets wait than can be judged */

/* Where they are dropped: a hook, or raw's own visit ahead of PREROUTING (fw_plan.raw). */
#define FWD_PLACE_RAW FW_OUTPUT /* at which nobody is */
#define FWD_N_PLACES  (FWD_PLACE_RAW + 1)

/* Whose packets are meant.  Compared as bytes. */
struct fwd_source {
	union fw_addr addr;
	char in[FW_IFNAMSIZ];
	uint8_t family, place, proto, zero[5];
};
static_assert(sizeof(struct fwd_source) == 40, "no padding");

/* Keyed, for who sends chooses what is hashed.  size: in bytes, a multiple of 8. */
uint32_t fwd_hash(uint64_t key, const void *data, size_t size);

struct fwd_hitters;

struct fwd_hitters *fwd_hitters_new(uint64_t seed); /* free() it; NULL: no memory */
/* One more was dropped, which counts for `weight`.  True, once a second at most: it is often. */
bool fwd_hitters_add(struct fwd_hitters *h, const struct fwd_source *s, unsigned int weight,
		     uint64_t now);
/* As if nothing had been dropped yet. */
void fwd_hitters_forget(struct fwd_hitters *h);

struct fwd_source fwd_source_of(const struct fw_packet *pkt);

#endif
