/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiled engine is the plain walk.
 *
 * Equal rulesets in as many worlds: one is walked rule by rule, one goes by its programs, one
 * by the programs' portable path, two more keep what they found in a flow cache, one of them a tiny
 * one.  Packets come again, some of them answered.  After every packet verdict, mark and decider must be the same;
 * after every batch all counters, and what matches with state have drawn from their world.
 * Between batches the rulesets are edited, one rule at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "classify/tuple.h"
#include "engine/cache.h"

#include "pkt.h"
#include "gen.h"
#include "scene.h"

enum { PLAIN, COMPILED, PORTABLE, CACHED, CACHED_LITTLE, N_WAYS };

struct ways {
	struct scene s[N_WAYS];
	struct gen g;
	uint64_t seed;
	uint32_t n_programs;
	uint32_t touched, most_touched; /* now, and ever */
	uint32_t went_over; /* edits after which fewer were */
};

static void note_programs(struct ways *t)
{
	uint32_t touched = 0;

	for (int way = COMPILED; way <= PORTABLE; way++) {
		const struct fw_table *table = t->s[way].rs->tables[t->g.family][FW_MANGLE];

		for (uint32_t i = 0; i < table->n_slots; i++) {
			if (!table->chains[i] || !table->chains[i]->program)
				continue;
			if (way == PORTABLE)
				fw_program_portable(table->chains[i]->program);
			t->n_programs++;
			touched += fw_program_touched(table->chains[i]->program);
		}
	}
	t->went_over += touched < t->touched;
	t->touched = touched;
	t->most_touched = touched > t->most_touched ? touched : t->most_touched;
}

static void apply(struct ways *t, const char *text, unsigned int flags)
{
	for (int way = 0; way < N_WAYS; way++)
		scene_edit(&t->s[way], t->g.family, text, flags);
	note_programs(t);
}

static void run_everywhere(struct ways *t, const struct fw_packet *view)
{
	struct fw_decision *d[N_WAYS];

	for (int way = 0; way < N_WAYS; way++) {
		struct scene *s = &t->s[way];

		s->now += FW_NSEC_PER_SEC / 4;
		d[way] = &s->d;
		if (way == PLAIN)
			fw_engine_run_plain(s->rs, &s->plan, &s->world, view, s->now, s->wall,
					    s->stack, &s->d);
		else
			scene_run(s, view);
	}
	for (int way = COMPILED; way < N_WAYS; way++)
		if (d[way]->verdict != d[PLAIN]->verdict || d[way]->mark != d[PLAIN]->mark ||
		    d[way]->reroute != d[PLAIN]->reroute ||
		    d[way]->table != d[PLAIN]->table || d[way]->ctinfo != d[PLAIN]->ctinfo ||
		    d[way]->number != d[PLAIN]->number || !d[way]->rule != !d[PLAIN]->rule ||
		    strcmp(d[way]->chain->name, d[PLAIN]->chain->name))
			fail_msg("seed %llu, way %d, packet of proto %d l4_ok %d fragment %d at "
				 "%u: verdict %d by %s:%u, not %d by %s:%u",
				 (unsigned long long)t->seed, way, view->proto, view->l4_ok,
				 view->fragment, view->frag_off, d[way]->verdict, d[way]->chain->name,
				 d[way]->number, d[PLAIN]->verdict, d[PLAIN]->chain->name,
				 d[PLAIN]->number);
}

/* The packet's answer, where it is one of those that are answered by turning it round. */
static void turn_round(struct pkt *p)
{
	uint32_t n = p->family == FW_IP4 ? 4 : 16, at = p->family == FW_IP4 ? 12 : 8;
	uint8_t old[32];

	memcpy(old, p->data + at, 2 * n);
	memcpy(p->data + at, old + n, n);
	memcpy(p->data + at + n, old, n);
	if ((p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP) && p->len >= p->l4 + 4) {
		memcpy(old, p->data + p->l4, 4);
		memcpy(p->data + p->l4, old + 2, 2);
		memcpy(p->data + p->l4 + 2, old, 2);
	}
}

