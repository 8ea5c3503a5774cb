/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a flow over the hooks that its packet visits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/track.h"

static void test_dropped_takes_its_flow(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_question(&q, &a);
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_dropped(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(say(ct, &a, 0), FW_CT_NEW);
	/* a confirmed flow stays, whatever becomes of its packets */
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	fw_ct_dropped(ct, &h.e);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

static void test_later_hooks(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_question(&q, &a);
	h = hear(ct, &q, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_NEW);
	assert_int_equal(fw_flow_status(h.flow), 0);
	assert_int_equal(fw_flow_expires_s(h.flow, 0), 0); /* its timer does not run yet */
	assert_int_equal(resume(ct, &q, 0, FW_CT_NONE), FW_CT_NEW);
	assert_int_equal(resume(ct, &q, 0, FW_CT_INVALID), FW_CT_INVALID);
	assert_int_equal(resume(ct, &q, 0, FW_CT_UNTRACKED), FW_CT_UNTRACKED);
	assert_int_equal(resume(ct, &q, 0, FW_CT_RELATED), FW_CT_RELATED);
	/* the answer finds it although nobody confirmed, and confirms it */
	h = hear(ct, &a, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_status(h.flow), FW_CTS_CONFIRMED | FW_CTS_SEEN_REPLY);
	assert_int_equal(resume(ct, &a, 0, FW_CT_NONE), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(resume(ct, &q, 0, FW_CT_NONE), FW_CT_ESTABLISHED);
	/* a flow that went meanwhile is begun again */
	assert_int_equal(resume(ct, &q, 31 * SEC, FW_CT_NONE), FW_CT_NEW);
	fw_ct_free(ct);
}

/* Two SYNs before the first is through: both NEW, and the flow is as the second says. */
static void test_unconfirmed_begins_anew(void **state)
{
	struct tcp_words w = tcp_from(CLIENT, TH_SYN, 100, 0);
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_NEW);
	w.flags = TH_FIN | TH_ACK; /* cannot begin one, and harms none */
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_INVALID);
	w.flags = TH_ACK; /* in the kernel it would find no flow, and be picked up midway */
	make_tcp(&b, &w);
	assert_int_equal(hear(ct, &b, 0, &meta, false).ctinfo, FW_CT_NEW);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

/* The RST that ends an unanswered flow is ESTABLISHED at all its hooks. */
static void test_killed_flow_is_seen_by_its_packet(void **state)
{
	struct tcp_words w = tcp_from(CLIENT, TH_SYN, 100, 0);
	struct fw_ct *ct = fresh();
	struct bytes syn, rst;

	(void)state;
	make_tcp(&syn, &w);
	assert_int_equal(say(ct, &syn, 0), FW_CT_NEW);
	w = tcp_from(SERVER, TH_RST | TH_ACK, 0, 101);
	make_tcp(&rst, &w);
	assert_int_equal(say(ct, &rst, 0), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	assert_int_equal(resume(ct, &rst, 0, FW_CT_NONE), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(at_hook(ct, &rst, 0, FW_PREROUTING), FW_CT_INVALID); /* a second one */
	assert_int_equal(say(ct, &syn, 0), FW_CT_NEW);
	fw_ct_gc(ct, 2 * SEC, 10000);
	assert_int_equal(fw_ct_stats(ct)->flows, 1);
	fw_ct_free(ct);
}

static void test_notrack(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_packet pkt;
	struct fw_eval e = {.pkt = &pkt, .ctinfo = FW_CT_UNTRACKED};
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, q.data, q.len, q.len, &meta), 0);
	assert_int_equal(fw_ct_track(ct, &e), 0);
	assert_int_equal(e.ctinfo, FW_CT_UNTRACKED);
	assert_null(e.flow);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped_takes_its_flow),
		cmocka_unit_test(test_later_hooks),
		cmocka_unit_test(test_unconfirmed_begins_anew),
		cmocka_unit_test(test_killed_flow_is_seen_by_its_packet),
		cmocka_unit_test(test_notrack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
