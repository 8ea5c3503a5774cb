/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's way through a compiled chain, candidate after candidate.
 *
 * The base's candidates come chunk by chunk.  Chunks that an edit touched have places between
 * them and are asked when their turn comes; what the base still says of their former selves is
 * passed over.  The first candidate of a combination of classes is remembered: most packets need
 * no more than that.
 */
#include "classify/tuple.h"

/* Where the classes' rows are. */
static void find_rows(struct fw_cursor *c, const struct base *b)
{
	if (!c->has_classes)
		fw_cursor_classes(c, b);
	c->has_rows = true;
	for (uint32_t i = 0; i < c->n_axes; i++) {
		const struct axis *a = &b->group[i].axis;
		uint32_t row = c->cls[i];

		c->over[i] = a->cls ? &a->cls[row] : NULL;
		if (a->cls)
			row = a->cls[row].row;
		c->row[i] = a->rows + (size_t)row * a->stride;
	}
}

/* Chunks among 64 that are not empty on every axis. */
static inline __attribute__((always_inline)) uint64_t summary(const struct fw_cursor *c, uint32_t w)
{
	uint64_t bits = UINT64_MAX;

	for (uint32_t i = 0; i < c->n_axes; i++) {
		uint64_t own = ((const uint64_t *)(const void *)c->row[i])[w];
		const struct cls *k = c->over[i];

		if (k)
			for (uint32_t n = 0; n < k->n; n++)
				if (k->chunk[n] >> 6 == w)
					own |= (uint64_t)1 << (k->chunk[n] & 63);
		bits &= own;
	}
	return bits;
}

typedef uint64_t v4 __attribute__((vector_size(32), aligned(32)));

static inline __attribute__((always_inline)) bool chunk_candidates(const struct fw_cursor *c,
								   const struct base *b,
								   uint32_t chunk, struct vec *ret)
{
	v4 v = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

	for (uint32_t i = 0; i < c->n_axes; i++) {
		uint32_t id = ((const uint32_t *)(const void *)(c->row[i] +
								(size_t)b->n_words * 8))[chunk];
		const struct cls *k = c->over[i];

		if (k)
			for (uint32_t n = 0; n < k->n; n++)
				if (k->chunk[n] == chunk)
					id = k->vec[n];
		v &= *(const v4 *)(const void *)&b->pool.v[id];
	}
	*(v4 *)(void *)ret = v;
	return v[0] | v[1] | v[2] | v[3];
}

static bool is_empty(const struct vec *v)
{
	return !(v->w[0] | v->w[1] | v->w[2] | v->w[3]);
}

static void mask_below(struct vec *v, uint32_t bit)
{
	for (uint32_t i = 0; i < 4; i++) {
		if (bit >= (i + 1) * 64)
			v->w[i] = 0;
		else if (bit > i * 64)
			v->w[i] &= UINT64_MAX << (bit & 63);
	}
}

/* The next chunk from (b, b_above) on that has candidates. */
static inline __attribute__((always_inline)) void advance(struct fw_cursor *c)
{
	const struct base *b = c->p->base;
	uint32_t at = c->b;

	c->b_partial = false;
	for (uint32_t w = at >> 6; w < b->n_words; w++) {
		uint64_t bits = summary(c, w);

		if (w == at >> 6)
			bits &= UINT64_MAX << (at & 63);
		for (; bits; bits &= bits - 1) {
			uint32_t chunk = w * 64 + (uint32_t)__builtin_ctzll(bits);

			if (!chunk_candidates(c, b, chunk, &c->bv))
				continue;
			if (chunk == at && c->b_above) {
				mask_below(&c->bv, c->b_above);
				if (is_empty(&c->bv))
					continue;
			}
			c->b = chunk;
			c->b_ready = true;
			return;
		}
	}
	c->b = NO_CHUNK;
}

