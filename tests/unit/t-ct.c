/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker beside TCP: other protocols, ICMP errors, the life of a flow over the hooks, the
 * limit, timeouts, lists, the index under load.  TCP has t-ct-tcp.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "ct-packets.h"
#include "track/siphash.h"
#include "track/track.h"

enum { CLIENT = 1, SERVER = 2, ROUTER = 9 };

static struct fw_ct *fresh(void)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	config.seed[0] = 7;
	config.seed[1] = 9;
	return fw_ct_new(&config);
}

static enum fw_ctinfo say(struct fw_ct *ct, const struct bytes *b, uint64_t now)
{
	return pass_packet(ct, b, now).ctinfo;
}

static enum fw_ctinfo at_hook(struct fw_ct *ct, const struct bytes *b, uint64_t now, uint8_t hook)
{
	struct fw_pkt_meta meta = {.hook = hook};

	return hear(ct, b, now, &meta, false).ctinfo;
}

static enum fw_ctinfo resume(struct fw_ct *ct, const struct bytes *b, uint64_t now,
			     enum fw_ctinfo carried)
{
	struct fw_pkt_meta meta = {.hook = FW_FORWARD, .ctinfo = (uint8_t)carried};

	return hear(ct, b, now, &meta, true).ctinfo;
}

/* The SipHash paper's key and messages 00 01 02 …; 1-3 as other implementations print it. */
static void test_siphash_vectors(void **state)
{
	uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t msg[64];

	(void)state;
	for (uint8_t i = 0; i < 64; i++)
		msg[i] = i;
	assert_true(sip_bytes(key, msg, 0, 2, 4) == 0x726fdb47dd0e0e31ull);
	assert_true(sip_bytes(key, msg, 8, 2, 4) == 0x93f5f5799a932462ull);
	assert_true(sip_bytes(key, msg, 15, 2, 4) == 0xa129ca6149be45e5ull);
	assert_true(sip_bytes(key, msg, 0, 1, 3) == 0xabac0158050fc4dcull);
}

static void test_udp(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	assert_int_equal(say(ct, &q, 0), FW_CT_NEW);
	assert_int_equal(say(ct, &q, 1 * SEC), FW_CT_NEW);
	h = pass_packet(ct, &a, 1 * SEC);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_expires_s(h.flow, 1 * SEC), 30);
	h = pass_packet(ct, &q, 2 * SEC); /* exactly two seconds are not yet a stream */
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED);
	assert_int_equal(fw_flow_expires_s(h.flow, 2 * SEC), 30);
	assert_false(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	h = pass_packet(ct, &a, 2 * SEC + 1);
	assert_int_equal(fw_flow_expires_s(h.flow, 2 * SEC + 1), 120);
	assert_true(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	assert_int_equal(say(ct, &q, 122 * SEC), FW_CT_ESTABLISHED);
	assert_int_equal(say(ct, &q, 242 * SEC), FW_CT_NEW); /* at 120 s it is gone */
	fw_ct_free(ct);
}

static void test_udp_malformed(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	for (uint32_t len = 0; len < 20; len++) {
		put16(q.data + 24, len);
		assert_int_equal(say(ct, &q, 0), len < 8 || len > 12 ? FW_CT_INVALID : FW_CT_NEW);
	}
	fw_ct_free(ct);
}

static void test_icmp_pairs(void **state)
{
	static const struct {
		uint8_t type, reply;
	} pairs[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(pairs); i++) {
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
		make_icmp(&b, CLIENT, SERVER, pairs[i].type, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 2);
		assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* another id */
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
		make_icmp(&b, CLIENT, SERVER, pairs[i].type, 1);
		assert_int_equal(say(ct, &b, 29 * SEC), FW_CT_ESTABLISHED);
		assert_int_equal(say(ct, &b, 59 * SEC), FW_CT_NEW);
	}
	make_icmp(&b, CLIENT, SERVER, 9, 1);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_icmp(&b, CLIENT, SERVER, 200, 1);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void test_icmp6(void **state)
{
	static const uint8_t untracked[] = {130, 131, 132, 133, 134, 135, 136, 143, 151, 152};
	struct fw_ct *ct = fresh();
	struct bytes b;
	uint8_t *p;

	(void)state;
	p = ip6(&b, CLIENT, SERVER, 58, 40);
	for (size_t i = 0; i < sizeof(untracked); i++) {
		p[0] = untracked[i];
		assert_int_equal(say(ct, &b, 0), FW_CT_UNTRACKED);
	}
	p[0] = 129;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	p[0] = 128;
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	p = ip6(&b, SERVER, CLIENT, 58, 40);
	p[0] = 129;
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
	p = ip6(&b, CLIENT, SERVER, 1, 40); /* the other family's */
	p[0] = 8;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void test_icmp_errors(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q, a, e;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID); /* of nothing that we know */
	say(ct, &q, 0);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q); /* whoever says it */
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	make_icmp_error(&e, SERVER, ROUTER, 3, &q); /* but only to whom it concerns */
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID);
	make_icmp_error(&e, CLIENT, SERVER, 3, &a);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	e.len = 20 + 8 + 20 + 4; /* ports are enough */
	put16(e.data + 2, e.len);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	e.len--;
	put16(e.data + 2, e.len);
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID);
	/* an error keeps nothing alive and answers nothing */
	assert_int_equal(say(ct, &q, 29 * SEC), FW_CT_NEW);
	fw_ct_free(ct);
}

