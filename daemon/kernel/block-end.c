/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of sets of sources (block.h): they are read for the last time when nobody can be in the
 * middle of them any more.  An edit does not wait for that, and puts the whole table aside.
 */
#include <stdlib.h>

#include "block.h"

/* A table that is no more in force. */
static void finish(struct fwd_blocks *bl, struct fwd_block_table *t)
{
	fwd_block_read(bl, t, true);
	fwd_block_read(bl, t, false);
	fwd_block_delete(bl, &t->old);
	fwd_block_delete(bl, &t->sets);
	fwd_core_lock(bl->core);
	fwd_block_free_all(bl, t);
	fwd_core_unlock(bl->core);
}

/* This one and those put aside before it. */
static void finish_aside(struct fwd_blocks *bl, struct fwd_block_table *t)
{
	struct fwd_block_table **at = &bl->aside, *next;

	for (struct fwd_block_table *one = t; one; one = one->next)
		finish(bl, one);
	fwd_core_lock(bl->core);
	while (*at != t)
		at = &(*at)->next;
	*at = NULL;
	fwd_core_unlock(bl->core);
	for (; t; t = next) {
		next = t->next;
		free(t);
	}
}

/* With `old` goes who has left. */
static void finish_old(struct fwd_blocks *bl)
{
	struct fwd_block_table *t = bl->table;

	fwd_block_read(bl, t, true);
	fwd_block_delete(bl, &t->old);
	fwd_core_slice(bl->core);
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (t->block[i].state == FWD_BLOCK_LEFT)
			fwd_block_settle(bl, &t->block[i]);
	fwd_core_slice_end(bl->core);
}

void fwd_block_bury(struct fwd_blocks *bl)
{
	struct fwd_block_table *const t = bl->table, *const aside = bl->aside;

	if (!t->old.number && !aside)
		return;
	pthread_mutex_unlock(&bl->work);
	fwd_nft_grace();
	pthread_mutex_lock(&bl->work);
	if (bl->table == t) /* else it was put aside meanwhile, and comes next time */
		finish_old(bl);
	if (aside)
		finish_aside(bl, aside);
}

/* A new table is in force; false: there is no memory for one. */
static bool put_aside(struct fwd_blocks *bl)
{
	struct fwd_block_table *t = bl->table, *fresh = fwd_block_table_new();

	if (!fresh)
		return false;
	fwd_core_lock(bl->core);
	t->era = bl->core->era;
	t->next = bl->aside;
	bl->aside = t;
	bl->table = fresh;
	bl->cut = false;
	bl->wanted = true;
	pthread_cond_signal(&bl->wake);
	fwd_core_unlock(bl->core);
	return true;
}

void fwd_block_withdraw(struct fwd_blocks *bl)
{
	struct fwd_block_table *t = bl->table;
	bool updates, any;

	fwd_core_lock(bl->core);
	any = t->n || t->sets.number || t->old.number;
	updates = t->n_updates;
	fwd_core_unlock(bl->core);
	if (!any)
		return;
	pthread_mutex_lock(&bl->nft->lock);
	if (t->sets.number)
		fwd_block_flush(bl->nft);
	pthread_mutex_unlock(&bl->nft->lock);
	if (updates) /* new rules may look closer at their lists */
		fwd_block_read(bl, t, false);
	if (put_aside(bl))
		return;
	fwd_nft_grace();
	finish(bl, t);
	fwd_core_lock(bl->core);
	bl->cut = false;
	fwd_core_unlock(bl->core);
}
