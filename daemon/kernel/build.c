/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REJECT's answers, byte by byte as the kernel makes them (its nf_reject_ipv4, nf_reject_ipv6,
 * icmp_send and icmpv6_send): when there is one, its header fields, how much is quoted.
 *
 * Pure: a packet view in, bytes out.
 *
 * Not as the kernel: IP options of the offending packet (record route, timestamp) are not echoed
 * in an IPv4 error's own header.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel.h"
#include "reject.h"

#define IP4_HEAD  20
#define IP6_HEAD  40
#define TCP_HEAD  20
#define ICMP_HEAD 8
#define ICMP4_MAX 576 /* RFC 1812 4.3.2.3 */
#define ICMP6_MAX 1280 /* RFC 4443 2.4 (c) */

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t add(uint64_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 2; p += 2, n -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint64_t pseudo(const struct fw_packet *pkt, uint32_t len, uint8_t proto)
{
	const size_t n = pkt->family == FW_IP4 ? 4 : 16;

	/* the same sum whichever way the addresses go */
	return add(add(0, pkt->src.u8, n), pkt->dst.u8, n) + (len >> 16) + (len & 0xffff) + proto;
}

/* ---- may we? ------------------------------------------------------------------------------- */

/*
 * The kernel checks what nobody has checked, and summing is all it does: of a protocol whose
 * checksum it does not know, the whole payload has to sum up.  Fragments never do.
 */
static bool checksum_holds(const struct fw_packet *pkt)
{
	const uint32_t n = pkt->len > pkt->l4_off ? pkt->len - pkt->l4_off : 0;
	const uint8_t *data;
	uint64_t sum = 0;

	/* Of what leaves, the queue does not tell what was verified: nothing was. */
	if ((pkt->meta.flags & FW_PKT_CSUM_PARTIAL) ||
	    (!(pkt->meta.flags & FW_PKT_CSUM_UNCHECKED) && pkt->meta.hook != FW_OUTPUT))
		return true;
	if (pkt->family == FW_IP6 &&
	    (pkt->fragment || !pkt->has_proto || pkt->proto == IPPROTO_NONE || !n))
		return false; /* there is nothing to sum, whatever it is */
	data = fw_packet_bytes(pkt, pkt->l4_off, n);
	switch (pkt->proto) {
	case IPPROTO_GRE:
	case IPPROTO_AH:
	case IPPROTO_ESP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP: return true;
	case IPPROTO_UDP:
		if (data && n >= 8 && !data[6] && !data[7])
			return true; /* none */
		break;
	}
	if (!data)
		return true; /* our copy is too short, which only a full queue can bring about */
	if (pkt->family == FW_IP6 || pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP)
		sum = pseudo(pkt, n, pkt->proto);
	return fold(add(sum, data, n)) == 0;
}

static const uint8_t *tcp_header(const struct fw_packet *pkt)
{
	const uint8_t *h;

	if (pkt->fragment || pkt->proto != IPPROTO_TCP || !pkt->has_proto)
		return NULL;
	h = fw_packet_bytes(pkt, pkt->l4_off, TCP_HEAD);
	if (!h || (h[13] & 0x04)) /* no RST for an RST */
		return NULL;
	return checksum_holds(pkt) ? h : NULL;
}

bool fwd_reply_to_local(const struct fw_packet *pkt)
{
	return pkt->meta.hook == FW_INPUT ||
		(pkt->meta.hook == FW_OUTPUT && pkt->meta.to_local);
}

/* ---- TCP resets ---------------------------------------------------------------------------- */

/* RFC 9293 3.5.2: with ACK, answer at that number; without, acknowledge all that came. */
static void fill_tcp(uint8_t *tcp, const struct fw_packet *pkt, const uint8_t *old)
{
	const uint32_t flags = old[13], syn = flags >> 1 & 1, fin = flags & 1;
	const uint32_t all = pkt->len - pkt->l4_off, head = (uint32_t)(old[12] >> 4) * 4;

	memset(tcp, 0, TCP_HEAD);
	memcpy(tcp, old + 2, 2);
	memcpy(tcp + 2, old, 2);
	tcp[12] = TCP_HEAD / 4 << 4;
	if (flags & 0x10) {
		memcpy(tcp + 4, old + 8, 4);
		tcp[13] = 0x04;
	} else {
		put32(tcp + 8, get32(old + 4) + syn + fin + all - head);
		tcp[13] = 0x14;
	}
	put16(tcp + 16, fold(add(pseudo(pkt, TCP_HEAD, IPPROTO_TCP), tcp, TCP_HEAD)));
}

/* `source`: what to put in as source address */
static void fill_ip4(uint8_t *ip, const struct fw_packet *pkt, size_t len, uint8_t proto,
		     uint8_t ttl, const union fw_addr *source)
{
	memset(ip, 0, IP4_HEAD);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)len);
	ip[8] = ttl;
	ip[9] = proto;
	memcpy(ip + 12, source->u8, 4);
	memcpy(ip + 16, pkt->src.u8, 4);
	/* the kernel fills in the checksum and, without DF, the identification */
}

size_t fwd_reply_rst4(uint8_t *buf, const struct fw_packet *pkt, uint8_t ttl)
{
	const uint8_t *old = tcp_header(pkt);

	if (!old)
		return 0;
	fill_ip4(buf, pkt, IP4_HEAD + TCP_HEAD, IPPROTO_TCP, ttl, &pkt->dst);
	buf[6] = 0x40; /* DF */
	fill_tcp(buf + IP4_HEAD, pkt, old);
	return IP4_HEAD + TCP_HEAD;
}

