/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program: one version of a chain laid over a base.
 *
 * After an edit most chunks are the same objects as before, in the same order; they keep their
 * chunk of the base.  The others get filters, which cost each packet some ten nanoseconds.  So
 * when some have gathered, a new base is begun (builder.c); each edit does a slice of it, in
 * proportion to what the edit touched, and the program that finds it done goes over to it.  An
 * edit of much of a chain, or of a short one, makes the new base at once.
 *
 * The builder goes from a program to the next one that is made of it.  If that one is given up,
 * the builder goes with it, and another is begun in its time.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

/* So many touched chunks are borne without a thought, and such a part (1/n) of the chain's. */
#define TOUCHED_MIN  4
#define TOUCHED_PART 32
/* Make a new base at once for chains of so few chunks, or when one edit touches so much. */
#define AT_ONCE_CHUNKS 16
#define AT_ONCE_PART   8
/* Work of a slice for each chunk that an edit touches, in rules (about 200 ns each). */
#define SLICE 4096

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

/* Without a base yet. */
static struct fw_program *program_new(const struct fw_chain *chain, enum fw_family family)
{
	struct fw_program *p = calloc(1, sizeof(*p));
	uint32_t first = 0;

	if (!p)
		return NULL;
	p->refs = 1;
	p->family = family;
	p->n_places = chain->n_chunks;
	p->place = calloc(chain->n_chunks, sizeof(*p->place));
	p->touched = malloc(chain->n_chunks * sizeof(*p->touched));
	if (!p->place || !p->touched)
		return fw_program_unref(p);
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		p->place[i].base = NO_CHUNK;
		p->place[i].first = first;
		first += chain->chunks[i]->n;
	}
	return p;
}

/* Lay the program over `base` (the reference becomes its): place where[b] holds chunk b. */
static int lay_over(struct fw_program *p, struct base *base, const uint32_t *where)
{
	uint32_t *own = malloc(base->n_chunks * sizeof(*own)), next = 0;

	if (!own) {
		fw_base_unref(base);
		return -1;
	}
	free(p->where);
	fw_base_unref(p->base);
	p->base = base;
	p->where = own;
	for (uint32_t i = 0; i < p->n_places; i++)
		p->place[i].base = NO_CHUNK;
	for (uint32_t b = 0; b < base->n_chunks; b++) {
		/* Chunks that have changed places cannot both stay. */
		own[b] = where[b] != NO_CHUNK && where[b] >= next ? where[b] : NO_CHUNK;
		if (own[b] == NO_CHUNK)
			continue;
		next = own[b] + 1;
		p->place[own[b]].base = b;
		p->place[own[b]].filter = fw_filter_unref(p->place[own[b]].filter);
	}
	return 0;
}

struct fw_program *fw_program_build_limited(const struct fw_chain *chain, enum fw_family family,
					    size_t row_limit)
{
	struct fw_program *p = program_new(chain, family);
	struct builder *bl = p ? fw_builder_new(chain, family, row_limit) : NULL;

	if (!bl || fw_builder_step(bl, chain, INT64_MAX) != 1 ||
	    lay_over(p, fw_builder_take(bl), fw_builder_where(bl)) < 0)
		p = fw_program_unref(p);
	if (p)
		p->whole = true;
	fw_builder_free(bl);
	return p;
}

/* What an edit has done to the chunks of a chain. */
struct change {
	uint32_t *now; /* place of the old chain to place of the new one, or NO_CHUNK */
	uint32_t n_old;
	uint32_t fresh; /* chunks that the old chain has not */
	uint32_t touched; /* chunks without one of the base's */
};

static int find_change(const struct fw_chain *chain, const struct fw_chain *old, struct change *ch)
{
	struct chunk_map map;

	*ch = (struct change){.n_old = old->n_chunks};
	ch->now = malloc(old->n_chunks * sizeof(*ch->now));
	if (!ch->now || map_init(&map, old) < 0) {
		free(ch->now);
		return -1;
	}
	memset(ch->now, 0xff, old->n_chunks * sizeof(*ch->now));
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		uint32_t from = map_find(&map, chain->chunks[i]);

		ch->fresh += from == NO_CHUNK;
		ch->touched += from == NO_CHUNK || old->program->place[from].base == NO_CHUNK;
		if (from != NO_CHUNK)
			ch->now[from] = i;
	}
	free(map.at);
	return 0;
}

static bool at_once(const struct fw_chain *chain, const struct change *ch)
{
	if (chain->n_chunks <= AT_ONCE_CHUNKS)
		return ch->touched > TOUCHED_MIN;
	return ch->fresh > TOUCHED_MIN + chain->n_chunks / AT_ONCE_PART;
}

/* Follow places of the old chain to the new one. */
static void follow(uint32_t *places, uint32_t n, const struct change *ch)
{
	for (uint32_t i = 0; i < n; i++)
		if (places[i] != NO_CHUNK)
			places[i] = ch->now[places[i]];
}

static int inherit(struct fw_program *p, const struct fw_program *old, const struct change *ch)
{
	uint32_t *where = malloc(old->base->n_chunks * sizeof(*where));
	int r;

	if (!where)
		return -1;
	memcpy(where, old->where, old->base->n_chunks * sizeof(*where));
	follow(where, old->base->n_chunks, ch);
	for (uint32_t i = 0; i < ch->n_old; i++)
		if (ch->now[i] != NO_CHUNK && old->place[i].filter) {
			p->place[ch->now[i]].filter = old->place[i].filter;
			old->place[i].filter->refs++;
		}
	old->base->refs++;
	r = lay_over(p, old->base, where);
	free(where);
	return r;
}

/* Go on with the next base, or begin it when it is time. */
static void slice(struct fw_program *p, const struct fw_chain *chain, struct fw_program *old,
		  const struct change *ch)
{
	int r;

	p->next = old->next;
	old->next = NULL;
	if (p->next)
		follow(fw_builder_where(p->next), fw_builder_chunks(p->next), ch);
	else if (ch->touched > TOUCHED_MIN + chain->n_chunks / TOUCHED_PART)
		p->next = fw_builder_new(chain, p->family, fw_builder_row_limit(chain));
	if (!p->next)
		return;
	r = fw_builder_step(p->next, chain, SLICE * (1 + (int64_t)ch->fresh));
	if (r == 1)
		(void)lay_over(p, fw_builder_take(p->next), fw_builder_where(p->next));
	if (r)
		p->next = fw_builder_free(p->next);
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

/* Patch the old program; NULL: a new base is the better choice, or no memory. */
static struct fw_program *build_patched(const struct fw_chain *chain, const struct fw_chain *old,
					enum fw_family family)
{
	struct fw_program *p = NULL;
	struct change ch;

	if (find_change(chain, old, &ch) < 0)
		return NULL;
	if (!at_once(chain, &ch))
		p = program_new(chain, family);
	if (p && inherit(p, old->program, &ch) < 0)
		p = fw_program_unref(p);
	if (p) {
		slice(p, chain, old->program, &ch);
		if (add_filters(p, chain) < 0)
			p = fw_program_unref(p);
	}
	free(ch.now);
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
	return p ? p : fw_program_build_limited(chain, family, fw_builder_row_limit(chain));
}

struct fw_program *fw_program_unref(struct fw_program *p)
{
	if (!p || --p->refs)
		return NULL;
	for (uint32_t i = 0; p->place && i < p->n_places; i++)
		fw_filter_unref(p->place[i].filter);
	fw_builder_free(p->next);
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
