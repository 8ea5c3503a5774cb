/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet view must survive any bytes: first byte says family and flags, two more how much of
 * the packet is beyond our copy; the rest is the packet.  What the view promises is checked, so
 * that a wrong length is a crash here and not in a match.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fw/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct fw_packet *pkt)
{
	require(pkt->cap_len <= pkt->len);
	require(pkt->l4_off <= pkt->len || pkt->fragment);
	require(pkt->l4_len <= pkt->len);
	if (pkt->fragment || !pkt->has_proto)
		require(!pkt->l4_ok && !pkt->l4_short && !pkt->has_ports && !pkt->l4_len);
	require(!(pkt->l4_ok && pkt->l4_short));
	if (pkt->has_ports)
		require(fw_packet_bytes(pkt, pkt->l4_off, 4) != NULL);
	require(!fw_packet_bytes(pkt, pkt->cap_len, 1));
	(void)fw_packet_csum_ok(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_pkt_meta meta = {.hook = FW_INPUT};
	struct fw_packet pkt, inner;
	uint8_t *copy;
	size_t n;

	if (size < 3)
		return 0;
	meta.flags = data[0] & 0x07;
	n = size - 3;
	/* A heap copy of the exact size: one byte too far is seen by the address sanitizer. */
	copy = malloc(n ? n : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 3, n);
	if (!fw_packet_parse(&pkt, data[0] & 0x80 ? FW_IP6 : FW_IP4, copy, (uint32_t)n,
			     (uint32_t)n + data[1] + (uint32_t)data[2] * 256, &meta)) {
		check(&pkt);
		if (!fw_packet_inner(&pkt, &inner))
			check(&inner);
	}
	free(copy);
	return 0;
}
