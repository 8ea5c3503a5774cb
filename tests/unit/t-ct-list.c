/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows as text: lists for people, and what is kept over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "ct-packets.h"
#include "track/track.h"

static size_t count_lines(const struct fw_buf *b)
{
	size_t n = 0;

	for (const char *c = fw_buf_cstr(b); *c; c++)
		n += *c == '\n';
	return n;
}

/* Copies are printed like the flows themselves. */
static void list_copies(struct fw_ct *ct, const struct fw_buf *listed)
{
	struct fw_ct_copies *copies = fw_ct_copies_new(64);
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;

	assert_non_null(copies);
	do {
		fw_ct_copy(ct, &cursor, NULL, 0, copies);
		fw_ct_copies_list(copies, FW_CT_TEXT, &out);
	} while (cursor);
	assert_string_equal(fw_buf_cstr(&out), fw_buf_cstr(listed));
	fw_buf_deinit(&out);
	fw_ct_copies_free(copies);
}

static void dump_copies(struct fw_ct *ct, uint64_t now, const struct fw_buf *dumped)
{
	struct fw_ct_copies *copies = fw_ct_copies_new(10);
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;

	assert_non_null(copies);
	fw_ct_copy(ct, &cursor, NULL, now, copies);
	assert_int_equal(cursor, 0);
	fw_ct_copies_dump(copies, &out);
	assert_string_equal(fw_buf_cstr(&out), fw_buf_cstr(dumped));
	fw_buf_deinit(&out);
	fw_ct_copies_free(copies);
}

static void test_list_text(void **state)
{
	struct tcp_words w = tcp_from(CLIENT, TH_SYN, 100, 0);
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct = fresh();
	uint64_t cursor = 0;
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	say(ct, &b, 0);
	make_icmp(&b, CLIENT, SERVER, 8, 77);
	say(ct, &b, 0);
	fw_ct_list(ct, &cursor, 100, NULL, 1 * SEC, FW_CT_TEXT, &out);
	assert_int_equal(cursor, 0);
	assert_string_equal(
		fw_buf_cstr(&out),
		"tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 "
		"[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1\n"
		"icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] "
		"src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 use=1\n");
	fw_buf_reset(&out);
	fw_ct_list(ct, &cursor, 1, NULL, 1 * SEC, FW_CT_JSON, &out);
	assert_string_equal(
		fw_buf_cstr(&out),
		"{\"family\":\"ipv4\",\"protocol\":6,\"name\":\"tcp\",\"expires\":119,"
		"\"state\":\"SYN_SENT\",\"orig\":{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\","
		"\"sport\":1000,\"dport\":80},\"reply\":{\"src\":\"10.0.0.2\",\"dst\":"
		"\"10.0.0.1\",\"sport\":80,\"dport\":1000},\"replied\":false,\"assured\":false,"
		"\"expected\":false,\"snat\":false,\"dnat\":false,\"mark\":0,\"zone\":0}\n");
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

static void test_list_slices_and_filters(void **state)
{
	struct fw_ct_filter f = FW_CT_FILTER_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct = fresh();
	uint64_t cursor = 0;
	size_t slices = 0;
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		make_nth(&b, n, false);
		say(ct, &b, 0);
	}
	do {
		fw_ct_list(ct, &cursor, 64, NULL, 0, FW_CT_TEXT, &out);
		slices++;
	} while (cursor);
	assert_int_equal(count_lines(&out), 2000);
	list_copies(ct, &out);
	assert_in_range(slices, 2000 / 64, 2000 / 64 + 2);
	f.sport = 1029;
	fw_buf_reset(&out);
	fw_ct_list(ct, &cursor, 1000, &f, 0, FW_CT_TEXT, &out);
	assert_int_equal(cursor, 0);
	assert_int_equal(count_lines(&out), 1);
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0, NULL, NULL), 1);
	f.sport = -1;
	f.proto = 6;
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0, NULL, NULL), 0);
	f.proto = 17;
	f.state = "ESTABLISHED";
	assert_int_equal(fw_ct_delete(ct, &cursor, 1000, &f, 0, NULL, NULL), 0);
	cursor = 0;
	assert_int_equal(fw_ct_delete(ct, &cursor, SIZE_MAX, NULL, 0, NULL, NULL), 1999);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

static void open_tcp(struct fw_ct *ct, uint64_t now)
{
	struct tcp_words syn = tcp_from(CLIENT, TH_SYN, 100, 0);
	struct tcp_words synack = tcp_from(SERVER, TH_SYN | TH_ACK, 500, 101);
	struct tcp_words ack = tcp_from(CLIENT, TH_ACK, 101, 501);
	struct bytes b;

	make_tcp(&b, &syn);
	say(ct, &b, now);
	make_tcp(&b, &synack);
	say(ct, &b, now);
	make_tcp(&b, &ack);
	assert_int_equal(say(ct, &b, now), FW_CT_ESTABLISHED);
}

