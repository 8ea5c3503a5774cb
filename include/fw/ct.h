/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection tracker: nf_conntrack's behaviour without the kernel.
 *
 * Where a packet is looked at.  Tracking happens at one point of a packet's way (the first hook
 * that the daemon sees: PREROUTING or OUTPUT, or INPUT/FORWARD where PREROUTING is not queued);
 * later hooks only find the flow again.  The caller says which it is.
 *
 * A flow made by a packet is unconfirmed until that packet has passed its last hook; if the
 * packet is dropped before, the flow goes with it.
 *
 * Threads: one at a time (world.h).  Never blocks; allocates only when a flow is made or the
 * table grows, and growing is spread over many packets.  `now` is monotonic, in nanoseconds.
 */
#ifndef FW_CT_H
#define FW_CT_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/eval.h"

struct fw_ct;
struct fw_flow; /* <= 160 bytes all in */

/* One direction of a flow.  Ports network order; ICMP: sport = id, dport = type << 8 | code. */
struct fw_tuple {
	union fw_addr src, dst;
	uint16_t sport_be, dport_be;
	uint16_t zone;
	uint8_t proto;
	uint8_t family; /* enum fw_family */
};

enum fw_ct_dir { FW_DIR_ORIG, FW_DIR_REPLY, FW_N_DIRS };

/* Status bits, values of enum ip_conntrack_status (uapi/linux/netfilter/nf_conntrack_common.h). */
#define FW_CTS_EXPECTED   0x0001
#define FW_CTS_SEEN_REPLY 0x0002
#define FW_CTS_ASSURED    0x0004
#define FW_CTS_CONFIRMED  0x0008
#define FW_CTS_SRC_NAT    0x0010
#define FW_CTS_DST_NAT    0x0020
#define FW_CTS_TEMPLATE   0x0800 /* raw's CT has laid it on the packet: a flow of no ends */

/* Timeouts by the names of net.netfilter.nf_conntrack_* (without that prefix), in seconds;
 * defaults are the kernel's (Documentation/networking/nf_conntrack-sysctl.rst). */
struct fw_ct_config {
	uint64_t seed[2];       /* key of the hash; random, from the owner */
	uint32_t max_flows;     /* nf_conntrack_max; default 262144 */
	bool tcp_loose;         /* pick up established connections; default true */
	bool tcp_be_liberal;    /* default false */
	bool checksum;          /* bad checksums are INVALID; default true */
	bool acct;              /* count packets and bytes per flow; default false */
	uint32_t tcp_max_retrans; /* 3 */
	uint32_t offer_every;     /* packets of a direction; 1..15, default 8 (fw/offer.h) */
};
#define FW_CT_CONFIG_INIT \
	{.max_flows = 262144, .tcp_loose = true, .checksum = true, .tcp_max_retrans = 3, \
	 .offer_every = 8}

struct fw_ct_stats {
	uint64_t flows, found, invalid, insert, drop, early_drop, expired, icmp_error;
};

struct fw_ct *fw_ct_new(const struct fw_ct_config *config); /* NULL: no memory */
struct fw_ct *fw_ct_free(struct fw_ct *ct);                  /* NULL */
void fw_ct_set_config(struct fw_ct *ct, const struct fw_ct_config *config); /* seed ignored */
/* Timeout by sysctl-like name ("tcp_timeout_established", "udp_timeout", "icmp_timeout" …). */
int fw_ct_set_timeout(struct fw_ct *ct, const char *name, uint32_t seconds); /* 0 or -1 */
int fw_ct_get_timeout(const struct fw_ct *ct, const char *name, uint32_t *seconds);
const struct fw_ct_stats *fw_ct_stats(const struct fw_ct *ct);

/*
 * A packet reaches its tracking point: sets e->flow and e->ctinfo as nf_conntrack_in() would.
 *
 * ctinfo already carried by the packet (pkt->meta.ctinfo: UNTRACKED, INVALID, RELATED…) wins: the
 * flow is only looked up.  A packet whose checksum is bad is INVALID; where it cannot be told
 * (bytes missing) it counts as good: callers that care give the whole packet.
 *
 * 0, or -1: the table is full and nothing could be evicted: the packet must be dropped
 * (counted in stats.drop), as the kernel does.
 */
