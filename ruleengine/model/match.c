/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic matches, as ip_packet_match() and ip6_packet_match() of the kernel judge them.
 *
 * IPv6 differs in two ways: -p asks for the last header of the chain (a packet whose chain cannot
 * be walked, or whose later fragment starts inside it, matches no -p, negated or not, and is
 * dropped for it: fw_generic_hotdrop()), and there is no -f.
 */
#include <string.h>

#include "fw/ruleset.h"

static bool addr4(const union fw_addr *addr, const union fw_addr *net, const union fw_addr *mask,
		  bool inv)
{
	return ((addr->u32[0] & mask->u32[0]) != net->u32[0]) == inv;
}

static bool addr6(const union fw_addr *addr, const union fw_addr *net, const union fw_addr *mask,
		  bool inv)
{
	bool differs = ((addr->u64[0] & mask->u64[0]) ^ net->u64[0]) |
		((addr->u64[1] & mask->u64[1]) ^ net->u64[1]);

	return differs == inv;
}

static bool name(const char *is, const char *want, uint8_t cmp, bool inv)
{
	/* `! -i +` matches nothing, as in the kernel */
	return cmp ? (memcmp(is, want, cmp) != 0) == inv : !inv;
}

static bool proto4(const struct fw_generic *g, const struct fw_packet *pkt)
{
	if (g->proto && (pkt->proto != g->proto) != !!(g->inv & FW_INV_PROTO))
		return false;
	return !g->frag || !pkt->fragment == !!(g->inv & FW_INV_FRAG);
}

static bool proto6(const struct fw_generic *g, const struct fw_packet *pkt)
{
	if (!g->proto)
		return true;
	if (!pkt->has_proto)
		return false;
	if (pkt->proto == g->proto)
		return !(g->inv & FW_INV_PROTO);
	return g->inv & FW_INV_PROTO;
}

bool fw_generic_match(const struct fw_generic *g, const struct fw_packet *pkt)
{
	if (pkt->family == FW_IP4) {
		if (!addr4(&pkt->src, &g->src, &g->src_mask, g->inv & FW_INV_SRC) ||
		    !addr4(&pkt->dst, &g->dst, &g->dst_mask, g->inv & FW_INV_DST))
			return false;
	} else if (!addr6(&pkt->src, &g->src, &g->src_mask, g->inv & FW_INV_SRC) ||
		   !addr6(&pkt->dst, &g->dst, &g->dst_mask, g->inv & FW_INV_DST)) {
		return false;
	}
	if (!name(pkt->meta.in_name, g->in, g->in_cmp, g->inv & FW_INV_IN) ||
	    !name(pkt->meta.out_name, g->out, g->out_cmp, g->inv & FW_INV_OUT))
		return false;
	return pkt->family == FW_IP4 ? proto4(g, pkt) : proto6(g, pkt);
}

bool fw_generic_hotdrop(const struct fw_generic *g, const struct fw_packet *pkt)
{
	struct fw_generic rest = *g;

	if (pkt->family != FW_IP6 || pkt->has_proto || !g->proto)
		return false;
	rest.proto = 0;
	return fw_generic_match(&rest, pkt);
}
