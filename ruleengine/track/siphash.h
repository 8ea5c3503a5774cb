/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-c-d over 64-bit words: the keyed hash of everything whose keys strangers choose.
 *
 * The tables here use 1-3 (as many languages' hash maps do): an attacker sees no hash values, only
 * timing, and three finalising rounds are out of reach that way.  2-4 is there because its vectors
 * are the published ones; tests/unit/t-ct-table.c checks both.
 */
#ifndef FW_TRACK_SIPHASH_H
#define FW_TRACK_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = sip_rotl(s->v1, 13) ^ s->v0;
	s->v3 = sip_rotl(s->v3, 16) ^ s->v2;
	s->v0 = sip_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = sip_rotl(s->v1, 17) ^ s->v2;
	s->v3 = sip_rotl(s->v3, 21) ^ s->v0;
	s->v2 = sip_rotl(s->v2, 32);
}

static inline void sip_init(struct sip *s, const uint64_t key[2])
{
	s->v0 = key[0] ^ 0x736f6d6570736575ull;
	s->v1 = key[1] ^ 0x646f72616e646f6dull;
	s->v2 = key[0] ^ 0x6c7967656e657261ull;
	s->v3 = key[1] ^ 0x7465646279746573ull;
}

static inline void sip_word(struct sip *s, uint64_t m, int c)
{
	s->v3 ^= m;
	for (int i = 0; i < c; i++)
		sip_round(s);
	s->v0 ^= m;
}

static inline uint64_t sip_final(struct sip *s, int d)
{
	s->v2 ^= 0xff;
	for (int i = 0; i < d; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Any bytes (little-endian words, as specified). */
static inline uint64_t sip_bytes(const uint64_t key[2], const void *data, size_t len, int c, int d)
{
	const uint8_t *p = (const uint8_t *)data;
	uint64_t tail = (uint64_t)(len & 0xff) << 56; /* the last word says the length */
	struct sip s;

	sip_init(&s, key);
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t w = 0;

		for (int i = 0; i < 8; i++)
			w |= (uint64_t)p[i] << (8 * i);
		sip_word(&s, w, c);
	}
	for (size_t i = 0; i < len; i++)
		tail |= (uint64_t)p[i] << (8 * i);
	sip_word(&s, tail, c);
	return sip_final(&s, d);
}

#endif
