/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash of HMARK (hmarkhash.h). */
#include "targets/hmarkhash.h"

#include <netinet/in.h>
#include <string.h>

#include "base/jhash.h"
#include "fw/ct.h"

/* What is hashed; addresses folded to 32 bits, host order. */
struct ends {
	uint32_t src, dst, ports;
	uint8_t proto;
};

static uint32_t fold(const union fw_addr *addr, const union fw_addr *mask)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word ^= addr->u32[i] & mask->u32[i];
	return ntohl(word);
}

/* Masked, the greater port first: both directions are the same. */
static uint32_t sorted_ports(const struct hmark *h, uint32_t ports)
{
	const uint32_t hashed = (ports & h->ports_mask) | h->ports_set;
	const uint32_t src = hashed >> 16, dst = hashed & UINT16_MAX;

	return dst > src ? dst << 16 | src : hashed;
}

static bool ends_of_flow(const struct hmark *h, const struct fw_flow *flow, struct ends *ret)
{
	struct fw_tuple room[2];
	const struct fw_tuple *orig, *reply;

	if (!flow)
		return false;
	orig = fw_flow_tuple(flow, FW_DIR_ORIG, &room[0]);
	reply = fw_flow_tuple(flow, FW_DIR_REPLY, &room[1]);
	*ret = (struct ends){.src = fold(&orig->src, &h->src_mask),
			     .dst = fold(&reply->src, &h->dst_mask),
			     .proto = orig->proto};
	if (orig->proto != IPPROTO_ICMP)
		ret->ports = sorted_ports(
			h, (uint32_t)ntohs(orig->sport_be) << 16 | ntohs(reply->sport_be));
	return true;
}

/* Offset of four bytes behind the upper layer's header that tell flows apart; -1: there are none.
 */
static int ports_offset(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_ESP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE: return 0;
	case IPPROTO_AH: return 4;
	default: return -1;
	}
}

/* An IP header and what follows it, in the packet or in what an ICMP error quotes. */
struct header {
	const uint8_t *ip;
	uint32_t l4;
	uint8_t proto;
	bool frag;
};

static bool read_ip4(const struct fw_packet *pkt, uint32_t off, struct header *ret)
{
	const uint8_t *p = fw_packet_bytes(pkt, off, 20);

	if (!p)
		return false;
	*ret = (struct header){.ip = p,
			       .l4 = off + (p[0] & 15u) * 4,
			       .proto = p[9],
			       .frag = (p[6] & 0x3f) || p[7]};
	return true;
}

/* Up to an AH, which is hashed for its SPI. */
static bool read_ip6(const struct fw_packet *pkt, uint32_t off, struct header *ret)
{
	const uint8_t *p = fw_packet_bytes(pkt, off, 40);

	if (!p || p[0] >> 4 != 6)
		return false;
	*ret = (struct header){.ip = p, .l4 = off + 40, .proto = p[6]};
	for (;;) {
		const bool frag = ret->proto == IPPROTO_FRAGMENT;

		if (!frag && ret->proto != IPPROTO_HOPOPTS && ret->proto != IPPROTO_ROUTING &&
		    ret->proto != IPPROTO_DSTOPTS)
			return true;
		p = fw_packet_bytes(pkt, ret->l4, frag || ret->proto == IPPROTO_ROUTING ? 4 : 2);
		if (!p)
			return false;
		ret->proto = p[0];
		ret->l4 += frag ? 8 : (p[1] + 1u) * 8;
		ret->frag |= frag;
		if (frag && (p[2] << 8 | p[3]) & 0xfff8) /* later ones have no other headers */
			return p[0] != IPPROTO_HOPOPTS && p[0] != IPPROTO_ROUTING &&
				p[0] != IPPROTO_FRAGMENT && p[0] != IPPROTO_AH &&
				p[0] != IPPROTO_DSTOPTS;
	}
}

static bool is_error(const struct fw_packet *pkt, const struct header *head)
{
	const uint8_t *icmp = fw_packet_bytes(pkt, head->l4, 8);

	if (!icmp || head->proto != (pkt->family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return false;
	if (pkt->family == FW_IP6)
		return !head->frag && icmp[0] && icmp[0] < 128;
	return icmp[0] == 3 || icmp[0] == 4 || icmp[0] == 5 || icmp[0] == 11 || icmp[0] == 12;
}

static void hash_header(const struct hmark *h, const struct fw_packet *pkt,
			const struct header *head, struct ends *ret)
{
	const bool v4 = pkt->family == FW_IP4;
	const int off = ports_offset(head->proto);
	union fw_addr src = {0}, dst = {0};
	const uint8_t *p;

	memcpy(&src, head->ip + (v4 ? 12 : 8), v4 ? 4 : 16);
	memcpy(&dst, head->ip + (v4 ? 16 : 24), v4 ? 4 : 16);
	ret->src = fold(&src, &h->src_mask);
	ret->dst = fold(&dst, &h->dst_mask);
	ret->proto = head->proto;
	p = off < 0 || head->frag ? NULL : fw_packet_bytes(pkt, head->l4 + (uint32_t)off, 4);
	if (p)
		ret->ports = sorted_ports(h,
					  (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
						  (uint32_t)p[2] << 8 | p[3]);
}

/* false: what an error quotes cannot be read, and the mark stays. */
static bool ends_of_packet(const struct hmark *h, const struct fw_packet *pkt, struct ends *ret)
{
	bool (*const read)(const struct fw_packet *, uint32_t, struct header *) =
		pkt->family == FW_IP4 ? read_ip4 : read_ip6;
	struct header head;

	*ret = (struct ends){.src = 0};
	if (!read(pkt, 0, &head))
		return true; /* the kernel hashes nothing, then */
	if (is_error(pkt, &head) && !read(pkt, head.l4 + 8, &head))
		return false;
	hash_header(h, pkt, &head, ret);
	return true;
}

static uint32_t hash_ends(const struct hmark *h, const struct ends *ends)
{
	const uint32_t words[3] = {ends->src < ends->dst ? ends->src : ends->dst,
				   ends->src < ends->dst ? ends->dst : ends->src, ends->ports};

	return jhash_words(words, 3, h->rnd) ^ (ends->proto & h->proto_mask);
}

bool hmark_flow(const struct hmark *h, const struct fw_flow *flow, uint32_t *hash)
{
	struct ends ends;

	if (!ends_of_flow(h, flow, &ends))
		return false;
	*hash = hash_ends(h, &ends);
	return true;
}

bool hmark_packet(const struct hmark *h, const struct fw_packet *pkt, uint32_t *hash)
{
	struct ends ends;

	if (!ends_of_packet(h, pkt, &ends))
		return false;
	*hash = hash_ends(h, &ends);
	return true;
}
