/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drafts to bytes, packets to one line of words. */
#include <netinet/in.h>
#include <string.h>

#include "draft.h"

static uint16_t header_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The upper layer's header; returns its length. */
static uint32_t build_upper(const struct ctl_draft *d, uint8_t *h, uint32_t room)
{
	switch (d->proto) {
	case IPPROTO_TCP:
		put16(h, d->ends[0].port);
		put16(h + 2, d->ends[1].port);
		put16(h + 6, 1); /* sequence number 1 */
		h[11] = d->flags & 0x10;
		h[12] = 5 << 4;
		h[13] = d->flags;
		put16(h + 14, 65535);
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put16(h, d->ends[0].port);
		put16(h + 2, d->ends[1].port);
		put16(h + 4, room > 8 ? room : 8);
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		put16(h, d->ends[0].port);
		put16(h + 2, d->ends[1].port);
		h[4] = 3; /* DCCP: data offset of a 12-byte header */
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		h[0] = d->type;
		h[1] = d->code;
		h[5] = h[7] = 1;
		return 8;
	case IPPROTO_GRE: return 4;
	case IPPROTO_AH:
		h[0] = 59; /* no next header */
		h[1] = 1;
		return 12;
	default: return 8;
	}
}

void ctl_draft_build(const struct ctl_draft *d)
{
	uint32_t head = d->p->family == FW_IP4 ? 20 : 40;
	struct ctl_packet *p = d->p;
	uint8_t *b = p->data;
	uint32_t upper = build_upper(d, b + head, d->len > head ? d->len - head : 0);

	p->len = d->len > head + upper ? d->len : head + upper;
	p->cap_len = p->len < sizeof(p->data) ? p->len : (uint32_t)sizeof(p->data);
	if (p->family == FW_IP4) {
		b[0] = 0x45;
		b[1] = d->tos;
		put16(b + 2, p->len);
		b[6] = 0x40; /* do not fragment */
		b[8] = d->ttl;
		b[9] = d->proto;
		memcpy(b + 12, d->ends[0].addr.u8, 4);
		memcpy(b + 16, d->ends[1].addr.u8, 4);
		memcpy(b + 10, &(uint16_t){header_sum(b, 20)}, 2);
		return;
	}
	b[0] = (uint8_t)(0x60 | d->tos >> 4);
	b[1] = (uint8_t)(d->tos << 4);
	put16(b + 4, p->len - head);
	b[6] = d->proto;
	b[7] = d->ttl;
	memcpy(b + 8, d->ends[0].addr.u8, 16);
	memcpy(b + 24, d->ends[1].addr.u8, 16);
}

static void add_end(const struct fw_packet *pkt, const union fw_addr *addr, uint16_t port,
		    struct fw_buf *out)
{
	bool bracket = pkt->has_ports && pkt->family == FW_IP6;

	if (bracket)
		fw_buf_char(out, '[');
	fw_print_addr(addr, pkt->family, out);
	if (bracket)
		fw_buf_char(out, ']');
	if (pkt->has_ports)
		fw_buf_fmt(out, ":%u", port);
}

void ctl_packet_summary(const struct fw_packet *pkt, struct fw_buf *out)
{
	const char *name = NULL;

	for (size_t i = 0; !name && ctl_protos[i].name; i++)
		if (ctl_protos[i].value == pkt->proto)
			name = ctl_protos[i].name;
	if (name)
		fw_buf_str(out, name);
	else
		fw_buf_fmt(out, "proto %u", pkt->proto);
	fw_buf_char(out, ' ');
	add_end(pkt, &pkt->src, pkt->sport, out);
	fw_buf_str(out, " -> ");
	add_end(pkt, &pkt->dst, pkt->dport, out);
	if (pkt->fragment)
		fw_buf_fmt(out, " fragment at %u", pkt->frag_off);
	if (!pkt->fragment && (pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6))
		fw_buf_fmt(out, " type %u code %u", pkt->icmp_type, pkt->icmp_code);
	for (size_t i = 0; pkt->proto == IPPROTO_TCP && pkt->l4_ok && ctl_flags[i].name; i++)
		if (pkt->tcp_flags & ctl_flags[i].value)
			fw_buf_fmt(out, " %s", ctl_flags[i].name);
	fw_buf_fmt(out, " len %u", pkt->len);
}
