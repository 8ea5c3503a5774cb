/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a target may ask of the tcp match that stands beside it. */
#ifndef MATCHES_WANTSYN_H
#define MATCHES_WANTSYN_H

#include "fw/ext.h"

/* Does this use of tcp match segments with SYN only? */
bool fw_tcp_wants_syn(const struct fw_use *use);

#endif
