/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory (store/store.h): lock, snapshot, and the journal beside it. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "store/io.h"
#include "store/journal.h"

/* A new snapshot is due when replaying the journal would cost about as much as loading it. */
#define DUE_BYTES  (4u * 1024 * 1024)
#define DUE_FRAMES 4096

struct fwd_store {
	int dirfd, lockfd;
	uint64_t snapshot_size;
	bool stale; /* the last snapshot failed: do not try again at every edit */
	uint64_t retry_size;
	struct fwd_journal journal;
	char dir[];
};

static int take_lock(struct fwd_store *s, struct fw_err *err)
{
	s->lockfd = openat(s->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lockfd < 0) {
		int r = -errno;

		fw_fail(err, FW_ERR_RESOURCE, "cannot write to the state directory '%s': %s",
			s->dir, strerror(-r));
		return r;
	}
	if (!flock(s->lockfd, LOCK_EX | LOCK_NB))
		return 0;
	fw_fail(err, FW_ERR_RESOURCE, "the state directory '%s' is in use by another fwd", s->dir);
	fw_err_hint(err, "give each daemon its own --state directory");
	return -EBUSY;
}

int fwd_store_open(struct fwd_store **ret, const char *dir, struct fw_err *err)
{
	struct fwd_store *s = malloc(sizeof(*s) + strlen(dir) + 1);
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct fwd_store){.dirfd = -1, .lockfd = -1, .journal = FWD_JOURNAL_INIT};
	strcpy(s->dir, dir);
	if (mkdir(dir, 0700) && errno != EEXIST)
		goto fail;
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0)
		goto fail;
	r = take_lock(s, err);
	if (r) {
		fwd_store_close(s);
		return r;
	}
	*ret = s;
	return 0;
fail:
	r = -errno;
	fw_fail(err, FW_ERR_RESOURCE, "cannot open the state directory '%s': %s", dir,
		strerror(-r));
	fwd_store_close(s);
	return r;
}

struct fwd_store *fwd_store_close(struct fwd_store *s)
{
	if (!s)
		return NULL;
	fwd_journal_close(&s->journal);
	if (s->lockfd >= 0)
		close(s->lockfd);
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s);
	return NULL;
}

static int damaged(struct fwd_store *s, size_t offset, const char *why, struct fw_err *err)
{
	fw_fail(err, FW_ERR_RESOURCE, "%s/snapshot is damaged at byte %zu: %s", s->dir, offset,
		why);
	fw_err_hint(err, "move %s/snapshot and %s/journal aside to start from the rules files",
		    s->dir, s->dir);
	return -EIO;
}

/* Two passes: nothing is used before all of it is known to be sound. */
static int use_snapshot(struct fwd_store *s, const struct fw_buf *text, fwd_store_fn *fn,
			void *priv, struct fw_err *err)
{
	struct fwd_frame frame = {.kind = FWD_N_FRAME_KINDS};
	const char *why = "it ends too early";
	size_t n;

	for (size_t at = 0; at < text->len; at += n) {
		n = fwd_frame_read(text->data + at, text->len - at, &frame, &why);
		if (!n)
			return damaged(s, at, why, err);
	}
	if (frame.kind != FWD_FRAME_END)
		return damaged(s, text->len, "it ends too early", err);
	s->journal.seq = frame.seq;
	s->snapshot_size = text->len;
	for (size_t at = 0; at < text->len; at += n) {
		int r;

		n = fwd_frame_read(text->data + at, text->len - at, &frame, &why);
		r = fn(priv, &frame, err);
		if (r)
			return r;
	}
	return 0;
}

static int load_snapshot(struct fwd_store *s, fwd_store_fn *fn, void *priv, struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT;
	int r;

	r = fwd_io_read(s->dirfd, "snapshot", &text);
	if (r == -ENOENT)
		r = 0;
	else if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot read %s/snapshot: %s", s->dir, strerror(-r));
	else
		r = use_snapshot(s, &text, fn, priv, err);
	fw_buf_deinit(&text);
	return r;
}

