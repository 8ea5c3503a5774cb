/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recent lists against net/netfilter/xt_recent.c: each test is one promise of its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "recent-lists.h"

static void test_set_check_remove(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	assert_false(ask(l, 1, RCHECK(), 1 * SEC));
	assert_true(ask(l, 1, SET, 1 * SEC));
	assert_true(ask(l, 1, RCHECK(), 9999 * SEC)); /* without --seconds: forever */
	assert_false(ask(l, 2, REMOVE, 2 * SEC));
	assert_true(ask(l, 1, REMOVE, 2 * SEC));
	assert_false(ask(l, 1, RCHECK(), 3 * SEC));
	fw_recent_free(r);
}

static void test_seconds_and_hitcount(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 3);

	(void)state;
	for (uint64_t t = 1; t <= 2; t++)
		assert_true(ask(l, 1, SET, t * SEC));
	assert_false(ask(l, 1, RCHECK(.hitcount = 3), 2 * SEC));
	assert_true(ask(l, 1, SET, 3 * SEC));
	assert_true(ask(l, 1, RCHECK(.hitcount = 3), 3 * SEC));
	/* a stamp of exactly --seconds ago still counts, a nanosecond more does not */
	assert_true(ask(l, 1, RCHECK(.hitcount = 3, .seconds = 60), 61 * SEC));
	assert_false(ask(l, 1, RCHECK(.hitcount = 3, .seconds = 60), 61 * SEC + 1));
	assert_true(ask(l, 1, RCHECK(.seconds = 60), 63 * SEC));
	assert_false(ask(l, 1, RCHECK(.seconds = 60), 63 * SEC + 1));
	fw_recent_free(r);
}

/* README's limiter: --set on NEW, then --update --seconds 60 --hitcount 5 -j DROP. */
static void test_ssh_limiter(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "ssh", 5);

	(void)state;
	for (uint64_t t = 1; t <= 8; t++) {
		assert_true(ask(l, 1, SET, t * SEC));
		assert_int_equal(ask(l, 1, UPDATE(.seconds = 60, .hitcount = 5), t * SEC), t >= 5);
	}
	/* the refused ones refreshed the entry, and the ring of 8 holds only the newest */
	assert_true(ask(l, 1, RCHECK(.seconds = 60, .hitcount = 5), 60 * SEC));
	fw_recent_free(r);
}

static void test_update_only_when_it_matches(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	assert_true(ask(l, 1, SET, 1 * SEC));
	assert_false(ask(l, 1, UPDATE(.seconds = 5), 10 * SEC)); /* too old: not refreshed */
	assert_false(ask(l, 1, RCHECK(.seconds = 5), 11 * SEC));
	/* ! --update: the rule matches because the stamp is too old, so it is refreshed */
	assert_false(ask(l, 1, UPDATE(.seconds = 5, .invert = true), 20 * SEC));
	assert_true(ask(l, 1, RCHECK(.seconds = 5), 21 * SEC));
	/* … and not when the answer is yes, because then the rule does not match */
	assert_true(ask(l, 1, UPDATE(.seconds = 5, .invert = true), 24 * SEC));
	assert_false(ask(l, 1, RCHECK(.seconds = 5), 26 * SEC));
	fw_recent_free(r);
}

static void test_reap(void **state)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	ask(l, 1, SET, 1 * SEC);
	ask(l, 2, SET, 2 * SEC);
	ask(l, 3, SET, 30 * SEC);
	assert_true(ask(l, 3, RCHECK(.seconds = 10, .reap = true), 31 * SEC));
	assert_int_equal(lines(r, "a"), 2); /* one oldest entry at a time */
	assert_false(ask(l, 2, RCHECK(.seconds = 10, .reap = true), 31 * SEC)); /* reaps itself */
	assert_int_equal(lines(r, "a"), 1);
	/* an --update that takes effect on the only entry does not reap it */
	assert_true(ask(l, 3, UPDATE(.seconds = 10, .reap = true), 40 * SEC));
	assert_int_equal(lines(r, "a"), 1);
	fw_recent_free(r);
}

static void test_rttl(void **state)
{
	struct fw_recent_query other = {.op = FW_RECENT_RCHECK, .ttl = 63};
	struct fw_recent *r = fw_recent_new(1, 0);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	ask(l, 1, SET, 1 * SEC);
	assert_true(ask(l, 1, RCHECK(.rttl = true), 1 * SEC));
	other.rttl = true;
	assert_false(ask(l, 1, other, 1 * SEC));
	other.rttl = false;
	assert_true(ask(l, 1, other, 1 * SEC));
	fw_recent_free(r);
}

