/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet that the kernel's tracker has judged meets ours.
 *
 * While the kernel translates, its word counts; ours keeps flows with their protocol's state, so
 * that lists, matches and a later life without the kernel's tracker find them.  What the kernel
 * knows and we do not is picked up midway; translations that only the kernel can know are asked
 * for.
 */
#include <string.h>

#include "track/pending.h"

/*
 * The flow's protocol sees the packet; what it says of it does not count.  NULL: the kernel has
 * forgotten the flow, for what would be INVALID in it begins one.
 */
static struct fw_flow *go_on(struct ct_ctx *c)
{
	enum ct_say say;

	if (c->flow->status & FW_CTS_CONFIRMED) {
		say = ct_handle(c);
		if (say == CT_REPEAT || (say == CT_INVALID && c->ctinfo == FW_CT_NEW)) {
			ct_flow_free(c->ct, c->flow);
			return NULL;
		}
	} else if (c->dir == FW_DIR_ORIG) {
		ct_restart(c);
	} else {
		c->flow->status |= FW_CTS_CONFIRMED;
		ct_handle(c);
	}
	if (c->ctinfo == FW_CT_ESTABLISHED_REPLY)
		c->flow->status |= FW_CTS_SEEN_REPLY;
	ct_turn(c->ct, c->flow, c->dir);
	return c->flow;
}

/* A reset that answers a first packet which we have not met behind its translation: the kernel has
 * forgotten the connection as it came. */
static struct fw_flow *take_refused(struct ct_ctx *c, const struct fw_tuple *t)
{
	const unsigned int nat = c->pkt->meta.nat_status;
	struct fw_flow *flow = NULL;
	struct fw_tuple orig;

	if (fw_ctinfo_dir(c->ctinfo) != FW_DIR_REPLY)
		return NULL;
	if (nat & FW_CTS_SRC_NAT)
		flow = ct_take_masked(c, t);
	if (!flow && (nat & FW_CTS_DST_NAT) && ct_tuple_invert(t, &orig))
		flow = ct_take_pending(c, &orig, true);
	return flow;
}

/* A flow for a packet of one that the kernel knows and we do not; orig: its first direction. */
static struct fw_flow *pick_up(struct ct_ctx *c, const struct fw_tuple *orig)
{
	const enum fw_ctinfo ctinfo = c->ctinfo;
	struct ct_key key;

	if (!ct_key_make(c->ct, orig, &key))
		return NULL;
	ct_bury(c, &key);
	if (ct_begin(c, &key) < 0)
		return NULL;
	c->ctinfo = ctinfo;
	if (!c->flow)
		return ct_transient(c->ct, c->pkt, orig, c->now);
	if (ctinfo == FW_CT_RELATED)
		c->flow->status |= FW_CTS_EXPECTED;
	else if (ctinfo != FW_CT_NEW)
		c->flow->status |= FW_CTS_CONFIRMED;
	if (ctinfo == FW_CT_ESTABLISHED || ctinfo == FW_CT_ESTABLISHED_REPLY)
		c->flow->status |= FW_CTS_SEEN_REPLY;
	return c->flow;
}

/* … which goes with the tuple or against it: behind both translations a first packet is met as the
 * inversion of what will be answered. */
static bool ask(struct fw_eval *e, const struct fw_tuple *t, struct fw_tuple *orig,
		struct fw_tuple *reply)
{
	const struct fw_world_ops *ops = e->world->ops;
	struct fw_tuple back;

	if (!ops || !ops->connection)
		return false;
	return ops->connection(e->world->priv, t, orig, reply) ||
		(ct_tuple_invert(t, &back) &&
		 ops->connection(e->world->priv, &back, orig, reply));
}

/* Our flow of a connection that the kernel told of becomes like it.  NULL: we have none. */
static struct fw_flow *like_the_kernels(struct ct_ctx *c, const struct fw_tuple *orig,
					const struct fw_tuple *reply)
{
	struct fw_flow *flow = ct_find_first(c->ct, orig, c->now);

	if (flow)
		ct_flow_translate(c->ct, flow, reply);
	return flow;
}

/* Ask the kernel for the connection of a tuple, and make ours like it.  NULL: it knows none. */
static struct fw_flow *ask_kernel(struct ct_ctx *c, struct fw_eval *e, const struct fw_tuple *t)
{
	struct fw_tuple orig, reply;
	struct fw_flow *flow;

