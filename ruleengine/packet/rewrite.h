/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing a packet while rules look at it; see struct fw_eval.  Checksums follow by difference.
 *
 * False or NULL means that this packet cannot be changed: the target then drops it, as the kernel
 * does when it has no memory.  Nothing here says so where nothing would change.
 */
#ifndef FW_PACKET_REWRITE_H
#define FW_PACKET_REWRITE_H

#include "fw/eval.h"

/* TOS or traffic class, all eight bits. */
bool fw_rewrite_tos(struct fw_eval *e, uint8_t tos);
/* IPv4's ECN bits alone, as ipt_ECN changes them. */
bool fw_rewrite_ip_ecn(struct fw_eval *e, uint8_t ect);
/* TTL or hop limit. */
bool fw_rewrite_hops(struct fw_eval *e, uint8_t hops);

/* The bytes at `off`, n of them, to be changed by the caller, who calls fw_rewrite_done() then. */
uint8_t *fw_rewrite_bytes(struct fw_eval *e, uint32_t off, uint32_t n);
/* Make the packet `more` bytes longer at its end (at most FW_PACKET_SPARE in all); its IP header
 * says so.  To be called after fw_rewrite_bytes(). */
void fw_rewrite_grow(struct fw_eval *e, uint32_t more);
void fw_rewrite_done(struct fw_eval *e);

/* RFC 1624: the checksum at `sum` after a 16-bit word it covers changed. */
void fw_csum_replace(uint8_t *sum, uint16_t from, uint16_t to);

#endif
