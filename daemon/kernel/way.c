/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets cannot be judged as they came, and the queue that they have to come through first.
 *
 * Whole packets.  A packet of which we need every byte goes to full_number and comes back whole.
 * While any packet is on that way, all others whose checksum is unverified take it too, so that
 * they do not overtake it.
 *
 * Changed packets.  Rules change a packet where it lies, in its slot, and its verdict carries it
 * back; what the kernel takes back counts as checksummed, so all of its checksum must be there.  A
 * super-packet of TCP may come and go as it is.  Others the kernel would cut up wrongly: those
 * take the way through parts_number, where it cuts them before we look.  How many parts come back
 * is not told, so an acknowledgement asked for behind them tells when all are there; until then
 * what might overtake them goes the same way.
 */
#include "worker.h"

#define TCP_SYN		0x02
#define ICMP6_INFO	128 /* from here on ICMPv6's types are no errors */
#define TCP_HEADER_MAX	60 /* and what an error of ICMP quotes of use is no longer */
#define DCCP_HEADER_MAX 1020

/* Bytes of the upper layer that somebody may read, beside rules that say FW_NEED_PAYLOAD. */
static uint32_t upper_size(const struct fw_packet *pkt, bool tracked)
{
	switch (pkt->proto) {
	case IPPROTO_DCCP: return DCCP_HEADER_MAX;
	case IPPROTO_SCTP: /* an association's state changes by any chunk */
		return tracked ? pkt->l4_len : TCP_HEADER_MAX;
	case IPPROTO_ICMPV6: /* what an error quotes has extension headers of its own */
		return pkt->icmp_type < ICMP6_INFO ? pkt->l4_len : TCP_HEADER_MAX;
	default: return TCP_HEADER_MAX;
	}
}

/* Are all headers in what was copied of the packet?  IPv4's and TCP's always are. */
static bool holds_headers(const struct fw_packet *pkt, bool tracked)
{
	uint32_t size;

	if (pkt->fragment || !pkt->has_proto)
		return pkt->fragment;
	size = upper_size(pkt, tracked);
	return pkt->l4_off + (size < pkt->l4_len ? size : pkt->l4_len) <= pkt->cap_len;
}

/*
 * Does anyone need bytes that we do not hold?  Headers, the tracker and all rules; the rest, beside
 * rules that say so, only where nobody verified the checksum: the tracker and REJECT have to.  (Of
 * what leaves, the message does not say; REJECT checks that too.)
 */
static bool wants_whole(const struct fwd_worker *w, const struct fwd_msg *m,
			const struct fw_plan *plan)
{
	const struct fw_pkt_meta *meta = &m->pkt.meta;
	const enum fw_family f = m->pkt.family;
	const unsigned int flags = plan->flags[f];
	const bool tracked = plan->track_here[f][meta->hook];

	if (m->queue != w->number || !(m->truncated || w->detours))
		return false;
	if (m->truncated && ((flags & FW_NEED_PAYLOAD) || !holds_headers(&m->pkt, tracked)))
		return true;
	if (meta->flags & FW_PKT_CSUM_UNCHECKED)
		return tracked || (flags & (FW_NEED_CSUM | FW_NEED_QUOTE));
	return meta->hook == FW_OUTPUT && !(meta->flags & FW_PKT_CSUM_PARTIAL) &&
		(flags & FW_NEED_QUOTE);
}

/* May the engine change this packet here? */
static bool may_change(const struct fwd_msg *m, const struct fw_plan *plan)
{
	const unsigned int write = plan->write[m->pkt.family][m->pkt.meta.hook];

	if (m->pkt.meta.carried && m->pkt.meta.nat_status)
		return true; /* its ends */
	return (write & FW_NEED_WRITE) ||
		((write & FW_NEED_SYN) && m->pkt.proto == IPPROTO_TCP &&
		 (m->pkt.tcp_flags & TCP_SYN));
}

/* May the packet come back changed as it is, and can we complete its checksum? */
static bool is_plain(const struct fw_packet *pkt)
{
	const bool tcp = pkt->has_proto && pkt->proto == IPPROTO_TCP;

	if (pkt->meta.flags & FW_PKT_GSO)
		return tcp;
	if (!(pkt->meta.flags & FW_PKT_CSUM_PARTIAL))
		return true;
	/* behind extension headers the checksum may be about another destination */
	return (tcp || (pkt->has_proto && pkt->proto == IPPROTO_UDP)) && !pkt->fragment &&
		pkt->l4_ok && (pkt->family == FW_IP4 || pkt->l4_off == 40);
}

uint16_t fwd_way(const struct fwd_worker *w, const struct fwd_msg *m, const struct fw_plan *plan)
{
	if (m->queue != w->parts_number && may_change(m, plan)) {
		const bool tcp = m->pkt.has_proto && m->pkt.proto == IPPROTO_TCP;

		if (!is_plain(&m->pkt) || (w->barriers && !tcp))
			return w->parts_number;
		if (m->queue == w->full_number && m->truncated)
			return w->parts_number; /* beyond what one message holds */
		if (m->queue == w->number && (m->truncated || w->detours))
			return w->full_number;
	}
	return wants_whole(w, m, plan) ? w->full_number : 0;
}