int fwd_store_load(struct fwd_store *s, fwd_store_fn *fn, void *priv, struct fw_err *err)
{
	int r;

	unlinkat(s->dirfd, "snapshot.new", 0);
	unlinkat(s->dirfd, "journal.new", 0);
	unlinkat(s->dirfd, "flows.new", 0);
	unlinkat(s->dirfd, "trial.new", 0);
	r = load_snapshot(s, fn, priv, err);
	if (r)
		return r;
	return fwd_journal_load(&s->journal, s->dirfd, fn, priv, err);
}

int fwd_store_append(struct fwd_store *s, const struct fwd_frame *edit, struct fw_err *err)
{
	return fwd_journal_append(&s->journal, edit, err);
}

int fwd_store_sync(struct fwd_store *s, struct fw_err *err)
{
	return fwd_journal_sync(&s->journal, err);
}

struct fwd_store_mark fwd_store_mark(const struct fwd_store *s)
{
	return (struct fwd_store_mark){.size = s->journal.size, .seq = s->journal.seq};
}

void fwd_store_rewind(struct fwd_store *s, struct fwd_store_mark mark)
{
	fwd_journal_rewind(&s->journal, mark);
}

bool fwd_store_due(const struct fwd_store *s)
{
	uint64_t limit = s->snapshot_size > DUE_BYTES ? s->snapshot_size : DUE_BYTES;

	if (s->journal.broken)
		return true;
	if (s->stale && s->journal.size < s->retry_size)
		return false;
	return s->journal.size > limit || s->journal.frames > DUE_FRAMES;
}

int fwd_store_write(const struct fwd_store *s, struct fwd_store_mark upto, struct fwd_frame *frames,
		    size_t n, uint64_t wall, struct fwd_store_written *ret)
{
	struct fwd_frame end = {.seq = upto.seq, .kind = FWD_FRAME_END};
	struct fw_buf text = FW_BUF_INIT;
	char when[32];
	int r;

	for (size_t i = 0; i < n; i++) {
		frames[i].seq = upto.seq;
		fwd_frame_write(&frames[i], &text);
	}
	end.len = (size_t)snprintf(when, sizeof(when), "%" PRIu64 "\n", wall);
	end.body = when;
	fwd_frame_write(&end, &text);
	r = fw_buf_ok(&text) ? fwd_io_replace(s->dirfd, "snapshot", text.data, text.len) : -ENOMEM;
	if (!r)
		*ret = (struct fwd_store_written){.upto = upto, .size = text.len};
	fw_buf_deinit(&text);
	return r;
}

int fwd_store_written(struct fwd_store *s, const struct fwd_store_written *w, struct fw_err *err)
{
	int r = 0;

	s->snapshot_size = w->size;
	if (w->upto.size)
		r = fwd_journal_drop_head(&s->journal, s->dirfd, w->upto, err);
	if (r)
		fwd_store_unwritten(s);
	else
		s->stale = false;
	return r;
}

void fwd_store_unwritten(struct fwd_store *s)
{
	s->stale = true;
	s->retry_size = s->journal.size + DUE_BYTES / 4;
}

int fwd_store_snapshot(struct fwd_store *s, struct fwd_frame *frames, size_t n, uint64_t wall,
		       struct fw_err *err)
{
	struct fwd_store_written written;
	int r;

	r = fwd_store_write(s, fwd_store_mark(s), frames, n, wall, &written);
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot write %s/snapshot: %s", s->dir, strerror(-r));
	} else {
		s->snapshot_size = written.size;
		r = fwd_journal_restart(&s->journal, s->dirfd, err);
	}
	s->stale = false;
	if (r)
		fwd_store_unwritten(s);
	return r;
}

#define LIVE "live" /* stands where an edit's table would */

