/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel lets pass, as the daemon knows it: keys, and where counts go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/flows.h"
#include "pkt.h"

#define SHIFT 20

static void message(struct fwd_msg *m, struct pkt *p, enum fw_hook hook)
{
	memset(m, 0, sizeof(*m));
	memset(p, 0, sizeof(*p));
	p->meta.hook = (uint8_t)hook;
	p->meta.in_ifindex = 3;
	p->meta.out_ifindex = 4;
	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(p, 1024, 80, PKT_ACK);
	pkt_view(p, &m->pkt);
}

static const struct fw_plan plain, kct = {.kct = true};

/* Interfaces that a hook does not have are no part of the key, whatever the queue says. */
static void test_key(void **state)
{
	static const struct {
		enum fw_hook hook;
		uint32_t in, out;
	} rows[] = {{FW_PREROUTING, 3, 0},
		    {FW_INPUT, 3, 0},
		    {FW_FORWARD, 3, 4},
		    {FW_OUTPUT, 0, 4},
		    {FW_POSTROUTING, 3, 4}};
	uint32_t key[FWD_FLOW_WORDS6];
	struct fwd_msg m;
	struct pkt p;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		message(&m, &p, rows[i].hook);
		m.mark = 7;
		assert_true(fwd_flow_key(&m, &plain, SHIFT, key));
		assert_int_equal(key[FWD_FLOW_BASE], rows[i].hook);
		assert_int_equal(key[FWD_FLOW_IN], rows[i].in);
		assert_int_equal(key[FWD_FLOW_OUT], rows[i].out);
		assert_int_equal(key[FWD_FLOW_MARK], 7);
		assert_memory_equal(&key[FWD_FLOW_PROTO], "\x06\0\0\0", 4);
		assert_memory_equal(&key[FWD_FLOW_ENDS], "\x0a\0\0\1\x0a\0\0\2\4\0\0\x50", 12);
	}
}

static void test_key_ip6(void **state)
{
	uint32_t key[FWD_FLOW_WORDS6];
	struct pkt p = PKT_INIT;
	struct fwd_msg m;

	(void)state;
	memset(&m, 0, sizeof(m));
	p.meta.hook = FW_INPUT;
	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_UDP);
	pkt_udp(&p, 53, 1024);
	pkt_view(&p, &m.pkt);
	assert_true(fwd_flow_key(&m, &plain, SHIFT, key));
	assert_memory_equal(&key[FWD_FLOW_ENDS], &m.pkt.src, 16);
	assert_memory_equal(&key[FWD_FLOW_ENDS + 4], &m.pkt.dst, 16);
	assert_memory_equal(&key[FWD_FLOW_ENDS + 8], "\0\x35\4\0", 4);
}

/* The packet is of this kind; its key has these four bytes of protocol, and these behind its ends.
 */
static void check_key(struct pkt *p, enum fw_offer_kind kind, const char *proto, uint32_t ends,
		      const char *behind)
{
	uint32_t key[FWD_FLOW_WORDS6];
	struct fwd_msg m;

	memset(&m, 0, sizeof(m));
	pkt_view(p, &m.pkt);
	assert_int_equal(fw_offer_kind(&m.pkt), kind);
	assert_true(fwd_flow_key(&m, &plain, SHIFT, key));
	assert_memory_equal(&key[FWD_FLOW_PROTO], proto, 4);
	assert_memory_equal(&key[FWD_FLOW_ENDS + ends], behind, 4);
}

/* An echo's type and identifier are in it, so requests and replies of the same ends differ; of ESP
 * there is nothing but the ends. */
static void test_key_others(void **state)
{
	struct pkt p = PKT_INIT, esp = PKT_INIT, cut = PKT_INIT;
	uint32_t key[FWD_FLOW_WORDS6];
	struct fwd_msg m;

	(void)state;
	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_ICMPV6);
	pkt_icmp(&p, 129, 0, 0x1234, 7);
	check_key(&p, FW_OFFER_ANSWERS, "\x3a\x81\0\0", 8, "\x12\x34\0\0");
	pkt_ip4(&esp, "10.0.0.1", "10.0.0.2", IPPROTO_ESP);
	memset(pkt_grow(&esp, 24), 0xff, 24);
	check_key(&esp, FW_OFFER_ESP, "\x32\0\0\0", 2, "\0\0\0\0");
	memset(&m, 0, sizeof(m));
	pkt_ip4(&cut, "10.0.0.1", "10.0.0.2", IPPROTO_ICMP);
	memset(pkt_grow(&cut, 4), 0, 4);
	pkt_view(&cut, &m.pkt);
	assert_false(fw_offer_kind(&m.pkt) != FW_N_OFFER_KINDS &&
		     fwd_flow_key(&m, &plain, SHIFT, key));
}

/* Our bits: notes of nft on the way to the queue are none of the packet's; those it came with are.
 */
