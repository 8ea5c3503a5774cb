/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets as literal bytes, for tests of the packet view.  Needs cmocka and its headers included
 * first.
 */
#ifndef PACKET_BYTES_H
#define PACKET_BYTES_H

#include <stdlib.h>
#include <string.h>

#include "fw/packet.h"

static const uint8_t tcp4[] = {
	0x45, 0x10, 0x00, 0x28, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 10, 0,
	0,    1,    10,	  0,	0,    2,    0x04, 0xd2, 0x00, 0x50, 0,	  0,	0,  1,
	0,    0,    0,	  0,	0x50, 0x02, 0x20, 0x00, 0x00, 0x00, 0,	  0,
};

/* An exact heap copy, so that the sanitizers see one byte too far. */
struct bytes {
	uint8_t *data;
	uint32_t n;
};

static inline struct bytes bytes_of(const void *data, size_t n)
{
	struct bytes b = {.data = malloc(n ? n : 1), .n = (uint32_t)n};

	assert_non_null(b.data);
	memcpy(b.data, data, n);
	return b;
}

static inline int parse(struct fw_packet *pkt, enum fw_family family, const struct bytes *b,
			uint32_t len)
{
	struct fw_pkt_meta meta = {.hook = FW_INPUT, .flags = FW_PKT_CSUM_UNCHECKED};

	return fw_packet_parse(pkt, family, b->data, b->n, len, &meta);
}

/* An IPv6 packet: fixed header, then `rest` as it is. */
static inline struct bytes ip6(uint8_t next, const void *rest, size_t n)
{
	uint8_t h[256] = {0x60, 0x50, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, next, 64};

	assert_true(n <= sizeof(h) - 40);
	h[8] = 0x20, h[23] = 1, h[24] = 0x20, h[39] = 2;
	memcpy(h + 40, rest, n);
	return bytes_of(h, 40 + n);
}

/* hop-by-hop, routing, AH, fragment header of a first fragment, destination options, TCP */
static const uint8_t chain[] = {
	43, 0, 1, 4, 0, 0, 0, 0, 51,   0,    0,	   0,	 0,    0,    0,	   0,
	44, 1, 0, 0, 0, 0, 0, 1, 0,    0,    0,	   1,	 60,   0,    0,	   1,
	0,  0, 0, 9, 6, 0, 1, 4, 0,    0,    0,	   0,	 0x04, 0xd2, 0x00, 0x50,
	0,  0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0x00, 0x00, 0x00, 0,	   0,
};

#endif