static void test_generic_and_gre(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	ip4(&b, CLIENT, SERVER, 50, 8);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	ip4(&b, SERVER, CLIENT, 50, 8);
	assert_int_equal(say(ct, &b, 599 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 1198 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 1798 * SEC), FW_CT_NEW);
	ip4(&b, CLIENT, SERVER, 47, 8);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	ip4(&b, SERVER, CLIENT, 47, 8);
	assert_int_equal(say(ct, &b, 29 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 58 * SEC), FW_CT_ESTABLISHED_REPLY); /* both ways from here on */
	assert_int_equal(say(ct, &b, 237 * SEC), FW_CT_ESTABLISHED_REPLY);
	fw_ct_free(ct);
}

/* A redirect quotes its packet in an option, and only a router on the link may send one. */
static void test_icmp6_redirect(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes echo, b;
	uint8_t *p;

	(void)state;
	ip6(&echo, CLIENT, SERVER, 58, 8)[0] = 128;
	assert_int_equal(say(ct, &echo, 0), FW_CT_NEW);
	p = ip6(&b, ROUTER, CLIENT, 58, 48 + echo.len);
	p[0] = 137;
	p[40] = 4;
	p[41] = 1;
	memcpy(p + 48, echo.data, echo.len);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* not from the link */
	b.data[8] = 0xfe;
	b.data[9] = 0x80;
	assert_int_equal(say(ct, &b, 0), FW_CT_RELATED_REPLY);
	b.data[7] = 254; /* came over a router */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	b.data[7] = 255;
	p[40] = 1; /* another option */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	p[40] = 4;
	p[41] = 0;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void make_sctp(struct bytes *b, uint8_t src, uint8_t dst, uint8_t chunk, uint32_t tag,
		      uint32_t init_tag)
{
	uint8_t *p = ip4(b, src, dst, 132, 12 + 20);

	put16(p, src);
	put16(p + 2, dst);
	put32(p + 4, tag);
	p[12] = chunk;
	put16(p + 14, 20);
	put32(p + 16, init_tag);
}

static void test_sctp(void **state)
{
	enum { DATA = 0, INIT = 1, INIT_ACK = 2, ABORT = 6, ECHOED = 10, COOKIE_ACK = 11 };
	struct fw_ct *ct = fresh();
	struct bytes b;
	struct heard h;

	(void)state;
	make_sctp(&b, CLIENT, SERVER, ABORT, 0, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, INIT, 5, 11); /* an INIT has no tag to show */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, INIT, 0, 11);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	make_sctp(&b, SERVER, CLIENT, INIT_ACK, 12, 22);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* it was told 11 */
	make_sctp(&b, SERVER, CLIENT, INIT_ACK, 11, 22);
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
	make_sctp(&b, CLIENT, SERVER, ECHOED, 22, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED);
	make_sctp(&b, SERVER, CLIENT, COOKIE_ACK, 11, 0);
	h = pass_packet(ct, &b, 0);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_true(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	assert_int_equal(fw_flow_expires_s(h.flow, 0), 210);
	make_sctp(&b, CLIENT, SERVER, DATA, 99, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, ABORT, 22, 0);
	assert_int_equal(fw_flow_expires_s(pass_packet(ct, &b, 0).flow, 0), 10);
	fw_ct_free(ct);
}

static void test_fragments(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	q.data[7] = 2; /* a later fragment */
	assert_int_equal(say(ct, &q, 0), FW_CT_INVALID);
	q.data[7] = 0;
	q.data[6] = 0x20; /* the first one of a local sender */
	assert_int_equal(at_hook(ct, &q, 0, FW_OUTPUT), FW_CT_INVALID);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

static void test_checksums(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_INPUT, .flags = FW_PKT_CSUM_UNCHECKED};
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	put16(q.data + 26, 1); /* wrong */
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_INVALID);
	meta.flags |= FW_PKT_CSUM_PARTIAL;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	meta.flags = FW_PKT_CSUM_UNCHECKED;
	meta.hook = FW_OUTPUT;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	meta.hook = FW_PREROUTING;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_INVALID);
	config.checksum = false;
	fw_ct_set_config(ct, &config);
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	fw_ct_free(ct);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static void test_dropped_takes_its_flow(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_dropped(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(say(ct, &a, 0), FW_CT_NEW);
	/* a confirmed flow stays, whatever becomes of its packets */
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	fw_ct_dropped(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

static void test_later_hooks(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_NEW);
	assert_int_equal(fw_flow_status(h.flow), 0);
	assert_int_equal(fw_flow_expires_s(h.flow, 0), 0); /* its timer does not run yet */
	assert_int_equal(resume(ct, &q, 0, FW_CT_NONE), FW_CT_NEW);
	assert_int_equal(resume(ct, &q, 0, FW_CT_INVALID), FW_CT_INVALID);
	assert_int_equal(resume(ct, &q, 0, FW_CT_UNTRACKED), FW_CT_UNTRACKED);
	assert_int_equal(resume(ct, &q, 0, FW_CT_RELATED), FW_CT_RELATED);
	/* the answer finds it although nobody confirmed, and confirms it */
	h = hear(ct, &a, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_status(h.flow), FW_CTS_CONFIRMED | FW_CTS_SEEN_REPLY);
	assert_int_equal(resume(ct, &a, 0, FW_CT_NONE), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(resume(ct, &q, 0, FW_CT_NONE), FW_CT_ESTABLISHED);
	/* a flow that went meanwhile is begun again */
	assert_int_equal(resume(ct, &q, 31 * SEC, FW_CT_NONE), FW_CT_NEW);
	fw_ct_free(ct);
}

/* Two SYNs before the first is through: both NEW, and the flow is as the second says. */
static void test_unconfirmed_begins_anew(void **state)
{
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 1, .dport = 2, .flags = TH_SYN,
			      .seq = 100, .win = 10};
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_NEW);
	w.flags = TH_FIN | TH_ACK; /* cannot begin one, and harms none */
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_INVALID);
	w.flags = TH_ACK; /* in the kernel it would find no flow, and be picked up midway */
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_NEW);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

