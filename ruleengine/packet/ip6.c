/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 extension headers, walked as ip6tables' -p sees them (ipv6_find_hdr() without a target).
 *
 * Each step goes forward by at least 8 bytes, so the walk ends with the packet.  A chain that
 * does not end inside the packet, or inside what was copied to us, leaves has_proto false: a
 * rule with -p then drops the packet, as the kernel's would.
 */
#include <netinet/in.h>

#include "packet/packet.h"

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
		next == IPPROTO_AH || next == IPPROTO_NONE || next == IPPROTO_DSTOPTS;
}

static void found(struct fw_packet *pkt, uint8_t proto, uint32_t off)
{
	pkt->proto = proto;
	pkt->has_proto = true;
	pkt->l4_off = off;
}

/* A fragment header at `off`; true: go on behind it.  Its 8 bytes are there. */
static bool walk_fragment(struct fw_packet *pkt, const uint8_t *h, uint32_t off)
{
	uint16_t field = (uint16_t)(h[2] << 8 | h[3]);

	pkt->frag_more = field & 1;
	pkt->frag_off = field & 0xfff8;
	if (!pkt->frag_off)
		return true;
	pkt->fragment = true;
	/* Of a later fragment only the header's word is known; that word must name an upper
	 * layer, for what an extension header would lead to is in the first fragment. */
	if (!is_extension(h[0]) || h[0] == IPPROTO_NONE)
		found(pkt, h[0], off + 8);
	return false;
}

void fw_packet_walk_ip6(struct fw_packet *pkt, uint32_t end)
{
	uint32_t off = 40, size;
	uint8_t next = pkt->data[6];
	const uint8_t *h;

	while (is_extension(next) && next != IPPROTO_NONE) {
		h = fw_packet_bytes(pkt, off,
				    next == IPPROTO_FRAGMENT || next == IPPROTO_ROUTING ? 4 : 2);
		if (!h || end < off + 2)
			return;
		if (next == IPPROTO_FRAGMENT) {
			if (end < off + 4 || !walk_fragment(pkt, h, off))
				return;
			size = 8;
		} else if (next == IPPROTO_AH) {
			size = (h[1] + 2u) * 4;
		} else {
			if (next == IPPROTO_ROUTING && end < off + 4)
				return;
			size = (h[1] + 1u) * 8;
		}
		if (size > end - off)
			return;
		next = h[0];
		off += size;
	}
	found(pkt, next, off);
}