/* The same packet but for one thing that rules may ask for. */
static void change(struct gen *g, struct pkt *p)
{
	bool ip4 = p->family == FW_IP4;

	switch (g->by_tuple ? 5 : gen_below(g, 7)) {
	case 0: p->data[ip4 ? 8 : 7] ^= 64 ^ 5; break; /* hops */
	case 1: p->data[1] ^= 0x10; break; /* TOS */
	case 2: p->meta.mark ^= 1 + gen_below(g, 3); break;
	case 3: strcpy(p->meta.in_name, gen_often(g, 50) ? "eth0" : "lo"); break;
	case 4: strcpy(p->meta.out_name, gen_often(g, 50) ? "eth1" : "wlan0"); break;
	case 5:
		if (p->proto == IPPROTO_TCP && p->len > p->l4 + 13)
			p->data[p->l4 + 13] ^= PKT_ACK;
		else if (p->len > p->l4 + 1)
			p->data[p->l4 + gen_below(g, 2)] ^= 8; /* source port, ICMP type or code */
		break;
	default: pkt_grow(p, gen_below(g, 40)); break;
	}
}

static void one_packet(struct ways *t)
{
	struct fw_packet view;
	struct pkt p;

	gen_packet(&t->g, &p, &view);
	run_everywhere(t, &view);
	for (uint32_t again = gen_often(&t->g, 50) ? gen_below(&t->g, 6) : 0; again; again--) {
		if (gen_often(&t->g, 40)) {
			turn_round(&p);
			pkt_view(&p, &view);
		} else if (gen_often(&t->g, 40)) {
			change(&t->g, &p);
			pkt_view(&p, &view);
		}
		run_everywhere(t, &view);
	}
}

/* Of a rule, or, number 0, the policy; NULL: the chain has none. */
static const struct fw_counters *counters(const struct fw_chain *chain, uint32_t number)
{
	return number ? &fw_chain_rule(chain, number)->counters : chain->policy_counters;
}

static void same_counters(const struct ways *t)
{
	const struct fw_table *a = t->s[PLAIN].rs->tables[t->g.family][FW_MANGLE];

	for (int way = COMPILED; way < N_WAYS; way++) {
		const struct fw_table *b = t->s[way].rs->tables[t->g.family][FW_MANGLE];

		assert_int_equal(t->s[way].world.rng, t->s[PLAIN].world.rng);
		assert_int_equal(a->n_slots, b->n_slots);
		for (uint32_t i = 0; i < a->n_slots; i++)
			for (uint32_t n = 0; a->chains[i] && n <= a->chains[i]->n_rules; n++) {
				const struct fw_counters *x = counters(a->chains[i], n);
				const struct fw_counters *y = counters(b->chains[i], n);

				if (!x)
					continue;
				if (x->packets != y->packets || x->bytes != y->bytes)
					fail_msg("seed %llu, way %d: %s:%u counted %llu, not %llu",
						 (unsigned long long)t->seed, way,
						 a->chains[i]->name, n,
						 (unsigned long long)y->packets,
						 (unsigned long long)x->packets);
			}
	}
}

/* Hundreds of neighbours out, or in: chunks go and come. */
static void edit_many(struct ways *t)
{
	struct gen *g = &t->g;
	uint32_t n = scene_chain(&t->s[PLAIN], g->family, FW_MANGLE, "FORWARD")->n_rules;
	uint32_t at = 1 + gen_below(g, n), much = 100 + gen_below(g, 500);
	bool out = gen_often(g, 50);

	fw_buf_reset(&g->text);
	fw_buf_str(&g->text, "*mangle\n");
	for (uint32_t i = 0; i < much && (!out || at + i <= n); i++) {
		fw_buf_fmt(&g->text, "-%c FORWARD %u", out ? 'D' : 'I', at);
		if (out)
			fw_buf_char(&g->text, '\n');
		else
			gen_rule(g, 0);
	}
	fw_buf_str(&g->text, "COMMIT\n");
	apply(t, fw_buf_cstr(&g->text), FW_TX_NOFLUSH);
}

