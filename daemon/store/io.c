/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File helpers of the store (store/io.h). */
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP  (256 * 1024)
#define WRITE_STEP (1024 * 1024)

int fwd_io_read_from(int dirfd, const char *name, uint64_t from, struct fw_buf *out)
{
	struct stat st;
	ssize_t n = 0;
	int fd, r = 0;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (uint64_t)st.st_size > from)
		fw_buf_reserve(out, (size_t)((uint64_t)st.st_size - from) + 1);
	if (from && lseek(fd, (off_t)from, SEEK_SET) < 0)
		r = -errno;
	while (!r) {
		if (!fw_buf_reserve(out, out->cap - out->len > 1 ? 1 : READ_STEP)) {
			r = -ENOMEM;
			break;
		}
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n > 0)
			out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (!n)
			break;
	}
	close(fd);
	return r;
}

int fwd_io_read(int dirfd, const char *name, struct fw_buf *out)
{
	return fwd_io_read_from(dirfd, name, 0, out);
}

int fwd_io_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Little by little: who syncs another file of this file system meanwhile, as each edit does, may
 * have to wait for all of ours that is on its way.
 */
static int write_through(int fd, const char *data, size_t len)
{
	for (size_t done = 0, step; done < len; done += step) {
		int r;

		step = len - done < WRITE_STEP ? len - done : WRITE_STEP;
		r = fwd_io_write(fd, data + done, step);
		if (!r && fdatasync(fd))
			r = -errno;
		if (r)
			return r;
	}
	return fsync(fd) ? -errno : 0;
}

int fwd_io_replace(int dirfd, const char *name, const void *data, size_t len)
{
	char temp[64];
	int fd, r;

	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_through(fd, data, len);
	close(fd);
	if (!r && renameat(dirfd, temp, dirfd, name))
		r = -errno;
	if (!r && fsync(dirfd))
		r = -errno;
	if (r)
		unlinkat(dirfd, temp, 0);
	return r;
}
