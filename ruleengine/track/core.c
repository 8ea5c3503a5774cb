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
 * ICMP errors get the flow of the packet that they quote.  Those that this host's kernel makes
 * carry that flow with them (nf_ct_attach) although it may never have been confirmed, or never
 * been seen here; they leave without a socket's uid.  For them a transient flow is made up from
 * the quote, if the quoted packet could have begun one.
 */
#include <netinet/in.h>
#include <stdlib.h>
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

static int set(struct fw_eval *e, struct fw_flow *flow, enum fw_ctinfo ctinfo)
{
	e->flow = flow;
	e->ctinfo = ctinfo;
	return 0;
}

static int invalid(struct fw_ct *ct, struct fw_eval *e)
{
	ct->stats.invalid++;
	return set(e, NULL, FW_CT_INVALID);
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

	if (!ext || !c->ct->config.acct)
		return;
	ext->packets[dir]++;
	ext->bytes[dir] += c->pkt->len;
}

void ct_refresh(struct ct_ctx *c, uint32_t seconds)
{
	c->flow->expires = c->now + seconds * FW_NSEC_PER_SEC;
	ct_account(c);
}

static enum ct_say handle(struct ct_ctx *c)
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

/* A flow that is made up for one packet; lives until the next packet, or until its last hook: there
 * it has the mark that an earlier hook gave it. */
static struct fw_flow *transient(struct fw_ct *ct, const struct fw_packet *pkt,
				 const struct fw_tuple *orig, uint64_t now)
{
	const bool later = pkt->meta.hook == FW_POSTROUTING || pkt->meta.hook == FW_INPUT;
	const uint32_t mark =
		later && ct_tuple_equal(&ct->scratch.orig, orig) ? ct->scratch.mark : 0;

	memset(&ct->scratch, 0, sizeof(ct->scratch));
	ct->scratch.orig = *orig;
	ct->scratch.expires = now;
	ct->scratch.mark = mark;
	return &ct->scratch;
}

/* ---- ICMP errors --------------------------------------------------------------------------- */

enum icmp_kind { ICMP_PLAIN, ICMP_BAD, ICMP_UNTRACKED, ICMP_ERROR };

static bool never_tracked6(uint8_t type)
{
	switch (type) {
	case 130:
	case 131:
	case 132: /* multicast listeners */
	case 133:
	case 134:
	case 135:
	case 136: /* routers and neighbours */
	case 143:
	case 151:
	case 152: /* listener reports v2, multicast routers */ return true;
	default: return false;
	}
}

/* A redirect quotes its packet in an option; only one that comes from a router on the link. */
static enum icmp_kind redirect6(const struct fw_packet *pkt, uint32_t *quote)
{
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, 42);

	if (!p)
		return ICMP_BAD;
	if (p[1])
		return ICMP_PLAIN;
	if (pkt->ttl != 255 || pkt->src.u8[0] != 0xfe || (pkt->src.u8[1] & 0xc0) != 0x80 || !p[41])
		return ICMP_BAD;
	if (p[40] != 4) /* the redirected header */
		return ICMP_PLAIN;
	*quote = pkt->l4_off + 48;
	return ICMP_ERROR;
}

