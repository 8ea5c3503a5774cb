/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains as lists of chunks: an edit copies the one chunk that it changes and the list of chunks.
 *
 * A chunk holds up to FW_CHUNK_RULES rules but starts small: ten thousand chains of two rules
 * each are as usual as one chain of a hundred thousand.  Beside the pointers stand the rules'
 * hashes, so that deleting by text need not touch every rule.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

static struct fw_chunk *chunk_alloc(uint32_t cap)
{
	struct fw_chunk *c = malloc(sizeof(*c) + cap * (sizeof(c->rules[0]) + sizeof(uint32_t)));

	if (!c)
		return NULL;
	*c = (struct fw_chunk){.refs = 1, .cap = cap};
	return c;
}

static void chunk_unref(struct fw_chunk *c, struct fw_reap *reap)
{
	if (--c->refs)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		fw_rule_unref(c->rules[i], reap);
	free(c->jumps);
	free(c);
}

/* Rules [from, to) of `c` as a chunk of its own with room for `cap`; takes references. */
static struct fw_chunk *chunk_part(const struct fw_chunk *c, uint32_t from, uint32_t to,
				   uint32_t cap)
{
	struct fw_chunk *part = chunk_alloc(cap);

	if (!part)
		return NULL;
	part->n = to - from;
	part->fresh = c->fresh;
	memcpy(part->rules, c->rules + from, part->n * sizeof(part->rules[0]));
	memcpy(fw_chunk_hashes(part), fw_chunk_hashes(c) + from, part->n * sizeof(uint32_t));
	for (uint32_t i = 0; i < part->n; i++)
		part->rules[i]->refs++;
	return part;
}

/* Make chunk `at` the chain's own, with room for one rule more if `grow`. */
static struct fw_chunk *chunk_own(struct fw_chain *chain, uint32_t at, bool grow)
{
	struct fw_chunk *c = chain->chunks[at], *own;
	uint32_t cap = c->cap;

	if (grow && c->n == cap)
		cap = cap * 4 < FW_CHUNK_RULES ? cap * 4 : FW_CHUNK_RULES;
	if (c->refs == 1 && cap == c->cap) {
		c->sealed = false;
		return c;
	}
	own = chunk_part(c, 0, c->n, cap);
	if (!own)
		return NULL;
	chunk_unref(c, NULL); /* own has the rules: none dies */
	chain->chunks[at] = own;
	return own;
}