/* One rule in, out or replaced, somewhere. */
static void edit(struct ways *t)
{
	struct gen *g = &t->g;
	uint32_t chain = gen_often(g, 60) ? 0 : gen_below(g, g->n_chains + 1), n;
	char name[16];
	char op = "AIDR"[gen_below(g, 4)];

	snprintf(name, sizeof(name), chain ? "c%u" : "FORWARD", chain);
	n = scene_chain(&t->s[PLAIN], g->family, FW_MANGLE, name)->n_rules;
	if (!n)
		op = 'A';
	fw_buf_reset(&g->text);
	fw_buf_fmt(&g->text, "*mangle\n-%c %s", op, name);
	if (op != 'A')
		fw_buf_fmt(&g->text, " %u", 1 + gen_below(g, n));
	if (op == 'D')
		fw_buf_char(&g->text, '\n');
	else
		gen_rule(g, chain);
	fw_buf_str(&g->text, "COMMIT\n");
	apply(t, fw_buf_cstr(&g->text), FW_TX_NOFLUSH);
}

static void add_caches(struct ways *t)
{
	t->s[CACHED].world.cache = fw_flow_cache_new(4096, t->seed);
	t->s[CACHED_LITTLE].world.cache = fw_flow_cache_new(16, t->seed);
	assert_non_null(t->s[CACHED].world.cache);
	assert_non_null(t->s[CACHED_LITTLE].world.cache);
	fw_flow_cache_always(t->s[CACHED].world.cache);
	fw_flow_cache_always(t->s[CACHED_LITTLE].world.cache);
}

static uint64_t hits, flushes; /* over all seeds: were the caches at work? */

static void note_hits(const struct ways *t)
{
	hits += fw_flow_cache_stats(t->s[CACHED].world.cache)->hits;
	flushes += fw_flow_cache_stats(t->s[CACHED_LITTLE].world.cache)->flushes;
}

static uint64_t tuple_hits; /* likewise */

static void note_tuples(const struct ways *t)
{
	const struct fw_table *table = t->s[COMPILED].rs->tables[t->g.family][FW_MANGLE];

	for (uint32_t i = 0; i < table->n_slots; i++) {
		const struct fw_chain *chain = table->chains[i];

		if (chain && chain->program && chain->program->base->tuples)
			tuple_hits += chain->program->base->tuples->hits;
	}
}

struct shape {
	uint32_t rules, chains, packets, edits;
	bool stateful, tracking, bulk, by_tuple;
};

static void run_shape(enum fw_family family, const struct shape *shape, uint64_t seed,
		      struct ways *t)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->g = (struct gen){.state = seed,
			    .family = family,
			    .n_chains = shape->chains,
			    .stateful = shape->stateful,
			    .tracking = shape->tracking,
			    .by_tuple = shape->by_tuple};
	for (int way = 0; way < N_WAYS; way++)
		scene_init(&t->s[way], shape->tracking);
	add_caches(t);
	apply(t, gen_ruleset(&t->g, shape->rules), 0);
	for (uint32_t e = 0; e <= shape->edits; e++) {
		for (uint32_t i = 0; i < shape->packets; i++)
			one_packet(t);
		if (shape->edits < 20 || e % 10 == 0 || e == shape->edits)
			same_counters(t);
		if (e == shape->edits)
			break;
		if (shape->bulk && gen_often(&t->g, 8))
			edit_many(t);
		else
			edit(t);
	}
	assert_true(t->n_programs > 0);
	note_hits(t);
	note_tuples(t);
	for (int way = 0; way < N_WAYS; way++)
		scene_deinit(&t->s[way]);
	fw_buf_deinit(&t->g.text);
}

static void run_shapes(const struct shape *shape, uint64_t first, uint32_t n)
{
	struct ways *t = malloc(sizeof(*t));

	assert_non_null(t);
	hits = 0;
	for (uint64_t seed = first; seed < first + n; seed++)
		run_shape((enum fw_family)(seed & 1), shape, seed, t);
	assert_true(hits > 0);
	free(t);
}

