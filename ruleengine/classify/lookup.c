/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a packet to its classes.
 *
 * A packet that lacks a field (a fragment has no ports) is in the class of "absent": the rules
 * that do not ask.  A packet that a match may drop outright, because its upper-layer header is
 * not what it should be, asks only for what every rule asks first.
 */
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "classify/classify.h"

/* How many of the SEARCH_STEP keys, which ascend, are not above x. */
static inline __attribute__((always_inline)) uint32_t count_below(const int32_t *key, int32_t x)
{
#if defined(__x86_64__)
	const __m128i *k = (const __m128i *)(const void *)key;
	__m128i v = _mm_set1_epi32(x),
		above = _mm_packs_epi32(_mm_cmpgt_epi32(_mm_loadu_si128(k), v),
					_mm_cmpgt_epi32(_mm_loadu_si128(k + 1), v));

	return (uint32_t)__builtin_ctz((unsigned int)_mm_movemask_epi8(above) | 1u << 16) / 2;
#else
	uint32_t n = 0;

	for (uint32_t i = 0; i < SEARCH_STEP; i++)
		n += key[i] <= x;
	return n;
#endif
}

/* Where buckets are so full: the last block from `lo` on whose first key is not above x, or one of
 * the SEARCH_STEP before it. */
static uint32_t halve(const struct search *s, uint32_t lo, uint32_t len, int32_t x)
{
	const int32_t *head = s->head;

	for (uint32_t i = s->steps; i; i--) {
		uint32_t half = len / 2, mid = lo + half;

		lo = __builtin_expect_with_probability(head[mid] <= x, 1, 0.5) ? mid : lo;
		len -= half;
	}
	return lo;
}

static inline __attribute__((always_inline)) uint32_t search_narrow(const struct search *s,
								    uint32_t x)
{
	uint32_t min = (uint32_t)s->min, bucket = (x > min ? x - min : 0) >> s->shift;
	int32_t signed_x = (int32_t)(x ^ SEARCH_SIGN);
	uint32_t block, at;

	bucket = bucket < s->n_root ? bucket : s->n_root - 1;
	block = s->root[bucket];
	if (s->steps)
		block = halve(s, block, s->root[bucket + 1] - block, signed_x);
	block += count_below(s->head + block + 1, signed_x);
	at = block * SEARCH_STEP;
	return s->cls[at + count_below(s->key + at, signed_x) - 1];
}

static uint32_t search_wide(const struct search *s, fw_u128 x)
{
	fw_u128 bucket = (x > s->min ? x - s->min : 0) >> s->shift;
	const fw_u128 *key = s->key_wide;
	uint32_t lo, len, n = 0;

	bucket = bucket < s->n_root ? bucket : s->n_root - 1;
	lo = s->root[(uint32_t)bucket];
	len = s->root[(uint32_t)bucket + 1] - lo;
	for (uint32_t i = s->steps; i; i--) {
		uint32_t half = len / 2, mid = lo + half;

		lo = __builtin_expect_with_probability(key[mid] <= x, 1, 0.5) ? mid : lo;
		len -= half;
	}
	for (uint32_t i = 1; i <= SEARCH_STEP; i++)
		n += key[lo + i] <= x;
	return s->cls[lo + (n < len ? n : len)];
}

enum step_kind {
	KIND_SRC,
	KIND_DST,
	KIND_SRC6,
	KIND_DST6,
	KIND_PROTO,
	KIND_SPORT,
	KIND_DPORT,
	KIND_TCP_FLAGS,
	KIND_ICMP,
	KIND_CTSTATE,
	KIND_IN,
	KIND_OUT,
	KIND_MARK
};

