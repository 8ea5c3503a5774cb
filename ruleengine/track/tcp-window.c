/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a TCP segment fit into what both sides said?
 *
 * After Guido van Rooij's "Real Stateful TCP Packet Filtering", as nf_conntrack has it.  For each
 * sender the highest sequence number sent (end), the highest that the receiver's window allows
 * (maxend) and the largest window it announced itself (maxwin) are kept.  A segment fits when
 *
 *	I    it begins at or below the sender's maxend
 *	II   it ends above the sender's end less the receiver's maxwin
 *	III  what it acknowledges (selectively: the highest block) was sent
 *	IV   … and is not older than a large window
 *
 * II and IV failing means an old duplicate: let pass without learning from it.  I failing while
 * the rest holds means a sender that exceeds its window: let pass, remember that data is owed.
 */
#include "track/track.h"

#define MAX_SCALE      14
#define LEAST_ACK_SPAN 66000u

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The next option that has a length: its kind and size (2 or more), p moved behind it.  0: no
 * more, or not worth reading on.  *body is where its data begins. */
static int next_option(const uint8_t **p, uint32_t *left, const uint8_t **body, uint8_t *size)
{
	while (*left) {
		uint8_t kind = **p;

		if (kind == 0)
			return 0;
		if (kind == 1) {
			(*p)++;
			(*left)--;
			continue;
		}
		if (*left < 2 || (*p)[1] < 2 || (*p)[1] > *left)
			return 0;
		*size = (*p)[1];
		*body = *p + 2;
		*p += *size;
		*left -= *size;
		return kind;
	}
	return 0;
}

void ct_tcp_options(const struct tcp_head *th, struct tcp_side *side)
{
	const uint8_t *p = th->options, *body;
	uint32_t left = th->options_len;
	uint8_t size;
	int kind;

	if (!p)
		return;
	side->scale = 0;
	side->flags &= TCP_F_LIBERAL;
	while ((kind = next_option(&p, &left, &body, &size))) {
		if (kind == 4 && size == 2) {
			side->flags |= TCP_F_SACK;
		} else if (kind == 3 && size == 3) {
			side->scale = body[0] > MAX_SCALE ? MAX_SCALE : body[0];
			side->flags |= TCP_F_SCALE;
		}
	}
}

/* The highest selective acknowledgement, or what there was. */
static uint32_t highest_sack(const struct tcp_head *th, uint32_t sack)
{
	const uint8_t *p = th->options, *body;
	uint32_t left = th->options_len;
	uint8_t size;
	int kind;

	if (!p)
		return sack;
	while ((kind = next_option(&p, &left, &body, &size))) {
		if (kind != 5 || size < 10 || (size - 2) % 8)
			continue;
		for (int i = 0; i < size - 2; i += 8) {
			uint32_t edge = read32(body + i + 4);

			if (tcp_after(edge, sack))
				sack = edge;
		}
		return sack;
	}
	return sack;
}

/* A SYN tells everything about its sender. */
static void start_side(struct tcp_side *sender, struct tcp_side *receiver, const struct tcp_head *th,
		       enum fw_ct_dir dir)
{
	sender->end = sender->maxend = th->end;
	sender->maxwin = th->win ? th->win : 1;
	ct_tcp_options(th, sender);
	/* scaling holds only when both asked for it */
	if (dir == FW_DIR_REPLY && !(sender->flags & receiver->flags & TCP_F_SCALE))
		sender->scale = receiver->scale = 0;
}

/* We came in the middle: what this segment says is all that is known of its sender. */
static void guess_side(struct tcp_side *sender, struct tcp_side *receiver, const struct tcp_head *th,
		       uint32_t sack)
{
	uint32_t win = (uint32_t)th->win << sender->scale;

	sender->end = th->end;
	sender->maxwin = win ? win : 1;
	sender->maxend = th->end + sender->maxwin;
	if (!receiver->maxwin)
		receiver->end = receiver->maxend = sack;
	else if (sack == receiver->end + 1) /* answer to a keepalive */
		receiver->end++;
}

/* What a segment outside of the window comes to, unless we are liberal. */
static enum tcp_fit misfit(const struct fw_ct *ct, const struct tcp_side *sender, enum tcp_fit fit)
{
	return ct->config.tcp_be_liberal || (sender->flags & TCP_F_LIBERAL) ? TCP_FITS : fit;
}

static uint32_t ack_span(const struct tcp_side *sender)
{
	return sender->maxwin > LEAST_ACK_SPAN ? sender->maxwin : LEAST_ACK_SPAN;
}

