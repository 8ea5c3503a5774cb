/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine share among themselves. */
#ifndef FW_ENGINE_ENGINE_H
#define FW_ENGINE_ENGINE_H

#include "engine/cache.h"
#include "fw/engine.h"

#define COST_RULE  4  /* a rule is looked at */
#define COST_CHAIN 15 /* a chain's program is begun */

/* One packet's run through the tables of one hook. */
struct fw_walk {
	struct fw_eval e;
	struct fw_frame *stack; /* FW_MAX_DEPTH frames */
	struct fw_trail *trail; /* remember what decides, for the cache; or NULL */
	uint32_t cost; /* of the walk so far: very roughly nanoseconds */
	bool plain; /* rule by rule: the reference, and whenever somebody traces */
	bool trace;
};

/*
 * The packet's way through one table, from its built-in chain for the packet's hook.  Counts,
 * runs targets.  FW_ACCEPT, FW_DROP or FW_QUEUE; w->e.chain, rule and number say who decided
 * (rule NULL: the policy).
 */
enum fw_verdict fw_walk_table(struct fw_walk *w, const struct fw_table *table);

/* Behind the tables of POSTROUTING: a reply of the daemon's own gets the source that its receiver
 * knows (reply.c). */
void fw_reply_translate(struct fw_eval *e);

/* Do all matches of the rule hold?  May set e->hotdrop. */
bool fw_rule_matches(const struct fw_rule *rule, struct fw_eval *e);

#endif
