/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offers (fw/offer.h): which packets' flows need no more judging, on which counters they belong,
 * and how the tracker lives with what it does not see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/cache.h"
#include "fw/offer.h"

#include "pkt.h"
#include "scene.h"

#define EVERY 8 /* fw_ct_config.offer_every */

#define KNOWN "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"

/* A connection through the router, and what was said of its last packet. */
struct talk {
	struct scene s;
	struct fw_offer offer;
	bool declines; /* nobody takes what is offered */
	uint32_t seq[2]; /* of client and server: what they send next */
};

static void open_talk(struct talk *t, const char *rules)
{
	memset(t, 0, sizeof(*t));
	scene_init(&t->s, true);
	t->offer.min_left_s = 10;
	t->s.world.offer = &t->offer;
	t->seq[0] = 1000;
	t->seq[1] = 5000;
	scene_rules(&t->s, FW_IP4, rules);
}

static void close_talk(struct talk *t)
{
	scene_deinit(&t->s);
}

/* side: 0 the client, 1 the server.  True: it was offered. */
static bool send_at(struct talk *t, enum fw_hook hook, int side, uint8_t proto, uint8_t flags,
		    uint32_t len)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t *tcp;

	pkt_at(&p, hook,
	       hook == FW_POSTROUTING ? ""
		       : side	      ? "eth1"
				      : "eth0",
	       hook == FW_PREROUTING ? ""
		       : side	     ? "eth0"
				     : "eth1");
	pkt_ip4(&p, side ? "10.0.0.2" : "10.0.0.1", side ? "10.0.0.1" : "10.0.0.2", proto);
	if (proto == IPPROTO_UDP) {
		pkt_udp(&p, side ? 80 : 1024, side ? 1024 : 80);
	} else {
		tcp = pkt_tcp(&p, side ? 80 : 1024, side ? 1024 : 80, flags);
		pkt_put32(tcp + 4, t->seq[side]);
		if (flags & PKT_ACK)
			pkt_put32(tcp + 8, t->seq[!side]);
	}
	pkt_grow(&p, len);
	pkt_view(&p, &view);
	scene_run(&t->s, &view);
	if (t->s.d.offered && t->offer.tracked && !t->declines)
		fw_ct_unseen(t->s.world.ct, &t->offer.orig, t->s.now);
	t->seq[side] += len + !!(flags & PKT_SYN) + !!(flags & PKT_FIN);
	return t->s.d.offered;
}

static bool segment(struct talk *t, int side, uint8_t flags, uint32_t len)
{
	return send_at(t, FW_FORWARD, side, IPPROTO_TCP, flags, len);
}

static void handshake(struct talk *t)
{
	segment(t, 0, PKT_SYN, 0);
	segment(t, 1, PKT_SYN | PKT_ACK, 0);
	segment(t, 0, PKT_ACK, 0);
}

/* So many of both sides; how many of them were offered. */
static int chat(struct talk *t, int n)
{
	int offered = 0;

	for (int i = 0; i < n; i++)
		for (int side = 0; side < 2; side++)
			offered += segment(t, side, PKT_ACK, 10);
	return offered;
}

static const char *state_of(struct talk *t)
{
	static char state[32];
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;

	fw_ct_list(t->s.world.ct, &cursor, 10, NULL, t->s.now, false, &out);
	assert_int_equal(sscanf(fw_buf_cstr(&out), "tcp 6 %*u %31s", state), 1);
	fw_buf_deinit(&out);
	return state;
}

static const struct fw_counters *rule_counters(struct talk *t, enum fw_table_id table,
					       uint32_t number)
{
	return &fw_chain_rule(scene_chain(&t->s, FW_IP4, table, "FORWARD"), number)->counters;
}

/* ---- what is offered ----------------------------------------------------------------------- */

