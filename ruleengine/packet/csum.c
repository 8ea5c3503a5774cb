/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Upper-layer checksums, for the tracker: a packet whose checksum is bad belongs to no flow.
 *
 * Only what the kernel has not verified is summed, and only whole packets can be: where our copy
 * ends early the answer is "cannot tell", and who needs to know asks for the payload.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fw/packet.h"

static uint64_t sum_bytes(uint64_t sum, const uint8_t *p, uint32_t n)
{
	for (; n >= 4; p += 4, n -= 4) {
		uint32_t v;

		memcpy(&v, p, sizeof(v));
		v = ntohl(v);
		sum += (v >> 16) + (v & 0xffff);
	}
	for (; n >= 2; p += 2, n -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (n)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static bool sum_is_good(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static uint64_t pseudo_header(const struct fw_packet *pkt)
{
	uint32_t n = pkt->family == FW_IP4 ? 4 : 16;
	uint64_t sum = sum_bytes(0, pkt->src.u8, n);

	return sum_bytes(sum, pkt->dst.u8, n) + (pkt->l4_len >> 16) + (pkt->l4_len & 0xffff) +
		pkt->proto;
}

/* How many bytes the checksum covers, UINT32_MAX when the packet says nonsense. */
static uint32_t coverage(const struct fw_packet *pkt, const uint8_t *h)
{
	uint32_t n;

	if (pkt->proto != IPPROTO_UDPLITE)
		return pkt->l4_len;
	n = (uint32_t)h[4] << 8 | h[5];
	if (!n)
		return pkt->l4_len;
	return n < 8 || n > pkt->l4_len ? UINT32_MAX : n;
}

static bool has_checksum(const struct fw_packet *pkt)
{
	switch (pkt->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: return true;
	case IPPROTO_ICMP: return pkt->family == FW_IP4;
	case IPPROTO_ICMPV6: return pkt->family == FW_IP6;
	default: return false;
	}
}

int fw_packet_csum_ok(const struct fw_packet *pkt)
{
	uint64_t sum = 0;
	uint32_t n;
	const uint8_t *h, *data;

	if ((pkt->meta.flags & FW_PKT_CSUM_PARTIAL) || !(pkt->meta.flags & FW_PKT_CSUM_UNCHECKED))
		return 1;
	/* Of a part nobody can tell, with any number of bytes. */
	if (!pkt->has_proto || fw_packet_is_part(pkt) || !has_checksum(pkt))
		return 1;
	if (pkt->l4_short)
		return 0;
	h = fw_packet_bytes(pkt, pkt->l4_off, 8);
	if (!h)
		return -1;
	/* "No checksum"; nf_conntrack takes it so in IPv6 too. */
	if (pkt->proto == IPPROTO_UDP && !h[6] && !h[7])
		return 1;
	n = coverage(pkt, h);
	if (n == UINT32_MAX)
		return 0;
	data = fw_packet_bytes(pkt, pkt->l4_off, n);
	if (!data)
		return -1;
	if (pkt->proto != IPPROTO_ICMP)
		sum = pseudo_header(pkt);
	return sum_is_good(sum_bytes(sum, data, n));
}

/* The header's offset of its checksum; 0: none that a sender leaves to the device. */
static uint32_t csum_offset(const struct fw_packet *pkt)
{
	return pkt->proto == IPPROTO_TCP ? 16 : pkt->proto == IPPROTO_UDP ? 6 : 0;
}

bool fw_packet_fill_csum(const struct fw_packet *pkt)
{
	const uint32_t off = csum_offset(pkt);
	uint64_t sum;
	uint8_t *h;

	if (!pkt->writable || !off || !pkt->has_proto || pkt->fragment || !pkt->l4_ok ||
	    pkt->l4_off + pkt->l4_len > pkt->cap_len)
		return false;
	h = pkt->writable + pkt->l4_off;
	h[off] = h[off + 1] = 0;
	sum = sum_bytes(pseudo_header(pkt), h, pkt->l4_len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (!sum && pkt->proto == IPPROTO_UDP)
		sum = 0xffff; /* zero says "none" there */
	h[off] = (uint8_t)(sum >> 8);
	h[off + 1] = (uint8_t)sum;
	return true;
}
