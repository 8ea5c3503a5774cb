/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the kernel's conntrack: which connection has this tuple, and what is it called at
 * its other end?  One message there and one back, some 10 us, once for each translated connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fw/ct.h"
#include "kernel.h"

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static void put_addresses(struct nlmsghdr *nlh, const struct fw_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	const bool v4 = t->family == FW_IP4;

	mnl_attr_put(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, v4 ? 4 : 16, &t->src);
	mnl_attr_put(nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, v4 ? 4 : 16, &t->dst);
	mnl_attr_nest_end(nlh, nest);
}

static void put_protocol(struct nlmsghdr *nlh, const struct fw_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	const bool v4 = t->proto == IPPROTO_ICMP;
	const uint16_t kind = ntohs(t->dport_be);

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, t->proto);
	if (is_icmp(t->proto)) {
		mnl_attr_put_u16(nlh, v4 ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, t->sport_be);
		mnl_attr_put_u8(nlh, v4 ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE,
				(uint8_t)(kind >> 8));
		mnl_attr_put_u8(nlh, v4 ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE,
				(uint8_t)kind);
	} else {
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, t->sport_be);
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, t->dport_be);
	}
	mnl_attr_nest_end(nlh, nest);
}

void fwd_ct_put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct fw_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	put_addresses(nlh, t);
	put_protocol(nlh, t);
	mnl_attr_nest_end(nlh, nest);
}

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

/* ---- the answer ---------------------------------------------------------------------------- */

static void take(struct fw_tuple *t, unsigned int type, const void *data, uint32_t len)
{
	switch (type) {
	case CTA_PROTO_NUM:
		if (len >= 1)
			t->proto = *(const uint8_t *)data;
		break;
	case CTA_PROTO_SRC_PORT:
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		if (len >= 2)
			memcpy(&t->sport_be, data, 2);
		break;
	case CTA_PROTO_DST_PORT:
		if (len >= 2)
			memcpy(&t->dport_be, data, 2);
		break;
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		if (len >= 1)
			((uint8_t *)&t->dport_be)[0] = *(const uint8_t *)data;
		break;
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		if (len >= 1)
			((uint8_t *)&t->dport_be)[1] = *(const uint8_t *)data;
		break;
	}
}

static void take_ip(struct fw_tuple *t, unsigned int type, const void *data, uint32_t len)
{
	const bool src = type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC;

	if (len <= sizeof(t->src))
		memcpy(src ? &t->src : &t->dst, data, len);
}

static void take_tuple(struct fw_tuple *t, const struct nlattr *nest)
{
	const struct nlattr *part, *a;

	mnl_attr_for_each_nested(part, nest)
		mnl_attr_for_each_nested(a, part) {
			const unsigned int type = mnl_attr_get_type(a);
			const void *data = mnl_attr_get_payload(a);

			if (mnl_attr_get_type(part) == CTA_TUPLE_IP)
				take_ip(t, type, data, mnl_attr_get_payload_len(a));
			else if (mnl_attr_get_type(part) == CTA_TUPLE_PROTO)
				take(t, type, data, mnl_attr_get_payload_len(a));
		}
}

static bool take_answer(const struct nlmsghdr *nlh, enum fw_family family, struct fw_tuple *orig,
			struct fw_tuple *reply)
{
	const struct nlattr *a;
	unsigned int found = 0;

	memset(orig, 0, sizeof(*orig));
	memset(reply, 0, sizeof(*reply));
	orig->family = reply->family = (uint8_t)family;
	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg)) {
		const unsigned int type = mnl_attr_get_type(a);

		if (type != CTA_TUPLE_ORIG && type != CTA_TUPLE_REPLY)
			continue;
		take_tuple(type == CTA_TUPLE_ORIG ? orig : reply, a);
		found |= 1u << type;
	}
	return found == (1u << CTA_TUPLE_ORIG | 1u << CTA_TUPLE_REPLY);
}

bool fwd_ct_get(int *fd, const struct fw_tuple *t, uint16_t zone, struct fw_tuple *orig,
		struct fw_tuple *reply)
{
	_Alignas(struct nlmsghdr) uint8_t buf[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
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
	return take_answer(nlh, (enum fw_family)t->family, orig, reply);
}
