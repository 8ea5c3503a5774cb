/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recent lists as text, as /proc has it and for a restart, in slices; and what a flush leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "recent-lists.h"

static void test_print_as_proc(void **state)
{
	static const char four_line[] =
		"src=10.0.0.1 ttl: 64 last_seen: 3000 oldest_pkt: 1 3000, 2000\n";
	static const char six_line[] = "src=2001:0db8:0000:0000:0000:0000:0000:0001 ttl: 0 "
				       "last_seen: 4000 oldest_pkt: 1 4000\n";
	struct fw_recent *r = fw_recent_new(7, 0);
	union fw_addr six = {.u8 = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, four = v4(9);
	struct fw_recent_list *l = get(r, "a", 2);
	struct fw_buf b = FW_BUF_INIT;

	(void)state;
	ask(l, 1, SET, 1 * SEC);
	ask(l, 1, SET, 2 * SEC);
	ask(l, 1, SET, 3 * SEC); /* ring of two: the third stands in the first place */
	assert_int_equal(fw_recent_add(r, "a", FW_IP6, &six, 4 * SEC), 0);
	print(r, "a", 9, &b);
	assert_non_null(strstr(fw_buf_cstr(&b), four_line));
	assert_non_null(strstr(fw_buf_cstr(&b), six_line));
	assert_int_equal(b.len, strlen(four_line) + strlen(six_line));
	assert_int_equal(fw_recent_remove(r, "a", FW_IP6, &six), 0);
	assert_int_equal(fw_recent_add(r, "a", FW_IP4, &four, 5 * SEC), 0);
	assert_int_equal(lines(r, "a"), 2);
	assert_int_equal(fw_recent_flush(r, "a"), 0);
	assert_int_equal(lines(r, "a"), 0);
	assert_int_equal(fw_recent_flush(r, "b"), -1);
	fw_buf_deinit(&b);
	fw_recent_free(r);
}

/* A flush is over at once, whatever is still to be taken back: neither rules nor lists see it. */
static void test_flush_in_slices(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 200);
	struct fw_recent_list *l = get(r, "a", 2);
	union fw_addr first = v4(1);
	struct fw_buf b = FW_BUF_INIT;
	unsigned int slices = 0;
	uint64_t held;

	(void)state;
	for (uint8_t i = 1; i <= 100; i++)
		ask(l, i, SET, 1 * SEC);
	held = fw_recent_hold(l, FW_IP4, &first, false);
	fw_recent_dump_begin(r);
	fw_recent_dump_more(r, 1, 1 * SEC, &b);
	assert_int_equal(fw_recent_flush(r, "a"), 0);
	assert_int_equal(fw_recent_lost(r), 1);
	assert_int_equal(lines(r, "a"), 0);
	fw_recent_release(l, FW_IP4, &first, false, held); /* of what is no more */
	assert_false(ask(l, 1, RCHECK(), 2 * SEC));
	assert_false(ask(l, 1, REMOVE, 2 * SEC));
	assert_true(ask(l, 1, SET, 2 * SEC)); /* takes two old ones back */
	assert_false(ask(l, 1, RCHECK(.hitcount = 2), 2 * SEC)); /* nothing is left of it */
	fw_buf_reset(&b);
	while (fw_recent_dump_more(r, 1, 1 * SEC, &b))
		;
	assert_int_equal(b.len, 0); /* what comes while it is dumped may be missed */
	while (fw_recent_free_gone(fw_recent_gone(r, "a", 10)))
		slices++;
	assert_int_equal(slices, 10); /* 98 are left */
	assert_int_equal(lines(r, "a"), 1);
	assert_true(ask(l, 1, RCHECK(), 2 * SEC));
	for (uint8_t i = 1; i <= 200; i++)
		ask(l, i, SET, 3 * SEC);
	fw_recent_flush(r, "a");
	for (uint8_t i = 1; i <= 200; i++) /* all room is there again */
		ask(l, i, SET, 4 * SEC);
	assert_int_equal(lines(r, "a"), 200);
	fw_recent_flush(r, "a");
	put(r, l); /* with what is left */
	fw_buf_deinit(&b);
	fw_recent_free(r);
}

/* Lists come along over a restart, also into a machine that has just started (a small now). */
static void test_dump_load(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 0), *s = fw_recent_new(8, 0);
	struct fw_recent_list *l = get(r, "a b%", 2), *m = get(s, "a b%", 2);
	struct fw_buf b = FW_BUF_INIT, again = FW_BUF_INIT;
	struct fw_err err = FW_ERR_INIT;

	(void)state;
	for (uint64_t t = 1001; t <= 1003; t++)
		ask(l, 1, SET, t * SEC);
	ask(l, 2, SET, 1004 * SEC);
	fw_recent_dump(r, 1010 * SEC, &b);
	assert_string_equal(fw_buf_cstr(&b), "a%20b%25 mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"
					     "a%20b%25 10.0.0.1 64 8000000000 7000000000\n"
					     "a%20b%25 10.0.0.2 64 6000000000\n");
	assert_int_equal(fw_recent_load(s, b.data, b.len, 1 * SEC, &err), 0);
	fw_recent_dump(s, 1 * SEC, &again);
	assert_string_equal(fw_buf_cstr(&b), fw_buf_cstr(&again));
	assert_true(ask(m, 1, RCHECK(.seconds = 8), 1 * SEC));
	assert_false(ask(m, 1, RCHECK(.seconds = 8, .hitcount = 2), 1 * SEC + 1));
	assert_int_equal(fw_recent_load(s, "gone 10.0.0.1 0 5\n", 18, SEC, &err), 0);
	assert_int_equal(fw_recent_load(s, "\nx\n", 3, SEC, &err), -EINVAL);
	assert_int_equal(err.line, 2);
	fw_buf_deinit(&b);
	fw_buf_deinit(&again);
	fw_recent_free(r);
	fw_recent_free(s);
}

