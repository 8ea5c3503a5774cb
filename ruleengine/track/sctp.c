/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCTP associations: the kernel's states, moved chunk by chunk, guarded by verification tags.
 *
 * A tag is what one end told the other to put into every packet (INIT and INIT ACK carry it), so
 * who does not know it cannot move the state.  Heartbeats may begin a flow of their own: the
 * second path of an association whose first we may never have seen.
 */
#include "track/track.h"

#include <string.h>

enum {
	CHUNK_DATA = 0, CHUNK_INIT = 1, CHUNK_INIT_ACK = 2, CHUNK_HEARTBEAT = 4,
	CHUNK_HEARTBEAT_ACK = 5, CHUNK_ABORT = 6, CHUNK_SHUTDOWN = 7, CHUNK_SHUTDOWN_ACK = 8,
	CHUNK_ERROR = 9, CHUNK_COOKIE_ECHO = 10, CHUNK_COOKIE_ACK = 11, CHUNK_SHUTDOWN_DONE = 14,
};

enum {
	NO, CL, CW, CE, ES, SS, SR, SA, HS, N_STATES,
	BAD = N_STATES,
};

static const char *const state_names[] = {
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT",
	"SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
};
static_assert(FW_ARRAY_SIZE(state_names) == N_STATES, "a name for each state");

enum { ROW_INIT, ROW_INIT_ACK, ROW_ABORT, ROW_SHUTDOWN, ROW_SHUTDOWN_ACK, ROW_ERROR,
       ROW_COOKIE_ECHO, ROW_COOKIE_ACK, ROW_SHUTDOWN_DONE, ROW_HEARTBEAT, ROW_HEARTBEAT_ACK, N_ROWS };

static const uint8_t next_state[FW_N_DIRS][N_ROWS][N_STATES] = {
	[FW_DIR_ORIG] = {
		/*                      NO  CL  CW  CE  ES  SS  SR  SA  HS */
		[ROW_INIT] =           {CL, CL, CW, CE, ES, CL, CL, SA, CW},
		[ROW_INIT_ACK] =       {CL, CL, CW, CE, ES, SS, SR, SA, CL},
		[ROW_ABORT] =          {CL, CL, CL, CL, CL, CL, CL, CL, CL},
		[ROW_SHUTDOWN] =       {CL, CL, CW, CE, SS, SS, SR, SA, CL},
		[ROW_SHUTDOWN_ACK] =   {SA, CL, CW, CE, ES, SA, SA, SA, SA},
		[ROW_ERROR] =          {CL, CL, CW, CE, ES, SS, SR, SA, CL},
		[ROW_COOKIE_ECHO] =    {CL, CL, CE, CE, ES, SS, SR, SA, CL},
		[ROW_COOKIE_ACK] =     {CL, CL, CW, ES, ES, SS, SR, SA, CL},
		[ROW_SHUTDOWN_DONE] =  {CL, CL, CW, CE, ES, SS, SR, CL, CL},
		[ROW_HEARTBEAT] =      {HS, CL, CW, CE, ES, SS, SR, SA, HS},
		[ROW_HEARTBEAT_ACK] =  {CL, CL, CW, CE, ES, SS, SR, SA, HS},
	},
	[FW_DIR_REPLY] = {
		/*                      NO   CL  CW  CE  ES  SS  SR  SA  HS */
		[ROW_INIT] =           {BAD, CL, CW, CE, ES, SS, SR, SA, BAD},
		[ROW_INIT_ACK] =       {BAD, CW, CW, CE, ES, SS, SR, SA, BAD},
		[ROW_ABORT] =          {BAD, CL, CL, CL, CL, CL, CL, CL, BAD},
		[ROW_SHUTDOWN] =       {BAD, CL, CW, CE, SR, SS, SR, SA, BAD},
		[ROW_SHUTDOWN_ACK] =   {BAD, CL, CW, CE, ES, SA, SA, SA, BAD},
		[ROW_ERROR] =          {BAD, CL, CW, CL, ES, SS, SR, SA, BAD},
		[ROW_COOKIE_ECHO] =    {BAD, CL, CE, CE, ES, SS, SR, SA, BAD},
		[ROW_COOKIE_ACK] =     {BAD, CL, CW, ES, ES, SS, SR, SA, BAD},
		[ROW_SHUTDOWN_DONE] =  {BAD, CL, CW, CE, ES, SS, SR, CL, BAD},
		[ROW_HEARTBEAT] =      {BAD, CL, CW, CE, ES, SS, SR, SA, HS},
		[ROW_HEARTBEAT_ACK] =  {BAD, CL, CW, CE, ES, SS, SR, SA, ES},
	},
};

