/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiled form of a chain: aggregated bit vectors, intersected lazily in rule order.
 *
 * What it must do.  Rules have effects in order, and not only one of them matches.  So a packet
 * does not ask "which rule matches best?" but, again and again, "which is the next rule that can
 * match?".  A rule that is never named cannot match; a rule that is named is evaluated in full
 * (or, where the index says all there is to say, not at all).
 *
 * How.  Rules are bits; 256 neighbours are a vector, the same 256 that stand in one chunk of the
 * chain.  Each field (source, port, …) cuts its values into intervals; all values of an interval
 * lead to the same rules, so they have a class, and a class has a row: one vector for each chunk.
 * Small fields are merged into one beforehand (as "recursive flow classification" does): what
 * remains are two or three axes.  A packet looks up its class on each axis, intersects the rows'
 * summaries (one bit for each chunk that is not empty) and then the vectors of the chunks that
 * remain, one chunk at a time.
 *
 * Sharing.  Vectors are stored once each.  Rows of long chains are mostly equal to another row:
 * a class there is a row and up to eight vectors that differ from it.
 *
 * Edits.  A base (all of the above) belongs to one version of a chain.  A chunk that an edit
 * touched is no longer the base's and is answered by a small filter of its own (filter.c).  Chunks
 * move freely as long as their order stays.  When too many have been touched a new base is made.
 *
 * Threads: building is pure; looking up writes the base's cache and so needs the engine lock, as
 * everything does that counts rules.
 */
#ifndef FW_CLASSIFY_CLASSIFY_H
#define FW_CLASSIFY_CLASSIFY_H

#include "fw/classify.h"

/* Fields as the index knows them.  LATE: what a rule asks of an address behind a match that drops
 * packets whose upper-layer header is incomplete; not used for such packets. */
enum field {
	F_SRC,
	F_DST,
	F_SRC_LATE,
	F_DST_LATE,
	F_MARK,
	F_CTSTATE,
	F_IN,
	F_OUT,
	F_PROTO,
	F_TCP_FLAGS,
	F_ICMP,
	F_SPORT,
	F_DPORT,
	N_FIELDS
};

#define FIELD_BIT(f) (1u << (f))
#define FIELDS_ADDR \
	(FIELD_BIT(F_SRC) | FIELD_BIT(F_DST) | FIELD_BIT(F_SRC_LATE) | FIELD_BIT(F_DST_LATE))
#define FIELDS_BYTE (FIELD_BIT(F_PROTO) | FIELD_BIT(F_TCP_FLAGS) | FIELD_BIT(F_CTSTATE))
#define FIELDS_PORT (FIELD_BIT(F_SPORT) | FIELD_BIT(F_DPORT))
/* What a rule asks of these comes before anything that could drop a malformed packet. */
#define FIELDS_ODD (FIELD_BIT(F_SRC) | FIELD_BIT(F_DST) | FIELD_BIT(F_IN) | FIELD_BIT(F_OUT))
/* What all packets of a source have in common that come in by one interface (fw/source.h). */
#define FIELDS_SOURCE (FIELD_BIT(F_SRC) | FIELD_BIT(F_IN) | FIELD_BIT(F_PROTO))
#define FIELDS_ALL    UINT32_MAX

#define MIN_RULES   16 /* shorter chains are walked */
#define N_OVERRIDES 8
#define FLAT_CHUNKS 64 /* up to so many chunks every class has its own row */
#define NO_CHUNK    UINT32_MAX

typedef unsigned __int128 fw_u128;

struct range {
	fw_u128 lo, hi; /* closed */
};

/* The values of one field that a rule can match. */
#define SET_MAX 128 /* every set of TCP flags under a mask */
struct set {
	bool open; /* any, or the field is absent */
	uint16_t n;
	struct range r[SET_MAX]; /* sorted, disjoint, not adjacent */
};

struct fw_fields {
	enum fw_family family;
	uint32_t used; /* FIELD_BIT of fields that are not open */
	bool exact; /* the sets say all that the rule says */
	bool late; /* behind something that drops a malformed packet */
	bool barrier; /* nothing further may be used */
	/* the set being collected */
	int now; /* enum field, or -1 */
	bool overflow;
	struct set tmp;
	struct set set[N_FIELDS];
};

/* Interface names that rules name, in an order in which those with a common beginning are
 * neighbours. */
struct name {
	uint64_t w[2];
	uint8_t len; /* bytes that must be equal */
};

struct names {
	uint32_t n, cap;
	struct name *name; /* sorted; names[i] has value i + 1, value 0: none of them */
	uint32_t mask;
	uint32_t *hash; /* index + 1 */
	uint32_t lens; /* bit for each length there is */
};

