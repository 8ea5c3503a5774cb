/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounded count of drops by source (hitters.h). */
#include "hitters.h"

#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define WAYS 4

struct hitter {
	struct fwd_source source;
	uint32_t n;
	uint64_t second; /* in which they were; 0: an empty place */
};

struct fwd_hitters {
	uint64_t key;
	struct hitter sets[SETS][WAYS];
};

uint32_t fwd_hash(uint64_t key, const void *data, size_t size)
{
	uint64_t h = key, word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		unsigned __int128 m;

		memcpy(&word, (const char *)data + i, sizeof(word));
		m = (unsigned __int128)(h ^ word) * (key | 1);
		h = (uint64_t)m ^ (uint64_t)(m >> 64);
	}
	return (uint32_t)(h ^ h >> 32);
}

struct fwd_hitters *fwd_hitters_new(uint64_t seed)
{
	struct fwd_hitters *h = calloc(1, sizeof(*h));

	if (h)
		h->key = seed;
	return h;
}

void fwd_hitters_forget(struct fwd_hitters *h)
{
	memset(h->sets, 0, sizeof(h->sets));
}

struct fwd_source fwd_source_of(const struct fw_packet *pkt)
{
	struct fwd_source s = {
		.addr = pkt->src,
		.family = (uint8_t)pkt->family,
		.place = pkt->meta.part == FW_PART_RAW ? FWD_PLACE_RAW : pkt->meta.hook,
		.proto = pkt->proto,
	};

	memcpy(s.in, pkt->meta.in_name, sizeof(s.in));
	return s;
}

/* The source's place: its own, or that of whoever has the least to lose. */
static struct hitter *place(struct fwd_hitters *h, const struct fwd_source *s, uint64_t second)
{
	struct hitter *set = h->sets[fwd_hash(h->key, s, sizeof(*s)) % SETS];
	struct hitter *least = set;

	for (unsigned int i = 0; i < WAYS; i++) {
		if (set[i].second && !memcmp(&set[i].source, s, sizeof(*s)))
			return &set[i];
		if (set[i].second != second)
			set[i].n = 0;
		if (set[i].n < least->n)
			least = &set[i];
	}
	*least = (struct hitter){.source = *s};
	return least;
}

bool fwd_hitters_add(struct fwd_hitters *h, const struct fwd_source *s, unsigned int weight,
		     uint64_t now)
{
	const uint64_t second = now / FW_NSEC_PER_SEC + 1;
	struct hitter *p = place(h, s, second);

	if (p->second != second)
		p->n = 0;
	p->second = second;
	p->n += weight;
	return p->n >= FWD_HITTERS_OFTEN && p->n - weight < FWD_HITTERS_OFTEN;
}
