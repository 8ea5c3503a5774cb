/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows as lines of text, to bring them along over a restart.
 *
 *	FAMILY PROTO SRC DST SPORT DPORT ZONE STATUS MARK LEFT [REPLY] [COUNTERS] : WORDS…
 *
 * FAMILY is 4 or 6; ports as the tuple has them (ICMP: id and type << 8 | code); STATUS, MARK and
 * WORDS are hexadecimal; the number of the helper that expected the flow stands above the 16 bits of
 * STATUS; LEFT is in milliseconds; REPLY, of translated flows, is SRC DST SPORT DPORT.  WORDS are what the protocol remembers, one
 * number for each row of its table below, so the text does not depend on how this machine lays
 * out a struct.  A time in WORDS is relative to the dump.
 *
 * What is read is checked as if a stranger had written it: states and directions index tables.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "fw/helper.h"
#include "track/track.h"

#define NSEC_PER_MSEC 1000000ull
#define SLICE_RECORDS 16
#define KEPT          (FW_CTS_EXPECTED | FW_CTS_SEEN_REPLY | FW_CTS_ASSURED | FW_CTS_CONFIRMED | CT_NAT)
#define HELPER_SHIFT  16
#define MAX_LEFT_MS   (UINT32_MAX * 1000ull)

/* One number that a protocol remembers; max 0: any. */
struct row {
	uint8_t offset, size;
	uint32_t max;
};

#define ROW(type, field, most) {offsetof(struct type, field), sizeof(((struct type *)0)->field), most}
#define SIDE(i)                                                                             \
	ROW(tcp_track, side[i].end, 0), ROW(tcp_track, side[i].maxend, 0),                  \
		ROW(tcp_track, side[i].maxwin, 0), ROW(tcp_track, side[i].maxack, 0),       \
		ROW(tcp_track, side[i].scale, 14), ROW(tcp_track, side[i].flags, 0)

