/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j TCPMSS: lower the largest segment that a TCP SYN announces, to a number or to what the path
 * takes; never raise it.  A SYN that announces none gets an option, where it has no data yet.
 */
#include <string.h>

#include <netinet/in.h>

#include "matches/wantsyn.h"
#include "opt/opt.h"
#include "packet/rewrite.h"

#define TCP_HDR	   20u
#define MSS_OPTION 2
#define MSS_LEN	   4u

struct tcpmss {
	uint16_t mss; /* where not clamped */
};

enum { SET, CLAMP };

static const struct fw_opt opts[] = {
	[SET] = {.name = "set-mss", .kind = FW_OPT_U16, .max = UINT16_MAX - 20,
		 .excludes = 1 << CLAMP,
		 .offset = offsetof(struct tcpmss, mss), .arg = "value",
		 .help = "explicitly set MSS option to specified value"},
	[CLAMP] = {.name = "clamp-mss-to-pmtu", .kind = FW_OPT_FLAG, .excludes = 1 << SET,
		   .help = "automatically clamp MSS value to what the path takes"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct tcpmss *m = use->data;
	const uint16_t most = (uint16_t)(UINT16_MAX - (ctx->family == FW_IP4 ? 20 : 40));
	int r;

	if (!use->set) {
		r = fw_fail(err, FW_ERR_USAGE, "TCPMSS: neither --set-mss nor --clamp-mss-to-pmtu");
		fw_err_words(err, "TCPMSS target: At least one parameter is required");
		return r;
	}
	if (m->mss > most) {
		r = fw_fail(err, FW_ERR_USAGE, "TCPMSS: --set-mss: %u is more than %u", m->mss,
			    most);
		fw_err_words(err,
			     "TCPMSS: bad value for option \"--set-mss\", or out of range (0-%u).",
			     most);
		return r;
	}
	return 0;
}

static int beside(const struct fw_use *use, const struct fw_generic *gen,
		  const struct fw_use *matches, unsigned int n_matches, struct fw_err *err)
{
	int r;

	for (unsigned int i = 0; i < n_matches; i++)
		if (!strcmp(matches[i].ext->name, "tcp") && fw_tcp_wants_syn(&matches[i]))
			return 0;
	r = fw_fail(err, FW_ERR_PLACE, "TCPMSS: the rule must match TCP SYNs only");
	fw_err_hint(err, "add --tcp-flags SYN,RST SYN");
	return r;
}

/* The path is known where packets leave. */
static unsigned int places(const struct fw_use *use)
{
	if (!fw_use_has(use, CLAMP))
		return FW_HOOKS_ALL;
	return FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT) | FW_HOOK_BIT(FW_POSTROUTING);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	if (fw_use_has(use, CLAMP))
		fw_buf_str(out, " TCPMSS clamp to PMTU");
	else
		fw_buf_fmt(out, " TCPMSS set %u", ((const struct tcpmss *)use->data)->mss);
}

