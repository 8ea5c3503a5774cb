/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow offload, inside.
 *
 *	offload.c       offers, the threads
 *	offload-life.c  what control asks for; beginning and end
 *	claims.c        what offers rest on, and the end of that
 *	generation.c    a generation in the kernel: sent, read, retired, deleted
 */
#ifndef FWD_KERNEL_GENERATION_H
#define FWD_KERNEL_GENERATION_H

#include "flows.h"
#include "offload.h"

struct fwd_offload {
	struct fwd_kernel *k;
	pthread_t thread, finisher;
	pthread_cond_t work, retirement; /* with core->lock */
	bool running, finishing, stop;

	/* under core->lock */
	struct fw_offer offer;
	struct fwd_flows *live; /* NULL: no memory */
	struct fwd_flows *retired; /* newest first; only the finisher takes some out, the oldest */
	unsigned int untold; /* generations that the tracker still takes for living */
	uint64_t handed_in; /* `packets` when control asked last */
	bool held; /* until resumed */
	bool turned; /* a connection of the living one has ended, or begun anew */
	uint64_t quiet_until; /* the kernel has refused; 0: not so */
	uint64_t renames;
	uint64_t came; /* fw_recent_came() as it was last */
	uint64_t claims_from; /* offers with claims are not taken before */
	uint64_t packets, bytes;

	/* under lock */
	pthread_mutex_t lock;
	int read_fd;
	uint32_t number; /* of the last generation */
	uint64_t key; /* of their hashes */
	bool refused; /* that was said */
	uint32_t keys[FWD_FLOWS_BATCH * FWD_FLOW_WORDS6];

	/* under `reading` */
	pthread_mutex_t reading; /* of retired ones, which are not freed meanwhile */
	int retired_fd;
};

/* When a generation ends its flows return, by some packets each: until another is ended for the same
 * reason it must be so much longer for each of them. */
#define FWD_RETURN_NS 500000

static inline uint64_t fwd_offload_flows(const struct fwd_flows *f)
{
	return f ? (uint64_t)f->of[FW_IP4].n + f->of[FW_IP6].n : 0;
}

/* May the engine offer?  Under core->lock. */
void fwd_offload_set_offering(struct fwd_offload *o);

/* The threads; o.  The second waits for packets on their way, and what is new should not. */
void *fwd_offload_main(void *o);
void *fwd_offload_finisher(void *o);

/* ---- claims.c ------------------------------------------------------------------------------ */

/* Have lists tell when this offer ends; false: it cannot be taken.  Under core->lock. */
bool fwd_offload_watch(struct fwd_offload *o, enum fw_family family, uint64_t now);
/* Are the rules of the living generation gone, or going?  Under nft->lock, as it is cut. */
bool fwd_offload_is_cut(struct fwd_offload *o);

/* ---- generation.c -------------------------------------------------------------------------- */

/* Send some of what is new of the living generation.  0, or -errno.  Under o->lock. */
int fwd_generation_push(struct fwd_offload *o);
/* Hand in what all have counted.  Under o->lock. */
void fwd_generation_read(struct fwd_offload *o);
/* End the living one, which is in o->retired then, and begin a new one.  Under o->lock. */
void fwd_generation_retire(struct fwd_offload *o);
/* Tell the tracker of those that are retired, read them for the last time and delete them.  Not
 * under a lock: it waits. */
void fwd_generation_finish(struct fwd_offload *o);

#endif
