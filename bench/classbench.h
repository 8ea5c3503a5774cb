/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClassBench filter sets, and traces of packet headers made from them. */
#ifndef BENCH_CLASSBENCH_H
#define BENCH_CLASSBENCH_H

#include <stddef.h>
#include <stdint.h>

enum { CB_SRC, CB_DST, CB_SPORT, CB_DPORT, CB_PROTO, CB_FIELDS };

struct cb_filter {
	uint32_t lo[CB_FIELDS], hi[CB_FIELDS];
	uint8_t len[2]; /* of the source and destination prefix */
};

struct cb_set {
	struct cb_filter *f;
	size_t n;
};

struct cb_header {
	uint32_t v[CB_FIELDS];
};

/* Read a set, plain or gzipped.  0, or -1 with a message on stderr. */
int cb_load(struct cb_set *set, const char *path);

/*
 * `n` headers.  flows 0: each is a random point of a random filter, or (one in ten) of the whole
 * space.  Else so many distinct headers, drawn with Zipf(1) popularity.
 */
struct cb_header *cb_trace(const struct cb_set *set, size_t n, size_t flows, uint64_t seed);

/* The first filter that holds, by linear scan; n: none. */
size_t cb_first(const struct cb_set *set, const struct cb_header *h);

#endif