/* Zero: none can be told, the packet is to be dropped. */
static bool wanted_mss(const struct fw_use *use, struct fw_eval *e, uint16_t *ret)
{
	const struct fw_world_ops *ops = e->world->ops;
	const struct fw_packet *pkt = e->pkt;
	const uint32_t headers = (pkt->family == FW_IP4 ? 20 : 40) + TCP_HDR;
	uint32_t there, back;

	if (!fw_use_has(use, CLAMP)) {
		*ret = ((const struct tcpmss *)use->data)->mss;
		return true;
	}
	if (!ops || !ops->mtu)
		return false;
	there = ops->mtu(e->world->priv, pkt->family, &pkt->dst, pkt->meta.out_ifindex, e->mark);
	back = ops->mtu(e->world->priv, pkt->family, &pkt->src, 0, 0);
	if (!there || (back && back < there))
		there = back;
	if (there <= headers)
		return false;
	*ret = (uint16_t)(there - headers);
	return true;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Where the option stands in the header of n bytes; 0: nowhere. */
static uint32_t find_mss(const uint8_t *tcp, uint32_t n)
{
	for (uint32_t i = TCP_HDR; i + MSS_LEN <= n;) {
		if (tcp[i] == MSS_OPTION && tcp[i + 1] == MSS_LEN)
			return i;
		i += tcp[i] < 2 || !tcp[i + 1] ? 1 : tcp[i + 1];
	}
	return 0;
}

/*
 * At an odd place the two bytes count the other way round.  (xt_TCPMSS.c forgets that and spoils
 * such a packet, which its receiver then drops.)
 */
static uint16_t counted(uint16_t v, uint32_t at)
{
	return at % 2 ? (uint16_t)(v << 8 | v >> 8) : v;
}

static bool lower(struct fw_eval *e, uint32_t off, uint32_t at, uint16_t mss)
{
	const uint16_t old = be16(e->pkt->data + off + at + 2);
	uint8_t *tcp;

	if (old <= mss)
		return true;
	tcp = fw_rewrite_bytes(e, off, at + MSS_LEN);
	if (!tcp)
		return false;
	put_be16(tcp + at + 2, mss);
	fw_csum_replace(tcp + 16, counted(old, at), counted(mss, at));
	fw_rewrite_done(e);
	return true;
}

/*
 * The option becomes the first; the others move behind it.  `len` is all there is of the segment,
 * a header without data.  Its length is part of the checksum, and its header says it too.
 */
static bool insert(struct fw_eval *e, uint32_t off, uint32_t len, uint16_t mss)
{
	const uint16_t most = e->pkt->family == FW_IP4 ? 536 : 1220;
	uint8_t *tcp = fw_rewrite_bytes(e, off, len), *op;
	uint16_t old;

	if (!tcp)
		return false;
	op = tcp + TCP_HDR;
	memmove(op + MSS_LEN, op, len - TCP_HDR);
	op[0] = MSS_OPTION;
	op[1] = MSS_LEN;
	put_be16(op + 2, mss < most ? mss : most);
	fw_csum_replace(tcp + 16, (uint16_t)len, (uint16_t)(len + MSS_LEN));
	fw_csum_replace(tcp + 16, 0, be16(op));
	fw_csum_replace(tcp + 16, 0, be16(op + 2));
	old = be16(tcp + 12);
	tcp[12] = (uint8_t)(tcp[12] + (MSS_LEN / 4 << 4));
	fw_csum_replace(tcp + 16, old, be16(tcp + 12));
	fw_rewrite_grow(e, MSS_LEN);
	fw_rewrite_done(e);
	return true;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	const uint32_t off = pkt->l4_off;
	const uint32_t len = pkt->len > off ? pkt->len - off : 0;
	const uint8_t *tcp = fw_packet_bytes(pkt, off, TCP_HDR);
	uint32_t n, at;
	uint16_t mss;

	if (pkt->fragment)
		return FW_CONTINUE;
	if (!tcp || !pkt->writable)
		return FW_DROP;
	n = (uint32_t)(tcp[12] >> 4) * 4;
	if (n < TCP_HDR || len < n || !fw_packet_bytes(pkt, off, n) || !wanted_mss(use, e, &mss))
		return FW_DROP;
	at = find_mss(tcp, n);
	if (at)
		return lower(e, off, at, mss) ? FW_CONTINUE : FW_DROP;
	if (len > n || n == 60)
		return FW_CONTINUE;
	return insert(e, off, len, mss) ? FW_CONTINUE : FW_DROP;
}

const struct fw_ext fw_target_tcpmss = {
	.name = "TCPMSS", .target = true, .summary = "lower the largest segment that a TCP SYN announces",
	.proto = IPPROTO_TCP, .flags = FW_NEED_SYN,
	.size = sizeof(struct tcpmss), .opts = opts, .check = check, .beside = beside,
	.places = places, .list = list, .run = run,
};
