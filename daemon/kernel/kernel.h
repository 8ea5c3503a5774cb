/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet side's own floor plan; nobody outside daemon/kernel/ includes this.
 *
 *	nl.c        netlink: open, send, gather answers
 *	table.c     our table, from start to stop
 *	nft.c       its rules, as the plan wants them
 *	kct.c       the same while the kernel tracks; begun.c where a connection begins
 *	nat.c       translations: codes and their chains; natexpr.c their expressions
 *	assign.c    what raw tells the kernel's tracker; assignexpr.c
 *	ctmsg.c     messages of the kernel's conntrack
 *	ctget.c     questions to it
 *	ctseed.c    flows told to it, and to be forgotten
 *	ctclose.c   connections that REJECT has ended
 *	ctlearn.c   … and taken over from it
 *	count.c     packets that nobody had to judge
 *	guard.c     both made anew when somebody takes them away
 *	expr.c      nft expressions
 *	known.c     flows that pass without being queued: the rules
 *	flows.c     … what we know of them
 *	offload.c   … when they come and go; generation.c how
 *	kset.c      sets that the kernel decides by, with counters
 *	block.c     sources that the kernel drops: who; block-nft.c how, block-read.c how many,
 *	            block-work.c when, block-end.c until when, block-life.c what control asks;
 *	            hitters.c who comes often
 *	queue.c     bind and configure NFQUEUE sockets
 *	message.c   one queued packet's message into a packet view
 *	verdict.c   answers, gathered into one send
 *	handover.c  what outlives a crash
 *	worker.c    the loop: read, judge (judge.c, way.c), answer (answer.c)
 *	rtnl.c      interface names
 *	addrtype.c  kinds of addresses
 *	route.c     is there a way, and how large may packets be on it
 *	reject.c    REJECT's replies; build.c their bytes, icmplimit.c how many
 *	drops.c     the last dropped packets
 *	kernel.c    open, start, apply, stop
 *	ops.c       what the engine asks of us
 *	facts.c     what there is to tell
 *
 * Threads.  The control thread opens, applies and stops.  Each worker owns the receiving end of
 * its queue socket.  Everything that core->lock guards (tracker, lists, links) is touched
 * only under it; the snapshot in force is read as core.h tells; the rest is a worker's own or a
 * relaxed atomic.
 */
#ifndef FWD_KERNEL_KERNEL_H
#define FWD_KERNEL_KERNEL_H

#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../core.h"
#include "fw/mark.h"

#define FWD_MAX_QUEUES 16
#define FWD_BATCH      64 /* packets a worker reads at most in one system call */

#define FWD_COPY_HEADERS 256 /* IPv4's and TCP's longest; what has longer ones: way.c */
#define FWD_COPY_QUOTE4	 576 /* an ICMP error quotes so much at most (RFC 1812) */
#define FWD_COPY_QUOTE6	 1280 /* RFC 4443 2.4 (c) */
#define FWD_COPY_ALL	 0xfffb /* NFQNL_MAX_COPY_RANGE */

/* ---- nl.c ---------------------------------------------------------------------------------- */

/* A netlink socket, close-on-exec, bound to `groups`.  A descriptor, or -errno. */
int fwd_nl_open(int bus, unsigned int groups);
/*
 * Send requests and take in their answers.  The kernel works while send() runs, so all answers
 * are there when it returns.  0, or the first error reported (-errno) with *bad_seq (may be NULL)
 * telling which message.  -EPROTO: the kernel answered nothing although an ACK was asked for.
 */
int fwd_nl_talk(int fd, const void *data, size_t len, uint32_t *bad_seq);

/* Bytes sent or received (the answer is there: see above), or -errno. */
ssize_t fwd_nl_send(int fd, const void *data, size_t len);
ssize_t fwd_nl_recv(int fd, void *buf, size_t size);

struct nlmsghdr;
typedef void fwd_nl_cb(void *priv, const struct nlmsghdr *nlh);

