/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m rpfilter: would an answer to the packet leave where it came in?  The kernel is asked for the
 * route back.
 */
#include <netinet/in.h>
#include <string.h>

#include "opt/opt.h"

enum { LOOSE, VALIDMARK, ACCEPT_LOCAL, INVERT };

static const struct fw_opt opts[] = {
	[LOOSE] = {.name = "loose", .kind = FW_OPT_FLAG,
		   .help = "permit reverse path via any interface"},
	[VALIDMARK] = {.name = "validmark", .kind = FW_OPT_FLAG,
		       .help = "use skb nfmark when performing route lookup"},
	[ACCEPT_LOCAL] = {.name = "accept-local", .kind = FW_OPT_FLAG,
			  .help = "do not reject packets with a local source address"},
	[INVERT] = {.name = "invert", .kind = FW_OPT_FLAG,
		    .help = "match packets that failed the reverse path test"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " rpfilter");
	for (unsigned int row = LOOSE; row <= INVERT; row++)
		if (fw_use_has(use, row))
			fw_buf_fmt(out, " %s", opts[row].name);
}

/* From where nobody can be answered, yet is in order: a host that asks for its first address. */
static bool has_no_address(const struct fw_packet *pkt)
{
	const uint8_t *src = pkt->src.u8, *dst = pkt->dst.u8;
	static const union fw_addr any;

	if (pkt->family == FW_IP6)
		return !memcmp(&pkt->src, &any, sizeof(any));
	return !src[0] &&
		(pkt->dst.u32[0] == INADDR_BROADCAST || (dst[0] == 224 && !dst[1] && !dst[2]));
}

static bool fits(const struct fw_use *use, const struct fw_eval *e)
{
	const struct fw_world *world = e->world;
	const struct fw_packet *pkt = e->pkt;
	const bool loose = fw_use_has(use, LOOSE);
	unsigned int way;

	if (!strcmp(pkt->meta.in_name, "lo") || has_no_address(pkt))
		return true;
	if (!world->ops || !world->ops->way_back)
		return false;
	way = world->ops->way_back(world->priv, pkt, fw_use_has(use, VALIDMARK) ? e->mark : 0,
				   loose);
	if (way & FW_BACK_LOCAL && !fw_use_has(use, ACCEPT_LOCAL))
		return false;
	if (way & FW_BACK_LOCAL && pkt->family == FW_IP6)
		return true;
	return way & (FW_BACK_UNICAST | FW_BACK_LOCAL) && (loose || way & FW_BACK_HERE);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	return fits(use, e) != fw_use_has(use, INVERT);
}

const struct fw_ext fw_match_rpfilter = {
	.name = "rpfilter", .summary = "does the way back lead out where the packet came in",
	.tables = FW_TABLE_BIT(FW_RAW) | FW_TABLE_BIT(FW_MANGLE),
	.hooks = FW_HOOK_BIT(FW_PREROUTING), .opts = opts, .list = list, .match = match,
};