/* The RST that ends an unanswered flow is ESTABLISHED at all its hooks. */
static void test_killed_flow_is_seen_by_its_packet(void **state)
{
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 1, .dport = 2, .flags = TH_SYN,
			      .seq = 100, .win = 10};
	struct fw_ct *ct = fresh();
	struct bytes syn, rst;

	(void)state;
	make_tcp(&syn, &w);
	assert_int_equal(say(ct, &syn, 0), FW_CT_NEW);
	w = (struct tcp_words){.src = SERVER, .dst = CLIENT, .sport = 2, .dport = 1,
			       .flags = TH_RST | TH_ACK, .ack = 101};
	make_tcp(&rst, &w);
	assert_int_equal(say(ct, &rst, 0), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(resume(ct, &rst, 0, FW_CT_NONE), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(at_hook(ct, &rst, 0, FW_PREROUTING), FW_CT_INVALID); /* a second one */
	assert_int_equal(say(ct, &syn, 0), FW_CT_NEW);
	fw_ct_gc(ct, 2 * SEC, 10000);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

/* A carried RELATED_REPLY has no flow any more: the tuple asked for is still the right one. */
static void test_transient_flow(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_OUTPUT, .ctinfo = FW_CT_RELATED_REPLY};
	struct fw_ct *ct = fresh();
	struct tcp_words w = {.src = SERVER, .dst = CLIENT, .sport = 2, .dport = 1, .flags = TH_RST};
	struct bytes q, e, rst;
	struct fw_tuple room;
	struct heard h;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	make_tcp(&rst, &w);
	h = hear(ct, &e, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_RELATED_REPLY);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], CLIENT);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_REPLY, &room)->src.u8[3], SERVER);
	h = hear(ct, &rst, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_RELATED_REPLY);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], CLIENT);
	meta.ctinfo = FW_CT_RELATED;
	h = hear(ct, &e, 0, &meta, false);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], SERVER);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_dropped(ct, &h.e); /* touches nothing */
	fw_ct_confirm(ct, &h.e);
	fw_ct_free(ct);
}

