/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow records and their index.
 *
 * Extendible hashing: a directory of pointers, picked by a hash's top bits, to small tables
 * (segments) that are searched linearly from where its low bits point.  A segment that fills up
 * is split in two, which costs the same few microseconds whether a thousand flows or ten million
 * are known: the table grows without ever standing still.  Entries are 8 bytes, so a flow costs
 * 128 bytes of record and 13 to 26 of index.
 *
 * Deleting moves later entries of the same run back, so there are no tombstones to collect.
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

struct fw_flow *ct_table_at(const struct ct_table *t, uint32_t number)
{
	return &t->chunks[number >> CT_CHUNK_BITS][number & (CT_CHUNK - 1)];
}

/* Small chunks: huge pages under bigger ones make finding a fifth faster at a million flows, but
 * the packet that needs a new one waits milliseconds for its 2 MiB to be cleared. */
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
	chunk = aligned_alloc(64, CT_CHUNK * sizeof(*chunk));
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

/* ---- index --------------------------------------------------------------------------------- */

static struct ct_seg *seg_of(const struct ct_table *t, uint32_t hash)
{
	return t->dir[(uint64_t)hash << t->depth >> 32];
}

static void seg_put(struct ct_seg *seg, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & (CT_SEG_SLOTS - 1);

	while (seg->slots[i].ref)
		i = (i + 1) & (CT_SEG_SLOTS - 1);
	seg->slots[i] = (struct ct_slot){hash, ref};
	seg->used++;
}

/* Empty slot i and close the gap. */
static void seg_take(struct ct_seg *seg, uint32_t i)
{
	const uint32_t mask = CT_SEG_SLOTS - 1;

	seg->used--;
	for (uint32_t j = (i + 1) & mask; seg->slots[j].ref; j = (j + 1) & mask) {
		uint32_t home = seg->slots[j].hash & mask;

		if (((j - home) & mask) < ((j - i) & mask))
			continue; /* would end up before its home */
		seg->slots[i] = seg->slots[j];
		i = j;
	}
	seg->slots[i].ref = 0;
}

static bool double_dir(struct ct_table *t)
{
	size_t n = (size_t)1 << t->depth;
	struct ct_seg **dir;

	if (t->depth == CT_MAX_DEPTH)
		return false;
	dir = malloc(2 * n * sizeof(struct ct_seg *));
	if (!dir)
		return false;
	for (size_t i = 0; i < n; i++)
		dir[2 * i] = dir[2 * i + 1] = t->dir[i];
	free(t->dir);
	t->dir = dir;
	t->depth++;
	return true;
}

/* Two segments in place of the one that `hash` falls into. */
static bool split(struct ct_table *t, uint32_t hash)
{
	struct ct_seg *old = seg_of(t, hash), *half[2];
	size_t first, span;

	if (old->depth == t->depth && !double_dir(t))
		return false;
	half[0] = calloc(1, sizeof(*old));
	half[1] = calloc(1, sizeof(*old));
	if (!half[0] || !half[1]) {
		free(half[0]);
		free(half[1]);
		return false;
	}
	half[0]->depth = half[1]->depth = old->depth + 1;
	for (uint32_t i = 0; i < CT_SEG_SLOTS; i++)
		if (old->slots[i].ref)
			seg_put(half[old->slots[i].hash >> (31 - old->depth) & 1],
				old->slots[i].hash, old->slots[i].ref);
	span = (size_t)1 << (t->depth - old->depth);
	first = (size_t)((uint64_t)hash << old->depth >> 32) * span;
	for (size_t i = 0; i < span; i++)
		t->dir[first + i] = half[i >= span / 2];
	free(old);
	return true;
}

static bool index_add(struct ct_table *t, uint32_t hash, uint32_t ref)
{
	struct ct_seg *seg = seg_of(t, hash);

	if (seg->used >= CT_SEG_FULL && !split(t, hash) && seg->used >= CT_SEG_SLOTS - 1)
		return false;
	seg_put(seg_of(t, hash), hash, ref);
	return true;
}

/* The record's number + 1, found through its index entry; 0: it has none. */
static uint32_t index_drop(struct ct_table *t, uint32_t hash, const struct fw_flow *flow)
{
	struct ct_seg *seg = seg_of(t, hash);

	for (uint32_t i = hash & (CT_SEG_SLOTS - 1); seg->slots[i].ref;
	     i = (i + 1) & (CT_SEG_SLOTS - 1)) {
		uint32_t ref = seg->slots[i].ref & ~CT_REF_FLAGS;

		if (seg->slots[i].hash == hash && ct_table_at(t, ref - 1) == flow) {
			seg_take(seg, i);
			return ref;
		}
	}
	return 0;
}