static int chunks_open(struct fw_chain *chain, uint32_t at, struct fw_chunk *c)
{
	struct fw_chunk **list = realloc(chain->chunks, (chain->n_chunks + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	memmove(list + at + 1, list + at, (chain->n_chunks - at) * sizeof(*list));
	list[at] = c;
	chain->chunks = list;
	chain->n_chunks++;
	return 0;
}

static void chunks_close(struct fw_chain *chain, uint32_t at)
{
	chain->n_chunks--;
	memmove(chain->chunks + at, chain->chunks + at + 1,
		(chain->n_chunks - at) * sizeof(chain->chunks[0]));
}

/* Split the full chunk `at` in two; a new rule at its very end or start gets a chunk to itself. */
static int chunk_split(struct fw_chain *chain, uint32_t *at, uint32_t *pos)
{
	struct fw_chunk *c = chain->chunks[*at], *low, *high;
	uint32_t half = *pos == 0 || *pos == c->n ? *pos : c->n / 2;
	int r;

	if (half == 0 || half == c->n) {
		high = chunk_alloc(*pos ? 16 : FW_CHUNK_RULES / 4);
		r = high ? chunks_open(chain, *at + (half != 0), high) : -ENOMEM;
		if (r < 0)
			free(high);
		*at += half != 0;
		*pos = 0;
		return r;
	}
	low = chunk_part(c, 0, half, FW_CHUNK_RULES);
	high = chunk_part(c, half, c->n, FW_CHUNK_RULES);
	if (!low || !high || chunks_open(chain, *at + 1, high) < 0) {
		if (low)
			chunk_unref(low, NULL);
		if (high)
			chunk_unref(high, NULL);
		return -ENOMEM;
	}
	chain->chunks[*at] = low;
	chunk_unref(c, NULL);
	if (*pos > half) {
		*at += 1;
		*pos -= half;
	}
	return 0;
}

/* The chunk that holds place *pos, which becomes relative to it; the end belongs to the last. */
static uint32_t seek(const struct fw_chain *chain, uint32_t *pos, bool end)
{
	uint32_t at = 0;

	if (end && *pos == chain->n_rules && chain->n_chunks) { /* -A: do not walk */
		*pos = chain->chunks[chain->n_chunks - 1]->n;
		return chain->n_chunks - 1;
	}
	while (at < chain->n_chunks && *pos >= chain->chunks[at]->n) {
		*pos -= chain->chunks[at]->n;
		at++;
	}
	return at;
}

int fw_chain_insert(struct fw_chain *chain, uint32_t pos, struct fw_rule *rule)
{
	uint32_t at = seek(chain, &pos, true);
	struct fw_chunk *c;
	int r;

	if (!chain->n_chunks) {
		c = chunk_alloc(4);
		r = c ? chunks_open(chain, 0, c) : -ENOMEM;
		if (r < 0) {
			free(c);
			return r;
		}
	} else if (chain->chunks[at]->n >= FW_CHUNK_RULES) {
		r = chunk_split(chain, &at, &pos);
		if (r < 0)
			return r;
	}
	c = chunk_own(chain, at, true);
	if (!c)
		return -ENOMEM;
	memmove(c->rules + pos + 1, c->rules + pos, (c->n - pos) * sizeof(c->rules[0]));
	memmove(fw_chunk_hashes(c) + pos + 1, fw_chunk_hashes(c) + pos,
		(c->n - pos) * sizeof(uint32_t));
	c->rules[pos] = rule;
	fw_chunk_hashes(c)[pos] = rule->hash;
	c->n++;
	c->fresh = true;
	chain->n_rules++;
	return 0;
}

/* Two neighbours that fill at most half a chunk together become one. */
static void merge(struct fw_chain *chain, uint32_t at)
{
	struct fw_chunk *a, *b, *both;

	if (at + 1 >= chain->n_chunks)
		return;
	a = chain->chunks[at];
	b = chain->chunks[at + 1];
	if (a->n + b->n > FW_CHUNK_RULES / 2)
		return;
	both = chunk_part(a, 0, a->n, FW_CHUNK_RULES);
	if (!both)
		return; /* only tidiness is lost */
	memcpy(both->rules + both->n, b->rules, b->n * sizeof(b->rules[0]));
	memcpy(fw_chunk_hashes(both) + both->n, fw_chunk_hashes(b), b->n * sizeof(uint32_t));
	for (uint32_t i = 0; i < b->n; i++)
		b->rules[i]->refs++;
	both->n += b->n;
	both->fresh = a->fresh || b->fresh;
	chain->chunks[at] = both;
	chunks_close(chain, at + 1);
	chunk_unref(a, NULL);
	chunk_unref(b, NULL);
}

int fw_chain_remove(struct fw_chain *chain, uint32_t pos, struct fw_reap *reap)
{
	uint32_t at = seek(chain, &pos, false);
	struct fw_chunk *c = chunk_own(chain, at, false);

	if (!c)
		return -ENOMEM;
	fw_rule_unref(c->rules[pos], reap);
	c->n--;
	memmove(c->rules + pos, c->rules + pos + 1, (c->n - pos) * sizeof(c->rules[0]));
	memmove(fw_chunk_hashes(c) + pos, fw_chunk_hashes(c) + pos + 1,
		(c->n - pos) * sizeof(uint32_t));
	chain->n_rules--;
	if (!c->n) {
		chunk_unref(c, NULL);
		chunks_close(chain, at);
	} else {
		merge(chain, at);
	}
	return 0;
}

int fw_chain_replace(struct fw_chain *chain, uint32_t pos, struct fw_rule *rule,
		     struct fw_reap *reap)
{
	uint32_t at = seek(chain, &pos, false);
	struct fw_chunk *c = chunk_own(chain, at, false);

	if (!c)
		return -ENOMEM;
	fw_rule_unref(c->rules[pos], reap);
	c->rules[pos] = rule;
	fw_chunk_hashes(c)[pos] = rule->hash;
	c->fresh = true;
	return 0;
}

void fw_chain_clear(struct fw_chain *chain, struct fw_reap *reap)
{
	for (uint32_t i = 0; i < chain->n_chunks; i++)
		chunk_unref(chain->chunks[i], reap);
	free(chain->chunks);
	chain->chunks = NULL;
	chain->n_chunks = chain->n_rules = 0;
}

struct fw_rule *fw_chain_rule(const struct fw_chain *chain, uint32_t number)
{
	uint32_t pos = number - 1, at;

	if (!number || number > chain->n_rules)
		return NULL;
	at = seek(chain, &pos, false);
	return chain->chunks[at]->rules[pos];
}

uint32_t fw_chain_find(const struct fw_chain *chain, const struct fw_rule *rule)
{
	uint32_t before = 0;

	for (uint32_t k = 0; k < chain->n_chunks; k++) {
		const struct fw_chunk *c = chain->chunks[k];
		const uint32_t *hash = fw_chunk_hashes(c);

		for (uint32_t i = 0; i < c->n; i++)
			if (hash[i] == rule->hash && fw_rule_equal(c->rules[i], rule))
				return before + i;
		before += c->n;
	}
	return UINT32_MAX;
}
