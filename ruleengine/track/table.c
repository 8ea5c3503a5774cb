/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow records: taken, put into the index (index.h), given back.
 *
 * At the limit a new flow takes the place of an unassured one near it, as the kernel's does;
 * where there is none the packet is dropped and fw_ct_gc() is told that room is needed.
 */
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

#define EVICT_RANGE 16 /* entries looked at for a victim; the kernel: 8 buckets of two */
#define DYING_NS    FW_NSEC_PER_SEC /* longer than a packet takes from its first hook to its last */

/* ---- records ------------------------------------------------------------------------------- */

static bool add_chunk(struct ct_table *t)
{
	struct fw_flow *chunk;

	if (t->n_chunks == t->room_chunks) {
		uint32_t room = t->room_chunks ? t->room_chunks * 2 : 8;
		struct fw_flow **chunks = realloc(t->chunks, room * sizeof(*chunks));

		if (!chunks)
			return false;
		t->chunks = chunks;
		t->room_chunks = room;
	}
	if (t->n_chunks + 1 >= CT_REF_MID >> CT_CHUNK_BITS)
		return false;
	chunk = ct_huge_new();
	if (!chunk)
		return false;
	t->chunks[t->n_chunks++] = chunk;
	return true;
}

/* A free record.  What it held last stays readable until now. */
static struct fw_flow *take_record(struct ct_table *t)
{
	struct fw_flow *flow;

	if (t->free) {
		t->taken = t->free;
		flow = ct_table_at(t, t->taken - 1);
		t->free = flow->u.next_free;
		free(flow->ext);
	} else {
		if (t->n_records == t->n_chunks << CT_CHUNK_BITS && !add_chunk(t))
			return NULL;
		t->taken = ++t->n_records;
		flow = ct_table_at(t, t->taken - 1);
	}
	memset(flow, 0, sizeof(*flow));
	flow->flags = CT_F_USED;
	return flow;
}

/* Where the record's index entry stands; its slot is empty where it has none. */
static uint32_t entry_of(const struct ct_table *t, const struct ct_seg *seg, uint32_t hash,
			 const struct fw_flow *flow)
{
	uint32_t i = hash & CT_SEG_MASK;

	while (seg->slots[i].ref &&
	       (seg->slots[i].hash != hash ||
		ct_table_at(t, (seg->slots[i].ref & ~CT_REF_FLAGS) - 1) != flow))
		i = (i + 1) & CT_SEG_MASK;
	return i;
}

uint32_t ct_table_number(const struct ct_table *t, uint32_t hash, const struct fw_flow *flow)
{
	const struct ct_seg *seg = ct_index_seg(&t->index, hash);

	return seg->slots[entry_of(t, seg, hash, flow)].ref & ~CT_REF_FLAGS;
}

uint32_t ct_table_drop(struct ct_table *t, uint32_t hash, const struct fw_flow *flow)
{
	struct ct_seg *seg = ct_index_seg(&t->index, hash);
	const uint32_t i = entry_of(t, seg, hash, flow);
	const uint32_t number = seg->slots[i].ref & ~CT_REF_FLAGS;

	if (number)
		ct_index_drop(seg, i);
	return number;
}

int ct_table_init(struct ct_table *t)
{
	return ct_index_init(&t->index);
}

void ct_table_deinit(struct ct_table *t)
{
	ct_index_deinit(&t->index);
	for (uint32_t i = 0; i < t->n_records; i++)
		free(ct_table_at(t, i)->ext);
	for (uint32_t i = 0; i < t->n_chunks; i++)
		free(t->chunks[i]);
	free(t->chunks);
}

void ct_table_near(const struct ct_table *t, uint32_t hash)
{
	__builtin_prefetch(&ct_index_seg(&t->index, hash)->slots[hash & CT_SEG_MASK]);
}

void ct_table_nearer(const struct ct_table *t, uint32_t hash)
{
	const struct ct_seg *seg = ct_index_seg(&t->index, hash);

	for (uint32_t i = hash & CT_SEG_MASK; seg->slots[i].ref; i = (i + 1) & CT_SEG_MASK) {
		const struct fw_flow *flow;

		if (seg->slots[i].hash != hash)
			continue;
		flow = ct_table_at(t, (seg->slots[i].ref & ~CT_REF_FLAGS) - 1);
		__builtin_prefetch(flow);
		__builtin_prefetch(&flow->mark); /* its second line */
		return;
	}
}

