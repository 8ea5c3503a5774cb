/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows, and one after the other in slices.
 *
 * Unconfirmed and dying flows are left out: the kernel's list has neither.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

#define SLICE_RECORDS 16 /* records looked at for each that may be taken */

const char *ct_state_name(const struct fw_flow *flow)
{
	if (flow->orig.proto == IPPROTO_TCP)
		return ct_tcp_state_name(flow->u.tcp.state);
	return flow->orig.proto == IPPROTO_SCTP ? ct_sctp_state_name(flow->u.sctp.state) : NULL;
}

static bool is_name(const char *word, const char *(*name_of)(unsigned int state))
{
	const char *name;

	for (unsigned int state = 0; (name = name_of(state)); state++)
		if (!strcmp(name, word))
			return true;
	return false;
}

bool fw_ct_is_state(const char *word)
{
	return is_name(word, ct_tcp_state_name) || is_name(word, ct_sctp_state_name);
}

bool ct_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
		proto == IPPROTO_SCTP;
}

static bool is_in(const union fw_addr *addr, const struct fw_ct_where *w)
{
	for (unsigned int i = 0; i < FW_ARRAY_SIZE(addr->u32); i++)
		if ((addr->u32[i] & w->mask.u32[i]) != w->addr.u32[i])
			return false;
	return true;
}

static bool is_there(const union fw_addr *addr, const struct fw_ct_where *w)
{
	return !w->given || is_in(addr, w);
}

static bool ends_pass(const struct fw_tuple *t, const struct fw_tuple *reply,
		      const struct fw_ct_filter *f)
{
	if (!is_there(&t->src, &f->src) || !is_there(&t->dst, &f->dst) ||
	    !is_there(&reply->src, &f->reply_src) || !is_there(&reply->dst, &f->reply_dst))
		return false;
	return !f->addr.given || is_in(&t->src, &f->addr) || is_in(&t->dst, &f->addr) ||
		is_in(&reply->src, &f->addr) || is_in(&reply->dst, &f->addr);
}

static bool ports_pass(const struct fw_tuple *t, const struct fw_tuple *reply,
		       const struct fw_ct_filter *f)
{
	const uint16_t any_be = htons((uint16_t)f->port);

	if (f->sport < 0 && f->dport < 0 && f->port < 0)
		return true;
	if (!ct_has_ports(t->proto))
		return false;
	if ((f->sport >= 0 && f->sport != ntohs(t->sport_be)) ||
	    (f->dport >= 0 && f->dport != ntohs(t->dport_be)))
		return false;
	return f->port < 0 || t->sport_be == any_be || t->dport_be == any_be ||
		reply->sport_be == any_be || reply->dport_be == any_be;
}

static bool state_passes(const struct fw_flow *flow, const char *wanted)
{
	const char *state = wanted ? ct_state_name(flow) : NULL;

	return !wanted || (state && !strcmp(state, wanted));
}

static bool passes(const struct fw_flow *flow, const struct fw_ct_filter *f)
{
	const struct fw_tuple *t = &flow->orig, *reply;
	struct fw_tuple room;

	if (!f)
		return true;
	if ((f->family >= 0 && f->family != t->family) || (f->proto >= 0 && f->proto != t->proto) ||
	    (f->status & ~(uint32_t)flow->status) || (f->not_status & flow->status) ||
	    (f->has_mark && f->mark != flow->mark))
		return false;
	reply = fw_flow_tuple(flow, FW_DIR_REPLY, &room);
	return ends_pass(t, reply, f) && ports_pass(t, reply, f) && state_passes(flow, f->state);
}

struct fw_flow *ct_step(struct fw_ct *ct, uint64_t *cursor, size_t *left, uint64_t now,
			const struct fw_ct_filter *filter)
{
	const uint64_t records = ct->table.n_records;

	for (; *cursor < records && *left; (*left)--) {
		struct fw_flow *flow = ct_table_at(&ct->table, (uint32_t)(*cursor)++);

		if ((flow->flags & CT_F_USED) && !(flow->flags & CT_F_DYING) &&
		    (flow->status & FW_CTS_CONFIRMED) && flow->expires > now && passes(flow, filter))
			return flow;
	}
	if (*cursor >= records)
		*cursor = 0;
	return NULL;
}

size_t ct_slice(size_t max)
{
	return max > SIZE_MAX / SLICE_RECORDS ? SIZE_MAX : max * SLICE_RECORDS;
}
