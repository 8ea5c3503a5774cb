/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet meets the tracker: nf_conntrack_in() and what surrounds it, for one thread.
 *
 * The kernel keeps a new flow with its packet until that packet leaves, and only then can others
 * find it.  Here hooks are separate visits, so the flow stands in the table from the start, marked
 * unconfirmed; three rules make that look the same:
 *
 *  - a packet in the original direction that finds an unconfirmed flow begins it anew, because in
 *    the kernel it would have found nothing;
 *  - a packet in reply direction confirms it: an answer exists, so the first packet went out;
 *  - when the first packet is dropped, its unconfirmed flow goes with it.
 *
 * ICMP errors are icmp.c's, packets that the kernel's tracker has judged are follow.c's.
 */
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

enum fw_ct_dir fw_ctinfo_dir(enum fw_ctinfo ctinfo)
{
	return ctinfo == FW_CT_ESTABLISHED_REPLY || ctinfo == FW_CT_RELATED_REPLY ? FW_DIR_REPLY
										  : FW_DIR_ORIG;
}

static enum fw_ctinfo ctinfo_of(const struct fw_flow *flow, enum fw_ct_dir dir)
{
	if (dir == FW_DIR_REPLY)
		return FW_CT_ESTABLISHED_REPLY;
	if (flow->status & FW_CTS_SEEN_REPLY)
		return FW_CT_ESTABLISHED;
	return flow->status & FW_CTS_EXPECTED ? FW_CT_RELATED : FW_CT_NEW;
}

int ct_set(struct fw_eval *e, struct fw_flow *flow, enum fw_ctinfo ctinfo)
{
	e->flow = flow;
	e->ctinfo = ctinfo;
	return 0;
}

int ct_invalid(struct fw_ct *ct, struct fw_eval *e)
{
	ct->stats.invalid++;
	return ct_set(e, NULL, FW_CT_INVALID);
}

/* The kernel looks at PREROUTING only; here INPUT or FORWARD may be the first hook. */
bool ct_csum_wanted(const struct fw_ct *ct, const struct fw_packet *pkt)
{
	return ct->config.checksum && pkt->meta.hook != FW_OUTPUT &&
		pkt->meta.hook != FW_POSTROUTING &&
		(pkt->meta.flags & (FW_PKT_CSUM_UNCHECKED | FW_PKT_CSUM_PARTIAL)) ==
		FW_PKT_CSUM_UNCHECKED;
}

bool ct_csum_bad(const struct fw_ct *ct, const struct fw_packet *pkt)
{
	return ct_csum_wanted(ct, pkt) && fw_packet_csum_ok(pkt) == 0;
}

void ct_account(struct ct_ctx *c)
{
	struct fw_flow_ext *ext = c->flow->ext;
	enum fw_ct_dir dir = fw_ctinfo_dir(c->ctinfo);

	if (!(c->flow->flags & CT_F_ACCT))
		return;
	ext->packets[dir]++;
	ext->bytes[dir] += c->pkt->len;
}

void ct_refresh(struct ct_ctx *c, uint32_t seconds)
{
	c->flow->expires = c->now + seconds * FW_NSEC_PER_SEC;
	ct_account(c);
}

enum ct_say ct_handle(struct ct_ctx *c)
{
	switch (c->flow->orig.proto) {
	case IPPROTO_TCP: return ct_tcp_packet(c);
	case IPPROTO_UDP: return ct_udp_packet(c);
	case IPPROTO_UDPLITE: return ct_udplite_packet(c);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return ct_icmp_packet(c);
	case IPPROTO_SCTP: return ct_sctp_packet(c);
	case IPPROTO_GRE: return ct_gre_packet(c);
	default: return ct_generic_packet(c);
	}
}

/* In the packet's last hook it has the mark that an earlier one gave it. */
struct fw_flow *ct_transient(struct fw_ct *ct, const struct fw_packet *pkt,
			     const struct fw_tuple *orig, uint64_t now)
{
	const bool later = pkt->meta.hook == FW_POSTROUTING || pkt->meta.hook == FW_INPUT;
	const uint32_t mark =
		later && ct_tuple_equal(&ct->scratch.orig, orig) ? ct->scratch.mark : 0;

	memset(&ct->scratch, 0, sizeof(ct->scratch));
	ct->scratch.orig = *orig;
	ct->scratch.expires = now;
	ct->scratch.mark = mark;
	if (ct_counts(ct))
		ct_count_answered(ct, &ct->scratch, pkt);
	return &ct->scratch;
}

/* ---- ordinary packets ---------------------------------------------------------------------- */

