/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon's two halves share: the control side (requests, journal, metrics; the main
 * thread) and the packet side (queues, nft table, replies; daemon/kernel/, its own threads).
 *
 * Two ways in which threads meet.
 *
 * The snapshot in force.  The ruleset and the plan that packets are judged by, published by one
 * pointer; only the control thread changes it, and takes no lock for that: readers never wait for
 * an edit.  What was in force goes when nobody reads it any more (snapshot.c).
 *
 * The engine lock.  Whoever runs the engine, the tracker or a recent list holds core->lock.  A
 * worker takes it once per batch of packets, between its two system calls; everybody else takes
 * it for short slices only (never around I/O, parsing or compiling), and behind workers that wait:
 * fwd_core_slice().
 *
 * One lock, and not one for each shard of the tracker: what rules share (limits, quotas, lists,
 * counters, who came first) has one order then, as exactness asks for.  The price is small, for
 * nearly all of a packet's cost is system calls, which are not under the lock (bench/queue.py shows
 * what fwd takes beside them): so it does not bound the number of useful workers.
 */
#ifndef FWD_CORE_H
#define FWD_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "fw/ct.h"
#include "fw/engine.h"
#include "fw/err.h"
#include "fw/recent.h"
#include "fw/ruleset.h"
#include "fw/tx.h"

#define FWD_MAX_QUEUES	16
#define FWD_QUEUES_EACH 4 /* queue numbers of one worker; daemon/kernel/kernel.h tells which */

/* Every key of fwd.conf and its command-line option (fwd.conf(5)), with defaults. */
struct fwd_config {
	const char *socket;       /* NULL: the namespace's default path */
	const char *rules, *rules6, *state_dir, *metrics, *config_file;
	unsigned int queues;      /* worker threads, 1..FWD_MAX_QUEUES; default 1 */
	unsigned int queue_base;  /* first queue number; default 64000; FWD_QUEUES_EACH * queues
	                           * numbers are used */
	bool fail_open;           /* default false */
	bool offload;             /* default true */
	unsigned int offload_s;   /* seconds that the kernel goes on by itself at most; default 5 */
	bool persist;
	unsigned int snapshot_interval; /* seconds between saves of what changes by itself; 0: off */
	unsigned int mark_shift;  /* FW_MARK_SHIFT_DEFAULT */
	unsigned int queue_len;   /* packets a queue holds; default 32768 */
	/* conntrack_* and recent_* limits, see fwd.conf(5) */
	struct fw_ct_config ct;
	unsigned int recent_entries; /* per list; default 100 */
};

/* What packets are judged by: all of a batch by one. */
struct fwd_snapshot {
	const struct fw_ruleset *ruleset;
	struct fw_plan plan;
	uint64_t number; /* no other has it */
};

/* Threads that read it: workers by their index, and one more. */
#define FWD_READER_BLOCKS FWD_MAX_QUEUES
#define FWD_N_READERS	  (FWD_MAX_QUEUES + 1)
struct fwd_reader {
	_Atomic(uint32_t) turn; /* odd: it reads */
	char pad[60]; /* no other's in the same line of the cache */
};

struct fwd_core {
	pthread_mutex_t lock;
	pthread_mutex_t next, slices; /* lock.c */
	struct fw_ruleset *ruleset; /* in force; control thread */
	struct fw_plan plan; /* the same */
	_Atomic(const struct fwd_snapshot *) snapshot; /* the same, for readers: snapshot.c */
	struct fwd_snapshot room[2];
	struct fwd_reader readers[FWD_N_READERS];
	uint64_t cached; /* the snapshot whose outcomes world.cache has; under lock */
	struct fw_world world;
	bool no_priority; /* this kernel takes no priority from a verdict */
	uint64_t era; /* withdrawals so far: fwd_kernel_withdraw(); under lock */
	struct fw_graveyard graveyard; /* control thread only; see hold.c */
	const struct fwd_config *config;
};

