/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language where golden files do not reach: splitting, what a parsed command holds, columns,
 * the generic match, and the printers' numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "fw/text.h"
#include "fw/tx.h"
#include "pkt.h"

static int split(char *line, const char **words, uint32_t *columns)
{
	struct fw_err err = FW_ERR_INIT;

	return fw_split(line, words, columns, 8, &err);
}

static void test_split(void **state)
{
	const char *w[8];
	uint32_t c[8];
	char plain[] = "  -A INPUT\t-j  ACCEPT ",
	     quoted[] = "a \"b c\" d\"e f\" \"\" \"q\\\"\\\\\"x";
	char open[] = "a \"b", many[] = "1 2 3 4 5 6 7 8 9", empty[] = " ", lone[] = "x";

	(void)state;
	assert_int_equal(split(plain, w, c), 4);
	assert_string_equal(w[1], "INPUT");
	assert_string_equal(w[3], "ACCEPT");
	assert_int_equal(c[0], 3);
	assert_int_equal(c[3], 16);
	assert_int_equal(split(quoted, w, c), 6);
	assert_string_equal(w[1], "b c");
	assert_string_equal(w[2], "de f");
	assert_string_equal(w[3], "");
	assert_string_equal(w[4], "q\"\\");
	assert_string_equal(w[5], "x");
	assert_int_equal(c[2], 9);
	assert_int_equal(split(open, w, c), -EINVAL);
	assert_int_equal(split(many, w, c), -EINVAL);
	assert_int_equal(split(empty, w, c), 0);
	assert_int_equal(split(lone, w, c), 1);
}

/* The [p:b] before a command stays a word. */
static void test_split_counters(void **state)
{
	char line[] = "[1:2] -A INPUT";
	const char *w[8];
	uint32_t c[8];

	(void)state;
	assert_int_equal(split(line, w, c), 3);
	assert_string_equal(w[0], "[1:2]");
	assert_int_equal(c[1], 7);
}

static void parse(struct fw_cmd *cmd, enum fw_family family, char *line)
{
	struct fw_err err = FW_ERR_INIT;
	const char *words[64];
	uint32_t columns[64];
	int n = fw_split(line, words, columns, 64, &err);

	assert_int_equal(fw_cmd_parse(cmd, family, (size_t)n, words, columns, false, NULL, &err),
			 0);
}

static void test_command(void **state)
{
	char line[] =
		"-t nat -vvI POSTROUTING 3 -s 10.0.0.0/8,192.168.0.0/16 ! -o eth+ -c 7 8 -g there";
	struct fw_cmd cmd;

	(void)state;
	parse(&cmd, FW_IP4, line);
	assert_int_equal(cmd.op, FW_CMD_INSERT);
	assert_int_equal(cmd.table, FW_NAT);
	assert_true(cmd.table_given);
	assert_int_equal(cmd.verbose, 2);
	assert_int_equal(cmd.number, 3);
	assert_string_equal(cmd.chain, "POSTROUTING");
	assert_string_equal(cmd.target, "there");
	assert_int_equal(cmd.n_rules, 2);
	assert_int_equal(cmd.counters.packets, 7);
	assert_int_equal(cmd.rules[1]->verdict, FW_GOTO);
	assert_int_equal(cmd.rules[1]->gen.src.u8[0], 192);
	assert_int_equal(cmd.rules[1]->gen.out_cmp, 3);
	assert_int_equal(cmd.rules[1]->gen.inv, FW_INV_OUT);
	fw_cmd_deinit(&cmd);
}

static void test_help_and_version(void **state)
{
	char help[] = "-p tcp -m limit -j LOG --help", version[] = "-nV", proto[] = "-p icmp -h";
	struct fw_cmd cmd;

	(void)state;
	parse(&cmd, FW_IP4, help);
	assert_int_equal(cmd.op, FW_CMD_HELP);
	assert_int_equal(cmd.n_help, 2);
	fw_cmd_deinit(&cmd);
	parse(&cmd, FW_IP4, proto);
	assert_int_equal(cmd.n_help, 1);
	assert_string_equal(cmd.help_ext[0]->name, "icmp");
	parse(&cmd, FW_IP4, version);
	assert_int_equal(cmd.op, FW_CMD_VERSION);
}

