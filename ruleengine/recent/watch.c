/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that lists are watched for (fw/recent.h): a hash table of those that somebody counts on
 * not being there.
 *
 * Strangers may make up sources and have a rule put each on a list, so whether one is watched for
 * must be answered exactly, and costs nothing where the list has no watches.  They end all at once,
 * by counting up the time of watching that each belongs to.
 */
#include <stdlib.h>
#include <string.h>

#include "recent/recent.h"
#include "track/siphash.h"

#define WATCHES	    32768 /* places … */
#define WATCHES_MAX (WATCHES / 2) /* … of which so many are used, for rows of them to be short */

struct recent_watch {
	uint64_t list; /* its number */
	union fw_addr key;
	uint64_t time; /* no watch if it is another than the present one */
	uint64_t family;
};

/* The watch, or the place where it would be. */
static struct recent_watch *place_of(const struct fw_recent_list *list, enum fw_family family,
				     const union fw_addr *key)
{
	const struct fw_recent *r = list->owner;
	const struct recent_watch wanted = {list->number, *key, r->watching, family};
	uint64_t h = sip_bytes(r->key, &wanted, sizeof(wanted), 1, 3);
	struct recent_watch *w;

	do
		w = &r->watches[h++ % WATCHES];
	while (w->time == r->watching && memcmp(w, &wanted, sizeof(wanted)));
	return w;
}

bool fw_recent_watch(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr)
{
	const union fw_addr key = recent_key(list, addr);
	struct fw_recent *r = list->owner;
	struct recent_watch *w;

	if (!r->watches) {
		r->watches = calloc(WATCHES, sizeof(*r->watches));
		r->watching = 1;
	}
	if (!r->watches)
		return false;
	w = place_of(list, family, &key);
	if (w->time != r->watching) {
		if (r->n_watches == WATCHES_MAX)
			return false;
		r->n_watches++;
		*w = (struct recent_watch){list->number, key, r->watching, family};
	}
	list->watched = r->watching;
	return true;
}

void fw_recent_unwatch(struct fw_recent *r)
{
	if (!r->n_watches)
		return;
	r->n_watches = 0;
	r->watching++;
}

void recent_come(struct fw_recent_list *list, enum fw_family family, const union fw_addr *key)
{
	struct fw_recent *r = list->owner;

	if (r->n_watches && list->watched == r->watching &&
	    place_of(list, family, key)->time == r->watching)
		r->came++;
}

uint64_t fw_recent_came(const struct fw_recent *r)
{
	return r->came;
}
