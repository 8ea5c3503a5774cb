/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the rules drop whatever a source sends, and always on the same way?
 *
 * A flood's packets need not all be judged: where the source alone decides, one answer holds for
 * all of them, and somebody else (the kernel) may drop them and tell how many there were.
 *
 * What is known of such packets: family, hook, in-interface, protocol, source.  Of every rule on
 * the way these must tell whether it matches; a rule that depends on more ends the question, and so
 * does whatever has an effect that is not counting.  An answer holds until the ruleset or its plan
 * changes, or a list that it rests on (fw_recent_lost()), or `until`.
 *
 * Threads: as the world's (world.h).
 */
#ifndef FW_SOURCE_H
#define FW_SOURCE_H

#include "fw/engine.h"

#define FW_SOURCE_COUNTERS 64 /* longer ways are not worth it */
#define FW_SOURCE_LISTS	   4
#define FW_SOURCE_RULES	   4096 /* looked at, before the question is given up */

enum fw_source_scope {
	FW_SOURCE_ALL, /* all packets that belong to no connection */
	/* … that begin one: where the kernel tracks, those it says so of; else UDP's, and of TCP
	 * plain SYNs.  (The tracker would tell those with a bad checksum from them.) */
	FW_SOURCE_NEW,
	FW_N_SOURCE_SCOPES
};

struct fw_recent_list;

/* A way to the drop. */
struct fw_source_path {
	enum fw_source_scope scope;
	/* The tracker must not miss packets of connections: the answer is for a source that has
	 * none of this protocol, as long as it has none. */
	bool no_flows;
	uint64_t until; /* monotonic ns; UINT64_MAX: does not end by itself … */
	uint64_t idle; /* … but when no packet came for so many ns; UINT64_MAX: not so either */
	uint32_t n_counters;
	struct fw_counters *counters[FW_SOURCE_COUNTERS]; /* each goes up with every packet */
	uint32_t n_lists;
	struct {
		struct fw_recent_list *list; /* has the source */
		uint64_t number; /* fw_recent_number() */
		uint64_t entry; /* for who holds it: fw_recent_hold() */
		bool update; /* each packet is a new time of last use */
	} lists[FW_SOURCE_LISTS];
	/* who drops, as in struct fw_decision */
	enum fw_table_id table;
	const struct fw_chain *chain;
	const struct fw_rule *rule;
	uint32_t number;
};

/*
 * @pkt    one of the source's packets, as the engine was given it
 * @stack  FW_MAX_DEPTH frames of scratch
 *
 * True: *ret is filled.
 */
bool fw_source_dropped(const struct fw_ruleset *rs, const struct fw_plan *plan,
		       const struct fw_packet *pkt, uint64_t now, struct fw_frame *stack,
		       struct fw_source_path *ret);

/* ---- for extensions (fw_ext.by_source) ------------------------------------------------------- */

enum fw_tri { FW_NO, FW_YES, FW_MAYBE };

/* All packets of a source, as a match sees them. */
struct fw_source {
	const struct fw_packet *pkt; /* family, src, proto, meta.hook and meta.in_name are theirs */
	unsigned int states; /* 1 << enum fw_ctinfo: those that there may be; 0: not known */
	uint64_t now;
	struct fw_source_path *path; /* what the answer rests on may be added */
};

#endif