struct chunk {
	uint32_t off, count;
	uint8_t type, flags;
	uint16_t len;
};

const char *ct_sctp_state_name(unsigned int state)
{
	return state < N_STATES ? state_names[state] : NULL;
}

bool ct_sctp_closing(const struct fw_flow *flow)
{
	uint8_t s = flow->u.sctp.state;

	return s == SS || s == SR || s == SA;
}

static uint32_t read_tag(const uint8_t *p) /* compared only: order does not matter */
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool chunk_at(const struct fw_packet *pkt, struct chunk *ch)
{
	const uint8_t *p;

	if (ch->off >= pkt->len)
		return false;
	p = fw_packet_bytes(pkt, ch->off, 4);
	if (!p)
		return false;
	ch->type = p[0];
	ch->flags = p[1];
	ch->len = (uint16_t)(p[2] << 8 | p[3]);
	return true;
}

static bool first_chunk(const struct fw_packet *pkt, struct chunk *ch)
{
	*ch = (struct chunk){.off = pkt->l4_off + 12};
	return chunk_at(pkt, ch);
}

static bool next_chunk(const struct fw_packet *pkt, struct chunk *ch)
{
	ch->off += (ch->len + 3u) & ~3u;
	ch->count++;
	return chunk_at(pkt, ch);
}

/* The initiate tag of an INIT or INIT ACK. */
static bool init_tag(const struct fw_packet *pkt, const struct chunk *ch, uint32_t *tag)
{
	const uint8_t *p = fw_packet_bytes(pkt, ch->off + 4, 16);

	if (!p)
		return false;
	*tag = read_tag(p);
	return true;
}

/* Chunks that must stand alone or first do; *map gets a bit for each type below 32. */
static bool chunks_ok(const struct fw_packet *pkt, uint32_t *map)
{
	struct chunk ch;
	bool alone = false, more;

	for (more = first_chunk(pkt, &ch); more; more = next_chunk(pkt, &ch)) {
		if (ch.type == CHUNK_INIT || ch.type == CHUNK_INIT_ACK || ch.type == CHUNK_SHUTDOWN_DONE)
			alone = true;
		if (!ch.len || (ch.count && (alone || ch.type == CHUNK_COOKIE_ACK ||
					     ch.type == CHUNK_COOKIE_ECHO)))
			return false;
		if (ch.type < 32)
			*map |= 1u << ch.type;
	}
	return ch.count > 0;
}

static uint8_t move(enum fw_ct_dir dir, uint8_t state, uint8_t chunk)
{
	static const uint8_t rows[] = {
		[CHUNK_INIT] = ROW_INIT + 1, [CHUNK_INIT_ACK] = ROW_INIT_ACK + 1,
		[CHUNK_HEARTBEAT] = ROW_HEARTBEAT + 1, [CHUNK_HEARTBEAT_ACK] = ROW_HEARTBEAT_ACK + 1,
		[CHUNK_ABORT] = ROW_ABORT + 1, [CHUNK_SHUTDOWN] = ROW_SHUTDOWN + 1,
		[CHUNK_SHUTDOWN_ACK] = ROW_SHUTDOWN_ACK + 1, [CHUNK_ERROR] = ROW_ERROR + 1,
		[CHUNK_COOKIE_ECHO] = ROW_COOKIE_ECHO + 1, [CHUNK_COOKIE_ACK] = ROW_COOKIE_ACK + 1,
		[CHUNK_SHUTDOWN_DONE] = ROW_SHUTDOWN_DONE + 1,
	};

	if (chunk >= FW_ARRAY_SIZE(rows) || !rows[chunk])
		return state; /* data and the like */
	return next_state[dir][rows[chunk] - 1][state];
}

