/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker, inside (fw/ct.h is outside).
 *
 * A flow is one record of 128 bytes, two cache lines: the first is what finding it touches, the
 * second what its protocol remembers.  Records live in chunks that never move, so a borrowed
 * pointer stays good; a record's number (chunk and place) is what the index stores.
 *
 * The index has one entry for each flow, not two: the hash of a tuple is the same for both
 * directions (the two ends are sorted first), and which direction a packet has is seen when its
 * tuple is compared.  NAT makes the reply tuple another one; such a flow gets a second entry
 * (CT_REF_REPLY) and keeps that tuple in its extension record, which only flows that need it have.
 *
 * Life: made by a packet (unconfirmed) ► confirmed when that packet has left, or an answer is seen
 * ► expired, found so by a lookup or by fw_ct_gc().  A flow that its last packet killed (RST on a
 * connection that never was) stays for a moment as DYING: that packet's later hooks find it, new
 * packets do not.
 */
#ifndef FW_TRACK_TRACK_H
#define FW_TRACK_TRACK_H

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "fw/ct.h"
#include "track/index.h"
#include "track/notes.h"

/* ---- timeouts: rows of config.c ------------------------------------------------------------ */

enum ct_timeout {
	/* TCP: enum tcp_state, then the two that are not states */
	CT_T_TCP_NONE, CT_T_TCP_SYN_SENT, CT_T_TCP_SYN_RECV, CT_T_TCP_ESTABLISHED,
	CT_T_TCP_FIN_WAIT, CT_T_TCP_CLOSE_WAIT, CT_T_TCP_LAST_ACK, CT_T_TCP_TIME_WAIT,
	CT_T_TCP_CLOSE, CT_T_TCP_SYN_SENT2, CT_T_TCP_RETRANS, CT_T_TCP_UNACK,
	CT_T_UDP, CT_T_UDP_STREAM,
	CT_T_ICMP, CT_T_ICMPV6, CT_T_GENERIC,
	CT_T_GRE, CT_T_GRE_STREAM,
	/* SCTP: enum sctp_state */
	CT_T_SCTP_NONE, CT_T_SCTP_CLOSED, CT_T_SCTP_COOKIE_WAIT, CT_T_SCTP_COOKIE_ECHOED,
	CT_T_SCTP_ESTABLISHED, CT_T_SCTP_SHUTDOWN_SENT, CT_T_SCTP_SHUTDOWN_RECD,
	CT_T_SCTP_SHUTDOWN_ACK_SENT, CT_T_SCTP_HEARTBEAT_SENT,
	CT_N_TIMEOUTS
};

/* ---- what protocols remember --------------------------------------------------------------- */

enum tcp_state { /* values of enum tcp_conntrack */
	TCP_NONE, TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED, TCP_FIN_WAIT, TCP_CLOSE_WAIT,
	TCP_LAST_ACK, TCP_TIME_WAIT, TCP_CLOSE, TCP_SYN_SENT2, N_TCP_STATES
};

/* One sender's side of the window (proto_tcp's opening comment names the four bounds). */
struct tcp_side {
	uint32_t end;     /* highest sequence number sent, plus one */
	uint32_t maxend;  /* highest that the other side's window allows */
	uint32_t maxwin;  /* largest window announced; 0: nothing seen of this side */
	uint32_t maxack;  /* highest acknowledgement sent, when TCP_F_MAXACK */
	uint8_t scale, flags;
};

struct tcp_track {
	struct tcp_side side[FW_N_DIRS];
	uint32_t last_seq, last_ack, last_end;
	uint16_t last_win;
	uint8_t last_scale, last_flags;
	uint8_t state;      /* enum tcp_state */
	uint8_t last_dir, last_seg;
	uint8_t retrans;
};

struct sctp_track {
	uint32_t tag[FW_N_DIRS]; /* verification tags, as on the wire */
	uint8_t state;           /* enum sctp_state */
	uint8_t init[FW_N_DIRS];
	uint8_t heartbeat_failed, last_dir;
};

struct udp_track {
	uint32_t stream_at[2]; /* from when on both ways make a stream; ns, low and high half */
};

/* What few flows have. */
struct fw_flow_ext {
	struct fw_tuple reply;           /* with SRC_NAT or DST_NAT */
	struct fw_tuple mid;             /* … first direction, destination translated, source not */
	struct fw_tuple later;           /* … as the kernel sends echo requests behind the first */
	uint32_t reply_hash, mid_hash, later_hash;
	bool has_mid;                    /* stands in the index by itself */
	bool has_reply, has_later;       /* likewise */
	bool shares_mid;                 /* another flow has, or had, the same */
	uint64_t met;                    /* … when it was met last ahead of that, counted in packets */
	uint64_t packets[FW_N_DIRS], bytes[FW_N_DIRS];
};

