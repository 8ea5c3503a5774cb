/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j DNAT: another destination for the connection. */
#include "targets/natrange.h"

enum { TO };

static const struct fw_opt opts[] = {
	[TO] = {.name = "to-destination", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		.parse = nat_take_range, .print = nat_print_range,
		.arg = "[<ipaddr>[-<ipaddr>]][:port[-port[/port]]]",
		.help = "Address to map destination to."},
	NAT_FLAG("random", FW_NAT_RANDOM, "Randomize the port"),
	NAT_FLAG("persistent", FW_NAT_PERSISTENT, "The same address for the same client"),
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct fw_nat *)use->data)->kind = FW_NAT_DST;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	nat_list(use, family, " to:", false, out);
}

const struct fw_ext fw_target_dnat = {
	.name = "DNAT", .target = true, .summary = "another destination",
	.tables = FW_TABLE_BIT(FW_NAT),
	.hooks = FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_OUTPUT),
	.flags = FW_NEED_TRACK | FW_NEED_NAT,
	.size = sizeof(struct fw_nat), .opts = opts, .init = init, .check = nat_check, .list = list,
	.run = nat_run,
};
