/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Summaries of chunks: what a whole chunk needs, where it leads, and what about it must be
 * checked.  Made once for each chunk that an edit touched, so that everything that is asked of a
 * ruleset as a whole costs a look at chunks, not at rules.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

static void look_at(struct fw_chunk *c, const struct fw_use *use)
{
	const struct fw_ext *ext = use->ext;

	if (ext->flags & FW_EXT_STATEFUL)
		c->stateful = true;
	if (ext->tables || ext->hooks || ext->places)
		c->limited = true;
}

/* Targets that hand the packet on to another program. */
static bool is_queue(const struct fw_ext *target)
{
	return target && (!strcmp(target->name, "NFQUEUE") || !strcmp(target->name, "QUEUE"));
}

static void note_jump(struct fw_chunk *c, uint32_t *room, const struct fw_rule *rule)
{
	uint32_t edge = rule->jump << 1 | (rule->verdict == FW_GOTO);

	if (!c->n_jumps || room[c->n_jumps - 1] != edge)
		room[c->n_jumps++] = edge;
}

static int seal(struct fw_chunk *c, uint64_t first_new_id)
{
	uint32_t room[FW_CHUNK_RULES];

	free(c->jumps);
	c->jumps = NULL;
	c->n_jumps = 0;
	c->needs = 0;
	c->fresh = c->limited = c->stateful = c->queues = false;
	for (uint32_t i = 0; i < c->n; i++) {
		const struct fw_rule *rule = c->rules[i];

		c->needs |= rule->needs;
		c->fresh |= rule->id >= first_new_id;
		for (uint8_t m = 0; m < rule->n_matches; m++)
			look_at(c, &rule->matches[m]);
		if (rule->target.ext)
			look_at(c, &rule->target);
		c->queues |= is_queue(rule->target.ext);
		if (fw_rule_jumps(rule))
			note_jump(c, room, rule);
	}
	if (c->n_jumps) {
		c->jumps = malloc(c->n_jumps * sizeof(c->jumps[0]));
		if (!c->jumps)
			return -ENOMEM;
		memcpy(c->jumps, room, c->n_jumps * sizeof(c->jumps[0]));
	}
	c->sealed = true;
	return 0;
}

int fw_chain_seal(struct fw_chain *chain, uint64_t first_new_id)
{
	chain->queues = false;
	for (uint32_t i = 0; i < chain->n_chunks; i++) {
		struct fw_chunk *c = chain->chunks[i];

		if (!c->sealed) {
			int r = seal(c, first_new_id);

			if (r < 0)
				return r;
		}
		chain->queues |= c->queues;
	}
	return 0;
}
