/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules count: packets and bytes of a flow (-m connbytes), and connections (-m connlimit).
 */
#include <netinet/in.h>

#include "track/track.h"

void fw_ct_count_packets(struct fw_ct *ct)
{
	ct->count_packets = true;
}

bool ct_counts(const struct fw_ct *ct)
{
	return ct->config.acct || ct->count_packets;
}

/* The answer may be an error that quotes a packet which we never saw: it was the flow's only one.
 */
void ct_count_answered(struct fw_ct *ct, struct fw_flow *flow, const struct fw_packet *answer)
{
	const uint8_t *p = NULL;
	uint32_t quote;

	memset(&ct->scratch_ext, 0, sizeof(ct->scratch_ext));
	flow->ext = &ct->scratch_ext;
	flow->flags |= CT_F_ACCT;
	if (ct_is_icmp(answer) && ct_icmp_kind(ct, answer, &quote) == CT_ICMP_ERROR)
		p = fw_packet_bytes(answer, quote, 6);
	if (!p)
		return;
	flow->ext->packets[FW_DIR_ORIG] = 1;
	flow->ext->bytes[FW_DIR_ORIG] = answer->family == FW_IP4
		? (uint32_t)(p[2] << 8 | p[3])
		: (uint32_t)(p[4] << 8 | p[5]) + 40;
}

bool fw_flow_counters(const struct fw_flow *flow, enum fw_ct_dir dir, uint64_t *packets,
		      uint64_t *bytes)
{
	if (!(flow->flags & CT_F_ACCT))
		return false;
	*packets = flow->ext->packets[dir];
	*bytes = flow->ext->bytes[dir];
	return true;
}

/* Nobody answers to the end from which a masked flow came, whatever it is that they answer to. */
static struct fw_flow *confirmed(struct fw_ct *ct, const struct fw_tuple *tuple, uint64_t now)
{
	struct fw_flow *flow = NULL;
	enum fw_ct_dir dir;
	struct ct_key key;

	if (ct_key_make(ct, tuple, &key))
		flow = ct_find(ct, &key, now, false, &dir);
	if (!flow || !(flow->status & FW_CTS_CONFIRMED))
		return NULL;
	return dir == FW_DIR_REPLY && (flow->flags & CT_F_MASKED) &&
			!(flow->status & FW_CTS_SRC_NAT)
		? NULL
		: flow;
}

bool fw_ct_counted_as(struct fw_ct *ct, const struct fw_eval *e, struct fw_tuple *ret,
		      uint32_t *status)
{
	const struct fw_flow *flow = e->flow;

	if (flow && !(flow->status & FW_CTS_TEMPLATE)) {
		*ret = flow->orig;
		*status = flow->status;
		return true;
	}
	if (!ct_tuple_of(e->pkt, ret))
		return false;
	flow = confirmed(ct, ret, e->now);
	*status = flow ? flow->status : 0;
	return true;
}

enum fw_ct_life fw_ct_life(struct fw_ct *ct, const struct fw_tuple *tuple, uint64_t now)
{
	const struct fw_flow *flow = confirmed(ct, tuple, now);

	if (!flow)
		return FW_CT_GONE;
	return flow->orig.proto == IPPROTO_TCP &&
			(flow->u.tcp.state == TCP_TIME_WAIT || flow->u.tcp.state == TCP_CLOSE)
		? FW_CT_OVER
		: FW_CT_ALIVE;
}