/* Without columns: as if joined by single spaces. */
static void test_columns(void **state)
{
	const char *const words[] = {"-A", "INPUT", "-s", "1.2.3.4/99"};
	struct fw_err err = FW_ERR_INIT;
	struct fw_cmd cmd;

	(void)state;
	assert_int_equal(fw_cmd_parse(&cmd, FW_IP4, 4, words, NULL, false, NULL, &err), -EINVAL);
	assert_int_equal(err.column, 21);
	assert_int_equal(err.length, 2);
	assert_int_equal(err.line, 0);
}

/* Nothing that a client types may become two lines, or another line, of restore text. */
static void test_no_injection(void **state)
{
	static const char *const rows[][6] = {
		{"-A", "INPUT", "-m", "comment", "--comment", "x\nCOMMIT"},
		{"-F", "a\nCOMMIT"},
		{"-F", "a b"},
		{"-A", "INPUT", "-i", "e h"},
		{"-F--x"},
		{"-P", "INPUT", "a b"},
		{"-E", "a", "b c"},
		{"-A", "INPUT", "-j", "a\"b"},
		{"-L", ""},
	};
	struct fw_cmd cmd;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct fw_err err = FW_ERR_INIT;
		size_t n = 0;

		while (n < 6 && rows[i][n])
			n++;
		assert_int_equal(fw_cmd_parse(&cmd, FW_IP4, n, rows[i], NULL, false, NULL, &err),
				 -EINVAL);
	}
}

static void test_other_family(void **state)
{
	static const char text[] = "*filter\n-4 -A INPUT -s 1.2.3.4\n-6 -A INPUT -s ::1\nCOMMIT\n";
	struct fw_ruleset *base = fw_ruleset_new(), *rs;
	struct fw_tx *tx = fw_tx_new(base, NULL);
	struct fw_buf out = FW_BUF_INIT;

	(void)state;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		assert_int_equal(fw_tx_apply(tx, f, text, strlen(text), 0, NULL, NULL, NULL, NULL),
				 0);
	assert_int_equal(fw_tx_prepare(tx, NULL), 0);
	rs = fw_tx_publish(tx);
	fw_tx_set_counters(tx, NULL, NULL);
	fw_tx_free(tx);
	fw_save(rs, FW_IP4, 0, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "[0:0]\n-A INPUT -s 1.2.3.4/32\nCOMMIT"));
	fw_buf_reset(&out);
	fw_save(rs, FW_IP6, 0, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "[0:0]\n-A INPUT -s ::1/128\nCOMMIT"));
	fw_buf_deinit(&out);
	fw_ruleset_unref(rs, NULL);
	fw_ruleset_unref(base, NULL);
}

/* restore -T: what belongs to other tables is not even read. */
static void test_only(void **state)
{
	static const char text[] = "*nat\nrubbish\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n";
	struct fw_ruleset *base = fw_ruleset_new();
	struct fw_tx *tx = fw_tx_new(base, NULL);

	(void)state;
	assert_int_equal(fw_tx_apply(tx, FW_IP4, text, strlen(text), 0, "filter", NULL, NULL, NULL),
			 0);
	assert_int_not_equal(
		fw_tx_apply(tx, FW_IP4, text, strlen(text), 0, "nat", NULL, NULL, NULL), 0);
	fw_tx_free(tx);
	fw_ruleset_unref(base, NULL);
}