static void test_offered(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t,
		  "*mangle\n-A FORWARD -p tcp\nCOMMIT\n*filter\n-A FORWARD -s 10.0.0.9\n" KNOWN
		  "COMMIT\n");
	handshake(&t);
	for (int i = 3; i < EVERY; i++)
		assert_false(segment(&t, 0, PKT_ACK, 10));
	assert_true(segment(&t, 0, PKT_ACK, 10)); /* the client's eighth */
	assert_int_equal(t.offer.dir, FW_DIR_ORIG);
	assert_true(t.offer.tracked);
	assert_int_equal(t.offer.orig.sport_be, htons(1024));
	assert_int_equal(t.offer.n, 3);
	assert_ptr_equal(t.offer.counters[0], rule_counters(&t, FW_MANGLE, 1));
	assert_ptr_equal(t.offer.counters[1],
			 scene_chain(&t.s, FW_IP4, FW_MANGLE, "FORWARD")->policy_counters);
	assert_ptr_equal(t.offer.counters[2], rule_counters(&t, FW_FILTER, 2));
	/* … and not before as many more have come */
	for (int i = 1; i < EVERY; i++)
		assert_false(segment(&t, 0, PKT_ACK, 10));
	assert_true(segment(&t, 0, PKT_PSH | PKT_ACK, 10));
	close_talk(&t);
}

/* Nobody would take it: nothing is offered. */
static void test_unwanted(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
	t.s.world.offer = NULL;
	handshake(&t);
	assert_int_equal(chat(&t, 2 * EVERY), 0);
	close_talk(&t);
}

/* Through the flow cache: the same counters. */
static void test_from_cache(void **state)
{
	struct talk t;
	int offered = 0;

	(void)state;
	open_talk(&t,
		  "*raw\n-A PREROUTING -p tcp\nCOMMIT\n"
		  "*mangle\n-A PREROUTING -m state --state ESTABLISHED\nCOMMIT\n");
	t.s.world.cache = fw_flow_cache_new(64, 1);
	assert_non_null(t.s.world.cache);
	fw_flow_cache_always(t.s.world.cache);
	send_at(&t, FW_PREROUTING, 0, IPPROTO_TCP, PKT_SYN, 0);
	send_at(&t, FW_PREROUTING, 1, IPPROTO_TCP, PKT_SYN | PKT_ACK, 0);
	for (int i = 0; i < 3 * EVERY; i++) {
		if (!send_at(&t, FW_PREROUTING, 0, IPPROTO_TCP, PKT_ACK, 10))
			continue;
		offered++;
		assert_int_equal(t.offer.n, 4); /* a rule and the policy, in raw and in mangle */
		assert_ptr_equal(t.offer.counters[1],
				 scene_chain(&t.s, FW_IP4, FW_RAW, "PREROUTING")->policy_counters);
		assert_ptr_equal(
			t.offer.counters[3],
			scene_chain(&t.s, FW_IP4, FW_MANGLE, "PREROUTING")->policy_counters);
	}
	assert_int_equal(offered, 3);
	assert_true(fw_flow_cache_stats(t.s.world.cache)->hits > EVERY);
	close_talk(&t);
}

/* A later hook finds the flow, but its packets were counted before. */
static void test_later_hook(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t, "*mangle\n-A POSTROUTING -p tcp\nCOMMIT\n*filter\n" KNOWN "COMMIT\n");
	handshake(&t);
	for (int i = 0; i < 2 * EVERY; i++) {
		const bool forwarded = segment(&t, 0, PKT_ACK, 0);

		assert_int_equal(send_at(&t, FW_POSTROUTING, 0, IPPROTO_TCP, PKT_ACK, 0),
				 forwarded);
		if (forwarded)
			assert_false(t.offer.tracked);
	}
	close_talk(&t);
}

/* ---- what is not --------------------------------------------------------------------------- */

static const struct {
	const char *rules; /* ahead of the one that accepts */
	bool offered;
} asking[] = {
	{"-A FORWARD -m limit --limit 1/hour\n", false},
	{"-A FORWARD -m recent --set\n", false},
	{"-A FORWARD -m length --length 1000:\n", false},
	{"-A FORWARD -m statistic --mode nth --every 2 --packet 0\n", false},
	{"-A FORWARD -m ttl --ttl-gt 3\n", false},
	{"-A FORWARD -m tos --tos 0x10\n", false},
	{"-A FORWARD -m dscp --dscp 1\n", false},
	{"-A FORWARD -m pkttype --pkt-type broadcast\n", false},
	{"-A FORWARD -p tcp -m tcp --tcp-option 5\n", false},
	{"-A FORWARD -m conntrack --ctexpire 1:100\n", false},
	{"-A FORWARD -m connmark --mark 1\n", false},
	{"-A FORWARD -j LOG\n", false},
	{"-A FORWARD -j CONNMARK --set-mark 1\n", false},
	{"-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH\n", false},
	/* does not match what is sent here, and so may not even be asked by the index */
	{"-A FORWARD -p tcp -m tcp --tcp-flags PSH,ACK PSH,ACK -j DROP\n", false},
	{"-A FORWARD -p tcp -m tcp --tcp-flags ALL NONE -j DROP\n", true},
	{"-A FORWARD -p tcp -m tcp --tcp-flags ALL FIN,PSH,URG -j DROP\n", true},
	{"-A FORWARD -p tcp -m tcp ! --syn -m state --state NEW -j DROP\n", true},
	{"-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m limit --limit 1/hour\n", true},
	{"-A FORWARD -p udp -m length --length 100\n", true},
	{"-A FORWARD -m mark --mark 7 -j DROP\n", true},
	{"-A FORWARD -p tcp -m multiport --dports 1,2 -j DROP\n", true},
	{"-A FORWARD -m iprange --src-range 10.9.0.0-10.9.0.9 -m comment --comment x -j DROP\n",
	 true},
};

