/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation of what this host answers for others: REJECT's replies, "time exceeded".
 *
 * Such a reply belongs to the flow of the packet that it answers, as the kernel's own would
 * (nf_ct_attach()), and is written with the ends that this packet had where it was stopped.  On its
 * way out rules see it so.  At OUTPUT the kernel would give it the destination, behind POSTROUTING
 * the source that its receiver knows, and an ICMP error the same ends in what it quotes.  The
 * kernel cannot do that for ours, of whose flow it does not know, so it is done here.
 */
#include <netinet/in.h>
#include <string.h>

#include "engine/engine.h"
#include "packet/rewrite.h"

#define QUOTE_MAX 1280

static void patch(uint8_t *sum, const uint8_t *old, const uint8_t *now, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		fw_csum_replace(sum, (uint16_t)(old[i] << 8 | old[i + 1]),
				(uint16_t)(now[i] << 8 | now[i + 1]));
}

/* The upper layer's checksum, if the packet has one and it is there; NULL: none. */
static uint8_t *l4_sum(const struct fw_packet *pkt, uint8_t *data)
{
	uint32_t at;

	if (pkt->fragment || !pkt->has_proto)
		return NULL;
	switch (pkt->proto) {
	case IPPROTO_TCP: at = pkt->l4_off + 16; break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP: at = pkt->l4_off + 6; break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: at = pkt->l4_off + 2; break;
	default: return NULL;
	}
	if (!fw_packet_bytes(pkt, at, 2))
		return NULL;
	return pkt->proto == IPPROTO_UDP && !data[at] && !data[at + 1] ? NULL : data + at;
}

static void put(uint8_t *at, const void *now, uint32_t n, uint8_t *sum, uint8_t *other_sum)
{
	if (sum)
		patch(sum, at, now, n);
	if (other_sum)
		patch(other_sum, at, now, n);
	memcpy(at, now, n);
}

/* Where the upper layer names an end: a port, or what stands for both in a question of ICMP's. */
static uint8_t *port_at(const struct fw_packet *pkt, uint8_t *data, bool source)
{
	const bool icmp = pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6;
	const uint32_t off = pkt->l4_off + (icmp ? 4 : source ? 0 : 2);

	if (pkt->fragment || !(icmp || pkt->has_ports) || !fw_packet_bytes(pkt, off, 2))
		return NULL;
	return data + off;
}

/* One end of the packet whose bytes are at `data` becomes another; sums follow. */
static void put_end(const struct fw_packet *pkt, uint8_t *data, bool source,
		    const union fw_addr *addr, const uint16_t *port_be)
{
	const bool ip4 = pkt->family == FW_IP4;
	const uint32_t n = ip4 ? 4 : 16, at = (ip4 ? 12 : 8) + (source ? 0 : n);
	uint8_t *sum = l4_sum(pkt, data), *port = port_be ? port_at(pkt, data, source) : NULL;

	put(data + at, addr, n, pkt->proto == IPPROTO_ICMP ? NULL : sum, ip4 ? data + 10 : NULL);
	if (port)
		put(port, port_be, 2, sum, NULL);
	if (sum && !sum[0] && !sum[1] &&
	    (pkt->proto == IPPROTO_UDP || pkt->proto == IPPROTO_UDPLITE))
		sum[0] = sum[1] = 0xff; /* zero would say that there is none */
}

/* What an error quotes is about the other end of each; its own checksum covers that, too. */
static void put_quoted(const struct fw_packet *pkt, uint8_t *data, bool source,
		       const union fw_addr *addr, uint16_t port_be)
{
	const uint32_t off = pkt->l4_off + 8;
	const uint32_t n = pkt->cap_len - off < QUOTE_MAX ? pkt->cap_len - off : QUOTE_MAX;
	uint8_t old[QUOTE_MAX], *sum = l4_sum(pkt, data);
	struct fw_packet inner;

	if (fw_packet_inner(pkt, &inner) < 0 || !sum)
		return;
	memcpy(old, data + off, n);
	put_end(&inner, data + off, source, addr, &port_be);
	patch(sum, old, data + off, n & ~1u);
}

/* The receiver's own view of the end that the hook translates, or NULL: nothing to do here. */
static const struct fw_tuple *known_to_receiver(const struct fw_eval *e, struct fw_tuple *room)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const enum fw_ct_dir dir = fw_ctinfo_dir(e->ctinfo);
	const bool source = meta->hook == FW_POSTROUTING;
	uint32_t bit = source == (dir == FW_DIR_REPLY) ? FW_CTS_DST_NAT : FW_CTS_SRC_NAT;

	if (!meta->carried || !e->flow || !(fw_flow_status(e->flow) & bit))
		return NULL;
	if (!source && (meta->hook != FW_OUTPUT || meta->part == FW_PART_BEHIND_NAT ||
			meta->part == FW_PART_RAW))
		return NULL;
	return fw_flow_tuple(e->flow, dir == FW_DIR_REPLY ? FW_DIR_ORIG : FW_DIR_REPLY, room);
}

void fw_reply_translate(struct fw_eval *e)
{
	const bool source = e->pkt->meta.hook == FW_POSTROUTING;
	const bool reset = e->pkt->proto == IPPROTO_TCP;
	struct fw_tuple room;
	const struct fw_tuple *t = known_to_receiver(e, &room);
	const union fw_addr *addr;
	uint16_t port_be;
	uint8_t *data;

	data = t ? fw_rewrite_bytes(e, 0, e->pkt->cap_len) : NULL;
	if (!data)
		return;
	addr = source ? &t->dst : &t->src;
	port_be = source && t->proto != IPPROTO_ICMP && t->proto != IPPROTO_ICMPV6 ? t->dport_be
										  : t->sport_be;
	if (!reset)
		put_quoted(e->pkt, data, !source, addr, port_be);
	put_end(e->pkt, data, source, addr, reset ? &port_be : NULL);
	fw_rewrite_done(e);
}
