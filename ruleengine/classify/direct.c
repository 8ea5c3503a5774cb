/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes of small fields, by value: 256 for a field of a byte; for ports a page of 256 for each
 * upper byte, pages that are equal kept once.  Most rulesets name ports of few pages.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

/* The classes of a page of values from `first` on; *at: the last point at or before them. */
static void fill(uint16_t *ret, uint32_t first, const struct point *points, size_t n, size_t *at)
{
	for (uint32_t i = 0; i < DIRECT_PAGE; i++) {
		while (*at + 1 < n && points[*at + 1].key <= first + i)
			++*at;
		ret[i] = (uint16_t)points[*at].cls;
	}
}

static bool fits(const struct point *points, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (points[i].cls > UINT16_MAX)
			return false;
	return true;
}

static void fill_pages(uint16_t *d, uint32_t *n_pages, const struct point *points, size_t n)
{
	size_t at = 0;

	for (uint32_t high = 0; high < DIRECT_PAGE; high++) {
		uint16_t *page = d + DIRECT_PAGE * (1 + *n_pages);
		uint32_t same = 0;

		fill(page, high << 8, points, n, &at);
		while (memcmp(d + DIRECT_PAGE * (1 + same), page, DIRECT_PAGE * sizeof(*d)) != 0)
			same++; /* at the latest it is equal to itself */
		d[high] = (uint16_t)same;
		*n_pages += same == *n_pages;
	}
}

int fw_direct_make(uint16_t **ret, bool pages, const struct point *points, size_t n)
{
	const size_t most = DIRECT_PAGE * (pages ? 1 + DIRECT_PAGE : 1) * sizeof(**ret);
	uint16_t *d, *smaller;
	uint32_t n_pages = 0;
	size_t at = 0;

	if (!fits(points, n))
		return 1;
	d = malloc(most);
	if (!d)
		return -1;
	*ret = d;
	if (!pages) {
		fill(d, 0, points, n, &at);
		return 0;
	}
	fill_pages(d, &n_pages, points, n);
	smaller = realloc(d, DIRECT_PAGE * (1 + n_pages) * sizeof(*d));
	*ret = smaller ? smaller : d;
	return 0;
}

size_t fw_direct_size(const uint16_t *direct, bool pages)
{
	uint32_t last = 0;

	if (!direct)
		return 0;
	for (uint32_t i = 0; pages && i < DIRECT_PAGE; i++)
		last = direct[i] > last ? direct[i] : last;
	return DIRECT_PAGE * (1 + (pages ? last + 1 : 0)) * sizeof(*direct);
}
