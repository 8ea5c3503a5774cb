/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m quota: matches until so many bytes have passed; the packet that does not fit ends it. */
#include "opt/opt.h"

struct quota {
	uint64_t bytes;
};

struct state {
	uint64_t left;
};

enum { QUOTA };

static const struct fw_opt opts[] = {
	[QUOTA] = {.name = "quota", .kind = FW_OPT_U64, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		   .arg = "quota", .help = "quota (bytes)"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct quota *q = use->data;

	fw_buf_str(out, " quota: ");
	fw_buf_u64(out, q->bytes);
	fw_buf_str(out, " bytes");
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	((struct state *)use->state)->left = ((const struct quota *)use->data)->bytes;
	return 0;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	struct state *s = use->state;
	bool fits = s->left >= e->pkt->len;

	s->left = fits ? s->left - e->pkt->len : 0;
	return fits != fw_use_inv(use, QUOTA);
}

const struct fw_ext fw_match_quota = {
	.name = "quota", .summary = "so many bytes in all",
	.flags = FW_EXT_STATEFUL,
	.size = sizeof(struct quota), .state_size = sizeof(struct state), .opts = opts, .list = list,
	.attach = attach, .match = match,
};