int fw_ct_track(struct fw_ct *ct, struct fw_eval *e);

/* These packets are next: bring what finding their flows will read nearer, for all at once, where
 * the table is too large for the cache.  Changes nothing.  At most FW_CT_PREFETCH of them. */
#define FW_CT_PREFETCH 64
void fw_ct_prefetch(const struct fw_ct *ct, const struct fw_packet *const *pkts, size_t n);

/* At a later hook: find the flow again; no state changes, no new flows but for one case: when the
 * flow is gone (a verdict elsewhere took it) it is treated as tracked afresh.
 * Returns as fw_ct_track() does. */
int fw_ct_resume(struct fw_ct *ct, struct fw_eval *e);

/*
 * The kernel tracks and e->ctinfo is its word: find the packet's flow, or make one that fits.
 * @first  this is where the tracker looks at the packet; else it only finds
 */
void fw_ct_follow(struct fw_ct *ct, struct fw_eval *e, bool first);

/* An expected connection begins, says the kernel (FW_PART_EXPECTED): make its flow. */
void fw_ct_expected(struct fw_ct *ct, struct fw_eval *e);

/* While the kernel tracks: the packet is dropped, by us or by the kernel.  Before fw_ct_dropped(). */
void fw_ct_gone(struct fw_ct *ct, const struct fw_eval *e);

/*
 * Is a first packet of these ends on its way, which this one must not overtake?  false: it goes; and
 * where the first packet is gone, or waited for in vain, others wait for this one in its place.
 * Changes no flow.
 */
enum fw_ct_patience { FW_CT_COMES, FW_CT_HAS_WAITED, FW_CT_IN_VAIN };
bool fw_ct_must_wait(struct fw_ct *ct, const struct fw_packet *pkt, enum fw_ct_patience patience,
		     uint64_t now);

/* The kernel will translate this first packet's destination: it will be met as another's. */
void fw_ct_expect_translation(struct fw_ct *ct, const struct fw_eval *e);
/* … its source: so will the first answer. */
void fw_ct_expect_masking(struct fw_ct *ct, const struct fw_eval *e);

/* REJECT answers this packet with a reset: its confirmed TCP flow is closed from now on
 * (nf_ct_set_closing()).  Before fw_ct_dropped(). */
void fw_ct_reset(struct fw_ct *ct, struct fw_eval *e);

/* The packet's verdict at this hook is known.  Dropped: an unconfirmed flow that it made goes.
 * Accepted at its last hook: confirm (unless REPLY, RELATED of others …). */
void fw_ct_dropped(struct fw_ct *ct, struct fw_eval *e);
/* … and the packet is answered: its flow, should it go, is kept a moment for the answer.  Before
 * fw_ct_dropped(). */
void fw_ct_rejected(struct fw_ct *ct, const struct fw_eval *e);
void fw_ct_confirm(struct fw_ct *ct, struct fw_eval *e);
/* The packet is an answer of ours, RELATED, and accepted at its last hook.  If it is an error about the
 * reset by which a first packet was answered, that packet's flow begins: the error goes the same way
 * and holds it, and the kernel's tracker looks at nothing else.  Not while the kernel tracks. */
void fw_ct_revive(struct fw_ct *ct, struct fw_eval *e);

/* An INVALID or UNTRACKED packet goes on: an error of the kernel's about it, should there be one, is
 * about no flow. */
void fw_ct_lost(struct fw_ct *ct, const struct fw_packet *pkt);

/*
 * ICMP errors that this host's kernel makes carry the offending packet's flow with them
 * (nf_ct_attach).  At OUTPUT, for an ICMP error without a socket (no uid) whose quoted packet
 * belongs to no known flow: would that packet have been tracked?  Then RELATED_REPLY, else
 * INVALID.  Called by fw_ct_track().  See docs/tracker.md.
 */

