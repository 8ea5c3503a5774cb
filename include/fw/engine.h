/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet at one hook: all tables in order, tracking in its place, counters, verdict.
 *
 * Pure: bytes, metadata and a time in; a verdict and effects out.  Threads: one at a time for a
 * world.  Never allocates (the jump stack is the caller's), never blocks.
 */
#ifndef FW_ENGINE_H
#define FW_ENGINE_H

#include "fw/ct.h"
#include "fw/eval.h"
#include "fw/ruleset.h"

/* How tracking is laid over the hooks; made from fw_needs by fw_plan_make(). */
struct fw_plan {
	bool queue[FW_N_FAMILIES][FW_N_HOOKS];   /* hook carries a queue rule */
	bool count[FW_N_FAMILIES][FW_N_HOOKS];   /* not queued, but policies count its packets */
	bool track[FW_N_FAMILIES];               /* tracking runs */
	bool track_here[FW_N_FAMILIES][FW_N_HOOKS]; /* this hook is a tracking point (packets that
	                                          * came in through loopback were tracked at OUTPUT) */
	bool dying[FW_N_FAMILIES];               /* PREROUTING is visited only by packets that may
	                                          * come no further, and only to be tracked */
	bool last[FW_N_FAMILIES][FW_N_HOOKS];    /* no later queued hook on a packet's way: confirm */
	uint16_t flags[FW_N_FAMILIES];           /* FW_NEED_* */
	/*
	 * The kernel tracks, because something needs it (translation); then its word is every
	 * packet's state, told with the packet at each hook, and our tracker keeps what else rules
	 * ask for.  Never taken back while the daemon runs.
	 */
	bool kct;
	bool nat[FW_N_FAMILIES][FW_N_HOOKS];     /* the nat table has rules here */
	bool nat_only[FW_N_FAMILIES][FW_N_HOOKS];/* ... and no other: not queued but for packets whose
	                                          * translation is pending */
	bool raw[FW_N_FAMILIES][FW_N_HOOKS];     /* raw has a visit of its own, ahead of the tracking */
	bool assigns;                            /* ... and may tell the tracker something */
	bool expected;                           /* expected connections' first packets have a visit of
	                                          * their own, behind the tracking */
	bool exceeded[FW_N_FAMILIES];            /* we tell who sent a first packet without hops, for
	                                          * the kernel's words would be lost in a queue */
	bool count_behind[FW_N_FAMILIES];        /* OUTPUT's policies count behind the translation */
	bool split[FW_N_FAMILIES];               /* OUTPUT is visited twice, ahead of and behind the
	                                          * translation */
	uint8_t write[FW_N_FAMILIES][FW_N_HOOKS]; /* FW_NEED_SYN, FW_NEED_WRITE: packets of this hook
	                                          * must be whole and writable */
	struct fw_owners owners;                 /* whom rules tell apart */
};
void fw_plan_make(const struct fw_needs *needs, struct fw_plan *ret);

struct fw_frame { /* where to go on after a jump */
	const struct fw_chain *chain;
	uint32_t next; /* 0-based place in chain */
};

struct fw_decision {
	enum fw_verdict verdict;   /* ACCEPT, DROP or QUEUE */
	uint32_t mark;             /* user's bits after all rules */
	uint8_t ctinfo;            /* enum fw_ctinfo to carry in our mark bits to later hooks, or
	                            * FW_CT_NONE: later hooks find out by themselves */
	enum fw_reject reject;     /* with DROP */
	enum fw_ctinfo reply_ctinfo; /* with reject: what the reply is to the tracker (RELATED_REPLY
	                            * …), or NONE when the packet had no flow */
	uint16_t queue;            /* with QUEUE */
	bool queue_bypass;
	uint8_t reply_nat;         /* with reply_ctinfo: FW_CTS_SRC_NAT, FW_CTS_DST_NAT of the flow */
	bool reply_asks_nat;       /* the reply will ask nat in POSTROUTING, as its flow never did */
	const struct fw_use *nat;  /* with ACCEPT: how to translate (fw/nat.h), or NULL */
	const struct fw_rule *assign; /* with ACCEPT, of raw's own visit: what the kernel's tracker is
	                            * to be told (fw/assign.h), or NULL */
	bool set_priority;         /* CLASSIFY */
	uint32_t priority;
	/*
	 * Rules changed the packet: its bytes from pkt->writable on are to replace it, this many
	 * of them; 0: it stays.  Checksums were kept right by difference, so one that was never
	 * computed (FW_PKT_CSUM_PARTIAL) must be now, in full: fw_packet_fill_csum().
	 */
	uint32_t new_len;
	bool reroute;              /* mangle changed the mark: in OUTPUT the kernel routes anew then;
	                            * for what other tables make of it, it does not */
	bool offered;              /* world->offer tells what need not come here any more */
	/* who decided: for the drop ring and explain; borrowed from the ruleset */
	enum fw_table_id table;
	const struct fw_chain *chain;
	const struct fw_rule *rule; /* NULL: policy of chain, or (chain NULL) the engine itself */
	uint32_t number;
};

/*
 * @pkt    its bytes are changed in place where it is `writable` and rules say so
 * @stack  FW_MAX_DEPTH frames of scratch
 * @now    monotonic ns; @wall ns since the epoch
 */
void fw_engine_run(const struct fw_ruleset *rs, const struct fw_plan *plan, struct fw_world *world,
		   const struct fw_packet *pkt, uint64_t now, uint64_t wall, struct fw_frame *stack,
		   struct fw_decision *ret);

/* The same, but every chain rule by rule, compiled programs ignored: the reference for tests. */
void fw_engine_run_plain(const struct fw_ruleset *rs, const struct fw_plan *plan,
			 struct fw_world *world, const struct fw_packet *pkt, uint64_t now,
			 uint64_t wall, struct fw_frame *stack, struct fw_decision *ret);

#endif
