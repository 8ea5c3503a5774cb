/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a value to its class: sorted points where the class changes, reached through a root table
 * that divides the span between the first change and the last into equal buckets.  Addresses in
 * rulesets stand close together, so the span is what counts, not the field's width.
 *
 * Nothing in a lookup depends on the value but what is loaded: as many halvings for every bucket
 * as the fullest needs, then eight comparisons at once that are counted.  The processor cannot
 * guess where a stranger's address falls, and a wrong guess costs more than all of them.
 */
#include <stdlib.h>

#include "classify/classify.h"

static int copy_points(struct search *s, const struct point *points, size_t n)
{
	size_t room = n + SEARCH_STEP;

	s->cls = calloc(n, sizeof(*s->cls));
	if (s->wide)
		s->key_wide = calloc(room, sizeof(*s->key_wide));
	else
		s->key = calloc(room, sizeof(*s->key));
	if (!s->cls || (!s->key && !s->key_wide))
		return -1;
	for (size_t i = 0; i < room; i++) {
		/* What stands behind the last is greater than any value, or not counted. */
		fw_u128 key = i < n ? points[i].key : ~(fw_u128)0;

		if (s->wide)
			s->key_wide[i] = key;
		else
			s->key[i] = (int32_t)((uint32_t)key ^ SEARCH_SIGN);
		if (i < n)
			s->cls[i] = points[i].cls;
	}
	return 0;
}

static int make_root(struct search *s, const struct point *points, fw_u128 span)
{
	s->n_root = (uint32_t)(span >> s->shift) + 1;
	s->root = calloc((size_t)s->n_root + 1, sizeof(*s->root));
	if (!s->root)
		return -1;
	for (uint32_t i = 0, at = 0; i < s->n_root; i++) {
		fw_u128 start = s->min + ((fw_u128)i << s->shift);

		while (i && at + 1 < s->n && points[at + 1].key <= start)
			at++;
		s->root[i] = at; /* the first bucket is that of smaller values, too */
	}
	s->root[s->n_root] = s->n - 1;
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
	if (copy_points(s, points, n) < 0)
		return -1;
	s->min = n > 1 ? points[1].key : 0;
	span = n > 1 ? points[n - 1].key - s->min : 0;
	while (bits < 17 && (1u << bits) < 2 * n)
		bits++;
	while (span >> s->shift >> bits)
		s->shift++;
	return make_root(s, points, span);
}

void fw_search_deinit(struct search *s)
{
	free(s->root);
	free(s->key);
	free(s->key_wide);
	free(s->cls);
}
