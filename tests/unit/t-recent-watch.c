/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recent lists that are watched for addresses which they do not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "recent-lists.h"

static bool watch(struct fw_recent_list *l, uint8_t host)
{
	const union fw_addr a = v4(host);

	return fw_recent_watch(l, FW_IP4, &a);
}

/* Who comes on the list is told once, and nobody else. */
static void test_came(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0), *other = get(r, "b", 0);

	(void)state;
	assert_true(watch(l, 1));
	assert_true(watch(l, 1));
	assert_true(watch(l, 2));
	ask(l, 3, SET, SEC);
	ask(other, 1, SET, SEC);
	ask(l, 1, RCHECK(), SEC);
	ask(l, 1, UPDATE(), SEC);
	ask(l, 1, REMOVE, SEC);
	assert_int_equal(fw_recent_came(r), 0);
	ask(l, 1, SET, 2 * SEC);
	assert_int_equal(fw_recent_came(r), 1);
	ask(l, 1, SET, 3 * SEC); /* it was there */
	ask(l, 3, SET, 3 * SEC);
	assert_int_equal(fw_recent_came(r), 1);
	ask(l, 1, REMOVE, 4 * SEC);
	ask(l, 1, SET, 5 * SEC);
	assert_int_equal(fw_recent_came(r), 2);
	fw_recent_free(r);
}

/* By command, and from a file. */
static void test_ways(void **state)
{
	static const char saved[] = "a 10.0.0.2 64 1000\n";
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);
	const union fw_addr one = v4(1);

	(void)state;
	watch(l, 1);
	watch(l, 2);
	assert_int_equal(fw_recent_add(r, "a", FW_IP6, &one, SEC), 0);
	assert_int_equal(fw_recent_came(r), 0);
	assert_int_equal(fw_recent_add(r, "a", FW_IP4, &one, SEC), 0);
	assert_int_equal(fw_recent_came(r), 1);
	assert_int_equal(fw_recent_load(r, saved, strlen(saved), SEC, NULL), 0);
	assert_int_equal(fw_recent_came(r), 2);
	fw_recent_free(r);
}

/* Who has it in common with another by the list's mask comes with him. */
static void test_mask(void **state)
{
	const union fw_addr mask = {.u8 = {255, 255, 255, 0}}, far = {.u8 = {10, 0, 1, 1}};
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = fw_recent_get(r, "a", 0, &mask, FW_IP4, NULL);

	(void)state;
	watch(l, 1);
	fw_recent_match(l, FW_IP4, &far, &SET, SEC);
	assert_int_equal(fw_recent_came(r), 0);
	ask(l, 200, SET, SEC);
	assert_int_equal(fw_recent_came(r), 1);
	fw_recent_free(r);
}

/* All watches end together; later ones are new. */
static void test_unwatch(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	watch(l, 1);
	watch(l, 2);
	fw_recent_unwatch(r);
	ask(l, 1, SET, SEC);
	assert_int_equal(fw_recent_came(r), 0);
	watch(l, 3);
	ask(l, 2, SET, SEC); /* of before */
	assert_int_equal(fw_recent_came(r), 0);
	ask(l, 3, SET, SEC);
	assert_int_equal(fw_recent_came(r), 1);
	fw_recent_unwatch(r);
	put(r, l);
	l = get(r, "a", 0);
	ask(l, 3, SET, SEC);
	assert_int_equal(fw_recent_came(r), 1);
	fw_recent_free(r);
}

/* There is room for many, and an end of it; each of them is found, and no other. */
static void test_many(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 1 << 17);
	struct fw_recent_list *l = get(r, "a", 0);
	uint64_t watched = 0;
	union fw_addr a = {.u8 = {10}};

	(void)state;
	for (;; watched++) {
		a.u8[2] = (uint8_t)(watched >> 8);
		a.u8[3] = (uint8_t)watched;
		if (!fw_recent_watch(l, FW_IP4, &a))
			break;
	}
	assert_in_range(watched, 10000, 65535);
	for (uint32_t i = 0; i < 65536; i++) {
		a.u8[2] = (uint8_t)(i >> 8);
		a.u8[3] = (uint8_t)i;
		fw_recent_match(l, FW_IP4, &a, &SET, SEC);
		assert_int_equal(fw_recent_came(r), i < watched ? i + 1 : watched);
	}
	fw_recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_came), cmocka_unit_test(test_ways),
		cmocka_unit_test(test_mask), cmocka_unit_test(test_unwatch),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