struct vec {
	uint64_t w[4];
} __attribute__((aligned(32)));

struct pool {
	struct vec *v; /* v[0] is empty */
	uint32_t n, cap;
	uint32_t *hash, mask;
};

/* Where classes change: value to class. */
struct point {
	fw_u128 key;
	uint32_t cls;
};

struct search {
	uint32_t n;
	bool wide; /* 128 bits */
	uint8_t shift;
	uint8_t steps; /* halvings until any bucket is down to SEARCH_STEP blocks (wide: points) */
	uint32_t n_root;
	uint32_t *root; /* n_root + 1: block, or point, at or before the start of each bucket */
	fw_u128 min;
	int32_t *key; /* in blocks of SEARCH_STEP; sign turned, for SSE compares signed only */
	int32_t *head; /* the first key of each block */
	fw_u128 *key_wide; /* the same where wide, without heads */
	uint32_t *cls;
};

#define SEARCH_SIGN 0x80000000u
#define SEARCH_STEP 8 /* values that are compared at once */

/* A class of a long chain: its row but for some chunks. */
struct cls {
	uint32_t row, n;
	uint16_t chunk[N_OVERRIDES]; /* unused: UINT16_MAX */
	uint32_t vec[N_OVERRIDES];
};

#define CLS_ABSENT 0 /* the packet has no such field: rules open in it */
#define CLS_ALL	   1 /* not to be asked: all rules */

/* Classes of a field or of a merge, with their rows. */
struct axis {
	uint32_t n_classes, cap_classes;
	uint32_t n_rows, cap_rows;
	uint32_t stride; /* bytes of a row: summary words, then a vector's number per chunk */
	uint8_t *rows;
	struct cls *cls; /* NULL: class i has row i */
};

/* Fields merged step by step: class = table[class * n + class of the next field]. */
struct group {
	uint8_t n;
	uint8_t field[N_FIELDS];
	uint32_t width[N_FIELDS];
	uint16_t *table[N_FIELDS];
	size_t n_table[N_FIELDS];
	struct axis axis;
};

/*
 * The first candidate of a combination of classes, in eight bytes: a packet between two system
 * calls finds little of its memory in the nearer caches.  The classes stand side by side in a key
 * of `key_bits` bits; an odd factor maps keys to keys one to one; its upper bits choose a set, the
 * rest is the tag, so that nothing is lost.
 */
#define CACHE_WAYS	2
#define CACHE_TAG_SHIFT 24
#define CACHE_KEY_BITS	55 /* at most, so that no tag is all ones */
#define CACHED_BITS	0xffffffu
#define CACHED_NONE	0x7fffffu /* no candidate */
#define CACHED_EXACT	0x800000u /* a candidate (chunk << 8 | bit) that needs no evaluation */
#define CHUNKS_MAX	0x7ffeu

/* How a packet gets its classes: the fields in the order in which they are merged. */
struct step {
	uint8_t field;
	uint8_t kind; /* enum step_kind (lookup.c) */
	uint8_t last; /* 1: of its group, else 0 */
	uint8_t shift; /* of the group's class in a cache key */
	uint32_t width;
	const uint16_t *table; /* NULL: first of its group */
	const struct search *search;
	const uint16_t *direct;
};

struct base {
	uint32_t refs;
	uint32_t n_rules, n_chunks, n_words;
	size_t row_limit; /* bytes of rows that a field may take, or it is not indexed */
	uint32_t used; /* FIELD_BIT */
	bool avx2;
	struct pool pool;
	struct names names[2]; /* in, out */
	struct search search[N_FIELDS];
	uint16_t *direct[N_FIELDS]; /* classes of small fields (direct.c), or NULL */
	uint32_t n_groups;
	struct group group[N_FIELDS];
	struct vec *exact; /* per chunk: rules that need no evaluation */
	uint32_t n_steps;
	struct step step[N_FIELDS];
	uint8_t key_bits, tag_bits; /* of a cache key */
	uint64_t *cache; /* NULL: none.  CACHE_WAYS neighbours are a set */
	struct tuples *tuples; /* NULL: none (tuple.h) */
};

/* A touched chunk's own index: columns of (value, mask), one pair for each rule. */
#define FILTER_COLS 10
struct filter {
	uint32_t refs;
	uint32_t n, n_cols;
	uint8_t col[FILTER_COLS]; /* enum column */
	uint32_t (*value)[FW_CHUNK_RULES], (*mask)[FW_CHUNK_RULES];
};

struct place {
	uint32_t base; /* chunk of the base, or NO_CHUNK */
	uint32_t first; /* rules before this chunk */
	struct filter *filter; /* where base is NO_CHUNK */
};