/* What an ICMP message is to the tracker; for errors where the quoted packet begins. */
static enum icmp_kind icmp_kind(const struct fw_ct *ct, const struct fw_packet *pkt,
				uint32_t *quote)
{
	const uint8_t *p;

	if (pkt->proto != (pkt->family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return ICMP_BAD; /* the other family's: the kernel makes no flow of it either */
	p = pkt->l4_len >= 8 ? fw_packet_bytes(pkt, pkt->l4_off, 8) : NULL;
	if (!p || ct_csum_bad(ct, pkt))
		return ICMP_BAD;
	*quote = pkt->l4_off + 8;
	if (pkt->family == FW_IP4) {
		if (p[0] > 18)
			return ICMP_BAD;
		return p[0] == 3 || p[0] == 4 || p[0] == 5 || p[0] == 11 || p[0] == 12 ? ICMP_ERROR
										       : ICMP_PLAIN;
	}
	if (never_tracked6(p[0]))
		return ICMP_UNTRACKED;
	if (p[0] == 137)
		return redirect6(pkt, quote);
	return p[0] >= 128 ? ICMP_PLAIN : ICMP_ERROR;
}

static bool is_icmp(const struct fw_packet *pkt)
{
	return pkt->has_proto && !pkt->fragment &&
		(pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6);
}

static uint32_t read16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* The quoted packet as it was: the quote may end before it, what is missing is no fault of its. */
static int quoted_packet(const struct fw_packet *pkt, struct fw_packet *inner)
{
	uint32_t len;

	if (fw_packet_inner(pkt, inner) < 0)
		return -1;
	len = inner->family == FW_IP4 ? read16(inner->data + 2) : 40u + read16(inner->data + 4);
	if (len > inner->len) {
		inner->l4_len += len - inner->len;
		inner->len = len;
	}
	inner->meta.hook = FW_PREROUTING;
	inner->meta.flags = FW_PKT_CSUM_UNCHECKED;
	return 0;
}

/* What tells one packet from another, by what an error quotes of it (FNV-1a); never 0. */
static uint64_t digest(const struct fw_packet *pkt)
{
	const uint32_t left = pkt->cap_len > pkt->l4_off ? pkt->cap_len - pkt->l4_off : 0;
	uint64_t h = 0xcbf29ce484222325ull ^ pkt->proto;

	for (size_t i = 0; i < sizeof(pkt->src); i++)
		h = ((h ^ pkt->src.u8[i]) * 0x100000001b3ull ^ pkt->dst.u8[i]) * 0x100000001b3ull;
	for (uint32_t i = 0; i < left && i < 20; i++)
		h = (h ^ pkt->data[pkt->l4_off + i]) * 0x100000001b3ull;
	return h | 1;
}

void fw_ct_lost(struct fw_ct *ct, const struct fw_packet *pkt)
{
	ct->lost[ct->lost_next++ % FW_ARRAY_SIZE(ct->lost)] = digest(pkt);
}

static bool was_lost(const struct fw_ct *ct, const struct fw_packet *quoted)
{
	const uint64_t d = digest(quoted);

	for (size_t i = 0; i < FW_ARRAY_SIZE(ct->lost); i++)
		if (ct->lost[i] == d)
			return true;
	return false;
}

/* Could the quoted packet have begun a flow?  A wrong checksum, say, and the kernel knew none. */
static bool would_start(struct fw_ct *ct, const struct fw_packet *pkt, const struct fw_tuple *t,
			uint64_t now)
{
	struct fw_flow flow = {.orig = *t};
	struct fw_packet inner;
	struct ct_ctx c = {.ct = ct,
			   .pkt = &inner,
			   .flow = &flow,
			   .now = now,
			   .dir = FW_DIR_ORIG,
			   .ctinfo = FW_CT_NEW,
			   .fresh = true};
	uint32_t quote;

	if (quoted_packet(pkt, &inner) < 0)
		return t->proto != IPPROTO_TCP && t->proto != IPPROTO_ICMP &&
			t->proto != IPPROTO_ICMPV6;
	if (was_lost(ct, &inner))
		return false;
	if (is_icmp(&inner) && icmp_kind(ct, &inner, &quote) != ICMP_PLAIN)
		return false;
	return handle(&c) == CT_ACCEPT;
}

/* Was the quoted packet in order, as far as we know or it tells by itself? */
static bool was_valid(struct fw_ct *ct, const struct fw_packet *pkt, uint64_t now)
{
	struct fw_tuple t;
	struct fw_packet inner;
	uint32_t quote;

	if (quoted_packet(pkt, &inner) < 0)
		return true;
	if (was_lost(ct, &inner))
		return false;
	if (is_icmp(&inner))
		return icmp_kind(ct, &inner, &quote) != ICMP_BAD;
	if (inner.proto == IPPROTO_TCP)
		return ct_tcp_sane(&inner) && !ct_csum_bad(ct, &inner);
	if (inner.proto == IPPROTO_SCTP)
		return true; /* tags are the flow's matter */
	return ct_tuple_of(&inner, &t) && would_start(ct, pkt, &t, now);
}

bool fw_ct_comes_tracked(struct fw_ct *ct, const struct fw_packet *pkt, uint64_t now)
{
	uint32_t quote;

	/* REJECT's answers say in the mark whose they are: those that do not are nobody's. */
	if (pkt->meta.hook != FW_OUTPUT || pkt->meta.has_uid || pkt->meta.own || !is_icmp(pkt) ||
	    icmp_kind(ct, pkt, &quote) != ICMP_ERROR)
		return false;
	if (pkt->family == FW_IP4 ? pkt->icmp_type == 3 && pkt->icmp_code == 3
				  : pkt->icmp_type == 1 && pkt->icmp_code == 4)
		return false;
	return was_valid(ct, pkt, now);
}

/* The flow that an error speaks of.  NULL: none. */
static struct fw_flow *find_quoted(struct fw_ct *ct, const struct fw_packet *pkt,
				   const struct fw_tuple *quoted, uint64_t now, bool dying,
				   enum fw_ctinfo *ctinfo)
{
	struct fw_tuple answer, facing;
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	/* the error travels against the quoted packet, so it goes the way of its answer */
	if (!ct_tuple_invert(quoted, &answer) || !ct_key_make(ct, &answer, &key))
		return NULL;
	flow = ct_find(ct, &key, now, dying, &dir);
	if (!flow)
		return NULL;
	/* … and must be for whom the answer would be for, else it is somebody's invention */
	if (memcmp(&fw_flow_tuple(flow, dir, &facing)->dst, &pkt->dst, sizeof(pkt->dst)) != 0)
		return NULL;
	*ctinfo = dir == FW_DIR_REPLY ? FW_CT_RELATED_REPLY : FW_CT_RELATED;
	return flow;
}

static int icmp_error(struct fw_ct *ct, struct fw_eval *e, uint32_t quote, bool dying)
{
	const struct fw_packet *pkt = e->pkt;
	enum fw_ctinfo ctinfo;
	struct fw_tuple quoted;
	struct fw_flow *flow;

	ct->stats.icmp_error++;
	if (!ct_tuple_quoted(pkt, quote, &quoted))
		return invalid(ct, e);
	flow = find_quoted(ct, pkt, &quoted, e->now, dying, &ctinfo);
	if (flow)
		return set(e, flow, ctinfo);
	if ((pkt->meta.hook == FW_OUTPUT || pkt->meta.hook == FW_POSTROUTING) &&
	    !pkt->meta.has_uid && would_start(ct, pkt, &quoted, e->now))
		return set(e, transient(ct, pkt, &quoted, e->now), FW_CT_RELATED_REPLY);
	return invalid(ct, e);
}

/* ---- ordinary packets ---------------------------------------------------------------------- */

/* The packet would have found nothing in the kernel: begin the flow again, unless it cannot. */
static enum ct_say restart(struct ct_ctx *c)
{
	struct fw_flow saved = *c->flow;
	enum ct_say say;

	memset(&c->flow->u, 0, sizeof(c->flow->u));
	c->flow->status &= FW_CTS_EXPECTED | CT_NAT;
	c->fresh = true;
	say = handle(c);
	if (say != CT_ACCEPT)
		*c->flow = saved;
	return say;
}

static enum ct_say known(struct ct_ctx *c)
{
	if (!(c->flow->status & FW_CTS_CONFIRMED)) {
		if (c->dir == FW_DIR_ORIG)
			return restart(c);
		c->flow->status |= FW_CTS_CONFIRMED;
	}
	return handle(c);
}

/* 0 and c->flow set, or NULL where the packet cannot begin a flow; -1: no room. */
static int begin(struct ct_ctx *c, const struct ct_key *key)
{
	struct fw_ct *ct = c->ct;

	c->flow = ct_flow_new(ct, key, c->now);
	if (!c->flow)
		return -1;
	c->dir = FW_DIR_ORIG;
	c->ctinfo = FW_CT_NEW;
	c->fresh = true;
	if (handle(c) != CT_ACCEPT) {
		ct_flow_free(ct, c->flow);
		c->flow = NULL;
		return 0;
	}
	if (ct_flow_insert(ct, c->flow))
		return 0;
	ct_flow_free(ct, c->flow);
	return -1;
}

/* A dying flow of these ends must not answer for the new one once that dies, too. */
static void bury(struct ct_ctx *c, const struct ct_key *key)
{
	enum fw_ct_dir dir;
	struct fw_flow *flow = ct_find(c->ct, key, c->now, true, &dir);

	if (flow)
		ct_flow_free(c->ct, flow);
}

static int full(struct fw_ct *ct, struct fw_eval *e)
{
	ct->stats.drop++;
	set(e, NULL, FW_CT_INVALID);
	return -1;
}

static int ordinary(struct fw_ct *ct, struct fw_eval *e)
{
	struct ct_ctx c = {.ct = ct, .pkt = e->pkt, .now = e->now};
	struct fw_tuple tuple;
	struct ct_key key;
	enum ct_say say;

	if (!ct_tuple_of(e->pkt, &tuple) || !ct_key_make(ct, &tuple, &key))
		return invalid(ct, e);
	c.flow = ct_find(ct, &key, e->now, false, &c.dir);
	if (c.flow) {
		c.ctinfo = ctinfo_of(c.flow, c.dir);
		say = known(&c);
		if (say == CT_INVALID)
			return invalid(ct, e);
		if (say == CT_REPEAT) {
			ct_flow_free(ct, c.flow);
			c.flow = NULL;
		}
	}
	if (!c.flow) {
		bury(&c, &key);
		if (begin(&c, &key) < 0)
			return full(ct, e);
		if (!c.flow)
			return invalid(ct, e);
	}
	if (c.ctinfo == FW_CT_ESTABLISHED_REPLY)
		c.flow->status |= FW_CTS_SEEN_REPLY;
	return set(e, c.flow, c.ctinfo);
}

static int afresh(struct fw_ct *ct, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	uint32_t quote;

	/* a local sender that fragments by itself is let pass untracked by the kernel too */
	if (pkt->family == FW_IP4 && pkt->meta.hook == FW_OUTPUT &&
	    (pkt->fragment || pkt->frag_more))
		return set(e, NULL, FW_CT_INVALID);
	if (!is_icmp(pkt))
		return ordinary(ct, e);
	switch (icmp_kind(ct, pkt, &quote)) {
	case ICMP_BAD: return invalid(ct, e);
	case ICMP_UNTRACKED: return set(e, NULL, FW_CT_UNTRACKED);
	case ICMP_ERROR: return icmp_error(ct, e, quote, false);
	default: return ordinary(ct, e);
	}
}

/* ---- packets that carry their answer ------------------------------------------------------- */

/* The packet's own flow, or the one its quote speaks of, or one made up: the answer is known, its
 * flow is for matches that ask for addresses. */
static int carried(struct fw_ct *ct, struct fw_eval *e, enum fw_ctinfo ctinfo)
{
	const struct fw_packet *pkt = e->pkt;
	struct fw_tuple tuple, orig;
	struct fw_flow *flow = NULL;
	enum fw_ctinfo found;
	enum fw_ct_dir dir;
	struct ct_key key;
	uint32_t quote;

	if (ctinfo == FW_CT_INVALID || ctinfo == FW_CT_UNTRACKED)
		return set(e, NULL, ctinfo);
	if (is_icmp(pkt) && icmp_kind(ct, pkt, &quote) == ICMP_ERROR &&
	    ct_tuple_quoted(pkt, quote, &tuple)) {
		flow = find_quoted(ct, pkt, &tuple, e->now, true, &found);
		dir = FW_DIR_REPLY; /* the quoted packet goes against the error */
	} else if (ct_tuple_of(pkt, &tuple)) {
		if (ct_key_make(ct, &tuple, &key))
			flow = ct_find(ct, &key, e->now, true, &dir);
		dir = FW_DIR_ORIG;
	} else {
		return set(e, NULL, ctinfo);
	}
	if (flow)
		return set(e, flow, ctinfo);
	/* tuple goes with the packet (dir ORIG) or against it; orig is the flow's first direction
	 */
	if ((fw_ctinfo_dir(ctinfo) == dir) || !ct_tuple_invert(&tuple, &orig))
		orig = tuple;
	return set(e, transient(ct, pkt, &orig, e->now), ctinfo);
}

int fw_ct_track(struct fw_ct *ct, struct fw_eval *e)
{
	/* NOTRACK in raw says so in the eval, an earlier hook or the daemon in the mark */
	if (e->ctinfo == FW_CT_UNTRACKED)
		return set(e, NULL, FW_CT_UNTRACKED);
	if (e->pkt->meta.ctinfo != FW_CT_NONE)
		return carried(ct, e, (enum fw_ctinfo)e->pkt->meta.ctinfo);
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
		return set(e, NULL, FW_CT_UNTRACKED);
	if (pkt->meta.ctinfo != FW_CT_NONE)
		return carried(ct, e, (enum fw_ctinfo)pkt->meta.ctinfo);
	if (is_icmp(pkt) && icmp_kind(ct, pkt, &quote) == ICMP_ERROR)
		return icmp_error(ct, e, quote, true);
	if (ct_tuple_of(pkt, &tuple) && ct_key_make(ct, &tuple, &key)) {
		flow = ct_find(ct, &key, e->now, true, &dir);
		if (flow)
			return set(e, flow, ctinfo_of(flow, dir));
	}
	return afresh(ct, e);
}

/* ---- packets that the kernel has judged ---------------------------------------------------- */

/* The flow's protocol sees the packet; what it says of it does not count. */
static struct fw_flow *go_on(struct ct_ctx *c)
{
	if (c->flow->status & FW_CTS_CONFIRMED) {
		if (handle(c) == CT_REPEAT) {
			ct_flow_free(c->ct, c->flow);
			return NULL;
		}
	} else if (c->dir == FW_DIR_ORIG) {
		restart(c);
	} else {
		c->flow->status |= FW_CTS_CONFIRMED;
		handle(c);
	}
	if (c->ctinfo == FW_CT_ESTABLISHED_REPLY)
		c->flow->status |= FW_CTS_SEEN_REPLY;
	return c->flow;
}

/* ---- … and translates ---------------------------------------------------------------------- */

#define PENDING_NS FW_NSEC_PER_SEC

/* Source and protocol stay as they are. */
static struct ct_pending *pending_at(const struct fw_ct *ct, const struct fw_tuple *t)
{
	uint32_t h = t->src.u32[0] ^ t->src.u32[3] ^ (uint32_t)t->sport_be << 7 ^ t->proto;

	return &ct->pending[(h * 2654435761u) >> 24];
}
static_assert(CT_PENDING == 256, "eight bits of hash");

void fw_ct_expect_translation(struct fw_ct *ct, const struct fw_eval *e)
{
	struct ct_pending *p;

	if (!e->flow || e->flow == &ct->scratch)
		return;
	if (!ct->pending)
		ct->pending = calloc(CT_PENDING, sizeof(*ct->pending));
	if (!ct->pending)
		return;
	p = pending_at(ct, &e->flow->orig);
	p->orig = e->flow->orig;
	p->until = e->now + PENDING_NS;
}

/* A first packet, met behind its translation.  NULL: none that we know. */
static struct fw_flow *take_pending(struct ct_ctx *c, const struct fw_tuple *t)
{
	struct fw_tuple reply;
	struct ct_pending *p;
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	if (!c->ct->pending || !ct_tuple_invert(t, &reply))
		return NULL;
	p = pending_at(c->ct, t);
	if (p->until <= c->now || p->orig.proto != t->proto || p->orig.family != t->family ||
	    p->orig.sport_be != t->sport_be || memcmp(&p->orig.src, &t->src, sizeof(t->src)) != 0)
		return NULL;
	if (!ct_key_make(c->ct, &p->orig, &key))
		return NULL;
	flow = ct_find(c->ct, &key, c->now, true, &dir);
	if (!flow || dir != FW_DIR_ORIG || !ct_flow_translate(c->ct, flow, &reply))
		return NULL;
	c->dir = FW_DIR_ORIG;
	return flow;
}

/* A flow for a packet of one that the kernel knows and we do not; orig: its first direction. */
static struct fw_flow *pick_up(struct ct_ctx *c, const struct fw_tuple *orig)
{
	const enum fw_ctinfo ctinfo = c->ctinfo;
	struct ct_key key;

	if (!ct_key_make(c->ct, orig, &key))
		return NULL;
	if (begin(c, &key) < 0)
		return NULL;
	c->ctinfo = ctinfo;
	if (!c->flow)
		return transient(c->ct, c->pkt, orig, c->now);
	if (ctinfo != FW_CT_NEW)
		c->flow->status |= FW_CTS_CONFIRMED;
	if (ctinfo == FW_CT_ESTABLISHED || ctinfo == FW_CT_ESTABLISHED_REPLY)
		c->flow->status |= FW_CTS_SEEN_REPLY;
	return c->flow;
}

/* Ask the kernel for the connection of a tuple, and make ours like it.  NULL: it knows none. */
static struct fw_flow *ask_kernel(struct ct_ctx *c, struct fw_eval *e, const struct fw_tuple *t)
{
	const struct fw_world_ops *ops = e->world->ops;
	struct fw_tuple orig, reply;
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	if (!ops || !ops->connection || !ops->connection(e->world->priv, t, &orig, &reply) ||
	    !ct_key_make(c->ct, &orig, &key))
		return NULL;
	flow = ct_find(c->ct, &key, c->now, true, &dir);
	if (!flow || dir != FW_DIR_ORIG)
		flow = pick_up(c, &orig);
	if (flow && flow != &c->ct->scratch)
		ct_flow_translate(c->ct, flow, &reply);
	return flow;
}

static struct fw_flow *find_followed(struct ct_ctx *c, struct fw_eval *e,
				     const struct fw_tuple *tuple, const struct ct_key *key,
				     bool first)
{
	const unsigned int nat = e->pkt->meta.nat_status;
	struct fw_flow *flow = ct_find(c->ct, key, e->now, !first, &c->dir);
	struct fw_tuple orig = *tuple;

	if (flow && c->ctinfo == FW_CT_NEW &&
	    ((first && (flow->status & FW_CTS_SEEN_REPLY)) ||
	     (e->pkt->meta.nat_pending && (flow->status & FW_CTS_CONFIRMED)))) {
		ct_flow_free(c->ct, flow); /* the kernel has forgotten it */
		flow = NULL;
	}
	if (flow && (nat & ~(unsigned int)flow->status) && !e->pkt->meta.nat_pending) {
		const struct fw_tuple known = flow->orig;

		ask_kernel(c, e, &known); /* flows do not move */
	}
	if (!flow && (nat & FW_CTS_DST_NAT) && fw_ctinfo_dir(c->ctinfo) == FW_DIR_ORIG)
		flow = take_pending(c, tuple);
	if (!flow && nat)
		flow = ask_kernel(c, e, tuple);
	if (flow)
		return first && flow != &c->ct->scratch ? (c->flow = flow, go_on(c)) : flow;
	if (fw_ctinfo_dir(c->ctinfo) == FW_DIR_REPLY && !ct_tuple_invert(tuple, &orig))
		return NULL;
	return pick_up(c, &orig);
}

void fw_ct_follow(struct fw_ct *ct, struct fw_eval *e, bool first)
{
	struct ct_ctx c = {.ct = ct, .pkt = e->pkt, .now = e->now, .ctinfo = e->ctinfo};
	const enum fw_ctinfo ctinfo = e->ctinfo;
	struct fw_tuple tuple;
	struct ct_key key;
	uint32_t quote;

	e->flow = NULL;
	if (ctinfo == FW_CT_INVALID || ctinfo == FW_CT_UNTRACKED || ctinfo == FW_CT_NONE)
		return;
	if (is_icmp(e->pkt) && icmp_kind(ct, e->pkt, &quote) != ICMP_PLAIN) {
		carried(ct, e, ctinfo);
		return;
	}
	if (!ct_tuple_of(e->pkt, &tuple) || !ct_key_make(ct, &tuple, &key))
		return;
	e->flow = find_followed(&c, e, &tuple, &key, first);
	e->ctinfo = ctinfo;
}

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
