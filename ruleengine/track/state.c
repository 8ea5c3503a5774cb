/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows into lines of text (track/state.h). */
#include <arpa/inet.h>
#include <inttypes.h>

#include "track/state.h"

/* SRC DST SPORT DPORT */
static void dump_ends(const struct fw_tuple *t, struct fw_buf *out)
{
	const int af = t->family == FW_IP4 ? AF_INET : AF_INET6;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	fw_buf_fmt(out, " %s %s %u %u", inet_ntop(af, &t->src, src, sizeof(src)),
		   inet_ntop(af, &t->dst, dst, sizeof(dst)), ntohs(t->sport_be), ntohs(t->dport_be));
}

void ct_dump_flow(const struct fw_flow *known, uint64_t now, struct fw_buf *out)
{
	const struct fw_flow_ext *ext = known->ext;
	struct fw_flow copy = *known, *flow = &copy;
	const struct ct_state_row *rows;
	size_t n;

	ct_state_shift(flow, -now);
	if (flow->flags & CT_F_UNSEEN)
		ct_tcp_forget(flow);
	fw_buf_fmt(out, "%d %u", flow->orig.family == FW_IP4 ? 4 : 6, flow->orig.proto);
	dump_ends(&flow->orig, out);
	fw_buf_fmt(out, " %u %x %x %llu", flow->orig.zone,
		   (flow->status & CT_STATE_KEPT) | (uint32_t)flow->helper << CT_STATE_HELPER, flow->mark,
		   (flow->expires - now) / CT_NSEC_PER_MSEC);
	if (flow->status & CT_NAT)
		dump_ends(&ext->reply, out);
	if (known->flags & CT_F_ACCT)
		fw_buf_fmt(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, ext->packets[0],
			   ext->bytes[0], ext->packets[1], ext->bytes[1]);
	fw_buf_str(out, " :");
	rows = ct_state_rows(flow->orig.proto, &n);
	for (size_t i = 0; i < n; i++)
		fw_buf_fmt(out, " %x", ct_state_get(&flow->u, &rows[i]));
	fw_buf_char(out, '\n');
}

void fw_ct_dump(struct fw_ct *ct, uint64_t *cursor, size_t max, uint64_t now, struct fw_buf *out)
{
	size_t left = ct_slice(max);
	const struct fw_flow *flow;

	while (max-- && (flow = ct_step(ct, cursor, &left, now, NULL)))
		ct_dump_flow(flow, now, out);
}
