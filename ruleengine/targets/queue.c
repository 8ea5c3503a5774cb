/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j QUEUE: on to another program, at queue 0. */
#include "fw/tx.h"
#include "opt/opt.h"

static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	int r;

	if (!env->own_queue_n || env->own_queue_first)
		return 0;
	r = fw_fail(err, FW_ERR_UNSUPPORTED, "QUEUE: queue 0 is this daemon's own");
	fw_err_hint(err, "move the daemon's queues away with queue-base");
	return r;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	e->queue = 0;
	e->queue_bypass = false;
	return FW_QUEUE;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
}

const struct fw_ext fw_target_queue = {
	.name = "QUEUE", .target = true, .summary = "on to the program at queue 0",
	.deploy = deploy, .list = list, .run = run,
};
