/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow cache: what it keeps, what it must not keep, when it forgets.  That a cached packet
 * counts and ends as a walked one is t-classify's matter, over many rulesets.
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

#include "pkt.h"
#include "scene.h"

static void open_scene(struct scene *s, bool tracking, const char *rules)
{
	scene_init(s, tracking);
	s->world.cache = fw_flow_cache_new(64, 1);
	assert_non_null(s->world.cache);
	fw_flow_cache_always(s->world.cache);
	scene_rules(s, FW_IP4, rules);
}

static void datagram(struct pkt *p, struct fw_packet *view, const char *src, uint16_t port)
{
	pkt_at(p, FW_INPUT, "eth0", NULL);
	pkt_ip4(p, src, "10.0.0.2", IPPROTO_UDP);
	pkt_udp(p, port, 53);
	pkt_view(p, view);
}

static uint64_t hits(const struct scene *s)
{
	return fw_flow_cache_stats(s->world.cache)->hits;
}

/* The second time a packet comes its walk is kept; from the third on it is not walked. */
static void test_third_packet_hits(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	open_scene(&s, false,
		   "*mangle\n-A INPUT -j MARK --set-mark 7\nCOMMIT\n"
		   "*filter\n:a -\n-A a -m mark --mark 7\n-A INPUT -p udp -j a\n-A INPUT -s "
		   "10.0.0.1 -j "
		   "ACCEPT\nCOMMIT\n");
	for (unsigned int i = 1; i <= 5; i++) {
		p = (struct pkt)PKT_INIT;
		datagram(&p, &view, "10.0.0.1", 1000);
		assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
		assert_int_equal(s.d.mark, 7);
		assert_true(s.d.reroute);
		assert_int_equal(s.d.number, 2);
		assert_int_equal(s.d.table, FW_FILTER);
		assert_int_equal(hits(&s), i > 2 ? i - 2 : 0);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "INPUT", 1), i);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "INPUT", 0), i);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "a", 1), i);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 2), i);
	}
	scene_deinit(&s);
}

