/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timeout policies by name (nfct(8)): nft's rules cannot name one, but take the same numbers in an
 * object of their own.  So a policy is read once, when the first rule names it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

#include "expr.h"
#include "fw/assign.h"
#include "kernel.h"

static uint16_t nfproto(const struct fw_assign *a)
{
	return a->family == FW_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

/* The policy's numbers; -EINVAL: it is another protocol's. */
static int take(const struct nlmsghdr *nlh, const struct fw_assign *a, struct fwd_timeout *ret)
{
	const struct nlattr *data = NULL, *attr;
	uint16_t l3 = 0;
	uint8_t l4 = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TIMEOUT_L3PROTO: l3 = ntohs(mnl_attr_get_u16(attr)); break;
		case CTA_TIMEOUT_L4PROTO: l4 = mnl_attr_get_u8(attr); break;
		case CTA_TIMEOUT_DATA: data = attr; break;
		}
	}
	if (!data || l3 != nfproto(a) || l4 != a->proto ||
	    mnl_attr_get_payload_len(data) > sizeof(ret->data))
		return -EINVAL;
	ret->len = mnl_attr_get_payload_len(data);
	memcpy(ret->data, mnl_attr_get_payload(data), ret->len);
	return 0;
}

int fwd_timeout_get(const struct fw_assign *a, struct fwd_timeout *ret)
{
	_Alignas(struct nlmsghdr) uint8_t buf[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const int fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	ssize_t n;

	if (fd < 0)
		return fd;
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8) | IPCTNL_MSG_TIMEOUT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	mnl_attr_put_strz(nlh, CTA_TIMEOUT_NAME, a->timeout);
	n = fwd_nl_send(fd, buf, nlh->nlmsg_len);
	if (n >= 0)
		n = fwd_nl_recv(fd, buf, sizeof(buf));
	close(fd);
	if (n < 0)
		return (int)n;
	nlh = (struct nlmsghdr *)buf;
	if (!mnl_nlmsg_ok(nlh, (int)n))
		return -EPROTO;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
	return take(nlh, a, ret);
}

void fwd_batch_timeout(struct fwd_nft_batch *b, const char *table, const char *name,
		       const struct fw_assign *a, const struct fwd_timeout *t)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	struct nlattr *object;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_CT_TIMEOUT));
	object = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	mnl_attr_put_u16(nlh, NFTA_CT_TIMEOUT_L3PROTO, htons(nfproto(a)));
	mnl_attr_put_u8(nlh, NFTA_CT_TIMEOUT_L4PROTO, a->proto);
	mnl_attr_put(nlh, NLA_F_NESTED | NFTA_CT_TIMEOUT_DATA, t->len, t->data);
	mnl_attr_nest_end(nlh, object);
	fwd_batch_push(b, nlh);
}