/*
 * Does the packet come with its flow, so that raw's rules see its state already?  An ICMP error of
 * the kernel's own at OUTPUT does, unless it is about a packet that was INVALID, or UDP's "port
 * unreachable" (UDP has let go of the flow by then: nf_reset_ct).
 */
bool fw_ct_comes_tracked(struct fw_ct *ct, const struct fw_packet *pkt, uint64_t now);

/* Expire what is due; at most `budget` flows looked at.  Returns how many went.  Call often. */
size_t fw_ct_gc(struct fw_ct *ct, uint64_t now, size_t budget);

/*
 * A piece of the tables' memory that has become full, each once; NULL: there is none.  Big tables
 * are a quarter faster in huge pages, and to make them of such pieces (madvise(), MADV_COLLAPSE) is
 * for a thread that no packet waits for, without the lock.  Valid until fw_ct_free().
 */
void *fw_ct_full_piece(struct fw_ct *ct, size_t *size);

/* A flow's facts; flow borrowed as in fw_eval. */
const struct fw_tuple *fw_flow_tuple(const struct fw_flow *flow, enum fw_ct_dir dir,
				     struct fw_tuple *room); /* may return room, filled */
unsigned int fw_flow_helper(const struct fw_flow *flow); /* that expected it: fw/helper.h */
uint32_t fw_flow_status(const struct fw_flow *flow);              /* FW_CTS_* */
uint32_t fw_flow_expires_s(const struct fw_flow *flow, uint64_t now); /* seconds left, rounded as
                                                                       * xt_conntrack's ctexpire */
uint32_t fw_flow_mark(const struct fw_flow *flow);
void fw_flow_set_mark(struct fw_flow *flow, uint32_t mark);
enum fw_ct_dir fw_ctinfo_dir(enum fw_ctinfo ctinfo);

/* A rule asks for flows' packets and IP bytes: those made from now on are counted, whatever the
 * configuration says, and for good, as nf_ct_set_acct() does. */
void fw_ct_count_packets(struct fw_ct *ct);
/* What passed in a direction so far, with the present packet.  false: this flow is not counted. */
bool fw_flow_counters(const struct fw_flow *flow, enum fw_ct_dir dir, uint64_t *packets,
		      uint64_t *bytes);

/*
 * By which tuple a counter of connections knows the packet's: its flow's first direction, or the
 * packet's own where it has no flow.  status: FW_CTS_* of that connection, 0: there is none yet.
 * false: the packet has no tuple.
 */
bool fw_ct_counted_as(struct fw_ct *ct, const struct fw_eval *e, struct fw_tuple *ret,
		      uint32_t *status);
/* OVER: TCP that both ends, or a reset, have closed. */
enum fw_ct_life { FW_CT_GONE, FW_CT_OVER, FW_CT_ALIVE };
/* Of the confirmed connection with this tuple, in either direction. */
enum fw_ct_life fw_ct_life(struct fw_ct *ct, const struct fw_tuple *tuple, uint64_t now);

/* Which flows: all, less what is said here. */
struct fw_ct_where {
	bool given;
	union fw_addr addr, mask; /* addr is masked already */
};

struct fw_ct_filter {
	int family, proto;                    /* -1: any */
	struct fw_ct_where src, dst;          /* first direction */
	struct fw_ct_where reply_src, reply_dst;
	struct fw_ct_where addr;              /* any of the four */
	int sport, dport;                     /* first direction; -1: any; host order */
	int port;                             /* any end of both directions */
	const char *state;                    /* as listed, or NULL */
	uint32_t status, not_status;          /* FW_CTS_* that are there, that are not */
	bool has_mark;
	uint32_t mark;
};
#define FW_CT_FILTER_INIT {.family = -1, .proto = -1, .sport = -1, .dport = -1, .port = -1}

/* May flows be listed with this state? */
bool fw_ct_is_state(const char *word);