#define CT_F_USED  0x01 /* record is taken */
#define CT_F_DYING 0x02 /* killed; only its own packet's later hooks may see it */
#define CT_F_INDEX 0x04 /* stands in the index */
#define CT_F_ACCT  0x08 /* ext counts its packets */
#define CT_F_UNSEEN 0x10 /* some of its packets pass without our seeing them (fw/offer.h) */
#define CT_F_MASKED 0x20 /* its source was to be translated; until SRC_NAT says to what */

struct fw_flow {
	struct fw_tuple orig;
	uint64_t expires;         /* monotonic ns; gone when this is reached */
	struct fw_flow_ext *ext;  /* or NULL */
	uint32_t hash;
	uint16_t status : 12;     /* FW_CTS_* */
	uint16_t helper : 4;      /* that expected it: fw/helper.h */
	uint8_t flags;            /* CT_F_* */
	uint8_t turns;            /* packets of each direction since it was last offered */
	/* second line */
	uint32_t mark;
	union {
		struct tcp_track tcp;
		struct udp_track udp;
		struct sctp_track sctp;
		uint32_t due_in; /* of a dying flow: seconds that it had left */
		uint32_t next_free;
	} u;
};
static_assert(sizeof(struct fw_flow) == 128, "two cache lines");

#define CT_NAT (FW_CTS_SRC_NAT | FW_CTS_DST_NAT)

/* ---- the table ----------------------------------------------------------------------------- */

#define CT_CHUNK_BITS 14
#define CT_CHUNK      (1u << CT_CHUNK_BITS)
static_assert(CT_CHUNK * sizeof(struct fw_flow) == CT_HUGE, "a piece of memory");

struct ct_table {
	struct ct_index index;
	struct fw_flow **chunks;
	uint32_t n_chunks, room_chunks;
	uint32_t n_told, n_told_segs; /* what fw_ct_full_piece() has told of: chunks, segments' */
	uint32_t n_records; /* ever taken; those beyond were never touched */
	uint32_t free;  /* first free record + 1, or 0 */
	uint32_t taken; /* the one taken last, + 1: the only one that may not be in the index */
};

struct fw_ct {
	struct ct_notes pending; /* of first packets, by their source (pending.c) */
	struct ct_notes masked;  /* … by whom they ask (masked.c) */
	struct ct_notes ghosts;  /* of rejected ones (ghost.c) */
	struct ct_notes gone;    /* of dropped ones, for which others may wait, … (wait.c) */
	struct ct_notes next;    /* … and of who was let go in place of one */
	struct fw_ct_config config;
	bool count_packets; /* rules ask for it */
	struct fw_ct_stats stats;
	struct ct_table table;
	uint32_t timeout[CT_N_TIMEOUTS]; /* seconds */
	uint32_t gc_next;                /* record to look at next */
	uint64_t met;                    /* packets of flows that share a tuple with others */
	uint32_t gc_pressure;            /* records until the pressure of a full table is off */
	uint64_t lost[8];                /* digests of the last packets without a flow */
	uint32_t lost_next;
	struct fw_flow scratch;          /* a flow that is known by carried facts only */
	struct fw_flow_ext scratch_ext;
};

/* What stands behind a tuple's addresses, as a word.  It is written as one, too: a load that has to
 * gather what several stores have just written waits for all that is before them. */
#define CT_TAIL offsetof(struct fw_tuple, sport_be)
static_assert(CT_TAIL == 32 && sizeof(struct fw_tuple) == 40, "two addresses and a word");

static inline uint64_t ct_tail(const struct fw_tuple *t)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)t + CT_TAIL, sizeof(word));
	return word;
}

/* A tuple, the last word of its inversion (which has the addresses exchanged), their common hash. */
struct ct_key {
	struct fw_tuple tuple;
	uint64_t answer;
	uint32_t hash;
};

