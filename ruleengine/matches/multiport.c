/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m multiport: a list of up to 15 ports and port ranges (a range counts as two). */
#include <netinet/in.h>
#include <string.h>

#include "fw/classify.h"
#include "matches/ports.h"

#define PORTS_MAX 15

struct multiport {
	uint16_t port[PORTS_MAX];
	uint16_t is_lo; /* bit i: port[i] begins a range that port[i + 1] ends */
	uint8_t n;
	uint8_t proto; /* for the names of ports */
};

enum { SPORTS, DPORTS, PORTS, N_ROWS };

static int too_many(const struct fw_use *use, const struct fw_opt *opt, const char *word,
		    struct fw_err *err)
{
	int r = fw_opt_refuse(err, use, opt, word,
			      "names more than 15 ports (a range counts as two)");

	fw_err_hint(err, "make two rules of it");
	fw_err_words(err, "too many ports specified");
	return r;
}

/* One port or LO:HI, `len` bytes at p. */
static int take_part(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     const char *p, size_t len, const char *word, struct fw_err *err)
{
	struct multiport *m = use->data;
	char part[64], *colon;
	int r;

	if (len >= sizeof(part))
		return fw_opt_refuse(err, use, opt, word, "is longer than any service's name");
	memcpy(part, p, len);
	part[len] = '\0';
	colon = strchr(part, ':');
	if (colon)
		*colon = '\0';
	if (m->n + (colon ? 2 : 1) > PORTS_MAX)
		return too_many(use, opt, word, err);
	r = fw_parse_port(ctx, part, &m->port[m->n], err);
	if (!r && colon) {
		m->is_lo |= (uint16_t)(1u << m->n);
		r = fw_parse_port(ctx, colon + 1, &m->port[++m->n], err);
		if (!r && m->port[m->n - 1] >= m->port[m->n]) {
			r = fw_opt_refuse(err, use, opt, word,
					  "has a range that ends before it begins");
			fw_err_words(err, "invalid portrange specified");
		}
	}
	m->n++;
	return r;
}

static int take_ports(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	const char *p = words[0];
	int r = 0;

	for (;;) {
		size_t len = strcspn(p, ",");

		r = take_part(ctx, opt, use, p, len, words[0], err);
		if (r || !p[len])
			return r;
		p += len + 1;
	}
}

static void print_ports(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct multiport *m = use->data;

	for (unsigned int i = 0; i < m->n; i++) {
		fw_buf_u64(out, m->port[i]);
		if (i + 1 < m->n)
			fw_buf_char(out, m->is_lo >> i & 1 ? ':' : ',');
	}
}

#define ROW(row, words, other, text)                                                        \
	[row] = {.name = words, .alias = other, .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,   \
		 .excludes = ((1u << N_ROWS) - 1) & ~(1u << (row)), .parse = take_ports,       \
		 .print = print_ports, .arg = "port[,port:port,port...]", .help = text}

static const struct fw_opt opts[] = {
	ROW(SPORTS, "sports", "source-ports", "match source port(s)"),
	ROW(DPORTS, "dports", "destination-ports", "match destination port(s)"),
	ROW(PORTS, "ports", NULL, "match both source and destination port(s)"),
	{NULL},
};

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
		proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct multiport *m = use->data;
	int r;

	if (!use->set) {
		r = fw_fail(err, FW_ERR_USAGE, "multiport: no ports are given");
		fw_err_words(err, "multiport expection an option"); /* to the letter */
		return r;
	}
	m->proto = ctx->proto;
	if (has_ports(ctx->proto) && !ctx->proto_inverted)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE,
		    "multiport: the rule does not say a protocol that has ports");
	fw_err_hint(err, "add -p tcp, udp, udplite, sctp or dccp");
	fw_err_words(err,
		     ctx->proto ? "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"
				: "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or "
				  "`-p dccp'");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct multiport *m = use->data;

	fw_buf_str(out,
		   fw_use_has(use, SPORTS)	     ? " multiport sports "
			   : fw_use_has(use, DPORTS) ? " multiport dports "
						     : " multiport ports ");
	if (use->inv)
		fw_buf_str(out, " !");
	for (unsigned int i = 0; i < m->n; i++) {
		const char *name = numeric ? NULL : fw_service_name(m->port[i], m->proto);

		if (name)
			fw_buf_str(out, name);
		else
			fw_buf_u64(out, m->port[i]);
		if (i + 1 < m->n)
			fw_buf_char(out, m->is_lo >> i & 1 ? ':' : ',');
	}
}

static bool holds(const struct multiport *m, uint16_t port)
{
	for (unsigned int i = 0; i < m->n; i++)
		if (!(m->is_lo >> i & 1)) {
			if (port == m->port[i])
				return true;
		} else if (port >= m->port[i] && port <= m->port[++i]) {
			return true;
		}
	return false;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct multiport *m = use->data;
	const struct fw_packet *pkt = e->pkt;

	if (pkt->fragment)
		return false;
	if (!pkt->has_ports) {
		e->hotdrop = true;
		return false;
	}
	return ((!fw_use_has(use, DPORTS) && holds(m, pkt->sport)) ||
		(!fw_use_has(use, SPORTS) && holds(m, pkt->dport))) != !!use->inv;
}

/* The ports of the list as intervals, or the gaps between them. */
static void list_fields(const struct multiport *m, enum fw_field field, bool inverted,
			struct fw_fields *f)
{
	uint32_t next = 0; /* first port not looked at yet */

	fw_fields_begin(f, field);
	while (next <= UINT16_MAX) {
		uint32_t lo = UINT16_MAX + 1, hi = UINT16_MAX;

		/* the interval that begins first among those that reach beyond */
		for (unsigned int i = 0; i < m->n; i++) {
			uint32_t a = m->port[i], b = m->is_lo >> i & 1 ? m->port[++i] : a;

			if (b >= next && a < lo) {
				lo = a;
				hi = b;
			}
		}
		if (lo < next)
			lo = next;
		if (inverted && lo > next)
			fw_fields_add(f, next, lo - 1);
		if (!inverted && lo <= UINT16_MAX)
			fw_fields_add(f, lo, hi);
		next = hi + 1;
	}
	fw_fields_end(f);
}

/* --ports says "source or destination", which fields cannot; "neither" they can. */
static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct multiport *m = use->data;
	bool inverted = use->inv;

	if (fw_use_has(use, PORTS) && !inverted)
		return false;
	if (!fw_use_has(use, DPORTS))
		list_fields(m, FW_FIELD_SPORT, inverted, f);
	if (!fw_use_has(use, SPORTS))
		list_fields(m, FW_FIELD_DPORT, inverted, f);
	return true;
}

const struct fw_ext fw_match_multiport = {
	.name = "multiport", .summary = "lists of ports",
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct multiport), .opts = opts, .check = check, .list = list, .match = match,
	.fields = fields,
};
