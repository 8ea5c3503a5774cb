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
 *	bits 5-0    reserved: offload generation, NAT code
 */
#ifndef FW_MARK_H
#define FW_MARK_H

#include <stdint.h>

#define FW_MARK_BITS          12
#define FW_MARK_SHIFT_DEFAULT 20

#define FW_MARK_OWN           0x800u
#define FW_MARK_CTINFO_SHIFT  8
#define FW_MARK_CTINFO_MASK   0x700u
#define FW_MARK_PKTTYPE_SHIFT 6
#define FW_MARK_PKTTYPE_MASK  0x0c0u

static inline uint32_t fw_mark_mask(unsigned int shift)
{
	return 0xfffu << shift;
}

#endif
