/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's pure parts: call names, replies, what is said of a refusal, captures. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "ctl.h"
#include "drop.h"
#include "pcap.h"
#include "reply.h"
#include "say.h"

static void test_names(void **state)
{
	static const struct {
		const char *argv0, *prog;
		enum ctl_role role;
		bool drop_in, nft;
		enum fw_family family;
	} cases[] = {
		{"fwctl", "fwctl", CTL_ROLE_TABLES, false, false, FW_IP4},
		{"/usr/bin/fwctl", "fwctl", CTL_ROLE_TABLES, false, false, FW_IP4},
		{"iptables", "iptables", CTL_ROLE_TABLES, true, false, FW_IP4},
		{"/sbin/iptables-legacy", "iptables", CTL_ROLE_TABLES, true, false, FW_IP4},
		{"iptables-nft", "iptables", CTL_ROLE_TABLES, true, true, FW_IP4},
		{"iptables-save", "iptables-save", CTL_ROLE_SAVE, true, false, FW_IP4},
		{"iptables-legacy-save", "iptables-save", CTL_ROLE_SAVE, true, false, FW_IP4},
		{"iptables-nft-save", "iptables-save", CTL_ROLE_SAVE, true, true, FW_IP4},
		{"iptables-restore", "iptables-restore", CTL_ROLE_RESTORE, true, false, FW_IP4},
		{"iptables-legacy-restore", "iptables-restore", CTL_ROLE_RESTORE, true, false, FW_IP4},
		{"iptables-nft-restore", "iptables-restore", CTL_ROLE_RESTORE, true, true, FW_IP4},
		{"ip6tables", "ip6tables", CTL_ROLE_TABLES, true, false, FW_IP6},
		{"ip6tables-legacy", "ip6tables", CTL_ROLE_TABLES, true, false, FW_IP6},
		{"ip6tables-nft", "ip6tables", CTL_ROLE_TABLES, true, true, FW_IP6},
		{"ip6tables-save", "ip6tables-save", CTL_ROLE_SAVE, true, false, FW_IP6},
		{"ip6tables-legacy-save", "ip6tables-save", CTL_ROLE_SAVE, true, false, FW_IP6},
		{"ip6tables-nft-save", "ip6tables-save", CTL_ROLE_SAVE, true, true, FW_IP6},
		{"ip6tables-restore", "ip6tables-restore", CTL_ROLE_RESTORE, true, false, FW_IP6},
		{"ip6tables-legacy-restore", "ip6tables-restore", CTL_ROLE_RESTORE, true, false, FW_IP6},
		{"ip6tables-nft-restore", "ip6tables-restore", CTL_ROLE_RESTORE, true, true, FW_IP6},
		{"iptables-xml", "fwctl", CTL_ROLE_TABLES, false, false, FW_IP4},
		{"iptables-apply", "fwctl", CTL_ROLE_TABLES, false, false, FW_IP4},
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct ctl ctl = {.family = FW_IP4};

		ctl_name(&ctl, cases[i].argv0);
		assert_string_equal(ctl.prog, cases[i].prog);
		assert_int_equal(ctl.role, cases[i].role);
		assert_int_equal(ctl.drop_in, cases[i].drop_in);
		assert_int_equal(ctl.nft, cases[i].nft);
		assert_int_equal(ctl.family, cases[i].family);
	}
}

static int parse(struct ctl_reply *reply, const char *raw)
{
	*reply = (struct ctl_reply)CTL_REPLY_INIT;
	fw_buf_str(&reply->raw, raw);
	return ctl_reply_parse(reply);
}

static void test_reply_ok(void **state)
{
	struct ctl_reply r;

	assert_int_equal(parse(&r, "ok\n"), 0);
	assert_int_equal(r.len, 0);
	ctl_reply_deinit(&r);
	assert_int_equal(parse(&r, "ok"), 0);
	ctl_reply_deinit(&r);
	assert_int_equal(parse(&r, "ok\n*filter\nCOMMIT\n"), 0);
	assert_int_equal(r.len, 15);
	assert_memory_equal(r.body, "*filter\nCOMMIT\n", 15);
	ctl_reply_deinit(&r);
}

static void test_reply_error(void **state)
{
	struct ctl_reply r;

	assert_true(parse(&r, "error 12:7 chain 'x' does not exist\nhint make it: -N x\n"
			      "code no-chain\nlength 4\nwords No chain/target/match by that name.\n"
			      "future whatever\n") < 0);
	assert_int_equal(r.err.code, FW_ERR_NO_CHAIN);
	assert_int_equal(r.err.line, 12);
	assert_int_equal(r.err.column, 7);
	assert_int_equal(r.err.length, 4);
	assert_string_equal(r.err.msg, "chain 'x' does not exist");
	assert_string_equal(r.err.hint, "make it: -N x");
	assert_string_equal(r.err.words, "No chain/target/match by that name.");
	ctl_reply_deinit(&r);
	assert_true(parse(&r, "error 0:0 \n") < 0);
	assert_int_equal(r.err.line, 0);
	assert_string_equal(r.err.msg, "");
	ctl_reply_deinit(&r);
	assert_true(parse(&r, "error no place given") < 0);
	assert_string_equal(r.err.msg, "no place given");
	ctl_reply_deinit(&r);
}