/* Does a rule's generic part match the packet? */
static bool matches(enum fw_family family, const char *words, struct pkt *p)
{
	struct fw_packet view;
	struct fw_cmd cmd;
	char line[256] = "-A FORWARD ";
	bool ret;

	strncat(line, words, sizeof(line) - 20);
	parse(&cmd, family, line);
	pkt_view(p, &view);
	ret = fw_generic_match(&cmd.rules[0]->gen, &view);
	fw_cmd_deinit(&cmd);
	return ret;
}

/* Help is the command line's; what stands beside it in a text must not be taken for a rule. */
static void test_no_help_in_a_text(void **state)
{
	static const char *const lines[] = {"-h", "-V", "-A INPUT -h", "-N c -j nowhere -h",
					    "-D c -j nowhere -p tcp -h"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(lines); i++) {
		struct fw_ruleset *rs = fw_ruleset_new();
		struct fw_tx *tx = fw_tx_new(rs, NULL);
		struct fw_err err = FW_ERR_INIT;

		snprintf(text, sizeof(text), "*filter\n%s\nCOMMIT\n", lines[i]);
		assert_int_equal(
			fw_tx_apply(tx, FW_IP4, text, strlen(text), 0, NULL, NULL, NULL, &err),
			-EINVAL);
		assert_non_null(strstr(err.msg, "cannot ask for help"));
		assert_int_equal(err.line, 2);
		fw_tx_free(tx);
		fw_ruleset_unref(rs, NULL);
	}
}

static void test_match4(void **state)
{
	static const struct {
		const char *words;
		bool want;
	} rows[] = {
		{"", true},
		{"-s 10.0.0.1", true},
		{"-s 10.0.0.2", false},
		{"! -s 10.0.0.2", true},
		{"-s 10.0.0.0/8", true},
		{"! -d 10.0.0.0/8", true},
		{"-d 192.0.2.0/255.255.255.0", true},
		{"-i eth0", true},
		{"-i eth", false},
		{"-i eth+", true},
		{"-i et+", true},
		{"! -i eth+", false},
		{"-i +", true},
		{"! -i +", false},
		{"-i eth00", false},
		{"-o ppp1", true},
		{"! -o ppp1", false},
		{"-p tcp", true},
		{"-p udp", false},
		{"! -p udp", true},
		{"! -p tcp", false},
		{"-f", false},
		{"! -f", true},
		{"-s 10.0.0.1 -d 192.0.2.7 -i eth0 -o ppp+ -p tcp", true},
	};
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_at(&p, FW_FORWARD, "eth0", "ppp1");
	pkt_ip4(&p, "10.0.0.1", "192.0.2.7", IPPROTO_TCP);
	pkt_tcp(&p, 1, 2, PKT_SYN);
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++)
		if (matches(FW_IP4, rows[i].words, &p) != rows[i].want)
			fail_msg("%s", rows[i].words);
	pkt_ip4(&p, "10.0.0.1", "192.0.2.7", IPPROTO_TCP);
	pkt_frag4(&p, 1480, true);
	pkt_grow(&p, 40);
	assert_true(matches(FW_IP4, "-f -p tcp", &p));
	assert_false(matches(FW_IP4, "! -f", &p));
}

static void test_match6(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct fw_generic g = {.proto = IPPROTO_UDP};

	(void)state;
	pkt_at(&p, FW_FORWARD, "eth0", "eth1");
	pkt_ip6(&p, "2001:db8::1", "2001:db8:1::2", IPPROTO_UDP);
	pkt_ext6(&p, IPPROTO_DSTOPTS, 8);
	pkt_udp(&p, 1, 2);
	assert_true(matches(FW_IP6, "-p udp -s 2001:db8::/48 -d 2001:db8:1::/48", &p));
	assert_false(matches(FW_IP6, "-p 60", &p));
	assert_true(matches(FW_IP6, "! -p 60 ! -s 2001:db8:1::/48", &p));
	/* The chain of headers does not end in the packet: no -p matches, and the kernel drops. */
	pkt_view(&p, &view);
	view.has_proto = false;
	assert_false(fw_generic_match(&g, &view));
	assert_true(fw_generic_hotdrop(&g, &view));
	g.inv = FW_INV_PROTO;
	assert_false(fw_generic_match(&g, &view));
	g.src.u8[0] = 1;
	memset(&g.src_mask, 0xff, sizeof(g.src_mask));
	assert_false(fw_generic_hotdrop(&g, &view));
}