static void test_marked(void **state)
{
	uint32_t key[FWD_FLOW_WORDS6];
	struct fwd_msg m;
	struct pkt p;

	(void)state;
	message(&m, &p, FW_OUTPUT);
	m.ours = FW_CT_ESTABLISHED << FW_MARK_CTINFO_SHIFT;
	m.mark = m.ours << SHIFT | 5;
	assert_false(fwd_flow_key(&m, &plain, SHIFT, key));
	assert_true(fwd_flow_key(&m, &kct, SHIFT, key));
	assert_int_equal(key[FWD_FLOW_MARK], 5);
	m.pkt.meta.part = FW_PART_BEHIND_NAT;
	assert_true(fwd_flow_key(&m, &kct, SHIFT, key));
	assert_int_equal(key[FWD_FLOW_BASE], FWD_OUTPUT_BEHIND);
	m.ours |= FW_MARK_OWN;
	assert_false(fwd_flow_key(&m, &kct, SHIFT, key));
}

static struct fw_offer an_offer(struct fw_counters *a, struct fw_counters *b)
{
	return (struct fw_offer){.orig = {.proto = IPPROTO_UDP},
				 .dir = FW_DIR_REPLY,
				 .tracked = true,
				 .n = 2,
				 .counters = {a, b}};
}

static void test_counting(void **state)
{
	struct fwd_flows *f = fwd_flows_new(7, 12345);
	struct fw_counters a = {10, 1000}, b = {0, 0}, c = {0, 0};
	struct fw_offer first = an_offer(&a, &b), second = an_offer(&a, &c);
	uint32_t key[FWD_FLOW_WORDS6] = {FW_INPUT};
	struct fw_counters now = {3, 300}, more;
	struct fwd_flow *flow;

	(void)state;
	assert_non_null(f);
	assert_null(fwd_flows_find(f, FW_IP4, key));
	assert_true(fwd_flows_add(f, FW_IP4, FW_OFFER_UDP, key, &first));
	assert_null(fwd_flows_find(f, FW_IP6, key));
	key[FWD_FLOW_ENDS] = 1;
	assert_true(fwd_flows_add(f, FW_IP4, FW_OFFER_UDP, key, &second));
	assert_int_equal(f->of[FW_IP4].n, 2);
	assert_int_equal(f->of[FW_IP4].wanted, fwd_flow_kind(FW_INPUT, FW_OFFER_UDP));
	flow = fwd_flows_find(f, FW_IP4, key);
	assert_non_null(flow);
	assert_true(flow->tracked && flow->dir == FW_DIR_REPLY);
	fwd_flows_count(f, flow, &now);
	assert_int_equal(a.packets, 13);
	assert_int_equal(c.bytes, 300);
	assert_int_equal(b.packets, 0);
	now = (struct fw_counters){5, 450};
	more = fwd_flows_count(f, flow, &now); /* what is new, once */
	assert_int_equal(more.packets, 2);
	assert_int_equal(a.bytes, 1450);
	more = fwd_flows_count(f, flow, &now);
	assert_int_equal(more.packets, 0);
	assert_int_equal(a.packets, 15);
	fwd_flows_free(f);
}

/* Flows that take the same way share its place; a full generation takes no more. */
static void test_full(void **state)
{
	struct fwd_flows *f = fwd_flows_new(1, 12345);
	struct fw_counters a = {0}, b = {0};
	struct fw_offer offer = an_offer(&a, &b);
	uint32_t key[FWD_FLOW_WORDS6] = {FW_FORWARD}, ways;

	(void)state;
	assert_non_null(f);
	for (uint32_t i = 0; i < FWD_FLOWS_MAX; i++) {
		key[FWD_FLOW_ENDS] = i;
		assert_true(fwd_flows_add(f, FW_IP6, FW_OFFER_UDP, key, &offer));
		if (!i)
			ways = f->ways;
		assert_int_equal(f->ways, ways);
	}
	key[FWD_FLOW_ENDS] = FWD_FLOWS_MAX;
	assert_false(fwd_flows_add(f, FW_IP6, FW_OFFER_UDP, key, &offer));
	assert_null(fwd_flows_find(f, FW_IP6, key));
	key[FWD_FLOW_ENDS]--;
	assert_non_null(fwd_flows_find(f, FW_IP6, key));
	assert_true(fwd_flows_add(f, FW_IP4, FW_OFFER_UDP, key,
				  &offer)); /* families have room of their own */
	fwd_flows_free(f);
}

/* Ways are different without end: then there is no room, and nothing else happens. */
static void test_no_room_for_ways(void **state)
{
	static struct fw_counters many[FWD_FLOWS_ROOM];
	struct fwd_flows *f = fwd_flows_new(1, 12345);
	struct fw_offer offer = {.n = FW_OFFER_MAX};
	uint32_t key[FWD_FLOW_WORDS6] = {0}, added = 0;

	(void)state;
	assert_non_null(f);
	for (uint32_t i = 0; i < 1000; i++) {
		key[FWD_FLOW_ENDS] = i;
		for (uint32_t j = 0; j < FW_OFFER_MAX; j++)
			offer.counters[j] = &many[i * 32 + j];
		added += fwd_flows_add(f, FW_IP4, FW_OFFER_UDP, key, &offer);
	}
	assert_int_equal(added, FWD_FLOWS_ROOM / (FW_OFFER_MAX + 2));
	assert_int_equal(f->of[FW_IP4].n, added);
	fwd_flows_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_key_ip6),
		cmocka_unit_test(test_key_others),
		cmocka_unit_test(test_marked),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_room_for_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
