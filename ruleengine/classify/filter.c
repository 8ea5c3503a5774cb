/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of one chunk that an edit touched: made in microseconds, asked in tens of
 * nanoseconds.  Each rule is a value under a mask in a few columns of 32 bits; a column in which
 * no rule asks is left out.  What a mask cannot say (a range, two ports) is widened to the next
 * that it can: candidates of a touched chunk are always evaluated in full.
 */
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "classify/classify.h"

enum column { COL_SRC, COL_DST = 4, COL_PORTS = 8, COL_PROTO };

/* The smallest value/mask pair around all of a set; of `bits` bits. */
static void hull(const struct set *s, fw_u128 *value, fw_u128 *mask)
{
	fw_u128 host = s->r[0].lo ^ s->r[s->n - 1].hi;

	for (unsigned int i = 1; i < 128; i *= 2)
		host |= host >> i;
	*mask = ~host;
	*value = s->r[0].lo & ~host;
}

/* What one rule asks, column by column; false: nothing can match it. */
static bool rule_columns(const struct fw_fields *f, uint32_t value[FILTER_COLS],
			 uint32_t mask[FILTER_COLS])
{
	static const struct {
		uint8_t field, column, words, shift, bits;
	} of[] = {
		{F_SRC, COL_SRC, 4, 0, 32},	 {F_DST, COL_DST, 4, 0, 32},
		{F_SPORT, COL_PORTS, 1, 16, 16}, {F_DPORT, COL_PORTS, 1, 0, 16},
		{F_PROTO, COL_PROTO, 1, 0, 8},
	};

	memset(value, 0, FILTER_COLS * sizeof(*value));
	memset(mask, 0, FILTER_COLS * sizeof(*mask));
	for (size_t i = 0; i < FW_ARRAY_SIZE(of); i++) {
		const struct set *s = &f->set[of[i].field];
		unsigned int words = of[i].words == 4 && f->family == FW_IP4 ? 1 : of[i].words;
		uint32_t keep = of[i].bits == 32 ? UINT32_MAX : (1u << of[i].bits) - 1;
		fw_u128 v, m;

		if (!(f->used & FIELD_BIT(of[i].field)))
			continue;
		if (!s->n) {
			/* Nothing can match; but a malformed packet never comes to ask the port. */
			if (FIELD_BIT(of[i].field) & FIELDS_ODD)
				return false;
			continue;
		}
		hull(s, &v, &m);
		for (unsigned int w = 0; w < words; w++) {
			unsigned int down = (words - 1 - w) * 32;

			value[of[i].column + w] |= ((uint32_t)(v >> down) & keep) << of[i].shift;
			mask[of[i].column + w] |= ((uint32_t)(m >> down) & keep) << of[i].shift;
		}
	}
	return true;
}

static int keep_columns(struct filter *f, uint32_t (*value)[FW_CHUNK_RULES],
			uint32_t (*mask)[FW_CHUNK_RULES])
{
	for (uint8_t col = 0; col < FILTER_COLS; col++)
		for (uint32_t i = 0; i < f->n; i++)
			if (mask[col][i] || value[col][i]) {
				f->col[f->n_cols++] = col;
				break;
			}
	if (!f->n_cols)
		return 0;
	f->value = aligned_alloc(32, f->n_cols * sizeof(*f->value));
	f->mask = aligned_alloc(32, f->n_cols * sizeof(*f->mask));
	if (!f->value || !f->mask)
		return -1;
	for (uint32_t k = 0; k < f->n_cols; k++) {
		memcpy(f->value[k], value[f->col[k]], sizeof(*f->value));
		memcpy(f->mask[k], mask[f->col[k]], sizeof(*f->mask));
	}
	return 0;
}

struct filter *fw_filter_build(const struct fw_chunk *chunk, enum fw_family family,
			       struct fw_fields *scratch)
{
	struct filter *f = calloc(1, sizeof(*f));
	uint32_t(*value)[FW_CHUNK_RULES] = calloc(FILTER_COLS, sizeof(*value));
	uint32_t(*mask)[FW_CHUNK_RULES] = calloc(FILTER_COLS, sizeof(*mask));
	int r = -1;

