/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state directory for a test, and the store on it.  Needs cmocka and its headers included first.
 */
#ifndef STORE_DIR_H
#define STORE_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fw/tx.h"
#include "store/store.h"

struct dir {
	char path[64];
	int fd;
	struct fw_buf seen; /* by the last load */
};

static inline int make_dir(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));
	/* hundreds of fsync(2): not on a disk */
	const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(d->path, sizeof(d->path), "%s/fwd-store-XXXXXX", base);
	if (!mkdtemp(d->path))
		return -1;
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY);
	*state = d;
	return 0;
}

static inline int remove_dir(void **state)
{
	struct dir *d = *state;
	DIR *dir = fdopendir(d->fd);

	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
	rmdir(d->path);
	fw_buf_deinit(&d->seen);
	free(d);
	return 0;
}

/* What a load saw: "KIND:SEQ:BODY;" for each frame. */
static inline int note(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	fw_buf_fmt(priv, "%d:%d:%.*s;", (int)f->kind, (int)f->seq, (int)f->len, f->body);
	return 0;
}

static inline struct fwd_store *open_store(struct dir *d)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_store *s = NULL;

	assert_int_equal(fwd_store_open(&s, d->path, &err), 0);
	return s;
}

static inline struct fwd_store *load_store(struct dir *d)
{
	struct fwd_store *s = open_store(d);
	struct fw_err err = FW_ERR_INIT;

	fw_buf_reset(&d->seen);
	assert_int_equal(fwd_store_load(s, note, &d->seen, &err), 0);
	return s;
}

/* Load it and compare what was seen. */
static inline struct fwd_store *load_this(struct dir *d, const char *frames)
{
	struct fwd_store *s = load_store(d);

	assert_string_equal(fw_buf_cstr(&d->seen), frames);
	return s;
}

static inline void assert_stored(struct dir *d, const char *frames)
{
	fwd_store_close(load_this(d, frames));
}

static inline int append(struct fwd_store *s, const char *body)
{
	struct fwd_frame f = {.body = body, .len = strlen(body), .flags = FW_TX_NOFLUSH};
	struct fw_err err = FW_ERR_INIT;

	return fwd_store_append(s, &f, &err);
}

static inline void sync_store(struct fwd_store *s)
{
	struct fw_err err = FW_ERR_INIT;

	assert_int_equal(fwd_store_sync(s, &err), 0);
}

/* All of it is on the disk, and the store is free. */
static inline void leave_store(struct fwd_store *s)
{
	sync_store(s);
	fwd_store_close(s);
}

static inline void snapshot(struct fwd_store *s, const char *body)
{
	struct fwd_frame f = {.kind = FWD_FRAME_RULES, .body = body, .len = strlen(body)};
	struct fw_err err = FW_ERR_INIT;

	assert_int_equal(fwd_store_snapshot(s, &f, 1, 7, &err), 0);
}

#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

#endif
