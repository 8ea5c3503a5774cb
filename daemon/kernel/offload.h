/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow offload: what the engine offers (fw/offer.h), the kernel does.
 *
 * Every function takes NULL for `o`: then nothing is offloaded.
 */
#ifndef FWD_KERNEL_OFFLOAD_H
#define FWD_KERNEL_OFFLOAD_H

#include "kernel.h"

struct fwd_offload;

/* Begin, but offer nothing before fwd_offload_resume().  *ret stays NULL where the configuration
 * says so.  What a former life has left in an adopted table goes in any case.  0, or -errno with
 * err. */
int fwd_offload_start(struct fwd_offload **ret, struct fwd_kernel *k, struct fw_err *err);
/* Everything is judged again, and counted to the last packet.  Waits for that; workers may run.
 * *at is NULL then. */
void fwd_offload_stop(struct fwd_offload **at);

/* A worker, under core->lock: the packet that was run last, at `now`, was offered. */
void fwd_offload_take(struct fwd_offload *o, const struct fwd_msg *m, const struct fw_plan *plan,
		      uint64_t now);

/* A batch is judged, under core->lock.  True: fwd_offload_cut() before it is answered, for somebody
 * has come on a list and flows pass because it did not have him. */
bool fwd_offload_judged(struct fwd_offload *o, uint64_t now);
/* A worker's, without any lock: nothing passes by itself until the thread has begun anew. */
void fwd_offload_cut(struct fwd_kernel *k);

/* A worker, before a packet is run: a segment that begins or ends a connection.  If its flow passes by
 * itself, that is over soon; then, what the tracker has to be told of behind the run. */
const struct fw_tuple *fwd_offload_turn(struct fwd_offload *o, const struct fwd_msg *m,
					const struct fw_plan *plan);

/* The control thread; see the functions of these names in core.h. */
bool fwd_offload_collect(struct fwd_offload *o);
void fwd_offload_withdraw(struct fwd_offload *o);
/* Has what was withdrawn in this era, or before, not all been counted? */
bool fwd_offload_owes(struct fwd_offload *o, uint64_t era);
void fwd_offload_resume(struct fwd_offload *o);
void fwd_offload_stats(struct fwd_offload *o, struct fwd_offload_stats *ret);

#endif
