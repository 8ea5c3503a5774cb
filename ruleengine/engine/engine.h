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
	struct fw_trail *trail; /* remember what decides, for the cache or an offer; or NULL */
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

/* Behind the tables: a reply of the daemon's own gets the ends that its receiver knows (reply.c).  */
void fw_reply_translate(struct fw_eval *e);

/* offer.c.  Might the packet be offered?  Then its walk is to leave a trail.  Asked once: it counts. */
bool fw_offer_wanted(const struct fw_walk *w, const struct fw_plan *plan);
/* Such a packet was accepted: does everything hold?  Then world->offer is filled. */
bool fw_offer_make(const struct fw_walk *w, const struct fw_plan *plan,
		   const struct fw_decision *d);

/* A table that nobody ever named does not exist in the kernel: it counts nothing.  Others have no
 * chain for this hook. */
static inline bool fw_table_is_void(const struct fw_table *table, unsigned int hook)
{
	const struct fw_chain *chain;

	if (table->builtin[hook] == UINT32_MAX)
		return true;
	chain = table->chains[table->builtin[hook]];
	return !table->touched && !chain->n_rules && chain->policy == FW_ACCEPT;
}

static inline bool fw_came_through_loopback(const struct fw_packet *pkt)
{
	return (pkt->meta.hook == FW_PREROUTING || pkt->meta.hook == FW_INPUT) &&
		!strcmp(pkt->meta.in_name, "lo");
}

/* Is this visit where the tracker looks at the packet?  OUTPUT's second one, where the first is not
 * made; but beginnings are looked at where their translation is chosen. */
static inline bool fw_is_tracked_here(const struct fw_plan *plan, const struct fw_packet *pkt)
{
	const struct fw_pkt_meta *meta = &pkt->meta;

	if (!plan->track_here[pkt->family][meta->hook] || fw_came_through_loopback(pkt))
		return false;
	return meta->part != FW_PART_BEHIND_NAT ||
		(!plan->queue[pkt->family][meta->hook] &&
		 (meta->ctinfo == FW_CT_ESTABLISHED || meta->ctinfo == FW_CT_ESTABLISHED_REPLY));
}

/* Do all matches of the rule hold?  May set e->hotdrop. */
bool fw_rule_matches(const struct fw_rule *rule, struct fw_eval *e);

#endif
