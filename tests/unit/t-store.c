/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory: what was synced is read back, and nothing is read twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "store-dir.h"
#include "store/crc32c.h"
#include "store/io.h"

static void checksum_is_crc32c(void **state)
{
	/* the check value of the CRC catalogues */
	assert_int_equal(fwd_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(fwd_crc32c(fwd_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void frame_comes_back(void **state)
{
	struct fwd_frame f = {.seq = 17,
			      .kind = FWD_FRAME_EDIT,
			      .family = FW_IP6,
			      .flags = FW_TX_NOFLUSH | FW_TX_COUNTERS,
			      .table = "mangle",
			      .body = "-A X\n",
			      .len = 5},
			 back;
	struct fw_buf out = FW_BUF_INIT;
	const char *why;

	fwd_frame_write(&f, &out);
	assert_int_equal(fwd_frame_read(out.data, out.len, &back, &why), out.len);
	assert_int_equal(back.seq, 17);
	assert_int_equal(back.kind, FWD_FRAME_EDIT);
	assert_int_equal(back.family, FW_IP6);
	assert_int_equal(back.flags, FW_TX_NOFLUSH | FW_TX_COUNTERS);
	assert_string_equal(back.table, "mangle");
	assert_memory_equal(back.body, "-A X\n", 5);
	/* any changed byte is noticed */
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 1;
		assert_int_equal(fwd_frame_read(out.data, out.len, &back, &why), 0);
		out.data[i] ^= 1;
	}
	/* and any missing tail */
	for (size_t n = 0; n < out.len; n++)
		assert_int_equal(fwd_frame_read(out.data, n, &back, &why), 0);
	fw_buf_deinit(&out);
}

static void empty_then_edits(void **state)
{
	struct fwd_store *s = load_store(*state);

	assert_true(fwd_store_empty(s));
	assert_int_equal(append(s, "a\n"), 0);
	assert_int_equal(append(s, "b\n"), 0);
	sync_store(s);
	assert_false(fwd_store_empty(s));
	fwd_store_close(s);
	assert_stored(*state, "0:1:a\n;0:2:b\n;");
}

static void two_daemons(void **state)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_store *s = open_store(*state), *other = NULL;

	assert_int_equal(fwd_store_open(&other, ((struct dir *)*state)->path, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "in use by another fwd"));
	fwd_store_close(s);
	s = open_store(*state);
	fwd_store_close(s);
}

static void rewind_takes_away(void **state)
{
	struct fwd_store *s = load_store(*state);
	struct fwd_store_mark mark;

	append(s, "a\n");
	mark = fwd_store_mark(s);
	append(s, "b\n");
	append(s, "c\n");
	fwd_store_rewind(s, mark);
	append(s, "d\n");
	leave_store(s);
	assert_stored(*state, "0:1:a\n;0:2:d\n;");
}

static void snapshot_and_newer(void **state)
{
	struct fwd_store *s = load_store(*state);

	append(s, "a\n");
	snapshot(s, "S\n");
	append(s, "b\n");
	leave_store(s);
	assert_stored(*state, "1:1:S\n;4:1:7\n;0:2:b\n;");
}

/* The crash between "new snapshot" and "new journal": the old journal lies beside it. */
static void nothing_twice(void **state)
{
	struct dir *d = *state;
	struct fw_buf journal = FW_BUF_INIT;
	struct fwd_store *s = load_store(d);

	append(s, "a\n");
	append(s, "b\n");
	sync_store(s);
	assert_int_equal(fwd_io_read(d->fd, "journal", &journal), 0);
	snapshot(s, "S\n");
	fwd_store_close(s);
	assert_int_equal(fwd_io_replace(d->fd, "journal", journal.data, journal.len), 0);
	s = load_this(d, "1:2:S\n;4:2:7\n;");
	append(s, "c\n");
	leave_store(s);
	assert_stored(d, "1:2:S\n;4:2:7\n;0:3:c\n;");
	fw_buf_deinit(&journal);
}

/* A snapshot that is written while edits go on into the journal: a start applies each edit once,
 * whichever came first, the snapshot's end or a crash. */
static void snapshot_beside_edits(void **state)
{
	struct dir *d = *state;
	struct fwd_frame f = {.kind = FWD_FRAME_RULES, .body = "S\n", .len = 2};
	struct fwd_store *s = load_store(d);
	struct fwd_store_written w;
	struct fw_err err = FW_ERR_INIT;
	uint64_t before;

	assert_int_equal(append(s, "a\n"), 0);
	assert_int_equal(append(s, "b\n"), 0);
	sync_store(s);
	assert_int_equal(fwd_store_write(s, fwd_store_mark(s), &f, 1, 7, &w), 0);
	assert_int_equal(append(s, "c\n"), 0);
	leave_store(s); /* killed before it was noted */
	s = load_this(d, "1:2:S\n;4:2:7\n;0:3:c\n;");
	assert_int_equal(fwd_store_seq(s), 3);

	assert_int_equal(fwd_store_write(s, fwd_store_mark(s), &f, 1, 8, &w), 0);
	assert_int_equal(append(s, "d\n"), 0);
	before = fwd_store_journal_bytes(s);
	assert_int_equal(fwd_store_written(s, &w, &err), 0); /* d is newer: it alone stays */
	assert_int_equal(fwd_store_journal_bytes(s), before - w.upto.size);
	assert_true(fwd_store_journal_bytes(s) > 0 && w.upto.size > 0);
	assert_int_equal(append(s, "e\n"), 0);
	leave_store(s);
	s = load_this(d, "1:3:S\n;4:3:8\n;0:4:d\n;0:5:e\n;");

	assert_int_equal(fwd_store_write(s, fwd_store_mark(s), &f, 1, 9, &w), 0);
	assert_int_equal(fwd_store_written(s, &w, &err), 0); /* nothing is newer */
	assert_int_equal(fwd_store_journal_bytes(s), 0);
	assert_int_equal(append(s, "f\n"), 0);
	leave_store(s);
	assert_stored(d, "1:5:S\n;4:5:9\n;0:6:f\n;");
}

/* Flows are given out once, and not at all when a byte of them is wrong. */
static void flows_once(void **state)
{
	struct dir *d = *state;
	struct fw_buf text = FW_BUF_INIT, file = FW_BUF_INIT;
	struct fwd_store *s = load_store(d);
	struct fw_err err = FW_ERR_INIT;
	uint64_t wall = 0;
	bool live = true;

	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), -ENOENT);
	fw_buf_str(&text, "a flow\n");
	assert_int_equal(fwd_store_put_flows(s, &text, 99, false, &err), 0);
	assert_int_equal(fwd_io_read(d->fd, "flows", &file), 0);
	fw_buf_reset(&text);
	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), 0);
	assert_string_equal(fw_buf_cstr(&text), "a flow\n");
	assert_int_equal(wall, 99);
	assert_false(live);
	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), -ENOENT);
	assert_int_equal(fwd_store_put_flows(s, &text, 100, true, &err), 0);
	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), 0);
	assert_true(live);
	assert_int_equal(wall, 100);
	assert_int_equal(fwd_store_put_flows(s, &text, 100, true, &err), 0);
	fwd_store_drop_flows(s);
	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), -ENOENT);
	file.data[file.len - 3] ^= 1;
	assert_int_equal(fwd_io_replace(d->fd, "flows", file.data, file.len), 0);
	assert_int_equal(fwd_store_take_flows(s, &text, &wall, &live), -ENOENT);
	fwd_store_close(s);
	fw_buf_deinit(&text);
	fw_buf_deinit(&file);
}

/* A callback that refuses an edit stops the load. */
static int refuse(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	return fw_fail(err, FW_ERR_USAGE, "no");
}

static void refused_edit(void **state)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_store *s = load_store(*state);

	append(s, "a\n");
	leave_store(s);
	s = open_store(*state);
	assert_int_equal(fwd_store_load(s, refuse, NULL, &err), -EINVAL);
	fwd_store_close(s);
	/* nothing was cut off for it */
	assert_stored(*state, "0:1:a\n;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_is_crc32c),
		cmocka_unit_test(frame_comes_back),
		STORE_TEST(empty_then_edits),
		STORE_TEST(two_daemons),
		STORE_TEST(rewind_takes_away),
		STORE_TEST(snapshot_and_newer),
		STORE_TEST(nothing_twice),
		STORE_TEST(flows_once),
		STORE_TEST(snapshot_beside_edits),
		STORE_TEST(refused_edit),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
