/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains by name: an open-addressing table of (hash, slot), shared by all versions of a table
 * that have the same chains.  Names themselves stay in the chains, so a find needs them too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

#define EMPTY UINT32_MAX
#define GONE  (UINT32_MAX - 1)

struct entry {
	uint32_t hash, slot;
};

struct fw_index {
	uint32_t refs;
	uint32_t cap;  /* a power of two */
	uint32_t used; /* places that are not EMPTY */
	struct entry e[];
};

static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h ^ h >> 15;
}

static struct fw_index *make(uint32_t cap)
{
	struct fw_index *index = malloc(sizeof(*index) + cap * sizeof(index->e[0]));

	if (!index)
		return NULL;
	index->refs = 1;
	index->cap = cap;
	index->used = 0;
	for (uint32_t i = 0; i < cap; i++)
		index->e[i] = (struct entry){.slot = EMPTY};
	return index;
}

struct fw_index *fw_index_new(uint32_t room)
{
	uint32_t cap = 16;

	while (cap < room * 2)
		cap *= 2;
	return make(cap);
}

struct fw_index *fw_index_ref(struct fw_index *index)
{
	index->refs++;
	return index;
}

struct fw_index *fw_index_unref(struct fw_index *index)
{
	if (index && !--index->refs)
		free(index);
	return NULL;
}

uint32_t fw_index_find(const struct fw_index *index, struct fw_chain *const *chains,
		       const char *name)
{
	uint32_t h = name_hash(name);

	for (uint32_t i = h & (index->cap - 1);; i = (i + 1) & (index->cap - 1)) {
		const struct entry *e = &index->e[i];

		if (e->slot == EMPTY)
			return FW_NO_SLOT;
		if (e->hash == h && e->slot != GONE && !strcmp(chains[e->slot]->name, name))
			return e->slot;
	}
}

static void put(struct fw_index *index, uint32_t hash, uint32_t slot)
{
	uint32_t i = hash & (index->cap - 1);

	while (index->e[i].slot != EMPTY)
		i = (i + 1) & (index->cap - 1);
	index->e[i] = (struct entry){.hash = hash, .slot = slot};
	index->used++;
}

/* The caller's own index with room for one more; leaves removed entries behind. */
static int own(struct fw_index **index)
{
	struct fw_index *old = *index, *fresh;
	uint32_t live = 0;

	if (old->refs == 1 && old->used + 1 <= old->cap / 2)
		return 0;
	for (uint32_t i = 0; i < old->cap; i++)
		live += old->e[i].slot < GONE;
	fresh = fw_index_new(live + live / 2 + 1);
	if (!fresh)
		return -ENOMEM;
	for (uint32_t i = 0; i < old->cap; i++)
		if (old->e[i].slot < GONE)
			put(fresh, old->e[i].hash, old->e[i].slot);
	fw_index_unref(old);
	*index = fresh;
	return 0;
}

int fw_index_add(struct fw_index **index, const char *name, uint32_t slot)
{
	int r = own(index);

	if (r < 0)
		return r;
	put(*index, name_hash(name), slot);
	return 0;
}

int fw_index_remove(struct fw_index **index, const char *name, uint32_t slot)
{
	uint32_t h = name_hash(name), i;
	int r = own(index);

	if (r < 0)
		return r;
	for (i = h & ((*index)->cap - 1); (*index)->e[i].slot != EMPTY;
	     i = (i + 1) & ((*index)->cap - 1))
		if ((*index)->e[i].slot == slot)
			(*index)->e[i].slot = GONE;
	return 0;
}
