/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REJECT has answered a packet of a TCP connection with a reset.  The kernel's own REJECT says so to
 * its tracker (nf_ct_set_closing()), which from then on takes a SYN for a new connection; of our
 * resets it must be told.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "ctmsg.h"
#include "kernel.h"

bool fwd_ct_close(int *fd, const struct fw_tuple *orig, uint16_t zone, uint32_t seconds)
{
	_Alignas(struct nlmsghdr) uint8_t buf[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlattr *info, *tcp;
	struct nfgenmsg *nfg;

	if (*fd < 0)
		*fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	if (*fd < 0)
		return false;
	fwd_nl_drain(*fd);
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = orig->family == FW_IP4 ? AF_INET : AF_INET6;
	fwd_ct_put_tuple(nlh, CTA_TUPLE_ORIG, orig);
	if (zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(zone));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(seconds));
	info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_CLOSE);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
	return fwd_nl_talk(*fd, buf, nlh->nlmsg_len, NULL) == 0;
}