static const struct row tcp_rows[] = {
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

static const struct row sctp_rows[] = {
	ROW(sctp_track, state, CT_T_SCTP_HEARTBEAT_SENT - CT_T_SCTP_NONE),
	ROW(sctp_track, tag[0], 0),
	ROW(sctp_track, tag[1], 0),
	ROW(sctp_track, init[0], 1),
	ROW(sctp_track, init[1], 1),
	ROW(sctp_track, heartbeat_failed, 1),
	ROW(sctp_track, last_dir, FW_DIR_REPLY),
};

static const struct row udp_rows[] = {
	ROW(udp_track, stream_at[0], 0),
	ROW(udp_track, stream_at[1], 0),
};

static const struct row *rows_of(uint8_t proto, size_t *n)
{
	switch (proto) {
	case IPPROTO_TCP: *n = FW_ARRAY_SIZE(tcp_rows); return tcp_rows;
	case IPPROTO_SCTP: *n = FW_ARRAY_SIZE(sctp_rows); return sctp_rows;
	case IPPROTO_UDP: *n = FW_ARRAY_SIZE(udp_rows); return udp_rows;
	default: *n = 0; return NULL;
	}
}

static uint32_t get_row(const void *track, const struct row *row)
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

/* false: not a value that this row can have. */
static bool set_row(void *track, const struct row *row, uint64_t value)
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

/* UDP's time moves with the clock: relative in the text, absolute in the flow. */
static void shift_time(struct fw_flow *flow, uint64_t by)
{
	struct udp_track *u = &flow->u.udp;
	uint64_t at = ((uint64_t)u->stream_at[1] << 32 | u->stream_at[0]) + by;

	if (flow->orig.proto != IPPROTO_UDP)
		return;
	u->stream_at[0] = (uint32_t)at;
	u->stream_at[1] = (uint32_t)(at >> 32);
}

/* SRC DST SPORT DPORT */
static void dump_ends(const struct fw_tuple *t, struct fw_buf *out)
{
	const int af = t->family == FW_IP4 ? AF_INET : AF_INET6;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	fw_buf_fmt(out, " %s %s %u %u", inet_ntop(af, &t->src, src, sizeof(src)),
		   inet_ntop(af, &t->dst, dst, sizeof(dst)), ntohs(t->sport_be), ntohs(t->dport_be));
}

static void dump_flow(const struct fw_flow *known, uint64_t now, struct fw_buf *out)
{
	const struct fw_flow_ext *ext = known->ext;
	struct fw_flow copy = *known, *flow = &copy;
	const struct row *rows;
	size_t n;

	shift_time(flow, -now);
	if (flow->flags & CT_F_UNSEEN)
		ct_tcp_forget(flow);
	fw_buf_fmt(out, "%d %u", flow->orig.family == FW_IP4 ? 4 : 6, flow->orig.proto);
	dump_ends(&flow->orig, out);
	fw_buf_fmt(out, " %u %x %x %llu", flow->orig.zone,
		   (flow->status & KEPT) | (uint32_t)flow->helper << HELPER_SHIFT, flow->mark,
		   (flow->expires - now) / NSEC_PER_MSEC);
	if (flow->status & CT_NAT)
		dump_ends(&ext->reply, out);
	if (known->flags & CT_F_ACCT)
		fw_buf_fmt(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, ext->packets[0],
			   ext->bytes[0], ext->packets[1], ext->bytes[1]);
	fw_buf_str(out, " :");
	rows = rows_of(flow->orig.proto, &n);
	for (size_t i = 0; i < n; i++)
		fw_buf_fmt(out, " %x", get_row(&flow->u, &rows[i]));
	fw_buf_char(out, '\n');
}

void fw_ct_dump(struct fw_ct *ct, uint64_t *cursor, size_t max, uint64_t now, struct fw_buf *out)
{
	size_t left = max > SIZE_MAX / SLICE_RECORDS ? SIZE_MAX : max * SLICE_RECORDS;

	for (; *cursor < ct->table.n_records && left && max; left--) {
		const struct fw_flow *flow = ct_table_at(&ct->table, (uint32_t)(*cursor)++);

		if (!(flow->flags & CT_F_USED) || (flow->flags & CT_F_DYING) ||
		    !(flow->status & FW_CTS_CONFIRMED) || flow->expires <= now)
			continue;
		dump_flow(flow, now, out);
		max--;
	}
	if (*cursor >= ct->table.n_records)
		*cursor = 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct line {
	const char *p, *end;
	bool bad;
};

static const char *word(struct line *l, size_t *len)
{
	const char *start;

	while (l->p < l->end && *l->p == ' ')
		l->p++;
	start = l->p;
	while (l->p < l->end && *l->p != ' ')
		l->p++;
	*len = (size_t)(l->p - start);
	return start;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* A number up to max; anything else makes the line bad. */
static uint64_t number(struct line *l, unsigned int base, uint64_t max)
{
	size_t len;
	const char *w = word(l, &len);
	uint64_t v = 0;

	if (!len)
		l->bad = true;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = (unsigned int)digit(w[i]);

		if (d >= base || v > (UINT64_MAX - d) / base) {
			l->bad = true;
			return 0;
		}
		v = v * base + d;
	}
	l->bad |= v > max;
	return l->bad ? 0 : v;
}

static void address(struct line *l, int af, union fw_addr *ret)
{
	char text[INET6_ADDRSTRLEN];
	size_t len;
	const char *w = word(l, &len);

	if (len >= sizeof(text)) {
		l->bad = true;
		return;
	}
	memcpy(text, w, len);
	text[len] = '\0';
	l->bad |= inet_pton(af, text, ret) != 1;
}

/* Another word before the colon?  Behind the colon: false, and it is passed. */
static bool more(struct line *l)
{
	while (l->p < l->end && *l->p == ' ')
		l->p++;
	if (l->p < l->end && *l->p != ':')
		return true;
	l->bad |= l->p == l->end;
	l->p += l->p < l->end;
	return false;
}

static void read_ends(struct line *l, struct fw_tuple *t)
{
	address(l, t->family == FW_IP6 ? AF_INET6 : AF_INET, &t->src);
	address(l, t->family == FW_IP6 ? AF_INET6 : AF_INET, &t->dst);
	t->sport_be = htons((uint16_t)number(l, 10, UINT16_MAX));
	t->dport_be = htons((uint16_t)number(l, 10, UINT16_MAX));
}

static void read_tuple(struct line *l, struct fw_tuple *t)
{
	uint64_t family = number(l, 10, 6);

	memset(t, 0, sizeof(*t));
	l->bad |= family != 4 && family != 6;
	t->family = family == 6 ? FW_IP6 : FW_IP4;
	t->proto = (uint8_t)number(l, 10, UINT8_MAX);
	read_ends(l, t);
	t->zone = (uint16_t)number(l, 10, UINT16_MAX);
}

static void read_status(struct line *l, struct fw_flow *flow)
{
	const uint32_t status =
		(uint32_t)number(l, 16, (FW_N_HELPERS - 1) << HELPER_SHIFT | UINT16_MAX);

	flow->status = (status & KEPT) | FW_CTS_CONFIRMED;
	flow->helper = (uint8_t)(status >> HELPER_SHIFT);
}

/* The ends of a translated flow's answers; else nothing stands there. */
static void read_reply(struct line *l, const struct fw_flow *flow, struct fw_tuple *reply)
{
	if (!(flow->status & CT_NAT))
		return;
	*reply = flow->orig;
	read_ends(l, reply);
}

static void read_track(struct line *l, struct fw_flow *flow)
{
	const struct row *rows;
	size_t n;

	rows = rows_of(flow->orig.proto, &n);
	for (size_t i = 0; i < n && !l->bad; i++)
		l->bad |= !set_row(&flow->u, &rows[i], number(l, 16, UINT32_MAX));
	while (l->p < l->end && *l->p == ' ')
		l->p++;
	l->bad |= l->p != l->end;
}

/* Everything of a line into a flow that stands nowhere yet; false: not such a line. */
static bool read_flow(struct line *l, struct fw_flow *flow, struct fw_flow_ext *ext, uint64_t *left_ms)
{
	memset(flow, 0, sizeof(*flow));
	memset(ext, 0, sizeof(*ext));
	read_tuple(l, &flow->orig);
	read_status(l, flow);
	flow->mark = (uint32_t)number(l, 16, UINT32_MAX);
	*left_ms = number(l, 10, MAX_LEFT_MS);
	read_reply(l, flow, &ext->reply);
	if (!l->bad && more(l)) {
		for (int dir = 0; dir < FW_N_DIRS; dir++) {
			ext->packets[dir] = number(l, 10, UINT64_MAX);
			ext->bytes[dir] = number(l, 10, UINT64_MAX);
		}
		l->bad |= more(l);
	}
	if (!l->bad)
		read_track(l, flow);
	return !l->bad;
}

static void put_flow(struct fw_ct *ct, const struct fw_flow *read, const struct fw_flow_ext *ext,
		     uint64_t left_ms, int64_t now)
{
	int64_t expires = now + (int64_t)(left_ms * NSEC_PER_MSEC);
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	if (expires <= 0 || !ct_key_make(ct, &read->orig, &key) || ct_find(ct, &key, 0, false, &dir))
		return;
	if (ct->config.max_flows && ct->stats.flows >= ct->config.max_flows)
		return;
	flow = ct_flow_new(ct, &key, 0);
	if (!flow)
		return;
	flow->status = read->status & (uint16_t)~CT_NAT;
	flow->helper = read->helper;
	flow->mark = read->mark;
	flow->expires = (uint64_t)expires;
	flow->u = read->u;
	shift_time(flow, (uint64_t)now);
	if (flow->ext) {
		memcpy(flow->ext->packets, ext->packets, sizeof(ext->packets));
		memcpy(flow->ext->bytes, ext->bytes, sizeof(ext->bytes));
	}
	if (!ct_flow_insert(ct, flow))
		ct_flow_free(ct, flow);
	else if (read->status & CT_NAT)
		ct_flow_translate(ct, flow, &ext->reply);
}

static int load(struct fw_ct *ct, const char *text, size_t len, int64_t now, bool old,
		struct fw_err *err)
{
	const char *end = text + len;
	uint32_t at = 0;
	int ret = 0;

	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct line l = {.p = text, .end = eol ? eol : end};
		struct fw_flow_ext ext;
		struct fw_flow flow;
		uint64_t left_ms;

		at++;
		text = eol ? eol + 1 : end;
		if (l.p == l.end)
			continue;
		if (read_flow(&l, &flow, &ext, &left_ms)) {
			if (old)
				ct_tcp_forget(&flow);
			put_flow(ct, &flow, &ext, left_ms, now);
		} else {
			ret = fw_fail(err, FW_ERR_USAGE, "not a line of a dumped flow");
			fw_err_at(err, at, 0, 0);
		}
	}
	return ret;
}

int fw_ct_load(struct fw_ct *ct, const char *text, size_t len, int64_t now, struct fw_err *err)
{
	return load(ct, text, len, now, false, err);
}

int fw_ct_load_old(struct fw_ct *ct, const char *text, size_t len, int64_t now, struct fw_err *err)
{
	return load(ct, text, len, now, true, err);
}
