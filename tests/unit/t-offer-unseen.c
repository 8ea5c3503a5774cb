/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the tracker lives with packets that it does not see, for they were offered (fw/offer.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "talking.h"

/* A connection of which both directions were offered. */
static void open_unseen(struct talk *t)
{
	open_talk(t, "*filter\n" KNOWN "-A FORWARD -m state --state INVALID\nCOMMIT\n");
	handshake(t);
	assert_int_equal(chat(t, EVERY), 2);
}

static uint64_t invalid(struct talk *t)
{
	return rule_counters(t, FW_FILTER, 2)->packets;
}

/* Megabytes have passed. */
static void pass_unseen(struct talk *t)
{
	t->seq[0] += 300000000;
	t->seq[1] += 3000000000u;
}

static void test_windows_are_forgotten(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	for (int i = 0; i < 3; i++) {
		pass_unseen(&t);
		segment(&t, 0, PKT_ACK | PKT_URG, 10);
		segment(&t, 1, PKT_ACK, 10);
	}
	assert_int_equal(invalid(&t), 0);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	assert_int_equal(invalid(&t), 0);
	assert_string_equal(state_of(&t), "CLOSE");
	close_talk(&t);
}

/* An offer that nobody takes changes nothing, and is not made with every packet. */
static void test_declined(void **state)
{
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "-A FORWARD -m state --state INVALID\nCOMMIT\n");
	t.declines = true;
	handshake(&t);
	assert_int_equal(chat(&t, 4 * EVERY), 8);
	pass_unseen(&t);
	segment(&t, 0, PKT_ACK, 10);
	assert_int_equal(invalid(&t), 1); /* the window is still known */
	close_talk(&t);
}

/* The ports are in use again, from either side, while the offer is still in force. */
static void test_used_again(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct talk t;

		open_unseen(&t);
		segment(&t, 0, PKT_RST | PKT_ACK, 0);
		t.s.now += 20 * FW_NSEC_PER_SEC;
		segment(&t, side, PKT_SYN, 0);
		fw_ct_unseen(t.s.world.ct, &t.offer.orig, t.s.now);
		segment(&t, !side, PKT_SYN | PKT_ACK, 0);
		segment(&t, side, PKT_ACK, 0);
		pass_unseen(&t);
		segment(&t, !side, PKT_FIN | PKT_ACK, 0);
		pass_unseen(&t);
		segment(&t, side, PKT_RST | PKT_ACK, 0);
		assert_int_equal(invalid(&t), 0);
		assert_string_equal(state_of(&t), "CLOSE");
		close_talk(&t);
	}
}

static void wait_s(struct talk *t, uint64_t s)
{
	t->s.now += s * FW_NSEC_PER_SEC;
}

/* Anybody could have sent this reset: it is as if it had not been when its sender goes on. */
static void test_reset_in_doubt(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE");
	wait_s(&t, 100);
	segment(&t, 1, PKT_ACK, 10);
	assert_string_equal(state_of(&t), "ESTABLISHED");
	segment(&t, 0, PKT_ACK, 10);
	assert_int_equal(invalid(&t), 0);
	assert_string_equal(state_of(&t), "ESTABLISHED");
	close_talk(&t);
}

/* It was right: who goes on is the other side, and then somebody new. */
static void test_reset_was_right(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 1, PKT_RST | PKT_ACK, 0);
	segment(&t, 0, PKT_ACK, 10);
	assert_string_equal(state_of(&t), "CLOSE");
	wait_s(&t, 11);
	segment(&t, 0, PKT_SYN, 0);
	assert_string_equal(state_of(&t), "SYN_SENT");
	close_talk(&t);
}

/* Acknowledgements pass unseen, so a FIN counts as acknowledged. */
static void test_ends(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	segment(&t, 0, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE_WAIT");
	segment(&t, 0, PKT_FIN | PKT_ACK, 0); /* once more: it is the other side's that ends it */
	assert_string_equal(state_of(&t), "LAST_ACK");
	pass_unseen(&t);
	segment(&t, 1, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "TIME_WAIT");
	close_talk(&t);
}

static void test_seen_again(void **state)
{
	struct talk t;

	(void)state;
	open_unseen(&t);
	pass_unseen(&t);
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_ORIG, t.s.now);
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, t.s.now);
	assert_true(segment(&t, 0, PKT_ACK, 10)); /* due at once */
	fw_ct_seen_again(t.s.world.ct, &t.offer.orig, FW_DIR_ORIG, t.s.now);
	assert_int_equal(invalid(&t), 0);
	segment(&t, 0, PKT_FIN | PKT_ACK, 0);
	assert_string_equal(state_of(&t), "FIN_WAIT");
	segment(&t, 1, PKT_ACK, 0);
	assert_string_equal(state_of(&t), "CLOSE_WAIT");
	close_talk(&t);
}

/* What passed keeps the flow alive and is in its counters. */
static void test_passed(void **state)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = 0;
	struct talk t;

	(void)state;
	open_talk(&t, "*filter\n" KNOWN "COMMIT\n");
	config.acct = true;
	fw_ct_set_config(t.s.world.ct, &config);
	fw_ct_set_timeout(t.s.world.ct, "tcp_timeout_established", 100);
	fw_ct_set_timeout(t.s.world.ct, "tcp_timeout_unacknowledged", 100);
	handshake(&t);
	assert_int_equal(chat(&t, EVERY), 2);
	t.s.now += 90 * FW_NSEC_PER_SEC;
	fw_ct_passed(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, 1000, 50000, t.s.now);
	t.s.now += 90 * FW_NSEC_PER_SEC;
	fw_ct_list(t.s.world.ct, &cursor, 10, NULL, t.s.now, false, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "tcp      6 10 ESTABLISHED"));
	assert_non_null(strstr(fw_buf_cstr(&out), "packets=1009 bytes=50440"));
	/* but not one that has ended since */
	fw_buf_reset(&out);
	segment(&t, 0, PKT_RST | PKT_ACK, 0);
	t.s.now += 9 * FW_NSEC_PER_SEC;
	fw_ct_passed(t.s.world.ct, &t.offer.orig, FW_DIR_REPLY, 1, 40, t.s.now);
	fw_ct_list(t.s.world.ct, &cursor, 10, NULL, t.s.now, false, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "tcp      6 91 CLOSE")); /* in doubt */
	fw_buf_deinit(&out);
	close_talk(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_are_forgotten),
		cmocka_unit_test(test_declined),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_reset_in_doubt),
		cmocka_unit_test(test_reset_was_right),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_seen_again),
		cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
