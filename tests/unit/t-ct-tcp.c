/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP in the tracker: conversations as tables, one row a segment, with what must be said of it.
 * The rows follow net/netfilter/nf_conntrack_proto_tcp.c; tests/e2e/ct-oracle.py checks the same
 * against a kernel with random conversations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/track.h"

#define F TH_FIN
#define S TH_SYN
#define R TH_RST
#define A TH_ACK

enum { C, D }; /* who sends: client or daemon */

struct row {
	uint64_t at_ms;
	int from;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t win;
	uint32_t len;
	enum fw_ctinfo say;
	const char *state; /* after it; NULL: no flow */
	const uint8_t *opts;
	uint32_t opts_len;
};

#define NEW   FW_CT_NEW
#define EST   FW_CT_ESTABLISHED
#define REPLY FW_CT_ESTABLISHED_REPLY
#define INV   FW_CT_INVALID

static const uint8_t scale7_sack[] = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 0, 0};
#define OPTS .opts = scale7_sack, .opts_len = sizeof(scale7_sack)

static struct fw_ct *tcp_tracker(bool loose, bool liberal)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	config.tcp_loose = loose;
	config.tcp_be_liberal = liberal;
	config.seed[0] = 42;
	return fw_ct_new(&config);
}

static const char *state_now(struct fw_ct *ct, uint64_t now)
{
	struct fw_tuple t = {.src = {.u8 = {10, 0, 0, 1}}, .dst = {.u8 = {10, 0, 0, 2}}, .proto = 6};
	struct fw_flow *flow;
	enum fw_ct_dir dir;
	struct ct_key key;

	put16((uint8_t *)&t.sport_be, 1000);
	put16((uint8_t *)&t.dport_be, 80);
	ct_key_make(ct, &t, &key);
	flow = ct_find(ct, &key, now, false, &dir);
	return flow ? ct_tcp_state_name(flow->u.tcp.state) : NULL;
}

static void say_rows(struct fw_ct *ct, const struct row *rows, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct tcp_words w = {.src = r->from == C ? 1 : 2, .dst = r->from == C ? 2 : 1,
				      .sport = r->from == C ? 1000 : 80,
				      .dport = r->from == C ? 80 : 1000, .flags = r->flags,
				      .seq = r->seq, .ack = r->ack, .win = r->win, .len = r->len,
				      .opts = r->opts, .opts_len = r->opts_len};
		const char *state;
		struct heard h;
		struct bytes b;

		make_tcp(&b, &w);
		h = pass_packet(ct, &b, r->at_ms * MSEC);
		state = state_now(ct, r->at_ms * MSEC);
		if (h.ctinfo != r->say || !state != !r->state || (state && strcmp(state, r->state) != 0))
			fail_msg("%s, row %zu: said %d, want %d; state %s, want %s", what, i + 1,
				 (int)h.ctinfo, (int)r->say, state ? state : "none",
				 r->state ? r->state : "none");
	}
}