int ct_table_init(struct ct_table *t)
{
	t->dir = calloc(1, sizeof(struct ct_seg *));
	if (!t->dir)
		return -1;
	t->dir[0] = calloc(1, sizeof(struct ct_seg));
	return t->dir[0] ? 0 : -1;
}

void ct_table_deinit(struct ct_table *t)
{
	size_t n = t->dir ? (size_t)1 << t->depth : 0;

	for (size_t i = 0; i < n; i++)
		if (t->dir[i] && (i == 0 || t->dir[i] != t->dir[i - 1]))
			free(t->dir[i]);
	free(t->dir);
	for (uint32_t i = 0; i < t->n_records; i++)
		free(ct_table_at(t, i)->ext);
	for (uint32_t i = 0; i < t->n_chunks; i++)
		free(t->chunks[i]);
	free(t->chunks);
}

void ct_table_near(const struct ct_table *t, uint32_t hash)
{
	__builtin_prefetch(&seg_of(t, hash)->slots[hash & (CT_SEG_SLOTS - 1)]);
}

void ct_table_nearer(const struct ct_table *t, uint32_t hash)
{
	const struct ct_seg *seg = seg_of(t, hash);

	for (uint32_t i = hash & (CT_SEG_SLOTS - 1); seg->slots[i].ref;
	     i = (i + 1) & (CT_SEG_SLOTS - 1)) {
		const struct fw_flow *flow;

		if (seg->slots[i].hash != hash)
			continue;
		flow = ct_table_at(t, (seg->slots[i].ref & ~CT_REF_FLAGS) - 1);
		__builtin_prefetch(flow);
		__builtin_prefetch(&flow->mark); /* its second line */
		return;
	}
}

/* ---- flows --------------------------------------------------------------------------------- */

/* Which way does the tuple go in this flow?  -1: it is another's.  A flow from an end to itself
 * is met in reply direction, as the kernel finds its second entry first. */
static int direction(const struct fw_flow *flow, const struct ct_key *key, uint32_t entry)
{
	const struct fw_tuple *forth = &flow->orig, *back = &flow->orig;

	if (flow->status & CT_NAT) {
		const struct fw_flow_ext *ext = flow->ext;

		/* seen from the ends: as sent there and as answered; in the middle: both ways */
		if (entry == CT_REF_REPLY)
			return ct_tuple_equal(&ext->reply, &key->tuple) ? FW_DIR_REPLY :
				ct_tuple_equal(&ext->reply, &key->inverse) ? FW_DIR_ORIG : -1;
		if (entry == CT_REF_MID)
			forth = back = &ext->mid;
		else if (ext->has_mid)
			back = NULL;
	}
	if (back && ct_tuple_equal(back, &key->inverse))
		return FW_DIR_REPLY;
	return ct_tuple_equal(forth, &key->tuple) ? FW_DIR_ORIG : -1;
}

static void expire(struct fw_ct *ct, struct fw_flow *flow)
{
	if (!(flow->flags & CT_F_DYING))
		ct->stats.expired++;
	ct_flow_free(ct, flow);
}

/* One pass over the run of entries with this hash.  A flow that is past its time is freed, which
 * moves entries: *again says that the pass must start over. */
static struct fw_flow *find_pass(struct fw_ct *ct, const struct ct_key *key, uint64_t now,
				 bool dying, int want, enum fw_ct_dir *dir, bool *again)
{
	const struct ct_seg *seg = seg_of(&ct->table, key->hash);
	struct fw_flow *second = NULL;

	for (uint32_t i = key->hash & (CT_SEG_SLOTS - 1); seg->slots[i].ref;
	     i = (i + 1) & (CT_SEG_SLOTS - 1)) {
		uint32_t ref = seg->slots[i].ref;
		struct fw_flow *flow;
		int d;

		if (seg->slots[i].hash != key->hash)
			continue;
		flow = ct_table_at(&ct->table, (ref & ~CT_REF_FLAGS) - 1);
		__builtin_prefetch(&flow->mark); /* the second line, along with the first */
		if (flow->expires <= now) {
			expire(ct, flow);
			*again = true;
			return NULL;
		}
		if ((flow->flags & CT_F_DYING) && (!dying || second))
			continue;
		d = direction(flow, key, ref & CT_REF_FLAGS);
		if (d < 0 || (want >= 0 && d != want))
			continue;
		*dir = (enum fw_ct_dir)d;
		if (!(flow->flags & CT_F_DYING))
			return flow;
		second = flow;
	}
	return second;
}

static struct fw_flow *find(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    int want, enum fw_ct_dir *dir)
{
	struct fw_flow *flow;
	bool again;

