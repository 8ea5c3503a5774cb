/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j ECN: take ECN away from a connection (the TCP header's ECE and CWR), or set those bits and
 * the IP header's one by one.
 */
#include <netinet/in.h>

#include "opt/opt.h"
#include "packet/rewrite.h"

struct ecn {
	uint8_t cwr, ece, ect;
};

enum { REMOVE, ECE, CWR, ECT };

/* iptables sets the operation anew: a codepoint asked for before it is forgotten, not one behind. */
static int take_remove(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	struct ecn *n = use->data;

	use->set &= ~((uint64_t)1 << ECT);
	n->ect = 0;
	return 0;
}

static const struct fw_opt opts[] = {
	[REMOVE] = {.name = "ecn-tcp-remove", .kind = FW_OPT_FLAG, .excludes = 1 << CWR | 1 << ECE,
		    .parse = take_remove, .help = "Remove all ECN bits from TCP header"},
	[ECE] = {.name = "ecn-tcp-ece", .kind = FW_OPT_U8, .max = 1, .excludes = 1 << REMOVE,
		 .offset = offsetof(struct ecn, ece), .arg = "bit",
		 .help = "Set the ECE bit (0 or 1)"},
	[CWR] = {.name = "ecn-tcp-cwr", .kind = FW_OPT_U8, .max = 1, .excludes = 1 << REMOVE,
		 .offset = offsetof(struct ecn, cwr), .arg = "bit",
		 .help = "Set the CWR bit (0 or 1)"},
	[ECT] = {.name = "ecn-ip-ect", .kind = FW_OPT_U8, .max = 3,
		 .offset = offsetof(struct ecn, ect), .arg = "codepoint",
		 .help = "Set the IPv4 ECT codepoint (0 to 3)"},
	{NULL},
};

#define TCP_ROWS (1u << REMOVE | 1u << ECE | 1u << CWR)

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct ecn *n = use->data;
	int r;

	if (!use->set) {
		r = fw_fail(err, FW_ERR_USAGE, "ECN: what to do is missing");
		fw_err_hint(err, "add --ecn-tcp-remove");
		fw_err_words(err, "ECN target: An operation is required");
		return r;
	}
	if ((use->set & TCP_ROWS) && (ctx->proto != IPPROTO_TCP || ctx->proto_inverted)) {
		r = fw_fail(err, FW_ERR_PLACE, "ECN: the bits of TCP exist in TCP only");
		fw_err_hint(err, "add -p tcp to the rule");
		return r;
	}
	/* To remove is to set both bits to 0, and to nothing else. */
	if (fw_use_has(use, REMOVE))
		use->set = (use->set & 1u << ECT) | 1u << ECE | 1u << CWR;
	if (use->set == (1u << ECE | 1u << CWR) && !n->ece && !n->cwr)
		use->set = 1u << REMOVE;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct ecn *n = use->data;

	fw_buf_str(out, " ECN");
	if (fw_use_has(use, REMOVE))
		fw_buf_str(out, " TCP remove");
	if (fw_use_has(use, ECE))
		fw_buf_fmt(out, " ECE=%u", n->ece);
	if (fw_use_has(use, CWR))
		fw_buf_fmt(out, " CWR=%u", n->cwr);
	if (fw_use_has(use, ECT))
		fw_buf_fmt(out, " ECT codepoint=%u", n->ect);
}

#define TCP_ECE 0x40u
#define TCP_CWR 0x80u

/* No look at the fragment offset: ipt_ECN.c takes none either. */
static bool change_tcp(const struct fw_use *use, struct fw_eval *e)
{
	const struct ecn *n = use->data;
	const uint8_t *seen = fw_packet_bytes(e->pkt, e->pkt->l4_off, 20);
	uint8_t bits, *h;
	uint16_t old;

	if (!seen)
		return false;
	bits = seen[13];
	if (use->set & (1u << REMOVE | 1u << ECE))
		bits = (uint8_t)((bits & ~TCP_ECE) | (n->ece ? TCP_ECE : 0));
	if (use->set & (1u << REMOVE | 1u << CWR))
		bits = (uint8_t)((bits & ~TCP_CWR) | (n->cwr ? TCP_CWR : 0));
	if (bits == seen[13])
		return true;
	h = fw_rewrite_bytes(e, e->pkt->l4_off, 20);
	if (!h)
		return false;
	old = (uint16_t)(h[12] << 8 | h[13]);
	h[13] = bits;
	fw_csum_replace(h + 16, old, (uint16_t)(h[12] << 8 | bits));
	fw_rewrite_done(e);
	return true;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct ecn *n = use->data;

	if (fw_use_has(use, ECT) && !fw_rewrite_ip_ecn(e, n->ect))
		return FW_DROP;
	if ((use->set & TCP_ROWS) && e->pkt->proto == IPPROTO_TCP && !change_tcp(use, e))
		return FW_DROP;
	return FW_CONTINUE;
}

const struct fw_ext fw_target_ecn = {
	.name = "ECN", .target = true, .summary = "take ECN away from TCP, or set its bits",
	.families = 1 << FW_IP4, .tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.size = sizeof(struct ecn), .opts = opts, .check = check, .list = list, .run = run,
};