struct fw_program {
	uint32_t refs;
	enum fw_family family;
	struct base *base;
	uint32_t n_places;
	struct place *place; /* one for each chunk of the chain */
	uint32_t *where; /* chunk of the base to place, or NO_CHUNK */
	struct builder *next; /* a base in the making; control thread only */
	bool whole; /* place i is chunk i of the base, for all */
	uint32_t n_touched;
	uint32_t *touched; /* places without a base chunk, in order */
};

#define MAX_AXES N_FIELDS

/* A packet's way through a chain. */
struct fw_cursor {
	const struct fw_program *p;
	const struct fw_chain *chain;
	const struct fw_eval *e;
	uint32_t mark; /* what was looked up: */
	enum fw_ctinfo ctinfo;
	uint8_t tcp_flags;
	uint32_t asked; /* FIELD_BIT: what may be asked of the packet */
	bool trust; /* exact bits may be trusted: the packet is what it should be */
	bool has_classes; /* n_axes and cls are set */
	uint32_t n_axes;
	uint32_t cls[MAX_AXES];
	const uint8_t *row[MAX_AXES];
	const struct cls *over[MAX_AXES];
	/* the base's next chunk with candidates */
	uint32_t b; /* NO_CHUNK: no more */
	uint32_t b_above; /* only bits from here on */
	bool has_rows; /* row and over are set */
	uint32_t first; /* remembered, to be taken first; or CACHED_NONE */
	bool b_ready; /* bv holds chunk b's candidates */
	bool b_partial; /* ... of which only the first is known */
	struct vec bv;
	uint32_t t; /* next touched place */
	uint32_t t_above;
	/* the chunk we are in */
	struct vec v;
	uint32_t place;
	uint32_t chunk; /* of the base, or NO_CHUNK */
	/* what fw_cursor_next() found */
	struct fw_rule *rule;
	uint32_t number; /* 1-based */
	bool exact; /* its matches hold */
};

/* Start at the 0-based place `from` of the chain whose program p is. */
void fw_cursor_begin(struct fw_cursor *c, const struct fw_program *p, const struct fw_chain *chain,
		     const struct fw_eval *e, uint32_t from);
/* The same for all packets that have source, in-interface and protocol of this one. */
void fw_cursor_begin_source(struct fw_cursor *c, const struct fw_program *p,
			    const struct fw_chain *chain, const struct fw_eval *e, uint32_t from);
/* The next rule that can match; false: none. */
bool fw_cursor_next(struct fw_cursor *c);

/* What fw_program_build() does where there is no old chain, with a limit of one's own to the bytes
 * of a field's rows. */
struct fw_program *fw_program_build_limited(const struct fw_chain *chain, enum fw_family family,
					    size_t row_limit);

/* Tests run the portable path where the machine would choose another. */
void fw_program_portable(struct fw_program *p);
/* Bytes held, for tests and bench. */
size_t fw_program_size(const struct fw_program *p);
/* Touched chunks, for tests. */
uint32_t fw_program_touched(const struct fw_program *p);

/* ---- shared among the files of the classifier ---- */

fw_u128 fw_field_max(enum field field, enum fw_family family);
void fw_rule_fields(const struct fw_rule *rule, enum fw_family family, const struct names names[2],
		    struct fw_fields *f);

int fw_names_collect(struct names *n, const struct fw_chunk *chunk, bool out);
int fw_names_finish(struct names *n);
void fw_names_deinit(struct names *n);
/* Interval of values that pattern `name` of `len` bytes covers. */
void fw_names_range(const struct names *n, const char *name, uint8_t len, struct range *ret);
uint32_t fw_names_value(const struct names *n, const char *name);

int fw_pool_init(struct pool *p);
void fw_pool_deinit(struct pool *p);
/* The number of an equal vector; UINT32_MAX: no memory. */
uint32_t fw_pool_intern(struct pool *p, const struct vec *v);
void fw_pool_seal(struct pool *p);

static inline uint32_t *fw_row_ids(const struct base *b, const struct axis *a, uint32_t row)
{
	return (uint32_t *)(void *)(a->rows + (size_t)row * a->stride + (size_t)b->n_words * 8);
}

static inline uint64_t *fw_row_summary(const struct axis *a, uint32_t row)
{
	return (uint64_t *)(void *)(a->rows + (size_t)row * a->stride);
}

