/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recent lists: xt_recent's tables.  One name is one list, shared by all rules that use it.
 *
 * Limits (net/netfilter/xt_recent.c): entries per list 100 (ip_list_tot), stamps per entry by the
 * largest --hitcount of its rules; the oldest entry makes room.
 *
 * Threads: one at a time (world.h).  `now`, `last` and *until are monotonic nanoseconds.
 * Lists are borrowed from fw_recent_get() on until fw_recent_put().
 */
#ifndef FW_RECENT_H
#define FW_RECENT_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/types.h"

struct fw_recent;       /* all lists */
struct fw_recent_list;  /* one */

struct fw_recent *fw_recent_new(uint64_t seed, uint32_t max_entries); /* 0: 100; NULL: no memory */
struct fw_recent *fw_recent_free(struct fw_recent *r);

/* A rule starts to use a list: made if new.  hitcount: its --hitcount or 0.  NULL with err. */
struct fw_recent_list *fw_recent_get(struct fw_recent *r, const char *name, uint32_t hitcount,
				     const union fw_addr *mask, enum fw_family family, struct fw_err *err);
/* … and ends to; the last user's leaving removes the list, whose memory the world's owner takes back
 * (fw_world_reclaim()). */
struct fw_world;
void fw_recent_put(struct fw_world *world, struct fw_recent_list *list);

/* What the match asks (recent_mt()); parameters as the options.  `now` monotonic ns. */
enum fw_recent_op { FW_RECENT_SET, FW_RECENT_RCHECK, FW_RECENT_UPDATE, FW_RECENT_REMOVE };
struct fw_recent_query {
	enum fw_recent_op op;
	bool reap, rttl;
	bool invert;            /* the rule says `! --update` …: decides whether --update takes
	                         * effect, as the kernel updates when the rule as a whole matched */
	uint8_t ttl;            /* of the packet; one more where it has an output interface and no
	                         * local socket (the kernel takes it as before forwarding) */
	uint32_t seconds, hitcount; /* 0: not given */
};
/* Result before negation by `! --set` etc.: the caller negates. */
bool fw_recent_match(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		     const struct fw_recent_query *q, uint64_t now);

/*
 * A source whose packets somebody else drops (fw/source.h).  A rule without --hitcount, --rttl and
 * --reap asks whether the list has the source; `seconds` 0: at any time.  *until: as long as it will
 * be so without being used again; UINT64_MAX: for ever.
 */
bool fw_recent_has(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		   uint32_t seconds, uint64_t now, uint64_t *until);
/*
 * Its entry is held: when it goes all the same, fw_recent_lost() has risen.  in_use: its packets
 * count as uses that will be told by and by, so it is never the oldest.  Each hold has its release,
 * with the entry's number, which hold returns: of an entry that is gone it is no mistake, even if the
 * list has the source again.
 */
uint64_t fw_recent_hold(struct fw_recent_list *list, enum fw_family family,
			const union fw_addr *addr, bool in_use);
void fw_recent_release(struct fw_recent_list *list, enum fw_family family,
		       const union fw_addr *addr, bool in_use, uint64_t entry);
uint64_t fw_recent_lost(const struct fw_recent *r);
/* For who keeps the pointer to a list for longer than a rule does that uses it: the list's number, and
 * whether that very list is still there. */
uint64_t fw_recent_number(const struct fw_recent_list *list);
bool fw_recent_is_there(const struct fw_recent *r, const struct fw_recent_list *list,
			uint64_t number);
/* Some rule looks closer at the list than for the last time: at each time (--hitcount) or the TTL
 * (--rttl).  Each `on` has its off; does one? */
void fw_recent_look_closer(struct fw_recent_list *list, bool on);
bool fw_recent_looked_at_closer(const struct fw_recent_list *list);
/* It was used `n` times since it was last; the last time was `last`.  The times between are taken
 * to lie evenly. */
void fw_recent_used(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		    uint64_t n, uint64_t last);

/*
 * Who acts on it that a list does not have an address watches it: when it comes on the list all the
 * same, by whatever way, fw_recent_came() has risen.  All watches end together, and before a list
 * goes.  False: it cannot be watched: no room (16,384 addresses at a time), or no memory.  All three
 * under the engine lock, as the lists themselves.
 */
bool fw_recent_watch(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr);
void fw_recent_unwatch(struct fw_recent *r);
uint64_t fw_recent_came(const struct fw_recent *r);

/* By command, as /proc/net/xt_recent/NAME takes it: list (text as /proc prints it, times being
 * milliseconds of the monotonic clock), add, remove, flush.  -1: no such list. */
/* One a line.  Lists come and go with rules, so the thread that edits may ask without a lock. */
void fw_recent_names(const struct fw_recent *r, struct fw_buf *out);
/* In slices of some `max` entries, for packets wait: *cursor is 0 at first, and again at the end.
 * The order is the hash's, as the kernel's is; what comes and goes meanwhile may be missed. */
int fw_recent_print(const struct fw_recent *r, const char *name, uint64_t *cursor, size_t max,
		    struct fw_buf *out);
int fw_recent_add(struct fw_recent *r, const char *name, enum fw_family family,
		  const union fw_addr *addr, uint64_t now);
int fw_recent_remove(struct fw_recent *r, const char *name, enum fw_family family,
		     const union fw_addr *addr);
int fw_recent_flush(struct fw_recent *r, const char *name);
/* Entries that a flush took out are still in memory.  At most `max` of them, to be freed without the
 * lock; false: there were none any more. */
struct recent_entry *fw_recent_gone(struct fw_recent *r, const char *name, size_t max);
bool fw_recent_free_gone(struct recent_entry *gone);

/* State across restarts: text lines "NAME ADDR TTL AGE_NS…" (ages relative to now).  load ignores
 * lists that no rule uses and reports bad lines; nobody watches yet.  now of load: the dump's time on
 * this clock, now less the time since; it may wrap below zero (after a reboot), ages stay right. */
void fw_recent_dump(const struct fw_recent *r, uint64_t now, struct fw_buf *out);
int fw_recent_load(struct fw_recent *r, const char *text, size_t len, uint64_t now, struct fw_err *err);
/* A dump while packets go on: begin, then slices of at most `max` entries with the same `now` until
 * one returns false.  What is used meanwhile may come twice; one such dump at a time. */
void fw_recent_dump_begin(struct fw_recent *r);
bool fw_recent_dump_more(struct fw_recent *r, size_t max, uint64_t now, struct fw_buf *out);

#endif
