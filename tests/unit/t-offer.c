/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers (fw/offer.h): which packets' flows need no more judging, on which counters they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


#include "talking.h"

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
	open_cached_talk(&t,
			 "*raw\n-A PREROUTING -p tcp\nCOMMIT\n"
			 "*mangle\n-A PREROUTING -m state --state ESTABLISHED\nCOMMIT\n");
	handshake_ahead(&t);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_unwanted),
		cmocka_unit_test(test_from_cache),
		cmocka_unit_test(test_later_hook),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_not_alike),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_ping_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