/* What this host's kernel says of packets that we did not see, or did not let live. */
static void test_local_errors(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_OUTPUT};
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 1, .dport = 2, .flags = TH_SYN};
	struct fw_ct *ct = fresh();
	struct bytes q, e;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_RELATED_REPLY);
	meta.has_uid = true; /* a user's raw socket: no flow is attached to that */
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	meta.has_uid = false;
	make_icmp(&q, CLIENT, SERVER, 0, 1); /* an echo reply begins no flow */
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	make_tcp(&q, &w);
	sum_tcp(&q);
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_RELATED_REPLY);
	q.data[37] ^= 1; /* a wrong checksum: the quoted packet was INVALID, and so has no flow */
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	w.flags = TH_FIN;
	make_tcp(&q, &w);
	sum_tcp(&q);
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	fw_ct_free(ct);
}

static void test_notrack(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_packet pkt;
	struct fw_eval e = {.pkt = &pkt, .ctinfo = FW_CT_UNTRACKED};
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, q.data, q.len, q.len, &meta), 0);
	assert_int_equal(fw_ct_track(ct, &e), 0);
	assert_int_equal(e.ctinfo, FW_CT_UNTRACKED);
	assert_null(e.flow);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

/* ---- the table ----------------------------------------------------------------------------- */

/* Query number n of a crowd of clients: many sources, many ports. */
static void make_nth(struct bytes *b, uint32_t n, bool answer)
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

static void test_many_flows(void **state)
{
	enum { N = 60000 };
	struct fw_ct *ct = fresh();
	struct bytes b;
	size_t gone = 0;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	}
	assert_int_equal(fw_ct_stats(ct)->flows, N);
	for (uint32_t n = 0; n < N; n += 2) {
		make_nth(&b, n, true);
		assert_int_equal(say(ct, &b, 20 * SEC), FW_CT_ESTABLISHED_REPLY);
	}
	for (int i = 0; i < 200; i++)
		gone += fw_ct_gc(ct, 30 * SEC, 500);
	assert_int_equal(gone, N / 2);
	assert_int_equal(fw_ct_stats(ct)->flows, N / 2);
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 31 * SEC), n % 2 ? FW_CT_NEW : FW_CT_ESTABLISHED);
	}
	fw_ct_gc(ct, 1000 * SEC, SIZE_MAX);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

/* Known flows, unknown ones and packets without any: asking for them ahead is seen by nobody. */
static void test_prefetch(void **state)
{
	static const struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	enum { N = 40000 };
	struct fw_ct *ct = fresh();
	const struct fw_packet *pkts[FW_CT_PREFETCH];
	struct fw_packet pkt[FW_CT_PREFETCH];
	struct bytes b[FW_CT_PREFETCH];
	struct fw_ct_stats before;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b[0], n, false);
		assert_int_equal(say(ct, &b[0], 0), FW_CT_NEW);
	}
	for (uint32_t i = 0; i < FW_CT_PREFETCH; i++) {
		make_nth(&b[i], N - FW_CT_PREFETCH / 2 + i, i & 1);
		if (i % 8 == 0)
			b[i].data[7] = 1; /* a later fragment */
		assert_int_equal(
			fw_packet_parse(&pkt[i], FW_IP4, b[i].data, b[i].len, b[i].len, &meta), 0);
		pkts[i] = &pkt[i];
	}
	before = *fw_ct_stats(ct);
	fw_ct_prefetch(ct, pkts, FW_CT_PREFETCH);
	fw_ct_prefetch(ct, pkts, 0);
	assert_memory_equal(&before, fw_ct_stats(ct), sizeof(before));
	make_nth(&b[1], N - 1, true);
	assert_int_equal(say(ct, &b[1], 0), FW_CT_ESTABLISHED_REPLY);
	fw_ct_free(ct);
}