static void test_reply_junk(void **state)
{
	static const char *const junk[] = {"", "HTTP/1.1 400\n", "okay\n", "err"};
	struct ctl_reply r;

	for (size_t i = 0; i < FW_ARRAY_SIZE(junk); i++) {
		assert_true(parse(&r, junk[i]) < 0);
		assert_int_equal(r.err.code, FW_ERR_RESOURCE);
		ctl_reply_deinit(&r);
	}
}

static void expect_text(const char *argv0, const struct fw_err *err, const char *text,
			const char *wanted)
{
	struct ctl ctl = {.family = FW_IP4};
	struct fw_buf out = FW_BUF_INIT;

	ctl_name(&ctl, argv0);
	ctl_format_text(&ctl, err, "rules.v4", text, strlen(text), &out);
	assert_string_equal(fw_buf_cstr(&out), wanted);
	fw_buf_deinit(&out);
}

static void test_say_text(void **state)
{
	const char *text = "*filter\n-A INPUT -p tcp --dport 70000 -j ACCEPT\nCOMMIT\n";
	struct fw_err err = FW_ERR_INIT;

	fw_fail(&err, FW_ERR_USAGE, "tcp: --dport: '70000' is not in 0..65535");
	fw_err_words(&err, "invalid port/service `70000' specified");
	fw_err_hint(&err, "ports end at 65535");
	fw_err_at(&err, 2, 25, 5);
	expect_text("fwctl", &err, text,
		    "rules.v4:2:25: tcp: --dport: '70000' is not in 0..65535\n"
		    "  -A INPUT -p tcp --dport 70000 -j ACCEPT\n"
		    "                          ^~~~~\n"
		    "hint: ports end at 65535\n");
	expect_text("iptables-restore", &err, text,
		    "iptables-restore v1.8.9 (legacy): invalid port/service `70000' specified\n"
		    "Error occurred at line: 2\n"
		    "Try `iptables-restore -h' or 'iptables-restore --help' for more information.\n");
}

static void test_say_restore(void **state)
{
	struct fw_err err = FW_ERR_INIT, commit = FW_ERR_INIT, policy = FW_ERR_INIT;
	struct fw_err exists = FW_ERR_INIT, table = FW_ERR_INIT;
	const char *twice = "*filter\n:foo - [0:0]\n:foo - [0:0]\nCOMMIT\n";

	fw_fail(&err, FW_ERR_NO_CHAIN, "no chain");
	fw_err_at(&err, 2, 4, 3);
	expect_text("ip6tables-restore", &err, "*filter\n-A foo -j ACCEPT\nCOMMIT\n",
		    "ip6tables-restore: line 2 failed\n");
	fw_fail(&commit, FW_ERR_COMMIT, "no COMMIT");
	fw_err_at(&commit, 3, 1, 0);
	expect_text("iptables-restore", &commit, "*filter\n:INPUT ACCEPT [0:0]\n",
		    "iptables-restore: COMMIT expected at line 3\n");
	fw_fail(&policy, FW_ERR_BAD_POLICY, "bad");
	fw_err_words(&policy, "Can't set policy `FOO' on `INPUT' line 2: Bad policy name");
	fw_err_at(&policy, 2, 8, 3);
	expect_text("iptables-restore", &policy, "*filter\n:INPUT FOO\nCOMMIT\n",
		    "iptables-restore v1.8.9 (legacy): Can't set policy `FOO' on `INPUT' line 2: "
		    "Bad policy name\n");
	fw_fail(&exists, FW_ERR_USAGE, "exists");
	fw_err_words(&exists, "error creating chain 'foo':File exists");
	fw_err_at(&exists, 3, 2, 3);
	expect_text("iptables-restore", &exists, twice,
		    "iptables-restore v1.8.9 (legacy): error creating chain 'foo':File exists\n"
		    "Error occurred at line: 3\n"
		    "Try `iptables-restore -h' or 'iptables-restore --help' for more information.\n");
	fw_fail(&table, FW_ERR_NO_TABLE, "no table");
	fw_err_words(&table, "unable to initialize table 'nope'");
	fw_err_at(&table, 1, 2, 4);
	expect_text("iptables-restore", &table, "*nope\nCOMMIT\n",
		    "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table "
		    "'nope'\nError occurred at line: 1\n"
		    "Try `iptables-restore -h' or 'iptables-restore --help' for more information.\n");
	assert_int_equal(ctl_drop_exit_code(&table, true), 2);
	assert_int_equal(ctl_drop_exit_code(&table, false), 3);
	assert_int_equal(ctl_drop_exit_code(&err, true), 1);
}

