/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the flow cache saves: nanoseconds a packet through the whole engine, tracker included, with
 * and without it.
 *
 *	first   established connections are accepted by the first rule
 *	last    ... by the last one, behind N rules about other addresses
 *	host    ... by the last one, behind N rules about ports of the same host's network, all of
 *	        which are about this packet's protocol and source network
 *	chains  N / 100 chains of a hundred rules, jumped to one after the other
 *	marks   N rules of a kind that no index helps with: marks under scattered masks
 *
 * Flows take turns (64 or 4096 of them), so their state is where it would be in real life: in the
 * second or third cache.  Rounds with and without alternate; medians are printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fw/ct.h"
#include "fw/engine.h"
#include "fw/flowcache.h"
#include "fw/tx.h"

#define ROUNDS	  9
#define MAX_FLOWS 4096

struct bench {
	struct fw_ruleset *rs;
	struct fw_plan plan;
	struct fw_world world;
	struct fw_flow_cache *cache;
	struct fw_frame stack[FW_MAX_DEPTH];
	uint8_t bytes[MAX_FLOWS][2][64];
	struct fw_packet pkt[MAX_FLOWS][2];
	uint64_t accepted;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "flow-cache: %s\n", what);
	exit(1);
}

/* ---- rules --------------------------------------------------------------------------------- */

#define ESTABLISHED "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
#define NEW	    "-A FORWARD -p udp -j ACCEPT\n"

static void filler(struct fw_buf *b, const char *shape, const char *chain, unsigned int i)
{
	fw_buf_fmt(b, "-A %s", chain);
	if (!strcmp(shape, "marks"))
		fw_buf_fmt(b, " -m mark --mark 0x%x/0x%x", 1 << (i % 16) | 0x10000,
			   1 << (i % 16) | 0x10000);
	else if (!strcmp(shape, "host"))
		fw_buf_fmt(b, " -s 10.0.0.0/8 -p udp --dport %u", 10000 + i % 50000);
	else
		fw_buf_fmt(b, " -s 172.%u.%u.%u", 16 + i / 65536, i / 256 % 256, i % 256);
	fw_buf_str(b, " -j DROP\n");
}

static void rules(struct fw_buf *b, const char *shape, unsigned int n)
{
	char chain[16] = "FORWARD";

	fw_buf_str(b, "*filter\n:FORWARD DROP [0:0]\n");
	if (!strcmp(shape, "first"))
		fw_buf_str(b, ESTABLISHED);
	for (unsigned int i = 0; i < n; i++) {
		if (!strcmp(shape, "chains") && i % 100 == 0) {
			snprintf(chain, sizeof(chain), "c%u", i / 100);
			fw_buf_fmt(b, ":%s - [0:0]\n-A FORWARD -j %s\n", chain, chain);
		}
		filler(b, shape, chain, i);
	}
	if (strcmp(shape, "first"))
		fw_buf_str(b, ESTABLISHED);
	fw_buf_str(b, NEW "COMMIT\n");
}

static void load(struct bench *b, const char *text)
{
	struct fw_tx_env env = {.world = &b->world, .now = 1};
	struct fw_ruleset *base = fw_ruleset_new();
	struct fw_tx *tx = fw_tx_new(base, &env);
	struct fw_err err = FW_ERR_INIT;
	struct fw_needs needs;

	if (fw_tx_apply(tx, FW_IP4, text, strlen(text), 0, NULL, NULL, NULL, &err) ||
	    fw_tx_prepare(tx, &err))
		fail(err.msg);
	b->rs = fw_tx_publish(tx);
	fw_tx_free(tx);
	fw_ruleset_unref(base, &env);
	fw_ruleset_needs(b->rs, &needs);
	fw_plan_make(&needs, &b->plan);
}

/* ---- packets ------------------------------------------------------------------------------- */

