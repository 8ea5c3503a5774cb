/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of address: local, broadcast, multicast …, as xt_addrtype would find it.
 *
 * IPv4 asks the routing table "local", longest prefix first; we keep a copy of that table and
 * read it anew when a route or an address changed.  It is small: two or three routes for each
 * address of this host.
 *
 * IPv6 asks for the route that a packet to the address would take, through all tables and policy
 * rules; so do we, by asking the kernel, and remember some answers until something changes.
 *
 * Notices of changes are read before the first question of each batch of packets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel.h"
#include "rtnl.h"

#define CACHE 256 /* IPv6 answers, a power of two */

struct route4 {
	uint32_t addr; /* host order */
	uint32_t ifindex;
	uint8_t plen, type; /* type RTN_UNSPEC: free place */
};

struct answer6 {
	union fw_addr addr;
	uint32_t ifindex;
	uint32_t mask; /* 0: free place (no address has no type) */
};

struct fwd_addrtype {
	struct fwd_rtnl *rtnl;
	bool fresh; /* notices were read in this batch */
	bool read4; /* table4 is a copy of change number `seen` */
	uint64_t seen;
	struct route4 *table4; /* open addressing, at most half full */
	uint32_t size, used;
	uint64_t plens; /* which prefix lengths there are, bit n */
	struct answer6 cache[CACHE];
};

/* ---- IPv4 ---------------------------------------------------------------------------------- */

static uint32_t hash4(uint32_t addr, uint8_t plen)
{
	return (addr ^ (uint32_t)plen << 27) * 2654435761u >> 7;
}

static struct route4 *place4(struct route4 *table, uint32_t size, uint32_t addr, uint8_t plen)
{
	uint32_t i = hash4(addr, plen) & (size - 1);

	while (table[i].type && (table[i].addr != addr || table[i].plen != plen))
		i = (i + 1) & (size - 1);
	return &table[i];
}

static bool grow4(struct fwd_addrtype *a)
{
	uint32_t size = a->size ? 2 * a->size : 64;
	struct route4 *table = calloc(size, sizeof(*table));

	if (!table)
		return false;
	for (uint32_t i = 0; i < a->size; i++)
		if (a->table4[i].type)
			*place4(table, size, a->table4[i].addr, a->table4[i].plen) = a->table4[i];
	free(a->table4);
	a->table4 = table;
	a->size = size;
	return true;
}

/* The first of several routes to one prefix is the one that a lookup finds. */
static void add4(struct fwd_addrtype *a, const struct route4 *route)
{
	struct route4 *place;

	if (2 * (a->used + 1) > a->size && !grow4(a))
		return;
	place = place4(a->table4, a->size, route->addr, route->plen);
	if (place->type)
		return;
	*place = *route;
	a->used++;
	a->plens |= 1ull << route->plen;
}

static uint32_t rta_u32(const struct rtattr *rta)
{
	uint32_t v = 0;

	if (RTA_PAYLOAD(rta) >= sizeof(v))
		memcpy(&v, RTA_DATA(rta), sizeof(v));
	return v;
}

static void take_route4(void *priv, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *rta = RTM_RTA(rtm);
	struct route4 route = {.plen = rtm->rtm_dst_len, .type = rtm->rtm_type};
	int len = (int)RTM_PAYLOAD(nlh);
	uint32_t table = rtm->rtm_table;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != AF_INET || rtm->rtm_dst_len > 32)
		return;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		switch (rta->rta_type) {
		case RTA_DST: route.addr = ntohl(rta_u32(rta)); break;
		case RTA_OIF: route.ifindex = rta_u32(rta); break;
		case RTA_TABLE: table = rta_u32(rta); break;
		}
	}
	if (table != RT_TABLE_LOCAL || rtm->rtm_tos || (rtm->rtm_flags & RTNH_F_DEAD))
		return;
	if (route.type >= RTN_BLACKHOLE || route.type == RTN_UNSPEC)
		route.type = RTN_UNICAST; /* a lookup that ends in an error */
	add4(priv, &route);
}

