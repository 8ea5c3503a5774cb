/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes: all of a queue's are there, in their order, and no more than the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fw/eval.h"
#include "track/notes.h"

struct word {
	struct ct_note note;
	uint32_t value;
};

#define SEC FW_NSEC_PER_SEC
#define MOST 1024

static struct ct_notes fresh(void)
{
	return (struct ct_notes)CT_NOTES_INIT(struct word, MOST);
}

static void add(struct ct_notes *n, uint32_t key, uint32_t value, uint64_t now)
{
	struct word *w = ct_notes_add(n, key, now, SEC);

	assert_non_null(w);
	assert_int_equal(w->value, 0);
	w->value = value;
}

struct asked {
	uint32_t want, seen, last;
	enum ct_note_say say; /* of the wanted one */
};

static enum ct_note_say hear(void *priv, struct ct_note *note)
{
	const struct word *w = (const struct word *)note;
	struct asked *a = priv;

	a->seen++;
	a->last = w->value;
	return w->value == a->want ? a->say : CT_NOTE_NO;
}

/* How many were asked until one was it; 0: none was. */
static uint32_t ask(struct ct_notes *n, uint32_t key, uint32_t want, enum ct_note_say say,
		    uint64_t now)
{
	struct asked a = {.want = want, .say = say};

	ct_notes_ask(n, key, now, hear, &a);
	return a.last == want ? a.seen : 0;
}

static void test_oldest_first(void **state)
{
	struct ct_notes n = fresh();

	(void)state;
	assert_int_equal(ask(&n, 7, 1, CT_NOTE_YES, 0), 0); /* nothing yet */
	for (uint32_t i = 1; i <= 3; i++) {
		add(&n, 7, i, SEC);
		add(&n, 7 + 256, 10 + i, SEC); /* the same chain, another key */
	}
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(ask(&n, 7, i, CT_NOTE_YES, SEC), i);
	assert_int_equal(ask(&n, 7, 11, CT_NOTE_YES, SEC), 0);
	assert_int_equal(ask(&n, 7 + 256, 12, CT_NOTE_YES, SEC), 2);
	ct_notes_deinit(&n);
}

/* From the front, the middle and the end of a chain; what comes then stands behind what is left. */
static void test_taken_out(void **state)
{
	struct ct_notes n = fresh();

	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		add(&n, 7, i, SEC);
	ask(&n, 7, 1, CT_NOTE_OVER, SEC);
	ask(&n, 7, 3, CT_NOTE_OVER, SEC);
	ask(&n, 7, 5, CT_NOTE_OVER, SEC);
	add(&n, 7, 6, SEC);
	assert_int_equal(ask(&n, 7, 2, CT_NOTE_YES, SEC), 1);
	assert_int_equal(ask(&n, 7, 4, CT_NOTE_YES, SEC), 2);
	assert_int_equal(ask(&n, 7, 6, CT_NOTE_YES, SEC), 3);
	for (uint32_t i = 2; i <= 6; i += 2)
		ask(&n, 7, i, CT_NOTE_OVER, SEC);
	add(&n, 7, 8, SEC);
	assert_int_equal(ask(&n, 7, 8, CT_NOTE_YES, SEC), 1);
	ct_notes_deinit(&n);
}

static void test_their_time(void **state)
{
	struct ct_notes n = fresh();

	(void)state;
	add(&n, 7, 1, SEC);
	add(&n, 7, 2, SEC + 1);
	assert_int_equal(ask(&n, 7, 1, CT_NOTE_YES, 2 * SEC - 1), 1);
	assert_int_equal(ask(&n, 7, 1, CT_NOTE_YES, 2 * SEC), 0);
	assert_int_equal(ask(&n, 7, 2, CT_NOTE_YES, 2 * SEC), 1);
	/* and so their places are free again */
	for (uint32_t i = 0; i < 100 * MOST; i++)
		add(&n, i, i, 3 * SEC + i * SEC / 100);
	assert_true(n.size <= 256);
	ct_notes_deinit(&n);
}

/* Growing keeps them all and their order; at the limit the oldest goes, also if it was taken out. */
static void test_many(void **state)
{
	struct ct_notes n = fresh();

	(void)state;
	for (uint32_t i = 1; i <= MOST; i++)
		add(&n, i % 100, i, SEC);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(ask(&n, i % 100, i, CT_NOTE_YES, SEC), 1);
	assert_int_equal(ask(&n, 3, 1003, CT_NOTE_YES, SEC), 11);
	ask(&n, 2, 2, CT_NOTE_OVER, SEC);
	for (uint32_t i = MOST + 1; i <= MOST + 3; i++)
		add(&n, i % 100, i, SEC);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(ask(&n, i, i, CT_NOTE_YES, SEC), 0);
	assert_int_equal(ask(&n, 3, 103, CT_NOTE_YES, SEC), 1);
	assert_int_equal(ask(&n, (MOST + 3) % 100, MOST + 3, CT_NOTE_YES, SEC), 11);
	assert_int_equal(n.size, MOST);
	ct_notes_deinit(&n);
}

/* Who makes many of the same key buys no time with them. */
static void test_of_a_few(void **state)
{
	struct ct_notes n = fresh();
	struct asked a = {.want = 0};

	(void)state;
	for (uint32_t i = 1; i <= 1000; i++)
		add(&n, 7, i, SEC);
	ct_notes_ask(&n, 7, SEC, hear, &a);
	assert_int_equal(a.seen, CT_NOTES_LOOK);
	ct_notes_deinit(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oldest_first), cmocka_unit_test(test_taken_out),
		cmocka_unit_test(test_their_time),   cmocka_unit_test(test_many),
		cmocka_unit_test(test_of_a_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
