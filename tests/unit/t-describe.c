/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet described in words: what the engine then sees of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "describe.h"

static struct fw_err err;

static int describe(struct ctl_packet *p, const char *text)
{
	err = (struct fw_err)FW_ERR_INIT;
	return ctl_describe(p, FW_IP4, 1, &text, NULL, NULL, &err);
}

static void expect(const char *text, const char *summary)
{
	struct fw_buf out = FW_BUF_INIT;
	struct ctl_packet p;
	struct fw_packet pkt;

	assert_int_equal(describe(&p, text), 0);
	assert_int_equal(fw_packet_parse(&pkt, p.family, p.data, p.cap_len, p.len, &p.meta), 0);
	ctl_packet_summary(&pkt, &out);
	assert_string_equal(fw_buf_cstr(&out), summary);
	fw_buf_deinit(&out);
}

static void test_summaries(void **state)
{
	expect("in eth0 tcp 203.0.113.9:4000 -> 10.0.0.5:22 syn",
	       "tcp 203.0.113.9:4000 -> 10.0.0.5:22 syn len 40");
	expect("udp 10.0.0.1:53 to 10.0.0.2:1024 len 500",
	       "udp 10.0.0.1:53 -> 10.0.0.2:1024 len 500");
	expect("tcp [2001:db8::1]:1 [2001:db8::2]:2 syn ack",
	       "tcp [2001:db8::1]:1 -> [2001:db8::2]:2 syn ack len 60");
	expect("10.0.0.1 10.0.0.2", "icmp 10.0.0.1 -> 10.0.0.2 type 8 code 0 len 28");
	expect("icmp 10.0.0.1 10.0.0.2 type 3 code 1",
	       "icmp 10.0.0.1 -> 10.0.0.2 type 3 code 1 len 28");
	expect("fe80::1 to fe80::2", "icmpv6 fe80::1 -> fe80::2 type 128 code 0 len 48");
	expect("10.0.0.1:5 to 10.0.0.2:6", "tcp 10.0.0.1:5 -> 10.0.0.2:6 len 40");
	expect("proto 99 10.0.0.1 10.0.0.2", "proto 99 10.0.0.1 -> 10.0.0.2 len 28");
	expect("tcp dport 22", "tcp 192.0.2.1:0 -> 198.51.100.1:22 len 40");
}

static void test_meta(void **state)
{
	struct ctl_packet p;
	enum fw_hook path[FW_N_HOOKS];

	assert_int_equal(describe(&p, "in eth0 out eth1 udp 10.0.0.1:1 10.0.0.2:2 mark 0x10 uid 7 "
				      "mac 00:11:22:33:44:55 state established"), 0);
	assert_string_equal(p.meta.in_name, "eth0");
	assert_string_equal(p.meta.out_name, "eth1");
	assert_int_equal(p.meta.mark, 16);
	assert_true(p.meta.has_uid && p.meta.uid == 7);
	assert_true(p.meta.has_mac && p.meta.mac[5] == 0x55);
	assert_int_equal(p.meta.ctinfo, FW_CT_ESTABLISHED);
	assert_int_equal(ctl_packet_path(&p, path), 3);
	assert_int_equal(path[1], FW_FORWARD);
	assert_int_equal(describe(&p, "out lo 10.0.0.1 10.0.0.2"), 0);
	assert_int_equal(ctl_packet_path(&p, path), 2);
	assert_int_equal(path[0], FW_OUTPUT);
	assert_int_equal(describe(&p, "hook forward 10.0.0.1 10.0.0.2"), 0);
	assert_int_equal(ctl_packet_path(&p, path), 1);
	assert_int_equal(path[0], FW_FORWARD);
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"tcp 10.0.0.1:99999 10.0.0.2:1", "tcp 10.0.0.1 10.0.0.2 10.0.0.3",
		"tcp 10.0.0.1 fe80::1",		 "in",
		"in aaaaaaaaaaaaaaaa",		 "ttl 256",
		"state maybe",			 "hook nowhere",
		"udp syn",			 "icmp 10.0.0.1:1 10.0.0.2",
		"tcp [::1 ::2",			 "nonsense",
		"mac 1:2:3",			 "tcp 10.0.0.1:4000 - 10.0.0.5:22",
	};
	struct ctl_packet p;

	for (size_t i = 0; i < FW_ARRAY_SIZE(wrong); i++) {
		assert_true(describe(&p, wrong[i]) < 0);
		assert_int_equal(err.code, FW_ERR_USAGE);
		assert_string_not_equal(err.msg, "");
	}
	assert_non_null(strstr(err.hint, "quote"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summaries),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
