/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rejected first packet's flow is there for the answer, for a moment and for nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/track.h"

#define MARK 0x42

static const struct fw_pkt_meta in = {.hook = FW_PREROUTING};

static struct fw_tuple question(uint8_t client)
{
	struct fw_packet pkt;
	struct fw_tuple t;
	struct bytes b;

	make_udp(&b, client, SERVER, 5000, 53);
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b.data, b.len, b.len, &in), 0);
	assert_true(ct_tuple_of(&pkt, &t));
	return t;
}

/* The first packet of client comes, gets a mark, and is rejected. */
static void rejected(struct fw_ct *ct, uint8_t client, uint64_t now)
{
	struct bytes b;
	struct heard h;

	make_udp(&b, client, SERVER, 5000, 53);
	h = hear(ct, &b, now, &in, false);
	h.e.pkt = &h.pkt;
	assert_int_equal(h.ctinfo, FW_CT_NEW);
	fw_flow_set_mark(h.flow, MARK);
	fw_ct_rejected(ct, &h.e);
	fw_ct_dropped(ct, &h.e);
}

/* How our answer, an error that quotes the question, is met at OUTPUT. */
static struct heard answer(struct fw_ct *ct, uint8_t client, uint64_t now, bool own)
{
	const struct fw_pkt_meta meta = {.hook = FW_OUTPUT, .own = own, .carried = own,
					 .ctinfo = FW_CT_RELATED_REPLY};
	struct bytes b, error;

	make_udp(&b, client, SERVER, 5000, 53);
	make_icmp_error(&error, SERVER, client, 3, &b);
	return hear(ct, &error, now, &meta, false);
}

static void test_answer_finds_it(void **state)
{
	struct fw_tuple t = question(CLIENT), room;
	struct fw_ct *ct = fresh();
	struct heard h;

	(void)state;
	assert_null(ct_ghost_of(ct, &t, 0)); /* nobody was rejected yet */
	rejected(ct, CLIENT, SEC);
	assert_int_equal(fw_ct_stats(ct)->flows, 0); /* the table knows it no more */
	h = answer(ct, CLIENT, SEC, true);
	assert_int_equal(h.ctinfo, FW_CT_RELATED_REPLY);
	assert_int_equal(fw_flow_mark(h.flow), MARK);
	assert_true(ct_tuple_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room), &t));
	/* what rules write to it is there at the next hook; a second answer's rules write, too */
	fw_flow_set_mark(h.flow, MARK + 1);
	assert_int_equal(fw_flow_mark(answer(ct, CLIENT, SEC, true).flow), MARK + 1);
	/* others' packets are not answers of ours */
	assert_int_equal(fw_flow_mark(answer(ct, CLIENT, SEC, false).flow), 0);
	assert_int_equal(fw_flow_mark(answer(ct, ROUTER, SEC, true).flow), 0);
	fw_ct_free(ct);
}

static void test_for_a_second(void **state)
{
	const struct fw_tuple t = question(CLIENT);
	struct fw_ct *ct = fresh();

	(void)state;
	rejected(ct, CLIENT, SEC);
	assert_non_null(ct_ghost_of(ct, &t, 2 * SEC - 1));
	assert_null(ct_ghost_of(ct, &t, 2 * SEC));
	rejected(ct, CLIENT, 9 * SEC); /* once more */
	assert_non_null(ct_ghost_of(ct, &t, 9 * SEC));
	fw_ct_free(ct);
}

/* A flow that goes on is found itself; what an earlier try left must not stand before it. */
static void test_living_flow_comes_first(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes b;
	struct heard h;

	(void)state;
	rejected(ct, CLIENT, SEC);
	make_udp(&b, CLIENT, SERVER, 5000, 53);
	h = pass_packet(ct, &b, SEC);
	h.e.pkt = &h.pkt;
	fw_flow_set_mark(h.flow, 7);
	fw_ct_rejected(ct, &h.e); /* its second packet, say */
	assert_ptr_equal(answer(ct, CLIENT, SEC, true).flow, h.flow);
	assert_int_equal(fw_flow_mark(h.flow), 7);
	fw_ct_free(ct);
}

/* Its counters are its own: the record that it was copied from may be another flow's by then. */
static void test_counters_are_kept(void **state)
{
	const struct fw_tuple t = question(CLIENT);
	struct fw_ct *ct = fresh();
	uint64_t packets, bytes;
	struct bytes b;

	(void)state;
	fw_ct_count_packets(ct);
	rejected(ct, CLIENT, SEC);
	make_udp(&b, ROUTER, SERVER, 5000, 53);
	for (int i = 0; i < 3; i++)
		pass_packet(ct, &b, SEC); /* takes the record */
	assert_true(fw_flow_counters(ct_ghost_of(ct, &t, SEC), FW_DIR_ORIG, &packets, &bytes));
	assert_int_equal(packets, 1);
	assert_int_equal(bytes, 32);
	fw_ct_free(ct);
}