static void list_line(const struct fw_ruleset *rs, unsigned int flags, struct fw_buf *out)
{
	struct fw_list_opts opts = {.flags = flags, .chain = "INPUT", .number = 1};

	fw_buf_reset(out);
	assert_int_equal(fw_list_table(rs->tables[FW_IP4][FW_FILTER], &opts, out, NULL), 0);
}

static void test_units(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{0, "    0 "},
		{99999, "99999 "},
		{100000, " 100K "},
		{123456, " 123K "},
		{9999499, "9999K "},
		{9999500, "  10M "},
		{99999999999ull, " 100G "},
		{5000000000000000ull, "5000T "},
	};
	struct fw_ruleset *base = fw_ruleset_new(), *rs;
	struct fw_tx *tx = fw_tx_new(base, NULL);
	struct fw_buf out = FW_BUF_INIT;

	(void)state;
	assert_int_equal(fw_tx_apply(tx, FW_IP4, "*filter\n-A INPUT\nCOMMIT\n", 24, 0, NULL, NULL,
				     NULL, NULL),
			 0);
	assert_int_equal(fw_tx_prepare(tx, NULL), 0);
	rs = fw_tx_publish(tx);
	fw_tx_set_counters(tx, NULL, NULL);
	fw_tx_free(tx);
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		fw_chain_rule(fw_table_chain(rs->tables[FW_IP4][FW_FILTER], "INPUT"), 1)
			->counters.packets = rows[i].value;
		list_line(rs, FW_CMD_F_VERBOSE | FW_CMD_F_NUMERIC, &out);
		assert_memory_equal(fw_buf_cstr(&out), rows[i].text, 6);
	}
	list_line(rs, FW_CMD_F_VERBOSE | FW_CMD_F_NUMERIC | FW_CMD_F_EXACT, &out);
	assert_memory_equal(fw_buf_cstr(&out), "5000000000000000        0 ", 26);
	fw_buf_deinit(&out);
	fw_ruleset_unref(rs, NULL);
	fw_ruleset_unref(base, NULL);
}

static void test_limits(void **state)
{
	struct fw_ruleset *base = fw_ruleset_new();
	struct fw_tx *tx = fw_tx_new(base, NULL);
	struct fw_err err = FW_ERR_INIT;
	struct fw_buf text = FW_BUF_INIT;

	(void)state;
	fw_buf_str(&text, "*filter\n-A INPUT");
	for (int i = 0; i < 65; i++)
		fw_buf_str(&text, " -m comment --comment x");
	fw_buf_str(&text, "\nCOMMIT\n");
	assert_int_equal(fw_tx_apply(tx, FW_IP4, text.data, text.len, 0, NULL, NULL, NULL, &err),
			 -EINVAL);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	fw_tx_free(tx);
	tx = fw_tx_new(base, NULL);
	err = (struct fw_err)FW_ERR_INIT;
	fw_buf_reset(&text);
	fw_buf_str(&text, "*filter\n-A INPUT -s ");
	for (int i = 0; i < 70000; i++)
		fw_buf_str(&text, "x");
	fw_buf_str(&text, "\nCOMMIT\n");
	assert_int_equal(fw_tx_apply(tx, FW_IP4, text.data, text.len, 0, NULL, NULL, NULL, &err),
			 -EINVAL);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	assert_int_equal(err.line, 2);
	fw_tx_free(tx);
	fw_buf_deinit(&text);
	fw_ruleset_unref(base, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_counters),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_no_injection),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_no_help_in_a_text),
		cmocka_unit_test(test_match4),
		cmocka_unit_test(test_match6),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