/* Bytes are each packet's own. */
static void test_bytes(void **state)
{
	uint64_t bytes = 0;
	struct scene s;

	(void)state;
	open_scene(&s, false, "*filter\n-A INPUT -p udp\nCOMMIT\n");
	for (unsigned int i = 0; i < 6; i++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;

		datagram(&p, &view, "10.0.0.1", 1000);
		pkt_grow(&p, i * 10);
		pkt_view(&p, &view);
		bytes += view.len;
		scene_run(&s, &view);
	}
	assert_int_equal(hits(&s), 4);
	assert_int_equal(
		fw_chain_rule(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT"), 1)->counters.bytes,
		bytes);
	assert_int_equal(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT")->policy_counters->bytes,
			 bytes);
	scene_deinit(&s);
}

/* What asks for, or does, something that may be different next time. */
static void test_not_kept(void **state)
{
	static const char *const rules[] = {
		"-m length --length 1:100 -j ACCEPT",
		"-m limit --limit 1/sec -j ACCEPT",
		"-m statistic --mode nth --every 2 --packet 0 -j ACCEPT",
		"-m conntrack --ctexpire 1:100 -j ACCEPT",
		"-m conntrack --ctstate NEW,SNAT -j ACCEPT",
		"-m recent --set -j ACCEPT",
		"-j LOG",
		"-j REJECT",
		"-j NFQUEUE --queue-num 3",
		/* a rule that failed only for this packet's sake */
		"-m length --length 1000: -j DROP",
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		char text[256];
		struct scene s;

		snprintf(text, sizeof(text), "*filter\n-A INPUT %s\nCOMMIT\n", rules[i]);
		open_scene(&s, true, text);
		datagram(&p, &view, "10.0.0.1", 1000);
		for (int n = 0; n < 5; n++)
			scene_run(&s, &view);
		assert_int_equal(fw_flow_cache_stats(s.world.cache)->stored, 0);
		scene_deinit(&s);
	}
}

/* ... unless the packet never comes that far. */
static void test_variant_out_of_reach(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	open_scene(&s, false,
		   "*filter\n-A INPUT -s 10.9.9.9 -m limit --limit 1/sec -j DROP\n-A INPUT -p udp "
		   "--dport 53 -j ACCEPT\n-A INPUT -m length --length 1: -j DROP\nCOMMIT\n");
	datagram(&p, &view, "10.0.0.1", 1000);
	for (int n = 0; n < 5; n++)
		assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	assert_int_equal(hits(&s), 3);
	scene_deinit(&s);
}

/* A packet that differs in one thing from one that is known, and a rule that sees it. */
struct difference {
	const char *rule;
	enum { SRC, DST, IN, OUT, MARK, SPORT, DPORT, PROTO, FLAGS, TOS, TTL, TYPE } what;
};

static void make_different(struct pkt *p, struct fw_packet *view, enum fw_hook hook, int what)
{
	const uint16_t sport = what == SPORT ? 1001 : 1000, dport = what == DPORT ? 54 : 53;

	*p = (struct pkt)PKT_INIT;
	p->meta.mark = what == MARK;
	p->meta.pkttype = what == TYPE ? FW_PKT_MULTICAST : FW_PKT_HOST;
	pkt_at(p, hook, what == IN ? "eth1" : "eth0", what == OUT ? "eth3" : "eth2");
	pkt_ip4(p, what == SRC ? "10.0.0.3" : "10.0.0.1", what == DST ? "10.0.0.4" : "10.0.0.2",
		what == PROTO ? IPPROTO_UDP : IPPROTO_TCP);
	if (what == TOS)
		p->data[1] = 0x10;
	if (what == TTL)
		p->data[8] = 5;
	if (what == PROTO)
		pkt_udp(p, sport, dport);
	else
		pkt_tcp(p, sport, dport, what == FLAGS ? PKT_SYN : PKT_ACK);
	pkt_view(p, view);
}

static void test_differences(void **state)
{
	static const struct difference rows[] = {
		{"-s 10.0.0.3", SRC},
		{"-d 10.0.0.4", DST},
		{"-i eth1", IN},
		{"-o eth3", OUT},
		{"-m mark --mark 1", MARK},
		{"-p tcp --sport 1001", SPORT},
		{"-p tcp --dport 54", DPORT},
		{"-p tcp -m multiport --dports 54,99", DPORT},
		{"-p udp", PROTO},
		{"-p tcp --syn", FLAGS},
		{"-m tos --tos 0x10", TOS},
		{"-m ttl --ttl-lt 9", TTL},
		{"-m pkttype --pkt-type multicast", TYPE},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct fw_packet usual, other;
		struct pkt p, q;
		char text[256];
		struct scene s;

		snprintf(text, sizeof(text), "*filter\n-A FORWARD %s -j DROP\nCOMMIT\n",
			 rows[i].rule);
		open_scene(&s, false, text);
		make_different(&p, &usual, FW_FORWARD, -1);
		make_different(&q, &other, FW_FORWARD, rows[i].what);
		for (int n = 0; n < 8; n++) {
			assert_int_equal(scene_run(&s, &usual)->verdict, FW_ACCEPT);
			assert_int_equal(scene_run(&s, &other)->verdict, FW_DROP);
		}
		assert_int_equal(hits(&s), 12);
		scene_deinit(&s);
	}
}

/* Other hooks have other chains, an answered flow another state. */
static void test_hook_and_state(void **state)
{
	struct fw_packet view;
	struct pkt p = PKT_INIT;
	struct scene s;

	(void)state;
	open_scene(&s, true,
		   "*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED -j DROP\n-A FORWARD -j "
		   "DROP\nCOMMIT\n");
	for (int i = 0; i < 5; i++) {
		p = (struct pkt)PKT_INIT;
		datagram(&p, &view, "10.0.0.1", 1000);
		assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	}
	assert_true(hits(&s) > 0);
	pkt_at(&p, FW_FORWARD, "eth0", "");
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	p = (struct pkt)PKT_INIT;
	pkt_at(&p, FW_OUTPUT, "", "eth0");
	pkt_ip4(&p, "10.0.0.2", "10.0.0.1", IPPROTO_UDP);
	pkt_udp(&p, 53, 1000);
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	p = (struct pkt)PKT_INIT;
	datagram(&p, &view, "10.0.0.1", 1000);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	scene_deinit(&s);
}

static void test_edits_count_at_once(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	open_scene(&s, false, "*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n");
	datagram(&p, &view, "10.0.0.1", 1000);
	for (int n = 0; n < 20; n++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(scene_run(&s, &view)->verdict,
					 n & 1 ? FW_DROP : FW_ACCEPT);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 4);
		scene_rules(&s, FW_IP4,
			    n & 1 ? "*filter\n-A INPUT -s 10.0.0.1 -j ACCEPT\nCOMMIT\n"
				  : "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	}
	assert_int_equal(hits(&s), 20 * 3 - 1); /* the key is known again after an edit */
	scene_deinit(&s);
}

/* raw stands before the tracker: always walked. */
static void test_raw(void **state)
{
	struct scene s;

	(void)state;
	open_scene(
		&s, true,
		"*raw\n-A PREROUTING -m length --length 1:29\n-A PREROUTING\nCOMMIT\n"
		"*mangle\n-A PREROUTING -m conntrack --ctstate NEW\n-A PREROUTING -s 10.0.0.1 -j "
		"ACCEPT\nCOMMIT\n");
	for (unsigned int i = 1; i <= 6; i++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;

		datagram(&p, &view, "10.0.0.1", 1000);
		if (i & 1)
			pkt_grow(&p, 10);
		pkt_at(&p, FW_PREROUTING, "eth0", NULL);
		pkt_view(&p, &view);
		scene_run(&s, &view);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 1), i / 2);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 2), i);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 1), i);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 2), i);
	}
	assert_int_equal(hits(&s), 4); /* all but the first two: one is worth a look, one is kept */
	scene_deinit(&s);
}

