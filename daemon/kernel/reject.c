/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REJECT: the answer goes out by a raw socket, the packet is dropped.
 *
 * Why not let the kernel make it (a mark and an nft reject rule)?  Because its replies carry the
 * offending packet's conntrack entry, and a queue loses whatever shares an entry that is not
 * confirmed yet (nf_ct_drop_unconfirmed() in nfnetlink_queue).  Ours carry nothing; they pass OUTPUT's and POSTROUTING's rules like the kernel's would, and the
 * tracker is told by our mark bits what they are (RELATED to the offender's flow).
 *
 * Sent after a batch's verdicts, outside the engine lock; never waits.
 */
#include <errno.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"
#include "reject.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

struct fwd_rejects {
	int raw4, raw6, icmp6;
	struct fwd_icmplimit limit;
};

static const uint16_t codes[FW_N_REJECTS] = {
	[FW_REJECT_ICMP_NET_UNREACH] = 0,	[FW_REJECT_ICMP_HOST_UNREACH] = 1,
	[FW_REJECT_ICMP_PROTO_UNREACH] = 2,	[FW_REJECT_ICMP_PORT_UNREACH] = 3,
	[FW_REJECT_ICMP_NET_PROHIBITED] = 9,	[FW_REJECT_ICMP_HOST_PROHIBITED] = 10,
	[FW_REJECT_ICMP_ADMIN_PROHIBITED] = 13, [FW_REJECT_ICMP6_NO_ROUTE] = 0,
	[FW_REJECT_ICMP6_ADM_PROHIBITED] = 1,	[FW_REJECT_ICMP6_ADDR_UNREACH] = 3,
	[FW_REJECT_ICMP6_PORT_UNREACH] = 4,	[FW_REJECT_ICMP6_POLICY_FAIL] = 5,
	[FW_REJECT_ICMP6_REJECT_ROUTE] = 6,
};

/* ---- sending ------------------------------------------------------------------------------- */

struct out { /* one message with its mark and, for ICMPv6, its source */
	struct msghdr msg;
	struct iovec iov;
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	_Alignas(struct cmsghdr) uint8_t
		control[CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void add_control(struct out *o, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(o->control + o->msg.msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	o->msg.msg_controllen += CMSG_SPACE(len);
}

static void prepare(struct out *o, const struct fw_packet *pkt, uint8_t *buf, size_t len,
		    uint32_t mark)
{
	memset(o, 0, sizeof(*o));
	o->iov = (struct iovec){buf, len};
	o->msg.msg_iov = &o->iov;
	o->msg.msg_iovlen = 1;
	o->msg.msg_name = &o->to;
	o->msg.msg_control = o->control;
	add_control(o, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (pkt->family == FW_IP4) {
		o->to.in.sin_family = AF_INET;
		memcpy(&o->to.in.sin_addr, pkt->src.u8, 4);
		o->msg.msg_namelen = sizeof(o->to.in);
		return;
	}
	o->to.in6.sin6_family = AF_INET6;
	memcpy(&o->to.in6.sin6_addr, pkt->src.u8, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&o->to.in6.sin6_addr))
		o->to.in6.sin6_scope_id =
			pkt->meta.in_ifindex ? pkt->meta.in_ifindex : pkt->meta.out_ifindex;
	o->msg.msg_namelen = sizeof(o->to.in6);
}

/*
 * What answers for an address of lo may leave by lo only: the kernel refuses it another way, if it is
 * told the source.  (Of other sources it would want to know that they are ours.)
 */
static void add_source4(struct out *o, const struct fw_packet *pkt)
{
	struct in_pktinfo info = {0};

	if (pkt->family != FW_IP4 || pkt->dst.u8[0] != IN_LOOPBACKNET)
		return;
	memcpy(&info.ipi_spec_dst, pkt->dst.u8, 4);
	add_control(o, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static bool send_out(int fd, const struct out *o)
{
	ssize_t n;

	do {
		n = sendmsg(fd, &o->msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* An ICMPv6 error about a packet to an address of ours comes from there; else the kernel chooses.
 */
static void add_source6(struct out *o, const struct fw_packet *pkt)
{
	struct in6_pktinfo info = {.ipi6_ifindex = o->to.in6.sin6_scope_id};

	if (!fwd_reply_to_local(pkt))
		return;
	memcpy(&info.ipi6_addr, pkt->dst.u8, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		info.ipi6_ifindex =
			pkt->meta.in_ifindex ? pkt->meta.in_ifindex : pkt->meta.out_ifindex;
	add_control(o, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static bool send_reset(struct fwd_rejects *r, const struct fw_packet *pkt, bool to_many,
		       uint32_t mark)
{
	uint8_t buf[FWD_REPLY_MAX];
	struct out o;
	size_t n;

	if (pkt->family == FW_IP4)
		n = to_many ? 0 : fwd_reply_rst4(buf, pkt, (uint8_t)r->limit.sys.ttl);
	else
		n = fwd_reply_rst6(buf, pkt, (uint8_t)r->limit.sys.hop_limit);
	if (!n)
		return true;
	prepare(&o, pkt, buf, n, mark);
	add_source4(&o, pkt);
	return send_out(pkt->family == FW_IP4 ? r->raw4 : r->raw6, &o);
}

static bool send_error(struct fwd_rejects *r, const struct fw_packet *pkt, unsigned int code,
		       bool to_many, uint32_t mark, uint64_t now)
{
	uint8_t buf[FWD_REPLY_MAX];
	struct out o;
	size_t n;

	if (pkt->family == FW_IP4)
		n = to_many ? 0 : fwd_reply_icmp4(buf, pkt, code, (uint8_t)r->limit.sys.ttl);
	else
		n = fwd_reply_icmp6(buf, pkt, code);
	if (!n || !fwd_icmplimit_allow(&r->limit, pkt, now))
		return true;
	prepare(&o, pkt, buf, n, mark);
	if (pkt->family == FW_IP4) {
		add_source4(&o, pkt);
		return send_out(r->raw4, &o);
	}
	add_source6(&o, pkt);
	return send_out(r->icmp6, &o);
}

/* What goes with the reply in our mark bits. */
static uint32_t reply_notes(const struct fw_decision *d)
{
	if (d->reply_ctinfo == FW_CT_NONE)
		return FW_MARK_OWN;
	return FW_MARK_OWN | (uint32_t)d->reply_ctinfo << FW_MARK_CTINFO_SHIFT |
		(d->reply_asks_nat ? FW_MARK_NAT_PENDING : 0) |
		(d->reply_nat & FW_CTS_SRC_NAT ? FW_MARK_SRC_NAT : 0) |
		(d->reply_nat & FW_CTS_DST_NAT ? FW_MARK_DST_NAT : 0);
}

bool fwd_rejects_send(struct fwd_rejects *r, const struct fw_packet *pkt,
		      const struct fw_decision *d, bool to_many, unsigned int mark_shift,
		      uint64_t now)
{
	const bool ip4 = pkt->family == FW_IP4;
	uint32_t mark = reply_notes(d) << mark_shift;

	fwd_icmplimit_refresh(&r->limit, now);
	if (ip4 ? r->limit.sys.reflect4 : r->limit.sys.reflect6)
		mark |= d->mark & ~fw_mark_mask(mark_shift);
	if (d->reject == FW_REJECT_TCP_RESET)
		return send_reset(r, pkt, to_many, mark);
	if (d->reject == FW_REJECT_NO_HOP_LEFT)
		return send_error(r, pkt, ip4 ? 11 << 8 : 3 << 8, to_many, mark, now);
	return send_error(r, pkt, codes[d->reject], to_many, mark, now);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int open_raw(int family, int proto)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);

	return fd < 0 ? -errno : fd;
}

/* This one would be given every ICMPv6 message that comes in: refuse them all. */
static int deafen(int fd)
{
	struct icmp6_filter filter;

	memset(&filter, 0xff, sizeof(filter));
	return setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof(filter)) < 0 ? -errno
											  : 0;
}

struct fwd_rejects *fwd_rejects_close(struct fwd_rejects *r)
{
	if (!r)
		return NULL;
	if (r->raw4 >= 0)
		close(r->raw4);
	if (r->raw6 >= 0)
		close(r->raw6);
	if (r->icmp6 >= 0)
		close(r->icmp6);
	free(r);
	return NULL;
}

int fwd_rejects_open(struct fwd_rejects **ret, struct fw_err *err)
{
	struct fwd_rejects *r = calloc(1, sizeof(*r));
	const int yes = 1;
	int error;

	if (!r)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for replies"), -ENOMEM;
	r->raw4 = open_raw(AF_INET, IPPROTO_RAW);
	r->raw6 = open_raw(AF_INET6, IPPROTO_RAW);
	r->icmp6 = open_raw(AF_INET6, IPPROTO_ICMPV6);
	error = r->raw4 < 0 ? r->raw4 : 0;
	/* a kernel without IPv6 has nothing to reject there either */
	if (!error && r->raw6 < 0 && r->raw6 != -EAFNOSUPPORT)
		error = r->raw6;
	if (!error && r->icmp6 >= 0)
		error = deafen(r->icmp6);
	if (!error && r->icmp6 >= 0 &&
	    setsockopt(r->icmp6, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes)) < 0)
		error = -errno; /* replies from where a packet went, be it an address of ours by a route only */
	if (error) {
		fw_fail(err, error == -EPERM ? FW_ERR_PERM : FW_ERR_RESOURCE,
			"no raw socket for REJECT's replies: %s", strerror(-error));
		if (error == -EPERM)
			fw_err_hint(err, "CAP_NET_RAW is missing");
		fwd_rejects_close(r);
		return error;
	}
	*ret = r;
	return 0;
}
