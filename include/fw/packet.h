/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet view: headers parsed once, lengths checked there and nowhere else.
 *
 * A view is a value.  It points into the caller's buffer and never outlives it.  Only bytes
 * [0, cap_len) exist; a packet's own length (`len`) may be larger, because the queue copies only
 * the first bytes.  "Truncated" always means: the packet itself ends too early, as the kernel's
 * skb_header_pointer() would find, not that our copy does.
 */
#ifndef FW_PACKET_H
#define FW_PACKET_H

#include "fw/types.h"

#define FW_PKT_CSUM_PARTIAL   0x01 /* checksum not computed yet, trusted (NFQA_SKB_CSUMNOTREADY) */
#define FW_PKT_CSUM_UNCHECKED 0x02 /* nobody verified it (NFQA_SKB_CSUM_NOTVERIFIED) */
#define FW_PKT_GSO            0x04 /* a super-packet (NFQA_SKB_GSO) */

/* xt_pkttype values (include/uapi/linux/if_packet.h PACKET_*). */
enum fw_pkttype { FW_PKT_HOST, FW_PKT_BROADCAST, FW_PKT_MULTICAST, FW_PKT_OTHERHOST };

/* Which of a hook's tables this visit is for, where one visit cannot be for all. */
enum fw_part {
	FW_PART_ALL,
	FW_PART_TO_NAT,
	FW_PART_BEHIND_NAT,
	FW_PART_RAW,   /* raw alone, ahead of the kernel's tracking */
	FW_PART_EXPECTED, /* no table: an expected connection begins, the tracker is to know */
	FW_PART_DYING, /* no table: the packet has no hop left, and its sender is to be told */
	FW_PART_WAITING, /* no table: the packet may have overtaken its connection's first one */
};

/* What the kernel's message says beside the bytes.  Filled by the caller of fw_packet_parse(). */
struct fw_pkt_meta {
	uint8_t hook;        /* enum fw_hook */
	uint8_t flags;       /* FW_PKT_* */
	uint8_t pkttype;     /* enum fw_pkttype */
	bool has_mac;        /* source MAC known (packets that came in over Ethernet) */
	bool has_uid;        /* uid/gid known: sent by a local socket */
	bool has_socket;     /* a local socket sends it, be it the kernel's own or half-made */
	bool has_listener;   /* no uid, but that of the listener behind a SYN-ACK is known */
	bool own;            /* made by the daemon itself: REJECT's answer */
	bool carried;        /* … and the flow that it belongs to is not the kernel's to tell */
	uint8_t ctinfo;      /* enum fw_ctinfo carried in our mark bits; FW_CT_NONE: none */
	uint8_t part;        /* enum fw_part */
	bool to_local;       /* of a packet that is answered: its destination is an address of ours */
	bool nat_pending;    /* the nat table is to be asked; told for the daemon's own and while the
	                      * kernel tracks */
	uint8_t nat_status;  /* likewise: FW_CTS_SRC_NAT, FW_CTS_DST_NAT */
	uint8_t helper;      /* with FW_PART_EXPECTED: whose (fw/helper.h) */
	uint8_t mac[6];
	uint32_t mark;       /* user's bits only: the daemon has taken its own away */
	uint32_t uid, gid;
	uint32_t listener_uid, listener_gid; /* some number that no rule tells from the true one */
	uint32_t in_ifindex, out_ifindex; /* 0: none at this hook */
	char in_name[FW_IFNAMSIZ], out_name[FW_IFNAMSIZ]; /* "" where none; zero-padded */
	uint32_t came_ifindex; /* where it came in, also at POSTROUTING (IPv4); 0: made here */
	uint32_t phys_in_ifindex, phys_out_ifindex; /* a bridge's ports, 0: none */
	char phys_in[FW_IFNAMSIZ], phys_out[FW_IFNAMSIZ];
};

#define FW_PACKET_SPARE 4 /* bytes by which a rule may make a packet longer (TCPMSS) */

struct fw_packet {
	const uint8_t *data; /* the IP header */
	uint8_t *writable;   /* the same place, where rules may change the packet: the caller holds
	                      * all of it (cap_len == len) and FW_PACKET_SPARE bytes behind it.
	                      * NULL: nothing may be changed.  Set by the caller after parsing */
	uint32_t cap_len;    /* bytes at data */
	uint32_t len;        /* bytes of the packet as the kernel has it (counters count these) */
	enum fw_family family;

