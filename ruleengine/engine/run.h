/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet's run through a hook, shared by its two parts: run.c, outcome.c. */
#ifndef FW_ENGINE_RUN_H
#define FW_ENGINE_RUN_H

#include "engine/engine.h"

struct hook_run {
	struct fw_walk w;
	const struct fw_plan *plan;
	struct fw_trail *trail; /* room for w.trail */
	bool wanted; /* it may be offered (offer.c) */
	bool tracked; /* the tracker has been asked, or never will be */
	bool invalid; /* … and says so; raw does not see it */
	bool reroute; /* see struct fw_decision */
	bool doomed; /* it came to PREROUTING because it will come no further */
};

/* No hop left, also by what rules have just done, and not for this host. */
bool fw_is_hopeless(const struct fw_eval *e);

/* The verdict is known: what else the daemon must know, and what the tracker must. */
void fw_settle(struct hook_run *r, struct fw_decision *ret);

#endif
