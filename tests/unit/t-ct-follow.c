/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of connections that the kernel translates: whose are they? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "following.h"

/* CLIENT asks SERVER, and the kernel gives the question to ROUTER. */
static struct fw_flow *redirected(struct fw_ct *ct, struct kernel *k, struct bytes *question)
{
	struct fw_flow *flow;

	make_udp(question, CLIENT, SERVER, 5000, 53);
	*k = (struct kernel){.known = true,
			     .orig = ends(CLIENT, SERVER, 5000, 53),
			     .reply = ends(ROUTER, CLIENT, 53, 5000)};
	flow = follow(ct, k, question, FW_CT_NEW, (struct fw_pkt_meta){.hook = FW_OUTPUT});
	assert_non_null(flow);
	assert_true(ct_flow_translate(ct, flow, &k->reply));
	return flow;
}

/* Through lo an error comes as its receiver knows it: from whom it asked, and quoting what it sent. */
static void test_error_behind_lo(void **state)
{
	const struct fw_pkt_meta lo = {.hook = FW_PREROUTING, .nat_status = FW_CTS_DST_NAT};
	struct fw_ct *ct = fresh();
	struct bytes question, error;
	struct fw_flow *flow;
	struct fw_tuple room;
	struct kernel k;

	(void)state;
	flow = redirected(ct, &k, &question);
	make_icmp_error(&error, SERVER, CLIENT, 3, &question);
	assert_ptr_equal(follow(ct, &k, &error, FW_CT_RELATED_REPLY, lo), flow);
	assert_int_equal(fw_flow_tuple(flow, FW_DIR_REPLY, &room)->src.u8[3], ROUTER);
	/* so does an answer */
	make_udp(&error, SERVER, CLIENT, 53, 5000);
	assert_ptr_equal(follow(ct, &k, &error, FW_CT_ESTABLISHED_REPLY, lo), flow);
	fw_ct_free(ct);
}

/* What left with a wrong checksum comes through lo with its flow: nobody looks at it there. */
static void test_wrong_checksum_behind_lo(void **state)
{
	const struct fw_pkt_meta lo = {.hook = FW_INPUT, .nat_status = FW_CTS_SRC_NAT,
				       .flags = FW_PKT_CSUM_UNCHECKED, .in_name = "lo"};
	struct fw_pkt_meta back = lo;
	struct fw_ct *ct = fresh();
	struct bytes b, error;
	struct fw_flow *flow;
	struct kernel k = {.known = false};

	(void)state;
	make_icmp(&b, CLIENT, SERVER, 8, 77);
	flow = follow(ct, &k, &b, FW_CT_NEW, (struct fw_pkt_meta){.hook = FW_OUTPUT});
	assert_non_null(flow);
	k = (struct kernel){.known = true, .orig = flow->orig};
	assert_true(ct_tuple_invert(&k.orig, &k.reply));
	k.reply.dst = k.reply.src;
	make_icmp(&b, SERVER, SERVER, 8, 77); /* from an end to itself */
	assert_ptr_equal(follow(ct, &k, &b, FW_CT_NEW, lo), flow);
	assert_int_equal(fw_flow_status(flow) & CT_NAT, FW_CTS_SRC_NAT);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	make_icmp_error(&error, SERVER, SERVER, 3, &b);
	back.nat_status = 0;
	assert_ptr_equal(follow(ct, &k, &error, FW_CT_RELATED_REPLY, back), flow);
	fw_ct_free(ct);
}

/* CLIENT's question, for ROUTER now, meets nobody there, and no hook on its way was ours. */
static void test_error_comes_first(void **state)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING};
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT, .nat_status = FW_CTS_DST_NAT};
	struct bytes question, behind, error;
	struct kernel k = {.known = false};
	struct fw_ct *ct = fresh();
	struct fw_flow *flow;
	struct fw_tuple room;

	(void)state;
	make_udp(&question, CLIENT, SERVER, 5000, 53);
	make_udp(&behind, CLIENT, ROUTER, 5000, 53);
	make_icmp_error(&error, ROUTER, CLIENT, 3, &behind);
	flow = follow(ct, &k, &question, FW_CT_NEW, in);
	k = (struct kernel){.known = true,
			    .orig = ends(CLIENT, SERVER, 5000, 53),
			    .reply = ends(ROUTER, CLIENT, 53, 5000)};
	assert_ptr_equal(follow(ct, &k, &error, FW_CT_RELATED_REPLY, out), flow);
	assert_int_equal(fw_flow_tuple(flow, FW_DIR_REPLY, &room)->src.u8[3], ROUTER);
	k.asked = 0; /* once */
	assert_ptr_equal(follow(ct, &k, &error, FW_CT_RELATED_REPLY, out), flow);
	assert_int_equal(k.asked, 0);
	fw_ct_free(ct);
}

