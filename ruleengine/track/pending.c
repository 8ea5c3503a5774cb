/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First packets on their way through the translation of their destination (pending.h).  They are
 * met next at the hook behind it, at once or when a whole queue has been judged before them.
 *
 * Several of one source may be on their way: who was sent first comes first.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "track/pending.h"

#define PENDING_NS FW_NSEC_PER_SEC

static bool is_icmp(const struct fw_tuple *t)
{
	return t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6;
}

void fw_ct_expect_translation(struct fw_ct *ct, const struct fw_eval *e)
{
	struct ct_pending *p;

	if (!e->flow || e->flow == &ct->scratch)
		return;
	p = ct_notes_add(&ct->pending, ct_source_hash(ct, &e->flow->orig), e->now, PENDING_NS);
	if (!p)
		return;
	p->orig = e->flow->orig;
	if (e->nat)
		p->nat = fw_nat_at(e->nat, (enum fw_hook)e->pkt->meta.hook);
}

struct fw_flow *ct_pending_flow(struct ct_ctx *c, const struct ct_pending *p, unsigned int status)
{
	struct fw_flow *flow = ct_find_first(c->ct, &p->orig, c->now);

	return flow && !(flow->status & status) ? flow : NULL;
}

static bool in_range(const struct fw_nat *nat, const union fw_addr *addr)
{
	const size_t len = nat->family == FW_IP4 ? 4 : 16;

	return memcmp(addr, &nat->min_addr, len) >= 0 && memcmp(addr, &nat->max_addr, len) <= 0;
}

bool ct_pending_leads(const struct ct_pending *p, bool source, const struct fw_tuple *t)
{
	const bool id = source || is_icmp(t);
	const union fw_addr *addr = source ? &t->src : &t->dst;
	const union fw_addr *was = source ? &p->orig.src : &p->orig.dst;
	const uint16_t port_be = id ? t->sport_be : t->dport_be;
	const uint16_t was_be = id ? p->orig.sport_be : p->orig.dport_be;
	const struct fw_nat *nat = &p->nat;

	switch (nat->kind) {
	case FW_NAT_NONE: return true;
	case FW_NAT_DST:
	case FW_NAT_SRC:
		if (nat->flags & FW_NAT_ADDR ? !in_range(nat, addr)
					      : memcmp(addr, was, sizeof(*addr)) != 0)
			return false;
		break;
	}
	if (nat->flags & FW_NAT_PORT)
		return ntohs(port_be) >= nat->min_port && ntohs(port_be) <= nat->max_port;
	if (source || (is_icmp(t) && (nat->flags & (FW_NAT_RANDOM | FW_NAT_RANDOM_FULLY))))
		return true; /* kept if it can be, or not at all */
	return port_be == was_be;
}

struct asked {
	struct ct_ctx *c;
	const struct fw_tuple *t;
	struct fw_flow *flow;
};

static enum ct_note_say behind(void *priv, struct ct_note *note)
{
	const struct ct_pending *p = (const struct ct_pending *)note;
	struct asked *a = priv;

	if (p->orig.proto != a->t->proto || p->orig.family != a->t->family ||
	    (!is_icmp(a->t) && p->orig.sport_be != a->t->sport_be) ||
	    memcmp(&p->orig.src, &a->t->src, sizeof(a->t->src)) != 0)
		return CT_NOTE_NO;
	a->flow = ct_pending_flow(a->c, p, CT_NAT);
	if (!a->flow)
		return CT_NOTE_OVER;
	if (ct_pending_leads(p, false, a->t))
		return CT_NOTE_YES;
	a->flow = NULL;
	return CT_NOTE_NO;
}

struct fw_flow *ct_take_pending(struct ct_ctx *c, const struct fw_tuple *t, bool answer)
{
	struct asked a = {.c = c, .t = t};
	struct fw_tuple reply;

	if (!ct_tuple_invert(t, &reply))
		return NULL;
	ct_notes_ask(&c->ct->pending, ct_source_hash(c->ct, t), c->now, behind, &a);
	if (!a.flow || !ct_flow_guess(c->ct, a.flow, &reply, c->now))
		return NULL;
	c->dir = answer ? FW_DIR_REPLY : FW_DIR_ORIG;
	return a.flow;
}
