/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j MASQUERADE: the address of the interface that the packet leaves by as its source. */
#include "targets/natrange.h"

enum { PORTS };

static const struct fw_opt opts[] = {
	[PORTS] = {.name = "to-ports", .kind = FW_OPT_CUSTOM, .parse = nat_take_ports,
		   .print = nat_print_ports, .arg = "<port>[-<port>]",
		   .help = "Port (range) to map to."},
	NAT_FLAG("random", FW_NAT_RANDOM, "Randomize source port."),
	NAT_FLAG("random-fully", FW_NAT_RANDOM_FULLY, "Fully randomize source port."),
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct fw_nat *)use->data)->kind = FW_NAT_MASQUERADE;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	nat_list(use, family, " masq ports: ", true, out);
}

const struct fw_ext fw_target_masquerade = {
	.name = "MASQUERADE", .target = true, .summary = "this host's address as source",
	.tables = FW_TABLE_BIT(FW_NAT), .hooks = FW_HOOK_BIT(FW_POSTROUTING),
	.flags = FW_NEED_TRACK | FW_NEED_NAT,
	.size = sizeof(struct fw_nat), .opts = opts, .init = init, .check = nat_check, .list = list,
	.run = nat_run,
};
