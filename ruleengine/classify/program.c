/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program: one version of a chain laid over a base.
 *
 * After an edit most chunks are the same objects as before, in the same order; they keep their
 * chunk of the base.  The others get filters.  A touched chunk costs each packet some ten
 * nanoseconds, a new base some microseconds for each rule, once: a base is made anew when the
 * touched chunks have become a fair part of the chain.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

/* So many touched chunks are always borne, and this part (1/n) of the chain's. */
#define TOUCHED_MIN  4
#define TOUCHED_PART 4

/* The old chain's chunks by address. */
struct chunk_map {
	uint32_t *at, mask; /* place + 1 */
	const struct fw_chain *chain;
};

static uint32_t chunk_hash(const struct fw_chunk *c)
{
	return (uint32_t)(((uintptr_t)c >> 4) * 0x9e3779b97f4a7c15ull >> 32);
}

static int map_init(struct chunk_map *m, const struct fw_chain *chain)
{
	m->chain = chain;
	m->mask = 15;
	while (m->mask < chain->n_chunks * 2)
		m->mask = m->mask * 2 + 1;
	m->at = calloc((size_t)m->mask + 1, sizeof(*m->at));
	if (!m->at)
		return -1;
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		uint32_t h = chunk_hash(chain->chunks[i]) & m->mask;

		while (m->at[h])
			h = (h + 1) & m->mask;
		m->at[h] = i + 1;
	}
	return 0;
}

static uint32_t map_find(const struct chunk_map *m, const struct fw_chunk *c)
{
	for (uint32_t h = chunk_hash(c) & m->mask; m->at[h]; h = (h + 1) & m->mask)
		if (m->chain->chunks[m->at[h] - 1] == c)
			return m->at[h] - 1;
	return NO_CHUNK;
}

static struct fw_program *program_new(const struct fw_chain *chain, enum fw_family family,
				      uint32_t base_chunks)
{
	struct fw_program *p = calloc(1, sizeof(*p));
	uint32_t first = 0;

	if (!p)
		return NULL;
	p->refs = 1;
	p->family = family;
	p->n_places = chain->n_chunks;
	p->place = calloc(chain->n_chunks, sizeof(*p->place));
	p->where = malloc(base_chunks * sizeof(*p->where));
	p->touched = malloc(chain->n_chunks * sizeof(*p->touched));
	if (!p->place || !p->where || !p->touched)
		return fw_program_unref(p);
	memset(p->where, 0xff, base_chunks * sizeof(*p->where));
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		p->place[i].base = NO_CHUNK;
		p->place[i].first = first;
		first += chain->chunks[i]->n;
	}
	return p;
}

static struct fw_program *build_whole(const struct fw_chain *chain, enum fw_family family)
{
	struct fw_program *p = program_new(chain, family, chain->n_chunks);

	if (!p)
		return NULL;
	p->base = fw_base_build(chain, family);
	if (!p->base)
		return fw_program_unref(p);
	for (uint32_t i = 0; i < chain->n_chunks; i++)
		p->place[i].base = p->where[i] = i;
	p->whole = true;
	return p;
}

/* Take over what the old program knows of the chunks that are still there. */
static void inherit(struct fw_program *p, const struct fw_chain *chain, const struct fw_program *old,
		    const struct chunk_map *map)
{
	uint32_t least = 0; /* chunks of the base must stay in order */

	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		uint32_t from = map_find(map, chain->chunks[i]);

		if (from == NO_CHUNK)
			continue;
		if (old->place[from].base == NO_CHUNK) {
			p->place[i].filter = old->place[from].filter;
			p->place[i].filter->refs++;
		} else if (old->place[from].base >= least) {
			p->place[i].base = old->place[from].base;
			p->where[p->place[i].base] = i;
			least = p->place[i].base + 1;
		}
	}
}

static int add_filters(struct fw_program *p, const struct fw_chain *chain)
{
	struct fw_fields *scratch = malloc(sizeof(*scratch));

	if (!scratch)
		return -1;
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		if (p->place[i].base != NO_CHUNK)
			continue;
		if (!p->place[i].filter)
			p->place[i].filter = fw_filter_build(chain->chunks[i], p->family, scratch);
		if (!p->place[i].filter)
			break;
		p->touched[p->n_touched++] = i;
	}
	free(scratch);
	for (uint32_t i = 0; i < chain->n_chunks; i++)
		if (p->place[i].base == NO_CHUNK && !p->place[i].filter)
			return -1;
	return 0;
}

static uint32_t count_untouched(const struct fw_chain *chain, const struct fw_program *old,
				const struct chunk_map *map)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		uint32_t from = map_find(map, chain->chunks[i]);

		n += from != NO_CHUNK && old->place[from].base != NO_CHUNK;
	}
	return n;
}

/* Patch the old program; NULL: a new base is the better choice, or no memory. */
static struct fw_program *build_patched(const struct fw_chain *chain, const struct fw_chain *old,
					enum fw_family family)
{
	struct chunk_map map;
	struct fw_program *p = NULL;

	if (map_init(&map, old) < 0)
		return NULL;
	if (chain->n_chunks - count_untouched(chain, old->program, &map) <=
	    TOUCHED_MIN + chain->n_chunks / TOUCHED_PART)
		p = program_new(chain, family, old->program->base->n_chunks);
	if (p) {
		p->base = old->program->base;
		p->base->refs++;
		inherit(p, chain, old->program, &map);
		if (add_filters(p, chain) < 0)
			p = fw_program_unref(p);
	}
	free(map.at);
	return p;
}

struct fw_program *fw_program_build(const struct fw_chain *chain, const struct fw_chain *old,
				    enum fw_family family)
{
	struct fw_program *p = NULL;

	if (chain->n_rules < MIN_RULES)
		return NULL;
	if (old && old->program)
		p = build_patched(chain, old, family);
	return p ? p : build_whole(chain, family);
}

struct fw_program *fw_program_unref(struct fw_program *p)
{
	if (!p || --p->refs)
		return NULL;
	for (uint32_t i = 0; p->place && i < p->n_places; i++)
		fw_filter_unref(p->place[i].filter);
	fw_base_unref(p->base);
	free(p->place);
	free(p->where);
	free(p->touched);
	free(p);
	return NULL;
}

void fw_program_portable(struct fw_program *p)
{
	p->base->avx2 = false;
}

uint32_t fw_program_touched(const struct fw_program *p)
{
	return p->n_touched;
}

size_t fw_program_size(const struct fw_program *p)
{
	size_t n = sizeof(*p) + p->n_places * (sizeof(*p->place) + sizeof(*p->touched)) +
		   p->base->n_chunks * sizeof(*p->where) + fw_base_size(p->base);

	for (uint32_t i = 0; i < p->n_touched; i++) {
		const struct filter *f = p->place[p->touched[i]].filter;

		n += sizeof(*f) + f->n_cols * (sizeof(*f->value) + sizeof(*f->mask));
	}
	return n;
}
