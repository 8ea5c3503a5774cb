/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors and redirects: whose flow they are about, also of those that this host makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/track.h"

static void test_icmp_errors(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q, a, e;

	(void)state;
	make_question(&q, &a);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID); /* of nothing that we know */
	say(ct, &q, 0);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q); /* whoever says it */
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	make_icmp_error(&e, SERVER, ROUTER, 3, &q); /* but only to whom it concerns */
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID);
	make_icmp_error(&e, CLIENT, SERVER, 3, &a);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	e.len = 20 + 8 + 20 + 4; /* ports are enough */
	put16(e.data + 2, e.len);
	assert_int_equal(say(ct, &e, 0), FW_CT_RELATED_REPLY);
	e.len--;
	put16(e.data + 2, e.len);
	assert_int_equal(say(ct, &e, 0), FW_CT_INVALID);
	/* an error keeps nothing alive and answers nothing */
	assert_int_equal(say(ct, &q, 29 * SEC), FW_CT_NEW);
	fw_ct_free(ct);
}

/* A redirect quotes its packet in an option, and only a router on the link may send one. */
static void test_icmp6_redirect(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes echo, b;
	uint8_t *p;

	(void)state;
	ip6(&echo, CLIENT, SERVER, 58, 8)[0] = 128;
	assert_int_equal(say(ct, &echo, 0), FW_CT_NEW);
	p = ip6(&b, ROUTER, CLIENT, 58, 48 + echo.len);
	p[0] = 137;
	p[40] = 4;
	p[41] = 1;
	memcpy(p + 48, echo.data, echo.len);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* not from the link */
	b.data[8] = 0xfe;
	b.data[9] = 0x80;
	assert_int_equal(say(ct, &b, 0), FW_CT_RELATED_REPLY);
	b.data[7] = 254; /* came over a router */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	b.data[7] = 255;
	p[40] = 1; /* another option */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	p[40] = 4;
	p[41] = 0;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

/* A carried RELATED_REPLY has no flow any more: the tuple asked for is still the right one. */
static void test_transient_flow(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_OUTPUT, .ctinfo = FW_CT_RELATED_REPLY};
	struct fw_ct *ct = fresh();
	struct tcp_words w = {
		.src = SERVER, .dst = CLIENT, .sport = 2, .dport = 1, .flags = TH_RST};
	struct bytes q, e, rst;
	struct fw_tuple room;
	struct heard h;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_icmp_error(&e, SERVER, CLIENT, 3, &q);
	make_tcp(&rst, &w);
	h = hear(ct, &e, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_RELATED_REPLY);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], CLIENT);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_REPLY, &room)->src.u8[3], SERVER);
	h = hear(ct, &rst, 0, &meta, false);
	assert_int_equal(h.ctinfo, FW_CT_RELATED_REPLY);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], CLIENT);
	meta.ctinfo = FW_CT_RELATED;
	h = hear(ct, &e, 0, &meta, false);
	assert_int_equal(fw_flow_tuple(h.flow, FW_DIR_ORIG, &room)->src.u8[3], SERVER);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_dropped(ct, &h.e); /* touches nothing */
	fw_ct_confirm(ct, &h.e);
	fw_ct_free(ct);
}

static bool comes_tracked(struct fw_ct *ct, const struct bytes *b)
{
	const struct fw_pkt_meta meta = {.hook = FW_OUTPUT};
	struct fw_packet pkt;

	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b->data, b->len, b->len, &meta), 0);
	return fw_ct_comes_tracked(ct, &pkt, 0);
}

/* What this host's kernel says of packets that we did not see, or did not let live. */
static void test_local_errors(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_OUTPUT};
	struct tcp_words w = {
		.src = CLIENT, .dst = SERVER, .sport = 1, .dport = 2, .flags = TH_SYN};
	struct fw_ct *ct = fresh();
	struct bytes q, e;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_RELATED_REPLY);
	meta.has_uid = true; /* a user's raw socket: no flow is attached to that */
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	meta.has_uid = false;
	q.len = 26; /* cut within UDP's header: it has no flow */
	put16(q.data + 2, q.len);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	q.len = 23; /* … even within its ports */
	put16(q.data + 2, q.len);
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_false(comes_tracked(ct, &e));
	make_icmp(&q, CLIENT, SERVER, 0, 1); /* an echo reply begins no flow */
	make_icmp_error(&e, ROUTER, CLIENT, 11, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	make_tcp(&q, &w);
	sum_tcp(&q);
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_RELATED_REPLY);
	q.data[37] ^= 1; /* a wrong checksum: the quoted packet was INVALID, and so has no flow */
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	w.flags = TH_FIN;
	make_tcp(&q, &w);
	sum_tcp(&q);
	make_icmp_error(&e, ROUTER, CLIENT, 3, &q);
	assert_int_equal(hear(ct, &e, 0, &meta, false).ctinfo, FW_CT_INVALID);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_icmp6_redirect),
		cmocka_unit_test(test_transient_flow),
		cmocka_unit_test(test_local_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
