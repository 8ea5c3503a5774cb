/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole file in memory: mapped where it is a file, so that 100,000 rules go from the page cache
 * to the socket with no copy in between; read where it is a pipe.
 */
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw/buf.h"
#include "fw/protocol.h"

static int read_stream(struct ctl_textfile *f, int fd)
{
	struct fw_buf b = FW_BUF_INIT;
	int r = 0;

	for (;;) {
		ssize_t n;

		if (!fw_buf_reserve(&b, b.len < 65536 ? 65536 : b.len)) {
			r = -ENOMEM;
			break;
		}
		n = read(fd, b.data + b.len, b.cap - b.len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		b.len += (size_t)n;
		b.data[b.len] = '\0';
		if (b.len > FW_REQUEST_MAX) {
			r = -EFBIG;
			break;
		}
	}
	if (r < 0) {
		fw_buf_deinit(&b);
		return r;
	}
	*f = (struct ctl_textfile){.data = b.data, .len = b.len};
	return 0;
}

static int map_file(struct ctl_textfile *f, int fd, size_t size)
{
	void *p;

	if (size > FW_REQUEST_MAX)
		return -EFBIG;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return read_stream(f, fd);
	*f = (struct ctl_textfile){.data = p, .len = size, .mapped = size};
	return 0;
}

int ctl_textfile_read(struct ctl_textfile *f, const char *path)
{
	struct stat st;
	int fd, r;

	*f = (struct ctl_textfile){.data = NULL};
	if (!path || !strcmp(path, "-"))
		return read_stream(f, STDIN_FILENO);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISREG(st.st_mode) && st.st_size > 0)
		r = map_file(f, fd, (size_t)st.st_size);
	else
		r = read_stream(f, fd);
	close(fd);
	return r;
}

void ctl_textfile_deinit(struct ctl_textfile *f)
{
	if (f->mapped)
		munmap(f->data, f->mapped);
	else
		free(f->data);
	*f = (struct ctl_textfile){.data = NULL};
}
