/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections: nf_conntrack's states, seen from the middle.
 *
 * We see what both sides send, but not what arrives.  A segment's kind (its flags), direction and
 * the state so far pick the next state from one table.  Two entries are not states:
 *
 *	BAD   the segment cannot belong here: INVALID
 *	PASS  we may be out of step with the two ends (a SYN on a connection that we hold for
 *	      alive, a second SYN/ACK …): let it pass, learn nothing but what it said.  If it was
 *	      right, the other side's answer shows it, and the connection is picked up from there;
 *	      if not, the other side sends a reset, which is believed.
 *
 * The window (tcp-window.c) is looked at after the state; only a segment that fits moves it.
 */
#include <netinet/in.h>
#include <string.h>

#include "track/track.h"

enum {
	NO = TCP_NONE,
	SS = TCP_SYN_SENT,
	SR = TCP_SYN_RECV,
	ES = TCP_ESTABLISHED,
	FW = TCP_FIN_WAIT,
	CW = TCP_CLOSE_WAIT,
	LA = TCP_LAST_ACK,
	TW = TCP_TIME_WAIT,
	CL = TCP_CLOSE,
	S2 = TCP_SYN_SENT2,
	BAD = N_TCP_STATES,
	PASS,
};

static const uint8_t next_state[FW_N_DIRS][N_SEGS][N_TCP_STATES] = {
	[FW_DIR_ORIG] = {
		/*                NO    SS    SR    ES    FW    CW    LA    TW    CL    S2  */
		[SEG_SYN] =      {SS,   SS,   PASS, PASS, PASS, PASS, PASS, SS,   SS,   S2},
		[SEG_SYNACK] =   {BAD,  BAD,  SR,   BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  SR},
		[SEG_FIN] =      {BAD,  BAD,  FW,   FW,   LA,   LA,   LA,   TW,   CL,   BAD},
		[SEG_ACK] =      {ES,   BAD,  ES,   ES,   CW,   CW,   TW,   TW,   CL,   BAD},
		[SEG_RST] =      {BAD,  CL,   CL,   CL,   CL,   CL,   CL,   CL,   CL,   CL},
		[SEG_NONE] =     {BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD},
	},
	[FW_DIR_REPLY] = {
		/*                NO    SS    SR    ES    FW    CW    LA    TW    CL    S2  */
		[SEG_SYN] =      {BAD,  S2,   BAD,  BAD,  BAD,  BAD,  BAD,  SS,   BAD,  S2},
		[SEG_SYNACK] =   {BAD,  SR,   PASS, PASS, PASS, PASS, PASS, PASS, PASS, SR},
		[SEG_FIN] =      {BAD,  BAD,  FW,   FW,   LA,   LA,   LA,   TW,   CL,   BAD},
		[SEG_ACK] =      {BAD,  PASS, SR,   ES,   CW,   CW,   TW,   TW,   CL,   PASS},
		[SEG_RST] =      {BAD,  CL,   CL,   CL,   CL,   CL,   CL,   CL,   CL,   CL},
		[SEG_NONE] =     {BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD,  BAD},
	},
};

static const char *const state_names[] = {
	"NONE",      "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
	"CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2",
};
static_assert(FW_ARRAY_SIZE(state_names) == N_TCP_STATES, "a name for each state");

const char *ct_tcp_state_name(unsigned int state)
{
	return state < N_TCP_STATES ? state_names[state] : NULL;
}

static enum tcp_seg seg_kind(uint8_t flags)
{
	if (flags & TH_RST)
		return SEG_RST;
	if (flags & TH_SYN)
		return flags & TH_ACK ? SEG_SYNACK : SEG_SYN;
	if (flags & TH_FIN)
		return SEG_FIN;
	return flags & TH_ACK ? SEG_ACK : SEG_NONE;
}

/* Flags that make sense together; PSH, ECE and CWR always do. */
static bool flags_ok(uint8_t flags)
{
	switch (flags & (TH_FIN | TH_SYN | TH_RST | TH_ACK | TH_URG)) {
	case TH_SYN:
	case TH_SYN | TH_URG:
	case TH_SYN | TH_ACK:
	case TH_RST:
	case TH_RST | TH_ACK:
	case TH_FIN | TH_ACK:
	case TH_FIN | TH_ACK | TH_URG:
	case TH_ACK:
	case TH_ACK | TH_URG: return true;
	default: return false;
	}
}

