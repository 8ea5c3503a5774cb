/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flows that the kernel lets pass, as our side of the sets knows them: which key stands for
 * what, and on which counters its packets belong.
 *
 * One of these is a generation: it fills up, is retired whole and forgotten (offload.c).  Under
 * core->lock but for what has one owner only, once it is retired.
 */
#ifndef FWD_KERNEL_FLOWS_H
#define FWD_KERNEL_FLOWS_H

#include "fw/offer.h"
#include "kset.h"

/*
 * A key: everything that a verdict may depend on.
 *
 *	base chain | in- | out-interface | mark | protocol | source | destination | both ports
 *
 * With an echo's protocol goes its type, and its identifier stands for ports; ESP has none.
 */
enum {
	FWD_FLOW_BASE,
	FWD_FLOW_IN,
	FWD_FLOW_OUT,
	FWD_FLOW_MARK,
	FWD_FLOW_PROTO,
	FWD_FLOW_ENDS,
	FWD_FLOW_WORDS4 = FWD_FLOW_ENDS + 2 + 1,
	FWD_FLOW_WORDS6 = FWD_FLOW_ENDS + 8 + 1
};

#define FWD_FLOWS_NAME "flows" /* what the names of all their sets begin with */
#define FWD_FLOWS_MAX  16384 /* of a family; more are judged one packet after the other */
#define FWD_FLOWS_ROOM 65536 /* counters in all different ways together */
#define FWD_FLOWS_BATCH 128 /* sent at once: an edit waits for no longer than that takes */

struct fwd_flow {
	uint32_t key[FWD_FLOW_WORDS6];
	uint32_t next; /* in its bucket, + 1 */
	uint32_t way; /* the counters that its packets belong on */
	struct fw_counters taken; /* what they got so far */
	struct fw_tuple orig; /* what the tracker calls it */
	uint8_t dir;
	bool tracked; /* the tracker is to be told */
};

struct fwd_flows_of { /* a family */
	struct fwd_kset set;
	bool made; /* the set is there */
	uint32_t n, sent; /* known, and of these in the set */
	uint64_t wanted, ruled; /* fwd_flow_kind() of rules: that are needed, that there are */
	uint32_t bucket[FWD_FLOWS_MAX]; /* flow + 1 */
	struct fwd_flow flow[FWD_FLOWS_MAX];
};

struct fwd_flows {
	struct fwd_flows *next;
	uint64_t since; /* when the first was sent; 0: none was */
	bool cut; /* its rules are gone, or going, and must not come again: fwd_offload_cut() */
	uint64_t until_wall; /* from then on its rules let nothing pass, should nobody end it */
	unsigned int makes; /* of the table, when its sets were made */
	uint64_t era; /* core->era when it was retired */
	uint64_t key; /* of its hashes, for who sends chooses the ends */
	uint32_t ways; /* used of way[] */
	uint32_t way_bucket[256];
	uintptr_t way[FWD_FLOWS_ROOM]; /* rows of: next in bucket, how many, counters */
	struct fwd_flows_of of[FW_N_FAMILIES];
};

/* number: makes the names of its sets; key: random, of its hashes.  NULL: no memory. */
struct fwd_flows *fwd_flows_new(uint32_t number, uint64_t key);
void fwd_flows_free(struct fwd_flows *f); /* NULL */

/* Which interfaces are part of a key at a base chain; a hook's others are zero. */
bool fwd_base_has_in(unsigned int base);
bool fwd_base_has_out(unsigned int base);
/* The word of a key that has the protocol; type: an echo's, else 0. */
uint32_t fwd_flow_proto(uint8_t proto, uint8_t type);
/* A queued packet's key; false: it has none. */
bool fwd_flow_key(const struct fwd_msg *m, const struct fw_plan *plan, unsigned int mark_shift,
		  uint32_t key[FWD_FLOW_WORDS6]);
/* The rule that looks such keys up. */
static inline uint64_t fwd_flow_kind(unsigned int base, enum fw_offer_kind kind)
{
	return 1ull << (base * FW_N_OFFER_KINDS + kind);
}

/* known.c.  Nothing passes by itself any more: all rules go that let it.  Under nft->lock. */
void fwd_known_close(struct fwd_nft *nft);
/* Rules of these kinds, that let pass what is in a family's set. */
void fwd_known_rules(struct fwd_nft_batch *b, const struct fwd_flows *f, enum fw_family family,
		     uint64_t kinds, bool kct);

/* One more, that is not known; false: no room. */
bool fwd_flows_add(struct fwd_flows *f, enum fw_family family, enum fw_offer_kind kind,
		   const uint32_t *key, const struct fw_offer *offer);
struct fwd_flow *fwd_flows_find(struct fwd_flows *f, enum fw_family family, const uint32_t *key);
/* So much has its element counted: give its counters what they do not have.  Returns that. */
struct fw_counters fwd_flows_count(struct fwd_flows *f, struct fwd_flow *flow,
				   const struct fw_counters *now);

#endif