static bool start(struct ct_ctx *c, uint32_t tag)
{
	struct sctp_track *s = &c->flow->u.sctp;
	struct chunk ch;
	bool more;

	memset(s, 0, sizeof(*s));
	for (more = first_chunk(c->pkt, &ch); more; more = next_chunk(c->pkt, &ch)) {
		uint8_t state = move(FW_DIR_ORIG, NO, ch.type);

		if (state == NO || state == BAD)
			return false;
		if (ch.type == CHUNK_INIT) {
			if (tag || !init_tag(c->pkt, &ch, &s->tag[FW_DIR_REPLY]))
				return false;
		} else if (ch.type == CHUNK_HEARTBEAT) {
			s->tag[FW_DIR_ORIG] = tag;
		} else if (ch.type == CHUNK_SHUTDOWN_ACK) {
			s->tag[FW_DIR_REPLY] = tag;
		}
	}
	return true;
}

enum tag_say { TAG_OK, TAG_BAD, TAG_SKIP /* this chunk moves nothing */ };

static enum tag_say heartbeat(struct sctp_track *s, enum fw_ct_dir dir, uint32_t tag, bool data)
{
	if (!s->tag[dir]) {
		s->tag[dir] = tag;
	} else if (tag != s->tag[dir]) {
		if (data)
			return TAG_BAD;
		s->heartbeat_failed = 1;
		s->last_dir = (uint8_t)dir;
		return TAG_SKIP;
	} else {
		s->heartbeat_failed = 0;
	}
	return TAG_OK;
}

static enum tag_say heartbeat_ack(struct sctp_track *s, enum fw_ct_dir dir, uint32_t tag, bool data)
{
	if (!s->tag[dir]) {
		s->tag[dir] = tag;
	} else if (tag != s->tag[dir]) {
		if (data || !s->heartbeat_failed || s->last_dir == dir)
			return TAG_BAD;
		s->heartbeat_failed = 0;
		s->tag[dir] = tag;
		s->tag[!dir] = 0;
	} else {
		s->heartbeat_failed = 0;
	}
	return TAG_OK;
}

/* The rules for single chunks (RFC 9260, 8.5.1). */
static enum tag_say check_tag(struct sctp_track *s, enum fw_ct_dir dir, const struct chunk *ch,
			      uint32_t tag, bool data)
{
	switch (ch->type) {
	case CHUNK_INIT: return tag ? TAG_BAD : TAG_OK;
	case CHUNK_ABORT:
	case CHUNK_SHUTDOWN_DONE: /* with the T bit the sender has no tag and reflects ours */
		return tag == s->tag[ch->flags & 1 ? !dir : dir] ? TAG_OK : TAG_BAD;
	case CHUNK_COOKIE_ECHO: return tag == s->tag[dir] ? TAG_OK : TAG_BAD;
	case CHUNK_COOKIE_ACK: s->init[0] = s->init[1] = 0; return TAG_OK;
	case CHUNK_HEARTBEAT: return heartbeat(s, dir, tag, data);
	case CHUNK_HEARTBEAT_ACK: return heartbeat_ack(s, dir, tag, data);
	default: return TAG_OK;
	}
}