bool ct_tcp_would_start(const struct fw_ct *ct, uint8_t flags)
{
	uint8_t state = next_state[FW_DIR_ORIG][seg_kind(flags)][TCP_NONE];

	return flags_ok(flags) && (state == TCP_SYN_SENT || (state == TCP_ESTABLISHED && ct->config.tcp_loose));
}

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* false: too short, or nonsense. */
static bool read_head(const struct fw_packet *pkt, struct tcp_head *th)
{
	const uint8_t *p = fw_packet_bytes(pkt, pkt->l4_off, 20);
	uint32_t len = pkt->len - pkt->l4_off, head;

	if (!p || pkt->l4_off > pkt->len || len < 20)
		return false;
	head = (uint32_t)(p[12] >> 4) * 4;
	if (head < 20 || len < head)
		return false;
	th->seq = read32(p + 4);
	th->ack = read32(p + 8);
	th->flags = p[13];
	th->win = (uint16_t)(p[14] << 8 | p[15]);
	th->seg = seg_kind(th->flags);
	th->end = th->seq + len - head + !!(th->flags & TH_SYN) + !!(th->flags & TH_FIN);
	th->options_len = head - 20;
	th->options = th->options_len ? fw_packet_bytes(pkt, pkt->l4_off + 20, th->options_len) : NULL;
	return flags_ok(th->flags);
}

bool ct_tcp_sane(const struct fw_packet *pkt)
{
	struct tcp_head th;

	return read_head(pkt, &th);
}

/* The first segment that we see of a connection. */
static bool start(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_track *t = &c->flow->u.tcp;
	struct tcp_side *side = &t->side[FW_DIR_ORIG];

	if (!ct_tcp_would_start(c->ct, th->flags))
		return false;
	memset(t, 0, sizeof(*t));
	side->end = side->maxend = th->end;
	side->maxwin = th->win ? th->win : 1;
	if (th->seg == SEG_SYN) {
		ct_tcp_options(th, side);
	} else {
		/* picked up midway: the scale is unknown, so the window cannot be insisted on */
		side->maxend += side->maxwin;
		side->flags = t->side[FW_DIR_REPLY].flags = TCP_F_SACK | TCP_F_LIBERAL;
	}
	t->last_seg = SEG_NONE;
	return true;
}

bool ct_tcp_closing(const struct fw_flow *flow)
{
	uint8_t state = flow->u.tcp.state;

	return state == TCP_FIN_WAIT || state == TCP_LAST_ACK || state == TCP_TIME_WAIT ||
	       state == TCP_CLOSE || state == TCP_CLOSE_WAIT;
}

void ct_tcp_close(const struct fw_ct *ct, struct fw_flow *flow, uint64_t now)
{
	if (flow->u.tcp.state == TCP_CLOSE)
		return;
	flow->u.tcp.state = TCP_CLOSE;
	flow->expires = now + ct->timeout[CT_T_TCP_CLOSE] * FW_NSEC_PER_SEC;
}

static bool established(const struct fw_flow *flow)
{
	return flow->u.tcp.state == TCP_ESTABLISHED && (flow->status & FW_CTS_ASSURED);
}

/* Is this SYN/ACK the answer to a SYN that we let pass without believing it?  Then both ends are
 * in step and we were not: take over what the SYN said. */
static bool resync(struct tcp_track *t, enum fw_ct_dir dir, const struct tcp_head *th)
{
	struct tcp_side *other = &t->side[t->last_dir], *side = &t->side[dir];

	if (th->seg != SEG_SYNACK || t->last_seg != SEG_SYN || t->last_dir == dir ||
	    th->ack != t->last_end)
		return false;
	other->end = other->maxend = t->last_end;
	other->maxwin = t->last_win ? t->last_win : 1;
	other->scale = t->last_scale;
	t->last_flags &= (uint8_t)~TCP_F_CHALLENGE;
	other->flags = t->last_flags;
	*side = (struct tcp_side){.flags = side->flags & TCP_F_LIBERAL};
	return true;
}

/* Let pass, but note what was said: resync() and the resets' rules need it. */
static void note(struct tcp_track *t, enum fw_ct_dir dir, const struct tcp_head *th)
{
	t->last_seg = (uint8_t)th->seg;
	t->last_dir = (uint8_t)dir;
	t->last_seq = th->seq;
	t->last_end = th->end;
	t->last_win = th->win;
	if (th->seg == SEG_SYN && dir == FW_DIR_ORIG) {
		struct tcp_side seen = {0};

		ct_tcp_options(th, &seen);
		t->last_scale = seen.flags & TCP_F_SCALE ? seen.scale : 0;
		t->last_flags = seen.flags & (TCP_F_SCALE | TCP_F_SACK);
		/* the answer may be an ACK that challenges the SYN (RFC 5961), not one of the FIN */
		if (t->state == TCP_LAST_ACK)
			t->last_flags |= TCP_F_CHALLENGE;
	}
	if (t->state == TCP_SYN_SENT && th->seg == SEG_ACK && dir == FW_DIR_REPLY)
		t->last_ack = th->ack;
}

