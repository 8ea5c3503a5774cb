/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection through the router, packet by packet, and what was offered of it (fw/offer.h).  Needs
 * cmocka and its headers included first.
 */
#ifndef TALKING_H
#define TALKING_H

#include <stdio.h>
#include <string.h>

#include "engine/cache.h"
#include "fw/offer.h"

#include "pkt.h"
#include "scene.h"

#define EVERY 8 /* fw_ct_config.offer_every */

#define KNOWN "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"

/* A connection through the router, and what was said of its last packet. */
struct talk {
	struct scene s;
	struct fw_offer offer;
	bool declines; /* nobody takes what is offered */
	uint32_t seq[2]; /* of client and server: what they send next */
};

static inline void open_talk(struct talk *t, const char *rules)
{
	memset(t, 0, sizeof(*t));
	scene_init(&t->s, true);
	t->offer.min_left_s = 10;
	t->s.world.offer = &t->offer;
	t->seq[0] = 1000;
	t->seq[1] = 5000;
	scene_rules(&t->s, FW_IP4, rules);
}

/* … with a cache that keeps all that it may. */
static inline void open_cached_talk(struct talk *t, const char *rules)
{
	open_talk(t, rules);
	t->s.world.cache = fw_flow_cache_new(64, 1);
	assert_non_null(t->s.world.cache);
	fw_flow_cache_always(t->s.world.cache);
}

static inline void close_talk(struct talk *t)
{
	scene_deinit(&t->s);
}

/* side: 0 the client, 1 the server.  True: it was offered. */
static inline bool send_at(struct talk *t, enum fw_hook hook, int side, uint8_t proto, uint8_t flags,
		    uint32_t len)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t *tcp;

	pkt_at(&p, hook,
	       hook == FW_POSTROUTING ? ""
		       : side	      ? "eth1"
				      : "eth0",
	       hook == FW_PREROUTING ? ""
		       : side	     ? "eth0"
				     : "eth1");
	pkt_ip4(&p, side ? "10.0.0.2" : "10.0.0.1", side ? "10.0.0.1" : "10.0.0.2", proto);
	if (proto == IPPROTO_UDP) {
		pkt_udp(&p, side ? 80 : 1024, side ? 1024 : 80);
	} else {
		tcp = pkt_tcp(&p, side ? 80 : 1024, side ? 1024 : 80, flags);
		pkt_put32(tcp + 4, t->seq[side]);
		if (flags & PKT_ACK)
			pkt_put32(tcp + 8, t->seq[!side]);
	}
	pkt_grow(&p, len);
	pkt_view(&p, &view);
	scene_run(&t->s, &view);
	if (t->s.d.offered && t->offer.tracked && !t->declines)
		fw_ct_unseen(t->s.world.ct, &t->offer.orig, t->s.now);
	t->seq[side] += len + !!(flags & PKT_SYN) + !!(flags & PKT_FIN);
	return t->s.d.offered;
}

static inline bool segment(struct talk *t, int side, uint8_t flags, uint32_t len)
{
	return send_at(t, FW_FORWARD, side, IPPROTO_TCP, flags, len);
}

static inline void handshake(struct talk *t)
{
	segment(t, 0, PKT_SYN, 0);
	segment(t, 1, PKT_SYN | PKT_ACK, 0);
	segment(t, 0, PKT_ACK, 0);
}

/* Met in PREROUTING. */
static inline void handshake_ahead(struct talk *t)
{
	send_at(t, FW_PREROUTING, 0, IPPROTO_TCP, PKT_SYN, 0);
	send_at(t, FW_PREROUTING, 1, IPPROTO_TCP, PKT_SYN | PKT_ACK, 0);
}

/* So many of both sides; how many of them were offered. */
static inline int chat(struct talk *t, int n)
{
	int offered = 0;

	for (int i = 0; i < n; i++)
		for (int side = 0; side < 2; side++)
			offered += segment(t, side, PKT_ACK, 10);
	return offered;
}

static inline const char *state_of(struct talk *t)
{
	static char state[32];
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;

	fw_ct_list(t->s.world.ct, &cursor, 10, NULL, t->s.now, false, &out);
	assert_int_equal(sscanf(fw_buf_cstr(&out), "tcp 6 %*u %31s", state), 1);
	fw_buf_deinit(&out);
	return state;
}

static inline const struct fw_counters *rule_counters(struct talk *t, enum fw_table_id table,
					       uint32_t number)
{
	return &fw_chain_rule(scene_chain(&t->s, FW_IP4, table, "FORWARD"), number)->counters;
}

#endif
