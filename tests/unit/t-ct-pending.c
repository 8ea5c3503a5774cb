/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First packets that are being translated: of several that it may be, the rule tells which it is. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/pending.h"

enum { OTHER = 20 };

/* To (or from) 10.0.0.FIRST-LAST, and to these ports, if they are not zero. */
static struct fw_nat to(uint8_t kind, uint8_t first, uint8_t last, uint16_t min, uint16_t max)
{
	return (struct fw_nat){.kind = kind,
			       .family = FW_IP4,
			       .flags = (first ? FW_NAT_ADDR : 0) | (min ? FW_NAT_PORT : 0),
			       .min_port = min,
			       .max_port = max,
			       .min_addr = {.u8 = {10, 0, 0, first}},
			       .max_addr = {.u8 = {10, 0, 0, last}}};
}

/* The flow of a first packet; it is noted that this will be done to it. */
static struct fw_flow *noted(struct fw_ct *ct, const struct bytes *b, enum fw_hook hook,
			     struct fw_nat nat)
{
	const struct fw_use use = {.data = &nat};
	const struct fw_pkt_meta meta = {.hook = (uint8_t)hook};
	struct heard h = hear(ct, b, SEC, &meta, hook == FW_POSTROUTING);

	h.e.pkt = &h.pkt;
	h.e.nat = &use;
	if (hook == FW_POSTROUTING)
		fw_ct_expect_masking(ct, &h.e);
	else
		fw_ct_expect_translation(ct, &h.e);
	return h.flow;
}

static struct fw_flow *asks(struct fw_ct *ct, uint8_t dst, uint16_t sport, struct fw_nat nat)
{
	struct bytes b;

	make_udp(&b, CLIENT, dst, sport, 53);
	return noted(ct, &b, FW_PREROUTING, nat);
}

static struct fw_tuple tuple_of(const struct bytes *b)
{
	const struct fw_pkt_meta meta = {.hook = FW_FORWARD};
	struct fw_packet pkt;
	struct fw_tuple t;

	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b->data, b->len, b->len, &meta), 0);
	assert_true(ct_tuple_of(&pkt, &t));
	return t;
}

static struct fw_flow *met(struct fw_ct *ct, uint8_t dst, uint16_t sport, uint16_t dport)
{
	struct ct_ctx c = {.ct = ct, .now = SEC};
	struct fw_tuple t;
	struct bytes b;

	make_udp(&b, CLIENT, dst, sport, dport);
	t = tuple_of(&b);
	return ct_take_pending(&c, &t, false);
}

/* One socket asks four ends, and what was asked last is met first. */
static void test_rules_tell(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_flow *one, *range, *ports, *here;

	(void)state;
	one = asks(ct, SERVER, 5000, to(FW_NAT_DST, ROUTER, ROUTER, 0, 0));
	range = asks(ct, SERVER + 1, 5000, to(FW_NAT_DST, OTHER, OTHER + 3, 0, 0));
	ports = asks(ct, SERVER + 2, 5000, to(FW_NAT_DST, 0, 0, 8000, 8009));
	here = asks(ct, SERVER + 3, 5000, to(FW_NAT_REDIRECT, 0, 0, 99, 99));
	assert_null(met(ct, ROUTER, 5000, 54));
	assert_null(met(ct, OTHER + 4, 5000, 53));
	assert_null(met(ct, SERVER + 2, 5000, 8010));
	assert_null(met(ct, ROUTER, 5001, 53));
	assert_ptr_equal(met(ct, CLIENT, 5000, 99), here);
	assert_ptr_equal(met(ct, SERVER + 2, 5000, 8009), ports);
	assert_ptr_equal(met(ct, OTHER + 3, 5000, 53), range);
	assert_ptr_equal(met(ct, ROUTER, 5000, 53), one);
	assert_null(met(ct, ROUTER, 5000, 53)); /* it is known now */
	fw_ct_free(ct);
}