#define TALK(name, ...)                                                             \
	static void name(void **state)                                              \
	{                                                                           \
		static const struct row rows[] = {__VA_ARGS__};                     \
		struct fw_ct *ct = tcp_tracker(true, false);                              \
		(void)state;                                                        \
		say_rows(ct, rows, FW_ARRAY_SIZE(rows), #name);                     \
		fw_ct_free(ct);                                                     \
	}

/* A client's connection up to ESTABLISHED: 1000/5000 were the first numbers. */
#define HANDSHAKE                                                     \
	{0, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT", OPTS},           \
	{10, D, S | A, 5000, 1001, 1000, 0, REPLY, "SYN_RECV", OPTS}, \
	{20, C, A, 1001, 5001, 100, 0, EST, "ESTABLISHED"}

TALK(test_handshake_and_close, HANDSHAKE,
	{30, C, A, 1001, 5001, 100, 100, EST, "ESTABLISHED"},
	{40, D, A, 5001, 1101, 100, 200, REPLY, "ESTABLISHED"},
	{50, C, F | A, 1101, 5201, 100, 0, EST, "FIN_WAIT"},
	{60, D, A, 5201, 1102, 100, 0, REPLY, "CLOSE_WAIT"},
	{70, D, A, 5201, 1102, 100, 50, REPLY, "CLOSE_WAIT"}, /* half closed: still talks */
	{80, D, F | A, 5251, 1102, 100, 0, REPLY, "LAST_ACK"},
	{90, C, A, 1102, 5252, 100, 0, EST, "TIME_WAIT"},
	{95, C, A, 1102, 5252, 100, 0, EST, "TIME_WAIT"},
	{95 + 119999, C, A, 1102, 5252, 100, 0, EST, "TIME_WAIT"})

TALK(test_repeats, {0, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"},
	{1000, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"},
	{1010, D, S | A, 5000, 1001, 1000, 0, REPLY, "SYN_RECV"},
	{1020, D, S | A, 5000, 1001, 1000, 0, REPLY, "SYN_RECV"},
	{1030, C, S, 1000, 0, 1000, 0, EST, "SYN_RECV"},
	{1040, D, A, 5001, 1001, 1000, 0, REPLY, "SYN_RECV"},
	{1050, C, A, 1001, 5001, 1000, 0, EST, "ESTABLISHED"})

TALK(test_simultaneous_open, {0, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"},
	{5, D, S, 5000, 0, 1000, 0, REPLY, "SYN_SENT2"},
	{10, C, S | A, 1000, 5001, 1000, 0, EST, "SYN_RECV"},
	{15, D, S | A, 5000, 1001, 1000, 0, REPLY, "SYN_RECV"},
	{20, D, A, 5001, 1001, 1000, 0, REPLY, "ESTABLISHED"},
	{25, C, A, 1001, 5001, 1000, 10, EST, "ESTABLISHED"})

TALK(test_refused, {0, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"},
	{5, D, R | A, 0, 1001, 0, 0, REPLY, NULL},
	{10, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"})

TALK(test_not_first, {0, C, S | A, 1000, 1, 1000, 0, INV, NULL}, {1, C, F | A, 1000, 1, 1000, 0, INV, NULL},
	{2, C, R, 1000, 1, 1000, 0, INV, NULL}, {3, C, 0, 1000, 1, 1000, 0, INV, NULL},
	{4, C, S | F, 1000, 1, 1000, 0, INV, NULL}, {5, C, S | R, 1000, 1, 1000, 0, INV, NULL},
	{6, C, A | 0xc8, 1000, 1, 1000, 0, NEW, "ESTABLISHED"}) /* PSH, ECE, CWR do not matter */

TALK(test_out_of_window, HANDSHAKE,
	{30, C, A, 900000, 5001, 100, 10, INV, "ESTABLISHED"},
	{40, C, A, 1001, 900000, 100, 10, INV, "ESTABLISHED"}, /* acknowledges what was never sent */
	{50, D, A, 5001, 1001, 100, 10, REPLY, "ESTABLISHED"},
	{60, C, A, 1001 - 200000, 5011, 100, 10, EST, "ESTABLISHED"}, /* old: ignored, let pass */
	{70, D, R, 900000, 0, 0, 0, INV, "ESTABLISHED"})

TALK(test_syn_on_live_connection, HANDSHAKE,
	{30, C, S, 70000, 0, 1000, 0, EST, "ESTABLISHED"}, /* let pass: may be right */
	{40, D, A, 5001, 1001, 100, 0, REPLY, "ESTABLISHED"}, /* challenged */
	{50, C, R, 1001, 0, 0, 0, EST, "CLOSE"}) /* the client had forgotten it */

TALK(test_syn_answered_resyncs, HANDSHAKE,
	{30, C, S, 70000, 0, 1000, 0, EST, "ESTABLISHED", OPTS},
	{40, D, S | A, 90000, 70001, 1000, 0, REPLY, "SYN_RECV", OPTS},
	{50, C, A, 70001, 90001, 100, 0, EST, "ESTABLISHED"},
	{60, C, A, 70001, 90001, 100, 100, EST, "ESTABLISHED"})

TALK(test_reset, HANDSHAKE, {30, D, R | A, 5001, 1001, 0, 0, REPLY, "CLOSE"},
	{40, D, R | A, 5001, 1001, 0, 0, REPLY, "CLOSE"},
	{9000, D, R | A, 5001, 1001, 0, 0, REPLY, "CLOSE"},
	{20000, C, A, 1001, 5001, 0, 0, NEW, "ESTABLISHED"}) /* 10 s after: gone, picked up anew */

TALK(test_reset_number, HANDSHAKE, {30, C, A, 1001, 5001, 100, 10, EST, "ESTABLISHED"},
	{40, D, A, 5001, 1011, 100, 0, REPLY, "ESTABLISHED"},
	{50, D, R, 4000, 0, 0, 0, INV, "ESTABLISHED"}, /* behind what was acknowledged */
	{60, D, R, 5050, 0, 0, 0, REPLY, "ESTABLISHED"}, /* in the window, not exact: a challenge */
	{70, D, R, 5001, 0, 0, 0, REPLY, "CLOSE"})

TALK(test_reopen_time_wait, HANDSHAKE, {30, C, F | A, 1001, 5001, 100, 0, EST, "FIN_WAIT"},
	{40, D, F | A, 5001, 1002, 100, 0, REPLY, "LAST_ACK"},
	{50, C, A, 1002, 5002, 100, 0, EST, "TIME_WAIT"},
	{60, C, S, 80000, 0, 1000, 0, NEW, "SYN_SENT"})

TALK(test_reopen_after_own_reset, HANDSHAKE, {30, C, R | A, 1001, 5001, 100, 0, EST, "CLOSE"},
	{60, C, S, 80000, 0, 1000, 0, NEW, "SYN_SENT"})

TALK(test_reopen_after_peers_reset, HANDSHAKE, {30, D, R | A, 5001, 1001, 100, 0, REPLY, "CLOSE"},
	{60, C, S, 80000, 0, 1000, 0, EST, "CLOSE"}, /* not ours to decide: wait for the answer */
	{70, D, S | A, 90000, 80001, 1000, 0, REPLY, "SYN_RECV"},
	{80, C, A, 80001, 90001, 1000, 0, EST, "ESTABLISHED"})

TALK(test_reply_side_reopens, HANDSHAKE, {30, C, F | A, 1001, 5001, 100, 0, EST, "FIN_WAIT"},
	{40, D, F | A, 5001, 1002, 100, 0, REPLY, "LAST_ACK"},
	{50, C, A, 1002, 5002, 100, 0, EST, "TIME_WAIT"},
	{60, D, S, 80000, 0, 1000, 0, NEW, "SYN_SENT"}) /* roles are swapped: another flow */

TALK(test_challenge_ack_in_last_ack, HANDSHAKE, {30, C, F | A, 1001, 5001, 100, 0, EST, "FIN_WAIT"},
	{40, D, F | A, 5001, 1002, 100, 0, REPLY, "LAST_ACK"},
	{50, C, S, 80000, 0, 1000, 0, EST, "LAST_ACK"},
	{60, D, A, 5002, 1002, 100, 0, REPLY, "LAST_ACK"}, /* challenges the SYN */
	{70, D, A, 5002, 1002, 100, 0, REPLY, "TIME_WAIT"})

TALK(test_midstream, {0, C, A, 1001, 5001, 10, 100, NEW, "ESTABLISHED"},
	{10, D, A, 5001, 1101, 10, 60000, REPLY, "ESTABLISHED"},
	{20, C, A, 1101, 65001, 10, 100, EST, "ESTABLISHED"},
	{30, C, A, 500000, 65001, 10, 100, EST, "ESTABLISHED"}) /* scale unknown: liberal */

TALK(test_half_open, {0, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"},
	{10, D, A, 77777, 88888, 1000, 0, REPLY, "SYN_SENT"}, /* it still holds an old connection */
	{20, C, R, 88888, 0, 0, 0, EST, "CLOSE"},
	{30, C, S, 1000, 0, 1000, 0, NEW, "SYN_SENT"})

static void test_strict_about_midstream(void **state)
{
	static const struct row rows[] = {{0, C, A, 1001, 5001, 10, 100, INV, NULL}};
	struct fw_ct *ct = tcp_tracker(false, false);

	(void)state;
	say_rows(ct, rows, 1, "not loose");
	fw_ct_free(ct);
}

static void test_liberal(void **state)
{
	static const struct row rows[] = {
		HANDSHAKE,
		{30, C, A, 900000, 5001, 100, 10, EST, "ESTABLISHED"},
		{40, D, R, 4000, 0, 0, 0, INV, "ESTABLISHED"}, /* resets are still checked */
	};
	struct fw_ct *ct = tcp_tracker(true, true);

	(void)state;
	say_rows(ct, rows, FW_ARRAY_SIZE(rows), "liberal");
	fw_ct_free(ct);
}

/* Selective acknowledgements count for what may be sent. */
static void test_sack_widens(void **state)
{
	static const uint8_t sack[] = {1, 1, 5, 10, 0, 0, 0x07, 0xd0, 0, 0, 0x0b, 0xb8}; /* 2000-3000 */
	static const struct row rows[] = {
		HANDSHAKE,
		{30, C, A, 2000, 5001, 100, 1000, EST, "ESTABLISHED"},
		{40, D, A, 5001, 1001, 1, 0, REPLY, "ESTABLISHED", .opts = sack, .opts_len = 12},
		{50, C, A, 3000, 5001, 100, 128, EST, "ESTABLISHED"},
	};
	struct fw_ct *ct = tcp_tracker(true, false);

	(void)state;
	say_rows(ct, rows, FW_ARRAY_SIZE(rows), "sack");
	fw_ct_free(ct);
}

static uint32_t left_after(struct fw_ct *ct, const struct row *row)
{
	struct tcp_words w = {.src = row->from == C ? 1 : 2, .dst = row->from == C ? 2 : 1,
			      .sport = row->from == C ? 1000 : 80, .dport = row->from == C ? 80 : 1000,
			      .flags = row->flags, .seq = row->seq, .ack = row->ack, .win = row->win,
			      .len = row->len};
	struct heard h;
	struct bytes b;

	make_tcp(&b, &w);
	h = pass_packet(ct, &b, row->at_ms * MSEC);
	assert_non_null(h.flow);
	return fw_flow_expires_s(h.flow, row->at_ms * MSEC);
}

#define LEFT(seconds, ...) assert_int_equal(left_after(ct, &(struct row){__VA_ARGS__}), seconds)

static void test_timeouts(void **state)
{
	static const struct row rows[] = {HANDSHAKE};
	struct fw_ct *ct = tcp_tracker(true, false);

	(void)state;
	LEFT(120, 0, C, S, 1000, 0, 1000, 0);
	LEFT(118, 2000, C, S, 1000, 0, 1000, 0); /* a repeated SYN keeps nothing alive */
	fw_ct_free(ct);
	ct = tcp_tracker(true, false);
	say_rows(ct, rows, FW_ARRAY_SIZE(rows), "timeouts");
	LEFT(432000, 100, C, A, 1001, 5001, 100, 0);
	LEFT(300, 110, C, A, 1001, 5001, 100, 10); /* unacknowledged data */
	LEFT(432000, 120, D, A, 5001, 1011, 100, 0);
	LEFT(300, 130, D, A, 5001, 1011, 0, 0); /* a closed window */
	LEFT(432000, 140, D, A, 5001, 1011, 10, 0);
	for (int i = 0; i < 3; i++)
		LEFT(i < 2 ? 432000 : 300, 150, D, A, 5001, 1011, 10, 0); /* the same three times */
	LEFT(120, 160, C, F | A, 1011, 5001, 100, 0);
	LEFT(60, 170, D, A, 5001, 1012, 100, 0);
	LEFT(30, 180, D, F | A, 5001, 1012, 100, 0);
	LEFT(120, 190, C, A, 1012, 5002, 100, 0);
	fw_ct_free(ct);
	ct = tcp_tracker(true, false);
	LEFT(300, 0, C, A, 1, 1, 100, 10); /* picked up, unanswered */
	fw_ct_free(ct);
}

/* FINs that do not fit from both sides: the flow is not kept for days. */
static void test_bad_close_shortens(void **state)
{
	static const struct row rows[] = {
		HANDSHAKE,
		{30, C, A, 1001, 5001, 100, 0, EST, "ESTABLISHED"},
		{40, C, F | A, 900000, 5001, 100, 0, INV, "ESTABLISHED"},
		{50, D, F | A, 900000, 1001, 100, 0, INV, "ESTABLISHED"},
		{50 + 299999, C, A, 900000, 5001, 100, 0, INV, "ESTABLISHED"},
		{50 + 300000, C, A, 1001, 5001, 100, 0, NEW, "ESTABLISHED"},
	};
	struct fw_ct *ct = tcp_tracker(true, false);

	(void)state;
	say_rows(ct, rows, FW_ARRAY_SIZE(rows), "bad close");
	fw_ct_free(ct);
}

static void test_short_and_odd_headers(void **state)
{
	struct fw_ct *ct = tcp_tracker(true, false);
	struct tcp_words w = {.src = 1, .dst = 2, .sport = 1000, .dport = 80, .flags = S};
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	b.data[20 + 12] = 0x40; /* header of 16 bytes */
	assert_int_equal(pass_packet(ct, &b, 0).ctinfo, INV);
	b.data[20 + 12] = 0x60; /* longer than the packet */
	assert_int_equal(pass_packet(ct, &b, 0).ctinfo, INV);
	b.data[20 + 12] = 0x50;
	b.len = 36;
	put16(b.data + 2, 36);
	assert_int_equal(pass_packet(ct, &b, 0).ctinfo, INV);
	b.len = 40;
	put16(b.data + 2, 40);
	assert_int_equal(pass_packet(ct, &b, 0).ctinfo, NEW);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_and_close),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_simultaneous_open),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_first),
		cmocka_unit_test(test_out_of_window),
		cmocka_unit_test(test_syn_on_live_connection),
		cmocka_unit_test(test_syn_answered_resyncs),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_number),
		cmocka_unit_test(test_reopen_time_wait),
		cmocka_unit_test(test_reopen_after_own_reset),
		cmocka_unit_test(test_reopen_after_peers_reset),
		cmocka_unit_test(test_reply_side_reopens),
		cmocka_unit_test(test_challenge_ack_in_last_ack),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_strict_about_midstream),
		cmocka_unit_test(test_liberal),
		cmocka_unit_test(test_sack_widens),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_bad_close_shortens),
		cmocka_unit_test(test_short_and_odd_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
