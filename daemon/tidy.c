/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Huge pages for the tracker's tables, made of small ones when these are full (fw_ct_full_piece()).
 * The kernel copies 2 MiB for each, and a packet that touches them meanwhile waits, a millisecond
 * at most.  A kernel before 6.1 cannot be told to do it at once: there its own thread does, some
 * time.
 *
 * And the heap: rules are many small pieces, which the allocator keeps when they are freed, for the
 * next ones.  A hundred thousand rules that were replaced a few times would be held for good, and
 * again as much as is in use.  To give them back takes some milliseconds, in which nobody may
 * allocate: so not between edits that follow one another.
 */
#include "tidy.h"

#include <malloc.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PIECES 16 /* a second: room for a quarter of a million new flows */

void fwd_tidy(struct fwd_core *core)
{
	for (int i = 0; i < PIECES; i++) {
		size_t size;
		void *piece;

		fwd_core_slice(core);
		piece = fw_ct_full_piece(core->world.ct, &size);
		fwd_core_slice_end(core);
		if (!piece)
			return;
		if (madvise(piece, size, MADV_COLLAPSE))
			madvise(piece, size, MADV_HUGEPAGE);
	}
}

void fwd_tidy_heap(struct fwd_heap *heap, uint64_t generation)
{
	const bool quiet = generation == heap->seen;

	heap->seen = generation;
	if (!quiet || generation == heap->tidied)
		return;
	heap->tidied = generation;
	malloc_trim(0);
}
