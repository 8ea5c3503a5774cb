/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's flow while the kernel translates: by its ends, where on its way it is met, and whether
 * its destination is another than it had (find.c).
 */
#include <string.h>

#include "track/pending.h"

enum ct_place ct_place_of(const struct fw_packet *pkt)
{
	if (!strcmp(pkt->meta.in_name, "lo"))
		return CT_ANYWHERE; /* it comes as both translations have left it */
	if (pkt->meta.part == FW_PART_BEHIND_NAT)
		return CT_BEHIND;
	return pkt->meta.hook == FW_PREROUTING || pkt->meta.hook == FW_OUTPUT ? CT_AHEAD : CT_BEHIND;
}

/* A first packet's flow has not been met behind the translation yet; others may have been, by the
 * same ends. */
static struct fw_flow *find_begun(struct ct_ctx *c, const struct fw_tuple *tuple)
{
	if (c->ctinfo != FW_CT_NEW && c->ctinfo != FW_CT_RELATED)
		return NULL;
	if (!(c->pkt->meta.nat_status & FW_CTS_DST_NAT))
		return NULL;
	return ct_take_pending(c, tuple, false);
}

struct fw_flow *ct_met(struct ct_ctx *c, const struct fw_tuple *tuple, const struct ct_key *key,
		       bool dying)
{
	const enum ct_place place = ct_place_of(c->pkt);
	const unsigned int nat = c->pkt->meta.nat_status;
	struct fw_flow *flow = place == CT_BEHIND ? find_begun(c, tuple) : NULL;

	if (!flow)
		flow = ct_find_met(c->ct, key, c->now, dying, place, nat, &c->dir);
	if (!flow && place == CT_BEHIND) /* we may not know yet that it is translated */
		flow = ct_find_met(c->ct, key, c->now, dying, CT_AHEAD, nat, &c->dir);
	if (flow && place == CT_AHEAD && flow->ext && flow->ext->shares_mid)
		flow->ext->met = ++c->ct->met;
	return flow;
}
