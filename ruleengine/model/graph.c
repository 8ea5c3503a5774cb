/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who jumps where: loops, the deepest nesting, and from which hooks each chain is reached.
 *
 * One walk, depth first, from the built-in chains over the chunks' lists of jumps.  Chains that
 * no packet can reach are not looked at, as the kernel does not: a circle among them is harmless
 * until something jumps into it, and then that is refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { UNSEEN, OPEN, DONE };

struct node {
	uint8_t state, reach;
	uint32_t height;      /* nested jumps from here on */
	uint32_t chunk, jump; /* where to go on in this chain's jumps */
};

struct walk {
	struct fw_table *table;
	struct node *nodes;   /* by slot */
	uint32_t *stack;      /* slots that are OPEN, the outermost first */
	uint32_t *order;      /* slots that are DONE, the innermost first */
	uint32_t n_stack, n_order;
};

/* The next jump out of the chain on top of the stack; false when there is none left. */
static bool next_edge(struct walk *w, uint32_t *edge)
{
	uint32_t slot = w->stack[w->n_stack - 1];
	const struct fw_chain *chain = w->table->chains[slot];
	struct node *node = &w->nodes[slot];

	while (node->chunk < chain->n_chunks) {
		const struct fw_chunk *c = chain->chunks[node->chunk];

		if (node->jump < c->n_jumps) {
			*edge = c->jumps[node->jump++];
			return true;
		}
		node->chunk++;
		node->jump = 0;
	}
	return false;
}

/* A jump nests one deeper; a goto takes the place of the chain it is in. */
static void raise_height(struct node *from, const struct node *to, uint32_t edge)
{
	uint32_t height = to->height + !(edge & 1);

	if (from->height < height)
		from->height = height;
}

static int walk_from(struct walk *w, uint32_t root, uint32_t cycle[2])
{
	uint32_t edge;

	w->stack[w->n_stack++] = root;
	w->nodes[root].state = OPEN;
	while (w->n_stack) {
		uint32_t top = w->stack[w->n_stack - 1];

		if (!next_edge(w, &edge)) {
			w->nodes[top].state = DONE;
			w->order[w->n_order++] = top;
			w->n_stack--;
			continue;
		}
		if (w->nodes[edge >> 1].state == OPEN) {
			cycle[0] = top;
			cycle[1] = edge >> 1;
			return -ELOOP;
		}
		if (w->nodes[edge >> 1].state == UNSEEN) {
			w->nodes[edge >> 1].state = OPEN;
			w->stack[w->n_stack++] = edge >> 1;
		}
	}
	return 0;
}

/* Innermost chains first, so that what a chain leads to is known when the chain's turn comes. */
static void heights(struct walk *w)
{
	for (uint32_t i = 0; i < w->n_order; i++) {
		const struct fw_chain *chain = w->table->chains[w->order[i]];

		for (uint32_t k = 0; k < chain->n_chunks; k++)
			for (uint32_t j = 0; j < chain->chunks[k]->n_jumps; j++) {
				uint32_t edge = chain->chunks[k]->jumps[j];

				raise_height(&w->nodes[w->order[i]], &w->nodes[edge >> 1], edge);
			}
	}
}

/* Outermost chains first: hand on from where packets come. */
static void reaches(struct walk *w)
{
	for (uint32_t i = w->n_order; i-- > 0;) {
		const struct fw_chain *chain = w->table->chains[w->order[i]];
		struct node *node = &w->nodes[w->order[i]];

		if (chain->builtin)
			node->reach |= FW_HOOK_BIT(chain->hook);
		for (uint32_t k = 0; k < chain->n_chunks; k++)
			for (uint32_t j = 0; j < chain->chunks[k]->n_jumps; j++)
				w->nodes[chain->chunks[k]->jumps[j] >> 1].reach |= node->reach;
	}
}

static int store(struct walk *w, struct fw_reap *reap)
{
	struct fw_table *table = w->table;

	table->depth = 0;
	for (uint32_t i = 0; i < table->n_slots; i++) {
		struct fw_chain *chain = table->chains[i];

		if (!chain)
			continue;
		if (chain->builtin && w->nodes[i].height > table->depth)
			table->depth = w->nodes[i].height;
		if (chain->reach == w->nodes[i].reach)
			continue;
		chain = fw_table_own_chain(table, i, reap);
		if (!chain)
			return -ENOMEM;
		chain->reach = w->nodes[i].reach;
	}
	return 0;
}

int fw_table_graph(struct fw_table *table, struct fw_reap *reap, uint32_t cycle[2])
{
	struct walk w = {.table = table};
	int r = -ENOMEM;

	w.nodes = calloc(table->n_slots + 1, sizeof(*w.nodes));
	w.stack = malloc((table->n_slots + 1) * sizeof(*w.stack));
	w.order = malloc((table->n_slots + 1) * sizeof(*w.order));
	if (!w.nodes || !w.stack || !w.order)
		goto out;
	r = 0;
	for (unsigned int h = 0; !r && h < FW_N_HOOKS; h++)
		if (table->builtin[h] != FW_NO_SLOT && w.nodes[table->builtin[h]].state == UNSEEN)
			r = walk_from(&w, table->builtin[h], cycle);
	if (r)
		goto out;
	heights(&w);
	reaches(&w);
	r = store(&w, reap);
out:
	free(w.nodes);
	free(w.stack);
	free(w.order);
	return r;
}
