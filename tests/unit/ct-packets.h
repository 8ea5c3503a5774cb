/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets for tracker tests: bytes made from a few words, and one step through a tracker.
 *
 * Client 10.0.0.1 (fd00::1), server 10.0.0.2 (fd00::2), router 10.0.0.9.
 */
#ifndef FW_TESTS_CT_PACKETS_H
#define FW_TESTS_CT_PACKETS_H

#include <string.h>

#include "fw/ct.h"
#include "fw/packet.h"

enum { CLIENT = 1, SERVER = 2, ROUTER = 9 };

#define SEC  FW_NSEC_PER_SEC
#define MSEC 1000000ull

struct bytes {
	uint8_t data[512];
	uint32_t len;
};

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* An IPv4 header for `n` bytes, which the caller puts behind it. */
static inline uint8_t *ip4(struct bytes *b, uint8_t src, uint8_t dst, uint8_t proto, uint32_t n)
{
	memset(b, 0, sizeof(*b));
	b->len = 20 + n;
	b->data[0] = 0x45;
	put16(b->data + 2, b->len);
	b->data[8] = 64;
	b->data[9] = proto;
	b->data[12] = b->data[16] = 10;
	b->data[15] = src;
	b->data[19] = dst;
	return b->data + 20;
}

static inline uint8_t *ip6(struct bytes *b, uint8_t src, uint8_t dst, uint8_t proto, uint32_t n)
{
	memset(b, 0, sizeof(*b));
	b->len = 40 + n;
	b->data[0] = 0x60;
	put16(b->data + 4, n);
	b->data[6] = proto;
	b->data[7] = 255;
	b->data[8] = b->data[24] = 0xfd;
	b->data[23] = src;
	b->data[39] = dst;
	return b->data + 40;
}

/* What the tracker said of the last packet. */
struct heard {
	enum fw_ctinfo ctinfo;
	int ret;
	struct fw_flow *flow;
	struct fw_eval e;
	struct fw_packet pkt;
};

static inline struct heard hear(struct fw_ct *ct, const struct bytes *b, uint64_t now,
				const struct fw_pkt_meta *meta, bool resume)
{
	struct heard h = {.ctinfo = FW_N_CTINFO};
	enum fw_family family = b->data[0] >> 4 == 6 ? FW_IP6 : FW_IP4;

	h.ret = fw_packet_parse(&h.pkt, family, b->data, b->len, b->len, meta);
	if (h.ret < 0)
		return h;
	h.e = (struct fw_eval){.pkt = &h.pkt, .now = now};
	h.ret = resume ? fw_ct_resume(ct, &h.e) : fw_ct_track(ct, &h.e);
	h.ctinfo = h.e.ctinfo;
	h.flow = h.e.flow;
	return h;
}

/* Through PREROUTING, tracked and accepted to the end. */
static inline struct heard pass_packet(struct fw_ct *ct, const struct bytes *b, uint64_t now)
{
	static const struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct heard h = hear(ct, b, now, &meta, false);

	if (!h.ret) {
		h.e.pkt = &h.pkt;
		fw_ct_confirm(ct, &h.e);
	}
	return h;
}

/* ---- short words for tests that need no more ----------------------------------------------- */

static inline struct fw_ct *fresh(void)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	config.seed[0] = 7;
	config.seed[1] = 9;
	return fw_ct_new(&config);
}

static inline enum fw_ctinfo say(struct fw_ct *ct, const struct bytes *b, uint64_t now)
{
	return pass_packet(ct, b, now).ctinfo;
}

static inline enum fw_ctinfo at_hook(struct fw_ct *ct, const struct bytes *b, uint64_t now,
				     uint8_t hook)
{
	struct fw_pkt_meta meta = {.hook = hook};

	return hear(ct, b, now, &meta, false).ctinfo;
}