	if (!ask(e, t, &orig, &reply))
		return NULL;
	flow = like_the_kernels(c, &orig, &reply);
	if (flow)
		return flow;
	flow = pick_up(c, &orig);
	if (flow && flow != &c->ct->scratch)
		ct_flow_translate(c->ct, flow, &reply);
	return flow;
}

/*
 * A connection of these ends the other way round.  The kernel has it no more, or has translated it
 * where we have met none of its packets since: then these ends are not what its answers come from.
 */
static void forget_opposite(struct ct_ctx *c, const struct fw_eval *e, const struct ct_key *key)
{
	const struct fw_world_ops *ops = e->world->ops;
	struct fw_tuple orig, reply;
	enum fw_ct_dir dir;
	struct fw_flow *flow = ct_find(c->ct, key, c->now, true, &dir);

	if (!flow || (flow->status & CT_NAT))
		return;
	if (ops && ops->connection && !(flow->flags & CT_F_DYING) &&
	    ops->connection(e->world->priv, &flow->orig, &orig, &reply) &&
	    ct_tuple_equal(&orig, &flow->orig))
		ct_flow_translate(c->ct, flow, &reply);
	if (!(flow->status & CT_NAT))
		ct_flow_free(c->ct, flow);
}

/* Did the kernel know no connection of this packet? */
static bool begins(const struct fw_packet *pkt)
{
	return pkt->meta.nat_pending &&
		(pkt->meta.hook == FW_PREROUTING || pkt->meta.hook == FW_OUTPUT);
}

/*
 * The kernel translates the packet otherwise than we know of its flow: ask.  False: the flow is
 * another's, which has these ends where nothing is translated.
 */
static bool learn_translation(struct ct_ctx *c, struct fw_eval *e, const struct fw_flow *flow)
{
	const unsigned int nat = e->pkt->meta.nat_status;
	const struct fw_tuple known = flow->orig;

	if (!(nat & ~(unsigned int)flow->status) || e->pkt->meta.nat_pending)
		return true;
	return ask_kernel(c, e, &known) != flow || ct_place_of(e->pkt) == CT_AHEAD ||
		!(nat & ~(unsigned int)flow->status & FW_CTS_DST_NAT);
}

/* Nothing is known by these ends. */
static struct fw_flow *find_by_kernel(struct ct_ctx *c, struct fw_eval *e,
				      const struct fw_tuple *tuple, const struct ct_key *key)
{
	const unsigned int nat = e->pkt->meta.nat_status;
	const bool reply = fw_ctinfo_dir(c->ctinfo) == FW_DIR_REPLY;
	struct fw_flow *flow = NULL;
	struct fw_tuple orig;

	if (!nat) {
		forget_opposite(c, e, key);
		return NULL;
	}
	if (reply && ct_tuple_invert(tuple, &orig)) {
		flow = ct_find_behind(c->ct, &orig, c->now);
		c->dir = FW_DIR_REPLY;
	}
	if (!flow)
		flow = ask_kernel(c, e, tuple);
	return flow ? flow : take_refused(c, tuple);
}

static struct fw_flow *find_followed(struct ct_ctx *c, struct fw_eval *e,
				     const struct fw_tuple *tuple, const struct ct_key *key,
				     bool first)
{
	const unsigned int nat = e->pkt->meta.nat_status;
	struct fw_flow *flow;
	struct fw_tuple orig = *tuple;
	bool clash;

	c->dir = fw_ctinfo_dir(c->ctinfo);
	flow = ct_met(c, tuple, key, !first);
	if (flow && c->ctinfo == FW_CT_NEW &&
	    (begins(e->pkt) || (first && (flow->status & FW_CTS_SEEN_REPLY)))) {
		ct_flow_free(c->ct, flow); /* the kernel has forgotten it */
		flow = NULL;
	}
	if (flow && !learn_translation(c, e, flow))
		return ct_transient(c->ct, c->pkt, tuple, c->now);
	if ((!flow || (flow->flags & CT_F_DYING)) && (nat & FW_CTS_DST_NAT) &&
	    fw_ctinfo_dir(c->ctinfo) == FW_DIR_ORIG) {
		struct fw_flow *pending = ct_take_pending(c, tuple, false);

		flow = pending ? pending : flow; /* which comes to where the dying one had been */
	}
	if (!flow)
		flow = find_by_kernel(c, e, tuple, key);
	if (flow && first && flow != &c->ct->scratch) {
		c->flow = flow;
		flow = go_on(c);
	}
	if (flow)
		return flow;
	if (fw_ctinfo_dir(c->ctinfo) == FW_DIR_REPLY && !ct_tuple_invert(tuple, &orig))
		return NULL;
	clash = !nat && ct_clashes(c, &orig);
	flow = pick_up(c, &orig);
	if (flow && clash && flow != &c->ct->scratch)
		ct_note_masked(c->ct, flow, c->now);
	return flow;
}

