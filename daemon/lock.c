/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine lock (core.h): whoever waits gets it after one slice of somebody else's at most.
 *
 *	slices ► next ► lock	the order in which they are taken
 *
 * Who waits for `lock` has `next`, so a walk that has given the lock back cannot come round before
 * that one has it.  `slices` lets one walk at a time come as far as `next`: two of them could hand
 * that from one to the other, and the same packets would wait there.
 */
#include "core.h"

static void take(struct fwd_core *core)
{
	pthread_mutex_lock(&core->next);
	pthread_mutex_lock(&core->lock);
	pthread_mutex_unlock(&core->next);
}

void fwd_core_lock(struct fwd_core *core)
{
	if (pthread_mutex_trylock(&core->lock))
		take(core);
}

void fwd_core_unlock(struct fwd_core *core)
{
	pthread_mutex_unlock(&core->lock);
}

void fwd_core_slice(struct fwd_core *core)
{
	pthread_mutex_lock(&core->slices);
	take(core);
}

void fwd_core_slice_end(struct fwd_core *core)
{
	pthread_mutex_unlock(&core->lock);
	pthread_mutex_unlock(&core->slices);
}

void fwd_core_lock_init(struct fwd_core *core)
{
	pthread_mutex_init(&core->lock, NULL);
	pthread_mutex_init(&core->next, NULL);
	pthread_mutex_init(&core->slices, NULL);
}

void fwd_core_lock_deinit(struct fwd_core *core)
{
	pthread_mutex_destroy(&core->lock);
	pthread_mutex_destroy(&core->next);
	pthread_mutex_destroy(&core->slices);
}
