/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers that rest on recent lists which do not have an address (struct fw_claims). */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


#include "talking.h"

/* Segments until one is offered; false: none is. */
static bool talk_until_offered(struct talk *t, int side)
{
	for (int i = 0; i < 3 * EVERY; i++)
		if (segment(t, side, PKT_ACK, 10))
			return true;
	return false;
}

static void add(struct talk *t, const char *list, const char *addr)
{
	union fw_addr a = {.u32 = {0}};

	assert_int_equal(inet_pton(AF_INET, addr, &a), 1);
	assert_int_equal(fw_recent_add(t->s.world.recent, list, FW_IP4, &a, t->s.now), 0);
}

/* As whoever takes an offer does. */
static void watch_all(struct talk *t)
{
	for (uint32_t i = 0; i < t->offer.claims.n; i++)
		assert_true(fw_recent_watch(t->offer.claims.claim[i].list, FW_IP4,
					    &t->offer.claims.claim[i].addr));
}

/* Rules ahead of the one that accepts; the list is DEFAULT. */
static const struct {
	const char *rules;
	bool offered; /* while the list does not have the client */
	uint32_t claims;
	bool listed; /* offered, too, when it does */
} rows[] = {
	{"-A FORWARD -m recent --rcheck -j DROP\n", true, 1, false},
	{"-A FORWARD -m recent --update -j DROP\n", true, 1, false},
	{"-A FORWARD -m recent --remove\n", true, 1, true}, /* when it has removed it */
	{"-A FORWARD -m recent --update --seconds 60 --reap --hitcount 4 --rttl -j DROP\n", true, 1,
	 false},
	{"-A FORWARD -m recent ! --rcheck\n", true, 1, false},
	{"-A FORWARD -m recent ! --update\n", true, 1, false},
	{"-A FORWARD -m recent ! --remove\n", true, 1, true},
	{"-A FORWARD -m recent --set\n", false, 0, false},
	{"-A FORWARD -m recent ! --set\n", false, 0, false},
	{"-A FORWARD -p udp -m recent --set\n", true, 0, true},
	{"-A FORWARD -m state --state NEW -m recent --set\n", true, 0, true},
	/* what is not asked for its sake does not matter, what is asked ahead of it does */
	{"-A FORWARD -m recent --rcheck -m limit --limit 1/hour\n", true, 1, false},
	{"-A FORWARD -m limit --limit 1/hour -m recent --rcheck\n", false, 0, false},
	{"-A FORWARD -m recent ! --rcheck -m limit --limit 1/hour\n", false, 0, false},
	{"-A FORWARD -m recent --rcheck\n-A FORWARD -m recent --update\n", true, 1, false},
	{"-A FORWARD -m recent --rcheck\n-A FORWARD -m recent --rdest --rcheck\n", true, 2, false},
	{"-A FORWARD -m recent --rcheck\n-A FORWARD -m recent --set\n", false, 0, false},
	{"-A FORWARD -m recent --rcheck\n-A FORWARD -m recent --name b --rcheck\n", true, 2, false},
};

static void test_asking(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		char text[512];
		struct talk t;

		snprintf(text, sizeof(text),
			 "*filter\n%s" KNOWN "-A INPUT -m recent --rcheck\nCOMMIT\n",
			 rows[i].rules);
		open_talk(&t, text);
		handshake(&t);
		if (talk_until_offered(&t, 0) != rows[i].offered)
			fail_msg("%s: %soffered", rows[i].rules, rows[i].offered ? "not " : "");
		if (rows[i].offered)
			assert_int_equal(t.offer.claims.n, rows[i].claims);
		watch_all(&t);
		add(&t, "DEFAULT", "10.0.0.1");
		if (rows[i].offered)
			assert_int_equal(fw_recent_came(t.s.world.recent), rows[i].claims > 0);
		if (talk_until_offered(&t, 0) != rows[i].listed)
			fail_msg("%s: %soffered though listed", rows[i].rules,
				 rows[i].listed ? "not " : "");
		close_talk(&t);
	}
}

/* A rule that matches because the list does not have it counts as any other. */
static void test_counters(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t,
		  "*filter\n-A FORWARD -m recent --rcheck -j DROP\n"
		  "-A FORWARD -m recent ! --rcheck\n" KNOWN "COMMIT\n");
	handshake(&t);
	assert_true(talk_until_offered(&t, 0));
	assert_int_equal(t.offer.n, 2);
	assert_ptr_equal(t.offer.counters[0], rule_counters(&t, FW_FILTER, 2));
	assert_ptr_equal(t.offer.counters[1], rule_counters(&t, FW_FILTER, 3));
	close_talk(&t);
}

