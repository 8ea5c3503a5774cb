/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where chains and rules may stand: depth, reach, what hooks need, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "edits.h"

static void test_depth(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_buf text = FW_BUF_INIT;
	struct fw_err err;

	(void)state;
	fw_buf_str(&text, "*filter\n");
	for (int i = 0; i <= FW_MAX_DEPTH + 1; i++)
		fw_buf_fmt(&text, ":c%d - [0:0]\n", i);
	for (int i = 0; i <= FW_MAX_DEPTH; i++)
		fw_buf_fmt(&text, "-A c%d -j c%d\n", i, i + 1);
	fw_buf_str(&text, "-A INPUT -j c2\nCOMMIT\n");
	assert_int_equal(edit_env(&rs, &pure, 0, fw_buf_cstr(&text), &err), FW_ERR_NONE);
	assert_int_equal(rs->tables[FW_IP4][FW_FILTER]->depth, FW_MAX_DEPTH);
	assert_int_equal(edit(&rs, "-A INPUT -j c1\n"), FW_ERR_LOOP);
	/* a goto takes the place of its chain */
	assert_int_equal(edit(&rs, "-A INPUT -g c2\n-D INPUT -j c2\n"), FW_ERR_NONE);
	assert_int_equal(rs->tables[FW_IP4][FW_FILTER]->depth, FW_MAX_DEPTH - 1);
	fw_buf_deinit(&text);
	fw_ruleset_unref(rs, NULL);
}

static void test_reach_and_needs(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_needs needs;

	(void)state;
	assert_int_equal(edit(&rs, "-N a\n-N b\n-A a -j b\n-A INPUT -j a\n-A FORWARD -j b\n"),
			 FW_ERR_NONE);
	assert_int_equal(chain(rs, "a")->reach, FW_HOOK_BIT(FW_INPUT));
	assert_int_equal(chain(rs, "b")->reach, FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD));
	assert_int_equal(edit(&rs, "-D FORWARD 1\n-P OUTPUT DROP\n"), FW_ERR_NONE);
	assert_int_equal(chain(rs, "b")->reach, FW_HOOK_BIT(FW_INPUT));
	fw_ruleset_needs(rs, &needs);
	assert_true(needs.hook[FW_IP4][FW_INPUT] && needs.hook[FW_IP4][FW_OUTPUT]);
	assert_false(needs.hook[FW_IP4][FW_FORWARD] || needs.hook[FW_IP6][FW_INPUT]);
	assert_false(needs.track[FW_IP4]);
	assert_int_equal(edit(&rs, "-A b -m state --state NEW\n"), FW_ERR_NONE);
	fw_ruleset_needs(rs, &needs);
	assert_true(needs.track[FW_IP4] && !needs.track[FW_IP6]);
	assert_int_equal(edit(&rs, "-F b\n"), FW_ERR_NONE);
	fw_ruleset_needs(rs, &needs);
	assert_false(needs.track[FW_IP4]);
	fw_ruleset_unref(rs, NULL);
}

static void test_queue_skips_nothing(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_err err;

	(void)state;
	assert_int_equal(edit_env(&rs, &pure, 0,
				  "*mangle\n-A INPUT -j NFQUEUE --queue-num 3\nCOMMIT\n", &err),
			 0);
	assert_int_equal(edit(&rs, "-A OUTPUT -j ACCEPT\n"), FW_ERR_NONE);
	assert_int_equal(edit(&rs, "-A INPUT -j ACCEPT\n"), FW_ERR_PLACE);
	assert_int_equal(edit(&rs, "-P INPUT DROP\n"), FW_ERR_PLACE);
	assert_int_equal(edit_env(&rs, &pure, 0, "*mangle\nCOMMIT\n", &err), FW_ERR_NONE);
	assert_int_equal(edit(&rs, "-P INPUT DROP\n-N q\n-A q -j NFQUEUE\n-A INPUT -j q\n"),
			 FW_ERR_NONE);
	assert_int_equal(edit_env(&rs, &pure, 0, "*nat\n-A INPUT -j ACCEPT\nCOMMIT\n", &err),
			 FW_ERR_PLACE);
	assert_non_null(strstr(err.msg, "skip the rules of table nat"));
	fw_ruleset_unref(rs, NULL);
}

static void test_reserved(void **state)
{
	const struct fw_tx_env env = {
		.own_queue_first = 64000, .own_queue_n = 2, .mark_reserved = 0xfff00000};
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_err err;

	(void)state;
	assert_int_equal(edit_env(&rs, &env, 0,
				  "*filter\n-A INPUT -j NFQUEUE --queue-num 63999\nCOMMIT\n", &err),
			 0);
	assert_int_not_equal(edit_env(&rs, &env, 0,
				      "*filter\n-A INPUT -j NFQUEUE --queue-num 64001\nCOMMIT\n",
				      &err),
			     0);
	assert_int_equal(err.line, 2);
	assert_int_not_equal(edit_env(&rs, &env, 0,
				      "*mangle\n-A INPUT -j MARK --set-mark 0x100000\nCOMMIT\n",
				      &err),
			     0);
	fw_ruleset_unref(rs, NULL);
}

static void test_hook_tables(void **state)
{
	const enum fw_table_id *order;

	(void)state;
	assert_int_equal(fw_hook_tables(FW_OUTPUT, &order), 5);
	assert_int_equal(order[0], FW_RAW);
	assert_int_equal(order[3], FW_FILTER);
	for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
		size_t n = fw_hook_tables((enum fw_hook)h, &order);
		unsigned int seen = 0;

		for (size_t i = 0; i < n; i++)
			seen |= FW_TABLE_BIT(order[i]);
		for (unsigned int t = 0; t < FW_N_TABLES; t++)
			assert_int_equal(!!(fw_table_hooks(t) & FW_HOOK_BIT(h)),
					 !!(seen & FW_TABLE_BIT(t)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_reach_and_needs),
		cmocka_unit_test(test_queue_skips_nothing),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_hook_tables),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
