/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker as an object: settings, timeouts by name, upkeep, a flow's facts.
 *
 * Expired flows are never found (ct_find() sees to that); gc only gives their memory back.  It
 * walks the records in order, as many at a time as its caller can spare.  After a packet had to be
 * dropped because the table was full, one whole round of it also evicts what the kernel's worker
 * would then evict: at 95 % of the limit, flows that are unassured or closing.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "track/ghost.h"
#include "track/pending.h"
#include "track/wait.h"

#define TICK_NS (FW_NSEC_PER_SEC / 250) /* of the kernel, as most are built */

static const struct {
	const char *name; /* after net.netfilter.nf_conntrack_; NULL: no setting of its own */
	uint32_t seconds;
} timeouts[] = {
	[CT_T_TCP_NONE] = {NULL, 120},
	[CT_T_TCP_SYN_SENT] = {"tcp_timeout_syn_sent", 120},
	[CT_T_TCP_SYN_RECV] = {"tcp_timeout_syn_recv", 60},
	[CT_T_TCP_ESTABLISHED] = {"tcp_timeout_established", 432000},
	[CT_T_TCP_FIN_WAIT] = {"tcp_timeout_fin_wait", 120},
	[CT_T_TCP_CLOSE_WAIT] = {"tcp_timeout_close_wait", 60},
	[CT_T_TCP_LAST_ACK] = {"tcp_timeout_last_ack", 30},
	[CT_T_TCP_TIME_WAIT] = {"tcp_timeout_time_wait", 120},
	[CT_T_TCP_CLOSE] = {"tcp_timeout_close", 10},
	[CT_T_TCP_SYN_SENT2] = {NULL, 120},
	[CT_T_TCP_RETRANS] = {"tcp_timeout_max_retrans", 300},
	[CT_T_TCP_UNACK] = {"tcp_timeout_unacknowledged", 300},
	[CT_T_UDP] = {"udp_timeout", 30},
	[CT_T_UDP_STREAM] = {"udp_timeout_stream", 120},
	[CT_T_ICMP] = {"icmp_timeout", 30},
	[CT_T_ICMPV6] = {"icmpv6_timeout", 30},
	[CT_T_GENERIC] = {"generic_timeout", 600},
	[CT_T_GRE] = {"gre_timeout", 30},
	[CT_T_GRE_STREAM] = {"gre_timeout_stream", 180},
	[CT_T_SCTP_NONE] = {NULL, 10},
	[CT_T_SCTP_CLOSED] = {"sctp_timeout_closed", 10},
	[CT_T_SCTP_COOKIE_WAIT] = {"sctp_timeout_cookie_wait", 3},
	[CT_T_SCTP_COOKIE_ECHOED] = {"sctp_timeout_cookie_echoed", 3},
	[CT_T_SCTP_ESTABLISHED] = {"sctp_timeout_established", 210},
	[CT_T_SCTP_SHUTDOWN_SENT] = {"sctp_timeout_shutdown_sent", 3},
	[CT_T_SCTP_SHUTDOWN_RECD] = {"sctp_timeout_shutdown_recd", 3},
	[CT_T_SCTP_SHUTDOWN_ACK_SENT] = {"sctp_timeout_shutdown_ack_sent", 3},
	[CT_T_SCTP_HEARTBEAT_SENT] = {"sctp_timeout_heartbeat_sent", 30},
};
static_assert(FW_ARRAY_SIZE(timeouts) == CT_N_TIMEOUTS, "a row for each timeout");

struct fw_ct *fw_ct_new(const struct fw_ct_config *config)
{
	struct fw_ct *ct = calloc(1, sizeof(*ct));

	if (!ct)
		return NULL;
	ct->config = *config;
	ct->pending = (struct ct_notes)CT_NOTES_INIT(struct ct_pending, CT_PENDING_MAX);
	ct->masked = (struct ct_notes)CT_NOTES_INIT(struct ct_pending, CT_PENDING_MAX);
	ct->ghosts = (struct ct_notes)CT_NOTES_INIT(struct ct_ghost, CT_GHOSTS_MAX);
	ct->gone = (struct ct_notes)CT_NOTES_INIT(struct ct_waited, CT_WAITED_MAX);
	ct->next = (struct ct_notes)CT_NOTES_INIT(struct ct_waited, CT_WAITED_MAX);
	for (size_t i = 0; i < CT_N_TIMEOUTS; i++)
		ct->timeout[i] = timeouts[i].seconds;
	if (ct_table_init(&ct->table) < 0)
		return fw_ct_free(ct);
	return ct;
}

