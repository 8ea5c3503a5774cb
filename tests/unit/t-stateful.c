/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches that remember: limit, recent, statistic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"

#include "fw/recent.h"

#define MS 1000000ull
#define S  1000000000ull

static const struct extcase words[] = {
	{"recent", "--set", " --set --name DEFAULT --mask 255.255.255.255 --rsource",
	 " recent: SET name: DEFAULT side: source mask: 255.255.255.255"},
	{"recent",
	 "! --update --reap --seconds 60 --hitcount 5 --rttl --name ssh --rdest --mask 255.255.0.0",
	 " ! --update --seconds 60 --reap --hitcount 5 --rttl --name ssh --mask 255.255.0.0 --rdest",
	 " ! recent: UPDATE seconds: 60 reap hit_count: 5 TTL-Match name: ssh side: dest mask: 255.255.0.0"},
	{"recent", "--rcheck --hitcount 0 --name x.y",
	 " --rcheck --name x.y --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource", NULL,
	 .family = FW_IP6},
	{"recent", "--remove --name two~words",
	 " --remove --name \"two words\" --mask 255.255.255.255 --rsource", NULL},
	{"recent", "", .error = "recent: none of --set"},
	{"recent", "--set --update", .error = "recent: --update conflicts with --set"},
	{"recent", "--set --rttl", .error = "recent: --rttl conflicts with --set"},
	{"recent", "--set --seconds 4", .error = "recent: --seconds and --hitcount are for"},
	{"recent", "--rcheck --reap", .error = "recent: --reap needs --seconds"},
	{"recent", "--rcheck --seconds 0", .error = "recent: --seconds: '0' is not in 1.."},
	{"recent", "--rcheck --hitcount 65536", .error = "recent: --hitcount is at most"},
	{"recent", "--rcheck --name a/b", .error = "recent: --name: 'a/b' cannot be"},
	{"recent", "--rcheck --name ..", .error = "recent: --name: '..' cannot be"},
	{"statistic", "--mode random ! --probability 0.5",
	 " --mode random ! --probability 0.50000000000",
	 " statistic mode random ! probability 0.50000000000"},
	{"statistic", "--mode random --probability 0.3",
	 " --mode random --probability 0.29999999981", NULL},
	{"statistic", "--mode nth ! --every 5 --packet 2", " --mode nth ! --every 5 --packet 2",
	 " statistic mode nth ! every 5 packet 2"},
	{"statistic", "--mode nth --every 5 --packet 0", " --mode nth --every 5 --packet 0",
	 " statistic mode nth every 5"},
	{"statistic", "--mode random --probability .333333333333333333333",
	 " --mode random --probability 0.33333333349", NULL},
	{"statistic", "--mode random --probability 1.1", .error = "statistic: --probability: '1.1'"},
	{"statistic", "--mode random --probability nan", .error = "statistic: --probability: 'nan'"},
	{"statistic", "--mode random", .error = "statistic: mode random needs"},
	{"statistic", "--mode nth --every 5", .error = "statistic: --every needs --packet"},
	{"statistic", "--mode nth --every 5 --packet 5", .error = "statistic: --packet: 5 is not"},
	{"statistic", "--mode sometimes", .error = "statistic: --mode: 'sometimes' is none of"},
	{"statistic", "--probability 1", .error = "statistic: --mode is missing"},
};

static void test_words(void **state)
{
	extuse_cases(words, FW_ARRAY_SIZE(words));
}

static void udp4(struct pkt *p, struct fw_packet *view)
{
	pkt_ip4(p, "10.0.0.5", "10.0.0.255", IPPROTO_UDP);
	pkt_udp(p, 1024, 53);
	pkt_view(p, view);
}

/* How many of n packets at that time pass? */
static unsigned int burst(struct extuse *u, const struct fw_packet *view, uint64_t now,
			  unsigned int n)
{
	unsigned int passed = 0;

	while (n--)
		passed += extuse_match_at(u, view, now);
	return passed;
}

static void test_limit(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;

	udp4(&p, &view);
	extuse_make(&u, "limit", false, FW_IP4, 0, "--limit 10/second --limit-burst 3");
	extuse_attach(&u, 100 * S);
	assert_int_equal(burst(&u, &view, 100 * S, 10), 3);
	assert_int_equal(burst(&u, &view, 100 * S + 99 * MS, 10), 0);
	assert_int_equal(burst(&u, &view, 100 * S + 100 * MS - 1, 10), 0); /* whole milliseconds */
	assert_int_equal(burst(&u, &view, 100 * S + 100 * MS, 10), 1);
	assert_int_equal(burst(&u, &view, 100 * S + 350 * MS, 10), 2);
	assert_int_equal(burst(&u, &view, 100 * S + 400 * MS, 10), 1); /* 50 ms were left */
	assert_int_equal(burst(&u, &view, 100 * S, 10), 0); /* time never goes back */
	assert_int_equal(burst(&u, &view, 200 * S, 10), 3); /* no more than the burst */
	assert_int_equal(burst(&u, &view, 200 * S + 500 * 86400 * S, 10), 3);
	extuse_free(&u);
}

