/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's routing tables say of a packet.  It is asked anew for each packet whose rules
 * want to know: a question costs a few microseconds, and policy rules make answers differ by too
 * much for keeping them.
 *
 *	MTU of the path   TCPMSS's clamping; what "fragmentation needed" taught is told by no notice
 *	realm             -m realm
 *	way back          -m rpfilter
 *	no way at all     packets that seem to have none
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel.h"
#include "rtnl.h"

struct found {
	uint32_t oif, mtu, realm;
	uint32_t wanted; /* interface: does one of the ways lead out of it? */
	uint8_t type;    /* RTN_*, 0: no route */
	bool here;
};

static uint32_t get_u32(const struct rtattr *rta)
{
	uint32_t v = 0;

	if (RTA_PAYLOAD(rta) >= sizeof(v))
		memcpy(&v, RTA_DATA(rta), sizeof(v));
	return v;
}

static uint32_t metric_mtu(const struct rtattr *metrics)
{
	const struct rtattr *rta = RTA_DATA(metrics);
	int len = (int)RTA_PAYLOAD(metrics);

	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (rta->rta_type == RTAX_MTU)
			return get_u32(rta);
	return 0;
}

/* A route of several ways. */
static bool leads_out(const struct rtattr *ways, uint32_t oif)
{
	const struct rtnexthop *nh = RTA_DATA(ways);
	int len = (int)RTA_PAYLOAD(ways);

	for (; RTNH_OK(nh, len); len -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		if ((uint32_t)nh->rtnh_ifindex == oif)
			return true;
	return false;
}

static void take(void *priv, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *rta = RTM_RTA(rtm);
	int len = (int)RTM_PAYLOAD(nlh);
	struct found *f = priv;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return;
	f->type = rtm->rtm_type;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		switch (rta->rta_type) {
		case RTA_OIF:
			f->oif = get_u32(rta);
			f->here |= f->oif == f->wanted;
			break;
		case RTA_METRICS: f->mtu = metric_mtu(rta); break;
		case RTA_FLOW: f->realm = get_u32(rta); break;
		case RTA_MULTIPATH: f->here |= leads_out(rta, f->wanted); break;
		}
	}
}

struct question {
	struct nlmsghdr nlh;
	struct rtmsg rtm;
	uint8_t attrs[64];
};

static void put(struct question *q, uint16_t type, const void *data, uint16_t len)
{
	const struct rtattr rta = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
	uint8_t *p = (uint8_t *)q + q->nlh.nlmsg_len;

	memcpy(p, &rta, sizeof(rta));
	memcpy(p + RTA_LENGTH(0), data, len);
	q->nlh.nlmsg_len += RTA_SPACE(len);
}

static struct question to(enum fw_family family, const union fw_addr *addr)
{
	const uint16_t size = family == FW_IP4 ? 4 : 16;
	struct question q = {
		.nlh = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.rtm)), .nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST},
		.rtm = {.rtm_family = family == FW_IP4 ? AF_INET : AF_INET6,
			.rtm_dst_len = (uint8_t)(8 * size)},
	};

	put(&q, RTA_DST, addr->u8, size);
	return q;
}

static void put_u32(struct question *q, uint16_t type, uint32_t value)
{
	if (value)
		put(q, type, &value, sizeof(value));
}

static void put_src(struct question *q, const union fw_addr *src)
{
	const uint16_t size = q->rtm.rtm_family == AF_INET ? 4 : 16;

	q->rtm.rtm_src_len = (uint8_t)(8 * size);
	put(q, RTA_SRC, src->u8, size);
}

uint32_t fwd_route_mtu(struct fwd_rtnl *r, enum fw_family family, const union fw_addr *addr,
		       uint32_t oif, uint32_t mark)
{
	const uint32_t most = UINT16_MAX + (family == FW_IP4 ? 0 : 40);
	struct found f = {.type = 0};
	struct question q = to(family, addr);
	uint32_t mtu;

	put_u32(&q, RTA_OIF, oif);
	put_u32(&q, RTA_MARK, mark);
	if (fwd_rtnl_ask(r, &q.nlh, take, &f) || !f.type)
		f.oif = oif;
	mtu = f.mtu ? f.mtu : fwd_rtnl_mtu(r, f.oif);
	return mtu < most ? mtu : most;
}

