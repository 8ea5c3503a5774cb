/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of flows.  To print one takes twenty times as long as to copy it, and packets wait only for
 * the copying.
 */
#include <stdlib.h>

#include "track/track.h"

struct copy {
	struct fw_flow flow;
	struct fw_flow_ext ext; /* the copy's, where the flow has one */
};

struct fw_ct_copies {
	size_t max, n;
	uint64_t now;
	struct copy of[];
};

struct fw_ct_copies *fw_ct_copies_new(size_t max)
{
	struct fw_ct_copies *c = calloc(1, sizeof(*c) + max * sizeof(c->of[0]));

	if (c)
		c->max = max;
	return c;
}

struct fw_ct_copies *fw_ct_copies_free(struct fw_ct_copies *c)
{
	free(c);
	return NULL;
}

void fw_ct_copy(struct fw_ct *ct, uint64_t *cursor, const struct fw_ct_filter *filter, uint64_t now,
		struct fw_ct_copies *ret)
{
	size_t left = ct_slice(ret->max);
	const struct fw_flow *flow;

	ret->now = now;
	for (ret->n = 0; ret->n < ret->max && (flow = ct_step(ct, cursor, &left, now, filter));
	     ret->n++) {
		struct copy *to = &ret->of[ret->n];

		to->flow = *flow;
		if (!flow->ext)
			continue;
		to->ext = *flow->ext;
		to->flow.ext = &to->ext;
	}
}

void fw_ct_copies_list(const struct fw_ct_copies *c, enum fw_ct_format format, struct fw_buf *out)
{
	for (size_t i = 0; i < c->n; i++)
		ct_print_flow(&c->of[i].flow, c->now, format, out);
}

void fw_ct_copies_dump(const struct fw_ct_copies *c, struct fw_buf *out)
{
	for (size_t i = 0; i < c->n; i++)
		ct_dump_flow(&c->of[i].flow, c->now, out);
}
