/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets for tests, built a header at a time:
 *
 *	struct pkt p = PKT_INIT;
 *	struct fw_packet view;
 *
 *	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
 *	pkt_tcp(&p, 1024, 80, PKT_SYN);
 *	pkt_view(&p, &view);
 *
 * Lengths and checksums are set by pkt_finish() (pkt_view() calls it), so bytes may be changed by
 * hand before, and spoilt after it.  Needs cmocka and its headers included first.
 */
#ifndef PKT_H
#define PKT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fw/packet.h"

#define PKT_FIN 0x01
#define PKT_SYN 0x02
#define PKT_RST 0x04
#define PKT_PSH 0x08
#define PKT_ACK 0x10
#define PKT_URG 0x20

struct pkt {
	uint8_t data[4096];
	uint32_t len;
	uint32_t l4;        /* offset of the upper layer; where the next IPv6 extension header goes */
	uint32_t next_at;   /* where the upper layer's number stands */
	uint8_t proto;      /* of the upper layer; 0 until it is there */
	enum fw_family family;
	struct fw_pkt_meta meta;
};

#define PKT_INIT {.len = 0}

static inline void pkt_put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void pkt_put32(uint8_t *at, uint32_t v)
{
	pkt_put16(at, (uint16_t)(v >> 16));
	pkt_put16(at + 2, (uint16_t)v);
}

/* Room for n zero bytes at the end. */
static inline uint8_t *pkt_grow(struct pkt *p, uint32_t n)
{
	uint8_t *at = p->data + p->len;

	assert_true(n <= sizeof(p->data) - p->len);
	memset(at, 0, n);
	p->len += n;
	return at;
}

static inline void pkt_add(struct pkt *p, const void *bytes, uint32_t n)
{
	memcpy(pkt_grow(p, n), bytes, n);
}

/* Where a packet comes from or goes to: hook and interface names ("" or NULL: none). */
static inline void pkt_at(struct pkt *p, enum fw_hook hook, const char *in, const char *out)
{
	p->meta.hook = (uint8_t)hook;
	memset(p->meta.in_name, 0, sizeof(p->meta.in_name));
	memset(p->meta.out_name, 0, sizeof(p->meta.out_name));
	if (in)
		strncpy(p->meta.in_name, in, sizeof(p->meta.in_name) - 1);
	if (out)
		strncpy(p->meta.out_name, out, sizeof(p->meta.out_name) - 1);
	p->meta.in_ifindex = in && *in ? 2 : 0;
	p->meta.out_ifindex = out && *out ? 3 : 0;
}

/* IPv4 with `opt_len` bytes of options (a multiple of 4; NOPs until changed). */
static inline void pkt_ip4_opts(struct pkt *p, const char *src, const char *dst, uint8_t proto,
				uint32_t opt_len)
{
	uint8_t *ip;

	p->len = 0;
	p->family = FW_IP4;
	ip = pkt_grow(p, 20 + opt_len);
	ip[0] = (uint8_t)(0x45 + opt_len / 4);
	ip[8] = 64;
	ip[9] = proto;
	assert_int_equal(inet_pton(AF_INET, src, ip + 12), 1);
	assert_int_equal(inet_pton(AF_INET, dst, ip + 16), 1);
	memset(ip + 20, 1, opt_len);
	p->l4 = p->len;
	p->next_at = 9;
	p->proto = proto;
}

static inline void pkt_ip4(struct pkt *p, const char *src, const char *dst, uint8_t proto)
{
	pkt_ip4_opts(p, src, dst, proto, 0);
}

static inline void pkt_ip6(struct pkt *p, const char *src, const char *dst, uint8_t proto)
{
	uint8_t *ip;

	p->len = 0;
	p->family = FW_IP6;
	ip = pkt_grow(p, 40);
	ip[0] = 0x60;
	ip[6] = proto;
	ip[7] = 64;
	assert_int_equal(inet_pton(AF_INET6, src, ip + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, ip + 24), 1);
	p->l4 = p->len;
	p->next_at = 6;
	p->proto = proto;
}

