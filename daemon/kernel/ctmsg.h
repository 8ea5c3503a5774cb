/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctnetlink's messages, for those who ask the kernel's conntrack and those who tell it. */
#ifndef FWD_KERNEL_CTMSG_H
#define FWD_KERNEL_CTMSG_H

#include "fw/ct.h"

struct nlmsghdr;

/* A connection's ends as attribute `type` (CTA_TUPLE_*). */
void fwd_ct_put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct fw_tuple *t);

/* What a message tells of a connection; false: it is about none. */
bool fwd_ct_take(const struct nlmsghdr *nlh, struct fw_ct_facts *ret);

#endif
