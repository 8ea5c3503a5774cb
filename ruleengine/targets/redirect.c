/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j REDIRECT: to this host, and perhaps another port. */
#include "targets/natrange.h"

enum { PORTS };

static const struct fw_opt opts[] = {
	[PORTS] = {.name = "to-ports", .kind = FW_OPT_CUSTOM, .parse = nat_take_ports,
		   .print = nat_print_ports, .arg = "<port>[-<port>]",
		   .help = "Port (range) to map to."},
	NAT_FLAG("random", FW_NAT_RANDOM, "Randomize the port"),
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct fw_nat *)use->data)->kind = FW_NAT_REDIRECT;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	nat_list(use, family, " redir ports ", true, out);
}

const struct fw_ext fw_target_redirect = {
	.name = "REDIRECT", .target = true, .summary = "to this host",
	.tables = FW_TABLE_BIT(FW_NAT),
	.hooks = FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_OUTPUT),
	.flags = FW_NEED_TRACK | FW_NEED_NAT,
	.size = sizeof(struct fw_nat), .opts = opts, .init = init, .check = nat_check, .list = list,
	.run = nat_run,
};
