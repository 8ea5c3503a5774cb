/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 extension headers by type (ext6.h). */
#include "matches/ext6.h"

#include <netinet/in.h>

enum ext6 ext6_find(const struct fw_packet *pkt, uint8_t type, uint32_t *ret)
{
	uint8_t next = pkt->data[6];
	uint32_t off = 40;

	for (;;) {
		const bool options = next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS;
		const bool frag = next == IPPROTO_FRAGMENT, ah = next == IPPROTO_AH;
		const uint8_t *h;

		if (!options && !frag && !ah && next != IPPROTO_ROUTING)
			return EXT6_NONE;
		h = fw_packet_bytes(pkt, off, frag || next == IPPROTO_ROUTING ? 4 : 2);
		if (!h)
			return EXT6_CUT;
		if (next == type) {
			*ret = off;
			return EXT6_THERE;
		}
		if (frag && (h[2] << 8 | h[3]) & 0xfff8)
			return EXT6_NONE; /* a later fragment: what follows is no header */
		off += frag ? 8 : ah ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
		next = h[0];
	}
}
