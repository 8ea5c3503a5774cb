/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives a crash: the queue sockets, the table's socket, and which packets had been read.
 */
#ifndef FWD_KERNEL_HANDOVER_H
#define FWD_KERNEL_HANDOVER_H

#include "kernel.h"

#define FWD_NFT_FDNAME "fwd-nft"

struct fwd_handover;

/* Look through what the service manager has handed to us; sockets that do not fit the
 * configuration are let go.  NULL: no memory. */
struct fwd_handover *fwd_handover_open(const struct fwd_config *config);
/* discard: also out of the manager's store, everything that was kept or taken. */
struct fwd_handover *fwd_handover_close(struct fwd_handover *h, bool discard);

/* The descriptor of that name, which is the caller's from now on; -1: there is none. */
int fwd_handover_take(struct fwd_handover *h, const char *name);
/* Give the manager (if there is one) a copy to keep; fd stays the caller's, and open. */
void fwd_handover_keep(struct fwd_handover *h, const char *name, int fd);
/* Start the program anew with everything that was kept.  Returns only when that failed, -errno:
 * then other descriptors may be closed already.  No other thread may run. */
int fwd_handover_exec(struct fwd_handover *h, const char *path, char **argv);
/* Descriptors that shall be open over it under their numbers must be at least this. */
#define FWD_HANDOVER_FREE_FD 128

/* A place for each of a worker's queues to note the id that it read last, plus
 * FWD_ID_KNOWN; shared with the next life.  NULL where there is no memory of that kind. */
#define FWD_ID_KNOWN (1ull << 32)
_Atomic(uint64_t) *fwd_handover_ids(struct fwd_handover *h, unsigned int worker);

/* The name under which a worker's socket is kept. */
void fwd_queue_fdname(const struct fwd_config *config, unsigned int worker, char ret[64]);

#endif
