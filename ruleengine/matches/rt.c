/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m rt: the IPv6 routing header; ufw drops type 0 by it.
 *
 * A header that should be there and is cut off drops the packet, as in the kernel.  So does one
 * that lies behind what was copied to us (more than a hundred bytes of extension headers): who
 * hides a routing header so well may not get past a rule that is to drop it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "matches/ext6.h"
#include "opt/opt.h"

#define HOPS_MAX 16

struct rt {
	uint32_t type, len;
	uint32_t segs_lo, segs_hi;
	uint32_t n_addrs;
	union fw_addr addrs[HOPS_MAX];
};

enum { TYPE, SEGSLEFT, LEN, RESERVED, ADDRS, NOT_STRICT };

static int take_addrs(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct rt *rt = use->data;
	const char *p = words[0];
	char one[64];

	for (;;) {
		size_t n = strcspn(p, ",");

		if (rt->n_addrs == HOPS_MAX) {
			fw_opt_refuse(err, use, opt, words[0], "has more than 16 addresses");
			fw_err_words(err, "too many addresses specified");
			return -EINVAL;
		}
		if (n >= sizeof(one))
			n = sizeof(one) - 1;
		memcpy(one, p, n);
		one[n] = '\0';
		if (fw_parse_addr(one, FW_IP6, &rt->addrs[rt->n_addrs++]) < 0) {
			fw_opt_refuse(err, use, opt, words[0], "is no list of IPv6 addresses");
			fw_err_words(err, "bad address: %s", one);
			return -EINVAL;
		}
		if (!p[n])
			return 0;
		p += n + 1;
	}
}

static void print_addrs(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct rt *rt = use->data;

	for (uint32_t i = 0; i < rt->n_addrs; i++) {
		if (i)
			fw_buf_char(out, ',');
		fw_print_addr(&rt->addrs[i], FW_IP6, out);
	}
}

