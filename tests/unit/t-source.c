/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources that rules drop whatever they send (fw/source.h): which are, and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fw/source.h"

#include "pkt.h"
#include "scene.h"

/* The question about a packet of this source, in a visit for this part of the tables. */
static bool asked_for(struct scene *s, enum fw_part part, enum fw_hook hook, const char *src,
		      uint8_t proto, struct fw_source_path *path)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	pkt_at(&p, hook, "eth0", hook == FW_FORWARD ? "eth1" : NULL);
	pkt_ip4(&p, src, "10.0.0.2", proto);
	pkt_udp(&p, 1000, 53);
	p.meta.part = part;
	pkt_view(&p, &view);
	return fw_source_dropped(s->rs, &s->plan, &view, s->now, s->stack, path);
}

static bool asked(struct scene *s, enum fw_hook hook, const char *src, uint8_t proto,
		  struct fw_source_path *path)
{
	return asked_for(s, FW_PART_ALL, hook, src, proto, path);
}

/* Of 10.0.0.1's UDP. */
static bool udp_dropped(const char *rules, bool tracking)
{
	struct fw_source_path path;
	struct scene s;
	bool ret;

	scene_init(&s, tracking);
	scene_rules(&s, FW_IP4, rules);
	ret = asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path);
	scene_deinit(&s);
	return ret;
}

static void test_told_by_source(void **state)
{
	static const char *const rules[] = {
		"-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -s 10.0.0.0/24 -i eth0 -j DROP",
		"-A INPUT ! -s 10.9.0.0/16 -j DROP",
		"-A INPUT -s 10.0.0.1 -p udp -j DROP",
		"-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -s 10.0.0.9 -d 10.0.0.2 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -i eth1 -m length --length 1 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.5 -j DROP",
		"-A INPUT -m iprange --src-range 10.0.0.2-10.0.0.5 -j ACCEPT\n-A INPUT -j DROP",
		"-A INPUT -m comment --comment why -s 10.0.0.1 -j DROP",
		"-A INPUT -j MARK --set-mark 3\n-A INPUT -j DROP",
		"-A INPUT\n-A INPUT -j DROP",
		":a -\n:b -\n-A a -s 10.0.0.9 -j ACCEPT\n-A a -j b\n-A a -j DROP\n-A b -j RETURN\n"
		"-A INPUT -j a",
		":a -\n-A a -s 10.0.0.1\n-P INPUT DROP\n-A INPUT -g a\n-A INPUT -j ACCEPT",
		"-P INPUT DROP\n-A INPUT -s 10.0.0.9 -j ACCEPT",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		snprintf(text, sizeof(text), "*filter\n%s\nCOMMIT\n", rules[i]);
		if (!udp_dropped(text, false))
			fail_msg("not told: %s", rules[i]);
	}
}

static void test_not_told_by_source(void **state)
{
	static const char *const rules[] = {
		"-A INPUT -s 10.0.0.9 -j DROP",
		"-A INPUT -s 10.0.0.1 -p tcp -j DROP",
		"-A INPUT -s 10.0.0.1 -d 10.0.0.2 -j DROP",
		"-A INPUT -s 10.0.0.1 -p udp --dport 53 -j DROP",
		"-A INPUT -d 10.0.0.2\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -p udp --dport 53 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -f -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -m length --length 1 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -m iprange --dst-range 10.0.0.1-10.0.0.5 -j DROP",
		"-A INPUT -m limit --limit 1/s -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -d 10.0.0.2 -m recent --set -s 10.0.0.9\n-A INPUT -m recent --set\n"
		"-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -s 10.0.0.1 -j REJECT",
		"-A INPUT -s 10.0.0.1 -j LOG\n-A INPUT -s 10.0.0.1 -j DROP",
		"-A INPUT -s 10.0.0.1 -j NFQUEUE",
		"-A INPUT -s 10.0.0.1 -j ACCEPT\n-A INPUT -j DROP",
		"-P INPUT DROP\n-A INPUT -p udp --dport 53 -j ACCEPT",
		":a -\n-A INPUT -d 10.0.0.2 -j a\n-A INPUT -s 10.0.0.1 -j DROP",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		snprintf(text, sizeof(text), "*filter\n%s\nCOMMIT\n", rules[i]);
		if (udp_dropped(text, false))
			fail_msg("told: %s", rules[i]);
	}
}

/* Rules about connections: only for sources without any, and for first packets where rules tell
 * them from INVALID ones. */