/* Listing in conntrack(8)'s format ("tcp 6 431999 ESTABLISHED src=… [ASSURED] mark=0 use=1"); with
 * the family in front ("ipv4 2 tcp …", its -o extended); as one JSON object a line. */
enum fw_ct_format { FW_CT_TEXT, FW_CT_EXTENDED, FW_CT_JSON };

/* Living, confirmed flows are walked in slices so that the engine lock is never held long: *cursor
 * starts at 0, is 0 again at the end; each call takes at most `max` flows that pass `filter` (NULL:
 * all). */
void fw_ct_list(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		uint64_t now, enum fw_ct_format format, struct fw_buf *out);

/*
 * The same in two steps, for packets wait for the first one only: copies are taken as by fw_ct_list(),
 * in place of those of before, as many as there is room for; and then printed, by any thread.
 */
struct fw_ct_copies *fw_ct_copies_new(size_t max); /* NULL: no memory */
struct fw_ct_copies *fw_ct_copies_free(struct fw_ct_copies *c); /* NULL */
void fw_ct_copy(struct fw_ct *ct, uint64_t *cursor, const struct fw_ct_filter *filter, uint64_t now,
		struct fw_ct_copies *ret);
void fw_ct_copies_list(const struct fw_ct_copies *c, enum fw_ct_format format, struct fw_buf *out);
void fw_ct_copies_dump(const struct fw_ct_copies *c, struct fw_buf *out); /* as fw_ct_dump() */

/* What one tracker has to be told to go on with a flow of the other's, the kernel's or ours. */
struct fw_ct_facts {
	struct fw_tuple orig, reply;
	struct fw_tuple plain; /* what `reply` were if nothing was translated */
	uint32_t status;   /* FW_CTS_* */
	uint32_t left_s;   /* seconds */
	uint32_t mark;
	uint32_t tag[FW_N_DIRS]; /* SCTP's verification tags, network order */
	uint8_t state;     /* of TCP and SCTP: values of enum tcp_conntrack, sctp_conntrack; else 0 */
	uint8_t helper;    /* that expected it: fw/helper.h */
};
typedef void fw_ct_told(void *priv, const struct fw_ct_facts *facts);
/* Tell of flows, in slices as fw_ct_list(). */
void fw_ct_each(struct fw_ct *ct, uint64_t *cursor, size_t max, const struct fw_ct_filter *filter,
		uint64_t now, fw_ct_told *fn, void *priv);
/* Delete flows, in slices as fw_ct_list(), and tell of each (fn NULL: nobody); how many went. */
size_t fw_ct_delete(struct fw_ct *ct, uint64_t *cursor, size_t max,
		    const struct fw_ct_filter *filter, uint64_t now, fw_ct_told *fn, void *priv);

/* Take over a flow of the kernel's tracker.  TCP's windows it does not tell: they are learnt from the
 * next packets, as of connections that are picked up midway.  update: one that is known becomes what
 * the kernel says.  True: the flow is new here. */
bool fw_ct_adopt(struct fw_ct *ct, const struct fw_ct_facts *facts, bool update, uint64_t now);

/*
 * Flows over a restart: one line of text each, with all that their protocol remembers; times are
 * relative.  Dump in slices, as fw_ct_list().  Load takes whole lines, any number of them a call.
 *
 * @now  of load: the dump's time on this clock, so now less the time since (may be negative, as
 *       after a reboot); what has expired meanwhile does not come back
 *
 * Load returns 0, or -EINVAL with err: the place of the first line that is none (the others are
 * loaded); flows that are known already, or beyond max_flows, are left out.
 */
void fw_ct_dump(struct fw_ct *ct, uint64_t *cursor, size_t max, uint64_t now, struct fw_buf *out);
int fw_ct_load(struct fw_ct *ct, const char *text, size_t len, int64_t now, struct fw_err *err);
/* The same for a dump after which packets went on unseen: TCP windows are learnt anew, as for
 * connections that are picked up midway. */
int fw_ct_load_old(struct fw_ct *ct, const char *text, size_t len, int64_t now, struct fw_err *err);

#endif