static void read4(struct fwd_addrtype *a)
{
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
	} req = {
		.nlh = {.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.rtm = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL},
	};

	if (a->size)
		memset(a->table4, 0, a->size * sizeof(*a->table4));
	a->used = 0;
	a->plens = 0;
	a->read4 = fwd_rtnl_ask(a->rtnl, &req.nlh, take_route4, a) == 0;
}

static unsigned int type4(struct fwd_addrtype *a, uint32_t addr, uint32_t ifindex)
{
	if (addr >> 24 == 0 || addr == INADDR_BROADCAST)
		return RTN_BROADCAST;
	if (IN_MULTICAST(addr))
		return RTN_MULTICAST;
	if (!a->read4)
		read4(a);
	for (uint64_t left = a->plens; left;) {
		const uint8_t plen = (uint8_t)(63 - __builtin_clzll(left));
		const uint32_t mask = plen ? ~0u << (32 - plen) : 0;
		const struct route4 *r = place4(a->table4, a->size, addr & mask, plen);

		if (r->type)
			return !ifindex || r->ifindex == ifindex ? r->type : RTN_UNICAST;
		left &= ~(1ull << plen);
	}
	return RTN_UNICAST;
}

/* ---- IPv6 ---------------------------------------------------------------------------------- */

struct route6 { /* what the kernel answered */
	uint8_t type, plen;
	bool gateway;
	uint8_t dst[16];
};

static void take_route6(void *priv, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = NLMSG_DATA(nlh);
	const struct rtattr *rta = RTM_RTA(rtm);
	int len = (int)RTM_PAYLOAD(nlh);
	struct route6 *r = priv;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return;
	r->type = rtm->rtm_type;
	r->plen = rtm->rtm_dst_len;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		if (rta->rta_type == RTA_GATEWAY || rta->rta_type == RTA_MULTIPATH)
			r->gateway = true;
		if (rta->rta_type == RTA_DST && RTA_PAYLOAD(rta) == sizeof(r->dst))
			memcpy(r->dst, RTA_DATA(rta), sizeof(r->dst));
	}
}

static int ask_route6(struct fwd_addrtype *a, const union fw_addr *addr, uint32_t ifindex,
		      unsigned int flags, struct route6 *ret)
{
	struct {
		struct nlmsghdr nlh;
		struct rtmsg rtm;
		struct rtattr dst_rta;
		union fw_addr dst;
		struct rtattr oif_rta;
		uint32_t oif;
	} req = {
		.nlh = {.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST},
		.rtm = {.rtm_family = AF_INET6, .rtm_dst_len = 128, .rtm_flags = flags},
		.dst_rta = {.rta_len = RTA_LENGTH(16), .rta_type = RTA_DST},
		.dst = *addr,
		.oif_rta = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF},
		.oif = ifindex,
	};

	_Static_assert(sizeof(req) ==
			       NLMSG_LENGTH(sizeof(struct rtmsg)) + RTA_LENGTH(16) + RTA_LENGTH(4),
		       "no holes");
	if (!ifindex)
		req.nlh.nlmsg_len -= RTA_LENGTH(4);
	memset(ret, 0, sizeof(*ret));
	return fwd_rtnl_ask(a->rtnl, &req.nlh, take_route6, ret);
}

struct on_link {
	const union fw_addr *addr;
	uint32_t ifindex;
	bool found;
};

static void take_addr6(void *priv, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(nlh);
	const struct rtattr *rta = IFA_RTA(ifa);
	int len = (int)IFA_PAYLOAD(nlh);
	struct on_link *want = priv;
	uint32_t flags = ifa->ifa_flags;
	bool same = false;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != want->ifindex)
		return;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		/* of a point-to-point address LOCAL is ours and ADDRESS the peer's */
		if ((rta->rta_type == IFA_ADDRESS || rta->rta_type == IFA_LOCAL) &&
		    RTA_PAYLOAD(rta) == 16)
			same = memcmp(RTA_DATA(rta), want->addr, 16) == 0;
		if (rta->rta_type == IFA_FLAGS)
			flags = rta_u32(rta);
	}
	want->found |= same && (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC));
}

