/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From intervals to classes: go through a field's values from the lowest to the highest, and keep
 * for each chunk the vector of rules that are possible here.  Only the chunks whose rules begin
 * or end at a value change there, so a step costs what it changes, not what it has.
 *
 * In a long chain a class is written as the row of an earlier class and the few chunks that
 * differ from it.  When too many differ, one of the last rows may be nearer (an outer network
 * that goes on behind an inner one); else the class gets a row of its own, which is at most one
 * row for each N_OVERRIDES + 1 events.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

#define RECENT 16

struct sweep {
	struct base *b;
	struct axis *axis;
	struct rowset *rows;
	struct vec *cur; /* per chunk */
	uint32_t *ids; /* cur's numbers */
	uint32_t *near; /* the row that classes are written against; NULL when flat */
	uint32_t near_row;
	uint32_t n_differ;
	uint64_t *differ; /* chunks in which ids and near differ */
	uint32_t recent[RECENT], n_recent;
	uint32_t *hash, hash_mask; /* classes by content, index + 1 */
	const struct events *ev;
	size_t at; /* next event */
	uint32_t cls; /* of the values before it */
	struct point *points;
	size_t n_points;
};

static int allocate(struct sweep *s, bool flat)
{
	struct base *b = s->b;

	s->cur = aligned_alloc(sizeof(*s->cur), b->n_chunks * sizeof(*s->cur));
	s->ids = calloc(b->n_chunks, sizeof(*s->ids));
	s->points = calloc(s->ev->n + 1, sizeof(*s->points));
	s->rows = fw_rowset_new(b, s->axis);
	if (!s->cur || !s->ids || !s->points || !s->rows)
		return -1;
	if (flat)
		return 0;
	s->near = calloc(b->n_chunks, sizeof(*s->near));
	s->differ = calloc(b->n_words, sizeof(*s->differ));
	s->hash = calloc(s->hash_mask + 1, sizeof(*s->hash));
	return s->near && s->differ && s->hash ? 0 : -1;
}

struct sweep *fw_sweep_free(struct sweep *s)
{
	if (!s)
		return NULL;
	free(s->cur);
	free(s->ids);
	free(s->near);
	free(s->differ);
	free(s->hash);
	free(s->points);
	fw_rowset_free(s->rows);
	free(s);
	return NULL;
}

static void note_difference(struct sweep *s, uint32_t c)
{
	uint64_t bit = (uint64_t)1 << (c & 63), *word = &s->differ[c >> 6];
	bool now = s->ids[c] != s->near[c];

	if (now == !!(*word & bit))
		return;
	*word ^= bit;
	s->n_differ += now ? 1 : UINT32_MAX;
}

static int set_chunk(struct sweep *s, uint32_t c)
{
	s->ids[c] = fw_pool_intern(&s->b->pool, &s->cur[c]);
	if (s->ids[c] == UINT32_MAX)
		return -1;
	if (s->near)
		note_difference(s, c);
	return 0;
}

static uint32_t distance(const struct sweep *s, uint32_t row)
{
	const uint32_t *ids = fw_row_ids(s->b, s->axis, row);
	uint32_t n = 0;

	for (uint32_t c = 0; c < s->b->n_chunks && n <= N_OVERRIDES; c++)
		n += ids[c] != s->ids[c];
	return n;
}

/* Choose or make the row to write classes against, where the present one is too far. */
static int move_near(struct sweep *s)
{
	uint32_t row = UINT32_MAX;

	for (uint32_t i = 0; i < s->n_recent && i < RECENT && row == UINT32_MAX; i++)
		if (distance(s, s->recent[i]) <= N_OVERRIDES)
			row = s->recent[i];
	if (row == UINT32_MAX) {
		row = fw_rowset_intern(s->rows, s->ids);
		if (row == UINT32_MAX)
			return -1;
		/* The first row stays: what most values come back to. */
		s->recent[s->n_recent < RECENT ? s->n_recent : 1 + s->n_recent % (RECENT - 1)] =
			row;
		s->n_recent++;
	}
	s->near_row = row;
	memcpy(s->near, fw_row_ids(s->b, s->axis, row), s->b->n_chunks * sizeof(*s->near));
	s->n_differ = 0;
	memset(s->differ, 0, s->b->n_words * sizeof(*s->differ));
	for (uint32_t c = 0; c < s->b->n_chunks; c++)
		note_difference(s, c);
	return 0;
}

static uint32_t class_hash(const struct cls *k)
{
	uint64_t h = k->row;

	for (uint32_t i = 0; i < N_OVERRIDES; i++)
		h = (h ^ k->chunk[i] ^ (uint64_t)k->vec[i] << 20) * 0x9e3779b97f4a7c15ull +
			(h >> 29);
	return (uint32_t)(h >> 32);
}

