/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each protocol remembers of a flow, row by row (track/state.h). */
#include <netinet/in.h>
#include <string.h>

#include "track/state.h"

#define ROW(type, field, most) {offsetof(struct type, field), sizeof(((struct type *)0)->field), most}
#define SIDE(i)                                                                             \
	ROW(tcp_track, side[i].end, 0), ROW(tcp_track, side[i].maxend, 0),                  \
		ROW(tcp_track, side[i].maxwin, 0), ROW(tcp_track, side[i].maxack, 0),       \
		ROW(tcp_track, side[i].scale, 14), ROW(tcp_track, side[i].flags, 0)

static const struct ct_state_row tcp_rows[] = {
	ROW(tcp_track, state, N_TCP_STATES - 1),
	ROW(tcp_track, last_dir, FW_DIR_REPLY),
	ROW(tcp_track, last_seg, N_SEGS - 1),
	ROW(tcp_track, retrans, 0),
	ROW(tcp_track, last_scale, 14),
	ROW(tcp_track, last_flags, 0),
	ROW(tcp_track, last_win, 0),
	ROW(tcp_track, last_seq, 0),
	ROW(tcp_track, last_ack, 0),
	ROW(tcp_track, last_end, 0),
	SIDE(FW_DIR_ORIG),
	SIDE(FW_DIR_REPLY),
};

static const struct ct_state_row sctp_rows[] = {
	ROW(sctp_track, state, CT_T_SCTP_HEARTBEAT_SENT - CT_T_SCTP_NONE),
	ROW(sctp_track, tag[0], 0),
	ROW(sctp_track, tag[1], 0),
	ROW(sctp_track, init[0], 1),
	ROW(sctp_track, init[1], 1),
	ROW(sctp_track, heartbeat_failed, 1),
	ROW(sctp_track, last_dir, FW_DIR_REPLY),
};

static const struct ct_state_row udp_rows[] = {
	ROW(udp_track, stream_at[0], 0),
	ROW(udp_track, stream_at[1], 0),
};

const struct ct_state_row *ct_state_rows(uint8_t proto, size_t *n)
{
	switch (proto) {
	case IPPROTO_TCP: *n = FW_ARRAY_SIZE(tcp_rows); return tcp_rows;
	case IPPROTO_SCTP: *n = FW_ARRAY_SIZE(sctp_rows); return sctp_rows;
	case IPPROTO_UDP: *n = FW_ARRAY_SIZE(udp_rows); return udp_rows;
	default: *n = 0; return NULL;
	}
}

uint32_t ct_state_get(const void *track, const struct ct_state_row *row)
{
	const uint8_t *p = (const uint8_t *)track + row->offset;
	uint32_t v32;
	uint16_t v16;

	if (row->size == 1)
		return *p;
	if (row->size == 2) {
		memcpy(&v16, p, 2);
		return v16;
	}
	memcpy(&v32, p, 4);
	return v32;
}

bool ct_state_set(void *track, const struct ct_state_row *row, uint64_t value)
{
	uint8_t *p = (uint8_t *)track + row->offset;
	uint32_t v32 = (uint32_t)value;
	uint16_t v16 = (uint16_t)value;

	if (value >> (8 * row->size) || (row->max && value > row->max))
		return false;
	if (row->size == 1)
		*p = (uint8_t)value;
	else
		memcpy(p, row->size == 2 ? (const void *)&v16 : (const void *)&v32, row->size);
	return true;
}

void ct_state_shift(struct fw_flow *flow, uint64_t by)
{
	struct udp_track *u = &flow->u.udp;
	uint64_t at = ((uint64_t)u->stream_at[1] << 32 | u->stream_at[0]) + by;

	if (flow->orig.proto != IPPROTO_UDP)
		return;
	u->stream_at[0] = (uint32_t)at;
	u->stream_at[1] = (uint32_t)(at >> 32);
}
