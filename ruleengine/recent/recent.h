/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recent lists, inside (fw/recent.h is outside): what its files share.
 *
 * A list is a hash of entries and a chain of the same entries by last use, oldest first.  An
 * entry's stamps are a ring of a power of two; `index` is where the next stamp goes (it is masked
 * only then, so it tells how full the ring is), as in the kernel, because /proc prints it.
 */
#ifndef FW_RECENT_RECENT_H
#define FW_RECENT_RECENT_H

#include "base/named.h"
#include "fw/recent.h"
#include "fw/world.h"

#define RECENT_DEFAULT_ENTRIES 100
#define RECENT_DEFAULT_STAMPS  32
#define RECENT_MAX_STAMPS      65536
#define RECENT_NAME_SIZE       200 /* XT_RECENT_NAME_LEN */

struct recent_entry {
	struct recent_entry *hash_next;
	struct recent_entry *older, *newer;
	union fw_addr addr;
	uint8_t family, ttl;
	uint16_t index;   /* wraps at 65536 like the kernel's */
	uint16_t nstamps; /* stamps in use */
	uint16_t held, in_use; /* by how many; hold.c */
	uint32_t epoch; /* the list's, when it was made */
	uint64_t number;
	int64_t stamps[]; /* monotonic ns; negative: before this machine's start, from a dump */
};

/*
 * Emptying a list takes no time, however long it is: a new epoch begins, and entries of earlier ones
 * are none any more.  They lie in `gone` and in the hash until their memory is taken back, some with
 * each new entry.
 */
struct fw_recent_list {
	struct fw_recent_list *prev, *next;
	struct fw_named by_name;
	struct fw_remains remains; /* once nobody uses it */
	struct fw_recent *owner;
	char name[RECENT_NAME_SIZE];
	union fw_addr mask;
	uint32_t users, close_users;
	uint32_t entries, held; /* held: of them */
	uint64_t watched; /* the last time of watching (below) in which it was */
	uint64_t number; /* no other's: below, its name's hash */
	uint32_t stamps_mask;
	uint32_t epoch;
	struct recent_entry *oldest, *newest;
	struct recent_entry *gone; /* by `newer` */
	struct recent_entry *hash[];
};

struct fw_recent {
	uint64_t key[2];
	uint32_t max_entries;
	uint32_t hash_mask;
	struct fw_recent_list *lists, *last; /* in the order in which they were made */
	struct fw_names names;
	uint64_t made; /* lists and entries so far: gives each its number */
	uint64_t lost; /* held entries that went */
	struct recent_watch *watches; /* NULL until the first; watch.c */
	uint32_t n_watches;
	uint64_t watching; /* number of the present time of watching, from 1 on */
	uint64_t came; /* who was watched for */
	struct { /* a dump in slices: where it goes on; moves on when that goes away */
		struct fw_recent_list *list; /* NULL: it is over */
		struct recent_entry *at; /* NULL: this list is done */
	} walk;
};

struct fw_recent_list *recent_find(const struct fw_recent *r, const char *name);
/* What the entry of an address has as its address. */
static inline union fw_addr recent_key(const struct fw_recent_list *list, const union fw_addr *addr)
{
	union fw_addr key;

	for (int i = 0; i < 4; i++)
		key.u32[i] = addr->u32[i] & list->mask.u32[i];
	return key;
}

/* ttl 0 matches any; so does an entry's ttl 0. */
struct recent_entry *recent_lookup(struct fw_recent_list *list, enum fw_family family,
				   const union fw_addr *addr, uint8_t ttl);
/* The oldest entry that is not in use; NULL: there is none. */
struct recent_entry *recent_oldest(const struct fw_recent_list *list);
/* A new entry with one stamp; the oldest entry makes room.  NULL: no memory. */
struct recent_entry *recent_insert(struct fw_recent_list *list, enum fw_family family,
				   const union fw_addr *addr, uint8_t ttl, int64_t now);
void recent_touch(struct fw_recent_list *list, struct recent_entry *e, int64_t now);
void recent_drop(struct fw_recent_list *list, struct recent_entry *e);
void recent_flush(struct fw_recent_list *list);
/* At most `max` entries that are gone, chained by `newer`, for fw_recent_free_gone(). */
struct recent_entry *recent_take_gone(struct fw_recent_list *list, size_t max);
/* An address, as entries have it, comes on a list: fw_recent_came() if that is watched. */
void recent_come(struct fw_recent_list *list, enum fw_family family, const union fw_addr *key);
/* The dump in slices goes on at the start of this list, or is over. */
void recent_walk_to(struct fw_recent *r, struct fw_recent_list *list);

#endif
