/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors, each stored once, and named by a number; number 0 is the empty one. */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

static uint32_t hash_of(const struct vec *v)
{
	uint64_t h = v->w[0] * 0x9e3779b97f4a7c15ull;

	h = (h ^ (h >> 32) ^ v->w[1]) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ (h >> 29) ^ v->w[2]) * 0x94d049bb133111ebull;
	h = (h ^ (h >> 31) ^ v->w[3]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 32);
}

static int grow(struct pool *p)
{
	uint32_t cap = p->cap * 2, mask = cap * 2 - 1;
	struct vec *v = aligned_alloc(sizeof(*v), cap * sizeof(*v));
	uint32_t *hash = calloc((size_t)mask + 1, sizeof(*hash));

	if (!v || !hash) {
		free(v);
		free(hash);
		return -1;
	}
	memcpy(v, p->v, p->n * sizeof(*v));
	for (uint32_t i = 1; i < p->n; i++) {
		uint32_t at = hash_of(&v[i]) & mask;

		while (hash[at])
			at = (at + 1) & mask;
		hash[at] = i;
	}
	free(p->v);
	free(p->hash);
	p->v = v;
	p->hash = hash;
	p->cap = cap;
	p->mask = mask;
	return 0;
}

int fw_pool_init(struct pool *p)
{
	*p = (struct pool){.n = 1, .cap = 64, .mask = 127};
	p->v = aligned_alloc(sizeof(*p->v), p->cap * sizeof(*p->v));
	p->hash = calloc(p->mask + 1, sizeof(*p->hash));
	if (!p->v || !p->hash)
		return -1;
	p->v[0] = (struct vec){0};
	return 0;
}

void fw_pool_deinit(struct pool *p)
{
	free(p->v);
	free(p->hash);
}

uint32_t fw_pool_intern(struct pool *p, const struct vec *v)
{
	uint32_t at;

	if (!(v->w[0] | v->w[1] | v->w[2] | v->w[3]))
		return 0;
	for (at = hash_of(v) & p->mask; p->hash[at]; at = (at + 1) & p->mask)
		if (!memcmp(&p->v[p->hash[at]], v, sizeof(*v)))
			return p->hash[at];
	if (p->n == p->cap) {
		if (grow(p) < 0)
			return UINT32_MAX;
		for (at = hash_of(v) & p->mask; p->hash[at]; at = (at + 1) & p->mask)
			;
	}
	p->hash[at] = p->n;
	p->v[p->n] = *v;
	return p->n++;
}

/* Nothing more will come: give back what only building needs. */
void fw_pool_seal(struct pool *p)
{
	struct vec *v = aligned_alloc(sizeof(*v), p->n * sizeof(*v));

	free(p->hash);
	p->hash = NULL;
	if (!v)
		return;
	memcpy(v, p->v, p->n * sizeof(*v));
	free(p->v);
	p->v = v;
	p->cap = p->n;
}
