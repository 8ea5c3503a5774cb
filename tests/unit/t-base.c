/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The base floor: buffers, refusals, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/types.h"

static void test_buf_grows(void **state)
{
	struct fw_buf b = FW_BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		fw_buf_fmt(&b, "%d,", i);
	assert_true(fw_buf_ok(&b));
	assert_int_equal(b.len, strlen(fw_buf_cstr(&b)));
	assert_non_null(strstr(fw_buf_cstr(&b), ",998,999,"));
	fw_buf_reset(&b);
	fw_buf_u64(&b, UINT64_MAX);
	assert_string_equal(fw_buf_cstr(&b), "18446744073709551615");
	fw_buf_deinit(&b);
	assert_string_equal(fw_buf_cstr(&b), "");
}

static void test_buf_fmt_longer_than_room(void **state)
{
	struct fw_buf b = FW_BUF_INIT;
	char big[5000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	fw_buf_fmt(&b, "<%s>", big);
	assert_int_equal(b.len, sizeof(big) + 1);
	assert_int_equal(b.data[b.len - 1], '>');
	fw_buf_deinit(&b);
}

static void test_first_error_stays(void **state)
{
	struct fw_err err = FW_ERR_INIT;

	(void)state;
	assert_int_equal(fw_fail(&err, FW_ERR_NO_CHAIN, "no chain '%s'", "a"), -EINVAL);
	fw_fail(&err, FW_ERR_USAGE, "later");
	assert_string_equal(err.msg, "no chain 'a'");
	assert_int_equal(fw_err_exit_code(err.code), 1);
	assert_string_equal(fw_err_iptables(&err), "No chain/target/match by that name.");
	assert_int_equal(fw_fail(NULL, FW_ERR_USAGE, "nobody listens"), -EINVAL);
}

static void test_kinds_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < FW_N_ERR_CODES; i++) {
		assert_non_null(fw_err_code_name((enum fw_err_code)i));
		assert_int_equal(fw_err_code_by_name(fw_err_code_name((enum fw_err_code)i)), i);
	}
}

static void test_table_names(void **state)
{
	enum fw_table_id id;

	(void)state;
	for (int i = 0; i < FW_N_TABLES; i++) {
		assert_int_equal(fw_table_by_name(fw_table_name((enum fw_table_id)i), &id), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(fw_table_by_name("nope", &id), -1);
	assert_int_equal(fw_table_hooks(FW_RAW), FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_OUTPUT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_buf_fmt_longer_than_room),
		cmocka_unit_test(test_first_error_stays),
		cmocka_unit_test(test_kinds_have_names),
		cmocka_unit_test(test_table_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
