/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --sport and --dport, which tcp, udp and udplite share.  The struct stands first in their data,
 * the two rows first in their tables.
 */
#ifndef MATCHES_PORTS_H
#define MATCHES_PORTS_H

#include "opt/opt.h"

struct ports {
	uint16_t spt[2], dpt[2];
};

enum { ROW_SPORT, ROW_DPORT, N_PORT_ROWS };

#define PORT_ROWS                                                                          \
	{.name = "sport", .alias = "source-port", .kind = FW_OPT_PORT_RANGE,                \
	 .flags = FW_OPT_NOT, .offset = offsetof(struct ports, spt), .arg = "port[:port]",  \
	 .help = "match source port(s)"},                                                   \
	{.name = "dport", .alias = "destination-port", .kind = FW_OPT_PORT_RANGE,           \
	 .flags = FW_OPT_NOT, .offset = offsetof(struct ports, dpt), .arg = "port[:port]",  \
	 .help = "match destination port(s)"}

static inline void ports_init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct ports *p = use->data;

	p->spt[1] = p->dpt[1] = UINT16_MAX;
}

/* All ports is no condition at all, and iptables does not print it. */
static inline void ports_check(struct fw_use *use)
{
	const struct ports *p = use->data;

	for (unsigned int row = ROW_SPORT; row <= ROW_DPORT; row++) {
		const uint16_t *range = row == ROW_SPORT ? p->spt : p->dpt;

		if (!range[0] && range[1] == UINT16_MAX && !fw_use_inv(use, row))
			use->set &= ~(1ull << row);
	}
}

static inline bool ports_match(const struct fw_use *use, const struct fw_packet *pkt)
{
	const struct ports *p = use->data;
	bool s = pkt->sport >= p->spt[0] && pkt->sport <= p->spt[1];
	bool d = pkt->dport >= p->dpt[0] && pkt->dport <= p->dpt[1];

	return s != fw_use_inv(use, ROW_SPORT) && d != fw_use_inv(use, ROW_DPORT);
}

/* What xtables does with a packet that ends before its header: drop it, whatever the rule says.
 * True: go on and look. */
static inline bool ports_header(struct fw_eval *e)
{
	if (e->pkt->fragment)
		return false;
	if (!e->pkt->l4_ok)
		e->hotdrop = true;
	return e->pkt->l4_ok;
}

bool ports_fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f);
void ports_list_one(const char *name, uint16_t lo, uint16_t hi, bool inverted, uint8_t proto,
		    bool numeric, struct fw_buf *out);
void ports_list(const struct fw_use *use, uint8_t proto, bool numeric, struct fw_buf *out);

#endif
