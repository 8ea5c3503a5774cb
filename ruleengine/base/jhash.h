/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's jhash (Bob Jenkins' lookup3, public domain), where a rule's outcome is a hash that
 * other machines compute, too.  Not for tables: siphash.h is.
 */
#ifndef BASE_JHASH_H
#define BASE_JHASH_H

#include <stdint.h>

static inline uint32_t jhash_rol(uint32_t word, unsigned int by)
{
	return word << by | word >> (32 - by);
}

static inline void jhash_mix(uint32_t v[3])
{
	static const uint8_t by[6] = {4, 6, 8, 16, 19, 4};

	for (unsigned int i = 0; i < 6; i++) {
		uint32_t *a = &v[i % 3], *b = &v[(i + 1) % 3], *c = &v[(i + 2) % 3];

		*a -= *c;
		*a ^= jhash_rol(*c, by[i]);
		*c += *b;
	}
}

static inline uint32_t jhash_end(uint32_t v[3])
{
	static const uint8_t by[7] = {14, 11, 25, 16, 4, 14, 24};

	for (unsigned int i = 0; i < 7; i++) {
		uint32_t *c = &v[(i + 2) % 3], *b = &v[(i + 1) % 3];

		*c ^= *b;
		*c -= jhash_rol(*b, by[i]);
	}
	return v[2];
}

/* jhash2() of n words, n > 0; jhash_1word() and jhash_3words() for one and three. */
static inline uint32_t jhash_words(const uint32_t *w, uint32_t n, uint32_t seed)
{
	const uint32_t first = 0xdeadbeef + (n << 2) + seed;
	uint32_t v[3] = {first, first, first};

	for (; n > 3; n -= 3, w += 3) {
		for (unsigned int i = 0; i < 3; i++)
			v[i] += w[i];
		jhash_mix(v);
	}
	for (unsigned int i = 0; i < n; i++)
		v[i] += w[i];
	return jhash_end(v);
}

#endif
