/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m mark: compare the packet's mark under a mask. */
#include "fw/tx.h"
#include "matches/fields.h"
#include "opt/opt.h"

struct mark {
	uint32_t value, mask;
};

enum { MARK };

static const struct fw_opt opts[] = {
	[MARK] = {.name = "mark", .kind = FW_OPT_MARK, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		  .arg = "value[/mask]", .help = "Match nfmark value with optional mask"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct mark *m = use->data;

	fw_buf_str(out, fw_use_inv(use, MARK) ? " mark match ! " : " mark match ");
	fw_print_mark(m->value, m->mask, out);
}

static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	const struct mark *m = use->data;

	return fw_use_may_mark(use, m->value, env, err);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct mark *m = use->data;

	return ((e->mark & m->mask) == m->value) != fw_use_inv(use, MARK);
}

/* A mask of leading ones makes one interval; of others nothing is told. */
static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct mark *m = use->data;
	bool inverted = fw_use_inv(use, MARK);
	uint32_t rest = ~m->mask;

	if (m->value & rest) { /* can never be */
		if (!inverted) {
			fw_fields_begin(f, FW_FIELD_MARK);
			fw_fields_end(f);
		}
		return true;
	}
	if (rest & (rest + 1))
		return false;
	fields_range(f, FW_FIELD_MARK, m->value, m->value | rest, UINT32_MAX, inverted);
	return true;
}

const struct fw_ext fw_match_mark = {
	.name = "mark", .summary = "the packet's mark",
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct mark), .opts = opts, .list = list, .deploy = deploy, .match = match,
	.fields = fields,
};
