/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow index (index.h): entries come and go, segments split. */
#include "track/index.h"

#include <stdlib.h>
#include <string.h>

/* ---- segments ------------------------------------------------------------------------------ */

static bool add_piece(struct ct_index *x)
{
	const uint32_t n = x->n_segs / CT_PIECE_SEGS;

	if (n == x->room_pieces) {
		uint32_t room = n ? n * 2 : 8;
		struct ct_seg **pieces = realloc(x->pieces, room * sizeof(*pieces));

		if (!pieces)
			return false;
		x->pieces = pieces;
		x->room_pieces = room;
	}
	x->pieces[n] = ct_huge_new();
	return x->pieces[n];
}

static struct ct_seg *take_seg(struct ct_index *x, uint32_t depth)
{
	struct ct_seg *seg = x->free;

	if (seg) {
		x->free = seg->next_free;
	} else {
		if (x->n_segs % CT_PIECE_SEGS == 0 && !add_piece(x))
			return NULL;
		seg = &x->pieces[x->n_segs / CT_PIECE_SEGS][x->n_segs % CT_PIECE_SEGS];
		x->n_segs++;
	}
	memset(seg, 0, sizeof(*seg));
	seg->depth = depth;
	return seg;
}

static void give_seg(struct ct_index *x, struct ct_seg *seg)
{
	if (!seg)
		return;
	seg->next_free = x->free;
	x->free = seg;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void put(struct ct_seg *seg, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & CT_SEG_MASK;

	while (seg->slots[i].ref)
		i = (i + 1) & CT_SEG_MASK;
	seg->slots[i] = (struct ct_slot){hash, ref};
	seg->used++;
}

/* Empty slot i and close the gap. */
void ct_index_drop(struct ct_seg *seg, uint32_t i)
{
	seg->used--;
	for (uint32_t j = (i + 1) & CT_SEG_MASK; seg->slots[j].ref; j = (j + 1) & CT_SEG_MASK) {
		uint32_t home = seg->slots[j].hash & CT_SEG_MASK;

		if (((j - home) & CT_SEG_MASK) < ((j - i) & CT_SEG_MASK))
			continue; /* would end up before its home */
		seg->slots[i] = seg->slots[j];
		i = j;
	}
	seg->slots[i].ref = 0;
}

static bool double_dir(struct ct_index *x)
{
	size_t n = (size_t)1 << x->depth;
	struct ct_seg **dir;

	if (x->depth == CT_MAX_DEPTH)
		return false;
	dir = malloc(2 * n * sizeof(struct ct_seg *));
	if (!dir)
		return false;
	for (size_t i = 0; i < n; i++)
		dir[2 * i] = dir[2 * i + 1] = x->dir[i];
	free(x->dir);
	x->dir = dir;
	x->depth++;
	return true;
}

/* Two segments in place of the one that `hash` falls into. */
static bool split(struct ct_index *x, uint32_t hash)
{
	struct ct_seg *old = ct_index_seg(x, hash), *half[2];
	size_t first, span;

	if (old->depth == x->depth && !double_dir(x))
		return false;
	half[0] = take_seg(x, old->depth + 1);
	half[1] = take_seg(x, old->depth + 1);
	if (!half[0] || !half[1]) {
		give_seg(x, half[0]);
		give_seg(x, half[1]);
		return false;
	}
	for (uint32_t i = 0; i < CT_SEG_SLOTS; i++)
		if (old->slots[i].ref)
			put(half[old->slots[i].hash >> (31 - old->depth) & 1], old->slots[i].hash,
			    old->slots[i].ref);
	span = (size_t)1 << (x->depth - old->depth);
	first = (size_t)((uint64_t)hash << old->depth >> 32) * span;
	for (size_t i = 0; i < span; i++)
		x->dir[first + i] = half[i >= span / 2];
	give_seg(x, old);
	return true;
}

bool ct_index_add(struct ct_index *x, uint32_t hash, uint32_t ref)
{
	struct ct_seg *seg = ct_index_seg(x, hash);

	if (seg->used >= CT_SEG_FULL && !split(x, hash) && seg->used >= CT_SEG_SLOTS - 1)
		return false;
	put(ct_index_seg(x, hash), hash, ref);
	return true;
}

int ct_index_init(struct ct_index *x)
{
	x->dir = calloc(1, sizeof(struct ct_seg *));
	if (!x->dir)
		return -1;
	x->dir[0] = take_seg(x, 0);
	return x->dir[0] ? 0 : -1;
}

void ct_index_deinit(struct ct_index *x)
{
	for (uint32_t i = 0; i < x->n_segs; i += CT_PIECE_SEGS)
		free(x->pieces[i / CT_PIECE_SEGS]);
	free(x->pieces);
	free(x->dir);
}
