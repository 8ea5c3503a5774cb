/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: restore text in, a new snapshot out, or an error and nothing changed.
 *
 *	fw_tx_new(base)  ►  fw_tx_apply(text) …  ►  fw_tx_prepare
 *		►  fw_tx_publish  ►  fw_tx_set_counters  ►  fw_tx_free
 *
 * All of it runs beside the packet path.  One transaction at a time, on the control thread.
 */
#ifndef FW_TX_H
#define FW_TX_H

#include "fw/ruleset.h"

struct fw_tx;

/*
 * Rules that have died, over in all but their memory: of packets that they met before somebody has
 * counts that are still to be added to theirs.  (Policies' counters live as long as some ruleset.)
 */
struct fw_graveyard {
	bool open; /* else the dead are freed at once */
	struct fw_rule *rules; /* linked through ->id */
};
void fw_graveyard_clear(struct fw_graveyard *g); /* frees them; any thread that has it alone */

/* How a transaction reaches the living world.  A pure user (tests, client) leaves it all zero:
 * then extensions are not attached and nothing is locked. */
struct fw_tx_env {
	struct fw_world *world;
	uint64_t now;                   /* monotonic, for extensions' starting state */
	void (*lock)(void *priv);       /* the engine lock; NULL: none */
	void (*unlock)(void *priv);
	void *priv;
	/* queue numbers that are the daemon's own: NFQUEUE to them is refused (n 0: none) */
	uint32_t own_queue_first, own_queue_n;
	bool kct;                       /* the kernel tracks, whatever the new rules say */
	uint32_t mark_reserved;         /* mark bits that rules may not name */
	bool no_priority;               /* verdicts cannot set a packet's priority (CLASSIFY) */
	bool inspect;                   /* rules are only looked at: no classifier is built */
	struct fw_graveyard *graveyard; /* for rules that die with a snapshot; or NULL */
};

#define FW_TX_NOFLUSH  0x01 /* restore -n: keep what is there */
#define FW_TX_COUNTERS 0x02 /* restore -c: take [p:b] of chains and rules */
#define FW_TX_NAMES    0x04 /* text may contain names (a resolver is given) */

struct fw_tx *fw_tx_new(struct fw_ruleset *base, const struct fw_tx_env *env);

/*
 * Apply restore text of one family to the transaction's working copy.
 *
 * The text is what iptables-restore takes: comments, *table, :chains, commands
 * -A -C -D -I -R -F -Z -N -X -P -E, COMMIT.  Without FW_TX_NOFLUSH a table that is named is
 * emptied first.  `only` (or NULL): other tables' parts are skipped unread (restore -T).
 * -L and -S inside the text append to `out` what they print (NULL: ignored).
 *
 * Errors carry line and column in `text`.  After an error the transaction can only be freed.
 */
int fw_tx_apply(struct fw_tx *tx, enum fw_family family, const char *text, size_t len,
		unsigned int flags, const char *only, const struct fw_resolver *resolver,
		struct fw_buf *out, struct fw_err *err);

/* Validate (loops, depth, places, targets), compile, attach extensions.  Takes the engine lock
 * for the attaching only. */
int fw_tx_prepare(struct fw_tx *tx, struct fw_err *err);

/* The new snapshot, to be put in force.  Cannot fail.  The caller owns the returned reference. */
struct fw_ruleset *fw_tx_publish(struct fw_tx *tx);

/*
 * It is in force: zero and set counters of rules that were there before, and of policies, in slices
 * under the lock, which is not held here.  What comes between two packets may fall between the
 * counters of two rules, but none is counted twice or lost: told (or NULL) learns what each was, in
 * the order of the commands; of a table, chains come by slot, a chain's rules before its policy.
 */
typedef void fw_tx_counted(void *priv, const struct fw_counters *of, const struct fw_counters *was);
void fw_tx_set_counters(struct fw_tx *tx, fw_tx_counted *told, void *priv);

/* Before publish: undo all.  After: let go of working memory.  Lock not held.  Returns NULL. */
struct fw_tx *fw_tx_free(struct fw_tx *tx);

/* What publish will hand over, prepared but not in force.  Borrowed. */
const struct fw_ruleset *fw_tx_result(const struct fw_tx *tx);

/* Publishing sets counters that are there, to zero or to what the text says. */
bool fw_tx_sets_counters(const struct fw_tx *tx);

/* True when nothing differs from the base (only -C, -L …): no need to journal. */
bool fw_tx_empty(const struct fw_tx *tx);

#endif