static struct fw_ct *limited(uint32_t max, struct fw_ct_config *config)
{
	*config = (struct fw_ct_config)FW_CT_CONFIG_INIT;
	config->max_flows = max;
	return fw_ct_new(config);
}

static void test_early_drop(void **state)
{
	struct fw_ct_config config;
	struct fw_ct *ct = limited(100, &config);
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 1000; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	}
	assert_int_equal(fw_ct_stats(ct)->flows, 100);
	assert_int_equal(fw_ct_stats(ct)->early_drop, 900);
	assert_int_equal(fw_ct_stats(ct)->drop, 0);
	fw_ct_free(ct);
}

/* All assured: nobody can be evicted, the packet must go; gc makes room among closing ones. */
static void test_full_of_assured(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct_config config;
	struct fw_ct *ct = limited(100, &config);
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 100; n++) {
		make_nth(&b, n, false);
		say(ct, &b, 0);
		make_nth(&b, n, true);
		say(ct, &b, 1);
		say(ct, &b, 3 * SEC);
	}
	make_nth(&b, 100, false);
	assert_int_equal(hear(ct, &b, 3 * SEC, &meta, false).ret, -1);
	assert_int_equal(fw_ct_stats(ct)->drop, 1);
	assert_int_equal(fw_ct_gc(ct, 3 * SEC, 10000), 0);
	make_nth(&b, 5, false); /* those who are in are served */
	assert_int_equal(say(ct, &b, 3 * SEC), FW_CT_ESTABLISHED);
	make_nth(&b, 100, false);
	assert_int_equal(hear(ct, &b, 124 * SEC, &meta, false).ret, 0); /* room again: expired */
	fw_ct_free(ct);
}

static void test_timeout_names(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;
	uint32_t seconds;

	(void)state;
	assert_int_equal(fw_ct_get_timeout(ct, "tcp_timeout_established", &seconds), 0);
	assert_int_equal(seconds, 432000);
	assert_int_equal(fw_ct_set_timeout(ct, "nonsense", 1), -1);
	assert_int_equal(fw_ct_get_timeout(ct, "nonsense", &seconds), -1);
	assert_int_equal(fw_ct_set_timeout(ct, "udp_timeout", 5), 0);
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	assert_int_equal(fw_flow_expires_s(pass_packet(ct, &q, 0).flow, 0), 5);
	fw_ct_free(ct);
}

static void test_marks_and_counters(void **state)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct;
	uint64_t cursor = 0;
	struct bytes q, a;
	struct heard h;

	(void)state;
	config.acct = true;
	ct = fw_ct_new(&config);
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	h = pass_packet(ct, &q, 0);
	fw_flow_set_mark(h.flow, 0x77);
	pass_packet(ct, &q, 0);
	h = pass_packet(ct, &a, 0);
	assert_int_equal(fw_flow_mark(h.flow), 0x77);
	fw_ct_list(ct, &cursor, 10, NULL, 0, false, &out);
	assert_string_equal(fw_buf_cstr(&out),
			    "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=53 packets=2 "
			    "bytes=64 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5000 packets=1 bytes=32 "
			    "mark=119 use=1\n");
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

/* ---- lists --------------------------------------------------------------------------------- */

static size_t count_lines(const struct fw_buf *b)
{
	size_t n = 0;

	for (const char *c = fw_buf_cstr(b); *c; c++)
		n += *c == '\n';
	return n;
}

static void test_list_text(void **state)
{
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
			      .flags = TH_SYN, .seq = 100, .win = 10};
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct = fresh();
	uint64_t cursor = 0;
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	say(ct, &b, 0);
	make_icmp(&b, CLIENT, SERVER, 8, 77);
	say(ct, &b, 0);
	fw_ct_list(ct, &cursor, 100, NULL, 1 * SEC, false, &out);
	assert_int_equal(cursor, 0);
	assert_string_equal(fw_buf_cstr(&out),
			    "tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 "
			    "[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1\n"
			    "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] "
			    "src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 use=1\n");
	fw_buf_reset(&out);
	fw_ct_list(ct, &cursor, 1, NULL, 1 * SEC, true, &out);
	assert_string_equal(fw_buf_cstr(&out),
			    "{\"family\":\"ipv4\",\"protocol\":6,\"name\":\"tcp\",\"expires\":119,"
			    "\"state\":\"SYN_SENT\",\"orig\":{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\","
			    "\"sport\":1000,\"dport\":80},\"reply\":{\"src\":\"10.0.0.2\",\"dst\":"
			    "\"10.0.0.1\",\"sport\":80,\"dport\":1000},\"replied\":false,\"assured\":false,"
			    "\"mark\":0,\"zone\":0}\n");
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

