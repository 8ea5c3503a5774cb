/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ADDR:PORT, the way --metrics is told where to listen.  Pure. */
#ifndef FWD_HTTP_ENDPOINT_H
#define FWD_HTTP_ENDPOINT_H

#include <sys/socket.h>

#include "fw/err.h"

/*
 * "192.0.2.1:9470", "[2001:db8::1]:9470" (numbers only: no name is looked up; the port is 1 to
 * 65535).  0, or -EINVAL with err.
 */
int fwd_endpoint_parse(const char *text, struct sockaddr_storage *ret, socklen_t *len,
		       struct fw_err *err);

#endif