	if (f && value && mask) {
		f->refs = 1;
		f->n = chunk->n;
		for (uint32_t i = 0; i < chunk->n; i++) {
			uint32_t v[FILTER_COLS], m[FILTER_COLS];

			fw_rule_fields(chunk->rules[i], family, NULL, scratch);
			/* A source under no mask that is not zero: never. */
			if (!rule_columns(scratch, v, m)) {
				memset(m, 0, sizeof(m));
				memset(v, 0, sizeof(v));
				v[COL_SRC] = 1;
			}
			for (uint32_t col = 0; col < FILTER_COLS; col++) {
				value[col][i] = v[col];
				mask[col][i] = m[col];
			}
		}
		r = keep_columns(f, value, mask);
	}
	free(value);
	free(mask);
	return r < 0 ? fw_filter_unref(f) : f;
}

struct filter *fw_filter_unref(struct filter *f)
{
	if (!f || (f->refs && --f->refs))
		return NULL;
	free(f->value);
	free(f->mask);
	free(f);
	return NULL;
}

/* What the packet has in a column; false: the column is not to be asked. */
static bool packet_column(const struct fw_packet *pkt, uint32_t asked, uint8_t col, uint32_t *key)
{
	switch (col) {
	case COL_PORTS:
		*key = (uint32_t)pkt->sport << 16 | pkt->dport;
		return pkt->has_ports && (asked & FIELD_BIT(F_DPORT));
	case COL_PROTO: *key = pkt->proto; return asked & FIELD_BIT(F_PROTO);
	default: break;
	}
	*key = __builtin_bswap32(col < COL_DST ? pkt->src.u32[col] : pkt->dst.u32[col - COL_DST]);
	return asked & (col < COL_DST ? FIELD_BIT(F_SRC) : FIELD_BIT(F_DST));
}

static void column_portable(const uint32_t *value, const uint32_t *mask, uint32_t key,
			    struct vec *v)
{
	for (uint32_t w = 0; w < 4; w++)
		for (uint64_t bits = v->w[w]; bits; bits &= bits - 1) {
			uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);

			if ((key & mask[i]) != value[i])
				v->w[w] &= ~(bits & -bits);
		}
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void column_avx2(const uint32_t *value, const uint32_t *mask,
							uint32_t key, struct vec *v)
{
	__m256i k = _mm256_set1_epi32((int)key);

	for (uint32_t w = 0; w < 4; w++) {
		uint64_t got = 0;

		if (!v->w[w])
			continue;
		for (uint32_t i = 0; i < 64; i += 8) {
			const __m256i *m = (const __m256i *)(const void *)(mask + w * 64 + i);
			const __m256i *x = (const __m256i *)(const void *)(value + w * 64 + i);
			__m256i eq = _mm256_cmpeq_epi32(_mm256_and_si256(k, _mm256_load_si256(m)),
							_mm256_load_si256(x));

			got |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(eq)) << i;
		}
		v->w[w] &= got;
	}
}
#else
#define column_avx2 column_portable
#endif

void fw_filter_run(const struct filter *f, const struct fw_packet *pkt, uint32_t asked, bool avx2,
		   struct vec *ret)
{
	for (uint32_t w = 0; w < 4; w++)
		ret->w[w] = f->n >= (w + 1) * 64 ? UINT64_MAX
			: f->n > w * 64		 ? ((uint64_t)1 << (f->n - w * 64)) - 1
						 : 0;
	for (uint32_t i = 0; i < f->n_cols && (ret->w[0] | ret->w[1] | ret->w[2] | ret->w[3]);
	     i++) {
		uint32_t key;

		if (!packet_column(pkt, asked, f->col[i], &key))
			continue;
		if (avx2)
			column_avx2(f->value[i], f->mask[i], key, ret);
		else
			column_portable(f->value[i], f->mask[i], key, ret);
	}
}
