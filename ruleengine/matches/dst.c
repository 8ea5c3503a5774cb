/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m dst: the IPv6 destination options. */
#include <netinet/in.h>

#include "matches/opts6.h"

static const struct fw_opt opts[] = {OPTS6_ROWS("dst"), {NULL}};

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	return opts6_match(use, e, IPPROTO_DSTOPTS);
}

const struct fw_ext fw_match_dst = {
	.name = "dst", .summary = "the IPv6 destination options", .flags = FW_EXT_DROPS,
	.families = 1 << FW_IP6, .size = sizeof(struct opts6), .opts = opts, .list = opts6_list,
	.match = match,
};
