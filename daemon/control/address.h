/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the control socket is: one path for each network namespace, so that fwctl started inside a
 * namespace reaches that namespace's daemon, and in the host's own a well-known link to it.
 */
#ifndef FWD_CONTROL_ADDRESS_H
#define FWD_CONTROL_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fw/err.h"

struct fwd_address {
	struct sockaddr_un sun;
	bool link; /* FW_SOCKET_DEFAULT is to point here */
	dev_t dev; /* of the socket that fwd_address_listen() made; 0: none */
	ino_t ino;
};

/* given: --socket or NULL.  0, or -EINVAL with err (path too long, no /proc). */
int fwd_address_find(struct fwd_address *ret, const char *given, struct fw_err *err);
/* Nobody may answer there: 0; -EBUSY with err when somebody does, or when the path is something
 * else than a socket. */
int fwd_address_probe(const struct fwd_address *a, struct fw_err *err);
/* A listening socket at that path, set up beside it and renamed into place (mode 0666: who may do
 * what is told by peer credentials).  The descriptor, or negative errno with err. */
int fwd_address_listen(struct fwd_address *a, struct fw_err *err);
/* Go on with a listening socket that was made for `path`; false, and it is closed and its path
 * removed, when that is not the path that is wanted now (or there is none: -1). */
bool fwd_address_adopt(struct fwd_address *a, int fd, const char *path);
/* Remove path and link, where they are still ours. */
void fwd_address_remove(const struct fwd_address *a);

#endif
