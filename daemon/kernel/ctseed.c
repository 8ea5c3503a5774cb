/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows told to the kernel's conntrack, and those that it is to forget.
 *
 * It begins to track: what we have tracked so far is told to it first, so that connections
 * go on as what they are.  Some 6 us each.  TCP windows are not told: the kernel learns them anew
 * from the next packets and is liberal meanwhile, as with connections that it picks up midway.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctmsg.h"
#include "kernel.h"

#define SLICE	 64
#define ONE_SIZE 512 /* bytes of a message at most */

struct slice {
	uint8_t buf[SLICE * ONE_SIZE];
	size_t len;
};

static void put_tcp(struct nlmsghdr *nlh, uint8_t state)
{
	const struct nf_ct_tcp_flags liberal = {IP_CT_TCP_FLAG_BE_LIBERAL, IP_CT_TCP_FLAG_BE_LIBERAL};
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, state);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal), &liberal);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal), &liberal);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

/* The port, or ICMP's id, from which the other end sees the flow come. */
static uint16_t source_number(const struct fw_tuple *reply)
{
	const bool icmp = reply->proto == IPPROTO_ICMP || reply->proto == IPPROTO_ICMPV6;

	return icmp ? reply->sport_be : reply->dport_be;
}

/* Exactly this address and port. */
static void put_nat(struct nlmsghdr *nlh, uint16_t type, uint8_t family, const union fw_addr *addr,
		    uint16_t port_be)
{
	struct nlattr *nat = mnl_attr_nest_start(nlh, type), *proto;
	const bool v4 = family == FW_IP4;

	mnl_attr_put(nlh, v4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, v4 ? 4 : 16, addr);
	mnl_attr_put(nlh, v4 ? CTA_NAT_V4_MAXIP : CTA_NAT_V6_MAXIP, v4 ? 4 : 16, addr);
	proto = mnl_attr_nest_start(nlh, CTA_NAT_PROTO);
	mnl_attr_put_u16(nlh, CTA_PROTONAT_PORT_MIN, port_be);
	mnl_attr_put_u16(nlh, CTA_PROTONAT_PORT_MAX, port_be);
	mnl_attr_nest_end(nlh, proto);
	mnl_attr_nest_end(nlh, nat);
}

static struct nlmsghdr *begin(struct slice *s, uint16_t type, uint16_t flags,
			      const struct fw_ct_facts *f)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(s->buf + s->len);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = f->orig.family == FW_IP4 ? AF_INET : AF_INET6;
	fwd_ct_put_tuple(nlh, CTA_TUPLE_ORIG, &f->orig);
	return nlh;
}

static void add(void *priv, const struct fw_ct_facts *f)
{
	struct slice *s = priv;
	struct nlmsghdr *nlh = begin(s, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, f);

	fwd_ct_put_tuple(nlh, CTA_TUPLE_REPLY, &f->plain); /* the kernel translates it */
	if (f->status & FW_CTS_SRC_NAT)
		put_nat(nlh, CTA_NAT_SRC, f->orig.family, &f->reply.dst, source_number(&f->reply));
	if (f->status & FW_CTS_DST_NAT)
		put_nat(nlh, CTA_NAT_DST, f->orig.family, &f->reply.src, f->reply.sport_be);
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(f->left_s ? f->left_s : 1));
	mnl_attr_put_u32(nlh, CTA_STATUS,
			 htonl(f->status & (FW_CTS_SEEN_REPLY | FW_CTS_ASSURED | FW_CTS_CONFIRMED)));
	if (f->orig.proto == IPPROTO_TCP)
		put_tcp(nlh, f->state);
	s->len += MNL_ALIGN(nlh->nlmsg_len);
}

void fwd_ct_seed(struct fwd_core *core)
{
	const int fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	static struct slice s; /* control thread */
	uint64_t cursor = 0;

	if (fd < 0)
		return;
	do {
		s.len = 0;
		fwd_core_slice(core);
		fw_ct_each(core->world.ct, &cursor, SLICE, NULL, fwd_now(), add, &s);
		fwd_core_slice_end(core);
		if (s.len)
			fwd_nl_send(fd, s.buf, s.len);
		fwd_nl_drain(fd); /* those that it knows already */
	} while (cursor);
	close(fd);
}

static void put_deletion(struct slice *s, const struct fw_ct_facts *f, uint16_t zone)
{
	struct nlmsghdr *nlh = begin(s, IPCTNL_MSG_CT_DELETE, 0, f);

	if (zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(zone));
	s->len += MNL_ALIGN(nlh->nlmsg_len);
}

/* Our tracker does not tell zones apart (docs/differences.md), so connections go in all of them. */
void fwd_kernel_forget(struct fwd_kernel *k, const struct fw_ct_facts *facts, size_t n)
{
	const int fd = k->core->plan.kct ? fwd_nl_open(NETLINK_NETFILTER, 0) : -1;
	uint16_t zones[FWD_MAX_ZONES];
	static struct slice s; /* control thread */
	size_t n_zones;

	if (fd < 0)
		return;
	fwd_core_lock(k->core);
	n_zones = fwd_assign_zones(&k->nft, zones, FW_ARRAY_SIZE(zones));
	fwd_core_unlock(k->core);
	for (size_t i = 0; i < n * n_zones;) {
		s.len = 0;
		for (unsigned int in = 0; in < SLICE && i < n * n_zones; in++, i++)
			put_deletion(&s, &facts[i / n_zones], zones[i % n_zones]);
		fwd_nl_send(fd, s.buf, s.len);
		fwd_nl_drain(fd); /* where it does not know it */
	}
	close(fd);
}
