/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the kernel's tracker and ours: flows taken over, told, and those that a helper expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "ct-packets.h"
#include "track/track.h"

enum { FTP = 3, ELSEWHERE = 77 };

static struct fw_tuple ends(uint8_t src, uint8_t dst, uint16_t sport, uint16_t dport)
{
	struct fw_tuple t = {.proto = 6, .family = FW_IP4, .sport_be = htons(sport), .dport_be = htons(dport)};

	t.src.u8[0] = t.dst.u8[0] = 10;
	t.src.u8[3] = src;
	t.dst.u8[3] = dst;
	return t;
}

/* CLIENT → SERVER:80, seen by whom it really reaches as ROUTER:4000 → ELSEWHERE:8080. */
static struct fw_ct_facts translated(void)
{
	return (struct fw_ct_facts){
		.orig = ends(CLIENT, SERVER, 1000, 80),
		.reply = ends(ELSEWHERE, ROUTER, 8080, 4000),
		.status = FW_CTS_SEEN_REPLY | FW_CTS_ASSURED | FW_CTS_CONFIRMED,
		.left_s = 300,
		.mark = 7,
		.state = TCP_ESTABLISHED,
		.helper = FTP,
	};
}

static void test_adopted_flow_goes_on(void **state)
{
	struct tcp_words there = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
				  .flags = TH_ACK, .seq = 70000, .ack = 123, .win = 10};
	struct tcp_words back = {.src = ELSEWHERE, .dst = ROUTER, .sport = 8080, .dport = 4000,
				 .flags = TH_ACK, .seq = 123, .ack = 70000, .win = 10};
	struct tcp_words between = there;
	const struct fw_ct_facts facts = translated();
	struct fw_ct *ct = fresh();
	struct bytes b;
	struct heard h;

	(void)state;
	assert_true(fw_ct_adopt(ct, &facts, false, SEC));
	assert_false(fw_ct_adopt(ct, &facts, false, SEC)); /* known */
	make_tcp(&b, &there);
	h = pass_packet(ct, &b, SEC);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED);
	assert_int_equal(fw_flow_mark(h.flow), 7);
	assert_int_equal(fw_flow_helper(h.flow), FTP);
	assert_int_equal(fw_flow_status(h.flow), facts.status | FW_CTS_SRC_NAT | FW_CTS_DST_NAT);
	make_tcp(&b, &back);
	assert_int_equal(say(ct, &b, SEC), FW_CT_ESTABLISHED_REPLY);
	between.dst = ELSEWHERE;
	between.dport = 8080;
	make_tcp(&b, &between);
	assert_int_equal(resume(ct, &b, SEC, FW_CT_NONE), FW_CT_ESTABLISHED);
	fw_ct_free(ct);
}