/* tuple.c */
/* false: nothing the tracker could follow (short header, ICMP that is no pair of messages …). */
bool ct_tuple_of(const struct fw_packet *pkt, struct fw_tuple *ret);
/* The same for the packet quoted at offset `off` of an ICMP error. */
bool ct_tuple_quoted(const struct fw_packet *pkt, uint32_t off, struct fw_tuple *ret);
bool ct_tuple_invert(const struct fw_tuple *t, struct fw_tuple *ret);
uint32_t ct_tuple_hash(const uint64_t seed[2], const struct fw_tuple *t);
bool ct_key_make(const struct fw_ct *ct, const struct fw_tuple *t, struct ct_key *ret);
/* Of the end that sends it alone: the same before and behind a translation of the destination. */
uint32_t ct_source_hash(const struct fw_ct *ct, const struct fw_tuple *t);
static inline bool ct_tuple_is(const struct fw_tuple *t, const union fw_addr *src,
			       const union fw_addr *dst, uint64_t tail)
{
	return t->src.u64[0] == src->u64[0] && t->src.u64[1] == src->u64[1] &&
		t->dst.u64[0] == dst->u64[0] && t->dst.u64[1] == dst->u64[1] && ct_tail(t) == tail;
}

static inline bool ct_tuple_equal(const struct fw_tuple *a, const struct fw_tuple *b)
{
	return ct_tuple_is(a, &b->src, &b->dst, ct_tail(b));
}

/* Is it the inversion of the key's tuple? */
static inline bool ct_key_inverse(const struct ct_key *key, const struct fw_tuple *t)
{
	return ct_tuple_is(t, &key->tuple.dst, &key->tuple.src, key->answer);
}

/* find.c */
/* Where the tuple is met: ahead of the translation of destinations, or behind that and ahead of that of
 * sources; CT_ANYWHERE: wherever that is. */
enum ct_place { CT_ANYWHERE, CT_AHEAD, CT_BEHIND };
/* The living flow of a tuple, or NULL; *dir says which way the tuple goes.  Expired flows on the
 * way are freed.  dying: a dying flow will do where no living one is. */
struct fw_flow *ct_find(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			enum fw_ct_dir *dir);
/* The same, of those in which the tuple goes that way; what goes from an end to itself goes both. */
struct fw_flow *ct_find_way(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    enum fw_ct_dir *dir);
/* … and where it is met, by a flow whose destination is translated as nat (FW_CTS_DST_NAT) says. */
struct fw_flow *ct_find_met(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    enum ct_place place, unsigned int nat, enum fw_ct_dir *dir);
/* The flow whose first packet was sent as this tuple; a dying one will do. */
struct fw_flow *ct_find_first(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now);
/*
 * The translated flow whose first packet was sent as this tuple; of an answer, or an error, that came
 * through lo.  It is met as its receiver knows it, which on the wire would be another connection's; so
 * only the kernel's word makes it this one's.
 */
struct fw_flow *ct_find_behind(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now);

/* table.c */
int ct_table_init(struct ct_table *t);
void ct_table_deinit(struct ct_table *t);
static inline struct fw_flow *ct_table_at(const struct ct_table *t, uint32_t number)
{
	return &t->chunks[number >> CT_CHUNK_BITS][number & (CT_CHUNK - 1)]; /* must exist */
}
/* Ask for the index entry of a hash; then, when that is here, for the flow that it leads to. */
void ct_table_near(const struct ct_table *t, uint32_t hash);
void ct_table_nearer(const struct ct_table *t, uint32_t hash);
/* A record, not yet in the index, zeroed but for its tuple.  NULL: table full, or no memory. */
struct fw_flow *ct_flow_new(struct fw_ct *ct, const struct ct_key *key, uint64_t now);
bool ct_flow_insert(struct fw_ct *ct, struct fw_flow *flow); /* into the index; false: no memory */
void ct_flow_free(struct fw_ct *ct, struct fw_flow *flow);   /* from wherever it stands */
void ct_flow_expire(struct fw_ct *ct, struct fw_flow *flow); /* free one that is past its time */
void ct_flow_kill(struct fw_ct *ct, struct fw_flow *flow, uint64_t now); /* make it DYING */

/* The number + 1 of the record whose index entry has this hash; 0: there is none.  _drop: and take
 * the entry out. */
uint32_t ct_table_number(const struct ct_table *t, uint32_t hash, const struct fw_flow *flow);
uint32_t ct_table_drop(struct ct_table *t, uint32_t hash, const struct fw_flow *flow);

/* translate.c */
/* Its reply tuple is this, not the inversion of its first.  false: no memory, and it is not
 * translated. */
bool ct_flow_translate(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply);
/* The same where the reply is what it would be if nothing else were translated.  Has another flow that
 * reply, the kernel will find this one another, by which it will be found when that is known. */
bool ct_flow_guess(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply, uint64_t now);
void ct_flow_untranslate(struct fw_ct *ct, struct fw_flow *flow); /* that may not be so */

/* filter.c */
/* The next living, confirmed flow at or behind *cursor that passes; NULL: the slice is over, or all
 * are (*cursor 0).  *left bounds the slice: ct_slice() of how many may be taken. */
