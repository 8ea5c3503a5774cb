/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources that rules drop whatever they send (fw/source.h): what is said of one holds for any
 * packet of it, counters and all.  Random rules, random packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fw/source.h"

#include "pkt.h"
#include "gen.h"
#include "scene.h"

/* A rule that often asks no more than the source. */
static void plain_rule(struct gen *g, uint32_t own)
{
	static const char *const names[] = {"eth0", "eth+", "! eth1", "lo"};
	static const char *const protos[] = {"tcp", "udp", "icmp", "gre"};
	static const char *const states[] = {"NEW", "ESTABLISHED,RELATED", "INVALID"};

	if (gen_often(g, 75))
		gen_net(g, "-s");
	if (gen_often(g, 20)) {
		const char *name = GEN_PICK(g, names);

		fw_buf_fmt(&g->text, "%s -i %s", *name == '!' ? " !" : "",
			   *name == '!' ? name + 2 : name);
	}
	if (gen_often(g, 20))
		fw_buf_fmt(&g->text, " -p %s",
			   g->family == FW_IP6 && gen_often(g, 25) ? "ipv6-icmp"
								   : GEN_PICK(g, protos));
	if (gen_often(g, 5))
		gen_net(g, "-d");
	if (gen_often(g, 10))
		fw_buf_fmt(&g->text, " -m state --state %s", GEN_PICK(g, states));
	if (gen_often(g, 5))
		gen_match(g);
	if (own < g->n_chains && gen_often(g, 15))
		fw_buf_fmt(&g->text, " -%c c%u", gen_often(g, 75) ? 'j' : 'g',
			   own + 1 + gen_below(g, g->n_chains - own));
	else if (gen_often(g, 70))
		fw_buf_str(&g->text, gen_often(g, 20) ? " -j ACCEPT" : " -j DROP");
	else if (gen_often(g, 20))
		fw_buf_str(&g->text, gen_often(g, 50) ? " -j RETURN" : " -j MARK --set-mark 1");
	fw_buf_char(&g->text, '\n');
}

static const char *plain_ruleset(struct gen *g, uint32_t n)
{
	fw_buf_reset(&g->text);
	fw_buf_fmt(&g->text, "*filter\n:FORWARD %s [0:0]\n", gen_often(g, 50) ? "DROP" : "ACCEPT");
	for (uint32_t i = 1; i <= g->n_chains; i++)
		fw_buf_fmt(&g->text, ":c%u - [0:0]\n", i);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t chain = gen_often(g, 50) ? 0 : gen_below(g, g->n_chains + 1);

		fw_buf_str(&g->text, "-A ");
		gen_chain_name(g, chain);
		if (gen_often(g, 90))
			plain_rule(g, chain);
		else
			gen_rule(g, chain);
	}
	fw_buf_str(&g->text, "COMMIT\n");
	return fw_buf_cstr(&g->text);
}

/* Every counter of the ruleset, or how much each has gone up since. */
struct sums {
	uint32_t n;
	const struct fw_counters *at[4096];
	uint64_t packets[4096];
};

static void sums_take(struct sums *m, const struct scene *s, enum fw_family family)
{
	m->n = 0;
	for (unsigned int t = 0; t < FW_N_TABLES; t++) {
		const struct fw_table *table = s->rs->tables[family][t];

		for (uint32_t c = 0; c < table->n_slots; c++) {
			const struct fw_chain *chain = table->chains[c];

			if (!chain)
				continue;
			if (chain->builtin)
				m->at[m->n++] = chain->policy_counters;
			for (uint32_t i = 1; i <= chain->n_rules; i++)
				m->at[m->n++] = &fw_chain_rule(chain, i)->counters;
		}
	}
	assert_true(m->n <= FW_ARRAY_SIZE(m->at));
	for (uint32_t i = 0; i < m->n; i++)
		m->packets[i] = m->at[i]->packets;
}

/* Exactly the path's counters have gone up, by one for each time they are named. */
static bool sums_are(const struct sums *m, const struct fw_source_path *path)
{
	for (uint32_t i = 0; i < m->n; i++) {
		uint64_t named = 0;

		for (uint32_t k = 0; k < path->n_counters; k++)
			named += path->counters[k] == m->at[i];
		if (m->at[i]->packets - m->packets[i] != named)
			return false;
	}
	return true;
}

/* Another packet of the same source and protocol, that came in by the same interface. */
static void packet_of(struct gen *g, const struct fw_packet *like, struct pkt *p,
		      struct fw_packet *view)
{
	do {
		gen_packet(g, p, view);
	} while (view->proto != like->proto || !view->has_proto);
	view->src = like->src;
	memcpy(view->meta.in_name, like->meta.in_name, sizeof(view->meta.in_name));
}

/* What a packet of a source without connections may be to the tracker. */
static enum fw_ctinfo some_state(struct gen *g, const struct fw_packet *view,
				 const struct fw_source_path *path)
{
	static const enum fw_ctinfo icmp[] = {FW_CT_NEW, FW_CT_INVALID, FW_CT_RELATED,
					      FW_CT_RELATED_REPLY, FW_CT_UNTRACKED};

	if (path->scope == FW_SOURCE_NEW)
		return FW_CT_NEW;
	if (view->proto == IPPROTO_ICMP || view->proto == IPPROTO_ICMPV6)
		return GEN_PICK(g, icmp);
	return gen_often(g, 50) ? FW_CT_NEW : FW_CT_INVALID;
}

static bool holds(struct gen *g, struct scene *s, const struct fw_packet *like,
		  const struct fw_source_path *path)
{
	struct fw_plan untracked = s->plan;
	/* states are given to the packets, so that all come up, and no flow is made */
	memset(untracked.track, 0, sizeof(untracked.track));
	for (unsigned int i = 0; i < 24; i++) {
		struct pkt p;
		struct fw_packet view;
		static struct sums sums;

		packet_of(g, like, &p, &view);
		view.meta.ctinfo = (uint8_t)some_state(g, &view, path);
		sums_take(&sums, s, g->family);
		fw_engine_run_plain(s->rs, &untracked, &s->world, &view, s->now, s->wall, s->stack,
				    &s->d);
		if (s->d.verdict != FW_DROP || s->d.rule != path->rule ||
		    s->d.number != path->number || !sums_are(&sums, path))
			return false;
	}
	return true;
}

static void test_whatever(void **state)
{
	unsigned int told = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct gen g = {.state = seed * 7919,
				.family = seed % 2 ? FW_IP4 : FW_IP6,
				.n_chains = 3,
				.tracking = true,
				.stateful = seed % 3 == 0,
				.text = FW_BUF_INIT};
		struct scene s;

		scene_init(&s, true);
		scene_rules(&s, g.family, plain_ruleset(&g, seed % 5 ? 12 : 120));
		for (unsigned int i = 0; i < 60; i++) {
			struct fw_source_path path;
			struct fw_packet view;
			struct pkt p;

			gen_packet(&g, &p, &view);
			if (!fw_source_dropped(s.rs, &s.plan, &view, s.now, s.stack, &path))
				continue;
			if (!holds(&g, &s, &view, &path))
				fail_msg("seed %u, packet %u:\n%s", (unsigned int)seed, i,
					 fw_buf_cstr(&g.text));
			told++;
		}
		scene_deinit(&s);
		fw_buf_deinit(&g.text);
	}
	assert_true(told > 1000); /* the question is worth asking */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whatever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
