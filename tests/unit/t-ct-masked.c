/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections whose source the kernel translates, to what nobody knows yet: answers that come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "following.h"

/* CLIENT's SYN leaves; its source will be another, which nobody knows yet. */
static struct fw_flow *masked(struct fw_ct *ct, struct kernel *k, uint16_t port)
{
	const struct tcp_words syn = {.src = CLIENT, .dst = SERVER, .sport = port, .dport = 81,
				      .flags = TH_SYN, .seq = 1, .win = 10};
	struct fw_eval e = {.now = SEC};
	struct bytes b;

	make_tcp(&b, &syn);
	e.flow = follow(ct, k, &b, FW_CT_NEW, (struct fw_pkt_meta){.hook = FW_OUTPUT});
	assert_non_null(e.flow);
	fw_ct_expect_masking(ct, &e);
	return e.flow;
}

static struct fw_flow *refused(struct fw_ct *ct, struct kernel *k, uint8_t src, uint8_t dst,
			       uint16_t dport)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_status = FW_CTS_SRC_NAT};
	const struct tcp_words rst = {.src = src, .dst = dst, .sport = 81, .dport = dport,
				      .flags = TH_RST | TH_ACK, .ack = 2};
	struct bytes b;

	make_tcp(&b, &rst);
	return follow(ct, k, &b, FW_CT_ESTABLISHED_REPLY, in);
}

/* Nobody answers to where a masked flow came from: who counts connections finds none by that tuple. */
static void test_masked_has_no_plain_answer(void **state)
{
	struct kernel k = {.known = false};
	struct fw_tuple there, answer;
	struct fw_ct *ct = fresh();
	struct fw_eval e = {.ctinfo = FW_CT_NEW};
	struct fw_tuple room;

	(void)state;
	e.flow = masked(ct, &k, 5000);
	fw_ct_confirm(ct, &e);
	there = *fw_flow_tuple(e.flow, FW_DIR_ORIG, &room);
	answer = *fw_flow_tuple(e.flow, FW_DIR_REPLY, &room);
	assert_int_equal(fw_ct_life(ct, &there, SEC), FW_CT_ALIVE);
	assert_int_equal(fw_ct_life(ct, &answer, SEC), FW_CT_GONE);
	/* until it is known what it was translated to, and that is somebody's */
	answer.dst.u8[3] = ROUTER;
	assert_true(ct_flow_translate(ct, e.flow, &answer));
	assert_int_equal(fw_ct_life(ct, &answer, SEC), FW_CT_ALIVE);
	fw_ct_free(ct);
}

/* A reset is the first answer, and the kernel has forgotten the connection for it. */
static void test_masked_and_refused(void **state)
{
	struct kernel k = {.known = false};
	struct fw_ct *ct = fresh();
	struct fw_tuple room;
	struct fw_flow *flow;

	(void)state;
	flow = masked(ct, &k, 5000);
	masked(ct, &k, 5002); /* somebody else's, to the same server */
	fw_flow_set_mark(flow, 7);
	assert_ptr_not_equal(refused(ct, &k, ROUTER, ROUTER, 5000), flow); /* not who was asked */
	assert_ptr_not_equal(refused(ct, &k, SERVER, ROUTER, 5001), flow); /* another's */
	assert_ptr_equal(refused(ct, &k, SERVER, ROUTER, 5000), flow);
	assert_int_equal(fw_flow_mark(flow), 7);
	assert_int_equal(fw_flow_tuple(flow, FW_DIR_REPLY, &room)->dst.u8[3], ROUTER);
	assert_true(fw_flow_status(flow) & FW_CTS_SEEN_REPLY);
	assert_int_equal(fw_ct_stats(ct)->flows, 1); /* it was its last packet */
	fw_ct_free(ct);
}

/* Where the address was kept, the port has become another. */
static void test_other_port_is_refused(void **state)
{
	struct kernel k = {.known = false};
	struct fw_ct *ct = fresh();
	struct fw_flow *flow;

	(void)state;
	flow = masked(ct, &k, 5000);
	assert_ptr_equal(refused(ct, &k, SERVER, CLIENT, 40000), flow);
	fw_ct_free(ct);
}

/* What nobody translates gets another port where its answers would be a translated flow's packets. */
static void test_clash_is_refused(void **state)
{
	const struct fw_pkt_meta out = {.hook = FW_OUTPUT};
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_pending = true};
	struct tcp_words w = {.src = SERVER, .dst = CLIENT, .sport = 81, .dport = 5000,
			      .flags = TH_ACK, .seq = 1, .win = 10};
	struct kernel k = {.known = false};
	struct fw_ct *ct = fresh();
	struct fw_flow *flow, *other;
	struct fw_tuple reply;
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	flow = follow(ct, &k, &b, FW_CT_NEW, out);
	assert_true(ct_tuple_invert(&flow->orig, &reply));
	reply.src.u8[3] = ROUTER; /* has become the destination */
	assert_true(ct_flow_translate(ct, flow, &reply));
	w = (struct tcp_words){.src = CLIENT, .dst = SERVER, .sport = 5000, .dport = 81,
			       .flags = TH_ACK, .seq = 1, .win = 10};
	make_tcp(&b, &w);
	other = follow(ct, &k, &b, FW_CT_NEW, in);
	assert_ptr_not_equal(other, flow);
	assert_ptr_equal(refused(ct, &k, SERVER, CLIENT, 40000), other);
	fw_ct_free(ct);
}

/* The same where the destination is another, and nobody met the first packet behind that. */
static void test_redirected_and_refused(void **state)
{
	const struct fw_pkt_meta in = {.hook = FW_PREROUTING, .nat_status = FW_CTS_DST_NAT};
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 5000, .dport = 81,
			      .flags = TH_SYN, .seq = 1, .win = 10};
	struct kernel k = {.known = false};
	struct fw_eval e = {.now = SEC};
	struct fw_ct *ct = fresh();
	struct fw_flow *flow;
	struct fw_tuple room;
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	flow = e.flow = follow(ct, &k, &b, FW_CT_NEW, (struct fw_pkt_meta){.hook = FW_OUTPUT});
	assert_non_null(flow);
	fw_ct_expect_translation(ct, &e);
	w = (struct tcp_words){.src = ROUTER, .dst = CLIENT, .sport = 8080, .dport = 5001,
			       .flags = TH_RST | TH_ACK, .ack = 2};
	make_tcp(&b, &w);
	assert_ptr_not_equal(follow(ct, &k, &b, FW_CT_ESTABLISHED_REPLY, in), flow);
	w.dport = 5000;
	make_tcp(&b, &w);
	assert_ptr_equal(follow(ct, &k, &b, FW_CT_ESTABLISHED_REPLY, in), flow);
	assert_int_equal(fw_flow_tuple(flow, FW_DIR_REPLY, &room)->src.u8[3], ROUTER);
	assert_int_equal(fw_flow_status(flow) & CT_NAT, FW_CTS_DST_NAT);
	assert_true(fw_flow_status(flow) & FW_CTS_SEEN_REPLY);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	/* its other end is known by now: what comes from elsewhere is not of it */
	w.src = SERVER;
	make_tcp(&b, &w);
	assert_ptr_not_equal(follow(ct, &k, &b, FW_CT_ESTABLISHED_REPLY, in), flow);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masked_has_no_plain_answer),
		cmocka_unit_test(test_masked_and_refused),
		cmocka_unit_test(test_other_port_is_refused),
		cmocka_unit_test(test_clash_is_refused),
		cmocka_unit_test(test_redirected_and_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
