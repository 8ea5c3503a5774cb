/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the kernel's conntrack: which connection has this tuple, and what is it called at
 * its other end?  One message there and one back, some 10 us, once for each translated connection.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "ctmsg.h"
#include "kernel.h"

static void put_request(struct nlmsghdr *nlh, const struct fw_tuple *t, uint16_t zone)
{
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = t->family == FW_IP4 ? AF_INET : AF_INET6;
	fwd_ct_put_tuple(nlh, CTA_TUPLE_ORIG, t);
	if (zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(zone));
}

bool fwd_ct_get(int *fd, const struct fw_tuple *t, uint16_t zone, struct fw_tuple *orig,
		struct fw_tuple *reply)
{
	_Alignas(struct nlmsghdr) uint8_t buf[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fw_ct_facts facts;
	ssize_t n;

	if (*fd < 0)
		*fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	if (*fd < 0)
		return false;
	fwd_nl_drain(*fd);
	put_request(nlh, t, zone);
	if (fwd_nl_send(*fd, buf, nlh->nlmsg_len) < 0)
		return false;
	n = fwd_nl_recv(*fd, buf, sizeof(buf));
	nlh = (struct nlmsghdr *)buf;
	if (n < 0 || !mnl_nlmsg_ok(nlh, (int)n) || nlh->nlmsg_type == NLMSG_ERROR)
		return false;
	if (!fwd_ct_take(nlh, &facts))
		return false;
	*orig = facts.orig;
	*reply = facts.reply;
	return true;
}
