/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the queue tells about a packet, made into what the engine wants to know.
 *
 * The messages come from the kernel, yet lengths are checked: a wrong one must drop a packet, not
 * the daemon.  Not every attribute can be believed at every hook (HAS_ below): the owner that is
 * told at INPUT, say, is not the sender.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel.h"

#define HOOK(h)	  FW_HOOK_BIT(h)
#define INBOUND	  (HOOK(FW_PREROUTING) | HOOK(FW_INPUT) | HOOK(FW_FORWARD))
#define HAS_IN	  (INBOUND | HOOK(FW_POSTROUTING)) /* there: of what is forwarded */
#define HAS_OUT	  (HOOK(FW_FORWARD) | HOOK(FW_OUTPUT) | HOOK(FW_POSTROUTING))
#define HAS_OWNER (HOOK(FW_OUTPUT) | HOOK(FW_POSTROUTING))

struct raw { /* the attributes as they are */
	const uint8_t *payload;
	uint32_t payload_len, cap_len;
	uint32_t mark, info, in, out, phys_in, phys_out, uid, gid;
	bool has_hdr, has_cap_len, has_uid, has_gid, has_mac;
	struct nfqnl_msg_packet_hdr hdr;
	struct nfqnl_msg_packet_hw mac;
};

static uint32_t get_be32(const void *data)
{
	uint32_t v;

	memcpy(&v, data, sizeof(v));
	return ntohl(v);
}

static void take_u32(struct raw *raw, unsigned int type, const void *data)
{
	switch (type) {
	case NFQA_MARK: raw->mark = get_be32(data); break;
	case NFQA_IFINDEX_INDEV: raw->in = get_be32(data); break;
	case NFQA_IFINDEX_OUTDEV: raw->out = get_be32(data); break;
	case NFQA_IFINDEX_PHYSINDEV: raw->phys_in = get_be32(data); break;
	case NFQA_IFINDEX_PHYSOUTDEV: raw->phys_out = get_be32(data); break;
	case NFQA_SKB_INFO: raw->info = get_be32(data); break;
	case NFQA_CAP_LEN:
		raw->cap_len = get_be32(data);
		raw->has_cap_len = true;
		break;
	case NFQA_UID:
		raw->uid = get_be32(data);
		raw->has_uid = true;
		break;
	case NFQA_GID:
		raw->gid = get_be32(data);
		raw->has_gid = true;
		break;
	}
}

static void take(struct raw *raw, unsigned int type, const uint8_t *data, uint32_t len)
{
	if (type == NFQA_PAYLOAD) {
		raw->payload = data;
		raw->payload_len = len;
	} else if (type == NFQA_PACKET_HDR && len >= sizeof(raw->hdr)) {
		memcpy(&raw->hdr, data, sizeof(raw->hdr));
		raw->has_hdr = true;
	} else if (type == NFQA_HWADDR && len >= sizeof(raw->mac)) {
		memcpy(&raw->mac, data, sizeof(raw->mac));
		raw->has_mac = ntohs(raw->mac.hw_addrlen) == 6;
	} else if (len >= sizeof(uint32_t)) {
		take_u32(raw, type, data);
	}
}

static void take_all(struct raw *raw, const uint8_t *p, size_t len)
{
	while (len >= NLA_HDRLEN) {
		struct nlattr nla;
		size_t step;

		memcpy(&nla, p, sizeof(nla));
		if (nla.nla_len < NLA_HDRLEN || nla.nla_len > len)
			return;
		take(raw, nla.nla_type & NLA_TYPE_MASK, p + NLA_HDRLEN, nla.nla_len - NLA_HDRLEN);
		step = NLA_ALIGN(nla.nla_len);
		if (step > len)
			return;
		p += step;
		len -= step;
	}
}

