/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules: one allocation for all of it, its life, and when two of them are the same.
 *
 * A rule lies in memory as struct fw_rule, its matches, then each extension's data and state, in
 * the order in which a packet meets them.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

#define ALIGN 16u

static size_t aligned(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t use_room(const struct fw_use *use)
{
	if (!use->ext)
		return 0;
	return aligned(use->size) + aligned(use->ext->state_size);
}

static uint16_t use_needs(const struct fw_use *use)
{
	const uint16_t more = use->ext->needs ? use->ext->needs(use) : 0;

	return (use->ext->flags & FW_NEED_ALL) | more;
}

/* Move a parsed use into the rule's own memory at *at. */
static void place_use(struct fw_use *to, const struct fw_use *from, char **at)
{
	*to = *from;
	to->data = to->state = NULL;
	if (!from->ext)
		return;
	if (from->size) {
		to->data = *at;
		memcpy(to->data, from->data, from->size);
		*at += aligned(from->size);
	}
	if (from->ext->state_size) {
		to->state = *at;
		*at += aligned(from->ext->state_size);
	}
}

struct fw_rule *fw_rule_new(enum fw_family family, const struct fw_generic *gen,
			    const struct fw_use *matches, uint8_t n_matches,
			    const struct fw_use *target, enum fw_verdict verdict)
{
	size_t head = aligned(sizeof(struct fw_rule) + n_matches * sizeof(struct fw_use));
	size_t size = head + (target ? use_room(target) : 0);
	struct fw_rule *rule;
	char *at;

	for (uint8_t i = 0; i < n_matches; i++)
		size += use_room(&matches[i]);
	rule = aligned_alloc(ALIGN, size);
	if (!rule)
		return NULL;
	memset(rule, 0, size);
	rule->refs = 1;
	rule->family = (uint8_t)family;
	rule->verdict = (uint8_t)verdict;
	rule->n_matches = n_matches;
	memcpy(&rule->gen, gen, sizeof(*gen));
	at = (char *)rule + head;
	for (uint8_t i = 0; i < n_matches; i++) {
		place_use(&rule->matches[i], &matches[i], &at);
		rule->needs |= use_needs(&matches[i]);
	}
	if (target && target->ext) {
		place_use(&rule->target, target, &at);
		rule->needs |= use_needs(target);
	}
	return rule;
}

struct fw_rule *fw_rule_unref(struct fw_rule *rule, struct fw_reap *reap)
{
	if (!rule || --rule->refs)
		return NULL;
	if (reap && (rule->attached || reap->bury)) {
		rule->id = (uint64_t)(uintptr_t)reap->dead;
		reap->dead = rule;
		return NULL;
	}
	free(rule);
	return NULL;
}

static void detach(struct fw_rule *rule, struct fw_world *world)
{
	if (!rule->attached)
		return;
	if (rule->target.ext && rule->target.ext->detach)
		rule->target.ext->detach(&rule->target, world);
	for (uint8_t i = rule->n_matches; i-- > 0;)
		if (rule->matches[i].ext->detach)
			rule->matches[i].ext->detach(&rule->matches[i], world);
}

static void bury(struct fw_graveyard *g, struct fw_rule *rule)
{
	rule->id = (uint64_t)(uintptr_t)g->rules;
	g->rules = rule;
}

void fw_graveyard_clear(struct fw_graveyard *g)
{
	while (g->rules) {
		struct fw_rule *rule = g->rules;

		g->rules = (struct fw_rule *)(uintptr_t)rule->id;
		free(rule);
	}
}

void fw_reap_finish(struct fw_reap *reap, const struct fw_tx_env *env)
{
	while (reap->dead) {
		struct fw_rule *batch = reap->dead, *rule = batch;
		unsigned int n = 0;

		if (env && env->lock)
			env->lock(env->priv);
		for (; rule && n < 64; n++) { /* a short slice: packets wait for this lock */
			if (env && env->world)
				detach(rule, env->world);
			rule = (struct fw_rule *)(uintptr_t)rule->id;
		}
		if (env && env->unlock)
			env->unlock(env->priv);
		reap->dead = rule;
		while (batch != rule) {
			struct fw_rule *next = (struct fw_rule *)(uintptr_t)batch->id;

			if (reap->bury)
				bury(env->graveyard, batch);
			else
				free(batch);
			batch = next;
		}
	}
	if (env && env->world)
		fw_world_reclaim(env->world);
}

bool fw_rule_jumps(const struct fw_rule *rule)
{
	return rule->verdict == FW_JUMP || rule->verdict == FW_GOTO;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
	const char *p = bytes;
	uint64_t v;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&v, p, 8);
		h = mix(h, v);
	}
	v = 0;
	memcpy(&v, p, n);
	return mix(h, v ^ (uint64_t)n << 56);
}

static uint64_t mix_use(uint64_t h, const struct fw_use *use)
{
	h = mix(h, (uint64_t)(uintptr_t)use->ext);
	h = mix(h, use->set ^ use->inv << 32 ^ use->inv >> 32);
	return use->size ? mix_bytes(h, use->data, use->size) : h;
}

/* The hash that -D by text looks for; of the same facts that fw_rule_equal() compares. */
void fw_rule_rehash(struct fw_rule *rule)
{
	const struct fw_generic *g = &rule->gen;
	uint64_t h = mix(rule->verdict, fw_rule_jumps(rule) ? rule->jump : 0);

	h = mix_bytes(h, g, 4 * sizeof(g->src)); /* the addresses and their masks come first */
	if (g->in_cmp)
		h = mix_bytes(h, g->in, sizeof(g->in));
	if (g->out_cmp)
		h = mix_bytes(h, g->out, sizeof(g->out));
	h = mix(h, (uint64_t)g->proto << 16 | (uint64_t)g->frag << 8 | g->inv);
	for (uint8_t i = 0; i < rule->n_matches; i++)
		h = mix_use(h, &rule->matches[i]);
	if (rule->target.ext)
		h = mix_use(h, &rule->target);
	rule->hash = (uint32_t)(h ^ h >> 32);
}

bool fw_generic_equal(const struct fw_generic *a, const struct fw_generic *b)
{
	return !memcmp(&a->src, &b->src, sizeof(a->src)) &&
		!memcmp(&a->dst, &b->dst, sizeof(a->dst)) &&
		!memcmp(&a->src_mask, &b->src_mask, sizeof(a->src_mask)) &&
		!memcmp(&a->dst_mask, &b->dst_mask, sizeof(a->dst_mask)) && !strcmp(a->in, b->in) &&
		!strcmp(a->out, b->out) && a->proto == b->proto && a->frag == b->frag &&
		a->inv == b->inv;
}

static bool use_equal(const struct fw_use *a, const struct fw_use *b)
{
	return a->ext == b->ext && a->set == b->set && a->inv == b->inv && a->size == b->size &&
		(!a->size || !memcmp(a->data, b->data, a->size));
}

bool fw_rule_equal(const struct fw_rule *a, const struct fw_rule *b)
{
	if (a->family != b->family || a->verdict != b->verdict || a->n_matches != b->n_matches)
		return false;
	if (fw_rule_jumps(a) && a->jump != b->jump)
		return false;
	if (!fw_generic_equal(&a->gen, &b->gen) || !use_equal(&a->target, &b->target))
		return false;
	for (uint8_t i = 0; i < a->n_matches; i++)
		if (!use_equal(&a->matches[i], &b->matches[i]))
			return false;
	return true;
}
