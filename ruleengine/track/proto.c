/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocols with little to remember: UDP, UDP-Lite, ICMP, GRE, and all that nobody knows.
 *
 * DCCP is one of the unknown: its tracker left the kernel with 6.16, and the kernels that have it
 * are few by now.  It is followed by its addresses alone.
 */
#include <netinet/in.h>

#include "track/track.h"

#define STREAM_AFTER_NS (2 * FW_NSEC_PER_SEC) /* both ways for so long: more than one question */

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t bytes_left(const struct fw_packet *pkt)
{
	return pkt->l4_off < pkt->len ? pkt->len - pkt->l4_off : 0;
}

static bool udp_bad(const struct ct_ctx *c)
{
	const uint8_t *p = fw_packet_bytes(c->pkt, c->pkt->l4_off, 8);
	uint32_t len;

	if (!p || bytes_left(c->pkt) < 8)
		return true;
	len = read16(p + 4);
	if (len > bytes_left(c->pkt) || len < 8)
		return true;
	return (p[6] || p[7]) && ct_csum_bad(c->ct, c->pkt);
}

static void set_stream_at(struct udp_track *u, uint64_t at)
{
	u->stream_at[0] = (uint32_t)at;
	u->stream_at[1] = (uint32_t)(at >> 32);
}

static bool is_stream(const struct udp_track *u, uint64_t now)
{
	return now > ((uint64_t)u->stream_at[1] << 32 | u->stream_at[0]);
}

enum ct_say ct_udp_packet(struct ct_ctx *c)
{
	const uint32_t *timeout = c->ct->timeout;

	if (udp_bad(c))
		return CT_INVALID;
	if (c->fresh)
		set_stream_at(&c->flow->u.udp, c->now + STREAM_AFTER_NS);
	if (!(c->flow->status & FW_CTS_SEEN_REPLY)) {
		ct_refresh(c, timeout[CT_T_UDP]);
	} else if (!is_stream(&c->flow->u.udp, c->now)) {
		ct_refresh(c, timeout[CT_T_UDP]);
	} else {
		ct_refresh(c, timeout[CT_T_UDP_STREAM]);
		c->flow->status |= FW_CTS_ASSURED;
	}
	return CT_ACCEPT;
}

static uint64_t sum16(uint64_t sum, const uint8_t *p, uint32_t n)
{
	for (; n >= 2; p += 2, n -= 2)
		sum += read16(p);
	return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

/* nf_conntrack sums UDP-Lite with UDP's number in the pseudo header, so it takes a checksum that
 * its own network stack would accept for bad, and the other way round.  So do we. */
static bool udplite_csum_bad(const struct ct_ctx *c, uint32_t cover)
{
	const struct fw_packet *pkt = c->pkt;
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, cover);
	uint32_t n = pkt->family == FW_IP4 ? 4 : 16;
	uint64_t sum = bytes_left(pkt) + IPPROTO_UDP;

	if (!ct_csum_wanted(c->ct, pkt) || fw_packet_is_part(pkt) || !p)
		return false;
	sum = sum16(sum16(sum16(sum, pkt->src.u8, n), pkt->dst.u8, n), p, cover);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum != 0xffff;
}

static bool udplite_bad(const struct ct_ctx *c)
{
	const uint8_t *p = fw_packet_bytes(c->pkt, c->pkt->l4_off, 8);
	uint32_t cover;

	if (!p || bytes_left(c->pkt) < 8)
		return true;
	cover = read16(p + 4);
	if (!cover)
		cover = bytes_left(c->pkt);
	if (cover < 8 || cover > bytes_left(c->pkt) || !(p[6] || p[7]))
		return true;
	return udplite_csum_bad(c, cover);
}

/* Both ways: a stream at once. */
static enum ct_say two_way(struct ct_ctx *c, uint32_t one, uint32_t both)
{
	if (c->flow->status & FW_CTS_SEEN_REPLY) {
		ct_refresh(c, both);
		c->flow->status |= FW_CTS_ASSURED;
	} else {
		ct_refresh(c, one);
	}
	return CT_ACCEPT;
}

enum ct_say ct_udplite_packet(struct ct_ctx *c)
{
	if (udplite_bad(c))
		return CT_INVALID;
	return two_way(c, c->ct->timeout[CT_T_UDP], c->ct->timeout[CT_T_UDP_STREAM]);
}

enum ct_say ct_gre_packet(struct ct_ctx *c)
{
	return two_way(c, c->ct->timeout[CT_T_GRE], c->ct->timeout[CT_T_GRE_STREAM]);
}

/* Only a question begins a flow; which messages are pairs at all, the tuple has seen to. */
enum ct_say ct_icmp_packet(struct ct_ctx *c)
{
	uint8_t type = (uint8_t)(ntohs(c->flow->orig.dport_be) >> 8);

	if (c->flow->orig.proto == IPPROTO_ICMP) {
		if (c->pkt->family != FW_IP4 || (type != 8 && type != 13 && type != 15 && type != 17))
			return CT_INVALID;
		ct_refresh(c, c->ct->timeout[CT_T_ICMP]);
		return CT_ACCEPT;
	}
	if (c->pkt->family != FW_IP6 || (type != 128 && type != 139))
		return CT_INVALID;
	ct_refresh(c, c->ct->timeout[CT_T_ICMPV6]);
	return CT_ACCEPT;
}

enum ct_say ct_generic_packet(struct ct_ctx *c)
{
	ct_refresh(c, c->ct->timeout[CT_T_GENERIC]);
	return CT_ACCEPT;
}
