/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j HL: change the IPv6 hop limit. */
#include "targets/hops.h"

static const struct fw_opt opts[] = {
	HOPS_ROWS("hl", "HL"),
	{NULL},
};

const struct fw_ext fw_target_hl = {
	.name = "HL", .target = true, .summary = "change the IPv6 hop limit",
	.families = 1 << FW_IP6, .tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct hops), .opts = opts, .check = hops_check, .list = hops_list,
	.run = hops_run,
};
