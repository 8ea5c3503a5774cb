/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who talks to whom: a packet's tuple, its inversion, their hash.
 *
 * A tuple is read from a packet, and also from a packet that an ICMP error quotes; there only the
 * IP header and the first four bytes behind it must be present (eight for ICMP), as in the kernel.
 *
 * The hash of a tuple and of its inversion are the same.  It is keyed; 1-3 rounds (siphash.h).  No
 * word says how long the input is: the family, which is in it, does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "track/siphash.h"
#include "track/track.h"

static uint16_t read16_be(const uint8_t *p) /* stays in network order */
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ICMP messages that come in pairs; the other one's type, or -1. */
static int icmp_pair(uint8_t type)
{
	switch (type) {
	case 8: return 0; /* echo */
	case 0: return 8;
	case 13: return 14; /* timestamp */
	case 14: return 13;
	case 15: return 16; /* information */
	case 16: return 15;
	case 17: return 18; /* address mask */
	case 18: return 17;
	default: return -1;
	}
}

static int icmp6_pair(uint8_t type)
{
	switch (type) {
	case 128: return 129; /* echo */
	case 129: return 128;
	case 139: return 140; /* node information */
	case 140: return 139;
	default: return -1;
	}
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Two ports, or what stands for them, network order, as they lie in a packet and in a tuple. */
static uint32_t port_pair(uint16_t src, uint16_t dst)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return src | (uint32_t)dst << 16;
#else
	return (uint32_t)src << 16 | dst;
#endif
}

/* A tuple's last word; no zone. */
static uint64_t make_tail(uint32_t ports, uint8_t proto, uint8_t family)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return ports | (uint64_t)proto << 48 | (uint64_t)family << 56;
#else
	return (uint64_t)ports << 32 | (uint64_t)proto << 8 | family;
#endif
}

/* The same with the ports exchanged. */
static uint64_t swap_ports(uint64_t tail)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint32_t ports = (uint32_t)tail;
#else
	const uint32_t ports = (uint32_t)(tail >> 32);
#endif

	return tail ^ make_tail(ports ^ (ports << 16 | ports >> 16), 0, 0);
}

/* PPTP's GRE carries a call id; other GRE is one flow for two hosts. */
static bool gre_ports(const uint8_t *p, uint32_t have, uint32_t *ret)
{
	if (have < 4 || (p[1] & 0x07) != 1)
		return true;
	if (have < 8)
		return true;
	if (p[2] != 0x88 || p[3] != 0x0b)
		return false;
	*ret = port_pair(0, read16_be(p + 6));
	return true;
}

/* The upper layer's part, from the `have` bytes at `p` (NULL when there are none). */
static bool upper_part(const uint8_t *p, uint32_t have, uint8_t proto, uint32_t *ret)
{
	*ret = 0;
	switch (proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (have < 8)
			return false;
		*ret = port_pair(read16_be(p + 4), read16_be(p)); /* id; type, code */
		return true;
	case IPPROTO_GRE: return gre_ports(p, have, ret);
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
		if (have < 4)
			return false;
		memcpy(ret, p, sizeof(*ret));
		return true;
	default: return true;
	}
}

static void put_tail(struct fw_tuple *t, uint64_t word)
{
	memcpy((uint8_t *)t + CT_TAIL, &word, sizeof(word));
}

static uint32_t bytes_at(const struct fw_packet *pkt, uint32_t off, const uint8_t **p)
{
	*p = fw_packet_bytes(pkt, off, 0);
	return *p ? pkt->cap_len - off : 0;
}

/* Walk extension headers to the upper layer; false where the kernel gives up. */
static bool skip_extensions(const struct fw_packet *pkt, uint32_t *off, uint8_t *next)
{
	while (*next == IPPROTO_HOPOPTS || *next == IPPROTO_ROUTING || *next == IPPROTO_FRAGMENT ||
	       *next == IPPROTO_AH || *next == IPPROTO_DSTOPTS) {
		const uint8_t *h = fw_packet_bytes(pkt, *off, *next == IPPROTO_FRAGMENT ? 4 : 2);
		uint32_t size;

		if (!h)
			return false;
		if (*next == IPPROTO_FRAGMENT) {
			if (h[2] || (h[3] & 0xf8))
				return false;
			size = 8;
		} else if (*next == IPPROTO_AH) {
			size = (h[1] + 2u) * 4;
		} else {
			size = (h[1] + 1u) * 8;
		}
		*next = h[0];
		*off += size;
	}
	return *next != IPPROTO_NONE;
}

/*
 * An IPv6 packet whose extension headers end beyond it: no rule knows its protocol, but for the kernel's
 * tracker it is the last that they name, unless that has a header to look into.
 */
static bool ends_beyond(const struct fw_packet *pkt, uint8_t *proto)
{
	uint32_t off = 40;

	*proto = pkt->data[6];
	return pkt->family == FW_IP6 && skip_extensions(pkt, &off, proto);
}

bool ct_tuple_of(const struct fw_packet *pkt, struct fw_tuple *ret)
{
	uint8_t proto = pkt->proto;
	uint32_t ports, have = 0;
	const uint8_t *p = NULL;

	if (pkt->fragment || (!pkt->has_proto && !ends_beyond(pkt, &proto)))
		return false;
	if (pkt->family == FW_IP6 && proto == IPPROTO_NONE)
		return false;
	if (pkt->has_proto)
		have = bytes_at(pkt, pkt->l4_off, &p);
	if (!upper_part(p, have < pkt->l4_len ? have : pkt->l4_len, proto, &ports))
		return false;
	ret->src = pkt->src;
	ret->dst = pkt->dst;
	put_tail(ret, make_tail(ports, proto, (uint8_t)pkt->family));
	return true;
}