/* An error begins nothing: of a connection that only the kernel knows its flow is made up. */
static void test_error_of_nobody(void **state)
{
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT, .nat_status = FW_CTS_DST_NAT};
	struct kernel k = {.known = true,
			   .orig = ends(CLIENT, SERVER, 5000, 53),
			   .reply = ends(ROUTER, CLIENT, 53, 5000)};
	struct bytes behind, error;
	struct fw_ct *ct = fresh();

	(void)state;
	make_udp(&behind, CLIENT, ROUTER, 5000, 53);
	make_icmp_error(&error, ROUTER, CLIENT, 3, &behind);
	assert_non_null(follow(ct, &k, &error, FW_CT_RELATED_REPLY, out));
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

/* On the wire these ends are not the translated connection's: it answers as ROUTER. */
static void test_error_of_another(void **state)
{
	const struct fw_pkt_meta wire = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes question, error;
	struct fw_flow *flow, *other;
	struct kernel k;

	(void)state;
	flow = redirected(ct, &k, &question);
	make_icmp_error(&error, SERVER, CLIENT, 3, &question);
	other = follow(ct, &k, &error, FW_CT_RELATED_REPLY, wire);
	assert_non_null(other);
	assert_ptr_not_equal(other, flow);
	assert_int_equal(fw_flow_status(other) & CT_NAT, 0);
	fw_ct_free(ct);
}

/* CLIENT's first packet left with another source, and SERVER opens a connection to what CLIENT is. */
static void test_opposite_of_a_translated_flow(void **state)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_pending = true};
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT};
	struct fw_ct *ct = fresh();
	struct bytes first, opposite;
	struct fw_flow *flow, *other;
	struct kernel k = {.known = false};

	(void)state;
	make_udp(&first, CLIENT, SERVER, 5000, 53);
	make_udp(&opposite, SERVER, CLIENT, 53, 5000);
	flow = follow(ct, &k, &first, FW_CT_NEW, out);
	k = (struct kernel){.known = true,
			    .orig = ends(CLIENT, SERVER, 5000, 53),
			    .reply = ends(SERVER, ROUTER, 53, 5000)};
	other = follow(ct, &k, &opposite, FW_CT_NEW, in);
	assert_non_null(other);
	assert_ptr_not_equal(other, flow);
	assert_int_equal(fw_ct_stats(ct)->flows, 2);
	assert_int_equal(fw_flow_status(flow) & CT_NAT, FW_CTS_SRC_NAT);
	assert_ptr_equal(follow(ct, &k, &first, FW_CT_NEW, out), flow);
	assert_int_equal(k.asked, 1);
	fw_ct_free(ct);
}

/* One that the kernel has forgotten gives way. */
static void test_opposite_of_a_forgotten_flow(void **state)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_pending = true};
	struct fw_ct *ct = fresh();
	struct bytes first, opposite;
	struct kernel k = {.known = false};

	(void)state;
	make_udp(&first, CLIENT, SERVER, 5000, 53);
	make_udp(&opposite, SERVER, CLIENT, 53, 5000);
	follow(ct, &k, &first, FW_CT_NEW, (struct fw_pkt_meta){.hook = FW_OUTPUT});
	assert_non_null(follow(ct, &k, &opposite, FW_CT_NEW, in));
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	/* the kernel's is of the other direction, as the packet was: so is ours now */
	k = (struct kernel){.known = true,
			    .orig = ends(CLIENT, SERVER, 5000, 53),
			    .reply = ends(SERVER, CLIENT, 53, 5000)};
	assert_non_null(follow(ct, &k, &opposite, FW_CT_ESTABLISHED_REPLY, in));
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

/* A first packet from this port to an end; expected: which the kernel is about to give to another. */
static struct fw_flow *begun(struct fw_ct *ct, uint8_t dst, uint16_t sport)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_pending = true};
	struct kernel k = {.known = false};
	struct fw_flow *flow;
	struct bytes b;

	make_udp(&b, CLIENT, dst, sport, 53);
	flow = follow(ct, &k, &b, FW_CT_NEW, in);
	assert_non_null(flow);
	return flow;
}

static struct fw_flow *expected(struct fw_ct *ct, uint8_t dst, uint16_t sport)
{
	const struct fw_eval e = {.now = SEC, .flow = begun(ct, dst, sport)};

	fw_ct_expect_translation(ct, &e);
	return e.flow;
}