static void test_states(void **state)
{
	struct fw_source_path path;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT\n"
		    "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.scope, FW_SOURCE_ALL);
	assert_true(path.no_flows);
	/* its errors may be about others' connections */
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_ICMP, &path));
	/* the tracker has looked in FORWARD, too */
	assert_false(asked(&s, FW_FORWARD, "10.0.0.1", IPPROTO_UDP, &path));

	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
		    "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
		    "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.scope, FW_SOURCE_NEW);
	assert_int_equal(path.number, 3);
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", 47, &path));

	/* not everybody is tracked, and not here */
	scene_rules(&s, FW_IP4,
		    "*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n"
		    "*filter\n-A INPUT -m state --state UNTRACKED -j ACCEPT\n"
		    "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	scene_deinit(&s);
}

/* Where nobody misses what is dropped there. */
static void test_places(void **state)
{
	struct fw_source_path path;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	/* ahead of the tracker */
	scene_rules(&s, FW_IP4,
		    "*raw\n-A PREROUTING -s 10.0.0.1 -j DROP\nCOMMIT\n"
		    "*filter\n-A INPUT -m state --state NEW -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n");
	assert_true(asked(&s, FW_PREROUTING, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.table, FW_RAW);
	assert_false(path.no_flows);
	/* the tracker has looked in PREROUTING, and would never hear of the flow's end */
	scene_rules(&s, FW_IP4,
		    "*raw\nCOMMIT\n*mangle\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n"
		    "*filter\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
		    "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	/* nobody tracks */
	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_false(asked(&s, FW_FORWARD, "10.0.0.1", IPPROTO_UDP, &path));
	scene_deinit(&s);
}

/* While the kernel tracks, its word tells packets apart. */
static void test_kernel_tracks(void **state)
{
	struct fw_source_path path;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n"
		    "*filter\n-A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT\n"
		    "-A FORWARD -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_true(s.plan.kct);
	assert_true(asked(&s, FW_FORWARD, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.scope, FW_SOURCE_ALL);
	assert_false(path.no_flows);
	assert_true(asked(&s, FW_FORWARD, "10.0.0.1", IPPROTO_ICMP, &path));
	/* here connections are seen as they begin */
	scene_rules(&s, FW_IP4,
		    "*nat\n-A PREROUTING -p tcp -j REDIRECT\nCOMMIT\n"
		    "*filter\n-A FORWARD -s 10.0.0.1 -j DROP\nCOMMIT\n");
	assert_false(asked(&s, FW_FORWARD, "10.0.0.1", IPPROTO_UDP, &path));
	/* … but raw is ahead of that, on a visit of its own, and mangle ahead of nat */
	scene_rules(&s, FW_IP4,
		    "*raw\n-A PREROUTING -s 10.0.0.1 -j DROP\nCOMMIT\n"
		    "*mangle\n-A PREROUTING -s 10.0.0.3 -j DROP\nCOMMIT\n"
		    "*nat\n-A PREROUTING -p tcp -j REDIRECT\nCOMMIT\n");
	assert_true(asked_for(&s, FW_PART_RAW, FW_PREROUTING, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.table, FW_RAW);
	assert_int_equal(path.scope, FW_SOURCE_ALL);
	assert_false(path.no_flows);
	assert_false(asked(&s, FW_PREROUTING, "10.0.0.1", IPPROTO_UDP, &path));
	assert_false(asked_for(&s, FW_PART_RAW, FW_PREROUTING, "10.0.0.3", IPPROTO_UDP, &path));
	assert_true(asked(&s, FW_PREROUTING, "10.0.0.3", IPPROTO_UDP, &path));
	scene_deinit(&s);
}

/* A list that has the source, until it has not. */
static void test_recent(void **state)
{
	union fw_addr addr = {.u8 = {10, 0, 0, 1}};
	struct fw_source_path path;
	struct scene s;
	uint64_t lost;

	(void)state;
	scene_init(&s, false);
	scene_rules(
		&s, FW_IP4,
		"*filter\n-A INPUT -m recent --name bad --rcheck --seconds 60 -j DROP\nCOMMIT\n");
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(fw_recent_add(s.world.recent, "bad", FW_IP4, &addr, s.now), 0);
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.until, s.now + 60 * FW_NSEC_PER_SEC);
	assert_int_equal(path.n_lists, 1);
	assert_false(path.lists[0].update);

	scene_edit(&s, FW_IP4,
		   "*filter\n-I INPUT -m recent --name bad --update --seconds 60 -j DROP\nCOMMIT\n",
		   FW_TX_NOFLUSH);
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.until, UINT64_MAX);
	assert_int_equal(path.idle, 60 * FW_NSEC_PER_SEC);
	assert_true(path.lists[0].update);

	/* a rule elsewhere that looks at each time */
	scene_edit(
		&s, FW_IP4,
		"*filter\n-A FORWARD -m recent --name bad --rcheck --hitcount 3 -j DROP\nCOMMIT\n",
		FW_TX_NOFLUSH);
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	scene_edit(&s, FW_IP4, "*filter\n-F FORWARD\nCOMMIT\n", FW_TX_NOFLUSH);
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));

	fw_recent_hold(path.lists[0].list, FW_IP4, &addr, true);
	lost = fw_recent_lost(s.world.recent);
	assert_int_equal(fw_recent_flush(s.world.recent, "bad"), 0);
	assert_true(fw_recent_lost(s.world.recent) > lost);
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	scene_deinit(&s);
}

