/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections that have gone on unseen (fw/offer.h, or before we began).
 *
 * Where their windows are now nobody knows, so a reset with any number fits, and anybody could
 * close a connection for which rules keep the door open.  Such a reset is believed in doubt only:
 * the connection is closed, as most often it is, but remembered for longer, and when the side that
 * is said to have sent the reset goes on, it is as if nothing had been.
 */
#include <netinet/in.h>

#include "track/track.h"

void ct_tcp_forget(struct fw_flow *flow)
{
	const uint8_t known = TCP_F_MAXACK | TCP_F_UNACKED;

	if (flow->orig.proto != IPPROTO_TCP)
		return;
	for (int dir = 0; dir < FW_N_DIRS; dir++) {
		struct tcp_side *side = &flow->u.tcp.side[dir];

		*side = (struct tcp_side){
			.scale = side->scale,
			.flags = (side->flags & (uint8_t)~known) | TCP_F_LIBERAL | TCP_F_FORGOT,
		};
	}
}

void ct_tcp_doubt(struct fw_flow *flow, enum fw_ct_dir dir)
{
	struct tcp_track *t = &flow->u.tcp;

	if (t->state == TCP_ESTABLISHED && (t->side[dir].flags & TCP_F_FORGOT) &&
	    !(t->side[!dir].flags & TCP_F_MAXACK))
		t->side[dir].flags |= TCP_F_DOUBT;
}

bool ct_tcp_in_doubt(const struct fw_flow *flow)
{
	const struct tcp_track *t = &flow->u.tcp;

	return t->state == TCP_CLOSE && ((t->side[0].flags | t->side[1].flags) & TCP_F_DOUBT);
}

/* One that was closed for sure would be forgotten by now. */
static bool is_over(const struct ct_ctx *c)
{
	const uint32_t unack = c->ct->timeout[CT_T_TCP_UNACK], close = c->ct->timeout[CT_T_TCP_CLOSE];

	return unack > close && c->flow->expires <= c->now + (unack - close) * FW_NSEC_PER_SEC;
}

bool ct_tcp_goes_on(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_side *side = &c->flow->u.tcp.side[c->dir];

	if (!(side->flags & TCP_F_DOUBT) || (th->seg != SEG_ACK && th->seg != SEG_FIN))
		return !is_over(c);
	side->flags &= (uint8_t)~TCP_F_DOUBT;
	c->flow->u.tcp.state = TCP_ESTABLISHED;
	return true;
}
