/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes that are kept for a while: of first packets, until they or their answers are met as
 * somebody else's.
 *
 * A note stands under a key, made of what is left as it is; several may have the same, and are
 * looked at in the order in which they came.  They lie in a ring and the oldest goes first: when
 * its time is over, and before that only where there are more than `max` at once.
 *
 * What is noted is the caller's: a struct that begins with a struct ct_note and may be moved.
 *
 * Threads: one at a time, as the tracker.  Allocates when there are more at once than ever before.
 */
#ifndef FW_TRACK_NOTES_H
#define FW_TRACK_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ct_note {
	uint64_t until; /* monotonic ns; 0: taken out */
	uint32_t key;
	uint32_t next;  /* of the same chain: its place + 1; 0: this is the last */
};

struct ct_notes {
	size_t each;    /* bytes */
	uint32_t max;   /* a power of two, as size */
	uint32_t size, begin, count;
	uint8_t *ring;
	struct ct_note_chain {
		uint32_t first, last; /* places + 1; 0: it is empty */
	} *chains; /* as many as the ring has places */
};
#define CT_NOTES_INIT(type, most) {.each = sizeof(type), .max = (most)}

enum ct_note_say { CT_NOTE_NO, CT_NOTE_YES, CT_NOTE_OVER }; /* go on, stop here, take it out */
typedef enum ct_note_say ct_note_fits(void *priv, struct ct_note *note);

/* Nothing is noted any more. */
void ct_notes_deinit(struct ct_notes *n);
/* A zeroed note but for its key and time; valid until the next is added.  NULL: no memory. */
void *ct_notes_add(struct ct_notes *n, uint32_t key, uint64_t now, uint64_t ns);
/* Ask of the notes under this key, the oldest first.  A stranger may make many alike, which would
 * take long, so of CT_NOTES_LOOK at most (those that are OVER do not count). */
#define CT_NOTES_LOOK 64
void ct_notes_ask(struct ct_notes *n, uint32_t key, uint64_t now, ct_note_fits *fits, void *priv);
/* Is this memory of theirs? */
static inline bool ct_notes_have(const struct ct_notes *n, const void *p)
{
	return (uintptr_t)p - (uintptr_t)n->ring < n->size * n->each;
}

#endif
