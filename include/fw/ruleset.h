/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules, chains, tables, and snapshots of all of them.
 *
 * A published snapshot (struct fw_ruleset) never changes.  An edit (struct fw_tx) makes a new one
 * that shares every rule, chunk, chain and table that it did not touch.  Two things in a rule do
 * change while it is published: its counters and its extensions' state; they belong to the rule's
 * identity, which is the struct fw_rule itself, and so survive edits around it.
 *
 * References between chains are slots (numbers), not pointers, so that a chain may be replaced
 * without touching the rules that jump to it.
 */
#ifndef FW_RULESET_H
#define FW_RULESET_H

#include "fw/ext.h"
#include "fw/owners.h"

#define FW_CHUNK_RULES 256 /* rules per chunk at most: what one edit copies */
#define FW_MAX_DEPTH   512 /* nested jumps; deeper is refused (the kernel's nft stops at 16) */
#define FW_MAX_MATCHES 64  /* in one rule */
#define FW_MAX_RULES   2000000 /* in one table; bounds what one text can make of our memory */
#define FW_MAX_CHAINS  1000000 /* the same */

#define FW_INV_SRC   0x01
#define FW_INV_DST   0x02
#define FW_INV_IN    0x04
#define FW_INV_OUT   0x08
#define FW_INV_PROTO 0x10
#define FW_INV_FRAG  0x20

/* The generic matches.  All-zero matches everything. */
struct fw_generic {
	union fw_addr src, src_mask, dst, dst_mask; /* src and dst already masked */
	char in[FW_IFNAMSIZ], out[FW_IFNAMSIZ];     /* as written, with a trailing '+' if any */
	uint8_t in_cmp, out_cmp; /* bytes of the name that must be equal: 0 any; with the NUL for
	                          * an exact name, without for NAME+ */
	uint8_t proto;           /* 0: any */
	bool frag;               /* -f (IPv4): second and later fragments */
	uint8_t inv;             /* FW_INV_* */
};

struct fw_counters {
	uint64_t packets, bytes; /* written under the engine lock, read anywhere (relaxed) */
};

/* Under the engine lock. */
static inline void fw_counters_add(struct fw_counters *to, const struct fw_counters *more)
{
	__atomic_store_n(&to->packets, to->packets + more->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&to->bytes, to->bytes + more->bytes, __ATOMIC_RELAXED);
}

struct fw_rule {
	uint32_t refs;           /* control thread only */
	uint8_t family;          /* enum fw_family */
	uint8_t verdict;         /* enum fw_verdict of a built-in target: ACCEPT, DROP, RETURN, JUMP,
	                          * GOTO; CONTINUE when there is no target or `target` decides */
	uint8_t n_matches;
	uint16_t needs;          /* FW_NEED_* of its extensions */
	bool attached;           /* its extensions joined the living world; control thread only */
	uint32_t jump;           /* JUMP, GOTO: slot of the chain in its table */
	uint32_t hash;           /* equal rules have equal ones; set when the rule joins a chain */
	uint64_t id;             /* unique while the daemon runs; for metrics and traces */
	struct fw_counters counters;
	struct fw_generic gen;
	struct fw_use target;    /* target.ext NULL: `verdict` says all */
	struct fw_use matches[]; /* in the order given */
};

/* What an edit and fw_ruleset_needs() must know of many rules without touching each. */
struct fw_chunk {
	uint32_t refs;
	uint32_t n, cap;         /* rules, and places for them: <= FW_CHUNK_RULES */
	bool sealed;             /* the summary below holds; always so once published */
	bool fresh;              /* has rules that are not published yet */
	bool stateful;           /* some rule's extension is FW_EXT_STATEFUL */
	bool limited;            /* some extension may not stand everywhere (tables, hooks) */
	bool queues;             /* some rule may end with FW_QUEUE */
	uint16_t needs;          /* FW_NEED_* of all rules */
	uint32_t n_jumps;
	uint32_t *jumps;         /* chains that rules lead to: slot << 1 | is goto; no neighbours equal */
	struct fw_rule *rules[]; /* cap places, then cap hashes (uint32_t) */
};

struct fw_tx_env; /* fw/tx.h */
struct fw_program; /* compiled form, ruleengine/classify; NULL: walk the rules */

struct fw_chain {
	uint32_t refs;
	uint32_t slot;
	uint32_t n_rules, n_chunks;
	uint32_t users;          /* rules of the table that jump or go here */
	bool builtin;
	uint8_t hook;            /* builtin: enum fw_hook */
	uint8_t policy;          /* builtin: FW_ACCEPT or FW_DROP */
	uint8_t reach;           /* FW_HOOK_BIT mask: from where packets may come here */
	bool queues;             /* some rule may end with FW_QUEUE */
	char name[FW_NAME_SIZE];
	struct fw_counters *policy_counters; /* builtin; shared by all versions of the chain */
	struct fw_program *program;
	struct fw_chunk **chunks;
};