struct fw_ct *fw_ct_free(struct fw_ct *ct)
{
	if (ct) {
		ct_table_deinit(&ct->table);
		ct_notes_deinit(&ct->pending);
		ct_notes_deinit(&ct->masked);
		ct_notes_deinit(&ct->ghosts);
		ct_notes_deinit(&ct->gone);
		ct_notes_deinit(&ct->next);
	}
	free(ct);
	return NULL;
}

void fw_ct_set_config(struct fw_ct *ct, const struct fw_ct_config *config)
{
	struct fw_ct_config next = *config;

	memcpy(next.seed, ct->config.seed, sizeof(next.seed)); /* the flows stand where it put them */
	ct->config = next;
}

static int timeout_by_name(const char *name)
{
	for (int i = 0; i < CT_N_TIMEOUTS; i++)
		if (timeouts[i].name && strcmp(timeouts[i].name, name) == 0)
			return i;
	return -1;
}

int fw_ct_set_timeout(struct fw_ct *ct, const char *name, uint32_t seconds)
{
	int i = timeout_by_name(name);

	if (i < 0)
		return -1;
	ct->timeout[i] = seconds;
	return 0;
}

int fw_ct_get_timeout(const struct fw_ct *ct, const char *name, uint32_t *seconds)
{
	int i = timeout_by_name(name);

	if (i < 0)
		return -1;
	*seconds = ct->timeout[i];
	return 0;
}

const struct fw_ct_stats *fw_ct_stats(const struct fw_ct *ct)
{
	return &ct->stats;
}

/* ---- upkeep -------------------------------------------------------------------------------- */

static bool crowded(const struct fw_ct *ct)
{
	return ct->gc_pressure && ct->config.max_flows &&
	       ct->stats.flows >= (uint64_t)ct->config.max_flows / 100 * 95;
}

static bool can_go(const struct fw_flow *flow)
{
	if (!(flow->status & FW_CTS_CONFIRMED))
		return false;
	if (!(flow->status & FW_CTS_ASSURED))
		return true;
	if (flow->orig.proto == IPPROTO_TCP)
		return ct_tcp_closing(flow);
	return flow->orig.proto == IPPROTO_SCTP && ct_sctp_closing(flow);
}

static bool gc_one(struct fw_ct *ct, struct fw_flow *flow, uint64_t now)
{
	if (!(flow->flags & CT_F_USED))
		return false;
	if (flow->expires <= now) {
		if (!(flow->flags & CT_F_DYING))
			ct->stats.expired++;
	} else if (crowded(ct) && !(flow->flags & CT_F_DYING) && can_go(flow)) {
		ct->stats.early_drop++;
	} else {
		return false;
	}
	ct_flow_free(ct, flow);
	return true;
}

size_t fw_ct_gc(struct fw_ct *ct, uint64_t now, size_t budget)
{
	uint32_t records = ct->table.n_records;
	size_t gone = 0;

	if (budget > records)
		budget = records;
	for (; budget; budget--) {
		if (ct->gc_next >= records)
			ct->gc_next = 0;
		gone += gc_one(ct, ct_table_at(&ct->table, ct->gc_next++), now);
		if (ct->gc_pressure)
			ct->gc_pressure--;
	}
	return gone;
}

/* ---- facts --------------------------------------------------------------------------------- */

const struct fw_tuple *fw_flow_tuple(const struct fw_flow *flow, enum fw_ct_dir dir,
				     struct fw_tuple *room)
{
	if (dir == FW_DIR_ORIG)
		return &flow->orig;
	if (flow->status & CT_NAT)
		return &flow->ext->reply;
	ct_tuple_invert(&flow->orig, room);
	return room;
}

unsigned int fw_flow_helper(const struct fw_flow *flow)
{
	return flow->helper;
}

uint32_t fw_flow_status(const struct fw_flow *flow)
{
	return flow->status;
}

uint32_t fw_flow_expires_s(const struct fw_flow *flow, uint64_t now)
{
	if (flow->flags & CT_F_DYING)
		return flow->u.due_in;
	/* the kernel's timer runs from confirmation on; before, it reads as 0 */
	if (!(flow->status & FW_CTS_CONFIRMED) || flow->expires <= now)
		return 0;
	/* the kernel's clock has not ticked since the packet's first hook */
	return (uint32_t)((flow->expires - now + TICK_NS - 1) / FW_NSEC_PER_SEC);
}

uint32_t fw_flow_mark(const struct fw_flow *flow)
{
	return flow->mark;
}

void fw_flow_set_mark(struct fw_flow *flow, uint32_t mark)
{
	flow->mark = mark;
}