static void test_asking(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(asking); i++) {
		char text[512];
		struct talk t;

		snprintf(text, sizeof(text), "*filter\n%s" KNOWN "COMMIT\n", asking[i].rules);
		open_talk(&t, text);
		handshake(&t);
		if ((chat(&t, 3 * EVERY) > 0) != asking[i].offered)
			fail_msg("%s is %soffered", asking[i].rules,
				 asking[i].offered ? "not " : "");
		close_talk(&t);
	}
}

/* What was done to the packet has to be done to each. */
static void test_changed(void **state)
{
	static const char *const rules[] = {
		"*mangle\n-A FORWARD -j MARK --set-mark 5\nCOMMIT\n*filter\n" KNOWN "COMMIT\n",
		"*mangle\n-A FORWARD -j CLASSIFY --set-class 1:1\nCOMMIT\n*filter\n" KNOWN
		"COMMIT\n",
		"*filter\n-A FORWARD -m state --state ESTABLISHED -j DROP\nCOMMIT\n",
		"*filter\n-A FORWARD -m state --state ESTABLISHED -j NFQUEUE --queue-num "
		"3\nCOMMIT\n",
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		struct talk t;

		open_talk(&t, rules[i]);
		handshake(&t);
		assert_int_equal(chat(&t, 3 * EVERY), 0);
		close_talk(&t);
	}
}

/* Segments that the offer does not speak of are not offered themselves. */
static void test_not_alike(void **state)
{
	static const uint8_t flags[] = {PKT_ACK | PKT_URG, PKT_SYN | PKT_ACK, PKT_FIN | PKT_ACK,
					PKT_RST | PKT_ACK};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(flags); i++) {
		struct talk t;

		open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
		handshake(&t);
		for (int n = 3; n < EVERY; n++)
			segment(&t, 0, PKT_ACK, 10);
		assert_false(segment(&t, 0, flags[i], 0));
		close_talk(&t);
	}
}

/* UDP: a stream, and one that lives long enough to be looked at again. */
static void test_udp(void **state)
{
	struct talk t;
	int offered = 0;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
	for (int i = 0; i < 4 * EVERY; i++)
		offered += send_at(&t, FW_FORWARD, i & 1, IPPROTO_UDP, 0, 20);
	assert_int_equal(offered, 0); /* not assured: that takes two seconds */
	t.s.now += 3 * FW_NSEC_PER_SEC;
	for (int i = 0; i < 4 * EVERY; i++)
		offered += send_at(&t, FW_FORWARD, i & 1, IPPROTO_UDP, 0, 20);
	assert_int_equal(offered, 4);
	fw_ct_set_timeout(t.s.world.ct, "udp_timeout_stream", 9);
	for (int i = 0; i < 4 * EVERY; i++)
		offered += send_at(&t, FW_FORWARD, i & 1, IPPROTO_UDP, 0, 20);
	assert_int_equal(offered, 4);
	close_talk(&t);
}

/* ---- the tracker --------------------------------------------------------------------------- */

/* A connection of which both directions were offered. */
static void open_unseen(struct talk *t)
{
	open_talk(t, "*filter\n" KNOWN "-A FORWARD -m state --state INVALID\nCOMMIT\n");
	handshake(t);
	assert_int_equal(chat(t, EVERY), 2);
}

static uint64_t invalid(struct talk *t)
{
	return rule_counters(t, FW_FILTER, 2)->packets;
}

/* Megabytes have passed. */
static void pass_unseen(struct talk *t)
{
	t->seq[0] += 300000000;
	t->seq[1] += 3000000000u;
}

