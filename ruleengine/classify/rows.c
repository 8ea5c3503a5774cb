/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows: one vector's number for each chunk, behind a summary of those that are not empty. */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

struct rowset {
	struct base *b;
	struct axis *a;
	uint32_t *hash, mask; /* row + 1 */
};

struct rowset *fw_rowset_new(struct base *b, struct axis *a)
{
	struct rowset *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct rowset){.b = b, .a = a, .mask = 63};
	s->hash = calloc(s->mask + 1, sizeof(*s->hash));
	return s->hash ? s : fw_rowset_free(s);
}

struct rowset *fw_rowset_free(struct rowset *s)
{
	if (s)
		free(s->hash);
	free(s);
	return NULL;
}

static uint32_t hash_of(const uint32_t *ids, uint32_t n)
{
	uint64_t h = n;

	for (uint32_t i = 0; i < n; i++)
		h = (h ^ ids[i]) * 0x9e3779b97f4a7c15ull + (h >> 31);
	return (uint32_t)(h >> 32);
}

static int rehash(struct rowset *s)
{
	uint32_t mask = s->mask * 2 + 1, *hash = calloc((size_t)mask + 1, sizeof(*hash));

	if (!hash)
		return -1;
	for (uint32_t r = 0; r < s->a->n_rows; r++) {
		uint32_t at = hash_of(fw_row_ids(s->b, s->a, r), s->b->n_chunks) & mask;

		while (hash[at])
			at = (at + 1) & mask;
		hash[at] = r + 1;
	}
	free(s->hash);
	s->hash = hash;
	s->mask = mask;
	return 0;
}

static int row_add(struct rowset *s, const uint32_t *ids)
{
	struct axis *a = s->a;
	uint64_t *summary;

	if (a->n_rows == a->cap_rows) {
		uint32_t cap = a->cap_rows ? a->cap_rows * 2 : 8;
		uint8_t *rows = realloc(a->rows, (size_t)cap * a->stride);

		if (!rows)
			return -1;
		a->rows = rows;
		a->cap_rows = cap;
	}
	summary = fw_row_summary(a, a->n_rows);
	memset(summary, 0, a->stride);
	for (uint32_t c = 0; c < s->b->n_chunks; c++)
		if (ids[c])
			summary[c >> 6] |= (uint64_t)1 << (c & 63);
	memcpy(fw_row_ids(s->b, a, a->n_rows), ids, s->b->n_chunks * sizeof(*ids));
	a->n_rows++;
	return 0;
}

uint32_t fw_rowset_intern(struct rowset *s, const uint32_t *ids)
{
	size_t bytes = s->b->n_chunks * sizeof(*ids);
	uint32_t at;

	for (at = hash_of(ids, s->b->n_chunks) & s->mask; s->hash[at]; at = (at + 1) & s->mask)
		if (!memcmp(fw_row_ids(s->b, s->a, s->hash[at] - 1), ids, bytes))
			return s->hash[at] - 1;
	if (row_add(s, ids) < 0)
		return UINT32_MAX;
	s->hash[at] = s->a->n_rows;
	if (s->a->n_rows * 2 > s->mask && rehash(s) < 0)
		return UINT32_MAX;
	return s->a->n_rows - 1;
}

void fw_axis_deinit(struct axis *a)
{
	free(a->rows);
	free(a->cls);
}