static void test_say_cmd(void **state)
{
	char *argv[] = {(char *)"-A", (char *)"INPUT", (char *)"--comment", (char *)"it's",
			(char *)"-j", (char *)"nope"};
	struct ctl ctl = {.family = FW_IP4, .argc = 6, .argv = argv};
	const char *sent = "*filter\n-A INPUT -m comment --comment it's -j nope\nCOMMIT\n";
	struct fw_err err = FW_ERR_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct ctl_typed typed;

	ctl_name(&ctl, "fwctl");
	assert_int_equal(ctl_typed_init(&typed, &ctl), 0);
	assert_string_equal(fw_buf_cstr(&typed.line), "fwctl -A INPUT --comment 'it'\\''s' -j nope");
	fw_fail(&err, FW_ERR_NO_EXT, "there is no chain or target 'nope'");
	fw_err_words(&err, "Couldn't load target `nope':No such file or directory");
	fw_err_at(&err, 2, (uint32_t)(strstr(sent, "nope") - strchr(sent, '\n')), 4);
	ctl_typed_place(&typed, &ctl, sent, strlen(sent), &err);
	ctl_format_cmd(&ctl, &err, &typed, &out);
	assert_string_equal(fw_buf_cstr(&out), "fwctl: there is no chain or target 'nope'\n"
					       "  fwctl -A INPUT --comment 'it'\\''s' -j nope\n"
					       "                                        ^~~~\n");
	fw_buf_reset(&out);
	ctl_name(&ctl, "iptables");
	ctl_format_cmd(&ctl, &err, &typed, &out);
	assert_string_equal(fw_buf_cstr(&out),
			    "iptables v1.8.9 (legacy): Couldn't load target `nope':No such file or "
			    "directory\n\nTry `iptables -h' or 'iptables --help' for more "
			    "information.\n");
	fw_buf_deinit(&out);
	ctl_typed_deinit(&typed);
}

static void test_text_line(void **state)
{
	const char *text = "one\n\nthree";
	size_t len;

	assert_memory_equal(ctl_text_line(text, 10, 1, &len), "one", 3);
	assert_int_equal(len, 3);
	ctl_text_line(text, 10, 2, &len);
	assert_int_equal(len, 0);
	assert_memory_equal(ctl_text_line(text, 10, 3, &len), "three", 5);
	assert_int_equal(len, 5);
	ctl_text_line(text, 10, 4, &len);
	assert_int_equal(len, 0);
}

static void test_pcap(void **state)
{
	/* big-endian, microseconds, Ethernet: an ARP packet, then IPv4 behind a VLAN tag */
	uint8_t file[24 + 16 + 42 + 16 + 38] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4};
	uint8_t *arp = file + 24, *ip = arp + 16 + 42;
	struct fw_err err = FW_ERR_INIT;
	struct ctl_pcap_packet pkt;
	struct ctl_pcap f;

	file[23] = 1;
	arp[11] = arp[15] = 42;
	arp[16 + 12] = 0x08;
	arp[16 + 13] = 0x06;
	ip[3] = 7;
	ip[11] = ip[15] = 38;
	ip[16 + 6] = 2;
	ip[16 + 12] = 0x81;
	ip[16 + 16] = 0x08;
	ip[16 + 18] = 0x45;
	assert_int_equal(ctl_pcap_open(&f, file, sizeof(file), &err), 0);
	assert_int_equal(ctl_pcap_next(&f, &pkt), 1);
	assert_int_equal(pkt.family, FW_IP4);
	assert_int_equal(pkt.len, 20);
	assert_int_equal(pkt.time_ns, 7 * FW_NSEC_PER_SEC);
	assert_true(pkt.has_mac && pkt.mac[0] == 2);
	assert_ptr_equal(pkt.data, ip + 16 + 18);
	assert_int_equal(ctl_pcap_next(&f, &pkt), 0);
	assert_int_equal(ctl_pcap_open(&f, file, sizeof(file) - 1, &err), 0);
	assert_int_equal(ctl_pcap_next(&f, &pkt), 0);
	file[0] = 0;
	assert_true(ctl_pcap_open(&f, file, sizeof(file), &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_reply_ok),
		cmocka_unit_test(test_reply_error), cmocka_unit_test(test_reply_junk),
		cmocka_unit_test(test_say_text),   cmocka_unit_test(test_say_restore),
		cmocka_unit_test(test_say_cmd),	   cmocka_unit_test(test_text_line),
		cmocka_unit_test(test_pcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