/* Remember the tags that INIT and INIT ACK hand out. */
static bool learn_tag(struct ct_ctx *c, const struct chunk *ch, uint8_t old)
{
	struct sctp_track *s = &c->flow->u.sctp;
	enum fw_ct_dir dir = c->dir;
	uint32_t tag, known = s->tag[!dir];

	if (ch->type != CHUNK_INIT && ch->type != CHUNK_INIT_ACK)
		return true;
	if (!init_tag(c->pkt, ch, &tag))
		return false;
	if (ch->type == CHUNK_INIT) {
		/* a repeated INIT is no second attempt */
		if (old == NO || known != tag) {
			if (s->init[dir] && s->init[!dir])
				s->init[!dir] = 0;
			s->init[dir] = 1;
		}
	} else {
		if (!s->init[!dir] && known && known != tag)
			return false;
		if (s->init[dir] && s->init[!dir] && known != tag)
			return false;
	}
	s->tag[!dir] = tag;
	return true;
}

/* CRC-32C, reflected, four bits at a time: SCTP's own checksum. */
static bool crc_bad(const struct ct_ctx *c)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const struct fw_packet *pkt = c->pkt;
	uint32_t len = pkt->len - pkt->l4_off, crc = ~0u;
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, len);

	if (!ct_csum_wanted(c->ct, pkt) || fw_packet_is_part(pkt) || !p)
		return false;
	for (uint32_t i = 0; i < len; i++) {
		crc ^= i >= 8 && i < 12 ? 0 : p[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		if (p[8 + i] != (uint8_t)(crc >> (8 * i)))
			return true;
	return false;
}

#define BIT(chunk) (1u << (chunk))

enum ct_say ct_sctp_packet(struct ct_ctx *c)
{
	const struct fw_packet *pkt = c->pkt;
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, 12);
	struct sctp_track *s = &c->flow->u.sctp;
	bool ignore = false, more;
	uint32_t map = 0, tag;
	uint8_t state = NO;
	struct chunk ch;

	if (!p || pkt->len < pkt->l4_off + 12 || crc_bad(c) || !chunks_ok(pkt, &map))
		return CT_INVALID;
	tag = read_tag(p + 4);
	if (c->fresh && ((map & (BIT(CHUNK_ABORT) | BIT(CHUNK_SHUTDOWN_DONE) | BIT(CHUNK_COOKIE_ACK))) ||
			 !start(c, tag)))
		return CT_INVALID;
	/* chunks outside of these have no rule of their own: the tag must be right */
	if (!(map & (BIT(CHUNK_INIT) | BIT(CHUNK_SHUTDOWN_DONE) | BIT(CHUNK_COOKIE_ECHO) |
		     BIT(CHUNK_ABORT) | BIT(CHUNK_SHUTDOWN_ACK) | BIT(CHUNK_HEARTBEAT) |
		     BIT(CHUNK_HEARTBEAT_ACK))) && tag != s->tag[c->dir])
		return CT_INVALID;
	for (more = first_chunk(pkt, &ch); more; more = next_chunk(pkt, &ch)) {
		enum tag_say say = check_tag(s, c->dir, &ch, tag, (map & BIT(CHUNK_DATA)) || ignore);
		uint8_t old = s->state;

		if (say == TAG_BAD)
			return CT_INVALID;
		if (say == TAG_SKIP) {
			ignore = true;
			continue;
		}
		state = move(c->dir, old, ch.type);
		if (state == BAD || !learn_tag(c, &ch, old))
			return CT_INVALID;
		/* repeated INITs must not keep an unanswered flow */
		if (ch.type == CHUNK_INIT && state == CL && old == CL && !c->fresh)
			ignore = true;
		s->state = state;
		if (old != state && state == ES)
			c->flow->status |= FW_CTS_ASSURED;
	}
	if (!ignore)
		ct_refresh(c, c->ct->timeout[CT_T_SCTP_NONE + state]);
	return CT_ACCEPT;
}
