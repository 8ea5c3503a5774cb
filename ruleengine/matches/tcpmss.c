/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m tcpmss: the largest segment that a TCP header announces. */
#include <netinet/in.h>

#include "matches/options.h"
#include "opt/opt.h"

#define TCP_HDR	   20u
#define MSS_OPTION 2
#define MSS_LEN	   4u

struct tcpmss {
	uint16_t range[2];
};

enum { MSS };

static const struct fw_opt opts[] = {
	[MSS] = {.name = "mss", .kind = FW_OPT_U16_RANGE, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		 .arg = "value[:value]",
		 .help = "Match TCP MSS range.\n"
			 "\t\t\t\t(only valid for TCP SYN or SYN/ACK packets)"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct tcpmss *m = use->data;

	fw_buf_str(out, fw_use_inv(use, MSS) ? " tcpmss match !" : " tcpmss match ");
	fw_print_range(m->range[0], m->range[1], ':', out);
}

/* The options' n bytes; no option: no match, inverted or not it is then. */
static bool in_range(const struct fw_use *use, const uint8_t *op, uint32_t n)
{
	const struct tcpmss *m = use->data;

	for (uint32_t i = 0; i < n; i = option_next(op, n, i))
		if (op[i] == MSS_OPTION && n - i >= MSS_LEN && op[i + 1] == MSS_LEN) {
			const uint16_t mss = (uint16_t)(op[i + 2] << 8 | op[i + 3]);

			return mss >= m->range[0] && mss <= m->range[1];
		}
	return false;
}

/*
 * A header that is cut, or says to be shorter than itself, is none: the packet goes.  Of fragments
 * the kernel does not ask whether they are the first; in a later one of IPv6 it has found no upper
 * layer, and takes the packet's own beginning for it.
 */
static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const bool lost = e->pkt->fragment && e->pkt->family == FW_IP6;
	const uint32_t off = lost ? 0 : e->pkt->l4_off;
	const uint8_t *tcp = fw_packet_bytes(e->pkt, off, TCP_HDR), *op = tcp;
	const uint32_t n = tcp ? (uint32_t)(tcp[12] >> 4) * 4 : 0;

	if (n > TCP_HDR)
		op = fw_packet_bytes(e->pkt, off + TCP_HDR, n - TCP_HDR);
	if (n < TCP_HDR || !op) {
		e->hotdrop = true;
		return false;
	}
	return in_range(use, op, n - TCP_HDR) != fw_use_inv(use, MSS);
}

const struct fw_ext fw_match_tcpmss = {
	.name = "tcpmss", .summary = "the largest segment that a TCP header announces",
	.flags = FW_EXT_DROPS, .proto = IPPROTO_TCP,
	.size = sizeof(struct tcpmss), .opts = opts, .list = list, .match = match,
};
