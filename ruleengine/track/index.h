/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow index: from a tuple's hash to the numbers of records.
 *
 * Extendible hashing: a directory of pointers, picked by a hash's top bits, to small tables
 * (segments) that are searched linearly from where its low bits point.  A segment that fills up
 * is split in two, which costs the same few microseconds whether a thousand flows or ten million
 * are known: the table grows without ever standing still.  Entries are 8 bytes, and a flow's share
 * of the index is 13 to 26.
 *
 * Deleting moves later entries of the same run back, so there are no tombstones to collect.
 */
#ifndef FW_TRACK_INDEX_H
#define FW_TRACK_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "track/huge.h"

#define CT_SEG_BITS  11
#define CT_SEG_SLOTS (1u << CT_SEG_BITS)
#define CT_SEG_FULL  (CT_SEG_SLOTS / 8 * 5) /* split at a load of 0.625: 0.31 to 0.625 */
#define CT_SEG_MASK  (CT_SEG_SLOTS - 1)
#define CT_MAX_DEPTH 20
#define CT_REF_REPLY 0x80000000u /* this entry stands for a NATed flow's reply tuple */
#define CT_REF_MID   0x40000000u /* … for its tuple between both translations */
#define CT_REF_LATER (CT_REF_REPLY | CT_REF_MID) /* … where later echo requests have another id */
#define CT_REF_FLAGS CT_REF_LATER

struct ct_slot {
	uint32_t hash;
	uint32_t ref; /* flow number + 1, CT_REF_FLAGS; 0: empty */
};

/* A small open-addressing table; the directory's entry for a hash's top bits points at it. */
struct ct_seg {
	struct ct_slot slots[CT_SEG_SLOTS];
	uint32_t used;
	uint32_t depth; /* how many top bits all its hashes share */
	struct ct_seg *next_free;
} __attribute__((aligned(64)));

#define CT_PIECE_SEGS (CT_HUGE / sizeof(struct ct_seg))

struct ct_index {
	struct ct_seg **dir; /* 1 << depth pointers */
	uint32_t depth;
	struct ct_seg **pieces; /* CT_PIECE_SEGS in each */
	uint32_t n_segs; /* ever taken; those beyond were never touched */
	uint32_t room_pieces;
	struct ct_seg *free;
};

int ct_index_init(struct ct_index *x);
void ct_index_deinit(struct ct_index *x);
bool ct_index_add(struct ct_index *x, uint32_t hash, uint32_t ref); /* false: no memory */
void ct_index_drop(struct ct_seg *seg, uint32_t slot);

static inline struct ct_seg *ct_index_seg(const struct ct_index *x, uint32_t hash)
{
	return x->dir[(uint64_t)hash << x->depth >> 32];
}

#endif
