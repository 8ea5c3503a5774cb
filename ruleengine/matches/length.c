/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m length: bytes of the IP packet. */
#include "opt/opt.h"

struct length {
	uint16_t range[2];
};

enum { LENGTH };

static const struct fw_opt opts[] = {
	[LENGTH] = {.name = "length", .kind = FW_OPT_U16_RANGE, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		    .arg = "length[:length]",
		    .help = "Match packet length against value or range\n"
			    "                                of values (inclusive)"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct length *l = use->data;

	fw_buf_str(out, fw_use_inv(use, LENGTH) ? " length !" : " length ");
	fw_print_range(l->range[0], l->range[1], ':', out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct length *l = use->data;

	return (e->pkt->len >= l->range[0] && e->pkt->len <= l->range[1]) !=
		fw_use_inv(use, LENGTH);
}

const struct fw_ext fw_match_length = {
	.name = "length", .summary = "the packet's length",
	.size = sizeof(struct length), .opts = opts, .list = list, .match = match,
};
