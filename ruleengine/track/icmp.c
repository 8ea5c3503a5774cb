/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP and the tracker: which messages it follows, and whose flow an error speaks of.
 *
 * Errors get the flow of the packet that they quote.  Those that this host's kernel makes carry
 * that flow with them (nf_ct_attach) although it may never have been confirmed, or never been seen
 * here; they leave without a socket's uid.  For them a transient flow is made up from the quote, if
 * the quoted packet could have begun one.
 */
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

static bool never_tracked6(uint8_t type)
{
	switch (type) {
	case 130:
	case 131:
	case 132: /* multicast listeners */
	case 133:
	case 134:
	case 135:
	case 136: /* routers and neighbours */
	case 143:
	case 151:
	case 152: /* listener reports v2, multicast routers */ return true;
	default: return false;
	}
}

/* A redirect quotes its packet in an option; only one that comes from a router on the link. */
static enum ct_icmp redirect6(const struct fw_packet *pkt, uint32_t *quote)
{
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, 42);

	if (!p)
		return CT_ICMP_BAD;
	if (p[1])
		return CT_ICMP_PLAIN;
	if (pkt->ttl != 255 || pkt->src.u8[0] != 0xfe || (pkt->src.u8[1] & 0xc0) != 0x80 || !p[41])
		return CT_ICMP_BAD;
	if (p[40] != 4) /* the redirected header */
		return CT_ICMP_PLAIN;
	*quote = pkt->l4_off + 48;
	return CT_ICMP_ERROR;
}

enum ct_icmp ct_icmp_taken(const struct fw_packet *pkt, uint32_t *quote)
{
	const uint8_t *p;

