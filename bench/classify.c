/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast is the first rule found?  The compiled chain beside its peers, on ClassBench sets.
 *
 *	classify [--rounds N] [--headers N] [--flows N] [--json FILE] [--acl-max N] [--best]
 *	         [--only METHOD] SET...
 *
 * Columns, in million lookups a second, one thread, medians of interleaved rounds:
 *
 *	linear       the rules one after another, as xtables walks them
 *	acl-1        librte_acl, one packet a call (its best method on this machine)
 *	acl-32       the same, 32 packets a call
 *	acl-32-avx2  the same with AVX2, where the best method is another
 *	fwd          the compiled chain, one packet at a time, up to the first rule that matches
 *	fwd-nocache  the same without the memory of first candidates
 *	fwd-walk     the same as a packet's whole walk through the table, counters included
 *
 * Each timing follows an untimed run of the same method over the same headers.  So `fwd` has met
 * nearly all of them before, and shows what it remembers; `fwd-nocache` is what a stranger costs.
 *
 * --best shows the fastest round instead, for a machine that has other things to do.
 *
 * Each set is one chain whose rules all end the walk.  Ports are matched by a match of our own,
 * because ClassBench has port ranges without a protocol, which iptables cannot say.  Answers are
 * compared with a linear scan before anything is timed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "classbench.h"
#include "classify-acl.h"
#include "classify/classify.h"
#include "engine/engine.h"

enum { LINEAR, ACL_1, ACL_32, ACL_32_AVX2, FWD, FWD_NOCACHE, FWD_WALK, N_METHODS };
static const char *const method_names[] = {"linear", "acl-1",	    "acl-32",  "acl-32-avx2",
					   "fwd",    "fwd-nocache", "fwd-walk"};

enum { UNIFORM, ZIPF, N_TRACES };
static const char *const trace_names[] = {"uniform", "zipf"};

#define MAX_ROUNDS 101

struct options {
	unsigned int rounds;
	size_t headers, flows, acl_max;
	FILE *json;
	bool first, best;
	const char *only;
};

struct subject {
	struct cb_set set;
	struct fw_chain *chain;
	struct fw_table table;
	struct fw_chain *chains[1];
	struct fw_counters policy;
	struct acl *acl;
	double fwd_build_s, acl_build_s;
	struct cb_header *trace[N_TRACES];
	double mps[N_METHODS][N_TRACES][MAX_ROUNDS];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* what others get of the CPU is not in it */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

/* ---- a set as a chain ---- */

struct ports {
	uint16_t lo[2], hi[2];
};

static bool ports_match(const struct fw_use *use, struct fw_eval *e)
{
	const struct ports *p = use->data;
	const struct fw_packet *pkt = e->pkt;

	return pkt->sport >= p->lo[0] && pkt->sport <= p->hi[0] && pkt->dport >= p->lo[1] &&
		pkt->dport <= p->hi[1];
}

static bool ports_fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct ports *p = use->data;

	(void)family;
	for (int i = 0; i < 2; i++) {
		fw_fields_begin(f, i ? FW_FIELD_DPORT : FW_FIELD_SPORT);
		fw_fields_add(f, p->lo[i], p->hi[i]);
		fw_fields_end(f);
	}
	return true;
}

static const struct fw_ext ports_ext = {
	.name = "ports", .match = ports_match, .fields = ports_fields};

static void prefix(union fw_addr *addr, union fw_addr *mask, uint32_t value, uint8_t len)
{
	addr->u32[0] = __builtin_bswap32(value);
	mask->u32[0] = len ? __builtin_bswap32(UINT32_MAX << (32 - len)) : 0;
}

static struct fw_rule *make_rule(const struct cb_filter *f)
{
	bool any_port = !f->lo[CB_SPORT] && f->hi[CB_SPORT] == UINT16_MAX && !f->lo[CB_DPORT] &&
		f->hi[CB_DPORT] == UINT16_MAX;
	struct fw_rule *r =
		must(calloc(1, sizeof(*r) + sizeof(r->matches[0]) + sizeof(struct ports)));
	struct ports *p = (struct ports *)(r->matches + 1);