/* Flip events of one field, sorted by key. */
struct event {
	uint64_t hi, lo;
	uint32_t rule; /* chunk << 8 | bit */
};
struct events {
	struct event *e;
	size_t n, cap;
};
int fw_events_add(struct events *ev, fw_u128 key, uint32_t rule);
/* Sort by one more byte of the key; *byte begins at 0 and is 16 at the end. */
int fw_events_sort(struct events *ev, unsigned int *byte);

/*
 * A sweep over a field's values: classes and rows to `axis`, where classes change to the points.
 * open: per chunk, rules open in the field; all: all rules.  Both and the events stay the
 * caller's, and stay.
 */
struct sweep *fw_sweep_new(struct base *b, const struct events *ev, const struct vec *open,
			   const struct vec *all, bool flat, struct axis *axis);
/* Go on over about `n` events; 1: done, 0: not yet, 2: the rows take too much, -1: no memory. */
int fw_sweep_step(struct sweep *s, size_t n);
const struct point *fw_sweep_points(const struct sweep *s, size_t *n);
struct sweep *fw_sweep_free(struct sweep *s); /* NULL */
void fw_axis_deinit(struct axis *a);
/* A row with these vectors, new or an equal one; UINT32_MAX: no memory. */
struct rowset;
struct rowset *fw_rowset_new(struct base *b, struct axis *a);
struct rowset *fw_rowset_free(struct rowset *s);
uint32_t fw_rowset_intern(struct rowset *s, const uint32_t *ids);

int fw_search_make(struct search *s, const struct point *points, size_t n, bool wide);
void fw_search_deinit(struct search *s);
size_t fw_search_size(const struct search *s);

/* Classes by value, of a byte or (pages) of a port; 1: more classes than fit, -1: no memory. */
#define DIRECT_PAGE 256
int fw_direct_make(uint16_t **ret, bool pages, const struct point *points, size_t n);
size_t fw_direct_size(const uint16_t *direct, bool pages);

static inline uint32_t fw_direct_port(const uint16_t *direct, uint16_t port)
{
	return direct[DIRECT_PAGE * (1 + direct[port >> 8]) + (port & 255)];
}

/* A merge of a field's axis into a group; NULL with *worth false: better not. */
struct merge *fw_merge_new(struct base *b, struct group *g, enum field field, struct axis *axis,
			   bool *worth);
/* Go on over about `n` vectors; 1: done (the group has taken the axis), 0: not yet, -1: no memory.
 */
int fw_merge_step(struct merge *m, size_t n);
struct merge *fw_merge_free(struct merge *m); /* NULL */

/*
 * Building a base, bit by bit, while the chain goes on changing.  `where` tells which place of the
 * chain's present version holds each chunk that the base is built of (NO_CHUNK: gone).
 */
struct builder;
struct builder *fw_builder_new(const struct fw_chain *chain, enum fw_family family,
			       size_t row_limit);
size_t fw_builder_row_limit(const struct fw_chain *chain); /* the usual one */
struct builder *fw_builder_free(struct builder *bl); /* NULL */
uint32_t fw_builder_chunks(const struct builder *bl);
uint32_t *fw_builder_where(struct builder *bl);
/* Do about `work` rules' worth; 1: done, 0: not yet, -1: no memory, or nothing worth indexing. */
int fw_builder_step(struct builder *bl, const struct fw_chain *chain, int64_t work);
struct base *fw_builder_take(struct builder *bl);

/* Last steps of building. */
int fw_base_finish(struct base *b, enum fw_family family);
struct base *fw_base_unref(struct base *b);
size_t fw_base_size(const struct base *b);

struct filter *fw_filter_build(const struct fw_chunk *chunk, enum fw_family family,
			       struct fw_fields *scratch);
struct filter *fw_filter_unref(struct filter *f);
/* The packet's class on each axis of the base; side by side as a cache key, where there is one. */
uint64_t fw_cursor_classes(struct fw_cursor *c, const struct base *b);
/* How a packet's value of the field is found. */
uint8_t fw_step_kind(enum field field, bool wide);

void fw_filter_run(const struct filter *f, const struct fw_packet *pkt, uint32_t asked, bool avx2,
		   struct vec *ret);

/* A packet that a match may drop outright because its upper-layer header is not what it should
 * be: only what rules ask before may be used. */
static inline bool fw_packet_odd(const struct fw_packet *pkt)
{
	if (!pkt->has_proto)
		return true;
	return pkt->fragment ? pkt->frag_off == 8 : !pkt->l4_ok;
}

static inline fw_u128 fw_addr_value(const union fw_addr *a, enum fw_family family)
{
	if (family == FW_IP4)
		return __builtin_bswap32(a->u32[0]);
	return (fw_u128)__builtin_bswap64(a->u64[0]) << 64 | __builtin_bswap64(a->u64[1]);
}

#endif