	union fw_addr src, dst;
	uint8_t tos;         /* IPv4 TOS or IPv6 traffic class */
	uint8_t ttl;         /* or hop limit */
	uint8_t proto;       /* of the upper layer; for later fragments: what the fragment says */
	bool has_proto;      /* false: IPv6 header chain broken or truncated */
	bool fragment;       /* not the first fragment: no upper-layer header here */
	bool frag_more;      /* more fragments follow */
	uint16_t frag_off;   /* bytes */
	uint32_t l4_off;     /* offset of the upper-layer header (of the fragment's data) */
	uint32_t l4_len;     /* upper-layer bytes according to the IP header; 0 when fragment */

	/*
	 * Upper layer, host order.  l4_ok: the complete minimum header of proto (TCP 20, UDP 8,
	 * UDP-Lite 8, SCTP 12, DCCP 12, ICMP 8, ICMPv6 8, AH 12, ESP 8, IPComp 4, GRE 4) is inside
	 * the packet and our copy.  Otherwise l4_short tells that the packet ended before it.
	 */
	bool l4_ok, l4_short;
	uint16_t sport, dport;    /* TCP, UDP, UDP-Lite, SCTP, DCCP; first 4 bytes suffice
	                           * (has_ports) even where l4_ok is false */
	bool has_ports;
	uint8_t tcp_flags;        /* byte 13 of the header: FIN 01 SYN 02 RST 04 PSH 08 ACK 10 URG 20 */
	uint8_t icmp_type, icmp_code;

	struct fw_pkt_meta meta;
};

/*
 * Make a view of the `cap_len` bytes at `data`, the head of a packet of `len` bytes.
 *
 * @family  what the kernel's message says (ethertype)
 *
 * Takes over *meta.  0, or -1: not a packet the kernel would hand to a hook (version, header
 * length, total length); the caller drops it and counts.  Any thread; never allocates.
 */
int fw_packet_parse(struct fw_packet *pkt, enum fw_family family, const void *data,
		    uint32_t cap_len, uint32_t len, const struct fw_pkt_meta *meta);

/*
 * `n` bytes at offset `off` of the packet, or NULL when the packet or our copy ends before them.
 * Borrowed from the buffer.  The one way to read bytes.
 */
static inline const uint8_t *fw_packet_bytes(const struct fw_packet *pkt, uint32_t off, uint32_t n)
{
	if (off > pkt->cap_len || n > pkt->cap_len - off)
		return NULL;
	return pkt->data + off;
}

/*
 * Is this only a part of what a checksum is about?  Of IPv6 the tracker meets no fragments but first
 * ones that cannot be put together, their length being odd (no multiple of 8); those the kernel takes
 * for packets.
 */
static inline bool fw_packet_is_part(const struct fw_packet *pkt)
{
	return pkt->fragment || (pkt->frag_more && pkt->family == FW_IP4);
}

/*
 * Does the upper-layer checksum hold?  1 yes (or nobody need check: FW_PKT_CSUM_PARTIAL, or not
 * FW_PKT_CSUM_UNCHECKED), 0 no, -1 cannot tell: our copy lacks bytes (ask for the payload).
 * TCP, UDP (0 = none, in IPv6 too: as nf_conntrack), UDP-Lite, ICMP, ICMPv6; other protocols: 1.
 */
int fw_packet_csum_ok(const struct fw_packet *pkt);

/*
 * Compute and write the TCP or UDP checksum of a writable packet of which all bytes are there.
 * False: another protocol, or something is missing; nothing was written.
 */
bool fw_packet_fill_csum(const struct fw_packet *pkt);

/*
 * The packet quoted inside an ICMP or ICMPv6 error, as a view of its own (meta copied; len is
 * what is quoted).  0, or -1: this is no error message, or too little is quoted (the kernel's
 * nf_conntrack wants the IP header and 8 bytes).
 */
int fw_packet_inner(const struct fw_packet *outer, struct fw_packet *inner);

#endif
