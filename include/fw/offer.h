/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine offers to do without it: packets of one flow, in one direction at one hook.
 *
 * Offered is what rules cannot tell apart.  The flow is established in both directions and has
 * earned it (fw_ct_config.offer_every); its packet was accepted as it came, and everything on its
 * way through the tables followed from what all those packets have in common (FW_EXT_OF_FLOW): so
 * each of them would be accepted, and count on the same rules and policies.  Whoever takes an
 * offer over lets such packets pass, counts them, and hands the counts in: to `counters`, and to
 * fw_ct_passed() where the tracker would have looked at them.
 *
 * Where no rule of a family makes the tracker look (fw_plan.track), rules know no states, and a flow
 * is one direction on its own: it has earned it by as many packets.
 *
 * Covered are packets of the kinds below.  Of TCP that is segments which are FW_TCP_STEADY, of ICMP
 * echoes; other packets of the flow, and those that carry one of our mark bits, are to be judged one by
 * one as before.
 *
 * An offer is good while ruleset and plan stay in force, and as long as its claims hold: that lists
 * do not have an address, for then rules which ask for it say the same each time, and do nothing.
 * Who takes an offer has the lists watch them (fw_recent_watch()).  It must be taken back within
 * half of min_left_s: a flow whose packets nobody sees looks like one that has ended.
 *
 * The tracker goes on with what it sees.  It knows no windows of such a flow and so holds nothing
 * against its segments; a FIN counts as acknowledged, for the acknowledgement may pass unseen.
 *
 * Threads: as the tracker's (world.h).  `now` is monotonic, in nanoseconds.  Nothing here allocates
 * or fails; of ends that the tracker knows no flow of nothing is noted.
 */
#ifndef FW_OFFER_H
#define FW_OFFER_H

#include "fw/ct.h"

#define FW_OFFER_MAX  120 /* counters; packets that count more often are not offered */
#define FW_OFFER_CLAIMS 8 /* claims: the same */
#define FW_OFFER_HEAT 1024 /* flows that nobody tracks and that are counted at a time */

struct fw_recent_list;

/* What holds for all packets of a flow until somebody is put on a list; each once. */
struct fw_claims {
	uint32_t n;
	struct {
		struct fw_recent_list *list; /* does not have … */
		union fw_addr addr; /* … this one, an end of the packet */
	} claim[FW_OFFER_CLAIMS];
};

/* For extensions (fw_ext.claim): one more; false: no room. */
bool fw_claims_add(struct fw_claims *claims, struct fw_recent_list *list,
		   const union fw_addr *addr);

struct fw_offer {
	uint32_t min_left_s; /* to be set: flows that may expire sooner are not offered … */
	uint32_t every; /* … nor, untracked, with fewer packets: fw_ct_config.offer_every */
	uint32_t heat[FW_OFFER_HEAT]; /* the engine's, zero at first: a flow's hash | its packets */
	/* valid until the next packet where a decision is `offered` */
	struct fw_tuple orig; /* the flow; untracked, the packet's own ends … */
	enum fw_ct_dir dir;
	bool tracked; /* … and whether this hook is where the tracker looks at it */
	uint32_t n;
	struct fw_counters *counters[FW_OFFER_MAX]; /* borrowed from the ruleset */
	struct fw_claims claims; /* the lists are borrowed, too */
};

enum fw_offer_kind {
	FW_OFFER_TCP,
	FW_OFFER_UDP,
	FW_OFFER_ASKS, /* echo requests, and the … */
	FW_OFFER_ANSWERS, /* … replies; of both families, code 0 */
	FW_OFFER_ESP,
	FW_N_OFFER_KINDS
};

/* Of which kind it is, as far as the packet shows it; FW_N_OFFER_KINDS: of none. */
enum fw_offer_kind fw_offer_kind(const struct fw_packet *pkt);
/* The ICMP type of echo requests or replies. */
uint8_t fw_offer_echo(enum fw_family family, enum fw_offer_kind kind);

/* For the engine: has this direction seen as many packets, since it was asked last, as it takes? */
bool fw_ct_due(const struct fw_flow *flow, enum fw_ct_dir dir);
/* … and may packets of this flow pass? */
bool fw_ct_may_pass(const struct fw_ct *ct, const struct fw_flow *flow, uint64_t now,
		    uint32_t min_left_s);

/* So many packets passed since the last call, with so many IP bytes, that the tracker did not see:
 * the flow lives on, and they are counted. */
void fw_ct_passed(struct fw_ct *ct, const struct fw_tuple *orig, enum fw_ct_dir dir,
		  uint64_t packets, uint64_t bytes, uint64_t now);

/*
 * Packets of the flow with these ends pass from now on without the tracker, which bears that in mind
 * (offer.tracked).  To be said when an offer is taken; and again when a segment that begins or ends
 * a connection was run whose ends are those of an offer still in force, for they may be in use again.
 */
void fw_ct_unseen(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now);

/* From now on the tracker sees all of this direction again; the next one is due. */
void fw_ct_seen_again(struct fw_ct *ct, const struct fw_tuple *orig, enum fw_ct_dir dir,
		      uint64_t now);

#endif
