/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's way through a compiled chain, candidate after candidate.
 *
 * The base's candidates come chunk by chunk.  Chunks that an edit touched have places between
 * them and are asked when their turn comes; what the base still says of their former selves is
 * passed over.  The first candidate of a combination of classes is remembered: most packets need
 * no more than that.
 */
#include "classify/classify.h"

/* Where the classes' rows are. */
static void find_rows(struct fw_cursor *c, const struct base *b)
{
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
								   const struct base *b, uint32_t chunk,
								   struct vec *ret)
{
	v4 v = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

	for (uint32_t i = 0; i < c->n_axes; i++) {
		uint32_t id = ((const uint32_t *)(const void *)(c->row[i] + (size_t)b->n_words * 8))[chunk];
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
				if (!(c->bv.w[0] | c->bv.w[1] | c->bv.w[2] | c->bv.w[3]))
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
	for (uint32_t i = 0; i < 3; i++)
		if (v->w[i])
			return i * 64 + (uint32_t)__builtin_ctzll(v->w[i]);
	return 192 + (uint32_t)__builtin_ctzll(v->w[3]);
}

static struct cached *cache_slot(const struct fw_cursor *c, const struct base *b)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < c->n_axes; i++)
		h = (h ^ c->cls[i]) * 0x9e3779b97f4a7c15ull + (h >> 32);
	return &b->cache[(h >> 32) & b->cache_mask];
}

/* The first candidate, remembered, or now to be. */
static void first_cached(struct fw_cursor *c, const struct base *b)
{
	struct cached *slot = cache_slot(c, b);
	bool hit = true;

	for (uint32_t i = 0; i < c->n_axes; i++)
		hit &= slot->cls[i] == c->cls[i];
	if (!hit) {
		base_next(c);
		for (uint32_t i = 0; i < c->n_axes; i++)
			slot->cls[i] = c->cls[i];
		slot->first = c->b == NO_CHUNK ? UINT32_MAX : c->b << 8 | lowest(&c->bv);
		return;
	}
	if (slot->first == UINT32_MAX) {
		c->b = NO_CHUNK;
		return;
	}
	c->b = slot->first >> 8;
	c->bv = (struct vec){0};
	c->bv.w[slot->first >> 6 & 3] = (uint64_t)1 << (slot->first & 63);
	c->b_ready = c->b_partial = true;
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

void fw_cursor_begin(struct fw_cursor *c, const struct fw_program *p, const struct fw_chain *chain,
		     const struct fw_eval *e, uint32_t from)
{
	c->p = p;
	c->chain = chain;
	c->e = e;
	c->mark = e->mark;
	c->ctinfo = e->ctinfo;
	c->has_rows = c->b_ready = c->b_partial = c->in_base = false;
	c->b = c->b_above = c->t = c->t_above = 0;
	c->v = (struct vec){0};
	fw_cursor_classes(c, p->base);
	if (from)
		start_at(c, from);
	else if (p->base->cache)
		first_cached(c, p->base);
}

/* Enter the base's next chunk, unless it is none of the chain's any more. */
static void enter_base(struct fw_cursor *c, uint32_t place)
{
	if (place != NO_CHUNK) {
		c->v = c->bv;
		c->place = place;
		c->in_base = true;
		c->chunk = c->b;
	}
	c->b_ready = false;
	c->b_above = c->b_partial && place != NO_CHUNK ? lowest(&c->bv) + 1 : 0;
	if (!c->b_above || c->b_above == 256) {
		c->b_above = 0;
		c->b++;
	}
}

static void enter_touched(struct fw_cursor *c, bool odd)
{
	c->place = c->p->touched[c->t++];
	c->in_base = false;
	fw_filter_run(c->p->place[c->place].filter, c->e->pkt, odd, c->p->base->avx2, &c->v);
	if (c->t_above)
		mask_below(&c->v, c->t_above);
	c->t_above = 0;
}

/* Go to the next chunk with candidates; false: none. */
static bool next_chunk(struct fw_cursor *c)
{
	const struct fw_program *p = c->p;

	while (!(c->v.w[0] | c->v.w[1] | c->v.w[2] | c->v.w[3])) {
		uint32_t place = UINT32_MAX;

		if (!c->b_ready && c->b != NO_CHUNK)
			base_next(c);
		if (c->b != NO_CHUNK)
			place = p->where[c->b];
		if (c->b != NO_CHUNK && (place == NO_CHUNK || c->t == p->n_touched || place < p->touched[c->t]))
			enter_base(c, place);
		else if (c->t < p->n_touched)
			enter_touched(c, fw_packet_odd(c->e->pkt));
		else
			return false;
	}
	return true;
}

bool fw_cursor_next(struct fw_cursor *c)
{
	const struct place *place;
	uint32_t bit;

	if (!next_chunk(c))
		return false;
	bit = lowest(&c->v);
	c->v.w[bit >> 6] &= c->v.w[bit >> 6] - 1;
	place = &c->p->place[c->place];
	c->rule = c->chain->chunks[c->place]->rules[bit];
	c->number = place->first + bit + 1;
	c->exact = c->trust && c->in_base &&
		   (c->p->base->exact[c->chunk].w[bit >> 6] >> (bit & 63) & 1);
	return true;
}
