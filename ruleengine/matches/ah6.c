/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m ah for IPv6: the authentication header wherever it stands among the extension headers, so no
 * -p is needed.
 */
#include <netinet/in.h>

#include "matches/ext6.h"
#include "matches/spi.h"

struct ah6 {
	struct spi spi;
	uint32_t len;
};

enum { LEN = ROW_SPI + 1, RES };

static const struct fw_opt opts[] = {
	SPI_ROW("ahspi"),
	[LEN] = {.name = "ahlen", .kind = FW_OPT_U32, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct ah6, len), .arg = "length",
		 .help = "total length of this header"},
	[RES] = {.name = "ahres", .kind = FW_OPT_FLAG, .help = "check the reserved field too"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct ah6 *a = use->data;

	if (!a->len && !fw_use_inv(use, LEN)) /* the kernel takes 0 for "any" */
		use->set &= ~(1ull << LEN);
	return spi_check(ctx, use, err);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct ah6 *a = use->data;

	fw_buf_str(out, " ah ");
	spi_list(use, out);
	if (fw_use_has(use, LEN))
		fw_buf_fmt(out, "length:%s%u", fw_use_inv(use, LEN) ? "!" : "", a->len);
	if (fw_use_has(use, RES))
		fw_buf_str(out, " reserved");
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct ah6 *a = use->data;
	uint32_t off = ext6_find_or_drop(e, IPPROTO_AH), len;
	const uint8_t *ah;

	if (!off)
		return false;
	ah = fw_packet_bytes(e->pkt, off, 12);
	len = ah ? (ah[1] + 2u) * 4 : 0;
	if (!ah || e->pkt->len - off < len) {
		e->hotdrop = true;
		return false;
	}
	return spi_match(use, e, ah + 4) && (!a->len || (len == a->len) != fw_use_inv(use, LEN)) &&
		!(fw_use_has(use, RES) && (ah[2] | ah[3]));
}

const struct fw_ext fw_match_ah6 = {
	.name = "ah", .summary = "the IPv6 authentication header",
	.flags = FW_EXT_DROPS, .families = 1 << FW_IP6,
	.size = sizeof(struct ah6), .opts = opts, .init = spi_init, .check = check, .list = list,
	.match = match,
};