/* More outcomes than there is room for. */
static void test_full(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, false,
		   "*filter\n-A INPUT -p udp\n-A INPUT -j MARK --or-mark 0x10000\nCOMMIT\n");
	for (unsigned int i = 0; i < 3000; i++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;

		p.meta.mark = i / 3;
		datagram(&p, &view, "10.0.0.1", 1000);
		assert_int_equal(scene_run(&s, &view)->mark, (i / 3) | 0x10000);
	}
	assert_int_equal(hits(&s), 1000);
	assert_true(fw_flow_cache_stats(s.world.cache)->flushes > 2);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 3000);
	scene_deinit(&s);
}

/* Where walks are short nobody asks it; where they are long it is used. */
static void test_only_where_worth_it(void **state)
{
	(void)state;
	for (int many = 0; many < 2; many++) {
		struct fw_buf text = FW_BUF_INIT;
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;

		scene_init(&s, false);
		s.world.cache = fw_flow_cache_new(64, 1);
		fw_buf_str(&text, "*filter\n");
		for (int i = 0; i < (many ? 200 : 3); i++)
			fw_buf_str(&text, "-A INPUT -m mark --mark 0x5/0x5\n");
		fw_buf_str(&text, "COMMIT\n");
		scene_rules(&s, FW_IP4, fw_buf_cstr(&text));
		fw_buf_deinit(&text);
		datagram(&p, &view, "10.0.0.1", 1000);
		for (int i = 0; i < 100; i++)
			scene_run(&s, &view);
		assert_true(many ? hits(&s) > 50 : hits(&s) == 0);
		scene_deinit(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_third_packet_hits),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_variant_out_of_reach),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_hook_and_state),
		cmocka_unit_test(test_edits_count_at_once),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_only_where_worth_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