	if (pkt->proto != (pkt->family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return CT_ICMP_BAD; /* the other family's: the kernel makes no flow of it either */
	p = pkt->l4_len >= 8 ? fw_packet_bytes(pkt, pkt->l4_off, 8) : NULL;
	if (!p)
		return CT_ICMP_BAD;
	*quote = pkt->l4_off + 8;
	if (pkt->family == FW_IP4) {
		if (p[0] > 18)
			return CT_ICMP_BAD;
		return p[0] == 3 || p[0] == 4 || p[0] == 5 || p[0] == 11 || p[0] == 12
			? CT_ICMP_ERROR
			: CT_ICMP_PLAIN;
	}
	if (never_tracked6(p[0]))
		return CT_ICMP_UNTRACKED;
	if (p[0] == 137)
		return redirect6(pkt, quote);
	return p[0] >= 128 ? CT_ICMP_PLAIN : CT_ICMP_ERROR;
}

enum ct_icmp ct_icmp_kind(const struct fw_ct *ct, const struct fw_packet *pkt, uint32_t *quote)
{
	const enum ct_icmp kind = ct_icmp_taken(pkt, quote);

	return kind != CT_ICMP_BAD && ct_csum_bad(ct, pkt) ? CT_ICMP_BAD : kind;
}

bool ct_is_icmp(const struct fw_packet *pkt)
{
	return pkt->has_proto && !pkt->fragment &&
		(pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6);
}

static uint32_t read16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* The quoted packet as it was: the quote may end before it, what is missing is no fault of its. */
static int quoted_packet(const struct fw_packet *pkt, struct fw_packet *inner)
{
	uint32_t len;

	if (fw_packet_inner(pkt, inner) < 0)
		return -1;
	len = inner->family == FW_IP4 ? read16(inner->data + 2) : 40u + read16(inner->data + 4);
	if (len > inner->len) {
		inner->l4_len += len - inner->len;
		inner->len = len;
	}
	inner->meta.hook = FW_PREROUTING;
	inner->meta.flags = FW_PKT_CSUM_UNCHECKED;
	return 0;
}

/* What tells one packet from another, by what an error quotes of it (FNV-1a); never 0. */
static uint64_t digest(const struct fw_packet *pkt)
{
	const uint32_t left = pkt->cap_len > pkt->l4_off ? pkt->cap_len - pkt->l4_off : 0;
	uint64_t h = 0xcbf29ce484222325ull ^ pkt->proto;

	for (size_t i = 0; i < sizeof(pkt->src); i++)
		h = ((h ^ pkt->src.u8[i]) * 0x100000001b3ull ^ pkt->dst.u8[i]) * 0x100000001b3ull;
	for (uint32_t i = 0; i < left && i < 20; i++)
		h = (h ^ pkt->data[pkt->l4_off + i]) * 0x100000001b3ull;
	return h | 1;
}

void fw_ct_lost(struct fw_ct *ct, const struct fw_packet *pkt)
{
	ct->lost[ct->lost_next++ % FW_ARRAY_SIZE(ct->lost)] = digest(pkt);
}

static bool was_lost(const struct fw_ct *ct, const struct fw_packet *quoted)
{
	const uint64_t d = digest(quoted);

	for (size_t i = 0; i < FW_ARRAY_SIZE(ct->lost); i++)
		if (ct->lost[i] == d)
			return true;
	return false;
}

/* Protocols of which a packet too short for its header has no flow.  Our kernel quotes a header
 * that is there: what a quote of its lacks, the packet lacked. */
static bool needs_header(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
		proto == IPPROTO_SCTP || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Could the quoted packet have begun a flow?  A wrong checksum, say, and the kernel knew none. */
static bool would_start(struct fw_ct *ct, const struct fw_packet *pkt, const struct fw_tuple *t,
			uint64_t now)
{
	struct fw_flow flow = {.orig = *t};
	struct fw_packet inner;
	struct ct_ctx c = {.ct = ct,
			   .pkt = &inner,
			   .flow = &flow,
			   .now = now,
			   .dir = FW_DIR_ORIG,
			   .ctinfo = FW_CT_NEW,
			   .fresh = true};
	uint32_t quote;

	if (quoted_packet(pkt, &inner) < 0)
		return !needs_header(t->proto);
	if (was_lost(ct, &inner))
		return false;
	if (ct_is_icmp(&inner) && ct_icmp_kind(ct, &inner, &quote) != CT_ICMP_PLAIN)
		return false;
	return ct_handle(&c) == CT_ACCEPT;
}

/* Was the quoted packet in order, as far as we know or it tells by itself? */
static bool was_valid(struct fw_ct *ct, const struct fw_packet *pkt, uint32_t quote, uint64_t now)
{
	struct fw_tuple t;
	struct fw_packet inner;

	if (quoted_packet(pkt, &inner) < 0) {
		ct_tuple_quoted(pkt, quote, &t); /* its protocol at least, unless there is none */
		return !needs_header(t.proto);
	}
	if (was_lost(ct, &inner))
		return false;
	if (ct_is_icmp(&inner))
		return ct_icmp_kind(ct, &inner, &quote) != CT_ICMP_BAD;
	if (inner.proto == IPPROTO_TCP)
		return ct_tcp_sane(&inner) && !ct_csum_bad(ct, &inner);
	if (inner.proto == IPPROTO_SCTP)
		return true; /* tags are the flow's matter */
	return ct_tuple_of(&inner, &t) && would_start(ct, pkt, &t, now);
}

bool fw_ct_comes_tracked(struct fw_ct *ct, const struct fw_packet *pkt, uint64_t now)
{
	uint32_t quote;

	/* REJECT's answers say in the mark whose they are: those that do not are nobody's. */
	if (pkt->meta.hook != FW_OUTPUT || pkt->meta.has_uid || pkt->meta.own || !ct_is_icmp(pkt) ||
	    ct_icmp_kind(ct, pkt, &quote) != CT_ICMP_ERROR)
		return false;
	if (pkt->family == FW_IP4 ? pkt->icmp_type == 3 && pkt->icmp_code == 3
				  : pkt->icmp_type == 1 && pkt->icmp_code == 4)
		return false;
	return was_valid(ct, pkt, quote, now);
}

/* The error travels against the quoted packet, so it goes the way of its answer. */
bool ct_quoted_key(const struct fw_ct *ct, const struct fw_tuple *quoted, struct ct_key *ret)
{
	struct fw_tuple answer;

	return ct_tuple_invert(quoted, &answer) && ct_key_make(ct, &answer, ret);
}

/* An error must be for whom the answer would be for, else it is somebody's invention. */
static bool is_for(const struct fw_packet *pkt, const struct fw_flow *flow, enum fw_ct_dir dir)
{
	struct fw_tuple room;

	return !memcmp(&fw_flow_tuple(flow, dir, &room)->dst, &pkt->dst, sizeof(pkt->dst));
}

int ct_icmp_error(struct fw_ct *ct, struct fw_eval *e, uint32_t quote, bool dying)
{
	const struct fw_packet *pkt = e->pkt;
	struct fw_tuple quoted;
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	ct->stats.icmp_error++;
	if (!ct_tuple_quoted(pkt, quote, &quoted))
		return ct_invalid(ct, e);
	flow = ct_quoted_key(ct, &quoted, &key) ? ct_find(ct, &key, e->now, dying, &dir) : NULL;
	if (flow && is_for(pkt, flow, dir))
		return ct_set(e, flow, dir == FW_DIR_REPLY ? FW_CT_RELATED_REPLY : FW_CT_RELATED);
	if ((pkt->meta.hook == FW_OUTPUT || pkt->meta.hook == FW_POSTROUTING) &&
	    !pkt->meta.has_uid && would_start(ct, pkt, &quoted, e->now))
		return ct_set(e, ct_transient(ct, pkt, &quoted, e->now), FW_CT_RELATED_REPLY);
	return ct_invalid(ct, e);
}