/* What becomes of a reset, before the window is looked at. */
enum rst_say { RST_LOOK, RST_FITS, RST_BAD, RST_STAY /* look, but the state stays */ };

static enum rst_say judge_known_ack(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_track *t = &c->flow->u.tcp;
	uint32_t expected = t->side[!c->dir].maxack;

	if (!th->seq && !established(c->flow))
		return RST_LOOK;
	if (tcp_before(th->seq, expected))
		return RST_BAD;
	if (!established(c->flow) || th->seq == expected)
		return RST_LOOK;
	/* it follows right behind the data that its sender sent last */
	if (t->last_seg == SEG_ACK && t->last_dir == c->dir && th->seq == t->last_end)
		return RST_LOOK;
	/* The number is not exactly right: the receiver will challenge it.  (The rules below in
	 * judge_rst() cannot hold for an established connection.) */
	return RST_STAY;
}

static enum rst_say judge_rst(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_track *t = &c->flow->u.tcp;

	if (ct_tcp_closing(c->flow))
		return RST_FITS;
	if ((t->side[!c->dir].flags & TCP_F_MAXACK) && t->last_seg != SEG_SYN)
		return judge_known_ack(c, th);
	/* the answer to a SYN or ACK that we let pass: the connection is gone */
	if ((((c->flow->status & FW_CTS_SEEN_REPLY) && t->last_seg == SEG_SYN && t->last_dir != c->dir) ||
	     (!(c->flow->status & FW_CTS_ASSURED) && t->last_seg == SEG_ACK)) &&
	    th->ack == t->last_end)
		return RST_FITS;
	/* the answer to a challenge ACK that we let pass */
	if (t->state == TCP_SYN_SENT && t->last_seg == SEG_ACK && t->last_dir == FW_DIR_REPLY &&
	    th->seq == t->last_ack)
		return RST_FITS;
	return RST_LOOK;
}

/* A FIN or RST that does not fit, from each side: whatever this connection is, it will not last.
 * Do not keep it for days. */
static void shorten(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_track *t = &c->flow->u.tcp;
	uint64_t unack = c->ct->timeout[CT_T_TCP_UNACK] * FW_NSEC_PER_SEC;
	uint64_t left = c->flow->expires - c->now;

	if (!(c->flow->status & FW_CTS_ASSURED) || (th->seg != SEG_RST && th->seg != SEG_FIN))
		return;
	if (t->last_dir == c->dir || (t->last_seg != SEG_FIN && t->last_seg != SEG_RST)) {
		t->last_seg = (uint8_t)th->seg;
		t->last_dir = (uint8_t)c->dir;
	} else if (left >= 120 * FW_NSEC_PER_SEC && left > unack) {
		c->flow->expires = c->now + unack;
	}
}

static uint32_t timeout_of(const struct ct_ctx *c, const struct tcp_head *th)
{
	const struct tcp_track *t = &c->flow->u.tcp;
	const uint32_t *timeout = c->ct->timeout;
	uint32_t normal = timeout[CT_T_TCP_NONE + t->state];
	uint32_t retrans = timeout[CT_T_TCP_RETRANS], unack = timeout[CT_T_TCP_UNACK];

	if (ct_tcp_in_doubt(c->flow))
		return unack;
	if (t->retrans >= c->ct->config.tcp_max_retrans && normal > retrans)
		return retrans;
	if (th->seg == SEG_RST && t->state == TCP_ESTABLISHED && normal > unack)
		return unack;
	if (((t->side[0].flags | t->side[1].flags) & TCP_F_UNACKED) && normal > unack)
		return unack;
	return !t->last_win && normal > retrans ? retrans : normal;
}

/* The acknowledgement of a FIN may pass unseen: it counts as given. */
static uint8_t acknowledged(const struct ct_ctx *c, uint8_t state)
{
	const struct tcp_side *sender = &c->flow->u.tcp.side[c->dir];

	if (!(c->flow->flags & CT_F_UNSEEN))
		return state;
	if (state == TCP_FIN_WAIT)
		return TCP_CLOSE_WAIT;
	return state == TCP_LAST_ACK && !(sender->flags & TCP_F_CLOSER) ? TCP_TIME_WAIT : state;
}

/* The segment fits: move on. */
static enum ct_say advance(struct ct_ctx *c, const struct tcp_head *th, uint8_t old, uint8_t state)
{
	struct tcp_track *t = &c->flow->u.tcp;
	uint32_t timeout;

