/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A base is built field by field: collect the rules' sets, sort them, sweep, merge what is small.
 *
 * For a long chain that takes as long as hundreds of edits may take together, so it is done in
 * slices, one with each edit.  The chain goes on changing meanwhile: the base is built of the
 * chunks that stood when it was begun, and a chunk that goes before it was read is left out.
 * Whoever builds tells where each chunk stands in the chain's present version.
 */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

enum phase { NAMES, COLLECT, SORT, SWEEP, SEARCH, MERGE, FINISH, DONE };

/* What steps cost, in rules read (some 200 ns): that many items for one. */
#define NAMES_PER_UNIT	8
#define SORT_PER_UNIT	32
#define POINTS_PER_UNIT 8
#define VECS_PER_UNIT	8
#define SWEEP_SLICE	1024
#define MERGE_SLICE	16384

struct builder {
	struct base *b;
	enum fw_family family;
	enum phase phase;
	uint32_t *where; /* chunk of the base to place in the chain, or NO_CHUNK */
	uint32_t chunk; /* NAMES, COLLECT: next to read */
	int field; /* SORT and later: the field at hand */
	unsigned int byte; /* SORT */
	struct sweep *sweep;
	struct merge *merge;
	struct axis axis; /* of the field at hand */
	struct group *small; /* what small fields are merged into */
	struct fw_fields *fields;
	struct vec *open[N_FIELDS]; /* per chunk */
	struct vec *all;
	struct events events[N_FIELDS];
};

static struct vec *new_vecs(uint32_t n)
{
	struct vec *v = aligned_alloc(sizeof(*v), n * sizeof(*v));

	if (v)
		memset(v, 0, n * sizeof(*v));
	return v;
}

static int allocate(struct builder *bl, uint32_t n)
{
	bl->where = malloc(n * sizeof(*bl->where));
	bl->fields = malloc(sizeof(*bl->fields));
	bl->all = new_vecs(n);
	bl->b->exact = new_vecs(n);
	for (int i = 0; i < N_FIELDS; i++) {
		bl->open[i] = new_vecs(n);
		if (!bl->open[i])
			return -1;
	}
	if (!bl->where || !bl->fields || !bl->all || !bl->b->exact)
		return -1;
	return fw_pool_init(&bl->b->pool);
}

/*
 * Ranges that overlap without order make a row for every ninth of them, as long as the chain: too
 * much for a million.  What real rulesets need is far less.
 */
size_t fw_builder_row_limit(const struct fw_chain *chain)
{
	return (1u << 20) + (size_t)512 * chain->n_rules;
}

struct builder *fw_builder_new(const struct fw_chain *chain, enum fw_family family,
			       size_t row_limit)
{
	struct builder *bl;

	if (chain->n_chunks > CHUNKS_MAX)
		return NULL;
	bl = calloc(1, sizeof(*bl));
	if (!bl)
		return NULL;
	bl->b = calloc(1, sizeof(*bl->b));
	if (!bl->b)
		return fw_builder_free(bl);
	bl->family = family;
	bl->b->refs = 1;
	bl->b->n_rules = chain->n_rules;
	bl->b->n_chunks = chain->n_chunks;
	bl->b->n_words = (chain->n_chunks + 63) / 64;
	bl->b->row_limit = row_limit;
#if defined(__x86_64__)
	/* a virtual machine may have one of them without the other */
	bl->b->avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
	if (allocate(bl, chain->n_chunks) < 0)
		return fw_builder_free(bl);
	for (uint32_t i = 0; i < chain->n_chunks; i++)
		bl->where[i] = i;
	return bl;
}

struct builder *fw_builder_free(struct builder *bl)
{
	if (!bl)
		return NULL;
	fw_sweep_free(bl->sweep);
	fw_merge_free(bl->merge);
	fw_axis_deinit(&bl->axis);
	for (int i = 0; i < N_FIELDS; i++) {
		free(bl->open[i]);
		free(bl->events[i].e);
	}
	free(bl->all);
	free(bl->fields);
	free(bl->where);
	fw_base_unref(bl->b);
	free(bl);
	return NULL;
}