	r->verdict = FW_ACCEPT;
	prefix(&r->gen.src, &r->gen.src_mask, f->lo[CB_SRC], f->len[0]);
	prefix(&r->gen.dst, &r->gen.dst_mask, f->lo[CB_DST], f->len[1]);
	if (f->lo[CB_PROTO] == f->hi[CB_PROTO])
		r->gen.proto = (uint8_t)f->lo[CB_PROTO];
	for (int i = 0; i < 2; i++) {
		p->lo[i] = (uint16_t)f->lo[CB_SPORT + i];
		p->hi[i] = (uint16_t)f->hi[CB_SPORT + i];
	}
	r->matches[0] = (struct fw_use){.ext = &ports_ext, .data = p, .size = sizeof(*p)};
	r->n_matches = !any_port;
	return r;
}

static struct fw_chain *make_chain(const struct cb_set *set, struct fw_counters *policy)
{
	struct fw_chain *c = must(calloc(1, sizeof(*c)));

	c->builtin = true;
	c->hook = FW_FORWARD;
	c->policy = FW_ACCEPT;
	c->policy_counters = policy;
	c->n_rules = (uint32_t)set->n;
	c->n_chunks = (uint32_t)((set->n + FW_CHUNK_RULES - 1) / FW_CHUNK_RULES);
	c->chunks = must(calloc(c->n_chunks, sizeof(*c->chunks)));
	for (size_t i = 0; i < set->n; i++) {
		struct fw_chunk **chunk = &c->chunks[i / FW_CHUNK_RULES];

		if (!*chunk)
			*chunk = must(calloc(
				1, sizeof(**chunk) + FW_CHUNK_RULES * sizeof(struct fw_rule *)));
		(*chunk)->rules[(*chunk)->n++] = make_rule(&set->f[i]);
	}
	return c;
}

static void free_subject(struct subject *s)
{
	fw_program_unref(s->chain->program);
	for (uint32_t c = 0; c < s->chain->n_chunks; c++) {
		for (uint32_t i = 0; i < s->chain->chunks[c]->n; i++)
			free(s->chain->chunks[c]->rules[i]);
		free(s->chain->chunks[c]);
	}
	free(s->chain->chunks);
	free(s->chain);
	free(s->set.f);
	for (int t = 0; t < N_TRACES; t++)
		free(s->trace[t]);
	acl_free(s->acl);
	free(s);
}

/* ---- methods ---- */

static void make_packet(struct fw_packet *pkt, const struct cb_header *h)
{
	pkt->src.u32[0] = __builtin_bswap32(h->v[CB_SRC]);
	pkt->dst.u32[0] = __builtin_bswap32(h->v[CB_DST]);
	pkt->sport = (uint16_t)h->v[CB_SPORT];
	pkt->dport = (uint16_t)h->v[CB_DPORT];
	pkt->proto = (uint8_t)h->v[CB_PROTO];
}

static const struct fw_packet blank = {
	.family = FW_IP4,
	.len = 64,
	.has_proto = true,
	.l4_ok = true,
	.has_ports = true,
	.meta = {.hook = FW_FORWARD, .in_name = "eth0", .out_name = "eth1"},
};

static uint32_t first_compiled(const struct subject *s, struct fw_eval *e)
{
	struct fw_cursor c;

	fw_cursor_begin(&c, s->chain->program, s->chain, e, 0);
	while (fw_cursor_next(&c))
		if (c.exact || fw_rule_matches(c.rule, e))
			return c.number;
	return s->chain->n_rules + 1;
}

static uint64_t run_compiled(struct subject *s, const struct cb_header *h, size_t n)
{
	struct fw_packet pkt = blank;
	struct fw_eval e = {.pkt = &pkt};
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		make_packet(&pkt, &h[i]);
		sum += first_compiled(s, &e);
	}
	return sum;
}

