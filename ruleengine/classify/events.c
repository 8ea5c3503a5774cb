/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a rule begins and ends to be possible, sorted by value.  A byte-wise radix sort that
 * leaves out the bytes in which all keys agree: for IPv4 and ports most of sixteen.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

int fw_events_add(struct events *ev, fw_u128 key, uint32_t rule)
{
	if (ev->n == ev->cap) {
		size_t cap = ev->cap ? ev->cap * 2 : 64;
		struct event *e = realloc(ev->e, cap * sizeof(*e));

		if (!e)
			return -1;
		ev->e = e;
		ev->cap = cap;
	}
	ev->e[ev->n++] = (struct event){(uint64_t)(key >> 64), (uint64_t)key, rule};
	return 0;
}

static uint8_t byte_of(const struct event *e, unsigned int byte)
{
	return (uint8_t)((byte < 8 ? e->lo : e->hi) >> (byte & 7) * 8);
}

static void pass(const struct event *from, struct event *to, size_t n, unsigned int byte)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[byte_of(&from[i], byte)]++;
	for (unsigned int b = 0; b < 256; b++) {
		size_t count = at[b];

		at[b] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[byte_of(&from[i], byte)]++] = from[i];
}

int fw_events_sort(struct events *ev, unsigned int *byte)
{
	struct event differ = {0}, *other;

	for (size_t i = 1; i < ev->n; i++) {
		differ.hi |= ev->e[i].hi ^ ev->e[0].hi;
		differ.lo |= ev->e[i].lo ^ ev->e[0].lo;
	}
	while (*byte < 16 && !byte_of(&differ, *byte))
		++*byte;
	if (*byte == 16)
		return 0;
	other = malloc(ev->n * sizeof(*other));
	if (!other)
		return -1;
	pass(ev->e, other, ev->n, (*byte)++);
	free(ev->e);
	ev->e = other;
	ev->cap = ev->n;
	return 0;
}
