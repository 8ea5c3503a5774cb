/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end of a control connection, and what they may do.
 *
 * root, the daemon's own user and members of group `fwd` may edit; members of `fwd-read` may look.
 * The kernel vouches for uid and groups (SO_PEERCRED, SO_PEERGROUPS).
 */
#ifndef FWD_CONTROL_PEER_H
#define FWD_CONTROL_PEER_H

#include <sys/types.h>

#include "fw/err.h"

enum fwd_right { FWD_RIGHT_NONE, FWD_RIGHT_READ, FWD_RIGHT_EDIT };

struct fwd_peer {
	pid_t pid;
	uid_t uid;
	enum fwd_right right;
};

/* The groups' numbers, looked up once; a group that does not exist admits nobody. */
struct fwd_groups {
	gid_t edit, read; /* (gid_t)-1: none */
};

void fwd_groups_load(struct fwd_groups *ret);
/* 0, or negative errno when the kernel does not tell who it is. */
int fwd_peer_get(int fd, const struct fwd_groups *groups, struct fwd_peer *ret);
/* Has the peer this right?  0, or -EINVAL with err. */
int fwd_peer_check(const struct fwd_peer *peer, enum fwd_right needed, struct fw_err *err);

#endif