/* The mask too, also of an empty list: the rule that made it may not be the first any more. */
static void test_dump_load_mask(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 0), *s = fw_recent_new(8, 0);
	union fw_addr mask = {.u8 = {255, 255, 255, 0}};
	struct fw_recent_list *m = get(s, "a", 2);
	struct fw_buf b = FW_BUF_INIT, slices = FW_BUF_INIT;

	(void)state;
	fw_recent_get(r, "a", 0, &mask, FW_IP4, NULL);
	fw_recent_dump(r, 1010 * SEC, &b);
	fw_recent_dump_begin(r);
	assert_false(fw_recent_dump_more(r, 7, 60 * SEC, &slices));
	assert_string_equal(fw_buf_cstr(&b), "a mask ffff:ff00::\n");
	assert_string_equal(fw_buf_cstr(&slices), fw_buf_cstr(&b));
	assert_int_equal(fw_recent_load(s, b.data, b.len, 1 * SEC, NULL), 0);
	ask(m, 1, SET, 1 * SEC);
	assert_true(ask(m, 200, RCHECK(), 1 * SEC));
	assert_int_equal(fw_recent_load(s, "a mask 10.0.0.1\n", 16, SEC, NULL), -EINVAL);
	assert_int_equal(fw_recent_load(s, "a mask\n", 7, SEC, NULL), -EINVAL);
	fw_buf_deinit(&b);
	fw_buf_deinit(&slices);
	fw_recent_free(r);
	fw_recent_free(s);
}

/* A dump in slices while the lists are in use: what is there all the time is in it, what is used,
 * removed or flushed under its feet does no harm, and it comes to an end. */
static void test_dump_in_slices(void **state)
{
	struct fw_recent *r = fw_recent_new(7, 0), *s = fw_recent_new(8, 0);
	struct fw_recent_list *l = get(r, "a", 2), *m = get(r, "b", 2), *n = get(r, "c", 2);
	struct fw_buf whole = FW_BUF_INIT, slices = FW_BUF_INIT;
	unsigned int rounds = 0;

	(void)state;
	for (uint8_t i = 1; i <= 50; i++) {
		ask(l, i, SET, i * SEC);
		ask(m, i, SET, i * SEC);
		ask(n, i, SET, i * SEC);
	}
	fw_recent_dump(r, 60 * SEC, &whole);
	fw_recent_dump_begin(r);
	while (fw_recent_dump_more(r, 7, 60 * SEC, &slices))
		;
	assert_string_equal(fw_buf_cstr(&whole), fw_buf_cstr(&slices));

	fw_buf_reset(&slices);
	fw_recent_dump_begin(r);
	fw_recent_dump_more(r, 10, 60 * SEC, &slices); /* 11 is next */
	ask(l, 11, REMOVE, 61 * SEC);
	ask(l, 12, SET, 61 * SEC); /* goes to the end */
	while (fw_recent_dump_more(r, 1, 60 * SEC, &slices)) {
		ask(l, (uint8_t)(1 + rounds % 9), SET, 61 * SEC); /* keeps being used */
		ask(l, 50, SET, 61 * SEC);
		if (++rounds == 60)
			put(r, m); /* while it is dumped */
		assert_true(rounds < 1000);
	}
	get(s, "a", 2);
	get(s, "c", 2);
	assert_int_equal(fw_recent_load(s, slices.data, slices.len, 62 * SEC, NULL), 0);
	assert_int_equal(lines(s, "a"), 49);
	assert_int_equal(lines(s, "c"), 50);
	fw_buf_deinit(&whole);
	fw_buf_deinit(&slices);
	fw_recent_free(r);
	fw_recent_free(s);
}

static void test_load_refuses_garbage(void **state)
{
	static const char *const bad[] = {
		"a",           "a 10.0.0.1",          "a 10.0.0.1 64",     "a 10.0.0.1 256 1",
		"a 10.0.0 1 1", "a 10.0.0.1 1 -1",     "a%2 10.0.0.1 1 1", "a%zz 10.0.0.1 1 1",
		"a ::g 1 1",   "a 10.0.0.1 1 1 x",    "a 10.0.0.1 1 99999999999999999999",
		"% 10.0.0.1 1 1",
	};
	struct fw_recent *r = fw_recent_new(7, 0);

	(void)state;
	get(r, "a", 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++)
		assert_int_equal(fw_recent_load(r, bad[i], strlen(bad[i]), SEC, NULL), -EINVAL);
	fw_recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_as_proc),
		cmocka_unit_test(test_flush_in_slices),
		cmocka_unit_test(test_dump_load),
		cmocka_unit_test(test_dump_load_mask),
		cmocka_unit_test(test_dump_in_slices),
		cmocka_unit_test(test_load_refuses_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
