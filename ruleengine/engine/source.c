/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over the tables for all packets of a source at once (fw/source.h).
 *
 * It is the walk of walk.c with a third answer to "does this rule match?": some packets may.  With
 * the first such rule it ends without an answer, so it never has more than one way to follow.  In a
 * long chain the classifier names the rules that can match any packet of the source.
 */
#include "fw/source.h"

#include <netinet/in.h>
#include <string.h>

#include "classify/classify.h"
#include "engine/engine.h"

#define STATE(ctinfo) (1u << (ctinfo))

struct source_walk {
	struct fw_source src;
	struct fw_eval e; /* for the classifier */
	struct fw_frame *stack;
	uint32_t looked_at; /* rules */
};

/* ---- does the rule match? ------------------------------------------------------------------ */

/* Of addresses, interfaces and the protocol. */
static enum fw_tri generic(const struct fw_generic *g, const struct fw_packet *pkt)
{
	struct fw_generic known = *g;

	memset(&known.dst, 0, sizeof(known.dst));
	memset(&known.dst_mask, 0, sizeof(known.dst_mask));
	known.frag = false;
	known.inv &= ~(FW_INV_DST | FW_INV_FRAG);
	if (pkt->meta.hook == FW_FORWARD) { /* elsewhere there is none */
		memset(known.out, 0, sizeof(known.out));
		known.out_cmp = 0;
		known.inv &= ~FW_INV_OUT;
	}
	if (!fw_generic_match(&known, pkt))
		return FW_NO;
	return fw_generic_equal(&known, g) ? FW_YES : FW_MAYBE;
}

/*
 * A match that says no to all ends the rule, but only when none before it may have had its say: it
 * might drop the packet at once, or have an effect.
 */
static enum fw_tri matches(struct source_walk *w, const struct fw_rule *rule)
{
	enum fw_tri all = generic(&rule->gen, w->src.pkt);

	for (unsigned int i = 0; all != FW_NO && i < rule->n_matches; i++) {
		const struct fw_use *use = &rule->matches[i];
		enum fw_tri one = FW_MAYBE;

		if (use->ext->by_source && (all == FW_YES || !(use->ext->flags & FW_EXT_STATEFUL)))
			one = use->ext->by_source(use, &w->src);
		if (one == FW_MAYBE)
			return FW_MAYBE;
		if (one == FW_NO)
			all = FW_NO;
	}
	return all;
}

/* ---- the walk ------------------------------------------------------------------------------ */

enum way { WAY_ON, WAY_DROPPED, WAY_UNKNOWN };

static bool count(struct source_walk *w, struct fw_counters *c)
{
	struct fw_source_path *path = w->src.path;

	if (path->n_counters == FW_SOURCE_COUNTERS)
		return false;
	path->counters[path->n_counters++] = c;
	return true;
}

/* The next rule of some chain that all packets match; *ret NULL: there is none.  False: unknown. */
static bool next_plain(struct source_walk *w, const struct fw_chain *chain, uint32_t *next,
		       struct fw_rule **ret)
{
	*ret = NULL;
	while (*next < chain->n_rules) {
		struct fw_rule *rule = fw_chain_rule(chain, ++*next);
		enum fw_tri tri = matches(w, rule);

		if (tri == FW_MAYBE || ++w->looked_at > FW_SOURCE_RULES)
			return false;
		if (tri == FW_YES) {
			*ret = rule;
			return true;
		}
	}
	return true;
}

static bool next_compiled(struct source_walk *w, const struct fw_chain *chain, uint32_t *next,
			  struct fw_rule **ret)
{
	struct fw_cursor c;

	*ret = NULL;
	fw_cursor_begin_source(&c, chain->program, chain, &w->e, *next);
	while (fw_cursor_next(&c)) {
		enum fw_tri tri = matches(w, c.rule);

		*next = c.number;
		if (tri == FW_MAYBE || ++w->looked_at > FW_SOURCE_RULES)
			return false;
		if (tri == FW_YES) {
			*ret = c.rule;
			return true;
		}
	}
	return true;
}

