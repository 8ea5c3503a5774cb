/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of recent lists and their entries.
 *
 * A list lives as long as rules use it.  A rule that needs more stamps per entry than the list
 * keeps empties the list, because entries have a fixed size: that is what the kernel does.
 */
#include "recent/recent.h"

#include <stdlib.h>
#include <string.h>

#include "track/siphash.h"

static uint32_t round_up_pow2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

struct fw_recent *fw_recent_new(uint64_t seed, uint32_t max_entries)
{
	struct fw_recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->key[0] = seed;
	r->key[1] = ~seed;
	r->max_entries = max_entries ? max_entries : RECENT_DEFAULT_ENTRIES;
	if (r->max_entries > 1u << 24)
		r->max_entries = 1u << 24;
	r->hash_mask = round_up_pow2(r->max_entries + 1) - 1;
	return r;
}

bool fw_recent_free_gone(struct recent_entry *gone)
{
	const bool any = gone;

	while (gone) {
		struct recent_entry *newer = gone->newer;

		free(gone);
		gone = newer;
	}
	return any;
}

/* Looks at nothing but the list, which nobody else knows any more. */
static void list_free(struct fw_remains *remains)
{
	struct fw_recent_list *l = FW_HOLDER(remains, struct fw_recent_list, remains);

	fw_recent_free_gone(l->oldest);
	fw_recent_free_gone(l->gone);
	free(l);
}

struct fw_recent *fw_recent_free(struct fw_recent *r)
{
	struct fw_recent_list *next;

	if (!r)
		return NULL;
	for (struct fw_recent_list *l = r->lists; l; l = next) {
		next = l->next;
		list_free(&l->remains);
	}
	free(r->watches);
	free(r);
	return NULL;
}

struct fw_recent_list *recent_find(const struct fw_recent *r, const char *name)
{
	const uint32_t hash = fw_name_hash(name);

	for (struct fw_named *n = fw_names_first(&r->names, hash); n; n = n->next) {
		struct fw_recent_list *l = FW_HOLDER(n, struct fw_recent_list, by_name);

		if (n->hash == hash && strcmp(l->name, name) == 0)
			return l;
	}
	return NULL;
}

/* The kernel makes a file of each list, so a name must be able to name one. */
static int check_name(const char *name, struct fw_err *err)
{
	if (!*name)
		return fw_fail(err, FW_ERR_PLACE, "recent: the list's name is empty");
	if (strlen(name) >= RECENT_NAME_SIZE)
		return fw_fail(err, FW_ERR_PLACE, "recent: the list's name is longer than %d characters",
			       RECENT_NAME_SIZE - 1);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return fw_fail(err, FW_ERR_PLACE, "recent: '%s' cannot be a list's name", name);
	return 0;
}

static struct fw_recent_list *list_new(struct fw_recent *r, const char *name,
				       const union fw_addr *mask)
{
	size_t buckets = (size_t)r->hash_mask + 1;
	struct fw_recent_list *l;

	l = calloc(1, sizeof(*l) + buckets * sizeof(struct recent_entry *));
	if (!l)
		return NULL;
	l->owner = r;
	memcpy(l->name, name, strlen(name) + 1);
	if (mask)
		l->mask = *mask;
	else
		memset(&l->mask, 0xff, sizeof(l->mask));
	l->prev = r->last;
	*(l->prev ? &l->prev->next : &r->lists) = l;
	r->last = l;
	fw_names_add(&r->names, &l->by_name, fw_name_hash(l->name));
	return l;
}

struct fw_recent_list *fw_recent_get(struct fw_recent *r, const char *name, uint32_t hitcount,
				     const union fw_addr *mask, enum fw_family family,
				     struct fw_err *err)
{
	uint32_t stamps_mask = (hitcount ? round_up_pow2(hitcount) : RECENT_DEFAULT_STAMPS) - 1;
	struct fw_recent_list *l;

	(void)family; /* a mask is applied to all 16 bytes, whoever made the list */
	if (hitcount >= RECENT_MAX_STAMPS) {
		fw_fail(err, FW_ERR_PLACE, "recent: --hitcount %u is larger than %u", hitcount,
			RECENT_MAX_STAMPS - 1);
		return NULL;
	}
	if (check_name(name, err) < 0)
		return NULL;
	l = recent_find(r, name);
	if (l) {
		if (stamps_mask > l->stamps_mask) {
			recent_flush(l);
			l->stamps_mask = stamps_mask;
		}
		l->users++;
		return l;
	}
	l = list_new(r, name, mask);
	if (!l) {
		fw_fail(err, FW_ERR_RESOURCE, "recent: no memory for list '%s'", name);
		return NULL;
	}
	l->users = 1;
	l->number = ++r->made << 32 | l->by_name.hash;
	l->stamps_mask = stamps_mask;
	return l;
}