/* The packet would have found nothing in the kernel: begin the flow again, unless it cannot. */
enum ct_say ct_restart(struct ct_ctx *c)
{
	struct fw_flow saved = *c->flow;
	enum ct_say say;

	memset(&c->flow->u, 0, sizeof(c->flow->u));
	if (c->flow->flags & CT_F_ACCT) {
		memset(c->flow->ext->packets, 0, sizeof(c->flow->ext->packets));
		memset(c->flow->ext->bytes, 0, sizeof(c->flow->ext->bytes));
	}
	c->flow->status &= FW_CTS_EXPECTED | CT_NAT;
	c->flow->flags &= (uint8_t)~CT_F_MASKED;
	c->fresh = true;
	say = ct_handle(c);
	if (say != CT_ACCEPT)
		*c->flow = saved;
	return say;
}

static enum ct_say known(struct ct_ctx *c)
{
	if (!(c->flow->status & FW_CTS_CONFIRMED)) {
		if (c->dir == FW_DIR_ORIG)
			return ct_restart(c);
		c->flow->status |= FW_CTS_CONFIRMED;
	}
	return ct_handle(c);
}

int ct_begin(struct ct_ctx *c, const struct ct_key *key)
{
	struct fw_ct *ct = c->ct;

	c->flow = ct_flow_new(ct, key, c->now);
	if (!c->flow)
		return -1;
	c->dir = FW_DIR_ORIG;
	c->ctinfo = FW_CT_NEW;
	c->fresh = true;
	if (ct_handle(c) != CT_ACCEPT) {
		ct_flow_free(ct, c->flow);
		c->flow = NULL;
		return 0;
	}
	if (ct_flow_insert(ct, c->flow))
		return 0;
	ct_flow_free(ct, c->flow);
	return -1;
}

void ct_bury(struct ct_ctx *c, const struct ct_key *key)
{
	enum fw_ct_dir dir;
	struct fw_flow *flow = ct_find(c->ct, key, c->now, true, &dir);

	if (flow && (flow->flags & CT_F_DYING))
		ct_flow_free(c->ct, flow);
}

static int full(struct fw_ct *ct, struct fw_eval *e)
{
	ct->stats.drop++;
	ct_set(e, NULL, FW_CT_INVALID);
	return -1;
}

static int ordinary(struct fw_ct *ct, struct fw_eval *e)
{
	struct ct_ctx c = {.ct = ct, .pkt = e->pkt, .now = e->now};
	struct fw_tuple tuple;
	struct ct_key key;
	enum ct_say say;

	if (!ct_tuple_of(e->pkt, &tuple) || !ct_key_make(ct, &tuple, &key))
		return ct_invalid(ct, e);
	c.flow = ct_find(ct, &key, e->now, false, &c.dir);
	if (c.flow) {
		c.ctinfo = ctinfo_of(c.flow, c.dir);
		say = known(&c);
		if (say == CT_INVALID)
			return ct_invalid(ct, e);
		if (say == CT_REPEAT) {
			ct_flow_free(ct, c.flow);
			c.flow = NULL;
		}
	}
	if (!c.flow) {
		ct_bury(&c, &key);
		if (ct_begin(&c, &key) < 0)
			return full(ct, e);
		if (!c.flow)
			return ct_invalid(ct, e);
	}
	if (c.ctinfo == FW_CT_ESTABLISHED_REPLY)
		c.flow->status |= FW_CTS_SEEN_REPLY;
	ct_turn(ct, c.flow, c.dir);
	return ct_set(e, c.flow, c.ctinfo);
}

static int afresh(struct fw_ct *ct, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	uint32_t quote;

	/* a local sender that fragments by itself is let pass untracked by the kernel too */
	if (pkt->family == FW_IP4 && pkt->meta.hook == FW_OUTPUT &&
	    (pkt->fragment || pkt->frag_more))
		return ct_set(e, NULL, FW_CT_INVALID);
	if (!ct_is_icmp(pkt))
		return ordinary(ct, e);
	switch (ct_icmp_kind(ct, pkt, &quote)) {
	case CT_ICMP_BAD: return ct_invalid(ct, e);
	case CT_ICMP_UNTRACKED: return ct_set(e, NULL, FW_CT_UNTRACKED);
	case CT_ICMP_ERROR: return ct_icmp_error(ct, e, quote, false);
	default: return ordinary(ct, e);
	}
}

/* ---- packets that carry their answer ------------------------------------------------------- */

