/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extensions: one match or target is one file with one static descriptor.
 *
 * Data and state.  What the options say goes to `data`: a flat struct without pointers, zeroed
 * before parsing, so that two uses are the same exactly when their bytes are (-D, -C).  What an
 * extension remembers between packets goes to `state`: memory that belongs to the rule, lives as
 * long as the rule's identity and is never shared.
 */
#ifndef FW_EXT_H
#define FW_EXT_H

#include "fw/eval.h"
#include "fw/opt.h"
#include "fw/types.h"

/* One use of an extension in a rule. */
struct fw_use {
	const struct fw_ext *ext;
	void *data;         /* `size` bytes, owned by the rule */
	void *state;        /* ext->state_size bytes or NULL, owned by the rule */
	uint64_t set, inv;  /* rows of ext->opts that were given, and given with ! */
	uint32_t size;      /* <= ext->size (ext->used may have cut the tail) */
};

/* Was row `row` of the option table given; was it given with an exclamation mark? */
static inline bool fw_use_has(const struct fw_use *use, unsigned int row)
{
	return use->set >> row & 1;
}

static inline bool fw_use_inv(const struct fw_use *use, unsigned int row)
{
	return use->inv >> row & 1;
}

/* For check callbacks: row `from` was only another way to say row `to`. */
static inline void fw_use_move(struct fw_use *use, unsigned int from, unsigned int to)
{
	use->set = (use->set & ~(1ull << from)) | (use->set >> from & 1) << to;
	use->inv = (use->inv & ~(1ull << from)) | (use->inv >> from & 1) << to;
}

#define FW_NEED_TRACK   0x01 /* looks at the tracker: tracking must run */
#define FW_NEED_PAYLOAD 0x02 /* reads beyond the headers: full copies */
#define FW_NEED_QUOTE   0x04 /* makes an ICMP error: needs the bytes that it quotes (1232) */
#define FW_NEED_CSUM    0x08 /* must know whether checksums hold */
#define FW_NEED_PKTTYPE 0x10 /* meta.pkttype must be filled */
#define FW_NEED_UID     0x20 /* meta.uid/gid */
#define FW_NEED_SYN     0x40 /* changes TCP SYNs: those must come whole and writable */
#define FW_NEED_WRITE   0x80 /* changes any packet: the same for all */
#define FW_NEED_ANY_WRITE (FW_NEED_SYN | FW_NEED_WRITE)

#define FW_NEED_FLOWS   0x0400 /* looks at what flows have become: the tracker must meet each packet */
#define FW_NEED_EACH    0x0800 /* tells apart packets of an established flow that offers take for
                                * alike (fw/offer.h): none is to be made */
#define FW_NEED_NAT     0x1000 /* translates: the kernel tracks, and is told what to do */
#define FW_NEED_KCT     0x2000 /* tells the kernel's tracker something */
#define FW_NEED_EXPECTED 0x4000 /* has to know expected connections from their first packet on */
#define FW_NEED_ACCT    0x8000 /* looks at flows' packets and bytes: none may pass uncounted */
#define FW_NEED_ALL     0xfcff

/* FIN, SYN, RST, ACK, URG: what a segment in the middle of a connection has of them is ACK alone */
#define FW_TCP_STEADY_MASK 0x37
#define FW_TCP_STEADY	   0x10

#define FW_EXT_STATEFUL 0x10000 /* evaluation has a side effect (limit, recent, quota …): a
                               * classifier may not use conditions that stand behind it, and must
                               * evaluate it exactly when a plain walk would */

#define FW_EXT_INVARIANT 0x20000 /* says and does what follows from facts that the flow cache compares
                               * (struct flow_key, ruleengine/engine/cache.h) and from e->mark,
                               * changes nothing but e->mark: need not be asked again for a packet
                               * in which they are the same.  See also `varies` */

#define FW_EXT_OF_FLOW 0x40000 /* INVARIANT, and of those facts it asks only for what all packets of an
                              * established flow have in common in one direction at one hook:
                              * addresses, ports, interfaces, mark, state, ICMP's type and code; TCP
                              * flags where `needs` says FW_NEED_EACH if it matters (fw/offer.h) */

#define FW_EXT_DROPS 0x80000 /* may drop a packet outright (hotdrop) for other reasons than that its
                              * upper-layer header is incomplete (fw_packet.l4_ok), such as options
                              * that do not end: what stands behind it in a rule cannot be used to
                              * skip the rule.  Where only some uses do: fw_fields_barrier() */

#define FW_EXT_LOCKED 0x100000 /* attach() meets what packets of other rules see, as a list that has
                              * this name already */

struct fw_claims; /* fw/offer.h */
struct fw_fields; /* fw/classify.h */
struct fw_generic; /* fw/ruleset.h */
struct fw_owners; /* fw/owners.h */
struct fw_tx_env; /* fw/tx.h */
struct fw_source; /* fw/source.h */

