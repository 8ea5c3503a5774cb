/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m hl: the IPv6 hop limit. */
#include "matches/hops.h"

static const struct fw_opt opts[] = {
	HOPS_ROWS("hl", "Match hop limit value", "HL"),
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	return hops_check("HL", use, err);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	hops_list("HL", use, out);
}

const struct fw_ext fw_match_hl = {
	.name = "hl", .summary = "the IPv6 hop limit",
	.families = 1 << FW_IP6,
	.flags = FW_EXT_INVARIANT,
	.size = sizeof(struct hops), .opts = opts, .check = check, .list = list, .match = hops_match,
};