struct fw_flow *ct_step(struct fw_ct *ct, uint64_t *cursor, size_t *left, uint64_t now,
			const struct fw_ct_filter *filter);
size_t ct_slice(size_t max);

/* list.c and state.c: a flow, or a copy of one, as a line. */
void ct_print_flow(const struct fw_flow *flow, uint64_t now, enum fw_ct_format format,
		   struct fw_buf *out);
void ct_dump_flow(const struct fw_flow *flow, uint64_t now, struct fw_buf *out);
const char *ct_state_name(const struct fw_flow *flow); /* or NULL: has none */
bool ct_has_ports(uint8_t proto);

/* ---- protocols ----------------------------------------------------------------------------- */

/* One packet on its way through a protocol. */
struct ct_ctx {
	struct fw_ct *ct;
	const struct fw_packet *pkt;
	struct fw_flow *flow;
	uint64_t now;
	enum fw_ct_dir dir;
	enum fw_ctinfo ctinfo;
	bool fresh; /* this packet makes the flow: the kernel's "not confirmed" */
};

enum ct_say { CT_ACCEPT, CT_INVALID, CT_REPEAT /* forget the flow and begin anew */ };

/* core.c */
/* Checksums are looked at where a packet comes in, unless somebody did before. */
bool ct_csum_wanted(const struct fw_ct *ct, const struct fw_packet *pkt);
bool ct_csum_bad(const struct fw_ct *ct, const struct fw_packet *pkt);
void ct_refresh(struct ct_ctx *c, uint32_t seconds);
void ct_account(struct ct_ctx *c);
/* count.c: are new flows' packets counted?  And those of a flow that is made up for this answer. */
bool ct_counts(const struct fw_ct *ct);
void ct_count_answered(struct fw_ct *ct, struct fw_flow *flow, const struct fw_packet *answer);
/* What the tracker says of a packet; both return 0. */
int ct_set(struct fw_eval *e, struct fw_flow *flow, enum fw_ctinfo ctinfo);
int ct_invalid(struct fw_ct *ct, struct fw_eval *e);
enum ct_say ct_handle(struct ct_ctx *c); /* ask the flow's protocol */
/* c->flow begins anew with this packet, or stays as it is when the packet cannot begin one. */
enum ct_say ct_restart(struct ct_ctx *c);
/* A dying flow of these ends must not answer for a new one, nor once that dies, too. */
void ct_bury(struct ct_ctx *c, const struct ct_key *key);
/* 0 and c->flow set, or NULL where the packet cannot begin a flow; -1: no room. */
int ct_begin(struct ct_ctx *c, const struct ct_key *key);
/* A flow that is made up for one packet; lives until the next packet. */
struct fw_flow *ct_transient(struct fw_ct *ct, const struct fw_packet *pkt,
			     const struct fw_tuple *orig, uint64_t now);
/* The packet's own flow, or the one its quote speaks of, or one made up: the answer is known, its
 * flow is for matches that ask for addresses. */
int ct_carried(struct fw_ct *ct, struct fw_eval *e, enum fw_ctinfo ctinfo);

/* ghost.c: the flow that a rejected first packet, met as this tuple, would have begun; or NULL.  Valid
 * until the next is rejected. */
struct fw_flow *ct_ghost_of(struct fw_ct *ct, const struct fw_tuple *t, uint64_t now);

/* met.c: of a packet that the kernel tracks */
enum ct_place ct_place_of(const struct fw_packet *pkt);
/* Its flow, by its ends; c->ctinfo is the kernel's word, c->dir the direction that follows from it.
 * dying: as of ct_find(). */
struct fw_flow *ct_met(struct ct_ctx *c, const struct fw_tuple *tuple, const struct ct_key *key,
		       bool dying);

/* masked.c */
void ct_note_masked(struct fw_ct *ct, const struct fw_flow *flow, uint64_t now);
/* The flow to which this, as it came, is the first answer.  NULL: none that we know. */
struct fw_flow *ct_take_masked(struct ct_ctx *c, const struct fw_tuple *t);
/* Is what would be answered what a translated connection has sent?  Then the kernel finds another
 * source for this one, be it asked to or not. */
bool ct_clashes(const struct ct_ctx *c, const struct fw_tuple *t);

/* icmp.c */
enum ct_icmp { CT_ICMP_PLAIN, CT_ICMP_BAD, CT_ICMP_UNTRACKED, CT_ICMP_ERROR };

