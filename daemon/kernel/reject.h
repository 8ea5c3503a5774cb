/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REJECT: what reject.c, build.c and icmplimit.c share. */
#ifndef FWD_KERNEL_REJECT_H
#define FWD_KERNEL_REJECT_H

#include "fw/packet.h"

#define FWD_REPLY_MAX 1280

/* The namespace's settings that the kernel's own replies obey; read once a second at most. */
struct fwd_icmp_sysctls {
	uint64_t read_ns;
	unsigned int ttl, hop_limit; /* of what we send */
	unsigned int limit4_ms, limit6_ms; /* between errors to one host; 0: no limit */
	unsigned int mask4; /* types that are limited */
	bool mask6; /* is "destination unreachable" limited? */
	unsigned int per_sec, burst; /* errors to all hosts */
	bool reflect4, reflect6; /* replies carry the packet's mark */
};

#define FWD_LIMIT_PLACES 1024

struct fwd_icmplimit {
	struct fwd_icmp_sysctls sys;
	uint64_t all_ns; /* credit for all hosts */
	unsigned int all;
	struct {
		union fw_addr host;
		uint64_t last_ns, tokens_ns;
	} hosts[FWD_LIMIT_PLACES];
};

/* icmplimit.c: may an ICMP error go to the sender of this packet now?  Takes a token if so. */
void fwd_icmplimit_refresh(struct fwd_icmplimit *l, uint64_t now);
bool fwd_icmplimit_allow(struct fwd_icmplimit *l, const struct fw_packet *pkt, uint64_t now);

/* build.c: may a packet be answered so at all, and with what?  Bytes written to buf (IPv4 and TCP:
 * with IP header; ICMPv6: from its own header on), 0: no answer. */
size_t fwd_reply_rst4(uint8_t *buf, const struct fw_packet *pkt, uint8_t ttl);
size_t fwd_reply_rst6(uint8_t *buf, const struct fw_packet *pkt, uint8_t hop_limit);
/* what: type << 8 | code; type 0: destination unreachable */
size_t fwd_reply_icmp4(uint8_t *buf, const struct fw_packet *pkt, unsigned int what, uint8_t ttl);
size_t fwd_reply_icmp6(uint8_t *buf, const struct fw_packet *pkt, unsigned int what);
/* The packet's destination is this host. */
bool fwd_reply_to_local(const struct fw_packet *pkt);

#endif