/* Hand each notice that waits to cb.  False: some were lost. */
bool fwd_nl_notices(int fd, fwd_nl_cb *cb, void *priv);

/* Throw away what waits to be read. */
void fwd_nl_drain(int fd);

/* ---- table.c, nft.c, count.c --------------------------------------------------------------- */

enum fwd_queue_kind { FWD_QUEUE_NATIVE, FWD_QUEUE_COMPAT };
enum fwd_fib_kind { FWD_FIB_UNKNOWN, FWD_FIB_MISSING, FWD_FIB_THERE };
enum fwd_defrag_kind { FWD_DEFRAG_NONE, FWD_DEFRAG_TPROXY, FWD_DEFRAG_CT };

struct fwd_nft {
	pthread_mutex_t lock; /* control thread and guard */
	int fd;
	uint32_t seq;
	unsigned int mark_shift;
	bool owner, persist; /* flags the table got */
	bool made; /* the table stands */
	bool adopted; /* it stood before us */
	bool offload; /* base chains jump to those of known.c and block-nft.c */
	unsigned int makes; /* how often it was made: sets of the one before are gone */
	bool counting; /* there are counters (count.c) */
	unsigned int bases; /* which base chains it has; nft.h */
	enum fwd_queue_kind queue_kind;
	enum fwd_defrag_kind defrag[FW_N_FAMILIES];
	enum fwd_fib_kind fib; /* can rules ask for routes? */
	bool limits, limits_known; /* … have a rate? (wait.c) */
	struct fwd_nat *nat; /* nat.c; written under core->lock and `lock`, read under either */
	struct fwd_assigns *assigns; /* assign.c; the same */
	bool applied; /* `plan` is what the rules say */
	struct fw_plan plan;
};

#define FWD_NFT_INIT                                        \
	{                                                   \
		.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 \
	}

/* Make the table, empty but for the chain that queues; nft->fd may be an inherited socket.  0, or
 * -errno with err. */
int fwd_nft_open(struct fwd_nft *nft, const struct fwd_config *config, struct fw_err *err);
int fwd_nft_apply(struct fwd_nft *nft, const struct fw_plan *plan, struct fw_err *err);
/* Read and zero the counters of hooks that are not queued: see fwd_kernel_counted(). */
int fwd_nft_counted(struct fwd_nft *nft, struct fw_counters ret[FW_N_FAMILIES][FWD_N_COUNTED]);
/* Make table, chains and rules anew, as they were last applied.  0, or -errno. */
int fwd_nft_remake(struct fwd_nft *nft, const struct fwd_config *config);
/* Take every rule away, leave the chains (their removal would drop what is queued). */
int fwd_nft_silence(struct fwd_nft *nft);
/* Delete the table (or leave it as it is), close. */
void fwd_nft_close(struct fwd_nft *nft, bool delete);

/* ---- nat.c --------------------------------------------------------------------------------- */

struct fw_nat;
struct fwd_kernel;

/* Give every translation of a ruleset a code and a chain.  Before the ruleset is in force. */
int fwd_nat_prepare(struct fwd_kernel *k, const struct fw_ruleset *rs, struct fw_err *err);
/* No ruleset but this one can be in force before it has been prepared. */
void fwd_nat_settled(struct fwd_nft *nft, const struct fw_ruleset *rs);
/* A translation's code, or 0.  Under core->lock. */
uint32_t fwd_nat_code(const struct fwd_nft *nft, const struct fw_nat *nat);

/* ---- assign.c: the same for what raw tells the kernel's tracker ----------------------------- */

struct fw_rule;

int fwd_assign_prepare(struct fwd_nft *nft, struct fwd_core *core, const struct fw_ruleset *rs,
		       struct fw_err *err);
/* The code of what a rule tells, or 0: nothing.  Under core->lock. */
uint32_t fwd_assign_code(const struct fwd_nft *nft, const struct fw_rule *rule);
#define FWD_MAX_ZONES 192
/* Zones in which connections may be: 0, and those into which rules have put some, but for those that
 * a packet's mark named.  How many, FWD_MAX_ZONES or `max` (not 0) at most.  Under core->lock. */