static uint64_t run_walk(struct subject *s, const struct cb_header *h, size_t n, bool plain)
{
	static struct fw_frame stack[FW_MAX_DEPTH];
	struct fw_packet pkt = blank;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		struct fw_walk w = {.e = {.pkt = &pkt}, .stack = stack, .plain = plain};

		make_packet(&pkt, &h[i]);
		fw_walk_table(&w, &s->table);
		sum += w.e.number ? w.e.number : s->chain->n_rules + 1;
	}
	return sum;
}

static uint64_t run_nocache(struct subject *s, const struct cb_header *h, size_t n)
{
	struct base *base = s->chain->program->base;
	struct tuples *tuples = base->tuples;
	uint64_t *cache = base->cache;
	uint64_t sum;

	base->tuples = NULL;
	base->cache = NULL;
	sum = run_compiled(s, h, n);
	base->tuples = tuples;
	base->cache = cache;
	return sum;
}

static uint64_t run_method(struct subject *s, int method, const struct cb_header *h, size_t n)
{
	switch (method) {
	case LINEAR: return run_walk(s, h, n, true);
	case ACL_1: return acl_run(s->acl, h, n, 1, false);
	case ACL_32: return acl_run(s->acl, h, n, 32, false);
	case ACL_32_AVX2: return acl_run(s->acl, h, n, 32, true);
	case FWD: return run_compiled(s, h, n);
	case FWD_NOCACHE: return run_nocache(s, h, n);
	default: return run_walk(s, h, n, false);
	}
}

static bool has_method(const struct subject *s, int method)
{
	return s->acl || method < ACL_1 || method > ACL_32_AVX2;
}

/* Enough headers for some tens of milliseconds. */
static size_t amount(const struct subject *s, const struct options *o, int method)
{
	size_t n = method == LINEAR ? 200000000 / s->set.n / 20 : o->headers;

	return n < o->headers ? n : o->headers;
}

static void verify(struct subject *s, const struct options *o)
{
	size_t n = 50000000 / s->set.n;

	if (n > o->headers)
		n = o->headers;
	for (int t = 0; t < N_TRACES; t++)
		for (size_t i = 0; i < n; i++) {
			uint64_t want = cb_first(&s->set, &s->trace[t][i]) + 1;

			for (int m = 0; m < N_METHODS; m++)
				if (has_method(s, m) &&
				    run_method(s, m, &s->trace[t][i], 1) != want) {
					fprintf(stderr, "%s: header %zu: not rule %llu\n",
						method_names[m], i, (unsigned long long)want);
					exit(1);
				}
		}
}

static void measure(struct subject *s, const struct options *o)
{
	for (unsigned int round = 0; round < o->rounds; round++)
		for (int t = 0; t < N_TRACES; t++)
			for (int m = 0; m < N_METHODS; m++) {
				size_t n = amount(s, o, m);
				double begin;

				if (!has_method(s, m) ||
				    (o->only && strcmp(o->only, method_names[m])))
					continue;
				/* The method before has left its own tables in the caches. */
				run_method(s, m, s->trace[t], m == LINEAR ? n / 4 : n);
				begin = now_s();
				run_method(s, m, s->trace[t], n);
				s->mps[m][t][round] = (double)n / (now_s() - begin) * 1e-6;
			}
}

