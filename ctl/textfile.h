/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole file, or standard input, in memory. */
#ifndef FWCTL_TEXTFILE_H
#define FWCTL_TEXTFILE_H

#include <stddef.h>

struct ctl_textfile {
	char *data; /* `len` bytes; a NUL follows only where it was read, not mapped */
	size_t len;
	size_t mapped;
};

/* path NULL or "-": standard input.  0 or -errno (-EFBIG: more than a request may hold). */
int ctl_textfile_read(struct ctl_textfile *f, const char *path);
void ctl_textfile_deinit(struct ctl_textfile *f);

#endif