static uint64_t seed_from_environment(void)
{
	const char *text = getenv("FWD_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

static void test_small(void **state)
{
	(void)state;
	run_shapes(&(struct shape){.rules = 60, .chains = 2, .packets = 60, .edits = 4},
		   seed_from_environment(), 120);
}

static void test_stateful(void **state)
{
	(void)state;
	run_shapes(
		&(struct shape){
			.rules = 120, .chains = 4, .packets = 60, .edits = 4, .stateful = true},
		seed_from_environment() + 1000, 60);
}

static void test_tracking(void **state)
{
	(void)state;
	run_shapes(&(struct shape){.rules = 150,
				   .chains = 4,
				   .packets = 80,
				   .edits = 3,
				   .stateful = true,
				   .tracking = true},
		   seed_from_environment() + 2000, 30);
}

static void test_large(void **state)
{
	(void)state;
	run_shapes(
		&(struct shape){
			.rules = 3000, .chains = 6, .packets = 150, .edits = 8, .stateful = true},
		seed_from_environment() + 3000, 6);
}

/* First candidates that are known by the packet's own values. */
static void test_tuples(void **state)
{
	(void)state;
	tuple_hits = 0;
	run_shapes(&(struct shape){.rules = 60,
				   .chains = 1,
				   .packets = 150,
				   .edits = 3,
				   .tracking = true,
				   .by_tuple = true},
		   seed_from_environment() + 8000, 40);
	assert_true(tuple_hits > 100);
}

/* Where nobody comes again nobody looks any more, but for a sample. */
static void test_tuples_pause(void **state)
{
	struct tuples t = {.on = true, .hits = UINT32_MAX};

	(void)state;
	fw_tuples_review(&t);
	assert_true(t.on);
	assert_int_equal(t.hits, 0);
	fw_tuples_review(&t);
	assert_false(t.on);
	fw_tuples_review(&t);
	assert_true(t.on);
	for (int windows = 0; t.on; windows++) { /* some come again, but too few in the end */
		assert_in_range(windows, 0, 100);
		t.hits = t.left / 2;
		fw_tuples_review(&t);
	}
}

/* Chains of more than FLAT_CHUNKS chunks write their classes another way. */
static void test_huge(void **state)
{
	(void)state;
	run_shapes(&(struct shape){.rules = 36000, .chains = 1, .packets = 100, .edits = 3},
		   seed_from_environment() + 4000, 2);
}

static void test_many_edits(void **state)
{
	(void)state;
	run_shapes(
		&(struct shape){
			.rules = 1500, .chains = 2, .packets = 6, .edits = 150, .stateful = true},
		seed_from_environment() + 5000, 2);
}

/* Fields whose rows would take too much are not indexed; the others carry on. */
static void test_limit(void **state)
{
	struct ways *t = malloc(sizeof(*t));
	struct fw_chain *chain;

	(void)state;
	assert_non_null(t);
	memset(t, 0, sizeof(*t));
	t->g = (struct gen){.state = 7000, .family = FW_IP4, .n_chains = 1};
	for (int way = 0; way < N_WAYS; way++)
		scene_init(&t->s[way], false);
	add_caches(t);
	apply(t, gen_ruleset(&t->g, 3000), 0);
	for (size_t limit = 64; limit <= 65536; limit *= 2) {
		for (int way = COMPILED; way < N_WAYS; way++) {
			chain = (struct fw_chain *)(uintptr_t)scene_chain(&t->s[way], FW_IP4,
									  FW_MANGLE, "FORWARD");
			fw_program_unref(chain->program);
			chain->program = fw_program_build_limited(chain, FW_IP4, limit);
			if (limit == 64 || limit == 65536)
				assert_int_equal(chain->program != NULL, limit > 64);
		}
		for (int i = 0; i < 100; i++)
			one_packet(t);
		same_counters(t);
	}
	for (int way = 0; way < N_WAYS; way++)
		scene_deinit(&t->s[way]);
	fw_buf_deinit(&t->g.text);
	free(t);
}

/* Edits that do a new base slice by slice, and go over to it when it is done. */
static void test_slices(void **state)
{
	struct ways *t = malloc(sizeof(*t));

	(void)state;
	assert_non_null(t);
	for (uint64_t seed = seed_from_environment() + 6000, n = 0; n < 2; n++) {
		run_shape((enum fw_family)(n & 1),
			  &(struct shape){.rules = 10000,
					  .chains = 1,
					  .packets = 6,
					  .edits = 120,
					  .bulk = n == 1},
			  seed + n, t);
		assert_true(t->went_over > 0);
		assert_in_range(t->most_touched, 6, 120);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),	 cmocka_unit_test(test_stateful),
		cmocka_unit_test(test_tracking), cmocka_unit_test(test_large),
		cmocka_unit_test(test_huge),	 cmocka_unit_test(test_many_edits),
		cmocka_unit_test(test_limit),	 cmocka_unit_test(test_slices),
		cmocka_unit_test(test_tuples),	 cmocka_unit_test(test_tuples_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
