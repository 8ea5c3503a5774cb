/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m ipcomp: the compression parameter index.  --compres is kept but never looked at, as in the
 * kernel; without --ipcompspi the index is 0.
 */
#include <netinet/in.h>

#include "opt/opt.h"

struct ipcomp {
	uint32_t spi[2];
};

enum { SPI, RES };

static const struct fw_opt opts[] = {
	[SPI] = {.name = "ipcompspi", .kind = FW_OPT_U32_RANGE, .flags = FW_OPT_NOT,
		 .arg = "spi[:spi]", .help = "match spi (range)"},
	[RES] = {.name = "compres", .kind = FW_OPT_FLAG, .help = "check the reserved field too"},
	{NULL},
};

/* Said also where all indexes fit: without it only 0 would.  (iptables leaves it out, and so saves
 * another rule.) */
static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	use->set |= 1ull << SPI;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct ipcomp *c = use->data;

	fw_buf_str(out, " comp");
	if (fw_use_has(use, SPI)) {
		fw_buf_str(out, c->spi[0] == c->spi[1] ? " spi:" : " spis:");
		if (fw_use_inv(use, SPI))
			fw_buf_char(out, '!');
		fw_print_range(c->spi[0], c->spi[1], ':', out);
	}
	if (fw_use_has(use, RES))
		fw_buf_str(out, " reserved");
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct ipcomp *c = use->data;
	const uint8_t *h = fw_packet_bytes(e->pkt, e->pkt->l4_off, 4);
	uint32_t cpi;

	if (e->pkt->fragment)
		return false;
	if (!h) {
		e->hotdrop = true;
		return false;
	}
	cpi = (uint32_t)(h[2] << 8 | h[3]);
	return (cpi >= c->spi[0] && cpi <= c->spi[1]) != fw_use_inv(use, SPI);
}

const struct fw_ext fw_match_ipcomp = {
	.name = "ipcomp", .summary = "the index of compressed packets", .proto = IPPROTO_COMP,
	.size = sizeof(struct ipcomp), .opts = opts, .check = check, .list = list, .match = match,
};
