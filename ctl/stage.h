/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine in a world of its own, for packets that nobody sent. */
#ifndef FWCTL_STAGE_H
#define FWCTL_STAGE_H

#include "describe.h"

#include "fw/engine.h"
#include "fw/tx.h"

/* A world of our own and what is printed of it. */
struct ctl_stage {
	struct fw_ruleset *rs; /* NULL until loaded */
	struct fw_tx_env env;
	struct fw_plan plan;
	struct fw_world world;
	struct fw_world_ops ops;
	struct fw_frame *stack;
	bool trace;
	/* the rule that let the packet pass; of several tables' filter's, for that is what people
	 * mean; the engine names the last table's policy */
	struct {
		const struct fw_rule *rule;
		const struct fw_chain *chain;
		enum fw_table_id table;
		uint32_t number;
	} passed;
	const struct fw_chain *policy; /* filter's, where no rule decided */
};

/* 0 or -ENOMEM; stage_deinit() in either case.  Rules are built with s->env, then set. */
int ctl_stage_init(struct ctl_stage *s, bool show);
void ctl_stage_rules(struct ctl_stage *s, struct fw_ruleset *rs); /* takes it over */
void ctl_stage_deinit(struct ctl_stage *s);

/* All hooks on the packet's way, until one does not accept it; prints each rule if s->trace. */
enum fw_verdict ctl_stage_walk(struct ctl_stage *s, const struct ctl_packet *p,
			       struct fw_packet *pkt, uint64_t now, struct fw_decision *d);
/* "DROP by filter INPUT rule 6: …", a line. */
void ctl_stage_print(const struct ctl_stage *s, const struct fw_packet *pkt,
		     const struct fw_decision *d);

#endif
