/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine lock: who waits for it gets it before a walk comes round again, however soon the walk
 * takes it again and however late the other one wakes.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core.h"

#define ROUNDS 200

static struct fwd_core core;

struct other {
	pthread_t thread;
	unsigned int had; /* under the lock */
};

static void *packets(void *priv)
{
	struct other *o = priv;

	fwd_core_lock(&core);
	o->had++;
	fwd_core_unlock(&core);
	return NULL;
}

static void *walk(void *priv)
{
	struct other *o = priv;

	for (int i = 0; i < ROUNDS; i++) {
		fwd_core_slice(&core);
		o->had++;
		fwd_core_slice_end(&core);
	}
	return NULL;
}

/* With the lock held: until somebody has come so far that only the lock is missing. */
static void until_one_waits(void)
{
	while (!pthread_mutex_trylock(&core.next)) {
		pthread_mutex_unlock(&core.next);
		sched_yield();
	}
}

static void test_packets_come_next(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct other worker = {.had = 0};

		fwd_core_slice(&core);
		assert_int_equal(pthread_create(&worker.thread, NULL, packets, &worker), 0);
		until_one_waits();
		fwd_core_slice_end(&core);
		fwd_core_slice(&core); /* at once */
		assert_int_equal(worker.had, 1);
		fwd_core_slice_end(&core);
		pthread_join(worker.thread, NULL);
	}
}

/* The worker stands behind nobody but who has the lock, though another walk wants it, too. */
static void test_two_walks(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct other worker = {.had = 0}, walker = {.had = 0};

		fwd_core_slice(&core);
		assert_int_equal(pthread_create(&walker.thread, NULL, walk, &walker), 0);
		assert_int_equal(pthread_create(&worker.thread, NULL, packets, &worker), 0);
		until_one_waits();
		assert_int_equal(walker.had, 0);
		fwd_core_slice_end(&core);
		fwd_core_slice(&core);
		assert_int_equal(worker.had, 1);
		fwd_core_slice_end(&core);
		pthread_join(worker.thread, NULL);
		pthread_join(walker.thread, NULL);
		assert_int_equal(walker.had, ROUNDS);
	}
}

/* Between two batches nobody is in the way. */
static void test_uncontended(void **state)
{
	fwd_core_lock(&core);
	assert_int_not_equal(pthread_mutex_trylock(&core.lock), 0);
	assert_int_equal(pthread_mutex_trylock(&core.next), 0);
	pthread_mutex_unlock(&core.next);
	fwd_core_unlock(&core);
	assert_int_equal(pthread_mutex_trylock(&core.lock), 0);
	pthread_mutex_unlock(&core.lock);
}

static int set_up(void **state)
{
	fwd_core_lock_init(&core);
	return 0;
}

static int tear_down(void **state)
{
	fwd_core_lock_deinit(&core);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_come_next),
		cmocka_unit_test(test_two_walks),
		cmocka_unit_test(test_uncontended),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