uint32_t fw_builder_chunks(const struct builder *bl)
{
	return bl->b->n_chunks;
}

uint32_t *fw_builder_where(struct builder *bl)
{
	return bl->where;
}

struct base *fw_builder_take(struct builder *bl)
{
	struct base *b = bl->b;

	bl->b = NULL;
	return b;
}

/* ---- reading rules ---- */

static void bit_set(struct vec *v, uint32_t rule)
{
	v[rule >> 8].w[rule >> 6 & 3] |= (uint64_t)1 << (rule & 63);
}

static int add_set(struct events *ev, const struct set *s, fw_u128 max, uint32_t rule)
{
	for (uint16_t i = 0; i < s->n; i++) {
		if (fw_events_add(ev, s->r[i].lo, rule) < 0)
			return -1;
		/* No value is behind the last. */
		if (s->r[i].hi != max && fw_events_add(ev, s->r[i].hi + 1, rule) < 0)
			return -1;
	}
	return 0;
}

static int add_rule(struct builder *bl, uint32_t rule, const struct fw_rule *r)
{
	struct fw_fields *f = bl->fields;

	fw_rule_fields(r, bl->family, bl->b->names, f);
	bit_set(bl->all, rule);
	if (f->exact)
		bit_set(bl->b->exact, rule);
	bl->b->used |= f->used;
	for (int i = 0; i < N_FIELDS; i++) {
		if (!(f->used & FIELD_BIT(i)))
			bit_set(bl->open[i], rule);
		else if (add_set(&bl->events[i], &f->set[i],
				 fw_field_max((enum field)i, bl->family), rule) < 0)
			return -1;
	}
	return 0;
}

static int read_chunk(struct builder *bl, const struct fw_chunk *chunk)
{
	if (bl->phase == NAMES) {
		for (int i = 0; i < 2; i++)
			if (fw_names_collect(&bl->b->names[i], chunk, i) < 0)
				return -1;
		return 0;
	}
	for (uint32_t i = 0; i < chunk->n; i++)
		if (add_rule(bl, bl->chunk << 8 | i, chunk->rules[i]) < 0)
			return -1;
	return 0;
}

/* The next field that some rule asks for. */
static void next_field(struct builder *bl)
{
	do
		bl->field++;
	while (bl->field < N_FIELDS && !(bl->b->used & FIELD_BIT(bl->field)));
	bl->phase = bl->field < N_FIELDS ? SORT : FINISH;
	bl->byte = 0;
}

static int step_read(struct builder *bl, const struct fw_chain *chain, int64_t *work)
{
	uint32_t place = bl->where[bl->chunk];

	if (place != NO_CHUNK && read_chunk(bl, chain->chunks[place]) < 0)
		return -1;
	*work -= FW_CHUNK_RULES / (bl->phase == NAMES ? NAMES_PER_UNIT : 1);
	if (++bl->chunk < bl->b->n_chunks)
		return 0;
	bl->chunk = 0;
	if (bl->phase == COLLECT) {
		bl->field = -1;
		next_field(bl);
		return 0;
	}
	bl->phase = COLLECT;
	return fw_names_finish(&bl->b->names[0]) < 0 ? -1 : fw_names_finish(&bl->b->names[1]);
}

/* ---- one field ---- */

/* Small fields are looked up directly, unless a port has more classes than fit. */
static int make_lookup(struct builder *bl, const struct point *points, size_t n)
{
	const enum field field = (enum field)bl->field;
	struct base *b = bl->b;
	int r = 1;

	if (FIELD_BIT(field) & (FIELDS_BYTE | FIELDS_PORT))
		r = fw_direct_make(&b->direct[field], FIELD_BIT(field) & FIELDS_PORT, points, n);
	if (r > 0)
		r = fw_search_make(&b->search[field], points, n,
				   bl->family == FW_IP6 && (FIELD_BIT(field) & FIELDS_ADDR));
	return r;
}

static bool is_big(int field)
{
	return FIELD_BIT(field) & (FIELDS_ADDR | FIELD_BIT(F_MARK));
}