/* What a rule does that all packets match.  A target with an effect beyond this packet, or with an
 * answer, is none of ours; those that only change a mark go on. */
static enum fw_verdict run_rule(struct source_walk *w, const struct fw_rule *rule)
{
	const struct fw_ext *ext = rule->target.ext;

	if (!ext)
		return (enum fw_verdict)rule->verdict;
	if (!(ext->flags & FW_EXT_INVARIANT) || (ext->varies && ext->varies(&rule->target)))
		return FW_QUEUE; /* stands for all that we do not follow */
	return FW_CONTINUE;
}

static void decided(struct source_walk *w, const struct fw_table *table,
		    const struct fw_chain *chain, const struct fw_rule *rule, uint32_t number)
{
	struct fw_source_path *path = w->src.path;

	path->table = table->id;
	path->chain = chain;
	path->rule = rule;
	path->number = number;
}

static enum way policy(struct source_walk *w, const struct fw_table *table,
		       const struct fw_chain *base)
{
	if (!count(w, base->policy_counters))
		return WAY_UNKNOWN;
	decided(w, table, base, NULL, 0);
	return base->policy == FW_DROP ? WAY_DROPPED : WAY_ON;
}

static enum way walk_table(struct source_walk *w, const struct fw_table *table)
{
	const struct fw_chain *base = table->chains[table->builtin[w->src.pkt->meta.hook]];
	const struct fw_chain *chain = base;
	uint32_t next = 0, depth = 0;

	for (;;) {
		enum fw_verdict verdict = FW_RETURN;
		struct fw_rule *rule;

		if (!(chain->program ? next_compiled : next_plain)(w, chain, &next, &rule))
			return WAY_UNKNOWN;
		if (rule) {
			if (!count(w, &rule->counters))
				return WAY_UNKNOWN;
			verdict = run_rule(w, rule);
		}
		switch (verdict) {
		case FW_JUMP:
			if (depth == FW_MAX_DEPTH)
				return WAY_UNKNOWN; /* cannot be: the transaction refused it */
			w->stack[depth++] = (struct fw_frame){.chain = chain, .next = next};
			/* fall through */
		case FW_GOTO:
			chain = table->chains[rule->jump];
			next = 0;
			break;
		case FW_RETURN:
			if (!depth)
				return policy(w, table, base);
			depth--;
			chain = w->stack[depth].chain;
			next = w->stack[depth].next;
			break;
		case FW_CONTINUE: break;
		case FW_ACCEPT: return WAY_ON;
		case FW_DROP: decided(w, table, chain, rule, next); return WAY_DROPPED;
		default: return WAY_UNKNOWN;
		}
	}
}

/* While the kernel tracks, raw has a visit of its own ahead of that. */
static bool is_raw_alone(const struct fw_packet *pkt)
{
	return pkt->meta.part == FW_PART_RAW;
}

static bool is_visited(const struct fw_plan *plan, const struct fw_packet *pkt,
		       enum fw_table_id table)
{
	if (is_raw_alone(pkt))
		return table == FW_RAW;
	return table != FW_RAW || !plan->raw[pkt->family][pkt->meta.hook];
}

static bool walk_tables(struct source_walk *w, const struct fw_ruleset *rs,
			const struct fw_plan *plan, unsigned int states)
{
	const enum fw_family family = w->src.pkt->family;
	const enum fw_hook hook = (enum fw_hook)w->src.pkt->meta.hook;
	const enum fw_table_id *tables;
	const size_t n = fw_hook_tables(hook, &tables);

	for (size_t i = 0; i < n; i++) {
		const struct fw_table *table = rs->tables[family][tables[i]];
		enum way way;

		if (fw_table_is_void(table, hook) || !is_visited(plan, w->src.pkt, table->id))
			continue;
		if (table->id == FW_NAT)
			return false; /* not for every packet */
		/* raw's rules meet packets that the tracker has not seen, or has */
		w->src.states = table->id == FW_RAW ? 0 : states;
		way = walk_table(w, table);
		if (way != WAY_ON)
			return way == WAY_DROPPED;
	}
	return false;
}