/* IPv4 fragment: offset in bytes (a multiple of 8). */
static inline void pkt_frag4(struct pkt *p, uint16_t off, bool more)
{
	pkt_put16(p->data + 6, (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
}

/* An IPv6 extension header of `len` bytes (a multiple of 8; AH: of 4) before the upper layer,
 * which is not there yet.  Contents are zero but for its own next header and length. */
static inline uint8_t *pkt_ext6(struct pkt *p, uint8_t type, uint32_t len)
{
	uint8_t *ext = pkt_grow(p, len);

	p->data[p->next_at] = type;
	ext[0] = p->proto;
	if (type == IPPROTO_AH)
		ext[1] = (uint8_t)(len / 4 - 2);
	else if (type != IPPROTO_FRAGMENT)
		ext[1] = (uint8_t)(len / 8 - 1);
	p->next_at = (uint32_t)(ext - p->data);
	p->l4 = p->len;
	return ext;
}

static inline uint8_t *pkt_frag6(struct pkt *p, uint16_t off, bool more)
{
	uint8_t *ext = pkt_ext6(p, IPPROTO_FRAGMENT, 8);

	pkt_put16(ext + 2, (uint16_t)(off | (more ? 1 : 0)));
	return ext;
}

static inline uint8_t *pkt_tcp_opts(struct pkt *p, uint16_t sport, uint16_t dport, uint8_t flags,
				    const void *opts, uint32_t n)
{
	uint32_t room = (n + 3) / 4 * 4;
	uint8_t *tcp = pkt_grow(p, 20 + room);

	pkt_put16(tcp, sport);
	pkt_put16(tcp + 2, dport);
	tcp[12] = (uint8_t)((5 + room / 4) << 4);
	tcp[13] = flags;
	pkt_put16(tcp + 14, 0xffff);
	if (n)
		memcpy(tcp + 20, opts, n);
	return tcp;
}

static inline uint8_t *pkt_tcp(struct pkt *p, uint16_t sport, uint16_t dport, uint8_t flags)
{
	return pkt_tcp_opts(p, sport, dport, flags, NULL, 0);
}

static inline uint8_t *pkt_udp(struct pkt *p, uint16_t sport, uint16_t dport)
{
	uint8_t *udp = pkt_grow(p, 8);

	pkt_put16(udp, sport);
	pkt_put16(udp + 2, dport);
	return udp;
}

/* ICMP or ICMPv6, 8 bytes: echo's id and sequence, or an error's four spare bytes. */
static inline uint8_t *pkt_icmp(struct pkt *p, uint8_t type, uint8_t code, uint16_t id, uint16_t seq)
{
	uint8_t *icmp = pkt_grow(p, 8);

	icmp[0] = type;
	icmp[1] = code;
	pkt_put16(icmp + 4, id);
	pkt_put16(icmp + 6, seq);
	return icmp;
}

static inline uint32_t pkt_sum(uint32_t sum, const uint8_t *at, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	if (n & 1)
		sum += (uint32_t)(at[n - 1] << 8);
	return sum;
}

static inline uint16_t pkt_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Where the upper layer keeps its checksum; -1: it has none that we know. */
static inline int pkt_csum_at(const struct pkt *p)
{
	switch (p->proto) {
	case IPPROTO_TCP: return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: return 6;
	case IPPROTO_ICMP: return p->family == FW_IP4 ? 2 : -1;
	case IPPROTO_ICMPV6: return 2;
	default: return -1;
	}
}

static inline void pkt_csum(struct pkt *p)
{
	uint32_t n = p->len - p->l4, sum = 0;
	uint8_t *l4 = p->data + p->l4;
	int at = pkt_csum_at(p);
	uint16_t folded;

	if (at < 0 || n < (uint32_t)at + 2)
		return;
	if (p->proto != IPPROTO_ICMP) {
		sum = p->family == FW_IP4 ? pkt_sum(0, p->data + 12, 8) : pkt_sum(0, p->data + 8, 32);
		sum += n + p->proto;
	}
	pkt_put16(l4 + at, 0);
	folded = pkt_fold(pkt_sum(sum, l4, n));
	if (!folded && (p->proto == IPPROTO_UDP || p->proto == IPPROTO_UDPLITE))
		folded = 0xffff;
	pkt_put16(l4 + at, folded);
}

/* Lengths and checksums as the bytes now are. */
static inline void pkt_finish(struct pkt *p)
{
	if (p->proto == IPPROTO_UDP && p->len - p->l4 >= 8)
		pkt_put16(p->data + p->l4 + 4, (uint16_t)(p->len - p->l4));
	pkt_csum(p);
	if (p->family == FW_IP6) {
		pkt_put16(p->data + 4, (uint16_t)(p->len - 40));
		return;
	}
	pkt_put16(p->data + 2, (uint16_t)p->len);
	pkt_put16(p->data + 10, 0);
	pkt_put16(p->data + 10, pkt_fold(pkt_sum(0, p->data, (uint32_t)(p->data[0] & 15) * 4)));
}

/* The finished packet as a view; fails the test when it is none. */
static inline void pkt_view(struct pkt *p, struct fw_packet *view)
{
	pkt_finish(p);
	assert_int_equal(fw_packet_parse(view, p->family, p->data, p->len, p->len, &p->meta), 0);
}

#endif
