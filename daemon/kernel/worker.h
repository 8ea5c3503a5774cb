/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker, inside: what a batch of packets is, and who does what with it.
 *
 *	worker.c  reads the batch and sends its answers
 *	judge.c   judges it, under core->lock
 *	way.c     … unless a packet has to go elsewhere first
 *	wait.c    … or to wait for another
 *	answer.c  what to tell the kernel of a decision
 */
#ifndef FWD_KERNEL_WORKER_H
#define FWD_KERNEL_WORKER_H

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <sys/socket.h>

#include "kernel.h"

struct fwd_batch {
	struct mmsghdr hdrs[FWD_BATCH];
	struct iovec iov[FWD_BATCH];
	struct fwd_msg msgs[FWD_BATCH];
	struct fwd_answer answers[FWD_BATCH];
	struct fw_decision decisions[FWD_BATCH];
	struct fw_frame stack[FW_MAX_DEPTH];
	uint8_t out[FWD_BATCH * FWD_VERDICT_SIZE];
	struct iovec out_iov[FWD_BATCH * FWD_VERDICT_IOVS];
	bool barrier; /* packets were sent to parts_number */
	uint8_t *slots;
	size_t n; /* packets */
	struct {
		uint8_t i; /* which packet */
		bool to_many;
	} rejects[FWD_BATCH];
	size_t n_rejects;
	uint64_t now;
	const struct fwd_snapshot *by; /* what it is judged by; while it is */
};

/* One writer: no need for a locked instruction. */
static inline void fwd_count(_Atomic(uint64_t) *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* "Queue it there"; NF_QUEUE_NR() of the kernel's header shifts into the sign. */
static inline uint32_t fwd_to_queue(uint16_t number)
{
	return (uint32_t)number << NF_VERDICT_QBITS | NF_QUEUE;
}

/* judge.c: decide all of w->batch, which was read at `now`. */
void fwd_judge(struct fwd_worker *w, uint64_t now);
/* way.c: the queue that the packet has to come through before it can be judged; 0: none. */
uint16_t fwd_way(const struct fwd_worker *w, const struct fwd_msg *m, const struct fw_plan *plan);
/* wait.c: a packet on its visit to wait; a->id and a->queue are set. */
void fwd_wait_judge(struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
		    uint64_t now);
/* answer.c: a->id and a->queue are set, and a->verdict is to drop. */
void fwd_answer(struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
		const struct fw_decision *d);

#endif