struct fw_index; /* chains by name; ruleengine/model/index.c */

struct fw_table {
	uint32_t refs;
	enum fw_table_id id;
	enum fw_family family;
	bool touched;            /* some transaction named it: save prints it */
	uint32_t n_slots;        /* chains[] has holes (NULL) */
	struct fw_chain **chains;
	uint32_t builtin[FW_N_HOOKS]; /* slot, or UINT32_MAX where the table has no such chain */
	uint32_t depth;          /* deepest nesting of jumps from a builtin chain */
	uint64_t n_rules;
	struct fw_index *index;  /* shared by versions with the same chains */
	uint32_t n_chains;
	uint32_t free_hint;      /* no hole in chains[] below this */
};

struct fw_ruleset {
	uint32_t refs;
	uint64_t next_rule_id;   /* what the next new rule is called */
	uint64_t generation;     /* one more with each published transaction */
	struct fw_table *tables[FW_N_FAMILIES][FW_N_TABLES]; /* never NULL */
};

/* What the kernel side must provide for a ruleset. */
struct fw_needs {
	bool hook[FW_N_FAMILIES][FW_N_HOOKS];  /* some rule or DROP policy at this hook */
	bool idle[FW_N_FAMILIES][FW_N_HOOKS];  /* nothing to decide there, but some table that is in
	                                        * use has a policy whose counters go up (not nat's:
	                                        * it sees first packets only) */
	bool track[FW_N_FAMILIES];             /* some rule looks at the tracker */
	uint16_t flags[FW_N_FAMILIES];         /* FW_NEED_* of all rules */
	bool kct;                              /* the kernel has to track */
	uint8_t tables[FW_N_FAMILIES][FW_N_HOOKS];  /* FW_TABLE_BIT: rules or a DROP policy here */
	uint8_t touched[FW_N_FAMILIES];        /* FW_TABLE_BIT: has counting policies */
	uint8_t write[FW_N_FAMILIES][FW_N_HOOKS]; /* FW_NEED_SYN, FW_NEED_WRITE: rules that may be met
	                                        * there change packets */
	struct fw_owners owners;               /* whom they tell apart */
	bool too_many_owners;                  /* more than fit there: a transaction refuses that */
};

/* The tables one hook visits, in the kernel's order.  Returns how many.  Static. */
size_t fw_hook_tables(enum fw_hook hook, const enum fw_table_id **ret);

/* A snapshot with every table's built-in chains, empty, policy ACCEPT.  NULL: no memory. */
struct fw_ruleset *fw_ruleset_new(void);
struct fw_ruleset *fw_ruleset_ref(struct fw_ruleset *rs);
/* Drops a reference; the last one detaches (world) and frees what no other snapshot shares.
 * Control thread, engine lock NOT held (it takes env->lock around detaching); env may be NULL.
 * Returns NULL. */
struct fw_ruleset *fw_ruleset_unref(struct fw_ruleset *rs, const struct fw_tx_env *env);

void fw_ruleset_needs(const struct fw_ruleset *rs, struct fw_needs *ret);
/* Whom the owner rules of all tables tell apart.  0, or -1: more than can be told (a transaction
 * refuses that). */
int fw_ruleset_owners(const struct fw_ruleset *rs, struct fw_owners *ret);

const struct fw_chain *fw_table_chain(const struct fw_table *table, const char *name); /* or NULL */
/* 1-based; NULL beyond the end. */
struct fw_rule *fw_chain_rule(const struct fw_chain *chain, uint32_t number);
/* Chains in the order of -S and save: built-in ones by hook, then users' by name.  Allocates an
 * array of n pointers (free() it); NULL: no memory. */
const struct fw_chain **fw_table_sorted(const struct fw_table *table, size_t *n);

/* Does the generic part match?  Pure. */
bool fw_generic_match(const struct fw_generic *g, const struct fw_packet *pkt);
/* Where it does not match: does the kernel drop the packet for asking?  Only IPv6 packets without
 * has_proto, at a rule with -p whose addresses and interfaces match.  Pure. */
bool fw_generic_hotdrop(const struct fw_generic *g, const struct fw_packet *pkt);
bool fw_generic_equal(const struct fw_generic *a, const struct fw_generic *b);
/* Same meaning and same words: generic part, matches in order, target.  Counters do not count. */
bool fw_rule_equal(const struct fw_rule *a, const struct fw_rule *b);

#endif
