/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A base is built field by field: collect the rules' sets, sweep, merge what is small. */
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

struct builder {
	struct base *b;
	const struct fw_chain *chain;
	enum fw_family family;
	struct fw_fields *fields;
	struct vec *open[N_FIELDS]; /* per chunk */
	struct vec *all;
	struct events events[N_FIELDS];
};

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
		else if (add_set(&bl->events[i], &f->set[i], fw_field_max((enum field)i, bl->family), rule) < 0)
			return -1;
	}
	return 0;
}

static int collect(struct builder *bl)
{
	const struct fw_chain *chain = bl->chain;

	for (int i = 0; i < 2; i++)
		if (fw_names_collect(&bl->b->names[i], chain, i) < 0)
			return -1;
	for (uint32_t c = 0; c < chain->n_chunks; c++)
		for (uint32_t i = 0; i < chain->chunks[c]->n; i++)
			if (add_rule(bl, c << 8 | i, chain->chunks[c]->rules[i]) < 0)
				return -1;
	return 0;
}

/* Fields of a byte are looked up directly. */
static int make_direct(struct base *b, enum field field, const struct point *points, size_t n)
{
	uint16_t *direct = calloc(256, sizeof(*direct));

	if (!direct)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (fw_u128 k = points[i].key; k < (i + 1 < n ? points[i + 1].key : 256) && k < 256; k++)
			direct[(size_t)k] = (uint16_t)points[i].cls;
	b->direct[field] = direct;
	return 0;
}

static bool is_byte(enum field field)
{
	return field == F_PROTO || field == F_TCP_FLAGS || field == F_CTSTATE;
}

static struct group *new_group(struct base *b, enum field field, struct axis *axis)
{
	struct group *g = &b->group[b->n_groups++];

	g->n = 1;
	g->field[0] = (uint8_t)field;
	g->axis = *axis;
	return g;
}

/* May every class of the field have its own row? */
static bool is_flat(const struct base *b, enum field field, size_t n_events)
{
	if (b->n_chunks <= FLAT_CHUNKS)
		return true;
	if (FIELD_BIT(field) & (FIELDS_ADDR | FIELD_BIT(F_MARK)))
		return false;
	return n_events * b->n_chunks <= 1u << 19;
}

/* One field's axis, and the way to it; small ones into the group `*small`. */
static int build_field(struct builder *bl, enum field field, struct group **small)
{
	struct base *b = bl->b;
	struct events *ev = &bl->events[field];
	bool wide = bl->family == FW_IP6 && (FIELD_BIT(field) & FIELDS_ADDR), merged = false;
	struct axis axis = {0};
	struct point *points = NULL;
	size_t n;
	int r;

	r = fw_events_sort(ev);
	if (!r)
		r = fw_sweep(b, ev, bl->open[field], bl->all, is_flat(b, field, ev->n), &axis,
			     &points, &n);
	free(ev->e);
	*ev = (struct events){0};
	if (!r && is_byte(field))
		r = make_direct(b, field, points, n);
	else if (!r)
		r = fw_search_make(&b->search[field], points, n, wide);
	free(points);
	if (!r && *small)
		r = fw_group_merge(b, *small, field, &axis, &merged);
	if (r) {
		fw_axis_deinit(&axis);
		return -1;
	}
	if (!merged) {
		struct group *g = new_group(b, field, &axis);

		if (!(FIELD_BIT(field) & (FIELDS_ADDR | FIELD_BIT(F_MARK))))
			*small = g;
	}
	return 0;
}

static void make_steps(struct base *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++)
		for (uint8_t k = 0; k < b->group[i].n; k++)
			b->step[b->n_steps++] = (struct step){
				.field = b->group[i].field[k], .last = k + 1 == b->group[i].n,
				.width = b->group[i].width[k], .table = b->group[i].table[k],
			};
}

static int make_cache(struct base *b)
{
	uint32_t size = 64;
	unsigned int bits = 0;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		b->key_shift[i] = (uint8_t)bits;
		bits += 32 - (unsigned int)__builtin_clz(b->group[i].axis.n_classes);
		if (bits >= 64)
			return 0;
	}
	while (size < 64 * b->n_rules && size < 1u << 17)
		size *= 2;
	b->cache = aligned_alloc(64, size * sizeof(*b->cache));
	if (!b->cache)
		return -1;
	memset(b->cache, 0xff, size * sizeof(*b->cache)); /* 64 bits of ones are no key */
	b->cache_mask = size - CACHE_WAYS;
	return 0;
}

