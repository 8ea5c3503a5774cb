/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows told to the kernel's tracker, and taken over from it. */
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

static void tell(const struct fw_flow *flow, uint64_t now, fw_ct_told *fn, void *priv)
{
	struct fw_tuple room;
	struct fw_ct_facts facts = {
		.orig = flow->orig,
		.reply = *fw_flow_tuple(flow, FW_DIR_REPLY, &room),
		.status = flow->status,
		.left_s = (uint32_t)((flow->expires - now) / FW_NSEC_PER_SEC),
		.mark = flow->mark,
		.helper = flow->helper,
	};

	ct_tuple_invert(&flow->orig, &facts.plain);
	if (flow->orig.proto == IPPROTO_TCP) {
		facts.state = flow->u.tcp.state;
	} else if (flow->orig.proto == IPPROTO_SCTP) {
		facts.state = flow->u.sctp.state;
		memcpy(facts.tag, flow->u.sctp.tag, sizeof(facts.tag));
	}
	fn(priv, &facts);
}

void fw_ct_each(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		uint64_t now, fw_ct_told *fn, void *priv)
{
	size_t left = ct_slice(max);
	const struct fw_flow *flow;

	while (max-- && (flow = ct_step(ct, cursor, &left, now, filter)))
		tell(flow, now, fn, priv);
}

size_t fw_ct_delete(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		    uint64_t now, fw_ct_told *fn, void *priv)
{
	size_t left = ct_slice(max), gone = 0;
	struct fw_flow *flow;

	for (; gone < max && (flow = ct_step(ct, cursor, &left, now, filter)); gone++) {
		if (fn)
			tell(flow, now, fn, priv);
		ct_flow_free(ct, flow);
	}
	return gone;
}

#define TOLD (FW_CTS_EXPECTED | FW_CTS_SEEN_REPLY | FW_CTS_ASSURED)

/* Nothing is known of its windows. */
static void set_tcp(struct fw_flow *flow, uint8_t state)
{
	flow->u.tcp = (struct tcp_track){.state = state};
	for (unsigned int dir = 0; dir < FW_N_DIRS; dir++)
		flow->u.tcp.side[dir].flags = TCP_F_LIBERAL | TCP_F_FORGOT;
}

static void set_state(struct fw_flow *flow, const struct fw_ct_facts *f)
{
	if (flow->orig.proto == IPPROTO_TCP && f->state < N_TCP_STATES) {
		if (flow->u.tcp.state != f->state)
			set_tcp(flow, f->state);
	} else if (flow->orig.proto == IPPROTO_SCTP &&
		   f->state <= CT_T_SCTP_HEARTBEAT_SENT - CT_T_SCTP_NONE) {
		flow->u.sctp.state = f->state;
		memcpy(flow->u.sctp.tag, f->tag, sizeof(f->tag));
	}
}

static void bring_up_to_date(struct fw_ct *ct, struct fw_flow *flow, const struct fw_ct_facts *f,
			     uint64_t now)
{
	struct fw_tuple room;

	flow->status |= (f->status & TOLD) | FW_CTS_CONFIRMED;
	flow->expires = now + f->left_s * FW_NSEC_PER_SEC;
	set_state(flow, f);
	if (!ct_tuple_equal(fw_flow_tuple(flow, FW_DIR_REPLY, &room), &f->reply))
		ct_flow_translate(ct, flow, &f->reply);
}

bool fw_ct_adopt(struct fw_ct *ct, const struct fw_ct_facts *f, bool update, uint64_t now)
{
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	if (!ct_key_make(ct, &f->orig, &key))
		return false;
	flow = ct_find(ct, &key, now, false, &dir);
	if (flow && update && dir == FW_DIR_ORIG)
		bring_up_to_date(ct, flow, f, now);
	if (flow || (ct->config.max_flows && ct->stats.flows >= ct->config.max_flows))
		return false;
	flow = ct_flow_new(ct, &key, now);
	if (!flow)
		return false;
	flow->mark = f->mark;
	flow->helper = f->helper;
	if (f->orig.proto == IPPROTO_TCP)
		set_tcp(flow, TCP_NONE);
	if (!ct_flow_insert(ct, flow)) {
		ct_flow_free(ct, flow);
		return false;
	}
	bring_up_to_date(ct, flow, f, now);
	return true;
}