/* A name server's one socket: who asked first comes first, also where some do not come at all. */
static void test_one_socket(void **state)
{
	enum { N = 200 };
	const struct fw_nat nat = to(FW_NAT_REDIRECT, 0, 0, 53, 53);
	struct fw_flow *flows[N];
	struct fw_ct *ct = fresh();

	(void)state;
	for (unsigned int i = 0; i < N; i++)
		flows[i] = asks(ct, (uint8_t)(i + 30), 53, nat);
	for (unsigned int i = 0; i < N; i += 3)
		ct_flow_free(ct, flows[i]); /* dropped on its way */
	for (unsigned int i = 0; i < N; i++)
		if (i % 3)
			assert_ptr_equal(met(ct, ROUTER, 53, 53), flows[i]);
	assert_null(met(ct, ROUTER, 53, 53));
	fw_ct_free(ct);
}

/* From an end to itself goes both ways. */
static void test_to_itself(void **state)
{
	struct ct_ctx c = {.ct = fresh(), .now = SEC};
	struct fw_flow *flow;
	struct fw_tuple t;
	struct bytes b;

	(void)state;
	make_udp(&b, CLIENT, CLIENT, 53, 53);
	flow = noted(c.ct, &b, FW_OUTPUT, to(FW_NAT_REDIRECT, 0, 0, 0, 0));
	assert_non_null(flow);
	make_udp(&b, CLIENT, ROUTER, 53, 53);
	t = tuple_of(&b);
	assert_ptr_equal(ct_take_pending(&c, &t, false), flow);
	t = flow->orig; /* and is found again as it was sent */
	assert_ptr_equal(ct_find_behind(c.ct, &t, SEC), flow);
	fw_ct_free(c.ct);
}

static struct fw_flow *find(struct fw_ct *ct, const struct fw_tuple *t)
{
	enum fw_ct_dir dir;
	struct ct_key key;

	return ct_key_make(ct, t, &key) ? ct_find(ct, &key, SEC, false, &dir) : NULL;
}

/* This is met behind the translation: it is the flow's, which is found by its ends from now on. */
static void taken(struct ct_ctx *c, const struct bytes *b, struct fw_flow *flow)
{
	const struct fw_tuple t = tuple_of(b);

	assert_ptr_equal(ct_take_pending(c, &t, false), flow);
	assert_int_equal(fw_flow_status(flow) & CT_NAT, FW_CTS_DST_NAT);
	assert_ptr_equal(find(c->ct, &t), flow);
}

/* Led to where it went anyway, with another id: that, too, is a destination that was translated. */
static void test_icmp_id_only(void **state)
{
	struct fw_nat nat = to(FW_NAT_DST, SERVER, SERVER, 0, 0);
	struct ct_ctx c = {.ct = fresh(), .now = SEC};
	struct fw_flow *flow;
	struct bytes b;

	(void)state;
	nat.flags |= FW_NAT_RANDOM;
	make_icmp(&b, CLIENT, SERVER, 8, 7);
	flow = noted(c.ct, &b, FW_PREROUTING, nat);
	make_icmp(&b, CLIENT, SERVER, 8, 4711);
	taken(&c, &b, flow);
	fw_ct_free(c.ct);
}

