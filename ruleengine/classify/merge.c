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
	return pairs * b->n_chunks <= MERGE_WORK && pairs <= 1024 + 16 * (uint64_t)b->n_rules;
}

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

static int fill(struct base *b, struct rowset *rows, const struct axis *x, const struct axis *y,
		uint32_t *table, uint32_t *ids)
{
	for (uint32_t i = 0; i < x->n_classes; i++)
		for (uint32_t k = 0; k < y->n_classes; k++) {
			uint32_t row;

			if (intersect_rows(b, x, i, y, k, ids) < 0)
				return -1;
			row = fw_rowset_intern(rows, ids);
			if (row == UINT32_MAX)
				return -1;
			table[(size_t)i * y->n_classes + k] = row;
		}
	return 0;
}

int fw_group_merge(struct base *base, struct group *g, enum field field, struct axis *axis, bool *merged)
{
	uint64_t pairs = (uint64_t)g->axis.n_classes * axis->n_classes;
	struct axis out = {.stride = axis->stride};
	struct rowset *rows;
	uint32_t *table, *ids;
	int r = -1;

	*merged = false;
	if (g->axis.cls || axis->cls || !worth_it(base, pairs))
		return 0;
	table = calloc(pairs, sizeof(*table));
	ids = calloc(base->n_chunks, sizeof(*ids));
	rows = fw_rowset_new(base, &out);
	if (table && ids && rows)
		r = fill(base, rows, &g->axis, axis, table, ids);
	free(ids);
	fw_rowset_free(rows);
	if (r < 0) {
		free(table);
		fw_axis_deinit(&out);
		return -1;
	}
	out.n_classes = out.n_rows;
	g->field[g->n] = (uint8_t)field;
	g->width[g->n] = axis->n_classes;
	g->n_table[g->n] = pairs;
	g->table[g->n++] = table;
	fw_axis_deinit(&g->axis);
	fw_axis_deinit(axis);
	g->axis = out;
	*merged = true;
	return 0;
}