static bool is_on_link(struct fwd_addrtype *a, const union fw_addr *addr, uint32_t ifindex)
{
	struct {
		struct nlmsghdr nlh;
		struct ifaddrmsg ifa;
	} req = {
		.nlh = {.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.ifa = {.ifa_family = AF_INET6},
	};
	struct on_link want = {.addr = addr, .ifindex = ifindex};

	return fwd_rtnl_ask(a->rtnl, &req.nlh, take_addr6, &want) == 0 && want.found;
}

/* "The address of the subnet itself" is an anycast address of its routers. */
static bool is_subnet_router(struct fwd_addrtype *a, const union fw_addr *addr, uint32_t ifindex)
{
	struct route6 r;

	if (addr->u8[15] & 3)
		return false; /* no prefix shorter than 127 bits can be equal */
	if (ask_route6(a, addr, ifindex, RTM_F_FIB_MATCH, &r))
		return false;
	return r.plen < 127 && !r.gateway && memcmp(r.dst, addr, 16) == 0;
}

static uint32_t ask6(struct fwd_addrtype *a, const union fw_addr *addr, uint32_t ifindex)
{
	const bool multicast = addr->u8[0] == 0xff, unspec = !addr->u64[0] && !addr->u64[1];
	const bool mapped = !addr->u64[0] && addr->u32[2] == htonl(0xffff);
	uint32_t mask = 0;
	struct route6 r;

	if (multicast)
		mask |= 1u << RTN_MULTICAST;
	else if (unspec)
		mask |= 1u << RTN_UNSPEC;
	else if (!mapped)
		mask |= 1u << RTN_UNICAST;

	if (ifindex && is_on_link(a, addr, ifindex))
		mask |= 1u << RTN_LOCAL;
	if (ask_route6(a, addr, ifindex, 0, &r))
		return mask | 1u << RTN_UNREACHABLE;
	if (!ifindex && r.type == RTN_LOCAL)
		mask |= 1u << RTN_LOCAL;
	if (r.type == RTN_ANYCAST || (r.type == RTN_UNICAST && is_subnet_router(a, addr, ifindex)))
		mask |= 1u << RTN_ANYCAST;
	return mask;
}

static uint32_t mask6(struct fwd_addrtype *a, const union fw_addr *addr, uint32_t ifindex)
{
	const uint64_t h =
		(addr->u64[0] * 0x9e3779b97f4a7c15ull ^ addr->u64[1]) * 0xff51afd7ed558ccdull;
	struct answer6 *c = &a->cache[(h >> 40 ^ ifindex) & (CACHE - 1)];

	if (!c->mask || c->ifindex != ifindex || memcmp(&c->addr, addr, sizeof(*addr)) != 0)
		*c = (struct answer6){
			.addr = *addr, .ifindex = ifindex, .mask = ask6(a, addr, ifindex)};
	return c->mask;
}

/* ---- the question -------------------------------------------------------------------------- */

unsigned int fwd_addrtype_mask(struct fwd_addrtype *a, enum fw_family family,
			       const union fw_addr *addr, uint32_t ifindex)
{
	if (!a->fresh) {
		fwd_rtnl_drain(a->rtnl);
		a->fresh = true;
		if (a->seen != fwd_rtnl_changes(a->rtnl)) {
			a->seen = fwd_rtnl_changes(a->rtnl);
			a->read4 = false;
			memset(a->cache, 0, sizeof(a->cache));
		}
	}
	if (family == FW_IP4)
		return 1u << type4(a, ntohl(addr->u32[0]), ifindex);
	return mask6(a, addr, ifindex);
}

void fwd_addrtype_batch(struct fwd_addrtype *a)
{
	a->fresh = false;
}

struct fwd_addrtype *fwd_addrtype_new(struct fwd_rtnl *rtnl)
{
	struct fwd_addrtype *a = calloc(1, sizeof(*a));

	if (a)
		a->rtnl = rtnl;
	return a;
}

struct fwd_addrtype *fwd_addrtype_free(struct fwd_addrtype *a)
{
	if (a)
		free(a->table4);
	free(a);
	return NULL;
}
