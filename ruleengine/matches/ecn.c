/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m ecn: the two ECN bits of the IP header, ECE and CWR of TCP's.
 *
 * As in the kernel, TCP's bits are read wherever a TCP header would be, in later fragments too.
 */
#include <netinet/in.h>

#include "opt/opt.h"

struct ecn {
	uint8_t ect;
};

enum { ECE, CWR, ECT };

static const struct fw_opt opts[] = {
	[ECE] = {.name = "ecn-tcp-ece", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		 .help = "Match ECE bit of TCP header"},
	[CWR] = {.name = "ecn-tcp-cwr", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		 .help = "Match CWR bit of TCP header"},
	[ECT] = {.name = "ecn-ip-ect", .kind = FW_OPT_U8, .flags = FW_OPT_NOT, .max = 3,
		 .offset = offsetof(struct ecn, ect), .arg = "[0..3]",
		 .help = "Match ECN codepoint in IPv4/IPv6 header"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	bool tcp = ctx->proto == IPPROTO_TCP && !ctx->proto_inverted;
	int r;

	if (!use->set) {
		r = fw_fail(err, FW_ERR_USAGE, "ecn: nothing to match is given");
		fw_err_words(err, "ECN match: some option required");
		return r;
	}
	if (tcp || !(use->set & (1u << ECE | 1u << CWR)))
		return 0;
	r = fw_fail(err, FW_ERR_PLACE, "ecn: --ecn-tcp-ece and --ecn-tcp-cwr are for TCP only");
	fw_err_hint(err, "add -p tcp to the rule");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct ecn *n = use->data;

	fw_buf_str(out, " ECN match");
	if (fw_use_has(use, ECE))
		fw_buf_str(out, fw_use_inv(use, ECE) ? " !ECE" : " ECE");
	if (fw_use_has(use, CWR))
		fw_buf_str(out, fw_use_inv(use, CWR) ? " !CWR" : " CWR");
	if (fw_use_has(use, ECT))
		fw_buf_fmt(out, " %sECT=%u", fw_use_inv(use, ECT) ? "!" : "", n->ect);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct ecn *n = use->data;
	const struct fw_packet *pkt = e->pkt;
	const uint8_t *tcp;

	if (fw_use_has(use, ECT) && ((pkt->tos & 3) == n->ect) == fw_use_inv(use, ECT))
		return false;
	if (!(use->set & (1u << ECE | 1u << CWR)))
		return true;
	tcp = fw_packet_bytes(pkt, pkt->l4_off, 20);
	if (!tcp)
		return false;
	if (fw_use_has(use, ECE) && !(tcp[13] & 0x40) != fw_use_inv(use, ECE))
		return false;
	return !fw_use_has(use, CWR) || !(tcp[13] & 0x80) == fw_use_inv(use, CWR);
}

const struct fw_ext fw_match_ecn = {
	.name = "ecn", .summary = "explicit congestion notification",
	.size = sizeof(struct ecn), .opts = opts, .check = check, .list = list, .match = match,
};
