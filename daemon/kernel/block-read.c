/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sets of sources have counted, and the end of those that were replaced (block.h). */
#include <stdlib.h>
#include <string.h>

#include "block.h"

static struct fwd_source source_of(const uint32_t *key, unsigned int family)
{
	struct fwd_source s = {.family = (uint8_t)family,
			       .place = (uint8_t)key[FWD_BLOCK_WORD_PLACE]};

	memcpy(s.in, &key[FWD_BLOCK_WORD_IN], sizeof(s.in));
	memcpy(&s.proto, &key[FWD_BLOCK_WORD_PROTO], 1);
	memcpy(&s.addr, &key[FWD_BLOCK_WORD_ADDR], family == FW_IP4 ? 4 : 16);
	return s;
}

struct reading {
	struct fwd_blocks *bl;
	struct fwd_block_table *table;
	unsigned int family;
	bool old;
	uint64_t now;
};

static void take(void *priv, const uint32_t *key, const struct fw_counters *counters)
{
	struct reading *reading = priv;
	struct fwd_blocks *bl = reading->bl;
	const struct fwd_source source = source_of(key, reading->family);
	struct fwd_block *m;

	fwd_core_slice(bl->core);
	m = fwd_block_find(bl, reading->table, &source);
	if (m) {
		struct fw_counters *seen = &m->seen[reading->old];
		const struct fw_counters more = {.packets = counters->packets - seen->packets,
						 .bytes = counters->bytes - seen->bytes};

		*seen = *counters;
		fwd_block_count(bl, m, &more, reading->now);
	}
	fwd_core_slice_end(bl->core);
}

int fwd_block_read(struct fwd_blocks *bl, struct fwd_block_table *t, bool old)
{
	const struct fwd_block_sets *sets = old ? &t->old : &t->sets;
	struct reading reading = {.bl = bl, .table = t, .old = old};
	int r = 0;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int s = 0; s < FW_N_SOURCE_SCOPES; s++) {
			const struct fwd_kset set = fwd_block_set(sets->number, f, s);
			int r1;

			if (!sets->number || !sets->places[f][s])
				continue;
			reading.family = f;
			reading.now = fwd_now();
			r1 = fwd_kset_read(&bl->fd, &set, take, &reading);
			r = r ? r : r1;
		}
	return r;
}

void fwd_block_read_all(struct fwd_blocks *bl)
{
	fwd_block_read(bl, bl->table, true);
	fwd_block_read(bl, bl->table, false);
	for (struct fwd_block_table *t = bl->aside; t; t = t->next) {
		fwd_block_read(bl, t, true);
		fwd_block_read(bl, t, false);
	}
}

void fwd_block_delete(struct fwd_blocks *bl, struct fwd_block_sets *sets)
{
	struct fwd_nft_batch *b;

	if (!sets->number)
		return;
	pthread_mutex_lock(&bl->nft->lock);
	b = fwd_nft_begin(bl->nft);
	for (unsigned int f = 0; b && f < FW_N_FAMILIES; f++)
		for (unsigned int s = 0; s < FW_N_SOURCE_SCOPES; s++) {
			const struct fwd_kset set = fwd_block_set(sets->number, f, s);

			if (sets->places[f][s])
				fwd_kset_delete(b, &set);
		}
	fwd_nft_commit(bl->nft, b);
	pthread_mutex_unlock(&bl->nft->lock);
	*sets = (struct fwd_block_sets){0};
}

void fwd_block_retire(struct fwd_blocks *bl)
{
	struct fwd_block_table *t = bl->table;

	t->old = t->sets;
	t->sets = (struct fwd_block_sets){0};
	fwd_core_slice(bl->core);
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++) {
		t->block[i].seen[1] = t->block[i].seen[0];
		t->block[i].seen[0] = (struct fw_counters){0};
	}
	fwd_core_slice_end(bl->core);
}