static inline enum fw_ctinfo resume(struct fw_ct *ct, const struct bytes *b, uint64_t now,
				    enum fw_ctinfo carried)
{
	struct fw_pkt_meta meta = {.hook = FW_FORWARD, .ctinfo = (uint8_t)carried};

	return hear(ct, b, now, &meta, true).ctinfo;
}

/* ---- packets ------------------------------------------------------------------------------- */

struct tcp_words {
	uint8_t src, dst;
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t win;
	uint32_t len;
	const uint8_t *opts;
	uint32_t opts_len;
};

/* Of a connection from CLIENT's port 1000 to SERVER's 80; the sender is one of the two. */
static inline struct tcp_words tcp_from(uint8_t sender, uint8_t flags, uint32_t seq, uint32_t ack)
{
	bool there = sender == CLIENT;

	return (struct tcp_words){.src = sender,
				  .dst = there ? SERVER : CLIENT,
				  .sport = there ? 1000 : 80,
				  .dport = there ? 80 : 1000,
				  .flags = flags,
				  .seq = seq,
				  .ack = ack,
				  .win = 1000};
}

static inline void make_tcp(struct bytes *b, const struct tcp_words *w)
{
	uint8_t *p = ip4(b, w->src, w->dst, 6, 20 + w->opts_len + w->len);

	put16(p, w->sport);
	put16(p + 2, w->dport);
	put32(p + 4, w->seq);
	put32(p + 8, w->ack);
	p[12] = (uint8_t)((20 + w->opts_len) / 4 << 4);
	p[13] = w->flags;
	put16(p + 14, w->win);
	if (w->opts_len)
		memcpy(p + 20, w->opts, w->opts_len);
}

/* Write the TCP checksum of a packet of make_tcp(). */
static inline void sum_tcp(struct bytes *b)
{
	uint8_t *p = b->data + 20;
	size_t n = b->len - 20;
	uint32_t sum = 6 + (uint32_t)n;

	put16(p + 16, 0);
	for (size_t i = 12; i < b->len; i++) /* the addresses stand right before */
		sum += i & 1 ? b->data[i] : (uint32_t)b->data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(p + 16, (uint16_t)~sum);
}

static inline void make_udp(struct bytes *b, uint8_t src, uint8_t dst, uint16_t sport,
			    uint16_t dport)
{
	uint8_t *p = ip4(b, src, dst, 17, 12);

	put16(p, sport);
	put16(p + 2, dport);
	put16(p + 4, 12);
}

/* A question of DNS and its answer. */
static inline void make_question(struct bytes *q, struct bytes *a)
{
	make_udp(q, CLIENT, SERVER, 5000, 53);
	make_udp(a, SERVER, CLIENT, 53, 5000);
}

static inline void make_icmp(struct bytes *b, uint8_t src, uint8_t dst, uint8_t type, uint16_t id)
{
	uint8_t *p = ip4(b, src, dst, 1, 16);

	p[0] = type;
	put16(p + 4, id);
}

/* An ICMP error that quotes `inner`, whole. */
static inline void make_icmp_error(struct bytes *b, uint8_t src, uint8_t dst, uint8_t type,
				   const struct bytes *inner)
{
	uint8_t *p = ip4(b, src, dst, 1, 8 + inner->len);

	p[0] = type;
	memcpy(p + 8, inner->data, inner->len);
}

/* Query number n of a crowd of clients: many sources, many ports. */
static inline void make_nth(struct bytes *b, uint32_t n, bool answer)
{
	make_udp(b, CLIENT, SERVER, (uint16_t)(1024 + n % 50000), 53);
	put16(b->data + 13, n / 50000 + 1);
	if (answer) {
		uint8_t src[4], port[2];

		memcpy(src, b->data + 12, 4);
		memcpy(b->data + 12, b->data + 16, 4);
		memcpy(b->data + 16, src, 4);
		memcpy(port, b->data + 20, 2);
		memcpy(b->data + 20, b->data + 22, 2);
		memcpy(b->data + 22, port, 2);
	}
}

#endif