static void make(struct bench *b, unsigned int n, unsigned int reply)
{
	struct fw_pkt_meta meta = {.hook = FW_FORWARD};
	uint8_t *p = b->bytes[n][reply];
	const uint8_t client[4] = {10, 1, (uint8_t)(n >> 8), (uint8_t)n},
		      server[4] = {192, 0, 2, 1};
	const uint8_t high[2] = {(uint8_t)(4 + (n & 31)), (uint8_t)n}, low[2] = {0, 53};

	memset(p, 0, 64);
	p[0] = 0x45;
	p[3] = 60;
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, reply ? server : client, 4);
	memcpy(p + 16, reply ? client : server, 4);
	memcpy(p + 20, reply ? low : high, 2);
	memcpy(p + 22, reply ? high : low, 2);
	p[25] = 40;
	strcpy(meta.in_name, reply ? "eth1" : "eth0");
	strcpy(meta.out_name, reply ? "eth0" : "eth1");
	if (fw_packet_parse(&b->pkt[n][reply], FW_IP4, p, 60, 60, &meta))
		fail("not a packet");
}

static void run(struct bench *b, const struct fw_packet *pkt)
{
	struct fw_decision d;

	fw_engine_run(b->rs, &b->plan, &b->world, pkt, 1000 * FW_NSEC_PER_SEC, 0, b->stack, &d);
	b->accepted += d.verdict == FW_ACCEPT;
}

/* Nanoseconds a packet. */
static double round_of(struct bench *b, unsigned int flows, unsigned int packets)
{
	double t = now_ns();

	for (unsigned int i = 0; i < packets; i++)
		run(b, &b->pkt[i % flows][i / flows & 1]);
	return (now_ns() - t) / packets;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct bench *b, unsigned int flows, double median[2])
{
	double t[2][ROUNDS];
	unsigned int packets = 20000;

	for (unsigned int r = 0; r < ROUNDS; r++)
		for (unsigned int with = 0; with < 2; with++) {
			b->world.cache = with ? b->cache : NULL;
			round_of(b, flows, 4 * flows);
			t[with][r] = round_of(b, flows, packets);
		}
	for (unsigned int with = 0; with < 2; with++) {
		qsort(t[with], ROUNDS, sizeof(double), by_value);
		median[with] = t[with][ROUNDS / 2];
	}
}

static void one(const char *shape, unsigned int n, unsigned int flows, bool json)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct bench *b = calloc(1, sizeof(*b));
	struct fw_tx_env env = {.world = &b->world};
	struct fw_buf text = FW_BUF_INIT;
	double ns[2];

	b->world.ct = fw_ct_new(&config);
	b->cache = fw_flow_cache_new(16384, 1);
	if (!b->world.ct || !b->cache)
		fail("no memory");
	rules(&text, shape, n);
	load(b, fw_buf_cstr(&text));
	for (unsigned int f = 0; f < flows; f++)
		for (unsigned int reply = 0; reply < 2; reply++) {
			make(b, f, reply);
			run(b, &b->pkt[f][reply]);
		}
	if (b->accepted != 2 * flows)
		fail("the rules do not let the flows through");
	measure(b, flows, ns);
	printf(json ? "{\"shape\": \"%s\", \"rules\": %u, \"flows\": %u, \"walk_ns\": %.1f, "
		      "\"cache_ns\": %.1f}\n"
		    : "%-8s %7u rules %5u flows   walk %8.1f ns   cache %8.1f ns\n",
	       shape, n, flows, ns[0], ns[1]);
	fflush(stdout);
	b->world.cache = NULL;
	fw_ruleset_unref(b->rs, &env);
	fw_flow_cache_free(b->cache);
	fw_ct_free(b->world.ct);
	fw_buf_deinit(&text);
	free(b);
}

int main(int argc, char **argv)
{
	static const char *const shapes[] = {"first", "last", "host", "chains", "marks"};
	static const unsigned int sizes[] = {10, 1000, 10000, 100000};
	/* Beyond, a packet takes a good part of a millisecond, and so long a way is not kept. */
	static const unsigned int most[] = {100000, 100000, 100000, 10000, 1000};
	const bool json = argc > 1 && !strcmp(argv[1], "--json");

	for (size_t s = 0; s < FW_ARRAY_SIZE(shapes); s++)
		for (size_t i = 0; i < FW_ARRAY_SIZE(sizes); i++)
			for (unsigned int flows = 64; flows <= MAX_FLOWS; flows *= 64)
				if (sizes[i] <= most[s])
					one(shapes[s], sizes[i], flows, json);
	return 0;
}
