/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recent lists in a line a question, for tests.  Needs cmocka and its headers included first. */
#ifndef RECENT_LISTS_H
#define RECENT_LISTS_H

#include <stdio.h>
#include <string.h>

#include "fw/recent.h"
#include "fw/world.h"

#define SEC FW_NSEC_PER_SEC

static inline union fw_addr v4(uint8_t last)
{
	union fw_addr a = {.u8 = {10, 0, 0, last}};

	return a;
}

static inline struct fw_recent_list *get(struct fw_recent *r, const char *name, uint32_t hitcount)
{
	struct fw_err err = FW_ERR_INIT;
	struct fw_recent_list *l = fw_recent_get(r, name, hitcount, NULL, FW_IP4, &err);

	assert_non_null(l);
	return l;
}

static inline bool ask(struct fw_recent_list *l, uint8_t host, struct fw_recent_query q,
		       uint64_t now)
{
	union fw_addr a = v4(host);

	return fw_recent_match(l, FW_IP4, &a, &q, now);
}

static inline void put(struct fw_recent *r, struct fw_recent_list *l)
{
	struct fw_world world = {.recent = r};

	fw_recent_put(&world, l);
	fw_world_reclaim(&world);
}

static inline void print(struct fw_recent *r, const char *name, size_t max, struct fw_buf *b)
{
	uint64_t cursor = 0;

	do
		assert_int_equal(fw_recent_print(r, name, &cursor, max, b), 0);
	while (cursor);
}

static inline size_t lines(struct fw_recent *r, const char *name)
{
	struct fw_buf b = FW_BUF_INIT;
	size_t n = 0;

	print(r, name, 3, &b);
	for (const char *c = fw_buf_cstr(&b); *c; c++)
		n += *c == '\n';
	fw_buf_deinit(&b);
	return n;
}

#define SET	    ((struct fw_recent_query){.op = FW_RECENT_SET, .ttl = 64})
#define RCHECK(...) ((struct fw_recent_query){.op = FW_RECENT_RCHECK, .ttl = 64, ##__VA_ARGS__})
#define UPDATE(...) ((struct fw_recent_query){.op = FW_RECENT_UPDATE, .ttl = 64, ##__VA_ARGS__})
#define REMOVE	    ((struct fw_recent_query){.op = FW_RECENT_REMOVE, .ttl = 64})

#endif
