/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m connmark: compare the connection's mark under a mask.  Without a connection: no match. */
#include "fw/ct.h"
#include "opt/opt.h"

struct connmark {
	uint32_t value, mask;
};

enum { MARK };

static const struct fw_opt opts[] = {
	[MARK] = {.name = "mark", .kind = FW_OPT_MARK, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		  .arg = "value[/mask]", .help = "Match ctmark value with optional mask"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct connmark *m = use->data;

	fw_buf_str(out, fw_use_inv(use, MARK) ? " connmark match ! " : " connmark match  ");
	fw_print_mark(m->value, m->mask, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct connmark *m = use->data;

	return e->flow &&
		((fw_flow_mark(e->flow) & m->mask) == m->value) != fw_use_inv(use, MARK);
}

const struct fw_ext fw_match_connmark = {
	.name = "connmark", .summary = "the connection's mark",
	.flags = FW_NEED_TRACK | FW_NEED_FLOWS,
	.size = sizeof(struct connmark), .opts = opts, .list = list, .match = match,
};