void recent_walk_to(struct fw_recent *r, struct fw_recent_list *list)
{
	r->walk.list = list;
	r->walk.at = list ? list->oldest : NULL;
}

void fw_recent_put(struct fw_world *world, struct fw_recent_list *list)
{
	struct fw_recent *r = list->owner;

	if (--list->users)
		return;
	recent_flush(list);
	if (r->walk.list == list)
		recent_walk_to(r, list->next);
	*(list->prev ? &list->prev->next : &r->lists) = list->next;
	*(list->next ? &list->next->prev : &r->last) = list->prev;
	fw_names_remove(&r->names, &list->by_name);
	fw_world_bury(world, &list->remains, list_free);
}

static struct recent_entry **bucket(struct fw_recent_list *list, enum fw_family family,
				    const union fw_addr *addr)
{
	const struct fw_recent *r = list->owner;
	size_t len = family == FW_IP4 ? 4 : 16;

	return &list->hash[sip_bytes(r->key, addr, len, 1, 3) & r->hash_mask];
}

struct recent_entry *recent_lookup(struct fw_recent_list *list, enum fw_family family,
				   const union fw_addr *addr, uint8_t ttl)
{
	for (struct recent_entry *e = *bucket(list, family, addr); e; e = e->hash_next)
		if (e->epoch == list->epoch && e->family == family &&
		    memcmp(&e->addr, addr, sizeof(*addr)) == 0 && (ttl == e->ttl || !ttl || !e->ttl))
			return e;
	return NULL;
}

static void unlink_age(struct fw_recent_list *list, struct recent_entry *e)
{
	if (list->owner->walk.at == e)
		list->owner->walk.at = e->newer;
	*(e->older ? &e->older->newer : &list->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &list->newest) = e->older;
}

static void link_newest(struct fw_recent_list *list, struct recent_entry *e)
{
	e->older = list->newest;
	e->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = e;
	list->newest = e;
}

struct recent_entry *recent_oldest(const struct fw_recent_list *list)
{
	struct recent_entry *e = list->oldest;

	while (e && e->in_use)
		e = e->newer;
	return e;
}

struct recent_entry *recent_insert(struct fw_recent_list *list, enum fw_family family,
				   const union fw_addr *addr, uint8_t ttl, int64_t now)
{
	struct recent_entry *e, **end;

	if (list->entries >= list->owner->max_entries)
		recent_drop(list, recent_oldest(list) ? recent_oldest(list) : list->oldest);
	fw_recent_free_gone(recent_take_gone(list, 2));
	e = malloc(sizeof(*e) + ((size_t)list->stamps_mask + 1) * sizeof(e->stamps[0]));
	if (!e)
		return NULL;
	e->addr = *addr;
	e->family = (uint8_t)family;
	e->ttl = ttl;
	e->stamps[0] = now;
	e->nstamps = e->index = 1;
	e->held = e->in_use = 0;
	e->epoch = list->epoch;
	e->number = ++list->owner->made;
	/* at the end: with equal addresses and different TTLs the older one is found first */
	e->hash_next = NULL;
	for (end = bucket(list, family, addr); *end;)
		end = &(*end)->hash_next;
	*end = e;
	link_newest(list, e);
	list->entries++;
	recent_come(list, family, addr);
	return e;
}

void recent_touch(struct fw_recent_list *list, struct recent_entry *e, int64_t now)
{
	e->index &= list->stamps_mask;
	e->stamps[e->index++] = now;
	if (e->index > e->nstamps)
		e->nstamps = e->index;
	if (list->newest == e)
		return;
	unlink_age(list, e);
	link_newest(list, e);
}

static void unhash(struct fw_recent_list *list, struct recent_entry *e)
{
	struct recent_entry **p = bucket(list, (enum fw_family)e->family, &e->addr);

	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
}

void recent_drop(struct fw_recent_list *list, struct recent_entry *e)
{
	unhash(list, e);
	unlink_age(list, e);
	list->entries--;
	list->held -= e->held > 0;
	list->owner->lost += e->held > 0;
	free(e);
}

void recent_flush(struct fw_recent_list *list)
{
	if (!list->oldest)
		return;
	if (list->owner->walk.list == list)
		list->owner->walk.at = NULL;
	list->newest->newer = list->gone;
	list->gone = list->oldest;
	list->oldest = list->newest = NULL;
	list->entries = 0;
	list->owner->lost += list->held;
	list->held = 0;
	list->epoch++;
}

struct recent_entry *recent_take_gone(struct fw_recent_list *list, size_t max)
{
	struct recent_entry *first = list->gone, *last = NULL;

	while (list->gone && max--) {
		last = list->gone;
		unhash(list, last);
		list->gone = last->newer;
	}
	if (!last)
		return NULL;
	last->newer = NULL;
	return first;
}
