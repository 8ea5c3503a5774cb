/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control thread asks of the sources that the kernel drops, and their life (block.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "block.h"

/* ---- control ------------------------------------------------------------------------------- */

static void set_closed(struct fwd_blocks *bl, bool closed)
{
	pthread_mutex_lock(&bl->core->lock);
	if (!closed)
		fwd_hitters_forget(bl->hitters);
	bl->closed = closed;
	pthread_mutex_unlock(&bl->core->lock);
}

void fwd_blocks_withdraw(struct fwd_blocks *bl)
{
	if (!bl)
		return;
	set_closed(bl, true);
	pthread_mutex_lock(&bl->work);
	fwd_block_withdraw(bl);
	pthread_mutex_unlock(&bl->work);
}

void fwd_blocks_resume(struct fwd_blocks *bl)
{
	if (bl)
		set_closed(bl, false);
}

bool fwd_blocks_collect(struct fwd_blocks *bl)
{
	bool any;

	if (!bl)
		return false;
	pthread_mutex_lock(&bl->work);
	fwd_block_read_all(bl);
	pthread_mutex_unlock(&bl->work);
	fwd_core_lock(bl->core);
	any = bl->dropped.packets != bl->handed_in;
	bl->handed_in = bl->dropped.packets;
	fwd_core_unlock(bl->core);
	return any;
}

bool fwd_blocks_owe(struct fwd_blocks *bl, uint64_t era)
{
	const struct fwd_block_table *t;

	if (!bl)
		return false;
	fwd_core_lock(bl->core);
	for (t = bl->aside; t && t->era > era;)
		t = t->next;
	fwd_core_unlock(bl->core);
	return t;
}

void fwd_blocks_stats(struct fwd_blocks *bl, struct fwd_block_stats *ret)
{
	*ret = (struct fwd_block_stats){0};
	if (!bl)
		return;
	pthread_mutex_lock(&bl->core->lock);
	ret->dropped = bl->dropped;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		ret->sources += bl->table->block[i].state == FWD_BLOCK_IN;
	pthread_mutex_unlock(&bl->core->lock);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int prepare(struct fwd_blocks *bl)
{
	uint64_t seed[2];
	pthread_condattr_t attr;

	bl->fd = -1;
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -errno;
	bl->hitters = fwd_hitters_new(seed[0]);
	bl->key = seed[1];
	bl->table = fwd_block_table_new();
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bl->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&bl->work, NULL);
	return bl->hitters && bl->table ? 0 : -ENOMEM;
}

int fwd_blocks_open(struct fwd_blocks **ret, struct fwd_core *core, struct fwd_nft *nft,
		    struct fw_err *err)
{
	struct fwd_blocks *bl;
	int r = 0;

	if (nft->adopted) /* sets of a former life: before they can go, the rules have to */
		r = fwd_block_flush(nft);
	if (nft->adopted && !r)
		r = fwd_kset_sweep(nft, FWD_BLOCK_PREFIX);
	if (!r && !core->config->offload)
		return 0;
	bl = r ? NULL : calloc(1, sizeof(*bl));
	if (!r)
		r = bl ? prepare(bl) : -ENOMEM;
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "sources that the kernel drops: %s", strerror(-r));
		fwd_blocks_free(bl);
		return r;
	}
	bl->core = core;
	bl->nft = nft;
	*ret = bl;
	return 0;
}

int fwd_blocks_start(struct fwd_blocks *bl, struct fw_err *err)
{
	int r;

	if (!bl)
		return 0;
	r = pthread_create(&bl->thread, NULL, fwd_block_main, bl);
	bl->running = r == 0;
	if (r)
		return fw_fail(err, FW_ERR_RESOURCE, "cannot start a thread: %s", strerror(r)), -r;
	pthread_setname_np(bl->thread, "fwd-drops");
	return 0;
}

void fwd_blocks_stop(struct fwd_blocks *bl)
{
	if (!bl)
		return;
	pthread_mutex_lock(&bl->core->lock);
	bl->stop = bl->closed = true;
	pthread_cond_signal(&bl->wake);
	pthread_mutex_unlock(&bl->core->lock);
	if (bl->running)
		pthread_join(bl->thread, NULL);
	bl->running = false;
	pthread_mutex_lock(&bl->work);
	fwd_block_withdraw(bl);
	fwd_block_bury(bl);
	pthread_mutex_unlock(&bl->work);
}

struct fwd_blocks *fwd_blocks_free(struct fwd_blocks *bl)
{
	if (!bl)
		return NULL;
	if (bl->fd >= 0)
		close(bl->fd);
	free(bl->table);
	free(bl->hitters);
	free(bl);
	return NULL;
}
