/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a value to its class: sorted points where the class changes, reached through a root table
 * that divides the span between the first change and the last into equal buckets.  Addresses in
 * rulesets stand close together, so the span is what counts, not the field's width.
 */
#include <stdlib.h>

#include "classify/classify.h"

static fw_u128 point_key(const struct search *s, uint32_t i)
{
	if (s->wide)
		return (fw_u128)s->at_wide[i].hi << 64 | s->at_wide[i].lo;
	return s->at[i].key;
}

static int copy_points(struct search *s, const struct point *points, size_t n)
{
	if (s->wide) {
		s->at_wide = calloc(n, sizeof(*s->at_wide));
		if (!s->at_wide)
			return -1;
		for (size_t i = 0; i < n; i++) {
			s->at_wide[i].hi = (uint64_t)(points[i].key >> 64);
			s->at_wide[i].lo = (uint64_t)points[i].key;
			s->at_wide[i].cls = points[i].cls;
		}
		return 0;
	}
	s->at = calloc(n, sizeof(*s->at));
	if (!s->at)
		return -1;
	for (size_t i = 0; i < n; i++) {
		s->at[i].key = (uint32_t)points[i].key;
		s->at[i].cls = points[i].cls;
	}
	return 0;
}

int fw_search_make(struct search *s, const struct point *points, size_t n, bool wide)
{
	unsigned int bits = 2;
	fw_u128 min, span;

	s->n = (uint32_t)n;
	s->wide = wide;
	if (copy_points(s, points, n) < 0)
		return -1;
	min = n > 1 ? point_key(s, 1) : 0;
	span = n > 1 ? point_key(s, (uint32_t)n - 1) - min : 0;
	while (bits < 16 && (1u << bits) < 4 * n)
		bits++;
	while (span >> s->shift >> bits)
		s->shift++;
	s->min = (uint64_t)(wide ? min >> 64 : min);
	s->min_lo = (uint64_t)min;
	s->n_root = (uint32_t)(span >> s->shift) + 1;
	s->root = calloc((size_t)s->n_root + 1, sizeof(*s->root));
	if (!s->root)
		return -1;
	for (uint32_t i = 0, at = n > 1; i < s->n_root; i++) {
		fw_u128 start = min + ((fw_u128)i << s->shift);

		while (at + 1 < n && point_key(s, at + 1) <= start)
			at++;
		s->root[i] = at;
	}
	s->root[s->n_root] = (uint32_t)n - 1;
	return 0;
}

void fw_search_deinit(struct search *s)
{
	free(s->root);
	free(s->at);
	free(s->at_wide);
}