	do {
		again = false;
		flow = find_pass(ct, key, now, dying, want, dir, &again);
	} while (again);
	if (flow)
		ct->stats.found++;
	return flow;
}

struct fw_flow *ct_find(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			enum fw_ct_dir *dir)
{
	return find(ct, key, now, dying, -1, dir);
}

struct fw_flow *ct_find_way(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    enum fw_ct_dir *dir)
{
	const bool itself = ct_tuple_equal(&key->tuple, &key->inverse);

	return find(ct, key, now, dying, itself ? -1 : (int)*dir, dir);
}

/* Make room near `hash`: an expired flow, else an unassured one.  One is enough. */
static bool evict(struct fw_ct *ct, uint32_t hash, uint64_t now)
{
	const struct ct_seg *seg = seg_of(&ct->table, hash);
	uint32_t seen = 0;

	for (uint32_t k = 0; k < CT_SEG_SLOTS && seen < EVICT_RANGE; k++) {
		uint32_t ref = seg->slots[(hash + k) & (CT_SEG_SLOTS - 1)].ref;
		struct fw_flow *flow;

		if (!ref)
			continue;
		seen++;
		flow = ct_table_at(&ct->table, (ref & ~CT_REF_FLAGS) - 1);
		if (flow->flags & CT_F_DYING)
			continue;
		if (flow->expires <= now) {
			expire(ct, flow);
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
	if (!index_add(&ct->table, flow->hash, ct->table.taken))
		return false;
	flow->flags |= CT_F_INDEX;
	ct->stats.insert++;
	return true;
}

static void forget_translation(struct ct_table *t, struct fw_flow *flow)
{
	if (!(flow->status & CT_NAT) || !(flow->flags & CT_F_INDEX))
		return;
	index_drop(t, flow->ext->reply_hash, flow);
	if (flow->ext->has_mid)
		index_drop(t, flow->ext->mid_hash, flow);
	flow->status &= (uint16_t)~CT_NAT;
	flow->ext->has_mid = false;
}

static uint16_t translated(const struct fw_tuple *orig, const struct fw_tuple *reply)
{
	const bool dst = memcmp(&reply->src, &orig->dst, sizeof(orig->dst)) != 0;
	const bool src = memcmp(&reply->dst, &orig->src, sizeof(orig->src)) != 0;
	struct fw_tuple straight;
	uint16_t status = (dst ? FW_CTS_DST_NAT : 0) | (src ? FW_CTS_SRC_NAT : 0);

	if (!ct_tuple_invert(orig, &straight))
		return status;
	if (straight.dport_be == orig->sport_be) { /* ports, not an ICMP pair */
		status |= reply->sport_be != straight.sport_be ? FW_CTS_DST_NAT : 0;
		status |= reply->dport_be != straight.dport_be ? FW_CTS_SRC_NAT : 0;
	} else if (reply->sport_be != straight.sport_be) {
		status |= FW_CTS_SRC_NAT;
	}
	return status;
}

bool ct_flow_translate(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply)
{
	struct ct_table *t = &ct->table;
	const uint16_t status = translated(&flow->orig, reply);
	struct fw_tuple answer;
	struct fw_flow_ext *ext;
	uint32_t ref;

	if (!(flow->flags & CT_F_INDEX) || !ct_tuple_invert(reply, &answer))
		return false;
	if (!flow->ext)
		flow->ext = calloc(1, sizeof(*flow->ext));
	if (!flow->ext)
		return false;
	forget_translation(t, flow);
	if (!status)
		return true;
	ext = flow->ext;
	ext->reply = *reply;
	ext->mid = flow->orig;
	ext->mid.dst = answer.dst;
	if (status & FW_CTS_DST_NAT)
		ext->mid.dport_be = answer.dport_be;
	ext->reply_hash = ct_tuple_hash(ct->config.seed, &ext->reply);
	ext->mid_hash = ct_tuple_hash(ct->config.seed, &ext->mid);
	ext->has_mid = status & FW_CTS_DST_NAT;
	ref = index_drop(t, flow->hash, flow); /* to know its number */
	if (!index_add(t, flow->hash, ref) || !index_add(t, ext->reply_hash, ref | CT_REF_REPLY))
		return false;
	if (ext->has_mid)
		ext->has_mid = index_add(t, ext->mid_hash, ref | CT_REF_MID);
	flow->status |= status;
	return true;
}

void ct_flow_free(struct fw_ct *ct, struct fw_flow *flow)
{
	struct ct_table *t = &ct->table;
	const uint16_t status = flow->status;
	uint32_t ref;

	forget_translation(t, flow);
	flow->status = status; /* stays readable */
	if (flow->flags & CT_F_INDEX)
		ref = index_drop(t, flow->hash, flow);
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