size_t fwd_assign_zones(const struct fwd_nft *nft, uint16_t *ret, size_t max);

/* ---- ctget.c ------------------------------------------------------------------------------- */

struct fw_tuple;

/* Both tuples of the kernel's connection that has this one in a zone, which must have been
 * confirmed.  *fd: a socket, opened when it is -1. */
bool fwd_ct_get(int *fd, const struct fw_tuple *t, uint16_t zone, struct fw_tuple *orig,
		struct fw_tuple *reply);

/* ctclose.c: a TCP connection is over, and remembered for so long.  False: the kernel has none. */
bool fwd_ct_close(int *fd, const struct fw_tuple *orig, uint16_t zone, uint32_t seconds);

/* ctseed.c: tell the kernel of the flows that we know.  Control thread, lock not held. */
void fwd_ct_seed(struct fwd_core *core);

/* ---- guard.c ------------------------------------------------------------------------------- */

struct fwd_guard;

/* Watch a table without owner; *ret stays NULL where there is no need.  0, or -errno with err. */
int fwd_guard_start(struct fwd_guard **ret, struct fwd_nft *nft, const struct fwd_config *config,
		    struct fw_err *err);
struct fwd_guard *fwd_guard_stop(struct fwd_guard *g);

/* ---- queue.c ------------------------------------------------------------------------------- */

/* NFQUEUE's per-queue flags that the kernel accepted (NFQA_CFG_F_*). */
struct fwd_queue_info {
	uint32_t flags;
	int rcvbuf; /* bytes, as getsockopt tells */
};

/*
 * A worker's queues.  HEADERS is where the table's rule sends packets; the others take what a
 * worker sends on: FULL packets of which every byte is needed, PARTS what must not come as a
 * super-packet (the kernel cuts it, and completes checksums), PASS what is judged already and must
 * only not be routed anew because its mark changed.
 */
enum fwd_queue_use { FWD_Q_HEADERS, FWD_Q_FULL, FWD_Q_PARTS, FWD_Q_PASS };

static inline uint16_t fwd_queue_number(const struct fwd_config *config, unsigned int worker,
					enum fwd_queue_use use)
{
	return (uint16_t)(config->queue_base + use * config->queues + worker);
}

/* Bind a worker's queues to a new socket.  A descriptor, or -errno with err. */
int fwd_queue_open(const struct fwd_config *config, unsigned int worker, uint32_t copy_range,
		   struct fwd_queue_info *info, struct fw_err *err);
/* Configure an inherited socket, which has all queues bound already. */
int fwd_queue_adopt(int fd, const struct fwd_config *config, unsigned int worker,
		    uint32_t copy_range, struct fwd_queue_info *info, struct fw_err *err);
/* How much is copied of each packet.  ack: also wakes up a worker that waits in recv. */
int fwd_queue_set_range(int fd, uint16_t number, uint32_t copy_range, bool ack);

struct fwd_queue_proc { /* one line of /proc/net/netfilter/nfnetlink_queue */
	unsigned int number, portid, waiting, dropped, user_dropped;
};
/* How many lines were read (at most max), or -errno (unprivileged: -EACCES). */
int fwd_queue_proc(struct fwd_queue_proc *ret, size_t max);

/* ---- message.c ----------------------------------------------------------------------------- */

struct fwd_msg { /* one queued packet */
	uint32_t id; /* host order */
	uint16_t queue;
	bool valid; /* pkt is a view; else drop it */
	bool truncated; /* we hold less than the packet */
	uint32_t mark; /* as it came, our bits included */
	uint32_t ours; /* our bits of it */
	struct fw_packet pkt; /* in_name, out_name still empty */
};

/* What a datagram was: 1 a packet, 0 something else (an answer: *error set), -1 garbage. */
int fwd_msg_parse(const void *data, size_t len, unsigned int mark_shift, struct fwd_msg *ret,
		  int *error);

