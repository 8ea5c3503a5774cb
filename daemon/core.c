/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The living world: tracker, recent lists, the ruleset in force (edit.h). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "edit.h"
#include "fw/flowcache.h"
#include "fw/mark.h"

#define CACHE_ENTRIES 16384 /* some thousand busy connections; 2.6 MiB */

static int seed(void *ret, size_t size, struct fw_err *err)
{
	if (getrandom(ret, size, 0) == (ssize_t)size)
		return 0;
	return fw_fail(err, FW_ERR_RESOURCE, "no random numbers from the kernel: %s",
		       strerror(errno));
}

static int set_timeouts(struct fw_ct *ct, const struct fwd_options *o, struct fw_err *err)
{
	for (unsigned int i = 0; i < o->n_timeouts; i++)
		if (fw_ct_set_timeout(ct, o->timeouts[i].name, o->timeouts[i].seconds))
			return fw_fail(err, FW_ERR_USAGE, "the tracker has no timeout named '%s'",
				       o->timeouts[i].name);
	return 0;
}

int fwd_core_init(struct fwd_core *core, struct fwd_options *o, struct fw_err *err)
{
	struct fw_needs needs;
	struct fw_plan plan;
	uint64_t recent_seed;
	int r;

	*core = (struct fwd_core){.config = &o->config};
	fwd_core_lock_init(core);
	r = seed(o->config.ct.seed, sizeof(o->config.ct.seed), err);
	if (!r)
		r = seed(&recent_seed, sizeof(recent_seed), err);
	if (!r)
		r = seed(&core->world.rng, sizeof(core->world.rng), err);
	if (r)
		return r;
	core->world.ct = fw_ct_new(&o->config.ct);
	core->world.recent = fw_recent_new(recent_seed, o->config.recent_entries);
	core->world.cache = fw_flow_cache_new(CACHE_ENTRIES, core->world.rng);
	core->ruleset = fw_ruleset_new();
	if (!core->world.cache || !core->world.ct || !core->world.recent || !core->ruleset)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	fw_ruleset_needs(core->ruleset, &needs);
	fw_plan_make(&needs, &plan);
	fwd_core_publish(core, core->ruleset, &plan);
	return set_timeouts(core->world.ct, o, err);
}

static void lock(void *priv)
{
	fwd_core_slice(priv);
}

static void unlock(void *priv)
{
	fwd_core_slice_end(priv);
}

struct fw_tx_env fwd_core_env(struct fwd_core *core)
{
	const struct fwd_config *c = core->config;

	return (struct fw_tx_env){
		.world = &core->world,
		.now = fwd_now(),
		.lock = lock,
		.unlock = unlock,
		.priv = core,
		.own_queue_first = c->queue_base,
		.own_queue_n = FWD_QUEUES_EACH * c->queues,
		.kct = core->plan.kct,
		.mark_reserved = fw_mark_mask(c->mark_shift),
		.no_priority = core->no_priority,
		.graveyard = &core->graveyard,
	};
}

void fwd_core_deinit(struct fwd_core *core)
{
	struct fw_tx_env env = fwd_core_env(core);

	if (core->ruleset)
		core->ruleset = fw_ruleset_unref(core->ruleset, &env);
	fw_graveyard_clear(&core->graveyard);
	core->world.recent = fw_recent_free(core->world.recent);
	core->world.ct = fw_ct_free(core->world.ct);
	core->world.cache = fw_flow_cache_free(core->world.cache);
	fwd_core_lock_deinit(core);
}
