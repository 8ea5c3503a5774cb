/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows from lines of text (track/state.h).
 *
 * What is read is checked as if a stranger had written it: states and directions index tables.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "track/state.h"

#define MAX_LEFT_MS (UINT32_MAX * 1000ull)

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
		(uint32_t)number(l, 16, (FW_N_HELPERS - 1) << CT_STATE_HELPER | UINT16_MAX);

	flow->status = (status & CT_STATE_KEPT) | FW_CTS_CONFIRMED;
	flow->helper = (uint8_t)(status >> CT_STATE_HELPER);
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
	const struct ct_state_row *rows;
	size_t n;

	rows = ct_state_rows(flow->orig.proto, &n);
	for (size_t i = 0; i < n && !l->bad; i++)
		l->bad |= !ct_state_set(&flow->u, &rows[i], number(l, 16, UINT32_MAX));
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
	int64_t expires = now + (int64_t)(left_ms * CT_NSEC_PER_MSEC);
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
	ct_state_shift(flow, (uint64_t)now);
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
