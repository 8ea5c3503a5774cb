/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j TTL: change the IPv4 time to live. */
#include "targets/hops.h"

static const struct fw_opt opts[] = {
	HOPS_ROWS("ttl", "TTL"),
	{NULL},
};

const struct fw_ext fw_target_ttl = {
	.name = "TTL", .target = true, .summary = "change the IPv4 time to live",
	.families = 1 << FW_IP4, .tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct hops), .opts = opts, .check = hops_check, .list = hops_list,
	.run = hops_run,
};
