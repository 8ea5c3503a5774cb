/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that rules change.  The bytes are changed where they are; the view is a copy, made anew
 * after each change, so that whatever is asked of it later is asked of the packet as it now is.
 */
#include <string.h>

#include "packet/rewrite.h"

/* Before the first change: our own view. */
static struct fw_packet *begin(struct fw_eval *e)
{
	if (e->pkt == e->room)
		return e->room;
	if (!e->room || !e->pkt->writable)
		return NULL;
	*e->room = *e->pkt;
	e->pkt = e->room;
	return e->room;
}

void fw_rewrite_done(struct fw_eval *e)
{
	struct fw_packet *pkt = e->room;
	const struct fw_pkt_meta meta = pkt->meta;
	const struct fw_packet old = *pkt;

	if (fw_packet_parse(pkt, old.family, old.data, old.cap_len, old.len, &meta) < 0)
		*pkt = old; /* cannot be: no target touches lengths but fw_rewrite_grow() */
	pkt->writable = old.writable;
}

uint8_t *fw_rewrite_bytes(struct fw_eval *e, uint32_t off, uint32_t n)
{
	struct fw_packet *pkt;

	if (off > e->pkt->cap_len || n > e->pkt->cap_len - off)
		return NULL;
	pkt = begin(e);
	return pkt ? pkt->writable + off : NULL;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void fw_csum_replace(uint8_t *sum, uint16_t from, uint16_t to)
{
	uint32_t s = (uint16_t)~be16(sum) + (uint32_t)(uint16_t)~from + to;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	put_be16(sum, (uint16_t)~s);
}

/* IPv4: to the bit what ipv4_change_dsfield() makes of the checksum, zero's two forms included. */
static void change_tos4(uint8_t *h, uint8_t tos)
{
	uint32_t sum = be16(h + 10) + (uint32_t)h[1];

	if ((sum + 1) >> 16)
		sum = (sum + 1) & 0xffff;
	sum -= tos;
	sum += sum >> 16;
	put_be16(h + 10, (uint16_t)sum);
	h[1] = tos;
}

bool fw_rewrite_tos(struct fw_eval *e, uint8_t tos)
{
	uint8_t *h;

	if (e->pkt->tos == tos)
		return true;
	h = fw_rewrite_bytes(e, 0, e->pkt->family == FW_IP4 ? 20 : 40);
	if (!h)
		return false;
	if (e->pkt->family == FW_IP4) {
		change_tos4(h, tos);
	} else {
		h[0] = (uint8_t)((h[0] & 0xf0) | tos >> 4);
		h[1] = (uint8_t)((h[1] & 0x0f) | tos << 4);
	}
	e->room->tos = tos;
	return true;
}

bool fw_rewrite_ip_ecn(struct fw_eval *e, uint8_t ect)
{
	const uint8_t tos = (uint8_t)((e->pkt->tos & ~3u) | ect);
	uint8_t *h;

	if (e->pkt->tos == tos)
		return true;
	h = fw_rewrite_bytes(e, 0, 20);
	if (!h)
		return false;
	fw_csum_replace(h + 10, h[1], tos);
	h[1] = tos;
	e->room->tos = tos;
	return true;
}

bool fw_rewrite_hops(struct fw_eval *e, uint8_t hops)
{
	uint8_t *h;

	if (e->pkt->ttl == hops)
		return true;
	h = fw_rewrite_bytes(e, 0, e->pkt->family == FW_IP4 ? 20 : 40);
	if (!h)
		return false;
	if (e->pkt->family == FW_IP4) {
		fw_csum_replace(h + 10, (uint16_t)(h[8] << 8), (uint16_t)(hops << 8));
		h[8] = hops;
	} else {
		h[7] = hops;
	}
	e->room->ttl = hops;
	return true;
}

void fw_rewrite_grow(struct fw_eval *e, uint32_t more)
{
	struct fw_packet *pkt = e->room;
	uint8_t *h = pkt->writable;
	const bool v4 = pkt->family == FW_IP4;
	uint8_t *field = v4 ? h + 2 : h + 4;
	const uint16_t old = be16(field), now = (uint16_t)(old + more);

	if (v4)
		fw_csum_replace(h + 10, old, now);
	put_be16(field, now);
	pkt->len += more;
	pkt->cap_len += more;
}