static void test_recent_variants(void **state)
{
	static const char *const told[] = {"--rcheck", "--update",
					   "--update --seconds 9 --mask "
					   "255.255.255.0"};
	static const char *const untold[] = {"--set",
					     "--remove",
					     "--rcheck --hitcount 1",
					     "--rcheck --rttl",
					     "--update --seconds 9 --reap",
					     "--rcheck --rdest"};
	union fw_addr addr = {.u8 = {10, 0, 0, 1}};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(told) + FW_ARRAY_SIZE(untold); i++) {
		const bool is_told = i < FW_ARRAY_SIZE(told);
		struct fw_source_path path;
		struct scene s;
		char text[256];

		scene_init(&s, false);
		snprintf(text, sizeof(text), "*filter\n-A INPUT -m recent %s -j DROP\nCOMMIT\n",
			 is_told ? told[i] : untold[i - FW_ARRAY_SIZE(told)]);
		scene_rules(&s, FW_IP4, text);
		addr.u8[3] = strstr(text, "mask") ? 0 : 1;
		assert_int_equal(fw_recent_add(s.world.recent, "DEFAULT", FW_IP4, &addr, s.now), 0);
		if (asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path) != is_told)
			fail_msg("%s", text);
		scene_deinit(&s);
	}
}

/* Uses that are told afterwards leave the list as if each had been told at once. */
static void test_recent_used(void **state)
{
	union fw_addr addr = {.u8 = {10, 0, 0, 1}};
	const uint64_t start = 1000 * FW_NSEC_PER_SEC, step = 8000000;
	const struct fw_recent_query q = {.op = FW_RECENT_UPDATE};
	static const uint64_t counts[] = {1, 2, 31, 32, 33, 100, 1000};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(counts); i++) {
		struct fw_buf text[2] = {FW_BUF_INIT, FW_BUF_INIT};

		for (int at_once = 0; at_once < 2; at_once++) {
			struct fw_recent *r = fw_recent_new(1, 0);
			struct fw_recent_list *l = fw_recent_get(r, "x", 0, NULL, FW_IP4, NULL);
			const uint64_t last = start + counts[i] * step;
			uint64_t cursor = 0;

			assert_int_equal(fw_recent_add(r, "x", FW_IP4, &addr, start), 0);
			for (uint64_t n = 1; !at_once && n <= counts[i]; n++)
				assert_true(
					fw_recent_match(l, FW_IP4, &addr, &q, start + n * step));
			if (at_once)
				fw_recent_used(l, FW_IP4, &addr, counts[i], last);
			assert_int_equal(fw_recent_print(r, "x", &cursor, 999, &text[at_once]), 0);
			fw_recent_free(r);
		}
		assert_string_equal(fw_buf_cstr(&text[0]), fw_buf_cstr(&text[1]));
		fw_buf_deinit(&text[0]);
		fw_buf_deinit(&text[1]);
	}
}

/* What is in use is not the oldest, however long ago that was told. */
static void test_recent_room(void **state)
{
	union fw_addr addr = {.u8 = {10, 0, 0, 1}};
	const struct fw_recent_query set = {.op = FW_RECENT_SET};
	struct fw_recent *r = fw_recent_new(1, 4);
	struct fw_recent_list *l = fw_recent_get(r, "x", 0, NULL, FW_IP4, NULL);
	uint64_t until, entry;

	(void)state;
	fw_recent_add(r, "x", FW_IP4, &addr, 1);
	entry = fw_recent_hold(l, FW_IP4, &addr, true);
	for (uint8_t i = 2; i < 20; i++) {
		union fw_addr other = {.u8 = {10, 0, 0, i}};

		fw_recent_match(l, FW_IP4, &other, &set, i);
	}
	assert_true(fw_recent_has(l, FW_IP4, &addr, 0, 20, &until));
	assert_int_equal(fw_recent_lost(r), 0);
	fw_recent_release(l, FW_IP4, &addr, true, entry);
	for (uint8_t i = 2; i < 20; i++) {
		union fw_addr other = {.u8 = {10, 0, 0, i}};

		fw_recent_match(l, FW_IP4, &other, &set, 100 + i);
	}
	assert_false(fw_recent_has(l, FW_IP4, &addr, 0, 20, &until));
	fw_recent_free(r);
}

