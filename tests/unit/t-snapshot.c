/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots are exchanged while they are read: nobody sees one that is gone, or half of one, and
 * publishing waits for readings that began before, and for no others.  (Build with
 * -Db_sanitize=thread and it says so, too, should an order be missing.)
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core.h"

#define READERS 3
#define EDITS	20000
#define GONE	0xdead

static struct fwd_core core;

/* Stands for a ruleset: the number of its edit, or GONE. */
static struct fw_ruleset rulesets[EDITS + 1];

struct reading {
	pthread_t thread;
	unsigned int who;
	_Atomic(uint64_t) seen; /* number of the last one */
	_Atomic(bool) stop;
	uint64_t wrong;
};

static void read_once(struct reading *r)
{
	const struct fwd_snapshot *s = fwd_snapshot_begin(&core, r->who);
	const uint64_t number = s->number;

	r->wrong += s->ruleset->generation != number || s->plan.flags[FW_IP4] != (uint16_t)number;
	sched_yield();
	r->wrong += s->number != number || s->ruleset->generation != number ||
		s->plan.flags[FW_IP4] != (uint16_t)number;
	r->wrong += number < r->seen;
	r->seen = number;
	fwd_snapshot_end(&core, r->who);
}

static void *reader(void *priv)
{
	struct reading *r = priv;

	while (!r->stop)
		read_once(r);
	return NULL;
}

static void publish(uint64_t number)
{
	const struct fw_plan plan = {.flags = {(uint16_t)number, 0}};

	rulesets[number].generation = number;
	fwd_core_publish(&core, &rulesets[number], &plan);
}

static void test_exchanged_while_read(void **state)
{
	static struct reading r[READERS];

	core = (struct fwd_core){.ruleset = NULL};
	publish(1);
	for (unsigned int i = 0; i < READERS; i++) {
		r[i].who = i;
		assert_int_equal(pthread_create(&r[i].thread, NULL, reader, &r[i]), 0);
	}
	for (uint64_t n = 2; n <= EDITS; n++) {
		publish(n);
		rulesets[n - 1].generation = GONE; /* as good as freed */
	}
	assert_int_equal(core.ruleset->generation, EDITS);
	for (unsigned int i = 0; i < READERS; i++) {
		while (r[i].seen < EDITS) /* whoever begins now has the last one */
			sched_yield();
		r[i].stop = true;
		pthread_join(r[i].thread, NULL);
		assert_int_equal(r[i].wrong, 0);
	}
}

struct editing {
	pthread_t thread;
	_Atomic(bool) done;
};

static void *edit(void *priv)
{
	struct editing *e = priv;

	publish(2);
	e->done = true;
	return NULL;
}

static void test_waits_for_readers_of_before(void **state)
{
	struct editing e = {.done = false};
	const struct fwd_snapshot *s;

	core = (struct fwd_core){.ruleset = NULL};
	publish(1);
	s = fwd_snapshot_begin(&core, 0);
	assert_int_equal(pthread_create(&e.thread, NULL, edit, &e), 0);
	while (atomic_load(&core.snapshot) == s)
		sched_yield();
	for (int i = 0; i < 100; i++) { /* readings that begin now are no reason to wait */
		assert_int_equal(fwd_snapshot_begin(&core, FWD_READER_BLOCKS)->number, 2);
		fwd_snapshot_end(&core, FWD_READER_BLOCKS);
		assert_false(e.done);
		assert_int_equal(s->number, 1);
		sched_yield();
	}
	fwd_snapshot_end(&core, 0);
	fwd_snapshot_begin(&core, 0); /* in the middle of the next one already */
	pthread_join(e.thread, NULL);
	assert_true(e.done);
	fwd_snapshot_end(&core, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanged_while_read),
		cmocka_unit_test(test_waits_for_readers_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