static bool is_unicast6(const union fw_addr *a)
{
	const bool any = !a->u64[0] && !a->u64[1];
	const bool mapped = !a->u64[0] && a->u32[2] == htonl(0xffff);

	return a->u8[0] != 0xff && !any && !mapped;
}

size_t fwd_reply_rst6(uint8_t *buf, const struct fw_packet *pkt, uint8_t hop_limit)
{
	const uint8_t *old = tcp_header(pkt);

	if (!old || !is_unicast6(&pkt->src) || !is_unicast6(&pkt->dst))
		return 0;
	memset(buf, 0, IP6_HEAD);
	buf[0] = 0x60;
	put16(buf + 4, TCP_HEAD);
	buf[6] = IPPROTO_TCP;
	buf[7] = hop_limit;
	memcpy(buf + 8, pkt->dst.u8, 16);
	memcpy(buf + 24, pkt->src.u8, 16);
	fill_tcp(buf + IP6_HEAD, pkt, old);
	return IP6_HEAD + TCP_HEAD;
}

/* ---- ICMP errors --------------------------------------------------------------------------- */

/* How much of the packet we have and may quote. */
static size_t quote(const struct fw_packet *pkt, size_t max)
{
	size_t n = pkt->len < pkt->cap_len ? pkt->len : pkt->cap_len;

	return n < max ? n : max;
}

/* Types that are questions and answers; the kernel takes all others, known or not, for errors. */
#define QUERIES (1u << 0 | 1u << 8 | 0x3fu << 13)

/*
 * The kernel sends ICMP one at a time on each CPU: while an answer of its own passes OUTPUT it can
 * send no error about it.  A program's answers have an owner.
 */
static bool is_own_answer(const struct fw_packet *pkt, uint8_t type)
{
	return pkt->meta.hook == FW_OUTPUT && !pkt->meta.has_uid &&
		(pkt->family == FW_IP6 ? type == 129 : type == 0 || type == 14);
}

/* No error about an error. */
static bool is_error4(const struct fw_packet *pkt)
{
	const uint8_t *type;

	if (pkt->proto != IPPROTO_ICMP)
		return false;
	type = fw_packet_bytes(pkt, pkt->l4_off, 1);
	return !type || *type > 18 || !(QUERIES >> *type & 1) || is_own_answer(pkt, *type);
}

/* "Time exceeded" is no answer of REJECT's, which looks at checksums. */
static bool is_timeout(unsigned int what)
{
	return what >> 8;
}

size_t fwd_reply_icmp4(uint8_t *buf, const struct fw_packet *pkt, unsigned int what, uint8_t ttl)
{
	static const union fw_addr none = {.u8 = {0}}; /* the kernel chooses by the route */
	const size_t n = quote(pkt, ICMP4_MAX - IP4_HEAD - ICMP_HEAD);
	uint8_t *icmp = buf + IP4_HEAD;

	if (pkt->fragment || pkt->meta.pkttype != FW_PKT_HOST || is_error4(pkt) ||
	    !(is_timeout(what) || checksum_holds(pkt)))
		return 0;
	fill_ip4(buf, pkt, IP4_HEAD + ICMP_HEAD + n, IPPROTO_ICMP, ttl,
		 fwd_reply_to_local(pkt) ? &pkt->dst : &none);
	buf[1] = (pkt->data[1] & 0x1e) | 0xc0; /* internetwork control; as rules have left it */
	memset(icmp, 0, ICMP_HEAD);
	icmp[0] = what >> 8 ? (uint8_t)(what >> 8) : 3; /* destination unreachable */
	icmp[1] = (uint8_t)what;
	memcpy(icmp + ICMP_HEAD, pkt->data, n);
	put16(icmp + 2, fold(add(0, icmp, ICMP_HEAD + n)));
	return IP4_HEAD + ICMP_HEAD + n;
}

static bool is_error6(const struct fw_packet *pkt)
{
	const uint8_t *type;

	if (!pkt->has_proto || pkt->proto != IPPROTO_ICMPV6)
		return false;
	type = fw_packet_bytes(pkt, pkt->l4_off, 1);
	if (!type || pkt->fragment)
		return !pkt->fragment;
	return !(*type & 0x80) || is_own_answer(pkt, *type);
}

size_t fwd_reply_icmp6(uint8_t *buf, const struct fw_packet *pkt, unsigned int what)
{
	const size_t n = quote(pkt, ICMP6_MAX - IP6_HEAD - ICMP_HEAD);
	const bool from_any = !pkt->src.u64[0] && !pkt->src.u64[1];

	if (pkt->dst.u8[0] == 0xff || pkt->src.u8[0] == 0xff || from_any ||
	    pkt->meta.pkttype != FW_PKT_HOST || is_error6(pkt) ||
	    !(is_timeout(what) || checksum_holds(pkt)))
		return 0;
	memset(buf, 0, ICMP_HEAD);
	/* destination unreachable; the kernel fills in the checksum */
	buf[0] = what >> 8 ? (uint8_t)(what >> 8) : 1;
	buf[1] = (uint8_t)what;
	memcpy(buf + ICMP_HEAD, pkt->data, n);
	return ICMP_HEAD + n;
}
