/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m ah: the security parameter index of IPv4 AH. */
#include <netinet/in.h>

#include "matches/spi.h"

static const struct fw_opt opts[] = {SPI_ROW("ahspi"), {NULL}};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " ah ");
	spi_list(use, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	const uint8_t *at = fw_packet_bytes(pkt, pkt->l4_off, 12);

	return !pkt->fragment && spi_match(use, e, at ? at + 4 : NULL);
}

const struct fw_ext fw_match_ah = {
	.name = "ah", .summary = "the security parameter index of IPv4 AH",
	.families = 1 << FW_IP4, .proto = IPPROTO_AH,
	.size = sizeof(struct spi), .opts = opts, .init = spi_init, .check = spi_check, .list = list,
	.match = match,
};
