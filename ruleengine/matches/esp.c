/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m esp: the security parameter index of ESP. */
#include <netinet/in.h>

#include "matches/spi.h"

static const struct fw_opt opts[] = {SPI_ROW("espspi"), {NULL}};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " esp");
	if (fw_use_has(use, ROW_SPI))
		fw_buf_char(out, ' ');
	spi_list(use, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	const uint8_t *at = fw_packet_bytes(pkt, pkt->l4_off, 8);

	return !pkt->fragment && spi_match(use, e, at);
}

const struct fw_ext fw_match_esp = {
	.name = "esp", .summary = "the security parameter index of ESP",
	.proto = IPPROTO_ESP,
	.size = sizeof(struct spi), .opts = opts, .init = spi_init, .check = spi_check, .list = list,
	.match = match,
};