/* Who lets go late lets go of what he held, not of what stands there now. */
static void test_recent_late(void **state)
{
	union fw_addr addr = {.u8 = {10, 0, 0, 1}};
	struct fw_recent *r = fw_recent_new(1, 4);
	struct fw_recent_list *l = fw_recent_get(r, "x", 0, NULL, FW_IP4, NULL);
	const uint64_t number = fw_recent_number(l);
	struct fw_world world = {.recent = r};
	uint64_t first, lost;

	(void)state;
	fw_recent_add(r, "x", FW_IP4, &addr, 1);
	first = fw_recent_hold(l, FW_IP4, &addr, true);
	fw_recent_remove(r, "x", FW_IP4, &addr);
	fw_recent_add(r, "x", FW_IP4, &addr, 2);
	fw_recent_hold(l, FW_IP4, &addr, true);
	fw_recent_release(l, FW_IP4, &addr, true, first);
	lost = fw_recent_lost(r);
	fw_recent_flush(r, "x");
	assert_true(fw_recent_lost(r) > lost);

	assert_true(fw_recent_is_there(r, l, number));
	fw_recent_put(&world, l);
	fw_world_reclaim(&world);
	assert_false(fw_recent_is_there(r, l, number));
	fw_recent_get(r, "x", 0, NULL, FW_IP4, NULL); /* maybe where the old one was */
	assert_false(fw_recent_is_there(r, l, number));
	fw_recent_free(r);
}

/* A chain that is compiled, an edit in its middle, one too long to be read through. */
static void test_long_chains(void **state)
{
	struct fw_buf text = FW_BUF_INIT;
	struct fw_source_path path;
	struct scene s;

	(void)state;
	fw_buf_str(&text, "*filter\n");
	for (unsigned int i = 0; i < 20000; i++)
		fw_buf_fmt(&text, "-A INPUT -s 10.%u.%u.%u -j DROP\n", 1 + i / 65536, i / 256 % 256,
			   i % 256);
	fw_buf_str(&text, "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	scene_init(&s, false);
	scene_rules(&s, FW_IP4, fw_buf_cstr(&text));
	assert_non_null(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT")->program);
	assert_true(asked(&s, FW_INPUT, "10.1.77.77", IPPROTO_UDP, &path));
	assert_int_equal(path.number, 77 * 256 + 77 + 1);
	assert_true(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	assert_int_equal(path.number, 20001);
	assert_false(asked(&s, FW_INPUT, "10.0.0.2", IPPROTO_UDP, &path));

	scene_edit(&s, FW_IP4, "*filter\n-I INPUT 10000 -d 10.0.0.7 -j DROP\nCOMMIT\n",
		   FW_TX_NOFLUSH);
	assert_true(asked(&s, FW_INPUT, "10.1.0.77", IPPROTO_UDP, &path));
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));

	fw_buf_reset(&text);
	fw_buf_str(&text, "*filter\n");
	for (unsigned int i = 0; i < 2 * FW_SOURCE_RULES; i++)
		fw_buf_fmt(&text,
			   "-A INPUT -m comment --comment c -m iprange --src-range "
			   "10.9.0.0-10.9.%u.%u -j ACCEPT\n",
			   i / 256, i % 256);
	fw_buf_str(&text, "-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
	scene_rules(&s, FW_IP4, fw_buf_cstr(&text));
	assert_false(asked(&s, FW_INPUT, "10.0.0.1", IPPROTO_UDP, &path));
	scene_deinit(&s);
	fw_buf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_by_source),	cmocka_unit_test(test_not_told_by_source),
		cmocka_unit_test(test_states),		cmocka_unit_test(test_places),
		cmocka_unit_test(test_kernel_tracks),	cmocka_unit_test(test_recent),
		cmocka_unit_test(test_recent_variants), cmocka_unit_test(test_recent_used),
		cmocka_unit_test(test_recent_room),	cmocka_unit_test(test_long_chains),
		cmocka_unit_test(test_recent_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
