/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet's way through the tables of one hook: what matches and targets see and may change.
 */
#ifndef FW_EVAL_H
#define FW_EVAL_H

#include "fw/packet.h"
#include "fw/world.h"

struct fw_flow;
struct fw_ruleset;
struct fw_use;

/*
 * What the tracker says of a packet (values are ours; they travel in three mark bits).  NONE:
 * not looked at yet.  _REPLY: the packet goes against its flow's first direction.
 */
enum fw_ctinfo {
	FW_CT_NONE,
	FW_CT_NEW,
	FW_CT_ESTABLISHED,
	FW_CT_RELATED,
	FW_CT_ESTABLISHED_REPLY,
	FW_CT_RELATED_REPLY,
	FW_CT_INVALID,
	FW_CT_UNTRACKED,
	FW_N_CTINFO
};

/* What REJECT answers; the daemon makes the reply.  Names and meaning as --reject-with. */
enum fw_reject {
	FW_REJECT_NONE,
	FW_REJECT_TCP_RESET,
	FW_REJECT_ICMP_NET_UNREACH,
	FW_REJECT_ICMP_HOST_UNREACH,
	FW_REJECT_ICMP_PROTO_UNREACH,
	FW_REJECT_ICMP_PORT_UNREACH,
	FW_REJECT_ICMP_NET_PROHIBITED,
	FW_REJECT_ICMP_HOST_PROHIBITED,
	FW_REJECT_ICMP_ADMIN_PROHIBITED,
	FW_REJECT_ICMP6_NO_ROUTE,
	FW_REJECT_ICMP6_ADM_PROHIBITED,
	FW_REJECT_ICMP6_ADDR_UNREACH,
	FW_REJECT_ICMP6_PORT_UNREACH,
	FW_REJECT_ICMP6_POLICY_FAIL,
	FW_REJECT_ICMP6_REJECT_ROUTE,
	FW_REJECT_NO_HOP_LEFT, /* no rule's: time exceeded */
	FW_N_REJECTS
};

struct fw_eval {
	const struct fw_packet *pkt;
	struct fw_world *world;
	uint64_t now;      /* monotonic nanoseconds */
	uint64_t wall;     /* nanoseconds since 1970, UTC */

	/* tracker; set by the engine before the first rule that may look */
	struct fw_flow *flow;     /* borrowed until the engine call ends; NULL unless tracked */
	enum fw_ctinfo ctinfo;

	/* effects so far; user's mark bits only */
	uint32_t mark;
	uint32_t priority;        /* skb->priority, where set_priority */
	bool set_priority;
	bool fill_csum;           /* the upper-layer checksum is to be completed (CHECKSUM) */

	/*
	 * Rewriting (ruleengine/packet/rewrite.h).  The first rule that changes the packet makes
	 * `pkt` point here: a copy of the view; the bytes are changed in place
	 * (pkt->writable).  Later rules of the hook so see, and counters count, what earlier ones
	 * made.  NULL: room for no copy, nothing can be changed.
	 */
	struct fw_packet *room;

	/* set by a match: drop at once whatever the rule says (xtables' hotdrop) */
	bool hotdrop;

	/* set by targets along with their verdict */
	enum fw_reject reject;    /* with FW_DROP */
	uint16_t queue;           /* with FW_QUEUE */
	bool queue_bypass;        /* with FW_QUEUE: accept when nobody listens there */
	const struct fw_use *nat; /* of the nat table: how to translate (fw/nat.h); or NULL */
	const struct fw_rule *assign; /* raw's -j CT that counts (fw/assign.h); or NULL */

	/* where we are: for LOG, trace and the drop ring */
	enum fw_table_id table;
	const struct fw_chain *chain;
	const struct fw_rule *rule;
	uint32_t number;          /* 1-based place of rule in chain */
};

#endif
