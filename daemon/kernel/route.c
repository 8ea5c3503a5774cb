/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the kernel's routing; one costs a few microseconds.
 *
 * The MTU of a path, for TCPMSS's clamping, is asked for each SYN, because what the kernel learns
 * from "fragmentation needed" is told by no notice.  Whether there is a way at all is asked of
 * packets that seem to have none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel.h"
#include "rtnl.h"

struct found {
	uint32_t oif, mtu;
	uint8_t type; /* RTN_* */
	bool route;
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

static void take(void *priv, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *rta = RTM_RTA(rtm);
	int len = (int)RTM_PAYLOAD(nlh);
	struct found *f = priv;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return;
	f->route = true;
	f->type = rtm->rtm_type;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		if (rta->rta_type == RTA_OIF)
			f->oif = get_u32(rta);
		if (rta->rta_type == RTA_METRICS)
			f->mtu = metric_mtu(rta);
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

uint32_t fwd_route_mtu(struct fwd_rtnl *r, enum fw_family family, const union fw_addr *addr,
		       uint32_t oif, uint32_t mark)
{
	const uint32_t most = UINT16_MAX + (family == FW_IP4 ? 0 : 40);
	struct question q = to(family, addr);
	struct found f = {.route = false};
	uint32_t mtu;

	if (oif)
		put(&q, RTA_OIF, &oif, sizeof(oif));
	if (mark)
		put(&q, RTA_MARK, &mark, sizeof(mark));
	if (fwd_rtnl_ask(r, &q.nlh, take, &f) || !f.route)
		f.oif = oif;
	mtu = f.mtu ? f.mtu : fwd_rtnl_mtu(r, f.oif);
	return mtu < most ? mtu : most;
}

bool fwd_route_none(struct fwd_rtnl *r, const struct fw_packet *pkt)
{
	const uint16_t size = pkt->family == FW_IP4 ? 4 : 16;
	const struct fw_pkt_meta *meta = &pkt->meta;
	struct question q = to(pkt->family, &pkt->dst);
	struct found f = {.route = false};

	q.rtm.rtm_src_len = (uint8_t)(8 * size);
	q.rtm.rtm_tos = pkt->tos;
	put(&q, RTA_SRC, pkt->src.u8, size);
	put(&q, RTA_IIF, &meta->in_ifindex, sizeof(meta->in_ifindex));
	if (meta->mark)
		put(&q, RTA_MARK, &meta->mark, sizeof(meta->mark));
	switch (fwd_rtnl_ask(r, &q.nlh, take, &f)) {
	case 0:
		return f.type == RTN_BLACKHOLE || f.type == RTN_UNREACHABLE || f.type == RTN_PROHIBIT;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EACCES: /* prohibit */
	case -EINVAL: /* blackhole; a source that cannot be */
	case -EXDEV: return true; /* a source from elsewhere */
	default: return false;
	}
}
