/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that the kernel's tracker has judged meet ours (track/follow.c), and what it says when it
 * is asked.  Needs cmocka and its headers included first.
 */
#ifndef FOLLOWING_H
#define FOLLOWING_H

#include "ct-packets.h"
#include "track/track.h"

/* What the kernel knows: at most one connection. */
struct kernel {
	bool known;
	unsigned int asked;
	struct fw_tuple orig, reply;
};

static inline bool connection(void *priv, const struct fw_tuple *t, struct fw_tuple *orig,
		       struct fw_tuple *reply)
{
	struct kernel *k = priv;

	k->asked++;
	if (!k->known || !(ct_tuple_equal(t, &k->orig) || ct_tuple_equal(t, &k->reply)))
		return false;
	*orig = k->orig;
	*reply = k->reply;
	return true;
}

static const struct fw_world_ops ops = {.connection = connection};

/* Met at a hook, of which the kernel says this. */
static inline struct fw_flow *follow(struct fw_ct *ct, struct kernel *k, const struct bytes *b,
				     enum fw_ctinfo ctinfo, struct fw_pkt_meta meta)
{
	struct fw_world world = {.ct = ct, .ops = &ops, .priv = k};
	struct fw_eval e = {.now = SEC, .ctinfo = ctinfo, .world = &world};
	struct fw_packet pkt;

	meta.ctinfo = (uint8_t)ctinfo;
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b->data, b->len, b->len, &meta), 0);
	e.pkt = &pkt;
	fw_ct_follow(ct, &e, meta.hook == FW_PREROUTING || meta.hook == FW_OUTPUT);
	if (e.flow && e.ctinfo == FW_CT_NEW && meta.hook != FW_PREROUTING)
		fw_ct_confirm(ct, &e);
	return e.flow;
}

static inline struct fw_tuple ends(uint8_t src, uint8_t dst, uint16_t sport, uint16_t dport)
{
	struct fw_tuple t;
	struct fw_packet pkt;
	struct fw_pkt_meta meta = {.hook = FW_OUTPUT};
	struct bytes b;

	make_udp(&b, src, dst, sport, dport);
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b.data, b.len, b.len, &meta), 0);
	assert_true(ct_tuple_of(&pkt, &t));
	return t;
}

#endif