	t->last_seg = (uint8_t)th->seg;
	t->last_dir = (uint8_t)c->dir;
	t->state = state;
	if (old != state && state == TCP_FIN_WAIT)
		t->side[c->dir].flags |= TCP_F_CLOSER;
	t->state = acknowledged(c, state);
	timeout = timeout_of(c, th);
	if (!(c->flow->status & FW_CTS_SEEN_REPLY)) {
		/* nothing but a reset came back: there was no connection */
		if (th->seg == SEG_RST) {
			ct_account(c);
			ct_flow_kill(c->ct, c->flow, c->now);
			return CT_ACCEPT;
		}
		/* repeated SYNs must not keep an unanswered flow */
		if (th->seg == SEG_SYN && old == TCP_SYN_SENT)
			return CT_ACCEPT;
		if (state == TCP_ESTABLISHED && timeout > c->ct->timeout[CT_T_TCP_UNACK])
			timeout = c->ct->timeout[CT_T_TCP_UNACK];
	} else if (!(c->flow->status & FW_CTS_ASSURED) && state == TCP_ESTABLISHED &&
		   (old == TCP_SYN_RECV || old == TCP_ESTABLISHED)) {
		c->flow->status |= FW_CTS_ASSURED;
	}
	ct_refresh(c, timeout);
	return CT_ACCEPT;
}

/* A SYN on a connection that is over: when one side closed it properly, or the same side reset it
 * before, this is a new connection. */
static bool reopens(const struct tcp_track *t, enum fw_ct_dir dir)
{
	return ((t->side[0].flags | t->side[1].flags) & TCP_F_CLOSER) ||
	       (t->last_dir == dir && t->last_seg == SEG_RST);
}

/* An ACK that challenges a SYN we let pass, and must not be taken for the last one of a close. */
static bool is_challenge(const struct tcp_track *t, enum fw_ct_dir dir, const struct tcp_head *th)
{
	return t->state == TCP_LAST_ACK && th->seg == SEG_ACK && t->last_dir != dir &&
	       t->last_seg == SEG_SYN && (t->last_flags & TCP_F_CHALLENGE);
}

static enum ct_say fit(struct ct_ctx *c, const struct tcp_head *th, uint8_t old, uint8_t state)
{
	switch (ct_tcp_in_window(c->ct, &c->flow->u.tcp, c->dir, th)) {
	case TCP_IGNORED: return CT_ACCEPT;
	case TCP_OUTSIDE: shorten(c, th); return CT_INVALID;
	default: return advance(c, th, old, state);
	}
}

static enum ct_say pass(struct ct_ctx *c, const struct tcp_head *th)
{
	struct tcp_track *t = &c->flow->u.tcp;

	if (resync(t, c->dir, th))
		return fit(c, th, TCP_SYN_SENT, TCP_SYN_RECV);
	note(t, c->dir, th);
	return CT_ACCEPT;
}

static enum ct_say reset(struct ct_ctx *c, const struct tcp_head *th)
{
	uint8_t old = c->flow->u.tcp.state;

	switch (judge_rst(c, th)) {
	case RST_BAD: return CT_INVALID;
	case RST_FITS: return advance(c, th, old, TCP_CLOSE);
	case RST_STAY: return fit(c, th, old, old);
	default:
		ct_tcp_doubt(c->flow, c->dir);
		return fit(c, th, old, TCP_CLOSE);
	}
}

enum ct_say ct_tcp_packet(struct ct_ctx *c)
{
	struct tcp_track *t = &c->flow->u.tcp;
	struct tcp_head th;
	uint8_t old, state;

	if (!read_head(c->pkt, &th) || ct_csum_bad(c->ct, c->pkt))
		return CT_INVALID;
	if (c->fresh && !start(c, &th))
		return CT_INVALID;
	if (c->flow->flags & CT_F_UNSEEN)
		ct_tcp_forget(c->flow);
	if (ct_tcp_in_doubt(c->flow) && !ct_tcp_goes_on(c, &th))
		return CT_REPEAT;
	old = t->state;
	state = next_state[c->dir][th.seg][old];
	switch (state) {
	case BAD: return CT_INVALID;
	case PASS: return pass(c, &th);
	case TCP_SYN_SENT:
		if (old < TCP_TIME_WAIT)
			break;
		return reopens(t, c->dir) ? CT_REPEAT : pass(c, &th);
	case TCP_TIME_WAIT:
		if (is_challenge(t, c->dir, &th)) {
			t->last_flags &= (uint8_t)~TCP_F_CHALLENGE;
			return CT_ACCEPT;
		}
		break;
	case TCP_SYN_SENT2: t->last_flags |= TCP_F_BOTH_OPEN; break;
	case TCP_SYN_RECV:
		if (c->dir == FW_DIR_REPLY && th.seg == SEG_ACK && (t->last_flags & TCP_F_BOTH_OPEN))
			state = TCP_ESTABLISHED;
		break;
	case TCP_CLOSE:
		if (th.seg == SEG_RST)
			return reset(c, &th);
		break;
	default: break;
	}
	return fit(c, &th, old, state);
}