uint8_t fw_step_kind(enum field field, bool wide)
{
	static const uint8_t kinds[N_FIELDS] = {
		[F_SRC] = KIND_SRC,	[F_SRC_LATE] = KIND_SRC,
		[F_DST] = KIND_DST,	[F_DST_LATE] = KIND_DST,
		[F_MARK] = KIND_MARK,	[F_CTSTATE] = KIND_CTSTATE,
		[F_IN] = KIND_IN,	[F_OUT] = KIND_OUT,
		[F_PROTO] = KIND_PROTO, [F_TCP_FLAGS] = KIND_TCP_FLAGS,
		[F_ICMP] = KIND_ICMP,	[F_SPORT] = KIND_SPORT,
		[F_DPORT] = KIND_DPORT,
	};

	if (wide)
		return kinds[field] == KIND_SRC ? KIND_SRC6 : KIND_DST6;
	return kinds[field];
}

static inline uint32_t port_class(const struct step *s, const struct fw_packet *pkt, uint16_t port)
{
	if (!pkt->has_ports)
		return CLS_ABSENT;
	return s->direct ? fw_direct_port(s->direct, port) : search_narrow(s->search, port);
}

static uint32_t icmp_class(const struct search *s, const struct fw_packet *pkt)
{
	if (pkt->fragment || pkt->proto != (pkt->family == FW_IP4 ? 1 : 58))
		return CLS_ABSENT;
	return search_narrow(s, (uint32_t)pkt->icmp_type << 8 | pkt->icmp_code);
}

static uint32_t name_class(const struct search *s, const struct names *names, const char *name)
{
	return search_narrow(s, fw_names_value(names, name));
}

static inline __attribute__((always_inline)) uint32_t step_class(const struct base *b,
								 const struct step *s,
								 const struct fw_eval *e,
								 const struct fw_packet *pkt)
{
	switch ((enum step_kind)s->kind) {
	case KIND_SRC: return search_narrow(s->search, __builtin_bswap32(pkt->src.u32[0]));
	case KIND_DST: return search_narrow(s->search, __builtin_bswap32(pkt->dst.u32[0]));
	case KIND_SRC6: return search_wide(s->search, fw_addr_value(&pkt->src, FW_IP6));
	case KIND_DST6: return search_wide(s->search, fw_addr_value(&pkt->dst, FW_IP6));
	case KIND_PROTO: return s->direct[pkt->proto];
	case KIND_SPORT: return port_class(s, pkt, pkt->sport);
	case KIND_DPORT: return port_class(s, pkt, pkt->dport);
	case KIND_TCP_FLAGS:
		return pkt->fragment || pkt->proto != 6 ? CLS_ABSENT : s->direct[pkt->tcp_flags];
	case KIND_ICMP: return icmp_class(s->search, pkt);
	case KIND_CTSTATE: return s->direct[e->ctinfo & 7];
	case KIND_IN: return name_class(s->search, &b->names[0], pkt->meta.in_name);
	case KIND_OUT: return name_class(s->search, &b->names[1], pkt->meta.out_name);
	case KIND_MARK: return search_narrow(s->search, e->mark);
	}
	return CLS_ALL;
}

static inline __attribute__((always_inline)) uint64_t classes(struct fw_cursor *c,
							      const struct base *b, uint32_t asked)
{
	const struct fw_eval *e = c->e;
	const struct fw_packet *pkt = e->pkt;
	uint32_t cls = 0, *out = c->cls;
	uint64_t key = 0;

	for (const struct step *s = b->step, *end = s + b->n_steps; s < end; s++) {
		uint32_t own = asked & FIELD_BIT(s->field) ? step_class(b, s, e, pkt) : CLS_ALL;

		cls = s->table ? s->table[cls * s->width + own] : own;
		if (!s->last)
			continue;
		*out++ = cls;
		key |= (uint64_t)cls << s->shift;
	}
	return key;
}

uint64_t fw_cursor_classes(struct fw_cursor *c, const struct base *b)
{
	c->n_axes = b->n_groups;
	c->has_classes = true;
	if (__builtin_expect(c->asked != FIELDS_ALL, 0))
		return classes(c, b, c->asked);
	return classes(c, b, FIELDS_ALL);
}
