/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctnetlink's messages: a connection's ends put into one, and what one tells of a connection. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "ctmsg.h"

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

/* ---- what a message tells ---------------------------------------------------------------------------- */

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

/* The state of a TCP or SCTP connection. */
static void take_state(struct fw_ct_facts *f, const struct nlattr *nest)
{
	const struct nlattr *proto, *a;

	mnl_attr_for_each_nested(proto, nest)
		mnl_attr_for_each_nested(a, proto) {
			const bool sctp = mnl_attr_get_type(proto) == CTA_PROTOINFO_SCTP;
			const unsigned int type = mnl_attr_get_type(a);

			if (type == (sctp ? CTA_PROTOINFO_SCTP_STATE : CTA_PROTOINFO_TCP_STATE))
				f->state = mnl_attr_get_u8(a);
			else if (sctp && type == CTA_PROTOINFO_SCTP_VTAG_ORIGINAL)
				f->tag[FW_DIR_ORIG] = mnl_attr_get_u32(a);
			else if (sctp && type == CTA_PROTOINFO_SCTP_VTAG_REPLY)
				f->tag[FW_DIR_REPLY] = mnl_attr_get_u32(a);
		}
}

static void take_number(struct fw_ct_facts *f, const struct nlattr *a)
{
	switch (mnl_attr_get_type(a)) {
	case CTA_STATUS: f->status = ntohl(mnl_attr_get_u32(a)); break;
	case CTA_TIMEOUT: f->left_s = ntohl(mnl_attr_get_u32(a)); break;
	case CTA_MARK: f->mark = ntohl(mnl_attr_get_u32(a)); break;
	}
}

bool fwd_ct_take(const struct nlmsghdr *nlh, struct fw_ct_facts *ret)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	unsigned int found = 0;

	memset(ret, 0, sizeof(*ret));
	ret->orig.family = ret->reply.family = nfg->nfgen_family == AF_INET ? FW_IP4 : FW_IP6;
	mnl_attr_for_each(a, nlh, sizeof(*nfg)) {
		const unsigned int type = mnl_attr_get_type(a);

		if (type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY) {
			take_tuple(type == CTA_TUPLE_ORIG ? &ret->orig : &ret->reply, a);
			found |= 1u << type;
		} else if (type == CTA_PROTOINFO) {
			take_state(ret, a);
		} else {
			take_number(ret, a);
		}
	}
	return found == (1u << CTA_TUPLE_ORIG | 1u << CTA_TUPLE_REPLY);
}
