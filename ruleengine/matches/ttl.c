/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m ttl: the IPv4 time to live. */
#include "matches/hops.h"

static const struct fw_opt opts[] = {
	HOPS_ROWS("ttl", "Match time to live value", "TTL"),
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	return hops_check("TTL", use, err);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	hops_list("TTL", use, out);
}

const struct fw_ext fw_match_ttl = {
	.name = "ttl", .summary = "the IPv4 time to live",
	.families = 1 << FW_IP4,
	.flags = FW_EXT_INVARIANT,
	.size = sizeof(struct hops), .opts = opts, .check = check, .list = list, .match = hops_match,
};
