/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process as /proc shows it, for the process_* metrics that every exporter has. */
#ifndef FWD_CONTROL_PROCESS_H
#define FWD_CONTROL_PROCESS_H

#include <stdint.h>

struct fwd_process {
	double cpu_seconds, start_seconds; /* start: since 1970 */
	uint64_t resident_bytes, virtual_bytes, open_fds, max_fds;
};

/* What cannot be read is 0. */
void fwd_process_read(struct fwd_process *ret);

#endif