bool fwd_route_none(struct fwd_rtnl *r, const struct fw_packet *pkt)
{
	const struct fw_pkt_meta *meta = &pkt->meta;
	struct question q = to(pkt->family, &pkt->dst);
	struct found f = {.type = 0};

	q.rtm.rtm_tos = pkt->tos;
	put_src(&q, &pkt->src);
	put(&q, RTA_IIF, &meta->in_ifindex, sizeof(meta->in_ifindex));
	put_u32(&q, RTA_MARK, meta->mark);
	switch (fwd_rtnl_ask(r, &q.nlh, take, &f)) {
	case 0:
		return f.type == RTN_BLACKHOLE || f.type == RTN_UNREACHABLE ||
			f.type == RTN_PROHIBIT;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EACCES: /* prohibit */
	case -EINVAL: /* blackhole; a source that cannot be */
	case -EXDEV: return true; /* a source from elsewhere */
	default: return false;
	}
}

#define LOOPBACK 1 /* what comes back through it keeps the route by which it left */
#define TOS_MASK 0xfc

static struct question way_of(const struct fw_packet *pkt, uint32_t mark, bool src)
{
	const struct fw_pkt_meta *meta = &pkt->meta;
	struct question q = to(pkt->family, &pkt->dst);

	if (src)
		put_src(&q, &pkt->src);
	if (meta->came_ifindex != LOOPBACK)
		put_u32(&q, RTA_IIF, meta->came_ifindex);
	if (!meta->came_ifindex && !meta->nat_status) /* nat has it routed anew, and the hook tells the
						       * way of before */
		put_u32(&q, RTA_OIF, meta->out_ifindex);
	put_u32(&q, RTA_MARK, mark);
	q.rtm.rtm_tos = pkt->tos & TOS_MASK;
	return q;
}

uint32_t fwd_route_realm(struct fwd_rtnl *r, const struct fw_packet *pkt, uint32_t mark)
{
	struct found f = {.type = 0};
	struct question q = way_of(pkt, mark, true);

	if (!fwd_rtnl_ask(r, &q.nlh, take, &f))
		return f.realm;
	if (pkt->meta.came_ifindex)
		return 0;
	/* from somebody else's address, as a reset is: the kernel has not routed by it either */
	q = way_of(pkt, mark, false);
	f = (struct found){.type = 0};
	return fwd_rtnl_ask(r, &q.nlh, take, &f) ? 0 : f.realm;
}

/* fe80::/10 means something only together with a link. */
static bool is_link_local(const struct fw_packet *pkt)
{
	return pkt->family == FW_IP6 && pkt->src.u8[0] == 0xfe && (pkt->src.u8[1] & 0xc0) == 0x80;
}

unsigned int fwd_route_back(struct fwd_rtnl *r, const struct fw_packet *pkt, uint32_t mark,
			    bool loose)
{
	struct found f = {.wanted = pkt->meta.in_ifindex};
	struct question q = to(pkt->family, &pkt->src);

	q.rtm.rtm_flags = RTM_F_FIB_MATCH; /* all ways of the route, not one that is drawn */
	q.rtm.rtm_tos = pkt->family == FW_IP4 ? pkt->tos & TOS_MASK : 0;
	put_u32(&q, RTA_MARK, mark);
	if (pkt->family == FW_IP6 && (!loose || is_link_local(pkt)))
		put_u32(&q, RTA_OIF, pkt->meta.in_ifindex);
	if (fwd_rtnl_ask(r, &q.nlh, take, &f))
		return 0;
	return (f.type == RTN_UNICAST ? FW_BACK_UNICAST : 0) |
		(f.type == RTN_LOCAL ? FW_BACK_LOCAL : 0) | (f.here ? FW_BACK_HERE : 0);
}