static int class_rehash(struct sweep *s)
{
	uint32_t mask = s->hash_mask * 2 + 1, *hash = calloc((size_t)mask + 1, sizeof(*hash));

	if (!hash)
		return -1;
	for (uint32_t i = 0; i < s->axis->n_classes; i++) {
		uint32_t at = class_hash(&s->axis->cls[i]) & mask;

		while (hash[at])
			at = (at + 1) & mask;
		hash[at] = i + 1;
	}
	free(s->hash);
	s->hash = hash;
	s->hash_mask = mask;
	return 0;
}

static int class_add(struct axis *a, const struct cls *k)
{
	if (a->n_classes == a->cap_classes) {
		uint32_t cap = a->cap_classes ? a->cap_classes * 2 : 16;
		struct cls *cls = realloc(a->cls, cap * sizeof(*cls));

		if (!cls)
			return -1;
		a->cls = cls;
		a->cap_classes = cap;
	}
	a->cls[a->n_classes++] = *k;
	return 0;
}

/* The class of what is possible now, in a long chain. */
static uint32_t class_intern(struct sweep *s)
{
	struct cls k = {.n = 0};
	uint32_t at;

	if ((s->n_differ > N_OVERRIDES || !s->n_recent) && move_near(s) < 0)
		return UINT32_MAX;
	k.row = s->near_row;
	memset(k.chunk, 0xff, sizeof(k.chunk));
	for (uint32_t w = 0; w < s->b->n_words && k.n < s->n_differ; w++)
		for (uint64_t bits = s->differ[w]; bits; bits &= bits - 1) {
			uint32_t c = w * 64 + (uint32_t)__builtin_ctzll(bits);

			k.chunk[k.n] = (uint16_t)c;
			k.vec[k.n++] = s->ids[c];
		}
	for (at = class_hash(&k) & s->hash_mask; s->hash[at]; at = (at + 1) & s->hash_mask)
		if (!memcmp(&s->axis->cls[s->hash[at] - 1], &k, sizeof(k)))
			return s->hash[at] - 1;
	if (class_add(s->axis, &k) < 0)
		return UINT32_MAX;
	s->hash[at] = s->axis->n_classes;
	if (s->axis->n_classes * 2 > s->hash_mask && class_rehash(s) < 0)
		return UINT32_MAX;
	return s->axis->n_classes - 1;
}

static uint32_t emit(struct sweep *s)
{
	uint32_t row;

	if (s->near)
		return class_intern(s);
	row = fw_rowset_intern(s->rows, s->ids);
	s->axis->n_classes = s->axis->n_rows;
	return row;
}

/* Force the class numbers that every axis has: the open rules, all rules. */
static int emit_fixed(struct sweep *s, const struct vec *vecs)
{
	memcpy(s->cur, vecs, s->b->n_chunks * sizeof(*vecs));
	for (uint32_t c = 0; c < s->b->n_chunks; c++)
		if (set_chunk(s, c) < 0)
			return -1;
	return emit(s) == UINT32_MAX ? -1 : 0;
}

static fw_u128 key_of(const struct event *e)
{
	return (fw_u128)e->hi << 64 | e->lo;
}

/* All events of the next value. */
static int step(struct sweep *s)
{
	const struct event *e = s->ev->e;
	fw_u128 key = key_of(&e[s->at]);
	size_t end = s->at;
	uint32_t next;

	for (; end < s->ev->n && key_of(&e[end]) == key; end++)
		s->cur[e[end].rule >> 8].w[e[end].rule >> 6 & 3] ^= (uint64_t)1
			<< (e[end].rule & 63);
	for (; s->at < end; s->at++)
		if (set_chunk(s, e[s->at].rule >> 8) < 0)
			return -1;
	next = emit(s);
	if (next == UINT32_MAX)
		return -1;
	if (next == s->cls)
		return 0;
	s->cls = next;
	if (!key)
		s->n_points = 0;
	s->points[s->n_points++] = (struct point){key, next};
	return 0;
}

int fw_sweep_step(struct sweep *s, size_t n)
{
	size_t end = s->ev->n - s->at > n ? s->at + n : s->ev->n;

	while (s->at < end)
		if (step(s) < 0)
			return -1;
	if ((size_t)s->axis->n_rows * s->axis->stride > s->b->row_limit)
		return 2;
	return s->at == s->ev->n;
}

const struct point *fw_sweep_points(const struct sweep *s, size_t *n)
{
	*n = s->n_points;
	return s->points;
}

struct sweep *fw_sweep_new(struct base *b, const struct events *ev, const struct vec *open,
			   const struct vec *all, bool flat, struct axis *axis)
{
	struct sweep *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sweep){.b = b, .axis = axis, .ev = ev, .hash_mask = 255, .cls = CLS_ABSENT};
	axis->stride = (b->n_words * 8 + b->n_chunks * 4 + 7) & ~7u;
	/* A field is only swept when some rule asks for it: "open" and "all" are two classes. */
	if (allocate(s, flat) < 0 || emit_fixed(s, open) < 0 || emit_fixed(s, all) < 0 ||
	    axis->n_classes != 2 || emit_fixed(s, open) < 0)
		return fw_sweep_free(s);
	s->points[s->n_points++] = (struct point){0, CLS_ABSENT};
	return s;
}