/* May every class of the field have its own row? */
static bool is_flat(const struct builder *bl)
{
	if (bl->b->n_chunks <= FLAT_CHUNKS)
		return true;
	return !is_big(bl->field) && bl->events[bl->field].n * bl->b->n_chunks <= 1u << 19;
}

static int step_sort(struct builder *bl, int64_t *work)
{
	struct events *ev = &bl->events[bl->field];

	if (fw_events_sort(ev, &bl->byte) < 0)
		return -1;
	*work -= (int64_t)ev->n / SORT_PER_UNIT + 1;
	if (bl->byte < 16)
		return 0;
	bl->sweep = fw_sweep_new(bl->b, ev, bl->open[bl->field], bl->all, is_flat(bl), &bl->axis);
	bl->phase = SWEEP;
	return bl->sweep ? 0 : -1;
}

/* Let go of what is only needed while the field is at hand. */
static void leave_field(struct builder *bl)
{
	bl->sweep = fw_sweep_free(bl->sweep);
	free(bl->events[bl->field].e);
	bl->events[bl->field] = (struct events){0};
}

/* Do without the field: packets do not ask it, so rules that do must be evaluated. */
static void give_up_field(struct builder *bl)
{
	for (uint32_t c = 0; c < bl->b->n_chunks; c++)
		for (int i = 0; i < 4; i++)
			bl->b->exact[c].w[i] &= bl->open[bl->field][c].w[i];
	bl->b->used &= ~FIELD_BIT(bl->field);
	fw_axis_deinit(&bl->axis);
	bl->axis = (struct axis){0};
	leave_field(bl);
	next_field(bl);
}

static int step_sweep(struct builder *bl, int64_t *work)
{
	int r = fw_sweep_step(bl->sweep, SWEEP_SLICE);

	*work -= SWEEP_SLICE;
	if (r == 1)
		bl->phase = SEARCH;
	else if (r == 2)
		give_up_field(bl);
	return r < 0 ? -1 : 0;
}

static void new_group(struct builder *bl)
{
	struct group *g = &bl->b->group[bl->b->n_groups++];

	g->n = 1;
	g->field[0] = (uint8_t)bl->field;
	g->axis = bl->axis;
	bl->axis = (struct axis){0};
	if (!is_big(bl->field))
		bl->small = g;
	next_field(bl);
}

static int step_search(struct builder *bl, int64_t *work)
{
	enum field field = (enum field)bl->field;
	size_t n;
	const struct point *points = fw_sweep_points(bl->sweep, &n);
	bool worth = false;
	int r = make_lookup(bl, points, n);

	*work -= (int64_t)n / POINTS_PER_UNIT + 1;
	leave_field(bl);
	if (r < 0)
		return -1;
	if (bl->small)
		bl->merge = fw_merge_new(bl->b, bl->small, field, &bl->axis, &worth);
	if (worth) {
		bl->phase = MERGE;
		return bl->merge ? 0 : -1;
	}
	new_group(bl);
	return 0;
}

static int step_merge(struct builder *bl, int64_t *work)
{
	int r = fw_merge_step(bl->merge, MERGE_SLICE);

	*work -= MERGE_SLICE / VECS_PER_UNIT;
	if (r != 1)
		return r;
	bl->merge = fw_merge_free(bl->merge);
	next_field(bl);
	return 0;
}

static int step(struct builder *bl, const struct fw_chain *chain, int64_t *work)
{
	switch (bl->phase) {
	case NAMES:
	case COLLECT: return step_read(bl, chain, work);
	case SORT: return step_sort(bl, work);
	case SWEEP: return step_sweep(bl, work);
	case SEARCH: return step_search(bl, work);
	case MERGE: return step_merge(bl, work);
	default:
		bl->phase = DONE;
		*work -= bl->b->pool.n / POINTS_PER_UNIT;
		return fw_base_finish(bl->b, bl->family);
	}
}

int fw_builder_step(struct builder *bl, const struct fw_chain *chain, int64_t work)
{
	while (bl->phase != DONE && work > 0)
		if (step(bl, chain, &work) < 0)
			return -1;
	return bl->phase == DONE;
}
