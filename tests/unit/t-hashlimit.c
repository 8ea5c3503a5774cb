/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m hashlimit: a bucket for each key, tables shared by name, clean-up, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>

#include "extuse.h"
#include "pkt.h"

#define MS 1000000ull
#define S  1000000000ull

static void from(struct fw_packet *view, struct pkt *p, const char *src, uint16_t port)
{
	*p = (struct pkt)PKT_INIT;
	pkt_ip4(p, src, "10.9.9.9", IPPROTO_UDP);
	pkt_udp(p, port, 53);
	pkt_grow(p, 72); /* 100 bytes in all */
	pkt_view(p, view);
}

static void use_at(struct extuse *u, const char *text, uint64_t now)
{
	extuse_make(u, "hashlimit", false, FW_IP4, 0, text);
	extuse_attach(u, now);
}

/* How many of n packets from there pass? */
static unsigned int pass(struct extuse *u, const char *src, uint64_t now, unsigned int n)
{
	unsigned int passed = 0;
	struct fw_packet view;
	struct pkt p;

	from(&view, &p, src, 1000);
	while (n--)
		passed += extuse_match_at(u, &view, now);
	return passed;
}

static void test_each_source(void **state)
{
	struct extuse u;

	use_at(&u, "--hashlimit-upto 10/sec --hashlimit-burst 3 --hashlimit-mode srcip "
		   "--hashlimit-name a", 100 * S);
	assert_int_equal(pass(&u, "10.0.0.1", 100 * S, 10), 3);
	assert_int_equal(pass(&u, "10.0.0.2", 100 * S, 10), 3);
	assert_int_equal(pass(&u, "10.0.0.1", 100 * S + 99 * MS, 10), 0);
	assert_int_equal(pass(&u, "10.0.0.1", 100 * S + 100 * MS, 10), 1);
	assert_int_equal(pass(&u, "10.0.0.1", 100 * S + 350 * MS, 10), 2);
	assert_int_equal(pass(&u, "10.0.0.2", 900 * S, 10), 3);
	extuse_free(&u);
}

static void test_above_and_mask(void **state)
{
	struct extuse u;

	use_at(&u, "--hashlimit-above 1/min --hashlimit-burst 2 --hashlimit-mode srcip "
		   "--hashlimit-srcmask 24 --hashlimit-name a", 0);
	assert_int_equal(pass(&u, "10.0.0.1", 0, 2), 0);
	assert_int_equal(pass(&u, "10.0.0.77", 0, 5), 5); /* the same network */
	assert_int_equal(pass(&u, "10.0.1.1", 0, 2), 0);
	extuse_free(&u);
}

static void test_ports(void **state)
{
	struct fw_packet view;
	struct extuse u;
	struct pkt p;

	use_at(&u, "--hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcport,dstip "
		   "--hashlimit-name a", 0);
	from(&view, &p, "10.0.0.1", 1000);
	assert_true(extuse_match(&u, &view));
	from(&view, &p, "10.0.0.2", 1000); /* the source does not count */
	assert_false(extuse_match(&u, &view));
	from(&view, &p, "10.0.0.1", 1001);
	assert_true(extuse_match(&u, &view));
	pkt_ip4(&p, "10.0.0.1", "10.9.9.9", IPPROTO_UDP);
	pkt_grow(&p, 3);
	pkt_view(&p, &view);
	assert_false(extuse_match(&u, &view));
	assert_true(u.eval.hotdrop);
	pkt_ip4(&p, "10.0.0.1", "10.9.9.9", IPPROTO_GRE); /* has none */
	pkt_view(&p, &view);
	assert_true(extuse_match(&u, &view));
	assert_false(extuse_match(&u, &view));
	extuse_free(&u);
}

static void test_shared_by_name(void **state)
{
	struct extuse a, b, other;
	struct fw_err err = FW_ERR_INIT;

	use_at(&a, "--hashlimit-upto 1/min --hashlimit-burst 3 --hashlimit-mode srcip "
		   "--hashlimit-name x", 0);
	extuse_make(&b, "hashlimit", false, FW_IP4, 0,
		    "--hashlimit-upto 1/min --hashlimit-burst 9 --hashlimit-name x");
	b.world = a.world; /* the same world */
	extuse_attach(&b, 0);
	assert_int_equal(pass(&a, "10.0.0.1", 0, 2), 2);
	assert_int_equal(pass(&b, "10.0.0.1", 0, 9), 1); /* the first rule's settings */
	extuse_make(&other, "hashlimit", false, FW_IP4, 0,
		    "--hashlimit-upto 1/min --hashlimit-name x --hashlimit-rate-match");
	assert_int_not_equal(other.use.ext->attach(&other.use, &a.world, 0, &err), 0);
	assert_int_equal(err.code, FW_ERR_PLACE);
	extuse_free(&other);
	extuse_free(&a);
	extuse_free(&b);
}