/* ---- output ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(struct subject *s, struct options *o, const char *name)
{
	double mib = (double)fw_program_size(s->chain->program) / (1 << 20);

	printf("%s: %zu rules; fwd built in %.3f s, %.1f MiB", name, s->set.n, s->fwd_build_s, mib);
	if (s->acl)
		printf("; librte_acl in %.3f s, %.1f MiB", s->acl_build_s,
		       (double)acl_size(s->acl) / (1 << 20));
	printf("\n%-9s", "M/s");
	for (int m = 0; m < N_METHODS; m++)
		printf(" %12s", method_names[m]);
	if (o->json)
		fprintf(o->json,
			"%s\n {\"set\": \"%s\", \"rules\": %zu, \"build_s\": %.6f, \"bytes\": %zu, "
			"\"mps\": {",
			o->first ? "" : ",", name, s->set.n, s->fwd_build_s,
			fw_program_size(s->chain->program));
	o->first = false;
	for (int t = 0; t < N_TRACES; t++) {
		printf("\n%-9s", trace_names[t]);
		if (o->json)
			fprintf(o->json, "%s\"%s\": {", t ? ", " : "", trace_names[t]);
		for (int m = 0, any = 0; m < N_METHODS; m++) {
			if (!has_method(s, m)) {
				printf(" %12s", "-");
				continue;
			}
			qsort(s->mps[m][t], o->rounds, sizeof(double), compare);
			s->mps[m][t][0] = s->mps[m][t][o->best ? o->rounds - 1 : o->rounds / 2];
			printf(" %12.3f", s->mps[m][t][0]);
			if (o->json)
				fprintf(o->json, "%s\"%s\": %.4f", any++ ? ", " : "",
					method_names[m], s->mps[m][t][0]);
		}
		if (o->json)
			fputc('}', o->json);
	}
	puts("\n");
	fflush(stdout);
	if (o->json)
		fputs("}}", o->json);
}

static int one_set(const char *path, struct options *o)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct subject *s = must(calloc(1, sizeof(*s)));
	double begin;

	if (cb_load(&s->set, path) < 0)
		return -1;
	s->chain = make_chain(&s->set, &s->policy);
	s->chains[0] = s->chain;
	s->table = (struct fw_table){.id = FW_FILTER, .n_slots = 1, .chains = s->chains};
	begin = now_s();
	s->chain->program = must(fw_program_build(s->chain, NULL, FW_IP4));
	s->fwd_build_s = now_s() - begin;
	if (s->set.n <= o->acl_max) {
		begin = now_s();
		s->acl = acl_build(&s->set);
		s->acl_build_s = now_s() - begin;
	}
	s->trace[UNIFORM] = cb_trace(&s->set, o->headers, 0, 1);
	s->trace[ZIPF] = cb_trace(&s->set, o->headers, o->flows, 2);
	verify(s, o);
	measure(s, o);
	print(s, o, name);
	free_subject(s);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"headers", required_argument, NULL, 'n'},
		{"flows", required_argument, NULL, 'f'},
		{"json", required_argument, NULL, 'j'},
		{"acl-max", required_argument, NULL, 'a'},
		{"best", no_argument, NULL, 'b'},
		{"only", required_argument, NULL, 'o'},
		{NULL},
	};
	struct options o = {
		.rounds = 7, .headers = 100000, .flows = 20000, .acl_max = 20000, .first = true};
	int c, r = 0;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'r': o.rounds = (unsigned int)atoi(optarg); break;
		case 'n': o.headers = strtoul(optarg, NULL, 0); break;
		case 'f': o.flows = strtoul(optarg, NULL, 0); break;
		case 'a': o.acl_max = strtoul(optarg, NULL, 0); break;
		case 'j': o.json = fopen(optarg, "w"); break;
		case 'o': o.only = optarg; break;
		case 'b': o.best = true; break;
		default: return 2;
		}
	if (optind == argc || !o.rounds || o.rounds > MAX_ROUNDS || !o.headers || !o.flows) {
		fprintf(stderr,
			"usage: classify [--rounds N] [--headers N] [--flows N] [--json FILE] "
			"[--acl-max RULES] [--best] [--only METHOD] SET...\n");
		return 2;
	}
	if (o.json)
		fputs("[", o.json);
	for (int i = optind; !r && i < argc; i++)
		r = one_set(argv[i], &o);
	if (o.json) {
		fputs("\n]\n", o.json);
		fclose(o.json);
	}
	return r ? 1 : 0;
}
