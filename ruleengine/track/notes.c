/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes (notes.h): a ring, its places chained by their keys. */
#include "track/notes.h"

#include <stdlib.h>
#include <string.h>

#define NOTES_MIN 256

static struct ct_note *at(const struct ct_notes *n, uint32_t place)
{
	return (struct ct_note *)(n->ring + place * n->each);
}

static struct ct_note_chain *chain_of(const struct ct_notes *n, uint32_t key)
{
	return &n->chains[key & (n->size - 1)];
}

static void put_last(struct ct_notes *n, uint32_t place)
{
	struct ct_note_chain *c = chain_of(n, at(n, place)->key);

	at(n, place)->next = 0;
	if (c->last)
		at(n, c->last - 1)->next = place + 1;
	else
		c->first = place + 1;
	c->last = place + 1;
}

/* before: the place + 1 of the note in front of it, or 0 */
static void take_out(struct ct_notes *n, uint32_t before, uint32_t place)
{
	struct ct_note *note = at(n, place);
	struct ct_note_chain *c = chain_of(n, note->key);

	if (before)
		at(n, before - 1)->next = note->next;
	else
		c->first = note->next;
	if (c->last == place + 1)
		c->last = before;
	note->until = 0;
}

/* The oldest of all is the first of its chain, unless it was taken out before. */
static void drop_oldest(struct ct_notes *n)
{
	if (at(n, n->begin)->until)
		take_out(n, 0, n->begin);
	n->begin = (n->begin + 1) & (n->size - 1);
	n->count--;
}

/* Twice the room for the same notes, in the same order.  false: there is no more. */
static bool grow(struct ct_notes *n)
{
	struct ct_notes more = {.each = n->each, .max = n->max};

	more.size = n->size ? n->size * 2 : NOTES_MIN;
	if (more.size > n->max)
		return false;
	more.ring = malloc(more.size * more.each);
	more.chains = calloc(more.size, sizeof(*more.chains));
	if (!more.ring || !more.chains) {
		ct_notes_deinit(&more);
		return false;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		const struct ct_note *note = at(n, (n->begin + i) & (n->size - 1));

		if (!note->until)
			continue;
		memcpy(at(&more, more.count), note, n->each);
		put_last(&more, more.count++);
	}
	ct_notes_deinit(n);
	*n = more;
	return true;
}

void ct_notes_deinit(struct ct_notes *n)
{
	free(n->ring);
	free(n->chains);
	n->ring = NULL;
	n->chains = NULL;
	n->size = n->begin = n->count = 0;
}

void *ct_notes_add(struct ct_notes *n, uint32_t key, uint64_t now, uint64_t ns)
{
	struct ct_note *note;
	uint32_t place;

	while (n->count && at(n, n->begin)->until <= now)
		drop_oldest(n);
	if (n->count == n->size && !grow(n)) {
		if (!n->count)
			return NULL;
		drop_oldest(n);
	}
	place = (n->begin + n->count++) & (n->size - 1);
	note = at(n, place);
	memset(note, 0, n->each);
	note->until = now + ns;
	note->key = key;
	put_last(n, place);
	return note;
}

void ct_notes_ask(struct ct_notes *n, uint32_t key, uint64_t now, ct_note_fits *fits, void *priv)
{
	uint32_t before = 0, here = n->count ? chain_of(n, key)->first : 0, seen = 0;

	while (here && seen < CT_NOTES_LOOK) {
		struct ct_note *note = at(n, here - 1);
		const uint32_t next = note->next;
		enum ct_note_say say = CT_NOTE_NO;

		if (note->until <= now)
			say = CT_NOTE_OVER;
		else if (note->key == key)
			say = fits(priv, note);
		if (say == CT_NOTE_YES)
			return;
		if (say == CT_NOTE_OVER) {
			take_out(n, before, here - 1);
		} else {
			before = here;
			seen++;
		}
		here = next;
	}
}