int fwd_store_put_flows(const struct fwd_store *s, const struct fw_buf *text, uint64_t wall,
			bool live, struct fw_err *err)
{
	struct fwd_frame frame = {/* no edit's number belongs to it: the time stands there */
				  .seq = wall,
				  .kind = FWD_FRAME_FLOWS,
				  .body = fw_buf_cstr(text),
				  .len = text->len};
	struct fw_buf out = FW_BUF_INIT;
	int r;

	if (live)
		strcpy(frame.table, LIVE);
	fwd_frame_write(&frame, &out);
	r = fw_buf_ok(text) && fw_buf_ok(&out)
		? fwd_io_replace(s->dirfd, "flows", out.data, out.len)
		: -ENOMEM;
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot write %s/flows: %s", s->dir, strerror(-r));
	fw_buf_deinit(&out);
	return r;
}

void fwd_store_drop_flows(const struct fwd_store *s)
{
	unlinkat(s->dirfd, "flows", 0);
}

int fwd_store_take_flows(struct fwd_store *s, struct fw_buf *text, uint64_t *wall, bool *live)
{
	struct fw_buf file = FW_BUF_INIT;
	struct fwd_frame frame;
	const char *why;
	int r;

	r = fwd_io_read(s->dirfd, "flows", &file);
	if (!r &&
	    !(fwd_frame_read(fw_buf_cstr(&file), file.len, &frame, &why) &&
	      frame.kind == FWD_FRAME_FLOWS)) {
		fwd_log(4, "%s/flows is damaged and not used: %s", s->dir, why);
		r = -ENOENT;
	}
	if (!r) {
		fw_buf_add(text, frame.body, frame.len);
		*wall = frame.seq;
		*live = !strcmp(frame.table, LIVE);
	}
	fwd_store_drop_flows(s);
	fw_buf_deinit(&file);
	return r;
}

int fwd_store_put_trial(struct fwd_store *s, const struct fwd_frame *frames, size_t n,
			const char *note, struct fw_err *err)
{
	struct fwd_frame end = {.kind = FWD_FRAME_END, .body = note, .len = strlen(note)};
	struct fw_buf text = FW_BUF_INIT;
	int r;

	for (size_t i = 0; i < n; i++)
		fwd_frame_write(&frames[i], &text);
	fwd_frame_write(&end, &text);
	r = fw_buf_ok(&text) ? fwd_io_replace(s->dirfd, "trial", text.data, text.len) : -ENOMEM;
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot write %s/trial: %s", s->dir, strerror(-r));
	fw_buf_deinit(&text);
	return r;
}

int fwd_store_read_trial(struct fwd_store *s, fwd_store_fn *fn, void *priv, struct fw_err *err)
{
	struct fwd_frame frame = {.kind = FWD_N_FRAME_KINDS};
	struct fw_buf text = FW_BUF_INIT;
	const char *why = "it ends too early";
	size_t n = 1;
	int r;

	r = fwd_io_read(s->dirfd, "trial", &text);
	for (size_t at = 0; !r && n && at < text.len; at += n)
		n = fwd_frame_read(text.data + at, text.len - at, &frame, &why);
	if (!r && (!n || frame.kind != FWD_FRAME_END)) {
		fwd_log(3, "%s/trial is damaged: the last change stays unconfirmed: %s", s->dir,
			why);
		r = -ENOENT;
	}
	for (size_t at = 0; !r && at < text.len; at += n) {
		n = fwd_frame_read(text.data + at, text.len - at, &frame, &why);
		r = fn(priv, &frame, err);
	}
	fw_buf_deinit(&text);
	return r;
}

void fwd_store_drop_trial(struct fwd_store *s)
{
	if (!unlinkat(s->dirfd, "trial", 0))
		fsync(s->dirfd);
}

bool fwd_store_empty(const struct fwd_store *s)
{
	return !s->snapshot_size && !s->journal.seq;
}

bool fwd_store_broken(const struct fwd_store *s)
{
	return s->journal.broken;
}

uint64_t fwd_store_journal_bytes(const struct fwd_store *s)
{
	return s->journal.size;
}

uint64_t fwd_store_seq(const struct fwd_store *s)
{
	return s->journal.seq;
}
