/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows as text: conntrack(8)'s lines or one JSON object a line.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_UDPLITE: return "udplite";
	case IPPROTO_ICMP: return "icmp";
	case IPPROTO_ICMPV6: return "icmpv6";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_DCCP: return "dccp";
	case IPPROTO_GRE: return "gre";
	default: return "unknown";
	}
}

static const char *addr_text(const struct fw_tuple *t, const union fw_addr *a, char room[64])
{
	return inet_ntop(t->family == FW_IP4 ? AF_INET : AF_INET6, a, room, 64);
}

static void print_numbers(const struct fw_tuple *t, struct fw_buf *out)
{
	uint16_t kind = ntohs(t->dport_be);

	if (ct_has_ports(t->proto))
		fw_buf_fmt(out, "sport=%u dport=%u ", ntohs(t->sport_be), kind);
	else if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6)
		fw_buf_fmt(out, "type=%u code=%u id=%u ", kind >> 8, kind & 0xff, ntohs(t->sport_be));
	else if (t->proto == IPPROTO_GRE)
		fw_buf_fmt(out, "srckey=0x%x dstkey=0x%x ", ntohs(t->sport_be), kind);
}

static void print_tuple(const struct fw_flow *flow, enum fw_ct_dir dir, struct fw_buf *out)
{
	struct fw_tuple room;
	const struct fw_tuple *t = fw_flow_tuple(flow, dir, &room);
	char src[64], dst[64];

	fw_buf_fmt(out, "src=%s dst=%s ", addr_text(t, &t->src, src), addr_text(t, &t->dst, dst));
	print_numbers(t, out);
	if (flow->ext && flow->ext->packets[0] + flow->ext->packets[1])
		fw_buf_fmt(out, "packets=%" PRIu64 " bytes=%" PRIu64 " ", flow->ext->packets[dir],
			   flow->ext->bytes[dir]);
}

static void text_flow(const struct fw_flow *flow, uint64_t now, bool extended, struct fw_buf *out)
{
	const char *state = ct_state_name(flow);

	if (extended)
		fw_buf_str(out, flow->orig.family == FW_IP4 ? "ipv4     2 " : "ipv6     10 ");
	fw_buf_fmt(out, "%-8s %u %u ", proto_name(flow->orig.proto), flow->orig.proto,
		   fw_flow_expires_s(flow, now));
	if (state)
		fw_buf_fmt(out, "%s ", state);
	print_tuple(flow, FW_DIR_ORIG, out);
	if (!(flow->status & FW_CTS_SEEN_REPLY))
		fw_buf_str(out, "[UNREPLIED] ");
	print_tuple(flow, FW_DIR_REPLY, out);
	if (flow->status & FW_CTS_ASSURED)
		fw_buf_str(out, "[ASSURED] ");
	fw_buf_fmt(out, "mark=%u ", flow->mark);
	if (flow->orig.zone)
		fw_buf_fmt(out, "zone=%u ", flow->orig.zone);
	fw_buf_str(out, "use=1\n");
}

static void json_tuple(const struct fw_flow *flow, enum fw_ct_dir dir, struct fw_buf *out)
{
	struct fw_tuple room;
	const struct fw_tuple *t = fw_flow_tuple(flow, dir, &room);
	char src[64], dst[64];
	uint16_t kind = ntohs(t->dport_be);

	fw_buf_fmt(out, "\"%s\":{\"src\":\"%s\",\"dst\":\"%s\"", dir == FW_DIR_ORIG ? "orig" : "reply",
		   addr_text(t, &t->src, src), addr_text(t, &t->dst, dst));
	if (ct_has_ports(t->proto))
		fw_buf_fmt(out, ",\"sport\":%u,\"dport\":%u", ntohs(t->sport_be), kind);
	else if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6)
		fw_buf_fmt(out, ",\"type\":%u,\"code\":%u,\"id\":%u", kind >> 8, kind & 0xff,
			   ntohs(t->sport_be));
	if (flow->ext)
		fw_buf_fmt(out, ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64, flow->ext->packets[dir],
			   flow->ext->bytes[dir]);
	fw_buf_char(out, '}');
}

static void json_flow(const struct fw_flow *flow, uint64_t now, struct fw_buf *out)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} status[] = {{"replied", FW_CTS_SEEN_REPLY}, {"assured", FW_CTS_ASSURED},
		      {"expected", FW_CTS_EXPECTED}, {"snat", FW_CTS_SRC_NAT},
		      {"dnat", FW_CTS_DST_NAT}};
	const char *state = ct_state_name(flow);

	fw_buf_fmt(out, "{\"family\":\"ipv%d\",\"protocol\":%u,\"name\":\"%s\",\"expires\":%u,",
		   flow->orig.family == FW_IP4 ? 4 : 6, flow->orig.proto,
		   proto_name(flow->orig.proto), fw_flow_expires_s(flow, now));
	if (state)
		fw_buf_fmt(out, "\"state\":\"%s\",", state);
	json_tuple(flow, FW_DIR_ORIG, out);
	fw_buf_char(out, ',');
	json_tuple(flow, FW_DIR_REPLY, out);
	for (size_t i = 0; i < FW_ARRAY_SIZE(status); i++)
		fw_buf_fmt(out, ",\"%s\":%s", status[i].name,
			   flow->status & status[i].bit ? "true" : "false");
	fw_buf_fmt(out, ",\"mark\":%u,\"zone\":%u}\n", flow->mark, flow->orig.zone);
}

void ct_print_flow(const struct fw_flow *flow, uint64_t now, enum fw_ct_format format,
		   struct fw_buf *out)
{
	if (format == FW_CT_JSON)
		json_flow(flow, now, out);
	else
		text_flow(flow, now, format == FW_CT_EXTENDED, out);
}

void fw_ct_list(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		uint64_t now, enum fw_ct_format format, struct fw_buf *out)
{
	size_t left = ct_slice(max);
	struct fw_flow *flow;

	while (max-- && (flow = ct_step(ct, cursor, &left, now, filter)))
		ct_print_flow(flow, now, format, out);
}
