/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet view: where headers begin and end, found once.
 *
 * Everything here is reached by bytes that strangers wrote.  Three lengths bound each read: what
 * was copied to us (cap_len), what the packet is long (len), and what its IP header says (the
 * view's end).  A header that our copy lacks, but the packet has, is "not ok" without being
 * "short": callers must not take the limits of our copy for an attacker's trick.
 *
 * IPv6's extension headers are walked as the kernel's ipv6_find_hdr() does, because ip6tables'
 * -p is defined by it: AH is passed over, ESP and mobility headers are not, and the first
 * fragment's chain goes on behind the fragment header.
 */
#include <netinet/in.h>
#include <string.h>

#include "fw/packet.h"
#include "packet/packet.h"

#define IP4_HDR 20
#define IP6_HDR 40

#define ICMP_ERR_BYTES 8 /* of an ICMP error, before the quoted packet */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Bytes of the smallest complete header; 0: any protocol that nobody here looks into. */
static uint32_t min_header(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return 20;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_AH: return 12;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_ESP: return 8;
	case IPPROTO_COMP:
	case IPPROTO_GRE: return 4;
	default: return 0;
	}
}

static bool proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
		proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

/* The upper layer of an unfragmented packet or a first fragment: l4_off and l4_len are set. */
static void parse_upper(struct fw_packet *pkt)
{
	uint32_t here = 0, need = min_header(pkt->proto);
	const uint8_t *p = pkt->data;

	if (pkt->l4_off < pkt->cap_len) {
		here = pkt->cap_len - pkt->l4_off;
		p += pkt->l4_off;
	}
	if (here > pkt->l4_len)
		here = pkt->l4_len;
	pkt->l4_ok = here >= need;
	pkt->l4_short = pkt->l4_len < need;
	if (proto_has_ports(pkt->proto) && here >= 4) {
		pkt->has_ports = true;
		pkt->sport = be16(p);
		pkt->dport = be16(p + 2);
	}
	if (pkt->proto == IPPROTO_TCP && here >= 14)
		pkt->tcp_flags = p[13];
	if ((pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6) && here >= 2) {
		pkt->icmp_type = p[0];
		pkt->icmp_code = p[1];
	}
}

/*
 * @quoted  the packet is what an ICMP error quotes: it may be cut short of what its header says
 *
 * 0, or -1; on success *end is where the packet ends by its own header.
 */
static int parse_ip4(struct fw_packet *pkt, bool quoted, uint32_t *end)
{
	const uint8_t *p = pkt->data;
	uint32_t ihl, total;
	uint16_t frag;

	if (pkt->cap_len < IP4_HDR || p[0] >> 4 != 4)
		return -1;
	ihl = (uint32_t)(p[0] & 0x0f) * 4;
	total = be16(p + 2);
	/* A super-packet beyond 64 KiB cannot say its length. */
	if (!total && (pkt->meta.flags & FW_PKT_GSO))
		total = pkt->len;
	if (quoted && total > pkt->len)
		total = pkt->len;
	if (ihl < IP4_HDR || total < ihl || total > pkt->len)
		return -1;
	memcpy(pkt->src.u8, p + 12, 4);
	memcpy(pkt->dst.u8, p + 16, 4);
	pkt->tos = p[1];
	pkt->ttl = p[8];
	pkt->proto = p[9];
	pkt->has_proto = true;
	frag = be16(p + 6);
	pkt->frag_more = frag & 0x2000;
	pkt->frag_off = (uint16_t)((frag & 0x1fff) * 8);
	pkt->fragment = pkt->frag_off != 0;
	pkt->l4_off = ihl;
	*end = total;
	return 0;
}

static int parse_ip6(struct fw_packet *pkt, bool quoted, uint32_t *end)
{
	const uint8_t *p = pkt->data;
	uint32_t payload;

	if (pkt->cap_len < IP6_HDR || p[0] >> 4 != 6)
		return -1;
	payload = be16(p + 4);
	/* Jumbograms and super-packets: the kernel's length is the length. */
	if (!payload && (p[6] == IPPROTO_HOPOPTS || (pkt->meta.flags & FW_PKT_GSO)))
		payload = pkt->len - IP6_HDR;
	if (quoted && payload > pkt->len - IP6_HDR)
		payload = pkt->len - IP6_HDR;
	if (payload > pkt->len - IP6_HDR)
		return -1;
	memcpy(pkt->src.u8, p + 8, 16);
	memcpy(pkt->dst.u8, p + 24, 16);
	pkt->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
	pkt->ttl = p[7];
	*end = IP6_HDR + payload;
	return 0;
}

static int parse(struct fw_packet *pkt, bool quoted)
{
	uint32_t end = 0;
	int r;

	if (pkt->cap_len > pkt->len)
		pkt->cap_len = pkt->len;
	if (pkt->family == FW_IP4)
		r = parse_ip4(pkt, quoted, &end);
	else
		r = parse_ip6(pkt, quoted, &end);
	if (r < 0)
		return -1;
	if (pkt->family == FW_IP6)
		fw_packet_walk_ip6(pkt, end);
	if (!pkt->has_proto || pkt->fragment)
		return 0;
	pkt->l4_len = pkt->l4_off < end ? end - pkt->l4_off : 0;
	parse_upper(pkt);
	return 0;
}

int fw_packet_parse(struct fw_packet *pkt, enum fw_family family, const void *data,
		    uint32_t cap_len, uint32_t len, const struct fw_pkt_meta *meta)
{
	*pkt = (struct fw_packet){
		.data = data,
		.cap_len = cap_len,
		.len = len,
		.family = family,
		.meta = *meta,
	};
	return parse(pkt, false);
}

static bool is_icmp_error(const struct fw_packet *pkt)
{
	if (!pkt->has_proto || pkt->fragment || !pkt->l4_ok)
		return false;
	if (pkt->family == FW_IP6)
		return pkt->proto == IPPROTO_ICMPV6 && pkt->icmp_type < 128;
	/* unreachable, source quench, redirect, time exceeded, parameter problem */
	return pkt->proto == IPPROTO_ICMP &&
		(pkt->icmp_type == 3 || pkt->icmp_type == 4 || pkt->icmp_type == 5 ||
		 pkt->icmp_type == 11 || pkt->icmp_type == 12);
}

int fw_packet_inner(const struct fw_packet *outer, struct fw_packet *inner)
{
	uint32_t off = outer->l4_off + ICMP_ERR_BYTES;

	if (!is_icmp_error(outer) || off > outer->cap_len)
		return -1;
	*inner = (struct fw_packet){
		.data = outer->data + off,
		.cap_len = outer->cap_len - off,
		.len = outer->l4_len - ICMP_ERR_BYTES,
		.family = outer->family,
		.meta = outer->meta,
	};
	/* What the outer packet is does not hold for the quote. */
	inner->meta.flags = 0;
	if (parse(inner, true) < 0)
		return -1;
	/* A quoted later fragment has no upper layer to look at: nobody can relate it. */
	if (!inner->has_proto || inner->fragment)
		return -1;
	return fw_packet_bytes(inner, inner->l4_off, 8) && inner->l4_len >= 8 ? 0 : -1;
}
