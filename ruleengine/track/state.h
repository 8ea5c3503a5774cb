/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows as lines of text, to bring them along over a restart.
 *
 *	FAMILY PROTO SRC DST SPORT DPORT ZONE STATUS MARK LEFT [REPLY] [COUNTERS] : WORDS…
 *
 * FAMILY is 4 or 6; ports as the tuple has them (ICMP: id and type << 8 | code); STATUS, MARK and
 * WORDS are hexadecimal; the number of the helper that expected the flow stands above the 16 bits of
 * STATUS; LEFT is in milliseconds; REPLY, of translated flows, is SRC DST SPORT DPORT.  WORDS are what
 * the protocol remembers, one number for each row of its table, so the text does not depend on how
 * this machine lays out a struct.  A time in WORDS is relative to the dump.
 *
 *	state.c      flows into text
 *	stateload.c  … and from it
 *	staterow.c   the rows
 */
#ifndef FW_TRACK_STATE_H
#define FW_TRACK_STATE_H

#include "fw/helper.h"
#include "track/track.h"

#define CT_NSEC_PER_MSEC 1000000ull
#define CT_STATE_KEPT \
	(FW_CTS_EXPECTED | FW_CTS_SEEN_REPLY | FW_CTS_ASSURED | FW_CTS_CONFIRMED | CT_NAT)
#define CT_STATE_HELPER 16 /* bits of STATUS below the helper's number */

/* One number that a protocol remembers; max 0: any. */
struct ct_state_row {
	uint8_t offset, size;
	uint32_t max;
};

/* What a protocol remembers, in the order of the text; *n set.  Static. */
const struct ct_state_row *ct_state_rows(uint8_t proto, size_t *n);
uint32_t ct_state_get(const void *track, const struct ct_state_row *row);
/* false: not a value that this row can have. */
bool ct_state_set(void *track, const struct ct_state_row *row, uint64_t value);
/* UDP's time moves with the clock: relative in the text, absolute in the flow. */
void ct_state_shift(struct fw_flow *flow, uint64_t by);

#endif
