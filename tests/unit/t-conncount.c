/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What connections carry and how many they are: connbytes, connlimit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"
#include "scene.h"

#define S FW_NSEC_PER_SEC

/* A UDP packet to the scene's INPUT; the answer of port 53 when it is one. */
static enum fw_verdict udp(struct scene *s, uint8_t host, uint16_t port, uint32_t extra)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	char src[32];

	snprintf(src, sizeof(src), "10.0.0.%u", host);
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip4(&p, src, "10.9.9.9", IPPROTO_UDP);
	pkt_udp(&p, port, 53);
	while (extra--)
		pkt_add(&p, "x", 1);
	pkt_view(&p, &view);
	s->now += S / 100;
	return scene_run(s, &view)->verdict;
}

static void test_connlimit(void **state)
{
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m connlimit --connlimit-above 2 -j DROP\nCOMMIT\n");
	assert_int_equal(udp(&s, 1, 1000, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 1, 1001, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 1, 1002, 0), FW_DROP);
	assert_int_equal(udp(&s, 1, 1002, 0), FW_DROP); /* asks again: counted once */
	/* One of the two, but found before the refused one is: as in the kernel, that still counts.
	 */
	assert_int_equal(udp(&s, 1, 1000, 0), FW_DROP);
	assert_int_equal(udp(&s, 2, 1000, 0), FW_ACCEPT); /* another address */
	s.now += 31 * S; /* all are gone */
	assert_int_equal(udp(&s, 1, 1003, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 1, 1004, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 1, 1005, 0), FW_DROP);
	scene_deinit(&s);
}

static void test_connlimit_nets(void **state)
{
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-P INPUT DROP\n-A INPUT -m connlimit --connlimit-upto 3 "
		    "--connlimit-mask 30 -j ACCEPT\nCOMMIT\n");
	for (uint8_t host = 4; host < 7; host++)
		assert_int_equal(udp(&s, host, 1000, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 7, 1000, 0), FW_DROP);
	assert_int_equal(udp(&s, 8, 1000, 0), FW_ACCEPT);
	scene_deinit(&s);
}

/* More than are asked for each packet, from more addresses than there are places at first. */
static void test_connlimit_many(void **state)
{
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m connlimit --connlimit-above 200 "
		    "--connlimit-mask 0 -j DROP\n"
		    "-A INPUT -m connlimit --connlimit-above 1 -j DROP\nCOMMIT\n");
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(udp(&s, (uint8_t)i, 1000, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 201, 1000, 0), FW_DROP);
	s.now += 31 * S;
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(udp(&s, (uint8_t)i, 2000, 0), FW_ACCEPT);
	assert_int_equal(udp(&s, 1, 2001, 0), FW_DROP);
	scene_deinit(&s);
}

/* Nothing that could begin a connection cannot be counted, and goes. */
static void test_connlimit_no_tuple(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -m connlimit --connlimit-above 2\nCOMMIT\n");
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip4(&p, "10.0.0.1", "10.9.9.9", IPPROTO_TCP);
	pkt_add(&p, "ab", 2);
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	scene_deinit(&s);
}

static void test_connbytes(void **state)
{
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n"
		    "-A INPUT -m connbytes --connbytes 3 --connbytes-mode packets --connbytes-dir "
		    "both\n"
		    "-A INPUT -m connbytes --connbytes 60:99 --connbytes-mode bytes "
		    "--connbytes-dir original\n"
		    "-A INPUT -m connbytes ! --connbytes 28:29 --connbytes-mode avgpkt "
		    "--connbytes-dir original\n"
		    "-A INPUT -m connbytes --connbytes 1 --connbytes-mode packets --connbytes-dir "
		    "reply\n"
		    "COMMIT\n");
	for (unsigned int i = 0; i < 4; i++)
		udp(&s, 1, 1000, i == 2 ? 20 : 0); /* 28, 28, 48, 28 bytes */
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 2);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 2), 0);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 3), 2);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 4), 0);
	scene_deinit(&s);
}

/* Without a rule that asks nothing is counted, and what began before one never matches. */
static void test_connbytes_late(void **state)
{
	struct scene s;

	scene_init(&s, true);
	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -m state --state NEW\nCOMMIT\n");
	udp(&s, 1, 1000, 0);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m connbytes --connbytes 0 "
		    "--connbytes-mode packets --connbytes-dir both\nCOMMIT\n");
	udp(&s, 1, 1000, 0);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 0);
	udp(&s, 1, 1001, 0);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 1);
	scene_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connlimit),      cmocka_unit_test(test_connlimit_nets),
		cmocka_unit_test(test_connlimit_many), cmocka_unit_test(test_connlimit_no_tuple),
		cmocka_unit_test(test_connbytes),      cmocka_unit_test(test_connbytes_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