static void test_update(void **state)
{
	struct fw_ct_facts facts = translated();
	struct fw_ct *ct = fresh();
	struct tcp_words w = {.src = CLIENT, .dst = SERVER, .sport = 1000, .dport = 80,
			      .flags = TH_SYN, .seq = 1, .win = 10};
	struct bytes b;
	struct heard h;

	(void)state;
	make_tcp(&b, &w);
	h = pass_packet(ct, &b, SEC);
	assert_false(fw_ct_adopt(ct, &facts, false, SEC)); /* ours stays as it is */
	assert_int_equal(h.flow->u.tcp.state, TCP_SYN_SENT);
	assert_false(fw_ct_adopt(ct, &facts, true, SEC));
	assert_int_equal(h.flow->u.tcp.state, TCP_ESTABLISHED);
	assert_int_equal(fw_flow_expires_s(h.flow, SEC), 300);
	assert_int_equal(fw_flow_status(h.flow), facts.status | FW_CTS_SRC_NAT | FW_CTS_DST_NAT);
	facts.state = 99; /* nothing that we know */
	assert_false(fw_ct_adopt(ct, &facts, true, SEC));
	assert_int_equal(h.flow->u.tcp.state, TCP_ESTABLISHED);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

static void check_facts(void *priv, const struct fw_ct_facts *f)
{
	const struct fw_ct_facts want = translated();
	const struct fw_tuple plain = ends(SERVER, CLIENT, 80, 1000);

	assert_true(ct_tuple_equal(&f->orig, &want.orig));
	assert_true(ct_tuple_equal(&f->reply, &want.reply));
	assert_true(ct_tuple_equal(&f->plain, &plain));
	assert_int_equal(f->status, want.status | FW_CTS_SRC_NAT | FW_CTS_DST_NAT);
	assert_int_equal(f->state, want.state);
	assert_int_equal(f->helper, want.helper);
	assert_int_equal(f->left_s, 300);
	++*(int *)priv;
}

static void test_translated_flows_are_kept(void **state)
{
	const struct fw_ct_facts facts = translated();
	struct fw_ct *ct = fresh(), *next = fresh();
	struct fw_buf text = FW_BUF_INIT;
	uint64_t cursor = 0;
	int n = 0;

	(void)state;
	fw_ct_adopt(ct, &facts, false, 5 * SEC);
	fw_ct_dump(ct, &cursor, 10, 5 * SEC, &text);
	assert_int_equal(fw_ct_load(next, text.data, text.len, 9 * SEC, NULL), 0);
	fw_ct_each(next, &cursor, 10, NULL, 9 * SEC, check_facts, &n);
	assert_int_equal(n, 1);
	fw_buf_deinit(&text);
	fw_ct_free(ct);
	fw_ct_free(next);
}

/* The kernel says: expected, by that helper, and its destination will be another. */
static struct heard expect(struct fw_ct *ct, const struct bytes *b)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING, .part = FW_PART_EXPECTED, .helper = FTP,
				   .nat_status = FW_CTS_DST_NAT};
	struct heard h = {.ctinfo = FW_CT_NONE};

	assert_int_equal(fw_packet_parse(&h.pkt, FW_IP4, b->data, b->len, b->len, &meta), 0);
	h.e = (struct fw_eval){.pkt = &h.pkt, .now = SEC};
	fw_ct_expected(ct, &h.e);
	return h;
}

static struct fw_flow *follow(struct fw_ct *ct, struct heard *h, const struct bytes *b, uint8_t hook,
			      enum fw_ctinfo ctinfo)
{
	static struct fw_world world;
	struct fw_pkt_meta meta = {.hook = hook, .nat_status = FW_CTS_DST_NAT};

	assert_int_equal(fw_packet_parse(&h->pkt, FW_IP4, b->data, b->len, b->len, &meta), 0);
	h->e = (struct fw_eval){.pkt = &h->pkt, .now = SEC, .ctinfo = ctinfo, .world = &world};
	fw_ct_follow(ct, &h->e, hook == FW_PREROUTING);
	return h->e.flow;
}

static void test_expected(void **state)
{
	struct tcp_words w = {.src = SERVER, .dst = ROUTER, .sport = 20, .dport = 5000,
			      .flags = TH_SYN, .seq = 1, .win = 10};
	struct fw_ct *ct = fresh();
	struct bytes before, behind;
	struct fw_flow *flow;
	struct heard h;

	(void)state;
	make_tcp(&before, &w);
	w.dst = CLIENT;
	make_tcp(&behind, &w);
	h = expect(ct, &before);
	assert_null(h.e.flow); /* nobody has judged it yet: it is not confirmed, either */
	flow = follow(ct, &h, &before, FW_PREROUTING, FW_CT_RELATED);
	assert_int_equal(fw_flow_status(flow), FW_CTS_EXPECTED);
	assert_int_equal(fw_flow_helper(flow), FTP);
	/* translated, it is still the same */
	assert_ptr_equal(follow(ct, &h, &behind, FW_FORWARD, FW_CT_RELATED), flow);
	assert_int_equal(fw_flow_status(flow), FW_CTS_EXPECTED | FW_CTS_DST_NAT);
	fw_ct_dropped(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	/* once more, and nobody drops it */
	expect(ct, &before);
	follow(ct, &h, &before, FW_PREROUTING, FW_CT_RELATED);
	flow = follow(ct, &h, &behind, FW_FORWARD, FW_CT_RELATED);
	fw_ct_confirm(ct, &h.e);
	assert_int_equal(fw_flow_status(flow),
			 FW_CTS_EXPECTED | FW_CTS_DST_NAT | FW_CTS_CONFIRMED);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopted_flow_goes_on),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_translated_flows_are_kept),
		cmocka_unit_test(test_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
