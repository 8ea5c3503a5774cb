/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --metrics ADDR:PORT: what `fwctl metrics` prints, over HTTP for Prometheus.
 *
 * Who can reach the address can read it; there is GET and HEAD of /metrics, a page at / that says
 * so, and nothing else.
 */
#ifndef FWD_HTTP_HTTP_H
#define FWD_HTTP_HTTP_H

#include "daemon.h"

struct fwd_http;

/* Listen and answer from now on.  *ret stays NULL when no address is configured.  0, or -errno with
 * err.  Control thread, like all of these. */
int fwd_http_open(struct fwd_http **ret, struct fwd *d, struct fw_err *err);
/* NULL is fine.  Returns NULL. */
struct fwd_http *fwd_http_close(struct fwd_http *h);

/* Is there an HTTP server in this program? */
bool fwd_http_built(void);

#endif