/* Of the upper layer that `make` puts there; side: as above. */
static bool send_upper(struct talk *t, int side, uint8_t proto,
		       void (*make)(struct pkt *p, int side), uint8_t code)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	pkt_at(&p, FW_FORWARD, side ? "eth1" : "eth0", side ? "eth0" : "eth1");
	pkt_ip4(&p, side ? "10.0.0.2" : "10.0.0.1", side ? "10.0.0.1" : "10.0.0.2", proto);
	make(&p, side);
	p.data[p.l4 + 1] |= code;
	pkt_view(&p, &view);
	scene_run(&t->s, &view);
	return t->s.d.offered;
}

static void make_echo(struct pkt *p, int side)
{
	pkt_icmp(p, side ? 0 : 8, 0, 77, 1);
}

static void make_stamp(struct pkt *p, int side)
{
	pkt_icmp(p, side ? 14 : 13, 0, 77, 1);
	pkt_grow(p, 12);
}

static void make_esp(struct pkt *p, int side)
{
	pkt_put16(pkt_grow(p, 24), (uint16_t)(side + 1));
}

/* Echoes and ESP, which no tracker calls assured: as soon as both sides were heard. */
static void test_other_protocols(void **state)
{
	static const struct {
		uint8_t proto, code;
		void (*make)(struct pkt *p, int side);
		const char *rule;
		int offered;
	} rows[] = {
		{IPPROTO_ICMP, 0, make_echo, "", 4},
		{IPPROTO_ICMP, 0, make_echo, "-A FORWARD -p icmp --icmp-type 8\n", 4},
		{IPPROTO_ICMP, 0, make_echo, "-A FORWARD -m length --length 20:30\n", 0},
		{IPPROTO_ICMP, 1, make_echo, "", 0},
		{IPPROTO_ICMP, 0, make_stamp, "", 0},
		{IPPROTO_ESP, 0, make_esp, "", 4},
		{IPPROTO_ESP, 0, make_esp, "-A FORWARD -p esp -m esp --espspi 1\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct talk t;
		char rules[256];
		int offered = 0;

		snprintf(rules, sizeof(rules), "*filter\n%s" KNOWN "COMMIT\n", rows[i].rule);
		open_talk(&t, rules);
		for (int n = 0; n < 4 * EVERY; n++)
			offered += send_upper(&t, n & 1, rows[i].proto, rows[i].make, rows[i].code);
		assert_int_equal(offered, rows[i].offered);
		close_talk(&t);
	}
}

/* What was not seen keeps a ping alive for as long as a packet would. */
static void test_ping_lives(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
	for (int n = 0; n < 2 * EVERY; n++)
		send_upper(&t, n & 1, IPPROTO_ICMP, make_echo, 0);
	assert_true(t.s.d.offered);
	t.s.now += 29 * FW_NSEC_PER_SEC;
	fw_ct_passed(t.s.world.ct, &t.offer.orig, FW_DIR_ORIG, 1, 28, t.s.now);
	t.s.now += 29 * FW_NSEC_PER_SEC;
	assert_int_equal(fw_ct_stats(t.s.world.ct)->flows, 1);
	fw_ct_gc(t.s.world.ct, t.s.now, 1000);
	assert_int_equal(fw_ct_stats(t.s.world.ct)->flows, 1);
	t.s.now += 2 * FW_NSEC_PER_SEC;
	fw_ct_gc(t.s.world.ct, t.s.now, 100000);
	assert_int_equal(fw_ct_stats(t.s.world.ct)->flows, 0);
	close_talk(&t);
}

static void test_windows_are_forgotten(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	for (int i = 0; i < 3; i++) {
		pass_unseen(&t);
		segment(&t, 0, PKT_ACK | PKT_URG, 10);
		segment(&t, 1, PKT_ACK, 10);
	}
	assert_int_equal(invalid(&t), 0);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	assert_int_equal(invalid(&t), 0);
	assert_string_equal(state_of(&t), "CLOSE");
	close_talk(&t);
}

/* An offer that nobody takes changes nothing, and is not made with every packet. */
static void test_declined(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "-A FORWARD -m state --state INVALID\nCOMMIT\n");
	t.declines = true;
	handshake(&t);
	assert_int_equal(chat(&t, 4 * EVERY), 8);
	pass_unseen(&t);
	segment(&t, 0, PKT_ACK, 10);
	assert_int_equal(invalid(&t), 1); /* the window is still known */
	close_talk(&t);
}