/* Behind its translation the question has another destination, and an answer to that quotes it. */
static void test_translated(void **state)
{
	struct fw_tuple t = question(CLIENT), reply, room, mid;
	struct fw_ct *ct = fresh();
	struct fw_flow *ghost;
	struct bytes b;
	struct heard h;

	(void)state;
	make_udp(&b, CLIENT, SERVER, 5000, 53);
	h = hear(ct, &b, SEC, &in, false);
	h.e.pkt = &h.pkt;
	assert_true(ct_tuple_invert(&t, &reply)); /* but the answer comes from elsewhere */
	reply.src.u8[3] = ROUTER;
	assert_true(ct_flow_translate(ct, h.flow, &reply));
	fw_ct_rejected(ct, &h.e);
	fw_ct_dropped(ct, &h.e);
	mid = t;
	mid.dst.u8[3] = ROUTER;
	ghost = ct_ghost_of(ct, &mid, SEC);
	assert_non_null(ghost);
	assert_ptr_equal(ct_ghost_of(ct, &t, SEC), ghost);
	assert_int_equal(fw_flow_status(ghost) & CT_NAT, FW_CTS_DST_NAT);
	assert_true(ct_tuple_equal(fw_flow_tuple(ghost, FW_DIR_REPLY, &room), &reply));
	mid.dst.u8[3] = CLIENT;
	assert_null(ct_ghost_of(ct, &mid, SEC));
	/* asks somebody else, and comes to the same end */
	make_udp(&b, CLIENT, SERVER + 1, 5000, 53);
	h = hear(ct, &b, SEC, &in, false);
	h.e.pkt = &h.pkt;
	assert_true(ct_flow_translate(ct, h.flow, &reply));
	fw_ct_rejected(ct, &h.e);
	fw_ct_dropped(ct, &h.e);
	mid.dst.u8[3] = ROUTER;
	assert_int_equal(ct_ghost_of(ct, &mid, SEC)->orig.dst.u8[3], SERVER + 1);
	assert_int_equal(ct_ghost_of(ct, &t, SEC)->orig.dst.u8[3], SERVER);
	fw_ct_free(ct);
}

/* What had the same ends there as it came was rejected before; the answer is to the last. */
static void test_translated_to_where_one_was_sent(void **state)
{
	struct fw_tuple mid = question(CLIENT), reply;
	struct fw_ct *ct = fresh();
	struct bytes b;
	struct heard h;

	(void)state;
	mid.dst.u8[3] = ROUTER;
	for (uint8_t to = ROUTER; to; to = to == ROUTER ? SERVER : 0) {
		make_udp(&b, CLIENT, to, 5000, 53);
		h = hear(ct, &b, SEC, &in, false);
		h.e.pkt = &h.pkt;
		assert_true(ct_tuple_invert(&mid, &reply));
		assert_true(ct_flow_translate(ct, h.flow, &reply));
		fw_ct_rejected(ct, &h.e);
		fw_ct_dropped(ct, &h.e);
		assert_int_equal(ct_ghost_of(ct, &mid, SEC)->orig.dst.u8[3], to);
	}
	fw_ct_free(ct);
}

/* An answer that is rejected itself is no first packet: its flow is the ghost, which stays. */
static void test_ghosts_answer_is_rejected(void **state)
{
	const struct fw_tuple t = question(CLIENT);
	struct fw_ct *ct = fresh();
	struct heard h;

	(void)state;
	rejected(ct, CLIENT, SEC);
	h = answer(ct, CLIENT, SEC + SEC / 2, true);
	h.e.pkt = &h.pkt;
	fw_ct_rejected(ct, &h.e);
	assert_ptr_equal(ct_ghost_of(ct, &t, 2 * SEC - 1), h.flow);
	assert_null(ct_ghost_of(ct, &t, 2 * SEC)); /* and no longer than it was to */
	h.e.flow = NULL; /* a packet without a flow leaves none */
	fw_ct_rejected(ct, &h.e);
	fw_ct_free(ct);
}

static void tcp(struct bytes *b, uint8_t sender, uint8_t flags)
{
	const struct tcp_words w = tcp_from(sender, flags, 1, 1);

	make_tcp(b, &w);
}

/* Our error about the reset that answers a first packet: it leaves, and the flow begins. */
static void test_error_about_reset_begins_it(void **state)
{
	const struct fw_pkt_meta meta = {.hook = FW_OUTPUT, .own = true, .carried = true,
					 .ctinfo = FW_CT_RELATED};
	struct bytes b, reset, error;
	struct fw_ct *ct = fresh();
	struct heard h;

	(void)state;
	tcp(&b, CLIENT, TH_ACK);
	h = hear(ct, &b, SEC, &in, false);
	h.e.pkt = &h.pkt;
	fw_flow_set_mark(h.flow, MARK);
	fw_ct_rejected(ct, &h.e);
	fw_ct_dropped(ct, &h.e);
	tcp(&reset, SERVER, TH_RST);
	make_icmp_error(&error, CLIENT, SERVER, 3, &reset);
	h = hear(ct, &error, SEC, &meta, false);
	h.e.pkt = &h.pkt;
	assert_int_equal(fw_flow_mark(h.flow), MARK);
	fw_ct_revive(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	assert_int_equal(fw_flow_mark(h.e.flow), MARK);
	fw_ct_revive(ct, &h.e); /* begun is begun */
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	tcp(&b, SERVER, TH_ACK);
	h = hear(ct, &b, SEC, &in, false);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_mark(h.flow), MARK);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_finds_it),
		cmocka_unit_test(test_for_a_second),
		cmocka_unit_test(test_living_flow_comes_first),
		cmocka_unit_test(test_counters_are_kept),
		cmocka_unit_test(test_translated),
		cmocka_unit_test(test_translated_to_where_one_was_sent),
		cmocka_unit_test(test_ghosts_answer_is_rejected),
		cmocka_unit_test(test_error_about_reset_begins_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
