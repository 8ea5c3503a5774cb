/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClassBench's format: @SRC/LEN DST/LEN SPLO : SPHI DPLO : DPHI PROTO/MASK …, first match wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classbench.h"

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t between(uint64_t *state, uint32_t lo, uint32_t hi)
{
	return lo + (uint32_t)(next_random(state) % ((uint64_t)hi - lo + 1));
}

static int parse(const char *line, struct cb_filter *f)
{
	unsigned int a[4], b[4], al, bl, p, pm;
	uint32_t ma, mb, s, d;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", a, a + 1, a + 2,
		   a + 3, &al, b, b + 1, b + 2, b + 3, &bl, &f->lo[CB_SPORT], &f->hi[CB_SPORT],
		   &f->lo[CB_DPORT], &f->hi[CB_DPORT], &p, &pm) != 16)
		return -1;
	s = a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
	d = b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
	ma = al ? UINT32_MAX << (32 - al) : 0;
	mb = bl ? UINT32_MAX << (32 - bl) : 0;
	f->lo[CB_SRC] = s & ma;
	f->hi[CB_SRC] = s | ~ma;
	f->lo[CB_DST] = d & mb;
	f->hi[CB_DST] = d | ~mb;
	f->lo[CB_PROTO] = pm ? p : 0;
	f->hi[CB_PROTO] = pm ? p : 255;
	f->len[0] = (uint8_t)al;
	f->len[1] = (uint8_t)bl;
	return 0;
}

int cb_load(struct cb_set *set, const char *path)
{
	size_t n = strlen(path), cap = 0;
	char line[512];
	FILE *in;
	int gz = n > 3 && !strcmp(path + n - 3, ".gz");

	if (gz) {
		snprintf(line, sizeof(line), "gzip -dc '%s'", path);
		in = popen(line, "r");
	} else {
		in = fopen(path, "r");
	}
	*set = (struct cb_set){0};
	while (in && fgets(line, sizeof(line), in)) {
		if (set->n == cap) {
			cap = cap ? cap * 2 : 1024;
			set->f = realloc(set->f, cap * sizeof(*set->f));
			if (!set->f)
				exit(1);
		}
		if (!parse(line, &set->f[set->n]))
			set->n++;
	}
	if (in)
		(void)(gz ? pclose(in) : fclose(in));
	if (set->n)
		return 0;
	fprintf(stderr, "%s: no filters\n", path);
	return -1;
}

static void random_header(const struct cb_set *set, uint64_t *state, struct cb_header *h)
{
	const struct cb_filter *f = &set->f[next_random(state) % set->n];

	if (next_random(state) % 10 == 0) {
		for (int k = 0; k < CB_PROTO; k++)
			h->v[k] = (uint32_t)next_random(state) &
				(k < CB_SPORT ? UINT32_MAX : UINT16_MAX);
		h->v[CB_PROTO] = next_random(state) & 1 ? 6 : 17;
		return;
	}
	for (int k = 0; k < CB_FIELDS; k++)
		h->v[k] = between(state, f->lo[k], f->hi[k]);
	if (f->lo[CB_PROTO] != f->hi[CB_PROTO])
		h->v[CB_PROTO] = next_random(state) & 1 ? 6 : 17;
}

struct cb_header *cb_trace(const struct cb_set *set, size_t n, size_t flows, uint64_t seed)
{
	size_t distinct = flows ? flows : n;
	struct cb_header *h = malloc(distinct * sizeof(*h)), *out;
	double *sum = malloc(distinct * sizeof(*sum)), total = 0;

	if (!h || !sum)
		exit(1);
	for (size_t i = 0; i < distinct; i++) {
		random_header(set, &seed, &h[i]);
		sum[i] = total += 1.0 / (double)(i + 1);
	}
	out = flows ? malloc(n * sizeof(*out)) : h;
	if (!out)
		exit(1);
	for (size_t i = 0; flows && i < n; i++) {
		double x = (double)(next_random(&seed) >> 11) * 0x1p-53 * total;
		size_t lo = 0, hi = flows - 1;

		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (sum[mid] < x)
				lo = mid + 1;
			else
				hi = mid;
		}
		out[i] = h[lo];
	}
	if (flows)
		free(h);
	free(sum);
	return out;
}

size_t cb_first(const struct cb_set *set, const struct cb_header *h)
{
	for (size_t i = 0; i < set->n; i++) {
		int k = 0;

		while (k < CB_FIELDS && h->v[k] >= set->f[i].lo[k] && h->v[k] <= set->f[i].hi[k])
			k++;
		if (k == CB_FIELDS)
			return i;
	}
	return set->n;
}
