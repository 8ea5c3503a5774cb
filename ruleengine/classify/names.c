/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interface names as numbers.
 *
 * A pattern ("eth0", "eth+") is "the first LEN bytes are these", the NUL included where the name
 * is exact.  Sorted as text, all patterns that begin with another one follow it directly.  So a
 * packet's name gets the number of the longest pattern that it matches, and a rule's pattern is
 * the interval from itself to the last one that begins with it.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

static void load(const char *name, uint8_t len, uint64_t w[2])
{
	memcpy(w, name, 16);
	w[0] = le64toh(w[0]);
	w[1] = le64toh(w[1]);
	if (len < 8) {
		w[0] &= ((uint64_t)1 << len * 8) - 1;
		w[1] = 0;
	} else if (len < 16) {
		w[1] &= ((uint64_t)1 << (len - 8) * 8) - 1;
	}
}

static int compare(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;

	for (int i = 0; i < 2; i++) {
		uint64_t x = __builtin_bswap64(a->w[i]), y = __builtin_bswap64(b->w[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (int)a->len - (int)b->len;
}

static uint32_t hash_of(const uint64_t w[2], uint8_t len)
{
	uint64_t h = (w[0] ^ w[1] * 0x9e3779b97f4a7c15ull ^ len) * 0xbf58476d1ce4e5b9ull;

	return (uint32_t)(h >> 32);
}

static uint32_t find(const struct names *n, const uint64_t w[2], uint8_t len)
{
	if (!n->hash)
		return 0;
	for (uint32_t i = hash_of(w, len) & n->mask; n->hash[i]; i = (i + 1) & n->mask) {
		const struct name *have = &n->name[n->hash[i] - 1];

		if (have->w[0] == w[0] && have->w[1] == w[1] && have->len == len)
			return n->hash[i];
	}
	return 0;
}

static int index_names(struct names *n)
{
	uint32_t size = 8;

	while (size < n->n * 2)
		size *= 2;
	n->hash = calloc(size, sizeof(*n->hash));
	if (!n->hash)
		return -1;
	n->mask = size - 1;
	for (uint32_t i = 0; i < n->n; i++) {
		uint32_t at = hash_of(n->name[i].w, n->name[i].len) & n->mask;

		while (n->hash[at])
			at = (at + 1) & n->mask;
		n->hash[at] = i + 1;
		n->lens |= 1u << n->name[i].len;
	}
	return 0;
}

static int add(struct names *n, const char *name, uint8_t len)
{
	struct name *new;

	/* Neighbours mostly name the same interface; the rest is sorted out below. */
	if (n->n) {
		struct name last = {.len = len};

		load(name, len, last.w);
		if (!compare(&last, &n->name[n->n - 1]))
			return 0;
	}
	if (n->n == n->cap) {
		uint32_t cap = n->cap ? n->cap * 2 : 16;

		new = realloc(n->name, cap * sizeof(*new));
		if (!new)
			return -1;
		n->name = new;
		n->cap = cap;
	}
	n->name[n->n].len = len;
	load(name, len, n->name[n->n].w);
	n->n++;
	return 0;
}

int fw_names_collect(struct names *n, const struct fw_chunk *chunk, bool out)
{
	for (uint32_t i = 0; i < chunk->n; i++) {
		const struct fw_generic *g = &chunk->rules[i]->gen;
		uint8_t len = out ? g->out_cmp : g->in_cmp;

		if (len && add(n, out ? g->out : g->in, len) < 0)
			return -1;
	}
	return 0;
}

int fw_names_finish(struct names *n)
{
	uint32_t unique = 0;

	if (!n->n)
		return 0;
	qsort(n->name, n->n, sizeof(*n->name), compare);
	for (uint32_t i = 0; i < n->n; i++)
		if (!unique || compare(&n->name[unique - 1], &n->name[i]))
			n->name[unique++] = n->name[i];
	n->n = unique;
	return index_names(n);
}

void fw_names_deinit(struct names *n)
{
	free(n->name);
	free(n->hash);
}

void fw_names_range(const struct names *n, const char *name, uint8_t len, struct range *ret)
{
	uint64_t w[2], v[2];
	uint32_t first, last;

	load(name, len, w);
	first = last = find(n, w, len); /* is there: collected from the same rules */
	for (; last < n->n; last++) {
		char text[16];

		v[0] = htole64(n->name[last].w[0]);
		v[1] = htole64(n->name[last].w[1]);
		memcpy(text, v, 16);
		load(text, len, v);
		if (n->name[last].len < len || v[0] != w[0] || v[1] != w[1])
			break;
	}
	*ret = (struct range){first, last};
}

uint32_t fw_names_value(const struct names *n, const char *name)
{
	for (uint32_t lens = n->lens; lens;) {
		uint8_t len = (uint8_t)(31 - __builtin_clz(lens));
		uint64_t w[2];
		uint32_t i;

		load(name, len, w);
		i = find(n, w, len);
		if (i)
			return i;
		lens &= ~(1u << len);
	}
	return 0;
}
