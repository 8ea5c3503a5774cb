/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's own bits in the packet mark.
 *
 * 12 bits at a configurable shift (default: the top ones, mask 0xfff00000).  All zero on a packet
 * that never met us, and taken away by our nft chains before a packet leaves the machine.
 *
 *	bit 11      OWN: made by the daemon itself
 *	bits 10-8   ctinfo that a later hook cannot find out by itself (enum fw_ctinfo), 0: none
 *	bits 7-6    packet type, set by nft ahead of the queue (enum fw_pkttype)
 *	bits 5-0    zero
 *
 * While the kernel tracks (struct fw_plan.kct) nft tells on the way to the queue, for this hook alone:
 *
 *	bits 10-8   the kernel's state and direction
 *	bit  5      the nat table is to be asked: this hook's translation is not settled yet
 *	bits 4-3    the connection's source, destination is translated (--ctstate SNAT, DNAT)
 *	bits 1-0    which part of the hook's tables (enum fw_part; BEHIND_NAT at PREROUTING: DYING)
 *
 * but for the first packet of an expected connection bits 10-8 are zero, bits 1-0 FW_PART_RAW, bits
 * 4-3 as above, and bits 7-5 and 2 the number of the helper that expected it (fw/helper.h).
 *
 * and for a packet that waits for its connection's first one (wait.c) bits 10-8 are zero, bits 1-0
 * FW_PART_TO_NAT, and bits 7-2 how often it has gone round,
 *
 * and the verdict answers with bits 10-0 all the code of a translation, or zero.
 *
 * A reply of the daemon's own that belongs to a flow keeps what it was sent with in bits 10-8 (its
 * state), 5 (POSTROUTING's nat is to be asked) and 4-3, at every hook.  Of others the kernel tells
 * as of anybody's packets, and bit 2 says so.
 *
 * Ahead of the queue of OUTPUT and POSTROUTING, where packets have no type, nft tells who listens
 * behind a SYN-ACK (fw/owners.h, 0: not told): in bits 7-0, or while the kernel tracks in 7, 6, 2.
 */
#ifndef FW_MARK_H
#define FW_MARK_H

#include <stdbool.h>
#include <stdint.h>

#define FW_MARK_BITS          12
#define FW_MARK_SHIFT_DEFAULT 20

#define FW_MARK_OWN           0x800u
#define FW_MARK_CTINFO_SHIFT  8
#define FW_MARK_CTINFO_MASK   0x700u
#define FW_MARK_PKTTYPE_SHIFT 6
#define FW_MARK_PKTTYPE_MASK  0x0c0u
#define FW_MARK_OWNER_MASK    0x0ffu
#define FW_MARK_OWNER_KCT     0x0c4u

#define FW_MARK_NAT_PENDING   0x020u
#define FW_MARK_SRC_NAT       0x010u
#define FW_MARK_DST_NAT       0x008u
#define FW_MARK_OWN_TOLD      0x004u
#define FW_MARK_PART_MASK     0x003u
#define FW_MARK_HELPER_MASK   0x0e4u
#define FW_MARK_ROUNDS_SHIFT  2
#define FW_MARK_ROUNDS_MASK   0x0fcu
#define FW_MARK_CODE_MASK     0x7ffu
#define FW_MARK_OWN_KEEPS \
	(FW_MARK_CTINFO_MASK | FW_MARK_NAT_PENDING | FW_MARK_SRC_NAT | FW_MARK_DST_NAT)

/* An owner's code in our bits, and back. */
static inline uint32_t fw_mark_owner(uint32_t code, bool kct)
{
	return kct ? (code & 1) << 2 | (code & 6) << 5 : code;
}

static inline uint32_t fw_mark_owner_code(uint32_t ours, bool kct)
{
	return kct ? (ours >> 2 & 1) | (ours >> 5 & 6) : ours & FW_MARK_OWNER_MASK;
}

/* A helper's number in our bits, and back. */
static inline uint32_t fw_mark_helper(uint32_t helper)
{
	return (helper & 1) << 2 | (helper & 14) << 4;
}

static inline uint32_t fw_mark_helper_number(uint32_t ours)
{
	return (ours >> 2 & 1) | (ours >> 4 & 14);
}

static inline uint32_t fw_mark_mask(unsigned int shift)
{
	return 0xfffu << shift;
}

#endif