/* Bound I does not hold. */
static enum tcp_fit beyond(const struct fw_ct *ct, struct tcp_side *sender,
			   const struct tcp_side *receiver, uint32_t end, uint32_t sack)
{
	uint32_t over = end - sender->maxend + 1;

	if (receiver->maxwin && tcp_after(end, sender->end - receiver->maxwin - 1) &&
	    tcp_after(sack, receiver->end - ack_span(sender) - 1) && over <= receiver->maxwin &&
	    tcp_before(sack, receiver->end + 1)) {
		/* the peer may acknowledge it all the same, which must then fit */
		sender->end = end;
		sender->flags |= TCP_F_UNACKED;
		return misfit(ct, sender, TCP_IGNORED);
	}
	return misfit(ct, sender, TCP_OUTSIDE);
}

static void count_repeats(struct tcp_track *t, enum fw_ct_dir dir, uint32_t seq, uint32_t ack,
			  uint32_t end, uint16_t win)
{
	if (t->last_dir == dir && t->last_seq == seq && t->last_ack == ack && t->last_end == end &&
	    t->last_win == win) {
		t->retrans++;
		return;
	}
	t->last_dir = (uint8_t)dir;
	t->last_seq = seq;
	t->last_ack = ack;
	t->last_end = end;
	t->last_win = win;
	t->retrans = 0;
}

/* The segment fits: learn from it. */
static void learn(struct tcp_side *sender, struct tcp_side *receiver, const struct tcp_head *th,
		  uint32_t ack, uint32_t sack, uint32_t end)
{
	uint32_t win = th->win;

	if (!(th->flags & TH_SYN))
		win <<= sender->scale;
	if (sender->maxwin < win + (sack - ack))
		sender->maxwin = win + (sack - ack);
	if (tcp_after(end, sender->end)) {
		sender->end = end;
		sender->flags |= TCP_F_UNACKED;
	}
	if ((th->flags & TH_ACK) &&
	    (!(sender->flags & TCP_F_MAXACK) || tcp_after(ack, sender->maxack))) {
		sender->maxack = ack;
		sender->flags |= TCP_F_MAXACK;
	}
	if (receiver->maxwin && tcp_after(end, sender->maxend))
		receiver->maxwin += end - sender->maxend;
	if (tcp_after(sack + win, receiver->maxend - 1)) {
		receiver->maxend = sack + win;
		if (!win)
			receiver->maxend++;
	}
	if (ack == receiver->end)
		receiver->flags &= (uint8_t)~TCP_F_UNACKED;
}

enum tcp_fit ct_tcp_in_window(const struct fw_ct *ct, struct tcp_track *t, enum fw_ct_dir dir,
			      const struct tcp_head *th)
{
	struct tcp_side *sender = &t->side[dir], *receiver = &t->side[!dir];
	uint32_t seq = th->seq, ack = th->ack, end = th->end, sack = ack;
	bool syn = th->flags & TH_SYN, acks = th->flags & TH_ACK;

	if (receiver->flags & TCP_F_SACK)
		sack = highest_sack(th, sack);
	if (!sender->maxwin) {
		if (!syn) {
			guess_side(sender, receiver, th, sack);
		} else {
			start_side(sender, receiver, th, dir);
			if (!acks) /* simultaneous open */
				return TCP_FITS;
		}
	} else if (syn && tcp_after(end, sender->end) &&
		   (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECV)) {
		/* a new attempt, with a higher number */
		start_side(sender, receiver, th, dir);
		if (dir == FW_DIR_REPLY && !acks)
			return TCP_FITS;
	}
	/* no acknowledgement, or a reset that carries none: as if it were right */
	if (!acks || ((th->flags & TH_RST) && !ack))
		ack = sack = receiver->end;
	/* a reset in answer to a SYN has no number of its own */
	if ((th->flags & TH_RST) && !seq && t->state == TCP_SYN_SENT)
		seq = end = sender->end;

	if (!tcp_before(seq, sender->maxend + 1))
		return beyond(ct, sender, receiver, end, sack);
	if (!tcp_before(sack, receiver->end + 1))
		return misfit(ct, sender, TCP_OUTSIDE);
	if (receiver->maxwin && !tcp_after(end, sender->end - receiver->maxwin - 1))
		return misfit(ct, sender, TCP_IGNORED);
	if (!tcp_after(sack, receiver->end - ack_span(sender) - 1))
		return misfit(ct, sender, TCP_IGNORED);

	learn(sender, receiver, th, ack, sack, end);
	if (th->seg == SEG_ACK)
		count_repeats(t, dir, seq, ack, end, th->win);
	return TCP_FITS;
}