static void test_oldest_makes_room(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 3);
	struct fw_recent_list *l = get(r, "a", 0);

	(void)state;
	for (uint8_t i = 1; i <= 3; i++)
		ask(l, i, SET, i * SEC);
	ask(l, 1, SET, 4 * SEC); /* 1 is now the newest */
	ask(l, 4, SET, 5 * SEC);
	assert_int_equal(lines(r, "a"), 3);
	assert_true(ask(l, 1, RCHECK(), 5 * SEC));
	assert_false(ask(l, 2, RCHECK(), 5 * SEC));
	assert_true(ask(l, 3, RCHECK(), 5 * SEC));
	fw_recent_free(r);
}

static void test_mask_and_families(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 0);
	union fw_addr mask = {.u8 = {255, 255, 255, 0}};
	union fw_addr six = {.u8 = {10, 0, 0, 0}};
	struct fw_recent_query set = SET, check = RCHECK();
	struct fw_recent_list *l = fw_recent_get(r, "net", 0, &mask, FW_IP4, NULL);

	(void)state;
	ask(l, 1, SET, 1 * SEC);
	assert_true(ask(l, 200, RCHECK(), 1 * SEC));
	assert_false(fw_recent_match(l, FW_IP6, &six, &check, 1 * SEC));
	assert_true(fw_recent_match(l, FW_IP6, &six, &set, 1 * SEC));
	assert_int_equal(lines(r, "net"), 2);
	fw_recent_free(r);
}

static void test_users_and_growing_stamps(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 0);
	struct fw_recent_list *a = get(r, "a", 4), *b;
	struct fw_buf names = FW_BUF_INIT;
	uint64_t cursor = 0;

	(void)state;
	ask(a, 1, SET, 1 * SEC);
	b = get(r, "a", 3); /* the same four stamps: nothing happens */
	assert_ptr_equal(a, b);
	assert_int_equal(lines(r, "a"), 1);
	put(r, b);
	b = get(r, "a", 5); /* eight: the list is emptied */
	assert_int_equal(lines(r, "a"), 0);
	put(r, a);
	fw_recent_names(r, &names);
	assert_string_equal(fw_buf_cstr(&names), "a\n");
	put(r, b);
	fw_buf_reset(&names);
	fw_recent_names(r, &names);
	assert_string_equal(fw_buf_cstr(&names), "");
	assert_int_equal(fw_recent_print(r, "a", &cursor, 9, &names), -1);
	fw_buf_deinit(&names);
	fw_recent_free(r);
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a/b"};
	struct fw_recent *r = fw_recent_new(7, 0);
	char longest[201];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++) {
		struct fw_err err = FW_ERR_INIT;

		assert_null(fw_recent_get(r, bad[i], 0, NULL, FW_IP4, &err));
		assert_int_not_equal(err.code, FW_ERR_NONE);
	}
	assert_null(fw_recent_get(r, "a", 65536, NULL, FW_IP4, NULL));
	memset(longest, 'x', sizeof(longest));
	longest[200] = '\0';
	assert_null(fw_recent_get(r, longest, 0, NULL, FW_IP4, NULL));
	longest[199] = '\0';
	assert_non_null(fw_recent_get(r, longest, 65535, NULL, FW_IP4, NULL));
	fw_recent_free(r);
}

/* Many lists are found by their names, and go in any order. */
static void test_many_lists(void **state)
{
	static struct fw_recent_list *l[10000];
	struct fw_recent *r = fw_recent_new(7, 1);
	struct fw_buf b = FW_BUF_INIT;
	char name[16];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		l[i] = get(r, name, 0);
		assert_true(ask(l[i], (uint8_t)(i % 200), SET, 1 * SEC));
	}
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_ptr_equal(get(r, name, 0), l[i]);
		put(r, l[i]);
	}
	for (int i = 1; i < 10000; i++)
		put(r, l[i * 7 % 10000]);
	fw_recent_names(r, &b);
	assert_string_equal(fw_buf_cstr(&b), "n0\n");
	put(r, l[0]);
	fw_buf_reset(&b);
	fw_recent_names(r, &b);
	assert_int_equal(b.len, 0);
	fw_buf_deinit(&b);
	fw_recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_check_remove),
		cmocka_unit_test(test_seconds_and_hitcount),
		cmocka_unit_test(test_ssh_limiter),
		cmocka_unit_test(test_update_only_when_it_matches),
		cmocka_unit_test(test_reap),
		cmocka_unit_test(test_rttl),
		cmocka_unit_test(test_oldest_makes_room),
		cmocka_unit_test(test_mask_and_families),
		cmocka_unit_test(test_users_and_growing_stamps),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
