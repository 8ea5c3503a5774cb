/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j SNAT: another source for the connection. */
#include "targets/natrange.h"

enum { TO };

static const struct fw_opt opts[] = {
	[TO] = {.name = "to-source", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		.parse = nat_take_range, .print = nat_print_range,
		.arg = "[<ipaddr>[-<ipaddr>]][:port[-port]]",
		.help = "Address to map source to."},
	NAT_FLAG("random", FW_NAT_RANDOM, "Randomize the port"),
	NAT_FLAG("random-fully", FW_NAT_RANDOM_FULLY, "Fully randomize the port"),
	NAT_FLAG("persistent", FW_NAT_PERSISTENT, "The same address for the same client"),
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct fw_nat *)use->data)->kind = FW_NAT_SRC;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	nat_list(use, family, " to:", false, out);
}

const struct fw_ext fw_target_snat = {
	.name = "SNAT", .target = true, .summary = "another source",
	.tables = FW_TABLE_BIT(FW_NAT),
	.hooks = FW_HOOK_BIT(FW_POSTROUTING) | FW_HOOK_BIT(FW_INPUT),
	.flags = FW_NEED_TRACK | FW_NEED_NAT,
	.size = sizeof(struct fw_nat), .opts = opts, .init = init, .check = nat_check, .list = list,
	.run = nat_run,
};
