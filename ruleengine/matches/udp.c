/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m udp: UDP ports. */
#include <netinet/in.h>

#include "matches/ports.h"

static const struct fw_opt opts[] = {PORT_ROWS, {NULL}};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	ports_check(use);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	ports_list(use, IPPROTO_UDP, numeric, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	return ports_header(e) && ports_match(use, e->pkt);
}

const struct fw_ext fw_match_udp = {
	.name = "udp", .summary = "UDP ports",
	.proto = IPPROTO_UDP,
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct ports), .opts = opts, .init = ports_init, .check = check, .list = list,
	.match = match, .fields = ports_fields,
};