/* … and met behind that, when the kernel cannot be asked yet. */
static struct fw_flow *met(struct fw_ct *ct, uint8_t dst, uint16_t sport)
{
	const struct fw_pkt_meta behind = {.hook = FW_FORWARD, .nat_status = FW_CTS_DST_NAT};
	struct kernel k = {.known = false};
	struct bytes b;

	make_udp(&b, CLIENT, dst, sport, 53);
	return follow(ct, &k, &b, FW_CT_NEW, behind);
}

/* Many first packets wait in the queue at once: each is found again. */
static void test_many_are_pending(void **state)
{
	enum { N = 2000 };
	struct fw_flow *flows[N];
	struct fw_ct *ct = fresh();

	(void)state;
	for (unsigned int i = 0; i < N; i++)
		flows[i] = expected(ct, SERVER, (uint16_t)(20000 + i));
	for (unsigned int i = 0; i < N; i++)
		assert_ptr_equal(met(ct, ROUTER, (uint16_t)(20000 + i)), flows[i]);
	fw_ct_free(ct);
}

/* One socket asks two ends: who asked first is met first. */
static void test_one_source_asks_two(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_flow *one, *other;
	struct fw_tuple room;

	(void)state;
	one = expected(ct, SERVER, 5000);
	other = expected(ct, SERVER + 1, 5000);
	assert_ptr_equal(met(ct, ROUTER, 5000), one);
	assert_ptr_equal(met(ct, ROUTER + 1, 5000), other);
	assert_int_equal(fw_flow_tuple(one, FW_DIR_REPLY, &room)->src.u8[3], ROUTER);
	assert_int_equal(fw_flow_tuple(other, FW_DIR_REPLY, &room)->src.u8[3], ROUTER + 1);
	fw_ct_free(ct);
}

/* A later packet from port 5000 to this end, at a hook, of a flow translated so. */
static struct fw_flow *later(struct fw_ct *ct, uint8_t hook, uint8_t dst, uint8_t nat)
{
	const struct fw_pkt_meta meta = {.hook = hook, .nat_status = nat};
	struct kernel k = {.known = false};
	struct bytes b;

	make_udp(&b, CLIENT, dst, 5000, 53);
	return follow(ct, &k, &b, FW_CT_ESTABLISHED, meta);
}

/* One port asks three ends, and the kernel leads two of them to the third: who was met last ahead of
 * that is met behind, and who is not translated is none of them. */
static void test_led_to_the_same_end(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_flow *one, *other, *straight;

	(void)state;
	one = expected(ct, SERVER, 5000);
	assert_ptr_equal(met(ct, ROUTER, 5000), one);
	straight = begun(ct, ROUTER, 5000);
	assert_ptr_not_equal(straight, one);
	assert_ptr_equal(later(ct, FW_FORWARD, ROUTER, 0), straight);
	other = expected(ct, SERVER + 1, 5000);
	assert_ptr_equal(met(ct, ROUTER, 5000), other);
	for (unsigned int i = 0; i < 2; i++) {
		assert_ptr_equal(later(ct, FW_PREROUTING, SERVER, FW_CTS_DST_NAT), one);
		assert_ptr_equal(later(ct, FW_FORWARD, ROUTER, FW_CTS_DST_NAT), one);
		assert_ptr_equal(later(ct, FW_PREROUTING, SERVER + 1, FW_CTS_DST_NAT), other);
		assert_ptr_equal(later(ct, FW_FORWARD, ROUTER, FW_CTS_DST_NAT), other);
		assert_ptr_equal(later(ct, FW_PREROUTING, ROUTER, 0), straight);
		assert_ptr_equal(later(ct, FW_POSTROUTING, ROUTER, 0), straight);
	}
	assert_int_equal(fw_ct_stats(ct)->flows, 3);
	fw_ct_free(ct);
}

static bool waits(struct fw_ct *ct, enum fw_ct_patience patience, uint64_t now)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_packet pkt;
	struct bytes b;

	make_udp(&b, CLIENT, SERVER, 5000, 53);
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b.data, b.len, b.len, &meta), 0);
	return fw_ct_must_wait(ct, &pkt, patience, now);
}

/* Until the first packet is through, the next of its ends wait; nobody waits for nothing. */
static void test_overtaking(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_eval e = {.now = SEC, .ctinfo = FW_CT_NEW};

	(void)state;
	assert_false(waits(ct, FW_CT_COMES, SEC));
	assert_false(waits(ct, FW_CT_COMES, SEC)); /* nothing of ours is on its way */
	e.flow = expected(ct, SERVER, 5000);
	assert_true(waits(ct, FW_CT_COMES, SEC));
	assert_true(waits(ct, FW_CT_HAS_WAITED, SEC));
	fw_ct_confirm(ct, &e);
	assert_false(waits(ct, FW_CT_HAS_WAITED, SEC));
	fw_ct_free(ct);
}

