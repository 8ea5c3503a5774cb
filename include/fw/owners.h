/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which user and group numbers the rules of a snapshot tell apart.
 *
 * The queue names the owner of a packet only where its socket is a full one.  A SYN-ACK belongs
 * to a half-made connection, and the kernel's owner match looks at the listener behind it.  nft
 * looks there, too, but all it can hand over is a few bits of the mark.  So the numbers are cut
 * into intervals that no rule tells apart, nft says which pair of intervals it is, and any number
 * of an interval stands for all of it.
 */
#ifndef FW_OWNERS_H
#define FW_OWNERS_H

#include <stdint.h>

#define FW_OWNER_CUTS  120 /* intervals of user numbers, and of group numbers, at most */
#define FW_OWNER_CODES 255 /* pairs of them: what eight mark bits can say, */
#define FW_OWNER_KCT   7   /* and three, while the kernel tracks (fw/mark.h) */

/* Ascending starts of intervals.  The first is always 0, implied and not stored. */
struct fw_cuts {
	uint32_t n;
	uint32_t at[FW_OWNER_CUTS];
};

struct fw_owners {
	struct fw_cuts uids, gids;
};

/* The rules tell lo..hi from the rest.  0, or -1: too many cuts (nothing is added). */
int fw_cuts_add(struct fw_cuts *cuts, uint32_t lo, uint32_t hi);
/* Interval i (0..cuts->n): its first and last number. */
void fw_cuts_interval(const struct fw_cuts *cuts, uint32_t i, uint32_t *lo, uint32_t *hi);

/* How many codes there are (1..), 0: nobody asks. */
uint32_t fw_owners_codes(const struct fw_owners *o);
/* Code (1..) to the intervals it stands for. */
void fw_owners_decode(const struct fw_owners *o, uint32_t code, uint32_t *uid, uint32_t *gid);

#endif
