/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m eui64: does the IPv6 source address end with what autoconfiguration makes of the MAC address?
 */
#include <string.h>

#include "opt/opt.h"

static const struct fw_opt opts[] = {{NULL}};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, "eui64 ");
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const uint8_t *mac = meta->mac;
	const uint8_t id[8] = {mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

	return meta->has_mac && !memcmp(e->pkt->src.u8 + 8, id, sizeof(id));
}

const struct fw_ext fw_match_eui64 = {
	.name = "eui64", .summary = "the source address is made from the MAC address",
	.families = 1 << FW_IP6,
	.hooks = FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD),
	.opts = opts, .list = list, .match = match,
};
