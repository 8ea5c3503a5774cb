/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for tables that grow comes in pieces as large as a huge page, lying like one.  They are
 * left alone until they are used, so they come in small pages: the packet that needs a huge one
 * would wait milliseconds for it to be cleared.  When a piece is full somebody whom no packet waits
 * for makes it one (fw_ct_full_piece()): big tables are a quarter faster that way.
 */
#ifndef FW_TRACK_HUGE_H
#define FW_TRACK_HUGE_H

#include <stddef.h>
#include <stdlib.h>

#define CT_HUGE ((size_t)2 << 20)

/* CT_HUGE bytes, for free(); NULL: no memory. */
static inline void *ct_huge_new(void)
{
	return aligned_alloc(CT_HUGE, CT_HUGE);
}

#endif
