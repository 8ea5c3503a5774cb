/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The snapshot in force (core.h): RCU, with the batch of packets as the reader's unit.
 *
 * A reader says that it reads, then takes the pointer.  The editor sets the pointer, then looks who
 * reads.  Both in this order for everybody (sequential consistency): either the reader has the new
 * one, or the editor sees it reading and waits until it has ended that reading, a batch at most.
 * Who begins later has the new one.
 *
 * Not liburcu: its grace periods rest on membarrier(), which thread sanitizers do not see; and with
 * a handful of readers, each in a turn of its own, there is little left for it to do.
 */
#include <sched.h>
#include <time.h>

#include "core.h"

#define YIELDS 16 /* a reading is over soon, or its thread does not run */

const struct fwd_snapshot *fwd_snapshot_begin(struct fwd_core *core, unsigned int who)
{
	atomic_fetch_add(&core->readers[who].turn, 1);
	return atomic_load(&core->snapshot);
}

void fwd_snapshot_end(struct fwd_core *core, unsigned int who)
{
	atomic_fetch_add_explicit(&core->readers[who].turn, 1, memory_order_release);
}

/* If it reads now: until that is over. */
static void wait_for(const struct fwd_reader *reader)
{
	static const struct timespec pause = {.tv_nsec = 20000};
	const uint32_t turn = atomic_load(&reader->turn);

	for (unsigned int i = 0; (turn & 1) && atomic_load(&reader->turn) == turn; i++) {
		if (i < YIELDS)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
}

void fwd_core_publish(struct fwd_core *core, struct fw_ruleset *ruleset, const struct fw_plan *plan)
{
	const struct fwd_snapshot *old = atomic_load(&core->snapshot);
	struct fwd_snapshot *fresh = &core->room[old == &core->room[0]];

	*fresh = (struct fwd_snapshot){
		.ruleset = ruleset,
		.plan = *plan,
		.number = old ? old->number + 1 : 1,
	};
	atomic_store(&core->snapshot, fresh);
	for (unsigned int i = 0; i < FWD_N_READERS; i++)
		wait_for(&core->readers[i]);
	core->ruleset = ruleset;
	core->plan = *plan;
}
