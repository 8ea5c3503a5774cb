/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Huge pages for the tracker's tables, made of small ones when these are full (fw_ct_full_piece()).
 *
 * The kernel copies 2 MiB for each, and a packet that touches them meanwhile waits, a millisecond
 * at most.  A kernel before 6.1 cannot be told to do it at once: there its own thread does, some
 * time.
 */
#include "tidy.h"

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