/* ---- verdict.c ----------------------------------------------------------------------------- */

struct fwd_answer { /* what is to be told to the kernel about one packet */
	uint32_t id;
	uint16_t queue;
	bool set_mark, set_priority;
	uint32_t verdict; /* NF_*, with a queue number in the upper half */
	uint32_t mark, priority;
	/* the packet's new bytes, with up to 3 readable ones behind them; length 0: it stays */
	uint8_t *payload;
	uint32_t payload_len;
};

#define FWD_VERDICT_SIZE 56 /* bytes of one message at most, without payload */
#define FWD_VERDICT_IOVS 3 /* pieces of one message at most */

/* Put the answers, in order, into buf (room for n * FWD_VERDICT_SIZE) and pieces of it and of
 * payloads into iov (n * FWD_VERDICT_IOVS): runs of equal ones in one batch message.  Stops before
 * there is more than the socket takes at once; *done: how many were taken.  Returns how many
 * pieces. */
size_t fwd_verdict_fill(void *buf, struct iovec *iov, const struct fwd_answer *answers, size_t n,
			size_t *done);
/* One message (FWD_VERDICT_SIZE): this verdict for all that wait in a queue up to an id. */
size_t fwd_verdict_batch(void *buf, uint16_t queue, uint32_t verdict, uint32_t id);

/* ---- rtnl.c -------------------------------------------------------------------------------- */

struct fwd_rtnl;

/* Read the links; 0, or -errno with err.  All below: under core->lock. */
int fwd_rtnl_open(struct fwd_rtnl **ret, struct fw_err *err);
struct fwd_rtnl *fwd_rtnl_close(struct fwd_rtnl *r);
/* Take in what changed since, at most once a millisecond. */
void fwd_rtnl_freshen(struct fwd_rtnl *r, uint64_t now);
/* Copy an interface's name (zero-padded, "" unknown); its ARPHRD_* type. */
uint16_t fwd_rtnl_link(struct fwd_rtnl *r, uint32_t ifindex, char name[FW_IFNAMSIZ]);
/* How often a link's name became another. */
uint64_t fwd_rtnl_renames(const struct fwd_rtnl *r);

/* An interface's MTU; 0: unknown. */
uint32_t fwd_rtnl_mtu(struct fwd_rtnl *r, uint32_t ifindex);
uint32_t fwd_rtnl_group(struct fwd_rtnl *r, uint32_t ifindex);

/* ---- route.c: under core->lock --------------------------------------------------------------- */

/* See fw_world_ops.mtu. */
uint32_t fwd_route_mtu(struct fwd_rtnl *r, enum fw_family family, const union fw_addr *addr,
		       uint32_t oif, uint32_t mark);
/* What struct fw_world_ops has under the same names. */
uint32_t fwd_route_realm(struct fwd_rtnl *r, const struct fw_packet *pkt, uint32_t mark);
unsigned int fwd_route_back(struct fwd_rtnl *r, const struct fw_packet *pkt, uint32_t mark,
			    bool loose);

/* See fw_world_ops.no_route. */
bool fwd_route_none(struct fwd_rtnl *r, const struct fw_packet *pkt);

/* ---- addrtype.c: under core->lock ----------------------------------------------------------- */

struct fwd_addrtype;

struct fwd_addrtype *fwd_addrtype_new(struct fwd_rtnl *rtnl); /* NULL: no memory */
struct fwd_addrtype *fwd_addrtype_free(struct fwd_addrtype *a);
/* Mask of 1 << RTN_*; see fw_world_ops. */
unsigned int fwd_addrtype_mask(struct fwd_addrtype *a, enum fw_family family,
			       const union fw_addr *addr, uint32_t ifindex);
/* A new batch of packets begins: the next question looks for changes first. */
void fwd_addrtype_batch(struct fwd_addrtype *a);

/* ---- reject.c: each worker has its own ------------------------------------------------------ */

struct fwd_rejects;