/* ---- for whom ------------------------------------------------------------------------------ */

static bool has_rules(const struct fw_table *table, enum fw_hook hook)
{
	return table->builtin[hook] != UINT32_MAX && table->chains[table->builtin[hook]]->n_rules;
}

/* Packets of the kind are seen here and nowhere before, or nobody follows their connections. */
static bool is_place(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	const enum fw_family f = pkt->family;
	const unsigned int hook = pkt->meta.hook;

	if (hook != FW_PREROUTING && hook != FW_INPUT && hook != FW_FORWARD)
		return false;
	if (!pkt->meta.in_name[0] || !strcmp(pkt->meta.in_name, "lo"))
		return false;
	if (!pkt->has_proto || pkt->proto == IPPROTO_AH) /* nft and we see other things behind AH */
		return false;
	if (is_raw_alone(pkt))
		return true;
	if (pkt->meta.part != FW_PART_ALL || !plan->queue[f][hook] ||
	    (hook == FW_PREROUTING && plan->dying[f]))
		return false;
	if (!plan->track[f])
		return true;
	/* where destinations are translated, connections are seen as they begin */
	return plan->track_here[f][hook] && (hook == FW_PREROUTING || !plan->nat[f][FW_PREROUTING]);
}

static bool is_icmp(const struct fw_packet *pkt)
{
	return pkt->proto == (pkt->family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/*
 * What a packet may be that belongs to no connection of its source's.  An ICMP error may be about
 * another's, and the tracker does not look at neighbour discovery; where the kernel tracks, its
 * word keeps errors apart.
 */
static unsigned int states_of(const struct fw_ruleset *rs, const struct fw_plan *plan,
			      const struct fw_packet *pkt, enum fw_source_scope scope)
{
	unsigned int states = STATE(FW_CT_NEW);

	if (scope == FW_SOURCE_NEW && plan->kct)
		return states;
	if (has_rules(rs->tables[pkt->family][FW_RAW], FW_PREROUTING))
		states |= STATE(FW_CT_UNTRACKED);
	if (scope == FW_SOURCE_NEW)
		return states;
	states |= STATE(FW_CT_INVALID);
	if (is_icmp(pkt))
		states |= STATE(FW_CT_UNTRACKED);
	if (is_icmp(pkt) && !plan->kct)
		states |= STATE(FW_CT_RELATED) | STATE(FW_CT_RELATED_REPLY);
	return states;
}

/* Can those that begin a connection be told from others? */
static bool tells_new(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	return plan->track[pkt->family] &&
		(plan->kct || pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP);
}

bool fw_source_dropped(const struct fw_ruleset *rs, const struct fw_plan *plan,
		       const struct fw_packet *pkt, uint64_t now, struct fw_frame *stack,
		       struct fw_source_path *ret)
{
	if (!is_place(plan, pkt))
		return false;
	for (unsigned int scope = FW_SOURCE_ALL; scope < FW_N_SOURCE_SCOPES; scope++) {
		struct source_walk w = {.src = {.pkt = pkt, .now = now, .path = ret},
					.e = {.pkt = pkt, .now = now},
					.stack = stack};

		if (scope == FW_SOURCE_NEW && (is_raw_alone(pkt) || !tells_new(plan, pkt)))
			return false;
		memset(ret, 0, sizeof(*ret));
		ret->scope = (enum fw_source_scope)scope;
		ret->until = ret->idle = UINT64_MAX;
		if (!walk_tables(&w, rs, plan,
				 states_of(rs, plan, pkt, (enum fw_source_scope)scope)))
			continue;
		/* what raw drops no tracker sees */
		ret->no_flows = plan->track[pkt->family] && !plan->kct && ret->table != FW_RAW;
		return true;
	}
	return false;
}
