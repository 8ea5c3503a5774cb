/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out, at every place where a transaction asks for some: it must be refused as a
 * whole, leave the ruleset as it was, and give back all it took.  The linker puts the functions
 * below between the engine and libc (--wrap, see meson.build).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "fw/text.h"
#include "fw/tx.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static long left = -1; /* allocations that still succeed; -1: all */
static long live;      /* allocations that were not freed */

static bool enough(void)
{
	if (left > 0)
		left--;
	else if (!left)
		return false;
	return true;
}

static void *count(void *p)
{
	live += p != NULL;
	return p;
}

void *__wrap_malloc(size_t n)
{
	return enough() ? count(__real_malloc(n)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return enough() ? count(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
	if (!enough())
		return NULL;
	return p ? __real_realloc(p, n) : count(__real_realloc(p, n));
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return enough() ? count(__real_aligned_alloc(align, n)) : NULL;
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

static const char *const texts[] = {
	"*filter\n:INPUT DROP [1:2]\n:foo - [0:0]\n:bar - [0:0]\n"
	"-A INPUT -s 1.1.1.1,2.2.2.2,3.3.3.3 -d 4.4.4.4,5.5.5.5 -p tcp --dport 22 -j foo\n"
	"-A foo -g bar\n-A bar -m limit -m comment --comment x -j LOG\nCOMMIT\n"
	"*mangle\n-A INPUT -j ACCEPT\nCOMMIT\n",
	"*filter\n-I INPUT 2 -j DROP\n-D INPUT 1\n-R INPUT 1 -j foo\n-E foo fuu\n-Z\n-P INPUT ACCEPT\n"
	"-N new\n-A new -j fuu\n-L\n-S\n-C INPUT -j fuu\n-F bar\n-A INPUT -s 9.9.9.9\nCOMMIT\n",
	"*filter\n-F\n-X\nCOMMIT\n",
};

/* 0 and *rs replaced, or the error with *rs as it was. */
static int apply(struct fw_ruleset **rs, const char *text, struct fw_err *err)
{
	struct fw_buf out = FW_BUF_INIT;
	struct fw_tx *tx = fw_tx_new(*rs, NULL);
	int r = tx ? fw_tx_apply(tx, FW_IP4, text, strlen(text), FW_TX_NOFLUSH | FW_TX_COUNTERS,
				 NULL, NULL, &out, err)
		   : -ENOMEM;

	if (!r)
		r = fw_tx_prepare(tx, err);
	if (!r) {
		struct fw_ruleset *next = fw_tx_publish(tx);

		fw_tx_set_counters(tx, NULL, NULL);
		fw_ruleset_unref(*rs, NULL);
		*rs = next;
	}
	fw_tx_free(tx);
	fw_buf_deinit(&out);
	return r;
}

static void save(const struct fw_ruleset *rs, struct fw_buf *out)
{
	fw_buf_reset(out);
	fw_save(rs, FW_IP4, FW_SAVE_COUNTERS, out);
	assert_true(fw_buf_ok(out));
}

/* One text, with the n-th allocation and all after it failing, for each n. */
static void starve(struct fw_ruleset **rs, const char *text)
{
	struct fw_buf before = FW_BUF_INIT, after = FW_BUF_INIT;
	long at_start;
	int r = -ENOMEM;

	save(*rs, &before);
	save(*rs, &after);
	at_start = live;
	for (long n = 0; r; n++) {
		struct fw_err err = FW_ERR_INIT;

		assert_true(n < 10000);
		left = n;
		r = apply(rs, text, &err);
		left = -1;
		if (!r)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(live, at_start);
		save(*rs, &after);
		assert_string_equal(fw_buf_cstr(&before), fw_buf_cstr(&after));
	}
	fw_buf_deinit(&before);
	fw_buf_deinit(&after);
}

static void test_transactions(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(texts); i++)
		starve(&rs, texts[i]);
	fw_ruleset_unref(rs, NULL);
	assert_int_equal(live, 0);
}

static void test_new(void **state)
{
	struct fw_ruleset *rs = NULL;

	(void)state;
	for (long n = 0; !rs; n++) {
		left = n;
		rs = fw_ruleset_new();
		left = -1;
		if (!rs)
			assert_int_equal(live, 0);
	}
	fw_ruleset_unref(rs, NULL);
	assert_int_equal(live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_transactions),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
