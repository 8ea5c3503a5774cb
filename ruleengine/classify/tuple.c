/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First candidates by a packet's own values (tuple.h): making and judging them. */
#include "classify/tuple.h"

#include <stdlib.h>
#include <string.h>

#define SET_BITS_MAX 14 /* 1 MiB */

/* While it is on its worth is judged after so many lookups, while it is off it is tried after … */
#define WINDOW	  512
#define PAUSE	  65536
#define WORTH	  (WINDOW / 4 * 3) /* hits, once the table knows the flows that there are … */
#define PROMISING (WINDOW / 4) /* … and while it gets to know them */
#define GRACE	  16

/* What struct tuple can hold. */
#define FIELDS (FIELDS_ADDR | FIELDS_BYTE | FIELDS_PORT | FIELD_BIT(F_ICMP))

static uint32_t fields_asked(const struct base *b)
{
	uint32_t fields = 0;

	for (uint32_t i = 0; i < b->n_steps; i++)
		fields |= FIELD_BIT(b->step[i].field);
	return fields;
}

struct tuples *fw_tuples_new(const struct base *b, enum fw_family family)
{
	const uint32_t asked = fields_asked(b);
	struct tuples *t;
	unsigned int bits = 3;

	if (family != FW_IP4 || (asked & ~FIELDS))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	while (bits < SET_BITS_MAX && (1ull << bits) < (uint64_t)b->n_rules * b->n_rules / 64)
		bits++;
	t->set = aligned_alloc(sizeof(*t->set), sizeof(*t->set) << bits);
	if (!t->set)
		return fw_tuples_free(t);
	memset(t->set, 0, sizeof(*t->set) << bits);
	t->shift = (uint8_t)(64 - bits);
	t->mask = TUPLE_VALID | TUPLE_PORTS | TUPLE_PROTO | (uint64_t)1 << 56;
	if (asked & FIELD_BIT(F_TCP_FLAGS))
		t->mask |= TUPLE_TCP_FLAGS;
	if (asked & FIELD_BIT(F_CTSTATE))
		t->mask |= TUPLE_CTINFO;
	t->on = true;
	t->left = WINDOW;
	t->grace = GRACE;
	return t;
}

struct tuples *fw_tuples_free(struct tuples *t)
{
	if (t)
		free(t->set);
	free(t);
	return NULL;
}

size_t fw_tuples_size(const struct tuples *t)
{
	return t ? sizeof(*t) + (sizeof(*t->set) << (64 - t->shift)) : 0;
}

void fw_tuples_review(struct tuples *t)
{
	if (!t->on || t->hits >= WORTH) {
		t->on = true;
		t->grace = GRACE;
	} else {
		t->on = t->hits >= PROMISING && t->grace;
		t->grace -= t->on;
	}
	t->left = t->on ? WINDOW : PAUSE;
	t->hits = 0;
}
