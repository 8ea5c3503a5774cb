/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers (fw/offer.h) where no rule asks for a state: one direction on its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fw/offer.h"

#include "pkt.h"
#include "scene.h"

#define EVERY 8

struct stream {
	struct scene s;
	struct fw_offer offer;
};

static void open_stream(struct stream *t, const char *rules)
{
	memset(t, 0, sizeof(*t));
	scene_init(&t->s, true);
	t->offer.every = EVERY;
	t->s.world.offer = &t->offer;
	scene_rules(&t->s, FW_IP4, rules);
}

/* A packet from that port; true: it was offered. */
static bool packet(struct stream *t, uint8_t proto, uint16_t sport, uint8_t flags)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	pkt_at(&p, FW_FORWARD, "eth0", "eth1");
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", proto);
	if (proto == IPPROTO_UDP)
		pkt_udp(&p, sport, 80);
	else
		pkt_tcp(&p, sport, 80, flags);
	pkt_view(&p, &view);
	return scene_run(&t->s, &view)->offered;
}

static bool datagram(struct stream *t, uint16_t sport)
{
	return packet(t, IPPROTO_UDP, sport, 0);
}

static int offered_of(struct stream *t, int n)
{
	int offered = 0;

	while (n--)
		offered += datagram(t, 1024);
	return offered;
}

static void test_every_eighth(void **state)
{
	struct stream t;

	(void)state;
	open_stream(&t, "*filter\n-A FORWARD -s 10.0.0.9 -j DROP\n-A FORWARD -p udp\nCOMMIT\n");
	assert_int_equal(offered_of(&t, EVERY - 1), 0);
	assert_true(datagram(&t, 1024));
	assert_int_equal(t.offer.dir, FW_DIR_ORIG);
	assert_false(t.offer.tracked);
	assert_int_equal(t.offer.orig.proto, IPPROTO_UDP);
	assert_int_equal(t.offer.orig.sport_be, htons(1024));
	assert_int_equal(t.offer.n, 2);
	assert_ptr_equal(
		t.offer.counters[0],
		&fw_chain_rule(scene_chain(&t.s, FW_IP4, FW_FILTER, "FORWARD"), 2)->counters);
	assert_ptr_equal(t.offer.counters[1],
			 scene_chain(&t.s, FW_IP4, FW_FILTER, "FORWARD")->policy_counters);
	assert_int_equal(offered_of(&t, EVERY - 1), 0);
	assert_true(datagram(&t, 1024));
	scene_deinit(&t.s);
}

/* A segment that begins or ends something is always judged, and is no reason to offer. */
static void test_segments(void **state)
{
	struct stream t;

	(void)state;
	open_stream(&t, "*filter\n-A FORWARD -s 10.0.0.9 -j DROP\nCOMMIT\n");
	for (int i = 0; i < 2 * EVERY; i++) {
		assert_false(packet(&t, IPPROTO_TCP, 1024, PKT_SYN));
		assert_false(packet(&t, IPPROTO_TCP, 1024, PKT_FIN | PKT_ACK));
		assert_false(packet(&t, IPPROTO_GRE, 1024, 0));
	}
	for (int i = 1; i < EVERY; i++)
		assert_false(packet(&t, IPPROTO_TCP, 1024, PKT_ACK));
	assert_true(packet(&t, IPPROTO_TCP, 1024, PKT_ACK));
	scene_deinit(&t.s);
}

/* Strangers that come once each are never offered, nor do they keep out who comes often. */
static void test_strangers(void **state)
{
	struct stream t;
	int offered = 0;

	(void)state;
	open_stream(&t, "*filter\n-A FORWARD -s 10.0.0.9 -j DROP\nCOMMIT\n");
	for (uint32_t port = 2000; port < 52000; port++)
		assert_false(datagram(&t, (uint16_t)port));
	for (uint32_t i = 0; i < 100 * EVERY; i++) {
		offered += datagram(&t, 1024);
		datagram(&t, (uint16_t)(2000 + i));
	}
	assert_in_range(offered, 80, 100);
	scene_deinit(&t.s);
}

/* Where a rule asks for a state, in whatever table, nobody is offered before both sides have
 * spoken. */
static void test_states_matter(void **state)
{
	struct stream t;

	(void)state;
	open_stream(&t, "*filter\n-A FORWARD -m state --state INVALID -j DROP\nCOMMIT\n");
	assert_int_equal(offered_of(&t, 4 * EVERY), 0);
	scene_deinit(&t.s);
}

/* Verdicts that the next packet need not get. */
static void test_not_alike(void **state)
{
	static const char *const rules[] = {
		"-A FORWARD -p udp -j DROP",
		"-A FORWARD -m limit --limit 1/h -j ACCEPT",
		"-A FORWARD -m length --length 28 -j ACCEPT",
		"-A FORWARD -m ttl --ttl-eq 64",
		"-A FORWARD -m recent --set",
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		struct stream t;
		char text[128];

		snprintf(text, sizeof(text), "*filter\n%s\nCOMMIT\n", rules[i]);
		open_stream(&t, text);
		assert_int_equal(offered_of(&t, 4 * EVERY), 0);
		scene_deinit(&t.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_eighth), cmocka_unit_test(test_segments),
		cmocka_unit_test(test_strangers),    cmocka_unit_test(test_states_matter),
		cmocka_unit_test(test_not_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