static void test_statistic(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;

	udp4(&p, &view);
	extuse_make(&u, "statistic", false, FW_IP4, 0, "--mode nth --every 3 --packet 0");
	extuse_attach(&u, 0);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(extuse_match(&u, &view), i % 3 == 0);
	extuse_free(&u);
	extuse_make(&u, "statistic", false, FW_IP4, 0, "--mode nth ! --every 3 --packet 2");
	extuse_attach(&u, 0);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(extuse_match(&u, &view), i % 3 != 2);
	extuse_free(&u);

	extuse_make(&u, "statistic", false, FW_IP4, 0, "--mode random --probability 0.25");
	assert_in_range(burst(&u, &view, 0, 10000), 2300, 2700);
	extuse_free(&u);
	extuse_make(&u, "statistic", false, FW_IP4, 0, "--mode random --probability 1");
	assert_int_equal(burst(&u, &view, 0, 1000), 1000);
	extuse_free(&u);
	extuse_make(&u, "statistic", false, FW_IP4, 0, "--mode random --probability 0");
	assert_int_equal(burst(&u, &view, 0, 1000), 0);
	extuse_free(&u);
}

static void test_quota(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;

	udp4(&p, &view); /* 28 bytes */
	extuse_make(&u, "quota", false, FW_IP4, 0, "--quota 70");
	extuse_attach(&u, 0);
	assert_int_equal(burst(&u, &view, 0, 10), 2);
	view.len = 1; /* nothing passes any more, however small */
	assert_int_equal(burst(&u, &view, 0, 10), 0);
	extuse_free(&u);
	view.len = 28;
	extuse_make(&u, "quota", false, FW_IP4, 0, "! --quota 56");
	extuse_attach(&u, 0);
	assert_int_equal(burst(&u, &view, 0, 10), 8);
	extuse_free(&u);
}

static void recent_use(struct extuse *u, struct fw_recent *lists, const char *text)
{
	extuse_make(u, "recent", false, FW_IP4, 0, text);
	u->world.recent = lists;
	extuse_attach(u, 0);
}

/* The ssh limiter that everybody has: the fifth connection within a minute is refused. */
static void test_recent_limiter(void **state)
{
	struct fw_recent *lists = fw_recent_new(1, 0);
	struct extuse set, update;
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	unsigned int refused = 0;

	udp4(&p, &view);
	recent_use(&set, lists, "--set --name ssh");
	recent_use(&update, lists, "--update --seconds 60 --hitcount 5 --name ssh");
	for (uint64_t i = 0; i < 5; i++) {
		assert_int_equal(refused, 0);
		assert_true(extuse_match_at(&set, &view, i * S));
		refused += extuse_match_at(&update, &view, i * S);
	}
	assert_int_equal(refused, 1);
	assert_false(extuse_match_at(&update, &view, 120 * S));
	extuse_free(&set);
	extuse_free(&update);
	fw_recent_free(lists);
}

static void test_recent_sides(void **state)
{
	struct fw_recent *lists = fw_recent_new(1, 0);
	struct extuse set, src, dst, not_dst;
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	recent_use(&set, lists, "--set --name d --rdest");
	recent_use(&dst, lists, "--rcheck --name d --rdest");
	recent_use(&not_dst, lists, "! --rcheck --name d --rdest");
	recent_use(&src, lists, "--rcheck --name d");
	assert_false(extuse_match(&dst, &view));
	assert_true(extuse_match(&not_dst, &view));
	assert_true(extuse_match(&set, &view));
	assert_true(extuse_match(&dst, &view));
	assert_false(extuse_match(&not_dst, &view));
	assert_false(extuse_match(&src, &view));
	extuse_free(&set);
	extuse_free(&dst);
	extuse_free(&not_dst);
	extuse_free(&src);
	fw_recent_free(lists);
}

/* --rttl compares the TTL as it was before this host forwarded. */
static void test_recent_ttl(void **state)
{
	struct fw_recent *lists = fw_recent_new(1, 0);
	struct extuse set, check;
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	recent_use(&set, lists, "--set --name t");
	recent_use(&check, lists, "--rcheck --rttl --name t");
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	udp4(&p, &view);
	assert_true(extuse_match(&set, &view));
	assert_true(extuse_match(&check, &view));
	view.ttl--;
	assert_false(extuse_match(&check, &view));
	view.meta.hook = FW_FORWARD;
	assert_true(extuse_match(&check, &view));
	extuse_free(&set);
	extuse_free(&check);
	fw_recent_free(lists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	       cmocka_unit_test(test_limit),
		cmocka_unit_test(test_statistic),      cmocka_unit_test(test_quota),
		cmocka_unit_test(test_recent_limiter), cmocka_unit_test(test_recent_sides),
		cmocka_unit_test(test_recent_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
