/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory when somebody has cut, spoilt or replaced what is in it: what was synced and
 * is sound is read back, nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "store-dir.h"
#include "store/io.h"

static int count_bad(struct dir *d)
{
	DIR *dir = opendir(d->path);
	int n = 0;

	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += !strncmp(e->d_name, "journal.bad-", 12);
	closedir(dir);
	return n;
}

/* Cut the journal at every byte of its last record: all earlier ones are used, and go on. */
static void torn_anywhere(void **state)
{
	struct dir *d = *state;
	struct fw_buf journal = FW_BUF_INIT;
	struct fwd_store *s = load_store(d);
	uint64_t last;

	append(s, "a\n");
	append(s, "b\n");
	last = fwd_store_journal_bytes(s);
	append(s, "the last one\n");
	leave_store(s);
	assert_int_equal(fwd_io_read(d->fd, "journal", &journal), 0);
	for (size_t n = last; n < journal.len; n++) {
		assert_int_equal(fwd_io_replace(d->fd, "journal", journal.data, n), 0);
		s = load_this(d, "0:1:a\n;0:2:b\n;");
		append(s, "next\n");
		leave_store(s);
		assert_stored(d, "0:1:a\n;0:2:b\n;0:3:next\n;");
	}
	assert_in_range(count_bad(d), 1, 9); /* the oldest are thrown away */
	fw_buf_deinit(&journal);
}

/* Three edits, and the journal that they make; ends: of the first and the second. */
static void write_three(struct dir *d, struct fw_buf *journal, uint64_t ends[2])
{
	struct fwd_store *s = load_store(d);

	append(s, "a\n");
	ends[0] = fwd_store_journal_bytes(s);
	append(s, "b\n");
	ends[1] = fwd_store_journal_bytes(s);
	append(s, "c\n");
	leave_store(s);
	assert_int_equal(fwd_io_read(d->fd, "journal", journal), 0);
}

static void corrupt_middle(void **state)
{
	struct dir *d = *state;
	struct fw_buf journal = FW_BUF_INIT;
	struct fwd_store *s;
	uint64_t ends[2];

	write_three(d, &journal, ends);
	journal.data[ends[0] + 12] ^= 0x40;
	assert_int_equal(fwd_io_replace(d->fd, "journal", journal.data, journal.len), 0);
	s = load_this(d, "0:1:a\n;");
	assert_int_equal(fwd_store_journal_bytes(s), ends[0]);
	assert_int_equal(count_bad(d), 1);
	fwd_store_close(s);
	fw_buf_deinit(&journal);
}

/* A record that is gone from the middle, frame and all. */
static void missing_middle(void **state)
{
	struct dir *d = *state;
	struct fw_buf journal = FW_BUF_INIT;
	uint64_t ends[2];

	write_three(d, &journal, ends);
	memmove(journal.data + ends[0], journal.data + ends[1], journal.len - ends[1]);
	assert_int_equal(
		fwd_io_replace(d->fd, "journal", journal.data, journal.len - (ends[1] - ends[0])),
		0);
	assert_stored(d, "0:1:a\n;");
	fw_buf_deinit(&journal);
}

/* Crashes while the new files were still being written: they are not looked at. */
static void half_written_files(void **state)
{
	struct dir *d = *state;
	struct fw_buf text = FW_BUF_INIT;
	struct fwd_store *s = load_store(d);
	int fd;

	snapshot(s, "S\n");
	append(s, "a\n");
	leave_store(s);
	for (int i = 0; i < 2; i++) {
		fd = openat(d->fd, i ? "journal.new" : "snapshot.new", O_WRONLY | O_CREAT, 0600);
		assert_int_equal(fwd_io_write(fd, "#fwd1 9 rul", 11), 0);
		close(fd);
	}
	assert_stored(d, "1:0:S\n;4:0:7\n;0:1:a\n;");
	assert_int_equal(fwd_io_read(d->fd, "snapshot.new", &text), -ENOENT);
	assert_int_equal(fwd_io_read(d->fd, "journal.new", &text), -ENOENT);
	fw_buf_deinit(&text);
}

/* A damaged snapshot is refused at every byte that may be damaged or missing. */
static void damaged_snapshot(void **state)
{
	struct dir *d = *state;
	struct fw_buf text = FW_BUF_INIT;
	struct fwd_store *s = load_store(d);

	snapshot(s, "S\n");
	fwd_store_close(s);
	assert_int_equal(fwd_io_read(d->fd, "snapshot", &text), 0);
	for (size_t i = 0; i < text.len; i++) {
		struct fw_err err = FW_ERR_INIT;

		fw_buf_reset(&d->seen);
		text.data[i] ^= 1;
		assert_int_equal(fwd_io_replace(d->fd, "snapshot", text.data, text.len), 0);
		text.data[i] ^= 1;
		s = open_store(d);
		assert_int_equal(fwd_store_load(s, note, &d->seen, &err), -EIO);
		fwd_store_close(s);
		assert_non_null(strstr(err.msg, "is damaged at byte"));
		assert_string_equal(fw_buf_cstr(&d->seen), "");
		if (!i)
			continue; /* an empty file is damaged, too */
		err = (struct fw_err)FW_ERR_INIT;
		assert_int_equal(fwd_io_replace(d->fd, "snapshot", text.data, i), 0);
		s = open_store(d);
		assert_int_equal(fwd_store_load(s, note, &d->seen, &err), -EIO);
		fwd_store_close(s);
	}
	fw_buf_deinit(&text);
}

/* Root writes here: a link to some file of somebody's must not be cut, nor read. */
static void links_are_refused(void **state)
{
	static const char *const names[] = {"journal", "snapshot", "lock"};
	struct dir *d = *state;
	char target[128];
	struct stat st;
	int fd;

	snprintf(target, sizeof(target), "%s/somebody", d->path);
	fd = open(target, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++) {
		struct fw_err err = FW_ERR_INIT;
		struct fwd_store *s = NULL;
		int r;

		unlinkat(d->fd, names[i], 0);
		assert_int_equal(symlinkat(target, d->fd, names[i]), 0);
		r = fwd_store_open(&s, d->path, &err);
		if (!r)
			r = fwd_store_load(s, note, &d->seen, &err);
		assert_true(r < 0);
		fwd_store_close(s);
		assert_int_equal(unlinkat(d->fd, names[i], 0), 0);
		assert_int_equal(stat(target, &st), 0);
		assert_int_equal(st.st_size, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(links_are_refused),	STORE_TEST(torn_anywhere),
		STORE_TEST(corrupt_middle),	STORE_TEST(missing_middle),
		STORE_TEST(half_written_files), STORE_TEST(damaged_snapshot),
	};

	return cmocka_run_group_tests_name("store-damage", tests, NULL, NULL);
}
