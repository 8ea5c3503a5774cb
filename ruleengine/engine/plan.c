/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hooks are queued, and where on a packet's way the tracker looks at it.
 *
 * One trip to userspace for each hook costs more than anything done there, so tracking adds as
 * few hooks as it can:
 *
 *	PREROUTING has rules      it is the tracking point, as the kernel's; OUTPUT is the other
 *	PREROUTING has none       INPUT, FORWARD and OUTPUT track: every packet meets exactly one
 *
 * The kernel tracks in PREROUTING in both cases.  Between there and INPUT or FORWARD nothing of
 * ours could have looked, so nobody can tell the difference but by packets that die in between,
 * having no hop left (TTL 1): a flow that they belong to has moved on.  Those alone are queued in
 * PREROUTING in the second case; where they are for this host, INPUT finds their flow again.
 */
#include "engine/engine.h"

static void plan_tracking(bool queue[FW_N_HOOKS], bool track_here[FW_N_HOOKS], bool *dying)
{
	*dying = !queue[FW_PREROUTING];
	track_here[FW_PREROUTING] = true;
	if (*dying) {
		track_here[FW_INPUT] = queue[FW_INPUT] = true;
		track_here[FW_FORWARD] = queue[FW_FORWARD] = true;
	}
	track_here[FW_OUTPUT] = queue[FW_OUTPUT] = true;
}

static void plan_last(const bool queue[FW_N_HOOKS], bool last[FW_N_HOOKS])
{
	last[FW_PREROUTING] = !queue[FW_INPUT] && !queue[FW_FORWARD] && !queue[FW_POSTROUTING];
	last[FW_INPUT] = true;
	last[FW_FORWARD] = !queue[FW_POSTROUTING];
	/* What goes out through loopback comes in again, but the kernel confirms it as it leaves.
	 */
	last[FW_OUTPUT] = !queue[FW_POSTROUTING];
	last[FW_POSTROUTING] = true;
}

void fw_plan_make(const struct fw_needs *needs, struct fw_plan *ret)
{
	*ret = (struct fw_plan){0};
	for (int f = 0; f < FW_N_FAMILIES; f++) {
		for (int h = 0; h < FW_N_HOOKS; h++)
			ret->queue[f][h] = needs->hook[f][h];
		ret->track[f] = needs->track[f];
		ret->flags[f] = needs->flags[f];
		if (ret->track[f])
			plan_tracking(ret->queue[f], ret->track_here[f], &ret->dying[f]);
		plan_last(ret->queue[f], ret->last[f]);
		for (int h = 0; h < FW_N_HOOKS; h++)
			ret->count[f][h] = needs->idle[f][h] && !ret->queue[f][h];
	}
}
