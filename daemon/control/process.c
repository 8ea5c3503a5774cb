/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_* metrics (control/process.h). */
#include "control/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/io.h"

static void read_stat(struct fwd_process *ret)
{
	struct fw_buf text = FW_BUF_INIT;
	unsigned long long start = 0, vsize = 0;
	struct timespec boot, wall;
	const char *at;
	long rss = 0;

	if (!fwd_io_read(AT_FDCWD, "/proc/self/stat", &text) &&
	    (at = strrchr(fw_buf_cstr(&text), ')')) &&
	    sscanf(at,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu %llu %ld",
		   &start, &vsize, &rss) == 3) {
		clock_gettime(CLOCK_BOOTTIME, &boot);
		clock_gettime(CLOCK_REALTIME, &wall);
		ret->start_seconds = (double)(wall.tv_sec - boot.tv_sec) +
			(double)(wall.tv_nsec - boot.tv_nsec) / 1e9 +
			(double)start / (double)sysconf(_SC_CLK_TCK);
		ret->virtual_bytes = vsize;
		ret->resident_bytes = (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE);
	}
	fw_buf_deinit(&text);
}

static uint64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	for (struct dirent *d = readdir(dir); d; d = readdir(dir))
		n += d->d_name[0] != '.';
	closedir(dir);
	return n ? n - 1 : 0; /* without the one that looks */
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

void fwd_process_read(struct fwd_process *ret)
{
	struct rusage use;
	struct rlimit limit;

	memset(ret, 0, sizeof(*ret));
	if (!getrusage(RUSAGE_SELF, &use))
		ret->cpu_seconds = seconds(use.ru_utime) + seconds(use.ru_stime);
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		ret->max_fds = limit.rlim_cur;
	ret->open_fds = count_fds();
	read_stat(ret);
}
