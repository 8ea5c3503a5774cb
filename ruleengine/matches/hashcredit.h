/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -m hashlimit is told, and one bucket of credit under it. */
#ifndef MATCHES_HASHCREDIT_H
#define MATCHES_HASHCREDIT_H

#include <stdbool.h>
#include <stdint.h>

#define HL_DSTIP   0x01
#define HL_DSTPORT 0x02
#define HL_SRCIP   0x04
#define HL_SRCPORT 0x08
#define HL_ABOVE   0x10 /* the rule matches above the limit */
#define HL_BYTES   0x20
#define HL_RATE    0x40 /* --hashlimit-rate-match */

#define HL_SCALE 1000000ull /* a rate is the time between two packets in 1/HL_SCALE s */

#define HL_BURST_MAX           1000000
#define HL_BYTE_EXPIRE_S       15 /* of idle entries of a byte rate */
#define HL_BYTE_EXPIRE_BURST_S 60

struct hl_config {
	uint64_t avg, burst;
	uint32_t size, max, gc_ms, expire_ms, interval_s;
	uint8_t mode, srcmask, dstmask, family;
};

struct hl_credit {
	uint64_t prev_ms;
	uint64_t credit, cap; /* rate-match: seen in this window, burst */
	bool over;            /* rate-match: the last window was above */
};
void hl_credit_start(const struct hl_config *c, struct hl_credit *n, uint64_t now_ms);
void hl_credit_refill(const struct hl_config *c, struct hl_credit *n, uint64_t now_ms);
/* mode is the rule's, all else the table's. */
bool hl_credit_spend(const struct hl_config *c, uint8_t mode, struct hl_credit *n, uint32_t len);

/* Credits for a packet at this rate; for bytes, for 16 of them.  0 there: too fast. */
uint64_t hl_cost(uint64_t avg);
uint32_t hl_byte_cost(uint64_t avg);

#endif
