/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rtnl.c and addrtype.c share: asking the kernel about links, addresses and routes. */
#ifndef FWD_KERNEL_RTNL_H
#define FWD_KERNEL_RTNL_H

#include "kernel.h"

struct fwd_rtnl;

/* Send a request, hand each answer to cb.  0, or -errno (the kernel's own answers too). */
int fwd_rtnl_ask(struct fwd_rtnl *r, struct nlmsghdr *nlh, fwd_nl_cb *cb, void *priv);
/* Take in all notices that wait. */
void fwd_rtnl_drain(struct fwd_rtnl *r);
/* Goes up with every change of an address or a route. */
uint64_t fwd_rtnl_changes(const struct fwd_rtnl *r);

#endif