static void test_list_slices_and_filters(void **state)
{
	struct fw_ct_filter f = {.family = -1, .proto = -1, .sport = 1029, .dport = -1};
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct = fresh();
	uint64_t cursor = 0;
	size_t slices = 0;
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		make_nth(&b, n, false);
		say(ct, &b, 0);
	}
	do {
		fw_ct_list(ct, &cursor, 64, NULL, 0, false, &out);
		slices++;
	} while (cursor);
	assert_int_equal(count_lines(&out), 2000);
	assert_in_range(slices, 2000 / 64, 2000 / 64 + 2);
	fw_buf_reset(&out);
	fw_ct_list(ct, &cursor, 1000, &f, 0, false, &out);
	assert_int_equal(cursor, 0);
	assert_int_equal(count_lines(&out), 1);
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0), 1);
	f.sport = -1;
	f.proto = 6;
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0), 0);
	f.proto = 17;
	f.state = "ESTABLISHED";
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0), 0);
	cursor = 0;
	assert_int_equal(fw_ct_delete(ct, &cursor, SIZE_MAX, NULL, 0), 1999);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

/* ---- over a restart ------------------------------------------------------------------------ */

static void open_tcp(struct fw_ct *ct, uint64_t now)
{
	struct tcp_words syn = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
				.flags = TH_SYN, .seq = 100, .win = 1000};
	struct tcp_words synack = {.src = SERVER, .dst = CLIENT, .sport = 80, .dport = 1000,
				   .flags = TH_SYN | TH_ACK, .seq = 500, .ack = 101, .win = 1000};
	struct tcp_words ack = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
				.flags = TH_ACK, .seq = 101, .ack = 501, .win = 1000};
	struct bytes b;

	make_tcp(&b, &syn);
	say(ct, &b, now);
	make_tcp(&b, &synack);
	say(ct, &b, now);
	make_tcp(&b, &ack);
	assert_int_equal(say(ct, &b, now), FW_CT_ESTABLISHED);
}

static void test_dump_and_load(void **state)
{
	struct tcp_words w = {.src = SERVER, .dst = CLIENT, .sport = 80, .dport = 1000,
			      .flags = TH_ACK, .seq = 501, .ack = 101, .win = 1000};
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf first = FW_BUF_INIT, second = FW_BUF_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fw_ct *ct, *next = fresh();
	uint64_t cursor = 0;
	struct bytes q, a;
	struct heard h;

	(void)state;
	config.acct = true;
	config.seed[0] = 5;
	ct = fw_ct_new(&config);
	open_tcp(ct, 1000 * SEC);
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_udp(&a, SERVER, CLIENT, 53, 5000);
	fw_flow_set_mark(pass_packet(ct, &q, 1000 * SEC).flow, 0xabc);
	say(ct, &a, 1001 * SEC);
	ip6(&q, CLIENT, SERVER, 58, 40)[0] = 128;
	say(ct, &q, 1000 * SEC);
	do
		fw_ct_dump(ct, &cursor, 2, 1001 * SEC, &first);
	while (cursor);
	assert_int_equal(count_lines(&first), 3);
	/* into a machine that has just started: its clock is below the flows' ages */
	assert_int_equal(fw_ct_load(next, first.data, first.len, 2 * SEC, &err), 0);
	assert_int_equal(fw_ct_load(next, first.data, first.len, 2 * SEC, &err), 0); /* known: left */
	assert_int_equal(fw_ct_stats(next)->flows, 3);
	make_tcp(&q, &w);
	assert_int_equal(say(next, &q, 3 * SEC), FW_CT_ESTABLISHED_REPLY);
	w.seq = 900000;
	make_tcp(&q, &w);
	assert_int_equal(say(next, &q, 3 * SEC), FW_CT_INVALID); /* the window came along */
	h = pass_packet(next, &a, 4 * SEC); /* a stream since 1002, which is 3 here */
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_mark(h.flow), 0xabc);
	assert_int_equal(fw_flow_expires_s(h.flow, 4 * SEC), 120);
	fw_ct_free(next);
	/* text → flows → text is the same, counters too */
	next = fw_ct_new(&config);
	assert_int_equal(fw_ct_load(next, first.data, first.len, 7 * SEC, &err), 0);
	fw_ct_dump(next, &cursor, 100, 7 * SEC, &second);
	assert_string_equal(fw_buf_cstr(&first), fw_buf_cstr(&second));
	/* a long way off: what has expired meanwhile does not come */
	fw_ct_free(next);
	next = fresh();
	assert_int_equal(fw_ct_load(next, first.data, first.len, -(int64_t)(600 * SEC), &err), 0);
	assert_int_equal(fw_ct_stats(next)->flows, 1);
	fw_buf_deinit(&first);
	fw_buf_deinit(&second);
	fw_ct_free(ct);
	fw_ct_free(next);
}