/* An error about a translated connection may be the first that we meet of it behind that. */
static void learn_quoted(struct ct_ctx *c, struct fw_eval *e, uint32_t quote)
{
	const unsigned int nat = e->pkt->meta.nat_status;
	enum fw_ct_dir dir = fw_ctinfo_dir(c->ctinfo);
	struct fw_tuple quoted, orig, reply;
	const struct fw_flow *flow;
	struct ct_key key;

	if (!nat || !ct_tuple_quoted(e->pkt, quote, &quoted) || !ct_quoted_key(c->ct, &quoted, &key))
		return;
	flow = ct_find_way(c->ct, &key, c->now, true, &dir);
	if ((!flow || (nat & ~(unsigned int)flow->status)) &&
	    ask(e, flow ? &flow->orig : &quoted, &orig, &reply))
		like_the_kernels(c, &orig, &reply);
}

void fw_ct_follow(struct fw_ct *ct, struct fw_eval *e, bool first)
{
	struct ct_ctx c = {.ct = ct, .pkt = e->pkt, .now = e->now, .ctinfo = e->ctinfo};
	const enum fw_ctinfo ctinfo = e->ctinfo;
	enum ct_icmp kind;
	struct fw_tuple tuple;
	struct ct_key key;
	uint32_t quote;

	e->flow = NULL;
	if (ctinfo == FW_CT_INVALID || ctinfo == FW_CT_UNTRACKED || ctinfo == FW_CT_NONE)
		return;
	kind = ct_is_icmp(e->pkt) ? ct_icmp_taken(e->pkt, &quote) : CT_ICMP_PLAIN;
	if (e->pkt->meta.carried || kind != CT_ICMP_PLAIN) {
		if (kind == CT_ICMP_ERROR && !e->pkt->meta.carried)
			learn_quoted(&c, e, quote);
		ct_carried(ct, e, ctinfo);
		return;
	}
	if (!ct_tuple_of(e->pkt, &tuple) || !ct_key_make(ct, &tuple, &key))
		return;
	e->flow = find_followed(&c, e, &tuple, &key, first);
	e->ctinfo = ctinfo;
}

static void uncount(struct fw_flow *flow)
{
	if (!flow->ext)
		return;
	memset(flow->ext->packets, 0, sizeof(flow->ext->packets));
	memset(flow->ext->bytes, 0, sizeof(flow->ext->bytes));
}

/*
 * Met where the kernel knows the connection and has translated nothing yet.  Its packet is met again
 * by the hook's own visit, which counts it.
 */
void fw_ct_expected(struct fw_ct *ct, struct fw_eval *e)
{
	struct ct_ctx c = {.ct = ct, .pkt = e->pkt, .now = e->now, .ctinfo = FW_CT_RELATED};
	struct fw_tuple tuple;
	struct ct_key key;

	if (!ct_tuple_of(e->pkt, &tuple) || !ct_key_make(ct, &tuple, &key))
		return;
	c.flow = ct_find(ct, &key, e->now, true, &c.dir);
	if (c.flow)
		ct_flow_free(ct, c.flow); /* the kernel has forgotten it */
	e->flow = pick_up(&c, &tuple);
	if (!e->flow || e->flow == &ct->scratch) {
		e->flow = NULL;
		return;
	}
	e->flow->helper = e->pkt->meta.helper;
	uncount(e->flow);
	if (e->pkt->meta.nat_status & FW_CTS_DST_NAT)
		fw_ct_expect_translation(ct, e);
	e->flow = NULL; /* nobody has judged its packet yet */
}
