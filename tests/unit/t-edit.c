/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits when the world breaks: the kernel refuses the hooks, the disk refuses the data.  In each
 * case nothing of the edit may be left, neither in force nor in the journal.
 *
 * The kernel side is this file; fdatasync(2) passes through it on its way (the linker's --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <errno.h>

#include "edit.h"
#include "fw/text.h"

static struct {
	bool refuse; /* the kernel says no */
	int applied;
	struct fw_plan plan; /* what the hooks are now */
	int sync_errno; /* what the disk says */
	struct fw_counters passed; /* IPv4 packets at OUTPUT that nobody judged */
	bool held; /* the kernel lets nothing pass by itself */
	int collected; /* how often what it did was counted */
	uint64_t withdrawn, paid; /* numbers of withdrawals: so many, all counted of so many */
} world;

void fwd_kernel_settled(struct fwd_kernel *k)
{
}

int fwd_kernel_prepare(struct fwd_kernel *k, const struct fw_ruleset *rs, struct fw_err *err)
{
	return 0;
}

int fwd_kernel_apply(struct fwd_kernel *k, const struct fw_plan *plan, struct fw_err *err)
{
	if (world.refuse) {
		fw_fail(err, FW_ERR_RESOURCE, "the kernel says no");
		return -EPERM;
	}
	assert_true(world.held); /* what it let pass was judged by other rules */
	world.applied++;
	world.plan = *plan;
	return 0;
}

bool fwd_kernel_collect(struct fwd_kernel *k)
{
	world.collected++;
	return false;
}

uint64_t fwd_kernel_withdraw(struct fwd_kernel *k)
{
	world.held = true;
	return world.withdrawn++;
}

bool fwd_kernel_owes(struct fwd_kernel *k, uint64_t number)
{
	return number >= world.paid && number < world.withdrawn;
}

void fwd_kernel_resume(struct fwd_kernel *k)
{
	world.held = false;
}

int fwd_kernel_counted(struct fwd_kernel *k, struct fw_counters ret[FW_N_FAMILIES][FWD_N_COUNTED])
{
	memset(ret, 0, sizeof(struct fw_counters) * FW_N_FAMILIES * FWD_N_COUNTED);
	ret[FW_IP4][FW_OUTPUT] = world.passed;
	world.passed = (struct fw_counters){0};
	return 0;
}

uint64_t fwd_now(void)
{
	return 1000;
}

uint64_t fwd_wall(void)
{
	return 2000;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	if (!world.sync_errno)
		return __real_fdatasync(fd);
	errno = world.sync_errno;
	return -1;
}

struct daemon {
	char dir[64];
	struct fwd_options options;
	struct fwd_core core;
	struct fwd_editor editor;
	int kernel; /* only its address is used */
};

static int nothing(void *priv, const struct fwd_frame *frame, struct fw_err *err)
{
	return 0;
}

static int make(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct fw_err err = FW_ERR_INIT;

	memset(&world, 0, sizeof(world));
	strcpy(d->dir, "/tmp/fwd-edit-XXXXXX");
	if (!mkdtemp(d->dir))
		return -1;
	fwd_options_init(&d->options);
	if (fwd_core_init(&d->core, &d->options, &err))
		return -1;
	d->editor.core = &d->core;
	d->editor.kernel = (struct fwd_kernel *)&d->kernel;
	world.plan = d->core.plan;
	if (fwd_store_open(&d->editor.store, d->dir, &err) ||
	    fwd_store_load(d->editor.store, nothing, NULL, &err))
		return -1;
	*state = d;
	return 0;
}

static int unmake(void **state)
{
	struct daemon *d = *state;
	char command[96];

	d->editor.kernel = NULL; /* nothing is owed any more */
	fwd_edit_tidy(&d->editor);
	fwd_store_close(d->editor.store);
	fwd_core_deinit(&d->core);
	fwd_options_deinit(&d->options);
	snprintf(command, sizeof(command), "rm -r %s", d->dir);
	free(d);
	return system(command) || world.held; /* what was held goes on */
}

static int apply(struct daemon *d, const char *line, struct fw_err *err)
{
	char text[256];
	struct fwd_edit edit = {.flags = FW_TX_NOFLUSH, .text = text};

	*err = (struct fw_err)FW_ERR_INIT;
	edit.len = (size_t)snprintf(text, sizeof(text), "*filter\n%s\nCOMMIT\n", line);
	return fwd_edit_apply(&d->editor, &edit, NULL, err);
}

static void expect_rules(struct daemon *d, const char *want)
{
	struct fw_buf out = FW_BUF_INIT;
	const char *first, *end;

	fw_save(d->core.ruleset, FW_IP4, 0, &out);
	first = strstr(fw_buf_cstr(&out), "-A ");
	end = strstr(fw_buf_cstr(&out), "COMMIT");
	if (!first)
		first = end;
	assert_int_equal(end - first, strlen(want));
	assert_memory_equal(first, want, strlen(want));
	fw_buf_deinit(&out);
}

/* The bodies of a fresh look at the journal. */
static int note(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	if (f->kind == FWD_FRAME_EDIT)
		fw_buf_add(priv, f->body, f->len);
	return 0;
}

static void expect_journal(struct daemon *d, const char *want)
{
	struct fw_err err = FW_ERR_INIT;
	struct fw_buf seen = FW_BUF_INIT;

	fwd_store_close(d->editor.store);
	assert_int_equal(fwd_store_open(&d->editor.store, d->dir, &err), 0);
	assert_int_equal(fwd_store_load(d->editor.store, note, &seen, &err), 0);
	assert_string_equal(fw_buf_cstr(&seen), want);
	fw_buf_deinit(&seen);
}

#define A	   "-A INPUT -s 10.0.0.1/32 -j DROP"
#define B	   "-A OUTPUT -s 10.0.0.2/32 -j DROP"
#define TEXT(line) "*filter\n" line "\nCOMMIT\n"

static void group_is_kept(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	assert_int_equal(apply(d, B, &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	expect_rules(d, A "\n" B "\n");
	expect_journal(d, TEXT(A) TEXT(B));
	assert_true(world.plan.queue[FW_IP4][FW_INPUT]);
	assert_true(world.plan.queue[FW_IP4][FW_OUTPUT]);
}

static void nothing_to_keep(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	/* the table's first mention is a change: save prints it from then on */
	assert_int_equal(apply(d, A, &err), 0);
	assert_int_equal(apply(d, "-L", &err), 0);
	assert_int_equal(apply(d,
			       "-C"
			       " INPUT -s 10.0.0.1/32 -j DROP",
			       &err),
			 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	assert_int_equal(world.applied, 1);
	expect_journal(d, TEXT(A));
}

static void test_changes_nothing(void **state)
{
	struct daemon *d = *state;
	struct fwd_edit edit = {
		.flags = FW_TX_NOFLUSH, .text = TEXT(A), .len = strlen(TEXT(A)), .test = true};
	struct fw_err err = FW_ERR_INIT;

	assert_int_equal(fwd_edit_apply(&d->editor, &edit, NULL, &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	expect_rules(d, "");
	expect_journal(d, "");
}

static void text_refused(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_true(apply(d, A "\n-A NOWHERE", &err) < 0);
	assert_int_equal(err.line, 3);
	expect_rules(d, "");
	expect_journal(d, "");
}

static void kernel_refuses(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	world.refuse = true;
	assert_true(apply(d, B, &err) < 0);
	assert_string_equal(err.msg, "the kernel says no");
	world.refuse = false;
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	expect_rules(d, A "\n");
	expect_journal(d, TEXT(A));
	assert_false(d->core.plan.queue[FW_IP4][FW_OUTPUT]);
	assert_false(world.plan.queue[FW_IP4][FW_OUTPUT]);
}

static void disk_fails_at_commit(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	assert_int_equal(apply(d, B, &err), 0);
	assert_int_equal(apply(d, "-F INPUT", &err), 0);
	expect_rules(d, B "\n");
	world.sync_errno = EIO;
	assert_int_equal(fwd_edit_commit(&d->editor, &err), -EIO);
	/* both edits of the group are gone, their hooks, too */
	expect_rules(d, A "\n");
	assert_false(d->core.plan.queue[FW_IP4][FW_OUTPUT]);
	assert_memory_equal(&world.plan, &d->core.plan, sizeof(world.plan));
	expect_journal(d, TEXT(A));
}

/* Only who looks at counters, or sets them, waits for those that the kernel has. */
static void counts_come_later(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	assert_int_equal(apply(d, "-D INPUT 1", &err), 0);
	assert_int_equal(world.collected, 0);
	assert_int_equal(apply(d, "-Z", &err), 0);
	assert_int_equal(world.collected, 1);
	assert_int_equal(apply(d, "-P INPUT DROP", &err), 0); /* as libiptc has it, zeroes */
	assert_int_equal(world.collected, 2);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
}

static void remove_first(struct daemon *d)
{
	struct fw_err err;

	assert_int_equal(apply(d, "-D INPUT 1", &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
}

/* A rule that is gone stays in memory for as long as packets are owed to it, and no longer. */
static void dead_rules_are_owed(void **state)
{
	static const struct fw_counters late = {.packets = 3, .bytes = 4};
	struct daemon *d = *state;
	struct fwd_editor *e = &d->editor;
	struct fw_rule *first, *second;
	struct fw_err err;

	assert_int_equal(apply(d, A "\n" A "\n" A, &err), 0);
	assert_int_equal(fwd_edit_commit(e, &err), 0);
	first = fw_chain_rule(fw_table_chain(d->core.ruleset->tables[FW_IP4][FW_FILTER], "INPUT"), 1);
	second = fw_chain_rule(fw_table_chain(d->core.ruleset->tables[FW_IP4][FW_FILTER], "INPUT"), 2);
	world.paid = world.withdrawn;
	remove_first(d);
	remove_first(d);
	fw_counters_add(&first->counters, &late);
	fw_counters_add(&second->counters, &late);
	assert_ptr_equal(e->older.rules, first);
	assert_ptr_equal(d->core.graveyard.rules, second);
	world.paid++; /* the first edit's */
	fwd_edit_tidy(e);
	assert_ptr_equal(e->older.rules, second);
	world.paid++;
	fwd_edit_tidy(e);
	assert_null(e->older.rules);
	remove_first(d);
	world.paid = world.withdrawn; /* it stands there no longer than that */
	fwd_edit_tidy(e);
	assert_null(e->older.rules);
	assert_null(d->core.graveyard.rules);
}

/* After a failed sync the journal is replaced, not trusted. */
static void disk_comes_back(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	world.sync_errno = EIO;
	assert_int_equal(fwd_edit_commit(&d->editor, &err), -EIO);
	world.sync_errno = 0;
	assert_true(fwd_store_broken(d->editor.store));
	assert_int_equal(apply(d, B, &err), 0);
	assert_false(fwd_store_broken(d->editor.store));
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	expect_rules(d, B "\n");
	expect_journal(d, TEXT(B));
}

static uint64_t output_policy(struct daemon *d)
{
	return fw_table_chain(d->core.ruleset->tables[FW_IP4][FW_FILTER], "OUTPUT")
		->policy_counters->packets;
}

/* What passed a hook without rules is on its policy, before an edit and before -Z. */
static void unjudged_packets_count(void **state)
{
	struct daemon *d = *state;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	assert_true(world.plan.count[FW_IP4][FW_OUTPUT]);
	assert_false(world.plan.count[FW_IP6][FW_OUTPUT]);
	world.passed = (struct fw_counters){.packets = 3, .bytes = 300};
	assert_int_equal(apply(d, B, &err), 0); /* a rule at OUTPUT */
	assert_int_equal(output_policy(d), 3);
	assert_false(world.plan.count[FW_IP4][FW_OUTPUT]);
	world.passed = (struct fw_counters){.packets = 1, .bytes = 100};
	assert_int_equal(apply(d, "-Z OUTPUT", &err), 0);
	assert_int_equal(output_policy(d), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
}

/* Going back to a snapshot (or to its text): an edit like any other, undone when it fails. */
static void go_back(void **state)
{
	struct daemon *d = *state;
	struct fw_buf text[FW_N_FAMILIES] = {FW_BUF_INIT, FW_BUF_INIT};
	struct fwd_frame frames[FW_N_FAMILIES];
	const struct fw_table *t;
	struct fw_ruleset *before;
	struct fw_err err;

	assert_int_equal(apply(d, A, &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	before = fw_ruleset_ref(d->core.ruleset);
	assert_true(fwd_edit_print_rules(before, FW_SAVE_ALL, frames, text));
	assert_int_equal(apply(d, B "\n-F INPUT", &err), 0);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);

	world.refuse = true;
	assert_true(fwd_edit_go_back(&d->editor, frames, before, &err) < 0);
	world.refuse = false;
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	expect_rules(d, B "\n");
	expect_journal(d, TEXT(A) TEXT(B "\n-F INPUT"));
	world.sync_errno = EIO;
	assert_int_equal(fwd_edit_go_back(&d->editor, frames, before, &err), 0);
	expect_rules(d, A "\n");
	assert_int_equal(fwd_edit_commit(&d->editor, &err), -EIO);
	expect_rules(d, B "\n");
	world.sync_errno = 0;
	assert_int_equal(fwd_edit_snapshot(&d->editor, &err), 0);

	assert_int_equal(fwd_edit_go_back(&d->editor, frames, NULL, &err), 0); /* by text */
	t = d->core.ruleset->tables[FW_IP4][FW_FILTER];
	assert_int_equal(fw_table_chain(t, "INPUT")->n_rules, 1);
	assert_int_equal(t->n_rules, 1);
	assert_ptr_not_equal(d->core.ruleset, before);
	assert_int_equal(apply(d, B, &err), 0);
	assert_int_equal(fwd_edit_go_back(&d->editor, frames, before, &err), 0);
	assert_ptr_equal(d->core.ruleset, before);
	assert_true(d->editor.compact);
	assert_int_equal(fwd_edit_commit(&d->editor, &err), 0);
	assert_false(world.plan.queue[FW_IP4][FW_OUTPUT]);
	assert_memory_equal(&world.plan, &d->core.plan, sizeof(world.plan));
	fwd_edit_forget(&d->editor, before);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		fw_buf_deinit(&text[f]);
}

#define EDIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDIT_TEST(group_is_kept),
		EDIT_TEST(nothing_to_keep),
		EDIT_TEST(test_changes_nothing),
		EDIT_TEST(text_refused),
		EDIT_TEST(kernel_refuses),
		EDIT_TEST(disk_fails_at_commit),
		EDIT_TEST(disk_comes_back),
		EDIT_TEST(counts_come_later),
		EDIT_TEST(dead_rules_are_owed),
		EDIT_TEST(unjudged_packets_count),
		EDIT_TEST(go_back),
	};

	return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