static void test_dump_and_load(void **state)
{
	struct tcp_words w = tcp_from(SERVER, TH_ACK, 501, 101);
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf first = FW_BUF_INIT, second = FW_BUF_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fw_ct *ct, *next = fresh();
	uint64_t cursor = 0;
	struct bytes q, a;
	struct heard h;

	(void)state;
	config.acct = true;
	config.seed[0] = 5;
	ct = fw_ct_new(&config);
	open_tcp(ct, 1000 * SEC);
	make_question(&q, &a);
	fw_flow_set_mark(pass_packet(ct, &q, 1000 * SEC).flow, 0xabc);
	say(ct, &a, 1001 * SEC);
	ip6(&q, CLIENT, SERVER, 58, 40)[0] = 128;
	say(ct, &q, 1000 * SEC);
	do
		fw_ct_dump(ct, &cursor, 2, 1001 * SEC, &first);
	while (cursor);
	assert_int_equal(count_lines(&first), 3);
	dump_copies(ct, 1001 * SEC, &first);
	/* into a machine that has just started: its clock is below the flows' ages */
	assert_int_equal(fw_ct_load(next, first.data, first.len, 2 * SEC, &err), 0);
	assert_int_equal(fw_ct_load(next, first.data, first.len, 2 * SEC, &err),
			 0); /* known: left */
	assert_int_equal(fw_ct_stats(next)->flows, 3);
	make_tcp(&q, &w);
	assert_int_equal(say(next, &q, 3 * SEC), FW_CT_ESTABLISHED_REPLY);
	w.seq = 900000;
	make_tcp(&q, &w);
	assert_int_equal(say(next, &q, 3 * SEC), FW_CT_INVALID); /* the window came along */
	h = pass_packet(next, &a, 4 * SEC); /* a stream since 1002, which is 3 here */
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_mark(h.flow), 0xabc);
	assert_int_equal(fw_flow_expires_s(h.flow, 4 * SEC), 120);
	assert_int_equal(fw_flow_expires_s(h.flow, 4 * SEC + MSEC), 120); /* at a later hook */
	assert_int_equal(fw_flow_expires_s(h.flow, 4 * SEC + 5 * MSEC), 119);
	fw_ct_free(next);
	/* text → flows → text is the same, counters too */
	next = fw_ct_new(&config);
	assert_int_equal(fw_ct_load(next, first.data, first.len, 7 * SEC, &err), 0);
	fw_ct_dump(next, &cursor, 100, 7 * SEC, &second);
	assert_string_equal(fw_buf_cstr(&first), fw_buf_cstr(&second));
	/* a long way off: what has expired meanwhile does not come */
	fw_ct_free(next);
	next = fresh();
	assert_int_equal(fw_ct_load(next, first.data, first.len, -(int64_t)(600 * SEC), &err), 0);
	assert_int_equal(fw_ct_stats(next)->flows, 1);
	fw_buf_deinit(&first);
	fw_buf_deinit(&second);
	fw_ct_free(ct);
	fw_ct_free(next);
}

/* A crash's flows: the peers have sent megabytes since they were saved. */
static void test_load_old(void **state)
{
	struct tcp_words data = tcp_from(CLIENT, TH_ACK, 7000101, 900501);
	struct tcp_words answer = tcp_from(SERVER, TH_ACK, 900501, 7000101);
	struct fw_ct *ct = fresh(), *exact = fresh(), *old = fresh();
	struct fw_buf text = FW_BUF_INIT;
	uint64_t cursor = 0;
	struct bytes b;

	(void)state;
	open_tcp(ct, 1000 * SEC);
	fw_ct_dump(ct, &cursor, 100, 1001 * SEC, &text);
	assert_int_equal(fw_ct_load(exact, text.data, text.len, 1001 * SEC, NULL), 0);
	assert_int_equal(fw_ct_load_old(old, text.data, text.len, 1001 * SEC, NULL), 0);
	make_tcp(&b, &data);
	assert_int_equal(say(exact, &b, 1020 * SEC), FW_CT_INVALID);
	assert_int_equal(say(old, &b, 1020 * SEC), FW_CT_ESTABLISHED);
	make_tcp(&b, &answer);
	assert_int_equal(say(old, &b, 1020 * SEC), FW_CT_ESTABLISHED_REPLY);
	fw_buf_deinit(&text);
	fw_ct_free(ct);
	fw_ct_free(exact);
	fw_ct_free(old);
}

static void test_load_refuses_garbage(void **state)
{
	static const char good[] = "4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0";
	static const char *const bad[] = {
		"x",
		"4 17",
		"5 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 :",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0",
		"4 17 10.0.0.1 ::1 1 2 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 65536 0 8 0 1000 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 0 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 30 0 1000 : 0 0", /* NAT */
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 99999999999999 : 0 0",
		"4 17 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 1 2 3 : 0 0",
		"4 6 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : a 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
		"0",
		"4 6 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 3 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
		"0",
		"4 132 10.0.0.1 10.0.0.2 1 2 0 8 0 1000 : 9 0 0 0 0 0 0",
	};
	struct fw_err err = FW_ERR_INIT;
	struct fw_ct *ct = fresh();

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++)
		assert_int_equal(fw_ct_load(ct, bad[i], strlen(bad[i]), SEC, NULL), -EINVAL);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(fw_ct_load(ct, "\n\nx\n", 4, SEC, &err), -EINVAL);
	assert_int_equal(err.line, 3);
	assert_int_equal(fw_ct_load(ct, good, strlen(good), SEC, NULL), 0);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_text),
		cmocka_unit_test(test_list_slices_and_filters),
		cmocka_unit_test(test_dump_and_load),
		cmocka_unit_test(test_load_old),
		cmocka_unit_test(test_load_refuses_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
