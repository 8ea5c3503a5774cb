/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A base when it is done: what a lookup needs beside the rows, and its end. */
#include <stdlib.h>
#include <string.h>

#include "classify/tuple.h"

static unsigned int class_bits(const struct group *g)
{
	return 32 - (unsigned int)__builtin_clz(g->axis.n_classes);
}

static void add_steps(struct base *b, const struct group *g, unsigned int shift)
{
	for (uint8_t k = 0; k < g->n; k++) {
		enum field f = (enum field)g->field[k];

		b->step[b->n_steps++] = (struct step){
			.field = (uint8_t)f,
			.kind = fw_step_kind(f, b->search[f].wide),
			.last = k + 1 == g->n,
			.shift = (uint8_t)shift,
			.width = g->width[k],
			.table = g->table[k],
			.search = &b->search[f],
			.direct = b->direct[f],
		};
	}
}

static void make_steps(struct base *b)
{
	unsigned int bits = 0;

	for (uint32_t i = 0; i < b->n_groups; i++)
		bits += class_bits(&b->group[i]);
	/* Too many bits for a key: no cache, and nothing is shifted. */
	b->key_bits = (uint8_t)(bits <= CACHE_KEY_BITS ? bits : 0);
	bits = 0;
	for (uint32_t i = 0; i < b->n_groups; i++) {
		add_steps(b, &b->group[i], bits);
		bits += b->key_bits ? class_bits(&b->group[i]) : 0;
	}
}

static int make_cache(struct base *b)
{
	unsigned int set_bits = 5;
	size_t size;

	if (!b->key_bits)
		return 0;
	/* As many combinations as rules have with each other, in the end; rulesets of thousands of
	 * chains have small ones. */
	while (set_bits < 16 && (1ull << set_bits) < (uint64_t)b->n_rules * b->n_rules / 16)
		set_bits++;
	set_bits = set_bits < b->key_bits ? set_bits : b->key_bits;
	b->tag_bits = (uint8_t)(b->key_bits - set_bits);
	size = sizeof(*b->cache) * CACHE_WAYS << set_bits;
	b->cache = aligned_alloc(sizeof(*b->cache) * CACHE_WAYS, size);
	if (!b->cache)
		return -1;
	memset(b->cache, 0xff, size);
	return 0;
}

int fw_base_finish(struct base *b, enum fw_family family)
{
	/* Nothing to ask a packet: an index would name every rule. */
	if (!b->n_groups)
		return -1;
	fw_pool_seal(&b->pool);
	make_steps(b);
	if (make_cache(b) < 0)
		return -1;
	if (b->cache)
		b->tuples = fw_tuples_new(b, family); /* NULL: it goes without */
	return 0;
}

struct base *fw_base_unref(struct base *b)
{
	if (!b || --b->refs)
		return NULL;
	for (int i = 0; i < N_FIELDS; i++) {
		fw_search_deinit(&b->search[i]);
		free(b->direct[i]);
	}
	for (uint32_t i = 0; i < b->n_groups; i++) {
		fw_axis_deinit(&b->group[i].axis);
		for (uint8_t k = 0; k < b->group[i].n; k++)
			free(b->group[i].table[k]);
	}
	fw_names_deinit(&b->names[0]);
	fw_names_deinit(&b->names[1]);
	fw_pool_deinit(&b->pool);
	free(b->exact);
	free(b->cache);
	fw_tuples_free(b->tuples);
	free(b);
	return NULL;
}

static size_t group_size(const struct group *g)
{
	size_t n = (size_t)g->axis.cap_rows * g->axis.stride +
		g->axis.cap_classes * sizeof(struct cls);

	for (uint8_t k = 1; k < g->n; k++)
		n += g->n_table[k] * sizeof(*g->table[k]);
	return n;
}

size_t fw_base_size(const struct base *b)
{
	size_t n = sizeof(*b) + b->pool.cap * sizeof(struct vec) + b->n_chunks * sizeof(struct vec);

	for (int i = 0; i < N_FIELDS; i++)
		n += fw_search_size(&b->search[i]) +
			fw_direct_size(b->direct[i], FIELD_BIT(i) & FIELDS_PORT);
	for (uint32_t i = 0; i < b->n_groups; i++)
		n += group_size(&b->group[i]);
	if (b->cache)
		n += sizeof(*b->cache) * CACHE_WAYS << (b->key_bits - b->tag_bits);
	return n + fw_tuples_size(b->tuples);
}