struct fw_ext {
	const char *name;
	bool target;             /* else a match */
	const char *summary;     /* one line, for help and manual */
	const char *listed;      /* what -L calls it; NULL: name */
	uint8_t families;        /* mask of 1 << enum fw_family; 0: both */
	uint8_t tables;          /* FW_TABLE_BIT mask; 0: all */
	uint8_t hooks;           /* FW_HOOK_BIT mask from which it may be reached; 0: all */
	uint8_t proto;           /* rule must have -p of this number (tcp, udp, icmp …); 0: any */
	uint32_t flags;          /* FW_NEED_*, FW_EXT_* */
	uint32_t size;           /* of data */
	uint32_t state_size;     /* of state; 0: none */
	const struct fw_opt *opts; /* may be NULL */

	/* Defaults before the first option is read; data is zeroed.  May be NULL. */
	void (*init)(const struct fw_parse_ctx *ctx, struct fw_use *use);
	/* After the last option; may set what follows from the others.  May be NULL. */
	int (*check)(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err);
	/* A target that makes sense only beside certain matches or with -p looks for them.  0, or -EINVAL with
	 * err.  May be NULL. */
	int (*beside)(const struct fw_use *use, const struct fw_generic *gen,
		      const struct fw_use *matches, unsigned int n_matches, struct fw_err *err);
	/* Hooks from which this use may be reached, where that depends on its options: narrows
	 * `hooks`.  Ask fw_use_hooks().  May be NULL. */
	unsigned int (*places)(const struct fw_use *use);
	/* What this use needs beyond `flags` (FW_NEED_*), where that depends on its options.  May be
	 * NULL. */
	uint16_t (*needs)(const struct fw_use *use);
	/* Bytes of data really used (comment text); NULL: size. */
	uint32_t (*used)(const struct fw_use *use);
	/* More help after the option rows (names of ICMP types …).  May be NULL. */
	void (*help)(enum fw_family family, struct fw_buf *out);
	/* Print as `-L` does, instead of the default. */
	void (*list)(const struct fw_use *use, enum fw_family family, bool numeric,
		     struct fw_buf *out);

	/* The rule joins, or leaves for good, a published ruleset: take and release shared objects
	 * (recent lists), start the state.  By the thread that edits; detach under the engine lock,
	 * attach (and what undoes it) only with FW_EXT_LOCKED.  attach: 0, or -EINVAL with err and
	 * nothing taken.  May be NULL. */
	int (*attach)(const struct fw_use *use, struct fw_world *world, uint64_t now,
		      struct fw_err *err);
	void (*detach)(const struct fw_use *use, struct fw_world *world);

	/* FW_EXT_INVARIANT, but with these options not.  Pure.  May be NULL: never. */
	bool (*varies)(const struct fw_use *use);

	/* May this use stand in the ruleset of this daemon?  Refuses what only the daemon knows to be
	 * taken: its own mark bits, its own queues.  Pure; asked when a transaction is prepared.
	 * 0, or -EINVAL with err.  May be NULL. */
	int (*deploy)(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err);

	/* Which users and groups this use tells apart: add them.  0, or -1: no room.  NULL: none. */
	int (*owners)(const struct fw_use *use, struct fw_owners *o);

	/* A match: does the packet match?  Negation of options is the extension's (use->inv). */
	bool (*match)(const struct fw_use *use, struct fw_eval *e);
	/* A target: what now?  FW_CONTINUE for those that do not end the walk. */
	enum fw_verdict (*run)(const struct fw_use *use, struct fw_eval *e);

	/* A match: does it match all packets of a source, none, or some (enum fw_tri, fw/source.h)?
	 * FW_YES and FW_NO only where asking has no effect, or one that it notes in src->path.
	 * NULL: some. */
	int (*by_source)(const struct fw_use *use, struct fw_source *src);

	/* A match that is no FW_EXT_OF_FLOW, about to be asked: will it say the same of all packets
	 * that differ from this one in what FW_EXT_OF_FLOW may not look at, and have no effect?  If
	 * so until somebody comes on a list, that is added to `claims` (fw/offer.h).  NULL: no. */
	bool (*claim)(const struct fw_use *use, const struct fw_eval *e, struct fw_claims *claims);

	/* What a match constrains, for the classifier: add to `f` conditions that are implied by a
	 * match (never stricter).  Return true when they are exactly equivalent, so that evaluation
	 * may be skipped.  NULL: nothing known.
	 *
	 * Both speak only of packets whose upper-layer header is there: no later fragment, and
	 * l4_ok or a protocol without ports and types.  Of the others match() decides, for it may
	 * also hot-drop (xtables drops what is too short to be looked at), so a classifier walks
	 * those packets rule by rule. */
	bool (*fields)(const struct fw_use *use, enum fw_family family, struct fw_fields *f);
};

/* The hooks from which this use may be reached (FW_HOOK_BIT mask). */
static inline unsigned int fw_use_hooks(const struct fw_use *use)
{
	unsigned int hooks = use->ext->hooks ? use->ext->hooks : FW_HOOKS_ALL;

	return use->ext->places ? hooks & use->ext->places(use) : hooks;
}

/* Every extension, in a fixed order; *n set.  Static. */
const struct fw_ext *const *fw_ext_list(size_t *n);
/* By name, kind and family; NULL: none. */
const struct fw_ext *fw_ext_find(const char *name, bool target, enum fw_family family);
/* What to tell about a name that fw_ext_find() does not know: "known to iptables, not in fwd yet"
 * or why a queue cannot do it; NULL: iptables does not know it either.  Static. */
const char *fw_ext_unsupported(const char *name, bool target);

#endif