static int build(struct builder *bl)
{
	struct base *b = bl->b;
	struct group *small = NULL;

	b->exact = aligned_alloc(sizeof(struct vec), b->n_chunks * sizeof(struct vec));
	bl->all = aligned_alloc(sizeof(struct vec), b->n_chunks * sizeof(struct vec));
	bl->fields = malloc(sizeof(*bl->fields));
	if (!b->exact || !bl->all || !bl->fields || fw_pool_init(&b->pool) < 0)
		return -1;
	memset(b->exact, 0, b->n_chunks * sizeof(struct vec));
	memset(bl->all, 0, b->n_chunks * sizeof(struct vec));
	for (int i = 0; i < N_FIELDS; i++) {
		bl->open[i] = aligned_alloc(sizeof(struct vec), b->n_chunks * sizeof(struct vec));
		if (!bl->open[i])
			return -1;
		memset(bl->open[i], 0, b->n_chunks * sizeof(struct vec));
	}
	if (collect(bl) < 0)
		return -1;
	for (int i = 0; i < N_FIELDS; i++)
		if ((b->used & FIELD_BIT(i)) && build_field(bl, (enum field)i, &small) < 0)
			return -1;
	/* Nothing to ask a packet: an index would name every rule. */
	if (!b->n_groups)
		return -1;
	fw_pool_seal(&b->pool);
	make_steps(b);
	return make_cache(b);
}

struct base *fw_base_build(const struct fw_chain *chain, enum fw_family family)
{
	struct builder bl = {.chain = chain, .family = family};
	int r;

	if (chain->n_chunks >= UINT16_MAX)
		return NULL;
	bl.b = calloc(1, sizeof(*bl.b));
	if (!bl.b)
		return NULL;
	bl.b->refs = 1;
	bl.b->n_rules = chain->n_rules;
	bl.b->n_chunks = chain->n_chunks;
	bl.b->n_words = (chain->n_chunks + 63) / 64;
#if defined(__x86_64__)
	bl.b->avx2 = __builtin_cpu_supports("avx2");
#endif
	r = build(&bl);
	for (int i = 0; i < N_FIELDS; i++) {
		free(bl.open[i]);
		free(bl.events[i].e);
	}
	free(bl.all);
	free(bl.fields);
	return r < 0 ? fw_base_unref(bl.b) : bl.b;
}

struct base *fw_base_unref(struct base *b)
{
	if (!b || --b->refs)
		return NULL;
	for (int i = 0; i < N_FIELDS; i++) {
		fw_search_deinit(&b->search[i]);
		free(b->direct[i]);
	}
	for (uint32_t i = 0; i < b->n_groups; i++) {
		fw_axis_deinit(&b->group[i].axis);
		for (uint8_t k = 0; k < b->group[i].n; k++)
			free(b->group[i].table[k]);
	}
	fw_names_deinit(&b->names[0]);
	fw_names_deinit(&b->names[1]);
	fw_pool_deinit(&b->pool);
	free(b->exact);
	free(b->cache);
	free(b);
	return NULL;
}

static size_t group_size(const struct group *g)
{
	size_t n = (size_t)g->axis.cap_rows * g->axis.stride + g->axis.cap_classes * sizeof(struct cls);

	for (uint8_t k = 1; k < g->n; k++)
		n += g->n_table[k] * sizeof(*g->table[k]);
	return n;
}

size_t fw_base_size(const struct base *b)
{
	size_t n = sizeof(*b) + b->pool.cap * sizeof(struct vec) + b->n_chunks * sizeof(struct vec);

	for (int i = 0; i < N_FIELDS; i++) {
		const struct search *s = &b->search[i];

		n += s->n * ((s->wide ? sizeof(*s->key_wide) : sizeof(*s->key)) + sizeof(*s->cls)) +
		     ((size_t)s->n_root + 1) * sizeof(*s->root);
		n += b->direct[i] ? 256 * sizeof(uint16_t) : 0;
	}
	for (uint32_t i = 0; i < b->n_groups; i++)
		n += group_size(&b->group[i]);
	if (b->cache)
		n += ((size_t)b->cache_mask + CACHE_WAYS) * sizeof(*b->cache);
	return n;
}
