/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merging of small fields: protocol, ports, interfaces, state … have a few classes each, and most
 * pairs of their classes lead to few different sets of rules.  A table for all pairs makes one
 * axis of two, with rows that are already intersected.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

/* Vectors that a merge may intersect: bounds its time, and with it the memory of its rows. */
#define MERGE_WORK (1u << 20)

/* A merge saves nanoseconds: its table must be small beside the rules themselves. */
static bool worth_it(const struct base *b, uint64_t pairs)
{
	return pairs * b->n_chunks <= MERGE_WORK && pairs <= 1024 + 16 * (uint64_t)b->n_rules &&
		pairs <= UINT16_MAX;
}

struct merge {
	struct base *b;
	struct group *g;
	enum field field;
	struct axis *axis, out;
	struct rowset *rows;
	uint16_t *table;
	uint32_t *ids;
	uint32_t at; /* next class of the group */
};

static int intersect_rows(struct base *b, const struct axis *x, uint32_t rx, const struct axis *y,
			  uint32_t ry, uint32_t *ids)
{
	const uint64_t *sx = fw_row_summary(x, rx), *sy = fw_row_summary(y, ry);
	const uint32_t *ix = fw_row_ids(b, x, rx), *iy = fw_row_ids(b, y, ry);

	memset(ids, 0, b->n_chunks * sizeof(*ids));
	for (uint32_t w = 0; w < b->n_words; w++)
		for (uint64_t bits = sx[w] & sy[w]; bits; bits &= bits - 1) {
			uint32_t c = w * 64 + (uint32_t)__builtin_ctzll(bits);
			struct vec v;

			if (ix[c] == iy[c]) {
				ids[c] = ix[c];
				continue;
			}
			for (int i = 0; i < 4; i++)
				v.w[i] = b->pool.v[ix[c]].w[i] & b->pool.v[iy[c]].w[i];
			ids[c] = fw_pool_intern(&b->pool, &v);
			if (ids[c] == UINT32_MAX)
				return -1;
		}
	return 0;
}

/* A class of the group with every class of the field. */
static int fill(struct merge *m)
{
	uint32_t n = m->axis->n_classes;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t row;

		if (intersect_rows(m->b, &m->g->axis, m->at, m->axis, k, m->ids) < 0)
			return -1;
		row = fw_rowset_intern(m->rows, m->ids);
		if (row == UINT32_MAX)
			return -1;
		m->table[(size_t)m->at * n + k] = (uint16_t)row;
	}
	m->at++;
	return 0;
}

static void hand_over(struct merge *m)
{
	struct group *g = m->g;

	m->out.n_classes = m->out.n_rows;
	g->field[g->n] = (uint8_t)m->field;
	g->width[g->n] = m->axis->n_classes;
	g->n_table[g->n] = (size_t)g->axis.n_classes * m->axis->n_classes;
	g->table[g->n++] = m->table;
	m->table = NULL;
	fw_axis_deinit(&g->axis);
	fw_axis_deinit(m->axis);
	g->axis = m->out;
	m->out = *m->axis = (struct axis){0};
}

int fw_merge_step(struct merge *m, size_t n)
{
	size_t each = (size_t)m->axis->n_classes * m->b->n_chunks, done = 0;

	for (; m->at < m->g->axis.n_classes && done < n; done += each)
		if (fill(m) < 0)
			return -1;
	if (m->at < m->g->axis.n_classes)
		return 0;
	hand_over(m);
	return 1;
}

struct merge *fw_merge_free(struct merge *m)
{
	if (!m)
		return NULL;
	free(m->table);
	free(m->ids);
	fw_rowset_free(m->rows);
	fw_axis_deinit(&m->out);
	free(m);
	return NULL;
}

struct merge *fw_merge_new(struct base *b, struct group *g, enum field field, struct axis *axis,
			   bool *worth)
{
	uint64_t pairs = (uint64_t)g->axis.n_classes * axis->n_classes;
	struct merge *m;

	*worth = !g->axis.cls && !axis->cls && worth_it(b, pairs);
	m = *worth ? calloc(1, sizeof(*m)) : NULL;
	if (!m)
		return NULL;
	*m = (struct merge){
		.b = b, .g = g, .field = field, .axis = axis, .out.stride = axis->stride};
	m->table = calloc(pairs, sizeof(*m->table));
	m->ids = calloc(b->n_chunks, sizeof(*m->ids));
	m->rows = fw_rowset_new(b, &m->out);
	return m->table && m->ids && m->rows ? m : fw_merge_free(m);
}