static void test_clean_up(void **state)
{
	struct extuse u;

	/* refills in an hour, forgotten after 300 ms at the first clean-up, one each 1000 ms */
	use_at(&u, "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip "
		   "--hashlimit-htable-expire 300 --hashlimit-name a", 0);
	assert_int_equal(pass(&u, "10.0.0.1", 0, 2), 1);
	assert_int_equal(pass(&u, "10.0.0.1", 600 * MS, 2), 0); /* expired but still there */
	assert_int_equal(pass(&u, "10.0.0.1", 999 * MS, 2), 0);
	assert_int_equal(pass(&u, "10.0.0.1", 1299 * MS, 2), 0); /* not expired at 1000 */
	assert_int_equal(pass(&u, "10.0.0.1", 2000 * MS, 2), 1);
	extuse_free(&u);
}

static void test_full(void **state)
{
	struct extuse u;
	char src[16];

	use_at(&u, "--hashlimit-upto 1/hour --hashlimit-mode srcip --hashlimit-htable-size 16 "
		   "--hashlimit-htable-max 16 --hashlimit-htable-expire 500 --hashlimit-name a", 0);
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(src, sizeof(src), "10.0.0.%u", i);
		assert_int_equal(pass(&u, src, 0, 1), 1);
	}
	assert_int_equal(pass(&u, "10.0.1.1", 0, 1), 0);
	assert_true(u.eval.hotdrop);
	assert_int_equal(pass(&u, "10.0.0.7", 0, 1), 1); /* those that are in go on */
	assert_int_equal(pass(&u, "10.0.1.1", 999 * MS, 1), 0);
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(src, sizeof(src), "10.0.1.%u", i);
		assert_int_equal(pass(&u, src, 1000 * MS, 1), 1);
	}
	extuse_free(&u);
}

/* As a table that is looked through whole for each packet. */
static void test_whose_room_it_is(void **state)
{
	enum { SOURCES = 40, MAX = 16 };
	uint64_t expires[SOURCES] = {0}, now = 0, random = 1;
	struct extuse u;
	char src[16];

	use_at(&u, "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip "
		   "--hashlimit-htable-size 16 --hashlimit-htable-max 16 "
		   "--hashlimit-htable-expire 700 --hashlimit-name a", 0);
	for (unsigned int k = 0; k < 20000; k++) {
		unsigned int who, n = 0;
		bool known;

		random = random * 6364136223846793005u + 1442695040888963407u;
		who = (unsigned int)(random >> 33) % SOURCES;
		now += (random >> 50) % 40;
		for (unsigned int i = 0; i < SOURCES; i++) {
			if (expires[i] && expires[i] <= now / 1000 * 1000)
				expires[i] = 0; /* the last clean-up took it */
			n += expires[i] > 0;
		}
		known = expires[who];
		snprintf(src, sizeof(src), "10.0.0.%u", who);
		assert_int_equal(pass(&u, src, now * MS, 1), !known && n < MAX);
		assert_int_equal(u.eval.hotdrop, !known && n == MAX);
		if (known || n < MAX)
			expires[who] = now + 700;
	}
	extuse_free(&u);
}

static void test_bytes(void **state)
{
	struct extuse u;

	/* packets of 100 bytes cost 7 times 16; a second's credit is 257 of these, as in the kernel */
	use_at(&u, "--hashlimit-upto 4kb/s --hashlimit-mode srcip --hashlimit-name a", 0);
	assert_int_equal(pass(&u, "10.0.0.1", 0, 100), 257 / 7);
	assert_int_equal(pass(&u, "10.0.0.1", 500 * MS, 100), (257 % 7 + 257 / 2) / 7);
	extuse_free(&u);
	use_at(&u, "--hashlimit-upto 4kb/s --hashlimit-burst 12kb --hashlimit-mode srcip "
		   "--hashlimit-name a", 0);
	assert_in_range(pass(&u, "10.0.0.1", 0, 1000), 4 * (257 / 7), 4 * 257 / 7);
	extuse_free(&u);
}

static void test_rate_match(void **state)
{
	struct extuse u;

	use_at(&u, "--hashlimit-above 10/sec --hashlimit-burst 5 --hashlimit-mode srcip "
		   "--hashlimit-name a --hashlimit-rate-match", 0);
	assert_int_equal(pass(&u, "10.0.0.1", 0, 15), 0);
	assert_int_equal(pass(&u, "10.0.0.1", 500 * MS, 3), 3);
	assert_int_equal(pass(&u, "10.0.0.1", 1000 * MS, 1), 1); /* the last second was above */
	assert_int_equal(pass(&u, "10.0.0.1", 2000 * MS, 1), 0);
	extuse_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_source),
		cmocka_unit_test(test_above_and_mask),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_shared_by_name),
		cmocka_unit_test(test_clean_up),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_whose_room_it_is),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_rate_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
