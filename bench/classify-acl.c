/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * librte_acl.  Its fields: one byte of protocol, then groups of four bytes; the header is laid
 * out once per lookup, as an application has to.  Rules of lower number have higher priority.
 * The method is the best that the processor and DPDK's build have (AVX2, AVX-512 where DPDK
 * takes it by itself).
 */
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "classify-acl.h"

struct key {
	uint8_t proto;
	uint32_t src, dst; /* network order, as everything here */
	uint16_t sport, dport;
} __attribute__((packed));

RTE_ACL_RULE_DEF(rule, CB_FIELDS);

struct acl {
	struct rte_acl_ctx *ctx;
	size_t n, bytes;
};

static const struct rte_acl_field_def defs[CB_FIELDS] = {
	{.type = RTE_ACL_FIELD_TYPE_BITMASK,
	 .size = 1,
	 .field_index = 0,
	 .input_index = 0,
	 .offset = offsetof(struct key, proto)},
	{.type = RTE_ACL_FIELD_TYPE_MASK,
	 .size = 4,
	 .field_index = 1,
	 .input_index = 1,
	 .offset = offsetof(struct key, src)},
	{.type = RTE_ACL_FIELD_TYPE_MASK,
	 .size = 4,
	 .field_index = 2,
	 .input_index = 2,
	 .offset = offsetof(struct key, dst)},
	{.type = RTE_ACL_FIELD_TYPE_RANGE,
	 .size = 2,
	 .field_index = 3,
	 .input_index = 3,
	 .offset = offsetof(struct key, sport)},
	{.type = RTE_ACL_FIELD_TYPE_RANGE,
	 .size = 2,
	 .field_index = 4,
	 .input_index = 3,
	 .offset = offsetof(struct key, dport)},
};

static int start_dpdk(void)
{
	char *argv[] = {(char *)"classify",
			(char *)"--no-huge",
			(char *)"--no-pci",
			(char *)"--no-shconf",
			(char *)"--no-telemetry",
			(char *)"-m",
			(char *)"2048",
			(char *)"--log-level=error",
			(char *)"-l",
			(char *)"0",
			NULL};
	static int started;

	if (!started)
		started =
			rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0 ? -1 : 1;
	return started;
}

static int add_rule(struct rte_acl_ctx *ctx, const struct cb_filter *f, size_t i, size_t n)
{
	struct rule r = {.data = {.category_mask = 1,
				  .priority = (int32_t)(n - i),
				  .userdata = (uint32_t)i + 1}};

	if (f->lo[CB_PROTO] == f->hi[CB_PROTO]) {
		r.field[0].value.u8 = (uint8_t)f->lo[CB_PROTO];
		r.field[0].mask_range.u8 = 0xff;
	}
	for (int k = 0; k < 2; k++) {
		r.field[1 + k].value.u32 = f->lo[k];
		r.field[1 + k].mask_range.u32 = f->len[k];
		r.field[3 + k].value.u16 = (uint16_t)f->lo[CB_SPORT + k];
		r.field[3 + k].mask_range.u16 = (uint16_t)f->hi[CB_SPORT + k];
	}
	return rte_acl_add_rules(ctx, (struct rte_acl_rule *)&r, 1);
}

static size_t heap_used(void)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats(0, &stats) ? 0 : stats.heap_allocsz_bytes;
}

struct acl *acl_build(const struct cb_set *set)
{
	struct rte_acl_param param = {.name = "bench",
				      .socket_id = SOCKET_ID_ANY,
				      .rule_size = RTE_ACL_RULE_SZ(CB_FIELDS),
				      .max_rule_num = (uint32_t)set->n};
	struct rte_acl_config config = {.num_categories = 1, .num_fields = CB_FIELDS};
	struct acl *a = calloc(1, sizeof(*a));
	size_t before;
	int r = 0;

	if (!a || start_dpdk() < 0) {
		free(a);
		return NULL;
	}
	before = heap_used();
	a->n = set->n;
	a->ctx = rte_acl_create(&param);
	memcpy(config.defs, defs, sizeof(defs));
	for (size_t i = 0; a->ctx && !r && i < set->n; i++)
		r = add_rule(a->ctx, &set->f[i], i, set->n);
	if (!a->ctx || r || rte_acl_build(a->ctx, &config)) {
		acl_free(a);
		return NULL;
	}
	a->bytes = heap_used() - before;
	return a;
}

void acl_free(struct acl *a)
{
	if (a)
		rte_acl_free(a->ctx);
	free(a);
}

size_t acl_size(const struct acl *a)
{
	return a->bytes;
}

static void make_key(struct key *k, const struct cb_header *h)
{
	k->proto = (uint8_t)h->v[CB_PROTO];
	k->src = __builtin_bswap32(h->v[CB_SRC]);
	k->dst = __builtin_bswap32(h->v[CB_DST]);
	k->sport = __builtin_bswap16((uint16_t)h->v[CB_SPORT]);
	k->dport = __builtin_bswap16((uint16_t)h->v[CB_DPORT]);
}

uint64_t acl_run(struct acl *a, const struct cb_header *h, size_t n, size_t batch, bool avx2)
{
	struct key key[32];
	const uint8_t *data[32];
	uint32_t result[32];
	uint64_t sum = 0;

	for (size_t i = 0; i < 32; i++)
		data[i] = (const uint8_t *)&key[i];
	for (size_t i = 0; i < n; i += batch) {
		size_t m = n - i < batch ? n - i : batch;

		for (size_t k = 0; k < m; k++)
			make_key(&key[k], &h[i + k]);
		if (avx2)
			rte_acl_classify_alg(a->ctx, data, result, (uint32_t)m, 1,
					     RTE_ACL_CLASSIFY_AVX2);
		else
			rte_acl_classify(a->ctx, data, result, (uint32_t)m, 1);
		for (size_t k = 0; k < m; k++)
			sum += result[k] ? result[k] : a->n + 1;
	}
	return sum;
}