bool ct_is_icmp(const struct fw_packet *pkt);
/* What an ICMP message is to the tracker; for errors where the quoted packet begins. */
enum ct_icmp ct_icmp_kind(const struct fw_ct *ct, const struct fw_packet *pkt, uint32_t *quote);
/* … where somebody has judged it already: through lo comes what left with a wrong checksum. */
enum ct_icmp ct_icmp_taken(const struct fw_packet *pkt, uint32_t *quote);
/* The answer to the packet that an error quotes, as whose fellow the error goes.  false: none. */
bool ct_quoted_key(const struct fw_ct *ct, const struct fw_tuple *quoted, struct ct_key *ret);
int ct_icmp_error(struct fw_ct *ct, struct fw_eval *e, uint32_t quote, bool dying);

/* The protocols: proto.c, tcp.c, sctp.c */
/* offer.c: a packet was seen */
void ct_turn(const struct fw_ct *ct, struct fw_flow *flow, enum fw_ct_dir dir);

enum ct_say ct_tcp_packet(struct ct_ctx *c);
/* Is the header one that a flow would take, whatever its state? */
bool ct_tcp_sane(const struct fw_packet *pkt);
bool ct_tcp_would_start(const struct fw_ct *ct, uint8_t tcp_flags);
bool ct_tcp_closing(const struct fw_flow *flow);
/* Somebody was told that there is no connection any more. */
void ct_tcp_close(const struct fw_ct *ct, struct fw_flow *flow, uint64_t now);
const char *ct_tcp_state_name(unsigned int state); /* NULL: there are no more */

/* tcp-unseen.c */
/* The ends have gone on unseen: what is known of their windows would refuse what they send now. */
void ct_tcp_forget(struct fw_flow *flow);
/* A reset of an established connection is about to be believed: note it if nobody could judge it. */
void ct_tcp_doubt(struct fw_flow *flow, enum fw_ct_dir dir);
bool ct_tcp_in_doubt(const struct fw_flow *flow);
/* The next segment of a flow in doubt: its sender may go on.  False: the flow has been closed for
 * so long that this one is about another. */
struct tcp_head;
bool ct_tcp_goes_on(struct ct_ctx *c, const struct tcp_head *th);

enum ct_say ct_udp_packet(struct ct_ctx *c);
enum ct_say ct_udplite_packet(struct ct_ctx *c);
enum ct_say ct_gre_packet(struct ct_ctx *c);
enum ct_say ct_icmp_packet(struct ct_ctx *c);
enum ct_say ct_generic_packet(struct ct_ctx *c);
enum ct_say ct_sctp_packet(struct ct_ctx *c);
bool ct_sctp_closing(const struct fw_flow *flow);
const char *ct_sctp_state_name(unsigned int state); /* the same */

/* tcp-window.c */
#define TCP_F_SCALE     0x01 /* announced window scaling */
#define TCP_F_SACK      0x02 /* announced selective acknowledgements */
#define TCP_F_CLOSER    0x04 /* sent FIN first */
#define TCP_F_LIBERAL   0x08 /* picked up midway: do not insist on the window */
#define TCP_F_UNACKED   0x10 /* has data that the other side did not acknowledge */
#define TCP_F_MAXACK    0x20 /* maxack is set */
#define TCP_F_FORGOT    0x40 /* side: its windows passed unseen once */
#define TCP_F_DOUBT     0x80 /* side: sent a reset that nobody could judge */
#define TCP_F_CHALLENGE 0x40 /* last_flags: a challenge ACK may be the answer */
#define TCP_F_BOTH_OPEN 0x80 /* last_flags: simultaneous open */

enum tcp_seg { SEG_SYN, SEG_SYNACK, SEG_FIN, SEG_ACK, SEG_RST, SEG_NONE, N_SEGS };
enum tcp_fit { TCP_FITS, TCP_IGNORED, TCP_OUTSIDE };

/* A TCP header, host order. */
struct tcp_head {
	const uint8_t *options; /* or NULL: none, or not in our copy */
	uint32_t options_len;
	uint32_t seq, ack, end; /* end: seq plus the segment's length */
	uint16_t win;
	uint8_t flags;
	enum tcp_seg seg;
};
#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_ACK 0x10
#define TH_URG 0x20

static inline bool tcp_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool tcp_after(uint32_t a, uint32_t b)
{
	return tcp_before(b, a);
}

/* Read SYN options into a side: scale, TCP_F_SCALE, TCP_F_SACK. */
void ct_tcp_options(const struct tcp_head *th, struct tcp_side *side);
enum tcp_fit ct_tcp_in_window(const struct fw_ct *ct, struct tcp_track *t, enum fw_ct_dir dir,
			      const struct tcp_head *th);

#endif