/* Each direction has its own sender; and its receiver, with --rdest. */
static void test_ends(void **state)
{
	static const char *const ends[] = {"10.0.0.1", "10.0.0.2"};

	(void)state;
	for (int dest = 0; dest < 2; dest++)
		for (int side = 0; side < 2; side++) {
			struct talk t;

			open_talk(&t,
				  dest ? "*filter\n-A FORWARD -m recent --rdest --rcheck -j "
					 "DROP\n" KNOWN "COMMIT\n"
				       : "*filter\n-A FORWARD -m recent --rcheck -j DROP\n" KNOWN
					 "COMMIT\n");
			handshake(&t);
			assert_true(talk_until_offered(&t, side));
			watch_all(&t);
			add(&t, "DEFAULT", ends[side == dest]);
			assert_int_equal(fw_recent_came(t.s.world.recent), 0);
			assert_true(talk_until_offered(&t, side));
			add(&t, "DEFAULT", ends[side != dest]);
			assert_int_equal(fw_recent_came(t.s.world.recent), 1);
			assert_false(talk_until_offered(&t, side));
			close_talk(&t);
		}
}

/* … and all that the mask takes for the same. */
static void test_mask(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t,
		  "*filter\n-A FORWARD -m recent --mask 255.255.255.0 --rcheck -j DROP\n" KNOWN
		  "COMMIT\n");
	handshake(&t);
	assert_true(talk_until_offered(&t, 0));
	watch_all(&t);
	add(&t, "DEFAULT", "10.0.0.77"); /* by hand there is no mask, and it means nobody */
	assert_int_equal(fw_recent_came(t.s.world.recent), 0);
	assert_true(talk_until_offered(&t, 0));
	add(&t, "DEFAULT", "10.0.0.0");
	assert_int_equal(fw_recent_came(t.s.world.recent), 1);
	assert_false(talk_until_offered(&t, 0));
	close_talk(&t);
}

/* Ahead of the tracker, too; and the cache keeps nothing of it. */
static void test_raw_and_cache(void **state)
{
	struct talk t;
	int offered = 0;

	(void)state;
	open_cached_talk(&t,
			 "*raw\n-A PREROUTING -m recent --rcheck -j DROP\nCOMMIT\n"
			 "*mangle\n-A PREROUTING -m recent --name b --rcheck -j DROP\n"
			 "-A PREROUTING -m state --state ESTABLISHED\nCOMMIT\n");
	handshake_ahead(&t);
	for (int i = 0; i < 3 * EVERY; i++) {
		if (!send_at(&t, FW_PREROUTING, 0, IPPROTO_TCP, PKT_ACK, 10))
			continue;
		offered++;
		assert_int_equal(t.offer.claims.n, 2);
		assert_int_equal(t.offer.n, 3); /* raw's policy; mangle's rule and policy */
	}
	assert_int_equal(offered, 3);
	assert_int_equal(fw_flow_cache_stats(t.s.world.cache)->stored, 0);
	add(&t, "b", "10.0.0.1");
	send_at(&t, FW_PREROUTING, 0, IPPROTO_TCP, PKT_ACK, 10);
	assert_int_equal(t.s.d.verdict, FW_DROP);
	close_talk(&t);
}

/* A way that asks too many lists is not offered. */
static void test_too_many(void **state)
{
	(void)state;
	for (int lists = FW_OFFER_CLAIMS; lists <= FW_OFFER_CLAIMS + 1; lists++) {
		struct fw_buf text = FW_BUF_INIT;
		struct talk t;

		fw_buf_str(&text, "*filter\n");
		for (int i = 0; i < lists; i++)
			fw_buf_fmt(&text, "-A FORWARD -m recent --name l%d --rcheck -j DROP\n", i);
		fw_buf_str(&text, KNOWN "COMMIT\n");
		open_talk(&t, fw_buf_cstr(&text));
		handshake(&t);
		assert_int_equal(talk_until_offered(&t, 0), lists == FW_OFFER_CLAIMS);
		close_talk(&t);
		fw_buf_deinit(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asking),	      cmocka_unit_test(test_counters),
		cmocka_unit_test(test_ends),	      cmocka_unit_test(test_mask),
		cmocka_unit_test(test_raw_and_cache), cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
