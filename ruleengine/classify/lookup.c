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

static inline __attribute__((always_inline)) uint32_t search_narrow(const struct search *s,
								    uint32_t x)
{
	uint32_t min = (uint32_t)s->min, bucket = (x > min ? x - min : 0) >> s->shift;
	int32_t signed_x = (int32_t)(x ^ SEARCH_SIGN);
	const uint32_t *root = s->root;
	const int32_t *key = s->key;
	uint32_t lo, len, n;

	bucket = bucket < s->n_root ? bucket : s->n_root - 1;
	lo = root[bucket];
	len = root[bucket + 1] - lo;
	for (uint32_t i = s->steps; i; i--) {
		uint32_t half = len / 2, mid = lo + half;

		lo = __builtin_expect_with_probability(key[mid] <= signed_x, 1, 0.5) ? mid : lo;
		len -= half;
	}
	n = count_below(key + lo + 1, signed_x);
	return s->cls[lo + (n < len ? n : len)];
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

static inline uint32_t addr_class(const struct search *s, const union fw_addr *a)
{
	if (s->wide)
		return search_wide(s, fw_addr_value(a, FW_IP6));
	return search_narrow(s, __builtin_bswap32(a->u32[0]));
}

static uint32_t port_class(const struct search *s, const struct fw_packet *pkt, uint16_t port)
{
	return pkt->has_ports ? search_narrow(s, port) : CLS_ABSENT;
}

static uint32_t icmp_class(const struct search *s, const struct fw_packet *pkt)
{
	if (pkt->fragment || pkt->proto != (pkt->family == FW_IP4 ? 1 : 58))
		return CLS_ABSENT;
	return search_narrow(s, (uint32_t)pkt->icmp_type << 8 | pkt->icmp_code);
}

static uint32_t flags_class(const uint16_t *direct, const struct fw_packet *pkt)
{
	return pkt->fragment || pkt->proto != 6 ? CLS_ABSENT : direct[pkt->tcp_flags];
}

static inline __attribute__((always_inline)) uint32_t field_class(const struct base *b,
								  enum field f,
								  const struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;

	switch (f) {
	case F_SRC:
	case F_SRC_LATE: return addr_class(&b->search[f], &pkt->src);
	case F_DST:
	case F_DST_LATE: return addr_class(&b->search[f], &pkt->dst);
	case F_MARK: return search_narrow(&b->search[f], e->mark);
	case F_CTSTATE: return b->direct[f][e->ctinfo & 7];
	case F_IN:
		return search_narrow(&b->search[f],
				     fw_names_value(&b->names[0], pkt->meta.in_name));
	case F_OUT:
		return search_narrow(&b->search[f],
				     fw_names_value(&b->names[1], pkt->meta.out_name));
	case F_PROTO: return b->direct[f][pkt->proto];
	case F_TCP_FLAGS: return flags_class(b->direct[f], pkt);
	case F_ICMP: return icmp_class(&b->search[f], pkt);
	case F_SPORT: return port_class(&b->search[f], pkt, pkt->sport);
	case F_DPORT: return port_class(&b->search[f], pkt, pkt->dport);
	default: return CLS_ALL;
	}
}

static inline __attribute__((always_inline)) void classes(struct fw_cursor *c, const struct base *b,
							  uint32_t asked)
{
	uint32_t cls = 0, *out = c->cls;

	for (const struct step *s = b->step, *end = s + b->n_steps; s < end; s++) {
		uint32_t own = asked & FIELD_BIT(s->field)
			? field_class(b, (enum field)s->field, c->e)
			: CLS_ALL;

		cls = s->table ? s->table[cls * s->width + own] : own;
		if (s->last)
			*out++ = cls;
	}
}

void fw_cursor_classes(struct fw_cursor *c, const struct base *b)
{
	const struct fw_packet *pkt = c->e->pkt;
	bool odd = fw_packet_odd(pkt);

	c->n_axes = b->n_groups;
	c->trust = !odd && !pkt->fragment;
	if (__builtin_expect(!odd, 1))
		classes(c, b, UINT32_MAX);
	else
		classes(c, b, FIELDS_ODD | (pkt->has_proto ? FIELD_BIT(F_PROTO) : 0));
}
