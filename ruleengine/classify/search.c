/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a value to its class: sorted points where the class changes, reached through a root table
 * that divides the span between the first change and the last into equal buckets.  Addresses in
 * rulesets stand close together, so the span is what counts, not the field's width.
 *
 * Points stand in blocks of eight, and blocks are told apart by their first points.  Nothing in a
 * lookup depends on the value but what is loaded: as many halvings for every bucket as the fullest
 * needs (mostly none), then eight first points are compared at once and counted, then a block's
 * points.  The processor cannot guess where a stranger's address falls, and a wrong guess costs
 * more than all of them.
 */
#include <stdlib.h>

#include "classify/classify.h"

/* Blocks beyond the last, which counting may reach. */
#define SPARE_BLOCKS (SEARCH_STEP + 1)

/* What stands behind the last point is the greatest value, which counting takes for the last. */
static int copy_narrow(struct search *s, const struct point *points, size_t n)
{
	const size_t n_blocks = (n + SEARCH_STEP - 1) / SEARCH_STEP + SPARE_BLOCKS;
	const size_t room = n_blocks * SEARCH_STEP;

	s->key = aligned_alloc(32, room * sizeof(*s->key));
	s->cls = malloc(room * sizeof(*s->cls));
	s->head = malloc(n_blocks * sizeof(*s->head));
	if (!s->key || !s->cls || !s->head)
		return -1;
	for (size_t i = 0; i < room; i++) {
		uint32_t key = i < n ? (uint32_t)points[i].key : UINT32_MAX;

		s->key[i] = (int32_t)(key ^ SEARCH_SIGN);
		s->cls[i] = points[i < n ? i : n - 1].cls;
		if (i % SEARCH_STEP == 0)
			s->head[i / SEARCH_STEP] = s->key[i];
	}
	return 0;
}

static int copy_wide(struct search *s, const struct point *points, size_t n)
{
	const size_t room = n + SEARCH_STEP;

	s->cls = malloc(n * sizeof(*s->cls));
	s->key_wide = malloc(room * sizeof(*s->key_wide));
	if (!s->cls || !s->key_wide)
		return -1;
	for (size_t i = 0; i < room; i++)
		s->key_wide[i] = i < n ? points[i].key : ~(fw_u128)0;
	for (size_t i = 0; i < n; i++)
		s->cls[i] = points[i].cls;
	return 0;
}

static int make_root(struct search *s, const struct point *points, fw_u128 span)
{
	const uint32_t per_entry = s->wide ? 1 : SEARCH_STEP;

	s->n_root = (uint32_t)(span >> s->shift) + 1;
	s->root = calloc((size_t)s->n_root + 1, sizeof(*s->root));
	if (!s->root)
		return -1;
	for (uint32_t i = 0, at = 0; i < s->n_root; i++) {
		fw_u128 start = s->min + ((fw_u128)i << s->shift);

		while (i && at + 1 < s->n && points[at + 1].key <= start)
			at++;
		s->root[i] = at / per_entry; /* the first bucket is that of smaller values, too */
	}
	s->root[s->n_root] = (s->n - 1) / per_entry;
	for (uint32_t i = 0; i < s->n_root; i++) {
		uint32_t most = s->root[i + 1] - s->root[i];
		uint8_t steps = 0;

		for (; most > SEARCH_STEP; most -= most / 2)
			steps++;
		s->steps = steps > s->steps ? steps : s->steps;
	}
	return 0;
}

int fw_search_make(struct search *s, const struct point *points, size_t n, bool wide)
{
	unsigned int bits = 2;
	fw_u128 span;

	s->n = (uint32_t)n;
	s->wide = wide;
	if ((wide ? copy_wide(s, points, n) : copy_narrow(s, points, n)) < 0)
		return -1;
	s->min = n > 1 ? points[1].key : 0;
	span = n > 1 ? points[n - 1].key - s->min : 0;
	while (bits < 17 && (1u << bits) < 2 * n)
		bits++;
	while (span >> s->shift >> bits)
		s->shift++;
	return make_root(s, points, span);
}

size_t fw_search_size(const struct search *s)
{
	const size_t root = ((size_t)s->n_root + 1) * sizeof(*s->root);
	const size_t n_blocks = (s->n + SEARCH_STEP - 1) / SEARCH_STEP + SPARE_BLOCKS;

	if (!s->n)
		return 0;
	if (s->wide)
		return root + s->n * (sizeof(*s->key_wide) + sizeof(*s->cls));
	return root +
		n_blocks * (SEARCH_STEP * (sizeof(*s->key) + sizeof(*s->cls)) + sizeof(*s->head));
}

void fw_search_deinit(struct search *s)
{
	free(s->root);
	free(s->key);
	free(s->head);
	free(s->key_wide);
	free(s->cls);
}
