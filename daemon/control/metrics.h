/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything countable in Prometheus' text format 0.0.4, in two parts, in any order.
 */
#ifndef FWD_CONTROL_METRICS_H
#define FWD_CONTROL_METRICS_H

#include "daemon.h"

/* A few lines for each rule and chain.  Any thread that has a reference to the snapshot: it never
 * changes, and counters may be read anywhere. */
void fwd_metrics_rules(const struct fw_ruleset *rs, struct fw_buf *out);
/* All the others, a few dozen lines; first takes in what the kernel counted, so call it first.
 * Control thread. */
void fwd_metrics_rest(struct fwd *d, struct fw_buf *out);

#endif