int fwd_rejects_open(struct fwd_rejects **ret, struct fw_err *err);
struct fwd_rejects *fwd_rejects_close(struct fwd_rejects *r);
/* Answer a packet as d->reject says; lock not held.  to_many: its destination is a broadcast or
 * multicast address.  False: the reply could not be sent; having none to send is fine. */
bool fwd_rejects_send(struct fwd_rejects *r, const struct fw_packet *pkt,
		      const struct fw_decision *d, bool to_many, unsigned int mark_shift,
		      uint64_t now);

/* ---- drops.c ------------------------------------------------------------------------------- */

struct fwd_drops;
struct fwd_blocks; /* block.h */

struct fwd_drops *fwd_drops_new(void); /* free() it */
/* Under core->lock.  pkt NULL: no packet could be made of what came. */
void fwd_drops_note(struct fwd_drops *drops, const struct fw_packet *pkt,
		    const struct fw_decision *dec, uint64_t now);

/* ---- worker.c ------------------------------------------------------------------------------ */

struct fwd_kernel;

struct fwd_worker {
	struct fwd_kernel *k;
	unsigned int index;
	int fd;
	uint16_t number, full_number, parts_number, pass_number;
	pthread_t thread;
	bool running;
	struct fwd_queue_info info;

	_Atomic(uint64_t) beat_ns; /* when it last went round */
	_Atomic(uint32_t) turns; /* odd: it has judged, or will, and not answered yet */
	_Atomic(unsigned int) empty; /* reads in a row that found nothing, while draining */
	_Atomic(uint64_t) packets, accepted, dropped, queued_on, malformed, overruns;
	_Atomic(uint64_t) unanswered; /* REJECTs whose reply could not be sent */

	struct fwd_rejects *rejects;
	_Atomic(uint64_t) *ids; /* handover.h; may be NULL */
	bool recover[FWD_QUEUES_EACH]; /* what the last life left is not released yet */
	unsigned int detours; /* packets sent to full_number that have not come back */
	uint64_t detour_ns; /* when the last one went or came */
	unsigned int barriers; /* acknowledgements asked for behind packets sent to parts_number */
	uint64_t barrier_ns; /* when the last one was */
	unsigned int repeats; /* rounds of packets that wait, in the time from repeats_ns on (wait.c) */
	uint64_t repeats_ns;
	bool cut; /* before this batch is answered, the kernel has to stop dropping (block.h) */
	uint64_t rounds;
	struct fwd_batch *batch;
};

enum fwd_phase { FWD_RUNNING, FWD_DRAINING, FWD_STOPPED };

struct fwd_kernel {
	struct fwd_core *core;
	struct fwd_handover *handover;
	struct fwd_nft nft;
	struct fwd_guard *guard;
	struct fwd_rtnl *rtnl;
	struct fwd_addrtype *addrtype;
	struct fwd_drops *drops;
	struct fwd_offload *offload; /* offload.h; NULL: off */
	struct fwd_blocks *blocks; /* NULL: without offload */
	struct fw_world_ops ops;
	int ct_fd; /* ctget.c; under core->lock */
	uint32_t copy_range;
	_Atomic(int) phase; /* enum fwd_phase */
	unsigned int n_workers;
	struct fwd_worker workers[FWD_MAX_QUEUES];
};

/* Wait until every worker has answered what it had judged when this was called: 0, or -ETIMEDOUT. */
int fwd_kernel_answered(struct fwd_kernel *k);

int fwd_worker_init(struct fwd_worker *w, struct fwd_kernel *k, unsigned int index,
		    struct fw_err *err);
void fwd_worker_deinit(struct fwd_worker *w);
void *fwd_worker_main(void *worker);

/* ---- ops.c, facts.c ------------------------------------------------------------------------ */

/* Give the engine's world its functions.  Before packets are judged. */
void fwd_ops_install(struct fwd_kernel *k);

/* How many packets in our queues were not answered yet; 0, too, where the kernel does not tell.
 * Reads a file; any thread. */
uint32_t fwd_kernel_waiting(const struct fwd_kernel *k);

#endif
