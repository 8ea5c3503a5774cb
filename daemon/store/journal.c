/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's file (store/journal.h). */
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "store/io.h"

#define NAME	"journal"
#define BAD	NAME ".bad-"
#define BAD_MAX 8 /* of them are kept */

static int refuse(struct fw_err *err, int error, const char *what)
{
	fw_fail(err, FW_ERR_RESOURCE, "cannot %s the journal: %s", what, strerror(-error));
	if (error == -ENOSPC || error == -EDQUOT)
		fw_err_hint(err, "the state directory's disk is full; nothing was changed");
	return error;
}

static int open_file(int dirfd)
{
	return openat(dirfd, NAME, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int is_bad(const struct dirent *d)
{
	return !strncmp(d->d_name, BAD, strlen(BAD));
}

/* They must not fill the disk one crash after the other; their names sort by age. */
static void prune_bad(int dirfd)
{
	struct dirent **names;
	int n = scandirat(dirfd, ".", &names, is_bad, alphasort);

	for (int i = 0; i < n; i++) {
		if (i < n - BAD_MAX)
			unlinkat(dirfd, names[i]->d_name, 0);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* What could not be used goes into a file of its own, for a person to look at. */
static int keep_aside(int dirfd, const char *data, size_t len, uint64_t offset)
{
	char name[64], when[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(name, sizeof(name), BAD "%s-%" PRIu64, when, offset);
	prune_bad(dirfd);
	return fwd_io_replace(dirfd, name, data, len);
}

static int cut(struct fwd_journal *j, int dirfd, const struct fw_buf *text, const char *why,
	       struct fw_err *err)
{
	int r;

	fwd_log(4,
		"journal: %s at byte %" PRIu64 " (after edit %" PRIu64 "); the %" PRIu64
		" bytes from there on are not used and kept in journal.bad-*",
		why, j->size, j->seq, text->len - j->size);
	r = keep_aside(dirfd, text->data + j->size, text->len - j->size, j->size);
	if (r)
		fwd_log(4, "journal: what was cut off could not be kept: %s", strerror(-r));
	if (ftruncate(j->fd, (off_t)j->size) || fdatasync(j->fd))
		return refuse(err, -errno, "cut");
	return 0;
}

/* Use the frames one after the other; *why stays NULL when all were sound. */
static int replay(struct fwd_journal *j, const struct fw_buf *text, fwd_store_fn *fn, void *priv,
		  const char **why, struct fw_err *err)
{
	uint64_t last = 0;

	while (j->size < text->len) {
		struct fwd_frame frame;
		size_t n = fwd_frame_read(text->data + j->size, text->len - j->size, &frame, why);

		if (!n)
			return 0;
		*why = "edits are missing";
		if (frame.kind != FWD_FRAME_EDIT ||
		    (last ? frame.seq != last + 1 : frame.seq > j->seq + 1))
			return 0;
		*why = NULL;
		last = frame.seq;
		if (frame.seq > j->seq) {
			int r = fn(priv, &frame, err);

			if (r)
				return r;
			j->seq = frame.seq;
		}
		j->size += n;
		j->frames++;
	}
	return 0;
}

int fwd_journal_load(struct fwd_journal *j, int dirfd, fwd_store_fn *fn, void *priv,
		     struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT;
	const char *why = NULL;
	int r;

	r = fwd_io_read(dirfd, NAME, &text);
	if (r == -ENOENT) {
		r = fwd_journal_restart(j, dirfd, err);
		goto out;
	}
	if (r) {
		refuse(err, r, "read");
		goto out;
	}
	j->fd = open_file(dirfd);
	if (j->fd < 0) {
		r = refuse(err, -errno, "open");
		goto out;
	}
	r = replay(j, &text, fn, priv, &why, err);
	if (!r && why)
		r = cut(j, dirfd, &text, why, err);
out:
	fw_buf_deinit(&text);
	return r;
}

/* A file with these frames in the place of the old one. */
static int replace(struct fwd_journal *j, int dirfd, const char *data, size_t len, uint64_t frames,
		   struct fw_err *err)
{
	int fd, r;

	r = fwd_io_replace(dirfd, NAME, data, len);
	if (r)
		return refuse(err, r, "start");
	fd = open_file(dirfd);
	if (fd < 0) {
		r = refuse(err, -errno, "open");
		j->broken = true; /* ours has no name any more */
		return r;
	}
	if (j->fd >= 0)
		close(j->fd);
	*j = (struct fwd_journal){.fd = fd, .seq = j->seq, .size = len, .frames = frames};
	return 0;
}

int fwd_journal_restart(struct fwd_journal *j, int dirfd, struct fw_err *err)
{
	return replace(j, dirfd, "", 0, 0, err);
}

int fwd_journal_drop_head(struct fwd_journal *j, int dirfd, struct fwd_store_mark upto,
			  struct fw_err *err)
{
	struct fw_buf tail = FW_BUF_INIT;
	int r = fwd_io_read_from(dirfd, NAME, upto.size, &tail);

	if (!r && tail.len != j->size - upto.size)
		r = -EIO;
	if (r)
		refuse(err, r, "read");
	else
		r = replace(j, dirfd, tail.data, tail.len, j->seq - upto.seq, err);
	fw_buf_deinit(&tail);
	return r;
}

int fwd_journal_append(struct fwd_journal *j, const struct fwd_frame *edit, struct fw_err *err)
{
	struct fwd_store_mark mark = {.size = j->size, .seq = j->seq};
	struct fwd_frame frame = *edit;
	struct fw_buf text = FW_BUF_INIT;
	int r = -EIO;

	if (j->broken)
		return refuse(err, r, "write");
	frame.kind = FWD_FRAME_EDIT;
	frame.seq = j->seq + 1;
	fwd_frame_write(&frame, &text);
	r = fw_buf_ok(&text) ? fwd_io_write(j->fd, text.data, text.len) : -ENOMEM;
	if (r) {
		refuse(err, r, "write");
		fwd_journal_rewind(j, mark);
	} else {
		j->seq++;
		j->frames++;
		j->size += text.len;
	}
	fw_buf_deinit(&text);
	return r;
}

/* Does the file still have a name?  What is written to one that was deleted is nowhere. */
static int look(const struct fwd_journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st))
		return -1;
	errno = ENOENT;
	return st.st_nlink ? 0 : -1;
}

int fwd_journal_sync(struct fwd_journal *j, struct fw_err *err)
{
	if (!fdatasync(j->fd) && !look(j))
		return 0;
	/* The kernel forgets what it could not write: a second fdatasync would succeed and lie. */
	j->broken = true;
	return refuse(err, -errno, "sync");
}

void fwd_journal_rewind(struct fwd_journal *j, struct fwd_store_mark mark)
{
	if (ftruncate(j->fd, (off_t)mark.size)) {
		j->broken = true;
		fwd_log(3, "journal: cannot be cut back to byte %" PRIu64 ": %s", mark.size,
			strerror(errno));
	}
	j->frames -= j->seq - mark.seq;
	j->size = mark.size;
	j->seq = mark.seq;
}

void fwd_journal_close(struct fwd_journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}