static void fill_meta(struct fw_pkt_meta *meta, const struct raw *raw, unsigned int shift)
{
	const uint32_t ours = raw->mark >> shift;
	const unsigned int bit = HOOK(raw->hdr.hook);

	meta->hook = raw->hdr.hook;
	meta->flags = (raw->info & NFQA_SKB_CSUMNOTREADY ? FW_PKT_CSUM_PARTIAL : 0) |
		(raw->info & NFQA_SKB_CSUM_NOTVERIFIED ? FW_PKT_CSUM_UNCHECKED : 0) |
		(raw->info & NFQA_SKB_GSO ? FW_PKT_GSO : 0);
	meta->mark = raw->mark & ~fw_mark_mask(shift);
	meta->part = ours & FW_MARK_PART_MASK;
	if (meta->hook == FW_PREROUTING && meta->part == FW_PART_BEHIND_NAT)
		meta->part = FW_PART_DYING;
	if (meta->part == FW_PART_RAW && !(ours & (FW_MARK_CTINFO_MASK | FW_MARK_OWN))) {
		meta->part = FW_PART_EXPECTED;
		meta->helper = (uint8_t)fw_mark_helper_number(ours);
	}
	if (meta->part == FW_PART_TO_NAT && !(ours & (FW_MARK_CTINFO_MASK | FW_MARK_OWN)))
		meta->part = FW_PART_WAITING;
	meta->nat_pending = ours & FW_MARK_NAT_PENDING;
	meta->nat_status = (uint8_t)((ours & FW_MARK_SRC_NAT ? FW_CTS_SRC_NAT : 0) |
				     (ours & FW_MARK_DST_NAT ? FW_CTS_DST_NAT : 0));
	meta->ctinfo = (ours & FW_MARK_CTINFO_MASK) >> FW_MARK_CTINFO_SHIFT;
	if (bit & INBOUND)
		meta->pkttype = (ours & FW_MARK_PKTTYPE_MASK) >> FW_MARK_PKTTYPE_SHIFT;
	if (bit & HAS_IN) {
		meta->in_ifindex = raw->in;
		if (raw->has_mac) {
			meta->has_mac = true;
			memcpy(meta->mac, raw->mac.hw_addr, sizeof(meta->mac));
		}
	}
	if (bit & HAS_OUT)
		meta->out_ifindex = raw->out;
	meta->came_ifindex = raw->in;
	meta->phys_in_ifindex = raw->phys_in;
	meta->phys_out_ifindex = raw->phys_out;
	/* our replies go out as the kernel's would, which belong to nobody */
	meta->own = ours & FW_MARK_OWN;
	meta->carried = meta->own && meta->ctinfo != FW_CT_NONE && !(ours & FW_MARK_OWN_TOLD);
	if ((bit & HAS_OWNER) && raw->has_uid && raw->has_gid && !(ours & FW_MARK_OWN)) {
		meta->has_uid = true;
		meta->uid = raw->uid;
		meta->gid = raw->gid;
	}
}

/*
 * What leaves without having come in has a socket, if only one of the kernel's own.  But for our
 * answers, and for TCP over IPv6 that no connection sends (tcp_v6_send_response()).
 */
static bool has_socket(const struct fw_packet *pkt, const struct raw *raw)
{
	const struct fw_pkt_meta *meta = &pkt->meta;
	const uint8_t synack = 0x12;

	if (meta->own || !(HOOK(meta->hook) & HAS_OWNER))
		return false;
	if (meta->has_uid)
		return true;
	if (pkt->family == FW_IP6 && pkt->proto == IPPROTO_TCP &&
	    (pkt->tcp_flags & synack) != synack)
		return false;
	return meta->hook == FW_OUTPUT || !raw->in;
}

static void make_view(struct fwd_msg *ret, const struct raw *raw, uint8_t family,
		      unsigned int shift)
{
	struct fw_pkt_meta meta = {.hook = 0};
	uint32_t len = raw->has_cap_len ? raw->cap_len : raw->payload_len;

	ret->id = ntohl(raw->hdr.packet_id);
	ret->mark = raw->mark;
	ret->truncated = raw->payload_len < len;
	ret->valid = false;
	ret->ours = (raw->mark & fw_mark_mask(shift)) >> shift;
	if (!raw->payload || raw->hdr.hook >= FW_N_HOOKS ||
	    (family != AF_INET && family != AF_INET6))
		return;
	fill_meta(&meta, raw, shift);
	ret->valid = fw_packet_parse(&ret->pkt, family == AF_INET ? FW_IP4 : FW_IP6, raw->payload,
				     raw->payload_len, len, &meta) == 0;
	ret->pkt.meta.has_socket = ret->valid && has_socket(&ret->pkt, raw);
}

int fwd_msg_parse(const void *data, size_t len, unsigned int mark_shift, struct fwd_msg *ret,
		  int *error)
{
	const size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const uint8_t *p = data;
	struct raw raw = {.payload = NULL};
	struct nlmsghdr nlh;
	struct nfgenmsg nfg;

	*error = 0;
	if (len < sizeof(nlh))
		return -1;
	memcpy(&nlh, p, sizeof(nlh));
	if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len)
		return -1;
	if (nlh.nlmsg_type == NLMSG_ERROR && nlh.nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
		memcpy(error, p + NLMSG_HDRLEN, sizeof(*error));
		return 0;
	}
	if (nlh.nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) || nlh.nlmsg_len < head)
		return -1;

	memcpy(&nfg, p + NLMSG_HDRLEN, sizeof(nfg));
	take_all(&raw, p + head, nlh.nlmsg_len - head);
	if (!raw.has_hdr)
		return -1;
	ret->queue = ntohs(nfg.res_id);
	make_view(ret, &raw, nfg.nfgen_family, mark_shift);
	return 1;
}
