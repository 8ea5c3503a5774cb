/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker's cost: new flows and known flows a second, memory a flow.
 *
 *	conntrack [FLOWS...]		(1,000, 100,000 and 1,000,000)
 *
 * "new" and "known" track whole packets, as the daemon does: parsed views go through
 * fw_ct_track() and fw_ct_confirm().  "known" is the worst case for caches: flows in random order,
 * each in either direction, one in ten unknown and refused (so that the table does not grow).
 * "find" only looks tuples up, hash included: what other flow tables' figures say.  "batch" is
 * "known" in batches of 64 whose flows are asked for first, as a worker does it.  Once the table
 * is filled it gets huge pages, as the daemon gives them to it.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "track/track.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define BATCH	  4096
#define MAX_SIZES 8

static uint64_t rng = 88172645463325252ull;

static uint32_t random32(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 16);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Flow n's packet: UDP, so that each may begin or go on; `answer` swaps the ends. */
static void make(uint8_t b[32], uint32_t n, bool answer)
{
	uint8_t client[4] = {10, (uint8_t)(n >> 22), (uint8_t)(n >> 14), (uint8_t)(n >> 6)};
	uint8_t server[4] = {192, 0, 2, (uint8_t)(n % 5)};
	uint16_t sport = (uint16_t)(1024 + (n & 63) * 997), dport = 53;

	memset(b, 0, 32);
	b[0] = 0x45;
	b[3] = 32;
	b[8] = 64;
	b[9] = 17;
	memcpy(b + (answer ? 16 : 12), client, 4);
	memcpy(b + (answer ? 12 : 16), server, 4);
	b[answer ? 22 : 20] = (uint8_t)(sport >> 8);
	b[answer ? 23 : 21] = (uint8_t)sport;
	b[answer ? 21 : 23] = (uint8_t)dport;
	b[25] = 12;
}

struct batch {
	uint8_t bytes[BATCH][32];
	struct fw_packet pkt[BATCH];
};

static void put(struct batch *b, uint32_t i, uint32_t n, bool answer)
{
	static const struct fw_pkt_meta meta = {.hook = FW_PREROUTING};

	make(b->bytes[i], n, answer);
	if (fw_packet_parse(&b->pkt[i], FW_IP4, b->bytes[i], 32, 32, &meta) < 0)
		abort();
}

/* One of so many flows, either way; one in ten is of none of them. */
static void put_any(struct batch *b, uint32_t i, uint32_t flows)
{
	bool miss = random32() % 10 == 0;

	put(b, i, random32() % flows + (miss ? flows : 0), random32() & 1);
}

static uint32_t track(struct fw_ct *ct, struct batch *b, uint32_t from, uint32_t n, bool keep,
		      uint64_t now)
{
	uint32_t fresh = 0;

	for (uint32_t i = from; i < from + n; i++) {
		struct fw_eval e = {.pkt = &b->pkt[i], .now = now};

		if (fw_ct_track(ct, &e) < 0)
			abort();
		fresh += e.ctinfo == FW_CT_NEW;
		if (keep)
			fw_ct_confirm(ct, &e);
		else if (e.ctinfo == FW_CT_NEW)
			fw_ct_dropped(ct, &e);
	}
	return fresh;
}

static double fill(struct fw_ct *ct, struct batch *b, uint32_t flows, double *longest)
{
	double total = 0;

	*longest = 0;
	for (uint32_t done = 0; done < flows;) {
		uint32_t n = flows - done < BATCH ? flows - done : BATCH;
		double start, took;

		for (uint32_t i = 0; i < n; i++)
			put(b, i, done + i, false);
		start = seconds();
		if (track(ct, b, 0, n, true, 1) != n)
			abort();
		took = seconds() - start;
		total += took;
		if (n == BATCH && took > *longest)
			*longest = took;
		done += n;
	}
	return flows / total;
}

/* One packet after the other, or a worker's batch at a time. */
static double look(struct fw_ct *ct, struct batch *b, uint32_t flows, bool ahead)
{
	const uint32_t rounds = 256;
	double total = 0;

	for (uint32_t r = 0; r < rounds; r++) {
		double start;

		for (uint32_t i = 0; i < BATCH; i++)
			put_any(b, i, flows);
		start = seconds();
		for (uint32_t i = 0; ahead && i < BATCH; i += FW_CT_PREFETCH) {
			const struct fw_packet *pkts[FW_CT_PREFETCH];

			for (uint32_t k = 0; k < FW_CT_PREFETCH; k++)
				pkts[k] = &b->pkt[i + k];
			fw_ct_prefetch(ct, pkts, FW_CT_PREFETCH);
			track(ct, b, i, FW_CT_PREFETCH, false, 2);
		}
		if (!ahead)
			track(ct, b, 0, BATCH, false, 2);
		total += seconds() - start;
	}
	return rounds * (double)BATCH / total;
}

static double find(struct fw_ct *ct, struct batch *b, uint32_t flows)
{
	static struct fw_tuple tuples[BATCH];
	const uint32_t rounds = 256;
	uint32_t found = 0;
	double total = 0;

	for (uint32_t r = 0; r < rounds; r++) {
		double start;

		for (uint32_t i = 0; i < BATCH; i++) {
			put_any(b, i, flows);
			if (!ct_tuple_of(&b->pkt[i], &tuples[i]))
				abort();
		}
		start = seconds();
		for (uint32_t i = 0; i < BATCH; i++) {
			enum fw_ct_dir dir;
			struct ct_key key;

			found += ct_key_make(ct, &tuples[i], &key) &&
				ct_find(ct, &key, 2, false, &dir);
		}
		total += seconds() - start;
	}
	if (found < rounds * (BATCH / 10 * 8))
		abort();
	return rounds * (double)BATCH / total;
}

/* As the daemon does once a second. */
static void use_huge_pages(struct fw_ct *ct)
{
	size_t size;
	void *mem;

	while ((mem = fw_ct_full_piece(ct, &size)))
		madvise(mem, size, MADV_COLLAPSE);
}

/* Bytes of memory that this process has. */
static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		abort();
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
	uint32_t sizes[MAX_SIZES + 1] = {1000, 100000, 1000000, 0};
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct batch *b = malloc(sizeof(*b));

	if (!b)
		return 1;
	for (int i = 1; i < argc && i <= MAX_SIZES; i++) {
		sizes[i - 1] = (uint32_t)strtoul(argv[i], NULL, 10);
		sizes[i] = 0;
	}
	config.max_flows = 0;
	config.seed[0] = 0x1234;
	printf("%10s %10s %10s %10s %10s %14s %22s\n", "flows", "find M/s", "new M/s", "known M/s",
	       "batch M/s", "bytes a flow", "slowest 4096 new, us");
	for (size_t i = 0; sizes[i]; i++) {
		struct fw_ct *ct = fw_ct_new(&config);
		double new, known, batch, lookups, longest, bytes;
		size_t before;

		if (!ct)
			return 1;
		malloc_trim(0);
		before = resident();
		new = fill(ct, b, sizes[i], &longest);
		bytes = (double)(resident() - before) / sizes[i];
		use_huge_pages(ct);
		known = look(ct, b, sizes[i], false);
		batch = look(ct, b, sizes[i], true);
		lookups = find(ct, b, sizes[i]);
		printf("%10u %10.2f %10.2f %10.2f %10.2f %14.1f %22.0f\n", sizes[i], lookups / 1e6,
		       new / 1e6, known / 1e6, batch / 1e6, bytes, longest * 1e6);
		fw_ct_free(ct);
	}
	free(b);
	return 0;
}