int ct_carried(struct fw_ct *ct, struct fw_eval *e, enum fw_ctinfo ctinfo)
{
	const struct fw_packet *pkt = e->pkt;
	enum fw_ct_dir dir, way = fw_ctinfo_dir(ctinfo);
	struct fw_flow *flow = NULL, *ghost = NULL;
	struct fw_tuple tuple, orig;
	struct ct_key key;
	uint32_t quote;
	bool known;

	if (ctinfo == FW_CT_INVALID || ctinfo == FW_CT_UNTRACKED)
		return ct_set(e, NULL, ctinfo);
	if (ct_is_icmp(pkt) && ct_icmp_taken(pkt, &quote) == CT_ICMP_ERROR &&
	    ct_tuple_quoted(pkt, quote, &tuple)) {
		known = ct_quoted_key(ct, &tuple, &key);
		dir = FW_DIR_REPLY; /* the quoted packet goes against the error */
	} else if (ct_tuple_of(pkt, &tuple)) {
		known = ct_key_make(ct, &tuple, &key);
		dir = FW_DIR_ORIG;
	} else {
		return ct_set(e, NULL, ctinfo);
	}
	if (known)
		flow = ct_find_way(ct, &key, e->now, true, &way);
	/* tuple goes with the packet (dir ORIG) or against it; orig is the flow's first direction
	 */
	if ((fw_ctinfo_dir(ctinfo) == dir) || !ct_tuple_invert(&tuple, &orig))
		orig = tuple;
	if (pkt->meta.own && (fw_ctinfo_dir(ctinfo) == FW_DIR_REPLY || dir == FW_DIR_REPLY))
		ghost = ct_ghost_of(ct, &orig, e->now);
	if (!flow && pkt->meta.nat_status && fw_ctinfo_dir(ctinfo) == FW_DIR_REPLY)
		flow = ct_find_behind(ct, &orig, e->now);
	if (ghost || flow)
		return ct_set(e, ghost ? ghost : flow, ctinfo);
	return ct_set(e, ct_transient(ct, pkt, &orig, e->now), ctinfo);
}

int fw_ct_track(struct fw_ct *ct, struct fw_eval *e)
{
	/* NOTRACK in raw says so in the eval, an earlier hook or the daemon in the mark */
	if (e->ctinfo == FW_CT_UNTRACKED)
		return ct_set(e, NULL, FW_CT_UNTRACKED);
	if (e->pkt->meta.ctinfo != FW_CT_NONE)
		return ct_carried(ct, e, (enum fw_ctinfo)e->pkt->meta.ctinfo);
	return afresh(ct, e);
}

int fw_ct_resume(struct fw_ct *ct, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	struct fw_flow *flow;
	struct fw_tuple tuple;
	enum fw_ct_dir dir;
	struct ct_key key;
	uint32_t quote;

	if (e->ctinfo == FW_CT_UNTRACKED)
		return ct_set(e, NULL, FW_CT_UNTRACKED);
	if (pkt->meta.ctinfo != FW_CT_NONE)
		return ct_carried(ct, e, (enum fw_ctinfo)pkt->meta.ctinfo);
	if (ct_is_icmp(pkt) && ct_icmp_kind(ct, pkt, &quote) == CT_ICMP_ERROR)
		return ct_icmp_error(ct, e, quote, true);
	if (ct_tuple_of(pkt, &tuple) && ct_key_make(ct, &tuple, &key)) {
		flow = ct_find(ct, &key, e->now, true, &dir);
		if (flow)
			return ct_set(e, flow, ctinfo_of(flow, dir));
	}
	return afresh(ct, e);
}

/* ---- the end of a way ---------------------------------------------------------------------- */

/* Was this flow made by this packet, which is still on its way? */
static bool makes_flow(const struct fw_ct *ct, const struct fw_eval *e)
{
	return e->flow && e->flow != &ct->scratch && (e->flow->flags & CT_F_INDEX) &&
		!(e->flow->status & FW_CTS_CONFIRMED) &&
		(e->ctinfo == FW_CT_NEW ||
		 (e->ctinfo == FW_CT_RELATED && (e->flow->status & FW_CTS_EXPECTED)));
}

void fw_ct_reset(struct fw_ct *ct, struct fw_eval *e)
{
	struct fw_flow *flow = e->flow;

	if (flow && flow->orig.proto == IPPROTO_TCP && (flow->status & FW_CTS_CONFIRMED) &&
	    !(flow->flags & CT_F_DYING))
		ct_tcp_close(ct, flow, e->now);
}

void fw_ct_dropped(struct fw_ct *ct, struct fw_eval *e)
{
	if (makes_flow(ct, e))
		ct_flow_free(ct, e->flow); /* stays readable until the next flow is made */
}

void fw_ct_confirm(struct fw_ct *ct, struct fw_eval *e)
{
	if (makes_flow(ct, e))
		e->flow->status |= FW_CTS_CONFIRMED;
}
