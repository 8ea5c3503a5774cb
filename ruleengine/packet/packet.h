/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the packet view share among themselves. */
#ifndef FW_PACKET_PACKET_H
#define FW_PACKET_PACKET_H

#include "fw/packet.h"

/*
 * Walk the extension headers of an IPv6 packet that ends at `end`.  Sets proto, has_proto,
 * l4_off and the fragment fields; has_proto stays false where ipv6_find_hdr() would fail.
 */
void fw_packet_walk_ip6(struct fw_packet *pkt, uint32_t end);

#endif
