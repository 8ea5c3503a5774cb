/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset that stands, and a world around it, for tests that send packets through:
 *
 *	struct scene s;
 *
 *	scene_init(&s, true);
 *	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
 *	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
 *	scene_deinit(&s);
 *
 * Needs cmocka and its headers included first.
 */
#ifndef SCENE_H
#define SCENE_H

#include <string.h>

#include "fw/ct.h"
#include "fw/engine.h"
#include "fw/flowcache.h"
#include "fw/recent.h"
#include "fw/tx.h"

struct scene {
	struct fw_ruleset *rs;
	struct fw_needs needs;
	struct fw_plan plan;
	struct fw_world world;
	struct fw_frame stack[FW_MAX_DEPTH];
	uint64_t now, wall;
	struct fw_decision d;
};

static inline void scene_init(struct scene *s, bool tracking)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	memset(s, 0, sizeof(*s));
	config.seed[0] = 7;
	s->now = 1000 * FW_NSEC_PER_SEC;
	s->wall = 1700000000 * FW_NSEC_PER_SEC;
	s->rs = fw_ruleset_new();
	assert_non_null(s->rs);
	s->world.recent = fw_recent_new(3, 0);
	assert_non_null(s->world.recent);
	if (tracking) {
		s->world.ct = fw_ct_new(&config);
		assert_non_null(s->world.ct);
	}
}

static inline void scene_deinit(struct scene *s)
{
	struct fw_tx_env env = {.world = &s->world};

	fw_ruleset_unref(s->rs, &env);
	fw_recent_free(s->world.recent);
	fw_ct_free(s->world.ct);
	fw_flow_cache_free(s->world.cache);
}

static inline void scene_edit(struct scene *s, enum fw_family family, const char *text,
			      unsigned int flags)
{
	struct fw_tx_env env = {.world = &s->world, .now = s->now};
	struct fw_tx *tx = fw_tx_new(s->rs, &env);
	struct fw_err err = FW_ERR_INIT;
	struct fw_ruleset *next;

	assert_non_null(tx);
	if (fw_tx_apply(tx, family, text, strlen(text), flags, NULL, NULL, NULL, &err) < 0 ||
	    fw_tx_prepare(tx, &err) < 0)
		fail_msg("line %u:%u: %s", err.line, err.column, err.msg);
	next = fw_tx_publish(tx);
	fw_tx_set_counters(tx, NULL, NULL);
	fw_tx_free(tx);
	fw_ruleset_unref(s->rs, &env);
	s->rs = next;
	fw_flow_cache_flush(s->world.cache);
	fw_ruleset_needs(s->rs, &s->needs);
	fw_plan_make(&s->needs, &s->plan);
}

/* Replace the tables that the text names. */
static inline void scene_rules(struct scene *s, enum fw_family family, const char *text)
{
	scene_edit(s, family, text, FW_TX_COUNTERS);
}

static inline const struct fw_decision *scene_run(struct scene *s, const struct fw_packet *pkt)
{
	fw_engine_run(s->rs, &s->plan, &s->world, pkt, s->now, s->wall, s->stack, &s->d);
	return &s->d;
}

static inline const struct fw_chain *scene_chain(const struct scene *s, enum fw_family family,
						 enum fw_table_id table, const char *name)
{
	const struct fw_chain *chain = fw_table_chain(s->rs->tables[family][table], name);

	assert_non_null(chain);
	return chain;
}

static inline uint64_t scene_packets(const struct scene *s, enum fw_family family,
				     enum fw_table_id table, const char *chain, uint32_t number)
{
	const struct fw_chain *c = scene_chain(s, family, table, chain);

	if (!number)
		return c->policy_counters->packets;
	assert_true(number <= c->n_rules);
	return fw_chain_rule(c, number)->counters.packets;
}

#endif
