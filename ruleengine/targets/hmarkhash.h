/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What HMARK hashes.  Both directions of a connection hash alike, and kernel and fwd do.
 *
 * An ICMP error hashes as the packet that it quotes, fragments without ports.
 */
#ifndef TARGETS_HMARKHASH_H
#define TARGETS_HMARKHASH_H

#include "fw/eval.h"

struct hmark {
	union fw_addr src_mask, dst_mask;
	uint32_t ports_mask, ports_set; /* source port in the upper half; or a whole SPI */
	uint32_t rnd, mod, offset;
	uint16_t proto_mask;
	bool ct; /* the connection's ends, not the packet's */
};

/* false: there is nothing to hash. */
bool hmark_flow(const struct hmark *h, const struct fw_flow *flow, uint32_t *hash);
bool hmark_packet(const struct hmark *h, const struct fw_packet *pkt, uint32_t *hash);

#endif
