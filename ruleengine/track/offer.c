/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows whose packets pass unseen (fw/offer.h). */
#include <netinet/in.h>

#include "fw/offer.h"
#include "track/track.h"

/* Two counters in a byte, that begin anew as they reach offer_every: zero is when to ask. */
static void set_turn(struct fw_flow *flow, enum fw_ct_dir dir, unsigned int turn)
{
	const unsigned int shift = dir * 4u;

	flow->turns = (uint8_t)((flow->turns & ~(15u << shift)) | turn << shift);
}

void ct_turn(const struct fw_ct *ct, struct fw_flow *flow, enum fw_ct_dir dir)
{
	const unsigned int turn = (flow->turns >> dir * 4u & 15) + 1;

	set_turn(flow, dir, turn < ct->config.offer_every ? turn : 0);
}

bool fw_ct_due(const struct fw_flow *flow, enum fw_ct_dir dir)
{
	return !(flow->turns >> dir * 4u & 15);
}

/* Neither beginning nor ending: what comes next is in both directions more of the same. */
static bool is_steady(const struct fw_flow *flow)
{
	const unsigned int both = FW_CTS_CONFIRMED | FW_CTS_SEEN_REPLY;

	if ((flow->status & both) != both || (flow->flags & CT_F_DYING))
		return false;
	switch (flow->orig.proto) {
	case IPPROTO_TCP:
		return (flow->status & FW_CTS_ASSURED) && flow->u.tcp.state == TCP_ESTABLISHED;
	case IPPROTO_UDP: return flow->status & FW_CTS_ASSURED;
	default: return true; /* these never are */
	}
}

static enum ct_timeout timeout_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return CT_T_TCP_ESTABLISHED;
	case IPPROTO_UDP: return CT_T_UDP_STREAM;
	case IPPROTO_ICMP: return CT_T_ICMP;
	case IPPROTO_ICMPV6: return CT_T_ICMPV6;
	default: return CT_T_GENERIC;
	}
}

bool fw_ct_may_pass(const struct fw_ct *ct, const struct fw_flow *flow, uint64_t now,
		    uint32_t min_left_s)
{
	return flow != &ct->scratch && is_steady(flow) &&
		flow->expires >= now + min_left_s * FW_NSEC_PER_SEC;
}

/* The flow between these ends; *dir: from as they are to as the flow has them, for the ports may be
 * in use again, from the other side. */
static struct fw_flow *find(struct fw_ct *ct, const struct fw_tuple *orig, enum fw_ct_dir *dir,
			    uint64_t now)
{
	struct fw_flow *flow;
	enum fw_ct_dir way;
	struct ct_key key;

	if (!ct_key_make(ct, orig, &key))
		return NULL;
	flow = ct_find(ct, &key, now, false, &way);
	if (flow && way == FW_DIR_REPLY)
		*dir = !*dir;
	return flow;
}

void fw_ct_passed(struct fw_ct *ct, const struct fw_tuple *orig, enum fw_ct_dir dir,
		  uint64_t packets, uint64_t bytes, uint64_t now)
{
	const uint64_t expires = now + ct->timeout[timeout_of(orig->proto)] * FW_NSEC_PER_SEC;
	struct fw_flow *flow = find(ct, orig, &dir, now);

	if (!flow)
		return;
	if (flow->flags & CT_F_ACCT) {
		flow->ext->packets[dir] += packets;
		flow->ext->bytes[dir] += bytes;
	}
	/* one that has ended since has its time from there */
	if (is_steady(flow) && expires > flow->expires)
		flow->expires = expires;
}

void fw_ct_unseen(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now)
{
	enum fw_ct_dir dir = FW_DIR_ORIG;
	struct fw_flow *flow = find(ct, orig, &dir, now);

	if (flow)
		flow->flags |= CT_F_UNSEEN;
}

void fw_ct_seen_again(struct fw_ct *ct, const struct fw_tuple *orig, enum fw_ct_dir dir,
		      uint64_t now)
{
	struct fw_flow *flow = find(ct, orig, &dir, now);

	if (!flow)
		return;
	ct_tcp_forget(flow);
	flow->flags &= (uint8_t)~CT_F_UNSEEN;
	set_turn(flow, dir, ct->config.offer_every - 1);
}
