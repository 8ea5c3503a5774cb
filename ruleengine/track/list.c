/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows as text: conntrack(8)'s lines or one JSON object a line, picked by a filter, in slices.
 *
 * Unconfirmed and dying flows are left out: the kernel's list has neither.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

#define SLICE_RECORDS 16 /* records looked at for each that may be printed */

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

static const char *state_name(const struct fw_flow *flow)
{
	if (flow->orig.proto == IPPROTO_TCP)
		return ct_tcp_state_name(flow);
	return flow->orig.proto == IPPROTO_SCTP ? ct_sctp_state_name(flow) : NULL;
}

static const char *addr_text(const struct fw_tuple *t, const union fw_addr *a, char room[64])
{
	return inet_ntop(t->family == FW_IP4 ? AF_INET : AF_INET6, a, room, 64);
}

/* What the two numbers of a tuple are called; NULL: this protocol has none. */
static const char *number_name(uint8_t proto, int i)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP: return i ? "dport" : "sport";
	default: return NULL;
	}
}

static void print_numbers(const struct fw_tuple *t, struct fw_buf *out)
{
	uint16_t kind = ntohs(t->dport_be);

	if (number_name(t->proto, 0))
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

static void print_flow(const struct fw_flow *flow, uint64_t now, struct fw_buf *out)
{
	const char *state = state_name(flow);

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
	if (number_name(t->proto, 0))
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
	const char *state = state_name(flow);

	fw_buf_fmt(out, "{\"family\":\"ipv%d\",\"protocol\":%u,\"name\":\"%s\",\"expires\":%u,",
		   flow->orig.family == FW_IP4 ? 4 : 6, flow->orig.proto,
		   proto_name(flow->orig.proto), fw_flow_expires_s(flow, now));
	if (state)
		fw_buf_fmt(out, "\"state\":\"%s\",", state);
	json_tuple(flow, FW_DIR_ORIG, out);
	fw_buf_char(out, ',');
	json_tuple(flow, FW_DIR_REPLY, out);
	fw_buf_fmt(out, ",\"replied\":%s,\"assured\":%s,\"mark\":%u,\"zone\":%u}\n",
		   flow->status & FW_CTS_SEEN_REPLY ? "true" : "false",
		   flow->status & FW_CTS_ASSURED ? "true" : "false", flow->mark, flow->orig.zone);
}

static bool passes(const struct fw_flow *flow, const struct fw_ct_filter *f)
{
	const struct fw_tuple *t = &flow->orig;

	if (!f)
		return true;
	if ((f->family >= 0 && f->family != t->family) || (f->proto >= 0 && f->proto != t->proto))
		return false;
	if ((f->has_src && memcmp(&f->src, &t->src, sizeof(t->src)) != 0) ||
	    (f->has_dst && memcmp(&f->dst, &t->dst, sizeof(t->dst)) != 0))
		return false;
	if ((f->sport >= 0 || f->dport >= 0) && !number_name(t->proto, 0))
		return false;
	if ((f->sport >= 0 && f->sport != ntohs(t->sport_be)) ||
	    (f->dport >= 0 && f->dport != ntohs(t->dport_be)))
		return false;
	if (f->state) {
		const char *state = state_name(flow);

		return state && strcmp(state, f->state) == 0;
	}
	return true;
}

/* The next flow at or behind *cursor that passes; NULL: the slice is over.  *left bounds it. */
static struct fw_flow *step(struct fw_ct *ct, uint64_t *cursor, size_t *left, uint64_t now,
			    const struct fw_ct_filter *filter)
{
	uint64_t records = ct->table.n_records;

	for (; *cursor < records && *left; (*left)--) {
		struct fw_flow *flow = ct_table_at(&ct->table, (uint32_t)(*cursor)++);

		if ((flow->flags & CT_F_USED) && !(flow->flags & CT_F_DYING) &&
		    (flow->status & FW_CTS_CONFIRMED) && flow->expires > now && passes(flow, filter))
			return flow;
	}
	if (*cursor >= records)
		*cursor = 0;
	return NULL;
}

static size_t slice(size_t max)
{
	return max > SIZE_MAX / SLICE_RECORDS ? SIZE_MAX : max * SLICE_RECORDS;
}

void fw_ct_list(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		uint64_t now, bool json, struct fw_buf *out)
{
	size_t left = slice(max);
	struct fw_flow *flow;

	while (max-- && (flow = step(ct, cursor, &left, now, filter))) {
		if (json)
			json_flow(flow, now, out);
		else
			print_flow(flow, now, out);
	}
}

size_t fw_ct_delete(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		    uint64_t now)
{
	size_t left = slice(max), gone = 0;
	struct fw_flow *flow;

	while (gone < max && (flow = step(ct, cursor, &left, now, filter))) {
		ct_flow_free(ct, flow);
		gone++;
	}
	return gone;
}
