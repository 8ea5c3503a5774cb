/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine is handed instead of reaching for it: the daemon, the simulator, a test or a
 * fuzzer each give it their own.  The engine keeps no state outside of these objects and the
 * rules' own.
 *
 * Threads: everything that takes the same world is called by one thread at a time (the daemon's
 * engine lock).  Rule counters may be read at any time by anyone (relaxed atomics).
 */
#ifndef FW_WORLD_H
#define FW_WORLD_H

#include "fw/types.h"

struct fw_ct;
struct fw_recent;
struct fw_hashlimit;
struct fw_flow_cache;
struct fw_offer;
struct fw_eval;
struct fw_packet;
struct fw_tuple;
struct fw_rule;
struct fw_chain;
struct fw_names;

/* Values of RTN_* (include/uapi/linux/rtnetlink.h), for -m addrtype. */
enum fw_addrtype {
	FW_ADDR_UNSPEC, FW_ADDR_UNICAST, FW_ADDR_LOCAL, FW_ADDR_BROADCAST, FW_ADDR_ANYCAST,
	FW_ADDR_MULTICAST, FW_ADDR_BLACKHOLE, FW_ADDR_UNREACHABLE, FW_ADDR_PROHIBIT, FW_ADDR_THROW,
	FW_ADDR_NAT, FW_ADDR_XRESOLVE, FW_N_ADDRTYPES
};

#define FW_BACK_UNICAST 0x1
#define FW_BACK_LOCAL   0x2
#define FW_BACK_HERE    0x4 /* it leads out of the interface by which the packet came */

/*
 * Questions to the outside.  Called by whoever runs the engine, with what guards the world held: they
 * must not run the engine, and must answer at once (the daemon asks the kernel by a system call
 * where it has to: mtu, no_route, realm, way_back, connection).  What they cannot find out is
 * answered as where there is no such function.  Marks are the user's bits only.
 */
struct fw_world_ops {
	/* A LOG rule fired: one line, without newline, as the kernel's nf_log_syslog words it.
	 * Must not block.  level: 0..7 as syslog.  NULL: discarded. */
	void (*log)(void *priv, int level, const char *line, size_t len);

	/* Mask of 1 << RTN_* that hold for addr, as xt_addrtype would see it; ifindex 0: any
	 * interface.  NULL: the match can never hold (0). */
	unsigned int (*addrtype)(void *priv, enum fw_family family, const union fw_addr *addr,
				 uint32_t ifindex);

	/* The MTU, in bytes, of the path that a packet to addr takes, out of interface oif (0: any) and with
	 * this mark, as the kernel's dst_mtu() tells; 0: no route, unknown.  NULL: unknown. */
	uint32_t (*mtu)(void *priv, enum fw_family family, const union fw_addr *addr, uint32_t oif,
			uint32_t mark);

	/* Will the kernel drop this packet, seen in PREROUTING, when it looks for its way?  Whether
	 * it has hops left is not asked.  NULL: it never does. */
	bool (*no_route)(void *priv, const struct fw_packet *pkt);

	/* The group of an interface.  NULL: 0, as of all that were put into none. */
	uint32_t (*group)(void *priv, uint32_t ifindex);

	/* The realms of an IPv4 packet's route, as the kernel's dst->tclassid.  NULL: 0. */
	uint32_t (*realm)(void *priv, const struct fw_packet *pkt, uint32_t mark);

	/* The route back to where a packet came from: FW_BACK_* that hold.  loose: the interface does
	 * not matter.  NULL: there is none. */
	unsigned int (*way_back)(void *priv, const struct fw_packet *pkt, uint32_t mark,
				 bool loose);

	/* The kernel's time zone: minutes west of Greenwich.  NULL: there. */
	int (*minutes_west)(void *priv);

	/* While the kernel tracks: both tuples of its connection that has this one.  false: it knows
	 * none.  NULL: nobody to ask. */
	bool (*connection)(void *priv, const struct fw_tuple *tuple, struct fw_tuple *orig,
			   struct fw_tuple *reply);

	/* While the kernel tracks: REJECT resets this TCP connection, known by its first packet's ends.
	 * NULL: nobody to tell. */
	void (*closed)(void *priv, const struct fw_tuple *orig);

	/* Called for each rule that was looked at (explain, trace); usually NULL.  matched tells
	 * whether all its matches held; rule NULL: the chain's policy decided. */
	void (*trace)(void *priv, const struct fw_eval *e, enum fw_table_id table,
		      const struct fw_chain *chain, uint32_t number, const struct fw_rule *rule,
		      bool matched);
};

/*
 * What rules have let go of and no packet can reach: big things, to be freed when nobody waits.  The
 * node lies in the thing.
 */
struct fw_remains {
	struct fw_remains *next;
	void (*free)(struct fw_remains *remains);
};

struct fw_world {
	struct fw_ct *ct;          /* never NULL in the daemon; NULL in tests without tracking */
	struct fw_recent *recent;  /* the same */
	struct fw_names *hashlimits; /* NULL at first; rules make and remove what is in it */
	struct fw_remains *remains; /* NULL at first; of the thread that edits */
	struct fw_flow_cache *cache; /* NULL: every packet walks (fw/flowcache.h) */
	struct fw_offer *offer;    /* NULL: nobody would take a flow over (fw/offer.h) */
	const struct fw_world_ops *ops; /* may be NULL */
	void *priv;
	uint64_t rng;              /* state of fw_world_random(); seeded by the owner */
};

/* Called by extensions' detach(). */
static inline void fw_world_bury(struct fw_world *w, struct fw_remains *remains,
				 void (*free)(struct fw_remains *remains))
{
	remains->free = free;
	remains->next = w->remains;
	w->remains = remains;
}

/* By the thread that edits, behind detaching; what else guards the world need not be held. */
static inline void fw_world_reclaim(struct fw_world *w)
{
	while (w->remains) {
		struct fw_remains *remains = w->remains;

		w->remains = remains->next;
		remains->free(remains);
	}
}

/* 32 pseudo-random bits (splitmix64), for any thread; for -m statistic and the like, not for secrets. */
static inline uint32_t fw_world_random(struct fw_world *w)
{
	const uint64_t step = 0x9e3779b97f4a7c15ull;
	uint64_t z = __atomic_add_fetch(&w->rng, step, __ATOMIC_RELAXED);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

#endif