/* The first packet was dropped: one of those that come behind it is the first now. */
static void test_overtaking_who_is_gone(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_packet pkt = {.meta = {.hook = FW_PREROUTING}};
	struct fw_eval e = {.now = SEC, .ctinfo = FW_CT_NEW, .pkt = &pkt};

	(void)state;
	e.flow = expected(ct, SERVER, 5000);
	fw_ct_gone(ct, &e);
	fw_ct_dropped(ct, &e);
	assert_false(waits(ct, FW_CT_COMES, SEC));
	assert_true(waits(ct, FW_CT_COMES, SEC));
	assert_true(waits(ct, FW_CT_HAS_WAITED, SEC));
	/* nobody told us: who has waited too long goes, the others wait for him */
	expected(ct, SERVER, 5000);
	assert_true(waits(ct, FW_CT_HAS_WAITED, 2 * SEC));
	assert_false(waits(ct, FW_CT_IN_VAIN, 2 * SEC));
	assert_true(waits(ct, FW_CT_IN_VAIN, 2 * SEC));
	fw_ct_free(ct);
}

/* A flow's first end says nothing but what begins it, until the kernel has forgotten it unseen. */
static void test_begun_anew(void **state)
{
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT};
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 5000, .dport = 81,
			      .flags = TH_SYN, .seq = 1, .win = 10};
	struct kernel k = {.known = false};
	struct fw_ct *ct = fresh();
	struct fw_flow *flow;
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	fw_flow_set_mark(follow(ct, &k, &b, FW_CT_NEW, out), 7);
	assert_int_equal(fw_flow_mark(follow(ct, &k, &b, FW_CT_NEW, out)), 7); /* once more */
	w.flags = TH_ACK;
	make_tcp(&b, &w);
	flow = follow(ct, &k, &b, FW_CT_NEW, out);
	assert_non_null(flow);
	assert_int_equal(fw_flow_mark(flow), 0);
	fw_flow_set_mark(flow, 8);
	w.flags = TH_RST;
	make_tcp(&b, &w);
	follow(ct, &k, &b, FW_CT_ESTABLISHED, out);
	w.flags = TH_SYN;
	make_tcp(&b, &w);
	flow = follow(ct, &k, &b, FW_CT_NEW, out);
	assert_non_null(flow);
	assert_int_equal(fw_flow_mark(flow), 0);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

/* A connection ended, and its next packet makes another that comes to the same end. */
static void test_dying_gives_way(void **state)
{
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT, .nat_pending = true};
	const struct fw_pkt_meta behind = {.hook = FW_POSTROUTING, .nat_status = FW_CTS_DST_NAT};
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 5000, .dport = 81,
			      .flags = TH_ACK, .seq = 1, .win = 10};
	struct kernel k = {.known = false};
	struct fw_eval e = {.now = SEC};
	struct fw_ct *ct = fresh();
	struct fw_flow *flows[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bytes b;

		w.dst = (uint8_t)(SERVER + i);
		make_tcp(&b, &w);
		flows[i] = e.flow = follow(ct, &k, &b, FW_CT_NEW, out);
		assert_non_null(e.flow);
		fw_ct_expect_translation(ct, &e);
		w.dst = ROUTER;
		make_tcp(&b, &w);
		assert_ptr_equal(follow(ct, &k, &b, FW_CT_NEW, behind), flows[i]);
		ct_flow_kill(ct, flows[i], SEC);
	}
	assert_ptr_not_equal(flows[0], flows[1]);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begun_anew),
		cmocka_unit_test(test_dying_gives_way),
		cmocka_unit_test(test_error_behind_lo),
		cmocka_unit_test(test_wrong_checksum_behind_lo),
		cmocka_unit_test(test_error_comes_first),
		cmocka_unit_test(test_error_of_nobody),
		cmocka_unit_test(test_error_of_another),
		cmocka_unit_test(test_opposite_of_a_translated_flow),
		cmocka_unit_test(test_opposite_of_a_forgotten_flow),
		cmocka_unit_test(test_many_are_pending),
		cmocka_unit_test(test_one_source_asks_two),
		cmocka_unit_test(test_led_to_the_same_end),
		cmocka_unit_test(test_overtaking),
		cmocka_unit_test(test_overtaking_who_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