static const struct fw_opt opts[] = {
	[TYPE] = {.name = "rt-type", .kind = FW_OPT_U32, .flags = FW_OPT_NOT, .max = UINT32_MAX,
		  .offset = offsetof(struct rt, type), .arg = "type", .help = "match the type"},
	[SEGSLEFT] = {.name = "rt-segsleft", .kind = FW_OPT_U32_RANGE, .flags = FW_OPT_NOT,
		      .max = UINT32_MAX, .offset = offsetof(struct rt, segs_lo), .arg = "num[:num]",
		      .help = "match the Segments Left field (range)"},
	[LEN] = {.name = "rt-len", .kind = FW_OPT_U32, .flags = FW_OPT_NOT, .max = UINT32_MAX,
		 .offset = offsetof(struct rt, len), .arg = "length",
		 .help = "total length of this header"},
	[RESERVED] = {.name = "rt-0-res", .kind = FW_OPT_FLAG,
		      .help = "check the reserved field too (type 0)"},
	[ADDRS] = {.name = "rt-0-addrs", .kind = FW_OPT_CUSTOM, .parse = take_addrs,
		   .print = print_addrs, .arg = "ADDR[,ADDR...]",
		   .help = "type 0 addresses (list, max: 16)"},
	[NOT_STRICT] = {.name = "rt-0-not-strict", .kind = FW_OPT_FLAG,
			.help = "the list of type 0 addresses is not a strict list"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct rt *rt = use->data;
	bool type0 = fw_use_has(use, TYPE) && !fw_use_inv(use, TYPE) && !rt->type;

	/* every number of segments: the same as not to ask */
	if (fw_use_has(use, SEGSLEFT) && !fw_use_inv(use, SEGSLEFT) && !rt->segs_lo &&
	    rt->segs_hi == UINT32_MAX) {
		use->set &= ~(1ull << SEGSLEFT);
		((struct rt *)use->data)->segs_hi = 0;
	}
	for (unsigned int row = RESERVED; row <= ADDRS; row++) {
		if (!fw_use_has(use, row) || type0)
			continue;
		fw_fail(err, FW_ERR_USAGE, "rt: --%s wants --rt-type 0", opts[row].name);
		fw_err_words(err, "`--rt-type 0' required before `--%s'", opts[row].name);
		return -EINVAL;
	}
	if (fw_use_has(use, NOT_STRICT) && !fw_use_has(use, ADDRS)) {
		fw_fail(err, FW_ERR_USAGE, "rt: --rt-0-not-strict wants --rt-0-addrs");
		fw_err_words(err, "`--rt-0-addr ...' required before `--rt-0-not-strict'");
		return -EINVAL;
	}
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct rt *rt = use->data;

	fw_buf_str(out, " rt");
	if (fw_use_has(use, TYPE))
		fw_buf_fmt(out, " type:%s%u", fw_use_inv(use, TYPE) ? "!" : "", rt->type);
	if (fw_use_has(use, SEGSLEFT) && rt->segs_lo == rt->segs_hi)
		fw_buf_fmt(out, " segsleft:%s%u", fw_use_inv(use, SEGSLEFT) ? "!" : "",
			   rt->segs_lo);
	else if (fw_use_has(use, SEGSLEFT))
		fw_buf_fmt(out, " segslefts:%s%u:%u", fw_use_inv(use, SEGSLEFT) ? "!" : "",
			   rt->segs_lo, rt->segs_hi);
	if (fw_use_has(use, LEN))
		fw_buf_fmt(out, " length:%s%u", fw_use_inv(use, LEN) ? "!" : "", rt->len);
	if (fw_use_has(use, RESERVED))
		fw_buf_str(out, " reserved");
	if (fw_use_has(use, ADDRS)) {
		fw_buf_str(out, " 0-addrs ");
		print_addrs(&opts[ADDRS], use, family, out);
	}
	if (fw_use_has(use, NOT_STRICT))
		fw_buf_str(out, " 0-not-strict");
}

/* Do the header's addresses begin with ours (strict: and end there), or have them in this order? */
static bool addrs_match(const struct rt *rt, bool strict, const uint8_t *addrs, uint32_t n)
{
	uint32_t found = 0;

	if (rt->n_addrs > n || (strict && rt->n_addrs != n))
		return false;
	for (uint32_t i = 0; i < n && found < rt->n_addrs; i++) {
		if (!memcmp(addrs + i * 16, rt->addrs[found].u8, 16))
			found++;
		else if (strict)
			return false;
	}
	return found == rt->n_addrs;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct rt *rt = use->data;
	uint32_t off = ext6_find_or_drop(e, IPPROTO_ROUTING), len;
	const uint8_t *h;

	if (!off)
		return false;
	h = fw_packet_bytes(e->pkt, off, 4);
	len = (h[1] + 1u) * 8;
	if (e->pkt->len - off < len) {
		e->hotdrop = true;
		return false;
	}
	if (fw_use_has(use, SEGSLEFT) &&
	    (h[3] >= rt->segs_lo && h[3] <= rt->segs_hi) == fw_use_inv(use, SEGSLEFT))
		return false;
	if (fw_use_has(use, LEN) && (rt->len == len) == fw_use_inv(use, LEN))
		return false;
	if (fw_use_has(use, TYPE) && (rt->type == h[2]) == fw_use_inv(use, TYPE))
		return false;
	if (!fw_use_has(use, RESERVED) && !fw_use_has(use, ADDRS))
		return true;
	h = fw_packet_bytes(e->pkt, off, fw_use_has(use, ADDRS) ? len : 8);
	if (!h) {
		e->hotdrop = true;
		return false;
	}
	if (fw_use_has(use, RESERVED) && (h[4] | h[5] | h[6] | h[7]))
		return false;
	return !fw_use_has(use, ADDRS) ||
		addrs_match(rt, !fw_use_has(use, NOT_STRICT), h + 8, (len - 8) / 16);
}

const struct fw_ext fw_match_rt = {
	.name = "rt", .summary = "the IPv6 routing header",
	.flags = FW_EXT_DROPS, .families = 1 << FW_IP6,
	.size = sizeof(struct rt), .opts = opts, .check = check, .list = list, .match = match,
};