/* Ports of ICMP are its id, whose change is the whole packet's. */
static void test_icmp(void **state)
{
	struct fw_nat nat = to(FW_NAT_DST, ROUTER, ROUTER, 0, 0);
	struct ct_ctx c = {.ct = fresh(), .now = SEC};
	struct fw_tuple t, reply;
	struct fw_flow *flow;
	struct bytes b;

	(void)state;
	make_icmp(&b, CLIENT, SERVER, 8, 7);
	flow = noted(c.ct, &b, FW_PREROUTING, to(FW_NAT_DST, ROUTER, ROUTER, 100, 200));
	make_icmp(&b, CLIENT, ROUTER, 8, 99);
	t = tuple_of(&b);
	assert_null(ct_take_pending(&c, &t, false));
	make_icmp(&b, CLIENT, ROUTER, 8, 150);
	t = tuple_of(&b);
	assert_ptr_equal(ct_take_pending(&c, &t, false), flow);
	/* … which is drawn at random, where that is asked for */
	nat.flags |= FW_NAT_RANDOM;
	make_icmp(&b, CLIENT, SERVER, 8, 8);
	flow = noted(c.ct, &b, FW_PREROUTING, nat);
	make_icmp(&b, CLIENT, ROUTER, 8, 4711);
	taken(&c, &b, flow);
	/* and its source, later, another: the next requests have that id at once, answers the first's */
	make_icmp(&b, ROUTER, OTHER, 0, 4712);
	reply = tuple_of(&b);
	assert_true(ct_flow_translate(c.ct, flow, &reply));
	assert_int_equal(fw_flow_status(flow) & CT_NAT, CT_NAT);
	assert_ptr_equal(find(c.ct, &reply), flow);
	make_icmp(&b, CLIENT, ROUTER, 8, 4712);
	t = tuple_of(&b);
	assert_ptr_equal(find(c.ct, &t), flow);
	make_icmp(&b, ROUTER, CLIENT, 0, 8);
	t = tuple_of(&b);
	assert_ptr_equal(find(c.ct, &t), flow);
	fw_ct_free(c.ct);
}

static struct fw_flow *syn(struct fw_ct *ct, uint8_t src, uint16_t sport, struct fw_nat nat)
{
	const struct tcp_words w = {.src = src, .dst = SERVER, .sport = sport, .dport = 81,
				    .flags = TH_SYN, .seq = 1, .win = 10};
	struct bytes b;

	make_tcp(&b, &w);
	hear(ct, &b, SEC, &(struct fw_pkt_meta){.hook = FW_PREROUTING}, false);
	return noted(ct, &b, FW_POSTROUTING, nat);
}

static struct fw_flow *refused(struct fw_ct *ct, uint8_t dst, uint16_t dport)
{
	const struct tcp_words w = {.src = SERVER, .dst = dst, .sport = 81, .dport = dport,
				    .flags = TH_RST | TH_ACK, .ack = 2};
	struct ct_ctx c = {.ct = ct, .now = SEC, .ctinfo = FW_CT_ESTABLISHED_REPLY};
	struct fw_tuple t;
	struct bytes b;

	make_tcp(&b, &w);
	t = tuple_of(&b);
	return ct_take_masked(&c, &t);
}

/* Two hosts ask from the same port: the first keeps it, and the other is who is left. */
static void test_same_port(void **state)
{
	const struct fw_nat nat = to(FW_NAT_MASQUERADE, 0, 0, 0, 0);
	struct fw_ct *ct = fresh();
	struct fw_flow *first, *second;

	(void)state;
	first = syn(ct, CLIENT, 5000, nat);
	second = syn(ct, OTHER, 5000, nat);
	assert_null(refused(ct, ROUTER, 1024)); /* whose is it? */
	assert_ptr_equal(refused(ct, ROUTER, 5000), first);
	assert_ptr_equal(refused(ct, ROUTER, 1024), second);
	fw_ct_free(ct);
}

/* What a rule does not make is nobody's answer. */
static void test_range(void **state)
{
	struct fw_ct *ct = fresh();
	struct fw_flow *one, *other;

	(void)state;
	one = syn(ct, CLIENT, 5000, to(FW_NAT_SRC, ROUTER, ROUTER, 6000, 6099));
	other = syn(ct, CLIENT, 5001, to(FW_NAT_SRC, OTHER, OTHER + 1, 6000, 6099));
	assert_null(refused(ct, ROUTER, 5000));
	assert_null(refused(ct, ROUTER + 1, 6000));
	assert_ptr_equal(refused(ct, OTHER + 1, 6050), other);
	assert_ptr_equal(refused(ct, ROUTER, 6050), one);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_tell), cmocka_unit_test(test_one_socket),
		cmocka_unit_test(test_icmp),       cmocka_unit_test(test_same_port),
		cmocka_unit_test(test_range),      cmocka_unit_test(test_to_itself),
		cmocka_unit_test(test_icmp_id_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