/* The ports are in use again, from either side, while the offer is still in force. */
static void test_used_again(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct talk t;

		open_unseen(&t);
		segment(&t, 0, PKT_RST | PKT_ACK, 0);
		t.s.now += 20 * FW_NSEC_PER_SEC;
		segment(&t, side, PKT_SYN, 0);
		fw_ct_unseen(t.s.world.ct, &t.offer.orig, t.s.now);
		segment(&t, !side, PKT_SYN | PKT_ACK, 0);
		segment(&t, side, PKT_ACK, 0);
		pass_unseen(&t);
		segment(&t, !side, PKT_FIN | PKT_ACK, 0);
		pass_unseen(&t);
		segment(&t, side, PKT_RST | PKT_ACK, 0);
		assert_int_equal(invalid(&t), 0);
		assert_string_equal(state_of(&t), "CLOSE");
		close_talk(&t);
	}
}

static void wait_s(struct talk *t, uint64_t s)
{
	t->s.now += s * FW_NSEC_PER_SEC;
}

/* Anybody could have sent this reset: it is as if it had not been when its sender goes on. */
static void test_reset_in_doubt(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE");
	wait_s(&t, 100);
	segment(&t, 1, PKT_ACK, 10);
	assert_string_equal(state_of(&t), "ESTABLISHED");
	segment(&t, 0, PKT_ACK, 10);
	assert_int_equal(invalid(&t), 0);
	assert_string_equal(state_of(&t), "ESTABLISHED");
	close_talk(&t);
}

/* It was right: who goes on is the other side, and then somebody new. */
static void test_reset_was_right(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	segment(&t, 0, PKT_ACK, 10);
	assert_string_equal(state_of(&t), "CLOSE");
	wait_s(&t, 11);
	segment(&t, 0, PKT_SYN, 0);
	assert_string_equal(state_of(&t), "SYN_SENT");
	close_talk(&t);
}

/* Acknowledgements pass unseen, so a FIN counts as acknowledged. */
static void test_ends(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 0, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE_WAIT");
	segment(&t, 0, PKT_FIN | PKT_ACK, 0); /* once more: it is the other side's that ends it */
	assert_string_equal(state_of(&t), "LAST_ACK");
	pass_unseen(&t);
	segment(&t, 1, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "TIME_WAIT");
	close_talk(&t);
}

static void test_seen_again(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_ORIG, t.s.now);
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, t.s.now);
	assert_true(segment(&t, 0, PKT_ACK, 10)); /* due at once */
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_ORIG, t.s.now);
	assert_int_equal(invalid(&t), 0);
	segment(&t, 0, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "FIN_WAIT");
	segment(&t, 1, PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE_WAIT");
	close_talk(&t);
}

/* What passed keeps the flow alive and is in its counters. */
static void test_passed(void **state)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
	config.acct = true;
	fw_ct_set_config(t.s.world.ct, &config);
	fw_ct_set_timeout(t.s.world.ct, "tcp_timeout_established", 100);
	fw_ct_set_timeout(t.s.world.ct, "tcp_timeout_unacknowledged", 100);
	handshake(&t);
	assert_int_equal(chat(&t, EVERY), 2);
	t.s.now += 90 * FW_NSEC_PER_SEC;
	fw_ct_passed(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, 1000, 50000, t.s.now);
	t.s.now += 90 * FW_NSEC_PER_SEC;
	fw_ct_list(t.s.world.ct, &cursor, 10, NULL, t.s.now, false, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "tcp      6 10 ESTABLISHED"));
	assert_non_null(strstr(fw_buf_cstr(&out), "packets=1009 bytes=50440"));
	/* but not one that has ended since */
	fw_buf_reset(&out);
	segment(&t, 0, PKT_RST | PKT_ACK, 0);
	t.s.now += 9 * FW_NSEC_PER_SEC;
	fw_ct_passed(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, 1, 40, t.s.now);
	fw_ct_list(t.s.world.ct, &cursor, 10, NULL, t.s.now, false, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "tcp      6 91 CLOSE")); /* in doubt */
	fw_buf_deinit(&out);
	close_talk(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_declined),
		cmocka_unit_test(test_unwanted),
		cmocka_unit_test(test_from_cache),
		cmocka_unit_test(test_later_hook),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_not_alike),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_ping_lives),
		cmocka_unit_test(test_windows_are_forgotten),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_reset_in_doubt),
		cmocka_unit_test(test_reset_was_right),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_seen_again),
		cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