/*
 * lock.c: take and give back the lock.  Who walks through something long gives it back after every slice
 * and takes it again at once.  A plain mutex would be theirs each time: a worker that is woken finds
 * it taken again, for as long as the walk lasts.  So whoever waits stands at `next`, which the walk
 * has to pass, too; and only one walk at a time does: it keeps `slices` along with the lock.
 *
 * Packets: fwd_core_lock() and fwd_core_unlock(); free, it costs what the mutex costs.  Walks:
 * fwd_core_slice() and fwd_core_slice_end(); they wait on no condition.  A short hold now and then
 * may take the mutex itself, and one that waits on a condition has to.
 */
void fwd_core_lock_init(struct fwd_core *core);
void fwd_core_lock_deinit(struct fwd_core *core);
void fwd_core_lock(struct fwd_core *core);
void fwd_core_unlock(struct fwd_core *core);
void fwd_core_slice(struct fwd_core *core);
void fwd_core_slice_end(struct fwd_core *core);

/*
 * snapshot.c: read the snapshot in force from begin to end; `who` is in the middle of one reading
 * at most.  Costs a store that others see at once, and a load; never waits.
 */
const struct fwd_snapshot *fwd_snapshot_begin(struct fwd_core *core, unsigned int who);
void fwd_snapshot_end(struct fwd_core *core, unsigned int who);
/*
 * Put this one in force.  When it returns nobody reads the one of before any more, so what that
 * alone had can go.  Control thread; no lock that a reader may take is held.
 */
void fwd_core_publish(struct fwd_core *core, struct fw_ruleset *ruleset,
		      const struct fw_plan *plan);

/* What transactions must know of the world. */
struct fw_tx_env fwd_core_env(struct fwd_core *core);

/* ---- packet side: daemon/kernel/, as the control side sees it ------------------------------ */

struct fwd_kernel;

struct fwd_queue_stats {
	unsigned int number;
	uint64_t packets, accepted, dropped, queued_on, malformed, overruns; /* by the daemon */
	uint64_t kernel_dropped, user_dropped; /* /proc/net/netfilter/nfnetlink_queue where readable */
	uint32_t waiting;
};

/*
 * Probe the kernel, make the nft table with its empty chains, bind the queues, read links and
 * addresses (rtnetlink).  No packet is queued yet.  core->world.ops/priv are set by it.
 * 0, or -errno with err (wording for a person: who holds the queue, which right is missing).
 */
int fwd_kernel_open(struct fwd_kernel **ret, struct fwd_core *core, struct fw_err *err);

/*
 * Before the first packet is judged: take over the connections that the kernel's conntrack knows and
 * the tracker does not.  True: it translates connections, and must go on doing so.
 */
bool fwd_kernel_learn(struct fwd_kernel *k);
/* While the kernel tracks: bring the tracker's flows up to date, before they are listed or saved.
 * Any thread, lock not held. */
void fwd_kernel_sync(struct fwd_kernel *k);
/* These `n` were deleted here: the kernel, if it tracks, is to forget them, too.  Control thread, lock
 * not held. */
void fwd_kernel_forget(struct fwd_kernel *k, const struct fw_ct_facts *facts, size_t n);

/* Start the worker threads.  0, or -errno with err; what has started is ended by fwd_kernel_stop(). */
int fwd_kernel_start(struct fwd_kernel *k, struct fw_err *err);

/*
 * Make the hooks carry exactly the queue rules of `plan`: one nft batch, atomic.  Called by the
 * control thread when fwd_core_publish() has put it in force, before the edit is
 * acknowledged.  Also adapts what is copied of each packet.  Lock not held.  0, or -errno with err:
 * the hooks are as they were.
 */
int fwd_kernel_apply(struct fwd_kernel *k, const struct fw_plan *plan, struct fw_err *err);

/*
 * A ruleset is about to be put in force: make what its translations need.  Called before the swap;
 * an error leaves everything as it was.  Lock not held.
 */
int fwd_kernel_prepare(struct fwd_kernel *k, const struct fw_ruleset *rs, struct fw_err *err);
/* No ruleset of before can be put in force again without that: what only those need can go.  Control
 * thread, lock not held. */