static bool quoted4(const struct fw_packet *pkt, uint32_t *off, struct fw_tuple *t)
{
	const uint8_t *p = fw_packet_bytes(pkt, *off, 20);

	if (!p || ((p[6] & 0x1f) | p[7]))
		return false;
	memcpy(t->src.u8, p + 12, 4);
	memcpy(t->dst.u8, p + 16, 4);
	t->proto = p[9];
	*off += (uint32_t)(p[0] & 0x0f) * 4;
	return *off <= pkt->len;
}

static bool quoted6(const struct fw_packet *pkt, uint32_t *off, struct fw_tuple *t)
{
	const uint8_t *p = fw_packet_bytes(pkt, *off, 40);

	if (!p)
		return false;
	memcpy(t->src.u8, p + 8, 16);
	memcpy(t->dst.u8, p + 24, 16);
	t->proto = p[6];
	*off += 40;
	return skip_extensions(pkt, off, &t->proto);
}

bool ct_tuple_quoted(const struct fw_packet *pkt, uint32_t off, struct fw_tuple *ret)
{
	uint32_t ports;
	const uint8_t *p;
	uint32_t have;

	memset(ret, 0, sizeof(*ret));
	if (pkt->family == FW_IP4 ? !quoted4(pkt, &off, ret) : !quoted6(pkt, &off, ret))
		return false;
	have = bytes_at(pkt, off, &p);
	if (!upper_part(p, have, ret->proto, &ports))
		return false;
	put_tail(ret, make_tail(ports, ret->proto, (uint8_t)pkt->family));
	return true;
}

/* The word behind the addresses of the inversion; false: it has none. */
static bool answer_tail(const struct fw_tuple *t, uint64_t *ret)
{
	uint16_t kind;
	int pair;

	if (!is_icmp(t->proto)) {
		*ret = swap_ports(ct_tail(t));
		return true;
	}
	kind = ntohs(t->dport_be);
	pair = t->proto == IPPROTO_ICMP ? icmp_pair((uint8_t)(kind >> 8))
					: icmp6_pair((uint8_t)(kind >> 8));
	if (pair < 0)
		return false;
	*ret = ct_tail(t) ^
		make_tail(port_pair(0, htons((uint16_t)(pair << 8 ^ (kind & 0xff00)))), 0, 0);
	return true;
}

bool ct_tuple_invert(const struct fw_tuple *t, struct fw_tuple *ret)
{
	uint64_t tail;

	if (!answer_tail(t, &tail))
		return false;
	*ret = (struct fw_tuple){.src = t->dst, .dst = t->src};
	put_tail(ret, tail);
	return true;
}

/* The last word, the same for both directions.  swap: this one is not the one that counts. */
static uint64_t common_tail(const struct fw_tuple *t, bool swap)
{
	uint64_t tail = ct_tail(t), answer;

	if (!is_icmp(t->proto))
		return swap ? swap_ports(tail) : tail;
	return answer_tail(t, &answer) && answer < tail ? answer : tail;
}

static uint32_t hash4(struct sip *s, const struct fw_tuple *t)
{
	uint32_t a = t->src.u32[0], b = t->dst.u32[0];
	bool swap = a != b ? a > b : t->sport_be > t->dport_be;

	sip_word(s, swap ? (uint64_t)b << 32 | a : (uint64_t)a << 32 | b, 1);
	sip_word(s, common_tail(t, swap), 1);
	return (uint32_t)sip_final(s, 3);
}

uint32_t ct_tuple_hash(const uint64_t seed[2], const struct fw_tuple *t)
{
	const union fw_addr *a = &t->src, *b = &t->dst;
	struct sip s;
	bool swap;

	sip_init(&s, seed);
	if (t->family == FW_IP4)
		return hash4(&s, t);
	if (a->u64[0] != b->u64[0])
		swap = a->u64[0] > b->u64[0];
	else if (a->u64[1] != b->u64[1])
		swap = a->u64[1] > b->u64[1];
	else
		swap = t->sport_be > t->dport_be;
	if (swap) {
		a = &t->dst;
		b = &t->src;
	}
	sip_word(&s, a->u64[0], 1);
	sip_word(&s, a->u64[1], 1);
	sip_word(&s, b->u64[0], 1);
	sip_word(&s, b->u64[1], 1);
	sip_word(&s, common_tail(t, swap), 1);
	return (uint32_t)sip_final(&s, 3);
}

uint32_t ct_source_hash(const struct fw_ct *ct, const struct fw_tuple *t)
{
	/* ICMP has one id for both ends, and any translation may change it */
	const struct fw_tuple source = {.src = t->src, .sport_be = is_icmp(t->proto) ? 0 : t->sport_be,
					.proto = t->proto, .family = t->family};

	return ct_tuple_hash(ct->config.seed, &source);
}

bool ct_key_make(const struct fw_ct *ct, const struct fw_tuple *t, struct ct_key *ret)
{
	if (!answer_tail(t, &ret->answer))
		return false;
	ret->tuple = *t;
	ret->hash = ct_tuple_hash(ct->config.seed, t);
	return true;
}