void *fw_ct_full_piece(struct fw_ct *ct, size_t *size)
{
	struct ct_table *t = &ct->table;

	*size = CT_HUGE;
	if (t->n_told < t->n_records >> CT_CHUNK_BITS)
		return t->chunks[t->n_told++];
	if (t->n_told_segs < t->index.n_segs / CT_PIECE_SEGS)
		return t->index.pieces[t->n_told_segs++];
	return NULL;
}

/* ---- flows --------------------------------------------------------------------------------- */

void ct_flow_expire(struct fw_ct *ct, struct fw_flow *flow)
{
	if (!(flow->flags & CT_F_DYING))
		ct->stats.expired++;
	ct_flow_free(ct, flow);
}

/* Make room near `hash`: an expired flow, else an unassured one.  One is enough. */
static bool evict(struct fw_ct *ct, uint32_t hash, uint64_t now)
{
	const struct ct_seg *seg = ct_index_seg(&ct->table.index, hash);
	uint32_t seen = 0;

	for (uint32_t k = 0; k < CT_SEG_SLOTS && seen < EVICT_RANGE; k++) {
		uint32_t ref = seg->slots[(hash + k) & CT_SEG_MASK].ref;
		struct fw_flow *flow;

		if (!ref)
			continue;
		seen++;
		flow = ct_table_at(&ct->table, (ref & ~CT_REF_FLAGS) - 1);
		if (flow->flags & CT_F_DYING)
			continue;
		if (flow->expires <= now) {
			ct_flow_expire(ct, flow);
			return true;
		}
		if (flow->status & FW_CTS_ASSURED)
			continue;
		ct->stats.early_drop++;
		ct_flow_free(ct, flow);
		return true;
	}
	return false;
}

struct fw_flow *ct_flow_new(struct fw_ct *ct, const struct ct_key *key, uint64_t now)
{
	struct fw_flow *flow;

	if (ct->config.max_flows && ct->stats.flows >= ct->config.max_flows &&
	    !evict(ct, key->hash, now)) {
		ct->gc_pressure = ct->table.n_records;
		return NULL;
	}
	flow = take_record(&ct->table);
	if (!flow)
		return NULL;
	flow->orig = key->tuple;
	flow->hash = key->hash;
	if (ct_counts(ct))
		flow->ext = calloc(1, sizeof(*flow->ext)); /* without it: not counted */
	if (flow->ext)
		flow->flags |= CT_F_ACCT;
	ct->stats.flows++;
	return flow;
}

bool ct_flow_insert(struct fw_ct *ct, struct fw_flow *flow)
{
	assert(ct_table_at(&ct->table, ct->table.taken - 1) == flow);
	if (!ct_index_add(&ct->table.index, flow->hash, ct->table.taken))
		return false;
	flow->flags |= CT_F_INDEX;
	ct->stats.insert++;
	return true;
}

void ct_flow_free(struct fw_ct *ct, struct fw_flow *flow)
{
	struct ct_table *t = &ct->table;
	const uint16_t status = flow->status;
	uint32_t ref;

	ct_flow_untranslate(ct, flow);
	flow->status = status; /* stays readable */
	if (flow->flags & CT_F_INDEX)
		ref = ct_table_drop(t, flow->hash, flow);
	else
		ref = t->taken;
	assert(ref && ct_table_at(t, ref - 1) == flow);
	if (!(flow->flags & CT_F_DYING))
		ct->stats.flows--;
	flow->flags = 0;
	flow->u.next_free = t->free;
	t->free = ref;
}

void ct_flow_kill(struct fw_ct *ct, struct fw_flow *flow, uint64_t now)
{
	if (flow->flags & CT_F_DYING)
		return;
	flow->u.due_in = fw_flow_expires_s(flow, now);
	flow->flags |= CT_F_DYING;
	flow->expires = now + DYING_NS;
	ct->stats.flows--;
}