void fwd_kernel_settled(struct fwd_kernel *k);

/*
 * Packets and IP bytes that went through hooks which are not queued but counted (plan.count) since
 * the last call.  0, or -errno and nothing taken.  Control thread.
 */
#define FWD_COUNTED_BEHIND FW_N_HOOKS /* OUTPUT's filter, where plan.count_behind */
#define FWD_N_COUNTED	   (FW_N_HOOKS + 1)
int fwd_kernel_counted(struct fwd_kernel *k, struct fw_counters ret[FW_N_FAMILIES][FWD_N_COUNTED]);

/*
 * Offload.  Some packets the kernel decides on its own as we would (offload.h, block.h), and counts
 * them.  Control thread; lock not held.
 *
 * collect: counters of rules, policies, flows and recent lists get what the kernel has decided by
 * itself so far.  True: there was something.
 *
 * withdraw: from now on every packet is judged again.  Before the ruleset, its plan, a flow or a
 * recent list is exchanged; what the kernel did by the old one is over when it returns, but counted
 * it is only by and by.  Returns a number for owes: is some of it not counted yet?  Until then the
 * counters of rules that were in force must be there, and nobody's else may be where they are.
 *
 * revoke: withdraw and collect.  resume: when the new one is in force.
 */
bool fwd_kernel_collect(struct fwd_kernel *k);
uint64_t fwd_kernel_withdraw(struct fwd_kernel *k);
bool fwd_kernel_owes(struct fwd_kernel *k, uint64_t number);
void fwd_kernel_revoke(struct fwd_kernel *k);
void fwd_kernel_resume(struct fwd_kernel *k);

struct fwd_offload_stats {
	uint64_t flows; /* that pass: one for each direction at each hook */
	uint64_t packets, bytes; /* that passed, as far as collected */
};
void fwd_kernel_offload_stats(struct fwd_kernel *k, struct fwd_offload_stats *ret);

/* Take the queue rules away, judge what still waits, delete the table, join the threads.  No
 * packet is lost.  Then free.  Returns NULL. */
struct fwd_kernel *fwd_kernel_stop(struct fwd_kernel *k);

/* For a restart in place: the workers answer what they have read and end; the hooks stay, and what
 * they queue waits for the next life.  Then only fwd_kernel_counted() and _exec() may be used. */
void fwd_kernel_leave(struct fwd_kernel *k);
/* Start the program anew with our sockets open; the last thread.  Returns only on failure, -errno. */
int fwd_kernel_exec(struct fwd_kernel *k, const char *path, char **argv);

/* True while every worker has gone round its loop within the last `within_s` seconds. */
bool fwd_kernel_alive(struct fwd_kernel *k, unsigned int within_s);

/* One row for each queue; returns how many (at most max). */
size_t fwd_kernel_stats(struct fwd_kernel *k, struct fwd_queue_stats *ret, size_t max);

struct fwd_block_stats {
	unsigned int sources; /* that the kernel drops now */
	struct fw_counters dropped; /* by source, as far as collected */
};
void fwd_kernel_block_stats(struct fwd_kernel *k, struct fwd_block_stats *ret);

/* Sources that the kernel drops now, at most `n`; then the last `n` dropped packets as text, newest
 * first: age, table, chain, rule number and words, the packet in one line. */
void fwd_kernel_drops(struct fwd_kernel *k, unsigned int n, struct fw_buf *out);

/* Facts found at start ("queue: native", "owner: yes", …), "key value" lines for status. */
void fwd_kernel_facts(struct fwd_kernel *k, struct fw_buf *out);

/* ---- clocks: daemon/kernel/, used by both -------------------------------------------------- */

uint64_t fwd_now(void);  /* monotonic ns */
uint64_t fwd_wall(void); /* ns since 1970, UTC */

/* ---- log: daemon/log.c, used by both ------------------------------------------------------- */

/* priority 0..7 as syslog; journald-friendly "<N>" prefix on stderr.  Never blocks the caller for
 * long: any thread. */
void fwd_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
