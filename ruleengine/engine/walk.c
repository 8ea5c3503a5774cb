/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table, walked as xtables walks it (net/ipv4/netfilter/ip_tables.c, ipt_do_table()).
 *
 *	- matches from left to right, the generic ones first, up to the first that fails
 *	- a rule counts when all its matches hold, before its target runs
 *	- a match may drop the packet outright; then nothing after it happens
 *	- a jump remembers where to go on, a goto does not: RETURN and a chain's end lead to the
 *	  place after the last jump, and from there on, with nothing remembered, to the policy
 *	- the policy counts like a rule
 */
#include <string.h>

#include "classify/classify.h"
#include "engine/engine.h"

static void count(struct fw_walk *w, struct fw_counters *c)
{
	fw_count(c, w->e.pkt->len);
	if (w->trail)
		fw_trail_add(w->trail, c);
}

static bool generic_holds(const struct fw_rule *rule, struct fw_eval *e)
{
	if (fw_generic_match(&rule->gen, e->pkt))
		return true;
	if (__builtin_expect(!e->pkt->has_proto, 0))
		e->hotdrop = fw_generic_hotdrop(&rule->gen, e->pkt);
	return false;
}

bool fw_rule_matches(const struct fw_rule *rule, struct fw_eval *e)
{
	if (!generic_holds(rule, e))
		return false;
	for (unsigned int i = 0; i < rule->n_matches; i++)
		if (!rule->matches[i].ext->match(&rule->matches[i], e))
			return false;
	return true;
}

static void trace(struct fw_walk *w, const struct fw_chain *chain, uint32_t number,
		  const struct fw_rule *rule, bool matched)
{
	const struct fw_world *world = w->e.world;

	world->ops->trace(world->priv, &w->e, w->e.table, chain, number, rule, matched);
}

/* This is about to be asked, or done. */
static void note(struct fw_trail *trail, const struct fw_use *use, const struct fw_eval *e)
{
	const struct fw_ext *ext = use->ext;
	const bool varies = !(ext->flags & FW_EXT_INVARIANT) || (ext->varies && ext->varies(use));

	trail->varies |= varies;
	if ((varies || !(ext->flags & FW_EXT_OF_FLOW)) && !trail->of_packet)
		trail->of_packet = !ext->claim || !ext->claim(use, e, &trail->claims);
}

/* The same as fw_rule_matches(), noting whether anything was asked that the cache does not know. */
static bool matches_noting(const struct fw_rule *rule, struct fw_eval *e, struct fw_trail *trail)
{
	if (!generic_holds(rule, e))
		return false;
	for (unsigned int i = 0; i < rule->n_matches; i++) {
		note(trail, &rule->matches[i], e);
		if (!rule->matches[i].ext->match(&rule->matches[i], e))
			return false;
	}
	return true;
}

static bool matches(struct fw_walk *w, const struct fw_rule *rule)
{
	if (__builtin_expect(w->trail != NULL, 0))
		return matches_noting(rule, &w->e, w->trail);
	return fw_rule_matches(rule, &w->e);
}

/*
 * The next rule from *next on whose matches all hold; *next is then the place behind it.  NULL:
 * the chain ends, or a match dropped the packet.
 */
static struct fw_rule *next_plain(struct fw_walk *w, const struct fw_chain *chain, uint32_t *next)
{
	uint32_t first = 0;

	for (uint32_t c = 0; c < chain->n_chunks; first += chain->chunks[c++]->n) {
		const struct fw_chunk *chunk = chain->chunks[c];

		for (uint32_t i = *next > first ? *next - first : 0; i < chunk->n; i++) {
			struct fw_rule *rule = chunk->rules[i];
			bool matched;

			w->e.rule = rule;
			w->e.number = first + i + 1;
			w->cost += COST_RULE;
			matched = matches(w, rule);
			if (w->trace)
				trace(w, chain, w->e.number, rule, matched);
			*next = first + i + 1;
			if (matched)
				return rule;
			if (w->e.hotdrop)
				return NULL;
		}
	}
	return NULL;
}

/* The same by the chain's program.  `c` goes on from call to call while the chain stays. */
static struct fw_rule *next_compiled(struct fw_walk *w, const struct fw_chain *chain,
				     struct fw_cursor *c, uint32_t *next)
{
	/* A target may have changed what the candidates depend on. */
	if (c->chain != chain || c->mark != w->e.mark || c->ctinfo != w->e.ctinfo ||
	    c->tcp_flags != w->e.pkt->tcp_flags) {
		w->cost += COST_CHAIN;
		fw_cursor_begin(c, chain->program, chain, &w->e, *next);
	}
	while (fw_cursor_next(c)) {
		w->cost += COST_RULE;
		w->e.rule = c->rule;
		w->e.number = *next = c->number;
		if (c->exact || matches(w, c->rule))
			return c->rule;
		if (w->e.hotdrop)
			return NULL;
	}
	return NULL;
}

static enum fw_verdict policy(struct fw_walk *w, const struct fw_chain *chain)
{
	w->e.chain = chain;
	w->e.rule = NULL;
	w->e.number = 0;
	count(w, chain->policy_counters);
	if (w->trace)
		trace(w, chain, chain->n_rules + 1, NULL, true);
	return (enum fw_verdict)chain->policy;
}

/* A rule whose matches hold: count it, run its target. */
static enum fw_verdict run_rule(struct fw_walk *w, struct fw_rule *rule)
{
	count(w, &rule->counters);
	if (w->trail && rule->target.ext)
		note(w->trail, &rule->target, &w->e);
	if (rule->target.ext)
		return rule->target.ext->run(&rule->target, &w->e);
	return (enum fw_verdict)rule->verdict;
}

enum fw_verdict fw_walk_table(struct fw_walk *w, const struct fw_table *table)
{
	const struct fw_chain *base = table->chains[table->builtin[w->e.pkt->meta.hook]];
	const struct fw_chain *chain = base;
	uint32_t next = 0, depth = 0;
	struct fw_cursor cursor;

	cursor.chain = NULL;
	w->e.table = table->id;
	for (;;) {
		enum fw_verdict verdict = FW_RETURN; /* as a chain's end is */
		struct fw_rule *rule;

		w->e.chain = chain;
		if (chain->program && !w->plain)
			rule = next_compiled(w, chain, &cursor, &next);
		else
			rule = next_plain(w, chain, &next);
		if (rule)
			verdict = run_rule(w, rule);
		if (w->e.hotdrop)
			return FW_DROP;
		switch (verdict) {
		case FW_JUMP:
			if (depth == FW_MAX_DEPTH)
				return FW_DROP; /* cannot be: the transaction refused it */
			w->stack[depth++] = (struct fw_frame){.chain = chain, .next = next};
			/* fall through */
		case FW_GOTO:
			chain = table->chains[rule->jump];
			next = 0;
			cursor.chain = NULL;
			break;
		case FW_RETURN:
			if (!depth)
				return policy(w, base);
			depth--;
			chain = w->stack[depth].chain;
			next = w->stack[depth].next;
			cursor.chain = NULL;
			break;
		case FW_CONTINUE: break;
		default: return verdict;
		}
	}
}