/* A crash's flows: the peers have sent megabytes since they were saved. */
static void test_load_old(void **state)
{
	struct tcp_words data = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
				 .flags = TH_ACK, .seq = 7000101, .ack = 900501, .win = 1000};
	struct tcp_words answer = {.src = SERVER, .dst = CLIENT, .sport = 80, .dport = 1000,
				   .flags = TH_ACK, .seq = 900501, .ack = 7000101, .win = 1000};
	struct fw_ct *ct = fresh(), *exact = fresh(), *old = fresh();
	struct fw_buf text = FW_BUF_INIT;
	uint64_t cursor = 0;
	struct bytes b;

	(void)state;
	open_tcp(ct, 1000 * SEC);
	fw_ct_dump(ct, &cursor, 100, 1001 * SEC, &text);
	assert_int_equal(fw_ct_load(exact, text.data, text.len, 1001 * SEC, NULL), 0);
	assert_int_equal(fw_ct_load_old(old, text.data, text.len, 1001 * SEC, NULL), 0);
	make_tcp(&b, &data);
	assert_int_equal(say(exact, &b, 1020 * SEC), FW_CT_INVALID);
	assert_int_equal(say(old, &b, 1020 * SEC), FW_CT_ESTABLISHED);
	make_tcp(&b, &answer);
	assert_int_equal(say(old, &b, 1020 * SEC), FW_CT_ESTABLISHED_REPLY);
	fw_buf_deinit(&text);
	fw_ct_free(ct);
	fw_ct_free(exact);
	fw_ct_free(old);
}

static void test_load_refuses_garbage(void **state)
{
	static const char good[] = "4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0";
	static const char *const bad[] = {
		"x", "4 17", "5 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000", "4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 :",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0", "4 17 10.0.0.1 ::1 1 2 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 65536 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 30 0 1000 : 0 0", /* NAT */
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 99999999999999 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 1 2 3 : 0 0",
		"4 6 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : a 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
		"4 6 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 3 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
		"4 132 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 9 0 0 0 0 0 0",
	};
	struct fw_err err = FW_ERR_INIT;
	struct fw_ct *ct = fresh();

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++)
		assert_int_equal(fw_ct_load(ct, bad[i], strlen(bad[i]), SEC, NULL), -EINVAL);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(fw_ct_load(ct, "\n\nx\n", 4, SEC, &err), -EINVAL);
	assert_int_equal(err.line, 3);
	assert_int_equal(fw_ct_load(ct, good, strlen(good), SEC, NULL), 0);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vectors),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_malformed),
		cmocka_unit_test(test_icmp_pairs),
		cmocka_unit_test(test_icmp6),
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_generic_and_gre),
		cmocka_unit_test(test_icmp6_redirect),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_dropped_takes_its_flow),
		cmocka_unit_test(test_later_hooks),
		cmocka_unit_test(test_unconfirmed_begins_anew),
		cmocka_unit_test(test_killed_flow_is_seen_by_its_packet),
		cmocka_unit_test(test_transient_flow),
		cmocka_unit_test(test_local_errors),
		cmocka_unit_test(test_notrack),
		cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_early_drop),
		cmocka_unit_test(test_full_of_assured),
		cmocka_unit_test(test_timeout_names),
		cmocka_unit_test(test_marks_and_counters),
		cmocka_unit_test(test_list_text),
		cmocka_unit_test(test_list_slices_and_filters),
		cmocka_unit_test(test_dump_and_load),
		cmocka_unit_test(test_load_old),
		cmocka_unit_test(test_load_refuses_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
