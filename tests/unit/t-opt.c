/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option tables: kinds, refusals, printing, and that every extension's table is sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "opt/opt.h"

static void test_numbers(void **state)
{
	uint64_t v, range[2];

	(void)state;
	assert_int_equal(fw_parse_u64("0x10", 0, 99, &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(fw_parse_u64("010", 0, 99, &v), 0);
	assert_int_equal(v, 8);
	assert_int_equal(fw_parse_u64("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(fw_parse_u64("18446744073709551616", 0, UINT64_MAX, &v), -1);
	assert_int_equal(fw_parse_u64("", 0, 99, &v), -1);
	assert_int_equal(fw_parse_u64("-1", 0, 99, &v), -1);
	assert_int_equal(fw_parse_u64("0x", 0, 99, &v), -1);
	assert_int_equal(fw_parse_u64("08", 0, 99, &v), -1);
	assert_int_equal(fw_parse_u64("7x", 0, 99, &v), -1);
	assert_int_equal(fw_parse_u64("100", 0, 99, &v), -1);

	assert_int_equal(fw_parse_range(":", ':', 1, 9, range), 0);
	assert_true(range[0] == 1 && range[1] == 9);
	assert_int_equal(fw_parse_range("3:", ':', 1, 9, range), 0);
	assert_true(range[0] == 3 && range[1] == 9);
	assert_int_equal(fw_parse_range("3", ':', 1, 9, range), 0);
	assert_true(range[0] == 3 && range[1] == 3);
	assert_int_equal(fw_parse_range("4:3", ':', 1, 9, range), -1);
	assert_int_equal(fw_parse_range("3:4:5", ':', 1, 9, range), -1);
	assert_int_equal(fw_parse_range("3:10", ':', 1, 9, range), -1);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *word;
		enum fw_family family;
		const char *want; /* NULL: refused */
	} cases[] = {
		{"10.1.2.3", FW_IP4, "10.1.2.3"}, {"1.2.3", FW_IP4, "1.2.3.0"},
		{"10", FW_IP4, "10.0.0.0"},	  {"010.0x10.0.1", FW_IP4, "8.16.0.1"},
		{"1.2.3.4.5", FW_IP4, NULL},	  {"256.1.1.1", FW_IP4, NULL},
		{"1.2.3.", FW_IP4, NULL},	  {"", FW_IP4, NULL},
		{"fe80::1", FW_IP6, "fe80::1"},	  {"::ffff:1.2.3.4", FW_IP6, "::ffff:1.2.3.4"},
		{"10.1.2.3", FW_IP6, NULL},	  {"fe80::1::2", FW_IP6, NULL},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct fw_buf out = FW_BUF_INIT;
		union fw_addr a;
		int r = fw_parse_addr(cases[i].word, cases[i].family, &a);

		assert_int_equal(r, cases[i].want ? 0 : -1);
		if (!r) {
			fw_print_addr(&a, cases[i].family, &out);
			assert_string_equal(fw_buf_cstr(&out), cases[i].want);
		}
		fw_buf_deinit(&out);
	}
}

static void test_masks(void **state)
{
	static const struct {
		const char *word;
		enum fw_family family;
		bool full;
		const char *want;
	} cases[] = {
		{"24", FW_IP4, false, "/24"},
		{"32", FW_IP4, false, ""},
		{"32", FW_IP4, true, "/32"},
		{"0", FW_IP4, false, "/0"},
		{"255.255.255.0", FW_IP4, false, "/24"},
		{"255.0.255.0", FW_IP4, false, "/255.0.255.0"},
		{"33", FW_IP6, false, "/33"},
		{"128", FW_IP6, false, ""},
		{"ffff::ffff", FW_IP6, true, "/ffff::ffff"},
	};
	union fw_addr mask;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct fw_buf out = FW_BUF_INIT;

		assert_int_equal(fw_parse_mask(cases[i].word, cases[i].family, &mask), 0);
		fw_print_mask(&mask, cases[i].family, cases[i].full, &out);
		assert_string_equal(fw_buf_cstr(&out), cases[i].want);
		fw_buf_deinit(&out);
	}
	assert_int_equal(fw_parse_mask("33", FW_IP4, &mask), -1);
	assert_int_equal(fw_parse_mask("129", FW_IP6, &mask), -1);
}

static void test_quoting(void **state)
{
	static const char *const cases[][2] = {
		{"plain-word_1", "plain-word_1"},     {"two words", "\"two words\""}, {"", "\"\""},
		{"a\"b\\c'd", "\"a\\\"b\\\\c\\'d\""}, {"dot.", "\"dot.\""},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct fw_buf out = FW_BUF_INIT;

		fw_print_quoted(cases[i][0], &out);
		assert_string_equal(fw_buf_cstr(&out), cases[i][1]);
		fw_buf_deinit(&out);
	}
}

static int find_ssh(void *priv, const char *name, const char *proto, uint16_t *ret)
{
	assert_string_equal(proto, "tcp");
	*ret = *(uint16_t *)priv;
	return strcmp(name, "ssh") ? -1 : 0;
}

static void test_service_names(void **state)
{
	uint16_t number = 22;
	struct fw_resolver resolver = {.service = find_ssh, .priv = &number};
	struct extuse u;

	(void)state;
	assert_int_not_equal(extuse_try(&u, "tcp", false, FW_IP4, IPPROTO_TCP, "--dport ssh"), 0);
	assert_int_equal(u.err.code, FW_ERR_NAME);
	assert_string_equal(fw_err_iptables(&u.err), "invalid port/service `ssh' specified");
	u.err.code = FW_ERR_NONE;
	u.ctx.resolver = &resolver;
	assert_int_equal(extuse_take(&u, "--dport ssh:80"), 0);
	extuse_saves(&u, " --dport 22:80");
	extuse_lists(&u, false, " tcp dpts:ssh:http");
	extuse_free(&u);
	assert_string_equal(fw_service_name(53, IPPROTO_UDP), "domain");
	assert_null(fw_service_name(22, IPPROTO_UDP));
	assert_null(fw_service_name(4, IPPROTO_TCP));
}

static void test_refusals(void **state)
{
	static const struct extcase cases[] = {
		{"tcp", "--dport 22 --dport 23", .proto = 6,
		 .error = "tcp: --dport is given twice"},
		{"tcp", "--syn --tcp-flags SYN SYN", .proto = 6,
		 .error = "tcp: --tcp-flags conflicts with --syn"},
		{"comment", "! --comment x", .error = "comment: --comment cannot be negated"},
		{"comment", "", .error = "comment: --comment is missing"},
		{"tcp", "--dport 70000", .proto = 6, .error = "'70000' is not in 0..65535"},
		{"NFQUEUE", "--queue-cpu-fanout", .target = true,
		 .error = "NFQUEUE: --queue-cpu-fanout needs --queue-balance beside it"},
	};

	(void)state;
	extuse_cases(cases, FW_ARRAY_SIZE(cases));
}

static void check_rows(const struct fw_ext *ext)
{
	unsigned int n = 0;

	for (const struct fw_opt *o = ext->opts; o && o->name; o++, n++) {
		assert_true(n < 64);
		assert_ptr_equal(extuse_row(ext, o->name), o);
		assert_true(o->kind < FW_N_OPT_KINDS);
		if (!(o->flags & FW_OPT_HIDDEN))
			assert_non_null(o->help);
		if (fw_opt_words(o))
			assert_non_null(o->arg);
		if (o->kind == FW_OPT_CUSTOM)
			assert_true(o->parse && o->print);
		if (o->kind == FW_OPT_ENUM)
			assert_non_null(o->names);
		assert_true(o->offset <= ext->size);
	}
	for (unsigned int i = 0; i < n; i++)
		assert_true(n == 64 || (ext->opts[i].excludes | ext->opts[i].also) >> n == 0);
}

static void test_every_table(void **state)
{
	size_t n;
	const struct fw_ext *const *list = fw_ext_list(&n);

	(void)state;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		struct fw_buf out = FW_BUF_INIT;
		const struct fw_ext *ext = list[i];
		enum fw_family family = ext->families == 1 << FW_IP6 ? FW_IP6 : FW_IP4;

		assert_true(strlen(ext->name) < FW_NAME_SIZE);
		assert_non_null(ext->summary);
		assert_true(ext->target ? !!ext->run : !!ext->match);
		assert_ptr_equal(fw_ext_find(ext->name, ext->target, family), ext);
		assert_null(fw_ext_unsupported(ext->name, ext->target));
		check_rows(ext);
		fw_ext_help(ext, family, &out);
		assert_non_null(strstr(fw_buf_cstr(&out), ext->name));
		fw_buf_deinit(&out);
	}
}

static void test_find(void **state)
{
	(void)state;
	assert_null(fw_ext_find("icmp", false, FW_IP6));
	assert_non_null(fw_ext_find("icmpv6", false, FW_IP6));
	assert_null(fw_ext_find("tcp", true, FW_IP4));
	assert_null(fw_ext_find("", false, FW_IP4));
	assert_null(fw_ext_find("nope", false, FW_IP4));
	assert_non_null(fw_ext_unsupported("TPROXY", true));
	assert_null(fw_ext_unsupported("TPROXY", false));
	assert_null(fw_ext_unsupported("nope", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	      cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_masks),	      cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_service_names), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_every_table),   cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
