/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small file helpers of the store: whole reads and whole writes, all relative to a directory. */
#ifndef FWD_STORE_IO_H
#define FWD_STORE_IO_H

#include "fw/buf.h"

/* Append the whole file to out.  0, -ENOENT, or another negative errno. */
int fwd_io_read(int dirfd, const char *name, struct fw_buf *out);
/* The same but for its first `from` bytes. */
int fwd_io_read_from(int dirfd, const char *name, uint64_t from, struct fw_buf *out);
/* Write all of it.  0 or negative errno (then some of it may be written). */
int fwd_io_write(int fd, const void *data, size_t len);
/* Put data into `name` by way of a temporary file and rename(2); durable when it returns 0. */
int fwd_io_replace(int dirfd, const char *name, const void *data, size_t len);

#endif