static void advance_portable(struct fw_cursor *c)
{
	advance(c);
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi"))) static void advance_avx2(struct fw_cursor *c)
{
	advance(c);
}
#else
#define advance_avx2 advance_portable
#endif

static void base_next(struct fw_cursor *c)
{
	if (!c->has_rows)
		find_rows(c, c->p->base);
	if (c->p->base->avx2)
		advance_avx2(c);
	else
		advance_portable(c);
}

static uint32_t lowest(const struct vec *v)
{
	unsigned int words = (v->w[0] != 0) | (v->w[1] != 0) << 1 | (v->w[2] != 0) << 2 | 1 << 3;
	unsigned int i = (unsigned int)__builtin_ctz(words);

	return i * 64 + (uint32_t)__builtin_ctzll(v->w[i]);
}

static bool is_exact(const struct base *b, uint32_t chunk, uint32_t bit)
{
	return b->exact[chunk].w[bit >> 6] >> (bit & 63) & 1;
}

/* The next chunk to look at is the one that holds `rule`, behind it. */
static void go_behind(struct fw_cursor *c, uint32_t rule)
{
	c->b = (rule + 1) >> 8;
	c->b_above = (rule + 1) & 255;
}

static uint32_t find_first(struct fw_cursor *c, const struct base *b)
{
	uint32_t bit;

	base_next(c);
	if (c->b == NO_CHUNK)
		return CACHED_NONE;
	bit = lowest(&c->bv);
	return c->b << 8 | bit | (is_exact(b, c->b, bit) ? CACHED_EXACT : 0);
}

/* The first candidate, by the packet's classes: remembered, or now to be. */
static uint32_t first_by_classes(struct fw_cursor *c, const struct base *b)
{
	uint64_t key, tag, *set;
	uint32_t first;

	key = fw_cursor_classes(c, b) * 0x9e3779b97f4a7c15ull & (((uint64_t)1 << b->key_bits) - 1);
	tag = key & (((uint64_t)1 << b->tag_bits) - 1);
	set = &b->cache[(key >> b->tag_bits) * CACHE_WAYS];
	if (set[0] >> CACHE_TAG_SHIFT == tag)
		return (uint32_t)set[0] & CACHED_BITS;
	if (set[1] >> CACHE_TAG_SHIFT == tag)
		return (uint32_t)set[1] & CACHED_BITS;
	first = find_first(c, b);
	set[1] = set[0];
	set[0] = tag << CACHE_TAG_SHIFT | first;
	return first;
}

/* The same by the packet's own values. */
static inline uint32_t first_by_tuple(struct fw_cursor *c, const struct base *b)
{
	struct tuples *t = b->tuples;
	struct tuple_set *set;
	struct tuple key;
	uint32_t way, first;

	if (__builtin_expect(!t->left--, 0))
		fw_tuples_review(t);
	if (!t->on)
		return first_by_classes(c, b);
	key = fw_tuple_of(t, c->e);
	set = fw_tuple_set(t, &key);
	way = fw_tuple_way(set, &key);
	if (__builtin_expect(way < TUPLE_WAYS, 1)) {
		t->hits++;
		return set->first[way];
	}
	first = first_by_classes(c, b);
	fw_tuple_put(set, &key, first);
	return first;
}

/* Go on from the first candidate, wherever that is known from. */
static inline void start_with(struct fw_cursor *c, uint32_t first)
{
	uint32_t rule = first & ~CACHED_EXACT;

	if (c->b_ready) /* it was looked for just now */
		return;
	if (first == CACHED_NONE) {
		c->b = NO_CHUNK;
	} else if (c->p->whole) {
		c->first = first;
		go_behind(c, rule);
	} else {
		c->b = rule >> 8;
		c->bv = (struct vec){0};
		c->bv.w[rule >> 6 & 3] = (uint64_t)1 << (rule & 63);
		c->b_ready = c->b_partial = true;
	}
}

/* The last place whose first rule is not behind `from`. */
static uint32_t find_place(const struct fw_program *p, uint32_t from)
{
	uint32_t lo = 0, hi = p->n_places - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi + 1) / 2;

		if (p->place[mid].first <= from)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

static void start_at(struct fw_cursor *c, uint32_t from)
{
	const struct fw_program *p = c->p;
	uint32_t at = find_place(p, from), i = at;

	while (c->t < p->n_touched && p->touched[c->t] < at)
		c->t++;
	if (p->place[at].base == NO_CHUNK)
		c->t_above = from - p->place[at].first;
	else
		c->b_above = from - p->place[at].first;
	while (i < p->n_places && p->place[i].base == NO_CHUNK)
		i++;
	c->b = i < p->n_places ? p->place[i].base : NO_CHUNK;
	if (c->b_above > 255) {
		c->b++;
		c->b_above = 0;
	}
}

/* What may be asked of this packet. */
static uint32_t asked_of(const struct fw_packet *pkt)
{
	if (__builtin_expect(fw_packet_odd(pkt), 0))
		return FIELDS_ODD | (pkt->has_proto ? FIELD_BIT(F_PROTO) : 0);
	return FIELDS_ALL;
}

static void begin(struct fw_cursor *c, const struct fw_program *p, const struct fw_chain *chain,
		  const struct fw_eval *e, uint32_t from)
{
	c->p = p;
	c->chain = chain;
	c->e = e;
	c->mark = e->mark;
	c->ctinfo = e->ctinfo;
	c->tcp_flags = e->pkt->tcp_flags;
	c->has_classes = c->has_rows = c->b_ready = c->b_partial = false;
	c->first = CACHED_NONE;
	c->b = c->b_above = c->t = c->t_above = 0;
	c->v = (struct vec){0};
	if (from)
		start_at(c, from);
	else if (p->base->tuples && c->trust)
		start_with(c, first_by_tuple(c, p->base));
	else if (p->base->cache)
		start_with(c, first_by_classes(c, p->base));
}

void fw_cursor_begin(struct fw_cursor *c, const struct fw_program *p, const struct fw_chain *chain,
		     const struct fw_eval *e, uint32_t from)
{
	c->asked = asked_of(e->pkt);
	c->trust = c->asked == FIELDS_ALL && !e->pkt->fragment;
	begin(c, p, chain, e, from);
}

void fw_cursor_begin_source(struct fw_cursor *c, const struct fw_program *p,
			    const struct fw_chain *chain, const struct fw_eval *e, uint32_t from)
{
	c->asked = FIELDS_SOURCE;
	c->trust = false;
	begin(c, p, chain, e, from);
}

/* Enter the base's next chunk, unless it is none of the chain's any more. */
static void enter_base(struct fw_cursor *c, uint32_t place)
{
	if (place != NO_CHUNK) {
		c->v = c->bv;
		c->place = place;
		c->chunk = c->b;
	}
	c->b_ready = false;
	/* Of a remembered candidate's chunk only that one is known. */
	go_behind(c, c->b << 8 | (c->b_partial && place != NO_CHUNK ? lowest(&c->bv) : 255));
}

static void enter_touched(struct fw_cursor *c)
{
	c->place = c->p->touched[c->t++];
	c->chunk = NO_CHUNK;
	fw_filter_run(c->p->place[c->place].filter, c->e->pkt, c->asked, c->p->base->avx2, &c->v);
	if (c->t_above)
		mask_below(&c->v, c->t_above);
	c->t_above = 0;
}

/* Go to the next chunk with candidates; false: none. */
static bool next_chunk(struct fw_cursor *c)
{
	const struct fw_program *p = c->p;

	while (is_empty(&c->v)) {
		uint32_t place = UINT32_MAX;

		if (!c->b_ready && c->b != NO_CHUNK)
			base_next(c);
		if (c->b != NO_CHUNK)
			place = p->where[c->b];
		if (c->b != NO_CHUNK &&
		    (place == NO_CHUNK || c->t == p->n_touched || place < p->touched[c->t]))
			enter_base(c, place);
		else if (c->t < p->n_touched)
			enter_touched(c);
		else
			return false;
	}
	return true;
}

static void found(struct fw_cursor *c, uint32_t place, uint32_t bit)
{
	c->rule = c->chain->chunks[place]->rules[bit];
	c->number = c->p->place[place].first + bit + 1;
}

bool fw_cursor_next(struct fw_cursor *c)
{
	uint32_t bit;

	if (c->first != CACHED_NONE) {
		found(c, (c->first & ~CACHED_EXACT) >> 8, c->first & 255);
		c->exact = c->trust && (c->first & CACHED_EXACT);
		c->first = CACHED_NONE;
		return true;
	}
	if (!next_chunk(c))
		return false;
	bit = lowest(&c->v);
	c->v.w[bit >> 6] &= c->v.w[bit >> 6] - 1;
	found(c, c->place, bit);
	c->exact = c->trust && c->chunk != NO_CHUNK && is_exact(c->p->base, c->chunk, bit);
	return true;
}
