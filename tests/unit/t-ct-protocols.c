/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracker's protocols beside TCP (t-ct-tcp.c): which packets make a pair, which are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ct-packets.h"

static void test_udp(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q, a;
	struct heard h;

	(void)state;
	make_question(&q, &a);
	assert_int_equal(say(ct, &q, 0), FW_CT_NEW);
	assert_int_equal(say(ct, &q, 1 * SEC), FW_CT_NEW);
	h = pass_packet(ct, &a, 1 * SEC);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(fw_flow_expires_s(h.flow, 1 * SEC), 30);
	h = pass_packet(ct, &q, 2 * SEC); /* exactly two seconds are not yet a stream */
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED);
	assert_int_equal(fw_flow_expires_s(h.flow, 2 * SEC), 30);
	assert_false(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	h = pass_packet(ct, &a, 2 * SEC + 1);
	assert_int_equal(fw_flow_expires_s(h.flow, 2 * SEC + 1), 120);
	assert_true(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	assert_int_equal(say(ct, &q, 122 * SEC), FW_CT_ESTABLISHED);
	assert_int_equal(say(ct, &q, 242 * SEC), FW_CT_NEW); /* at 120 s it is gone */
	fw_ct_free(ct);
}

static void test_udp_malformed(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	for (uint32_t len = 0; len < 20; len++) {
		put16(q.data + 24, len);
		assert_int_equal(say(ct, &q, 0), len < 8 || len > 12 ? FW_CT_INVALID : FW_CT_NEW);
	}
	fw_ct_free(ct);
}

static void test_icmp_pairs(void **state)
{
	static const struct {
		uint8_t type, reply;
	} pairs[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(pairs); i++) {
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
		make_icmp(&b, CLIENT, SERVER, pairs[i].type, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 2);
		assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* another id */
		make_icmp(&b, SERVER, CLIENT, pairs[i].reply, 1);
		assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
		make_icmp(&b, CLIENT, SERVER, pairs[i].type, 1);
		assert_int_equal(say(ct, &b, 29 * SEC), FW_CT_ESTABLISHED);
		assert_int_equal(say(ct, &b, 59 * SEC), FW_CT_NEW);
	}
	make_icmp(&b, CLIENT, SERVER, 9, 1);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_icmp(&b, CLIENT, SERVER, 200, 1);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void test_icmp6(void **state)
{
	static const uint8_t untracked[] = {130, 131, 132, 133, 134, 135, 136, 143, 151, 152};
	struct fw_ct *ct = fresh();
	struct bytes b;
	uint8_t *p;

	(void)state;
	p = ip6(&b, CLIENT, SERVER, 58, 40);
	for (size_t i = 0; i < sizeof(untracked); i++) {
		p[0] = untracked[i];
		assert_int_equal(say(ct, &b, 0), FW_CT_UNTRACKED);
	}
	p[0] = 129;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	p[0] = 128;
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	p = ip6(&b, SERVER, CLIENT, 58, 40);
	p[0] = 129;
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
	p = ip6(&b, CLIENT, SERVER, 1, 40); /* the other family's */
	p[0] = 8;
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void test_generic_and_gre(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes b;

	(void)state;
	ip4(&b, CLIENT, SERVER, 50, 8);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	ip4(&b, SERVER, CLIENT, 50, 8);
	assert_int_equal(say(ct, &b, 599 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 1198 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 1798 * SEC), FW_CT_NEW);
	ip4(&b, CLIENT, SERVER, 47, 8);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	ip4(&b, SERVER, CLIENT, 47, 8);
	assert_int_equal(say(ct, &b, 29 * SEC), FW_CT_ESTABLISHED_REPLY);
	assert_int_equal(say(ct, &b, 58 * SEC),
			 FW_CT_ESTABLISHED_REPLY); /* both ways from here on */
	assert_int_equal(say(ct, &b, 237 * SEC), FW_CT_ESTABLISHED_REPLY);
	fw_ct_free(ct);
}

/* Extension headers that end beyond the packet. */
static void test_beyond(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes b;
	uint8_t *p = ip6(&b, CLIENT, SERVER, 51, 24);

	(void)state;
	p[0] = 120;
	p[1] = 120;
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	p[0] = 17; /* has ports */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	p[0] = 60; /* one more */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	fw_ct_free(ct);
}

static void make_sctp(struct bytes *b, uint8_t src, uint8_t dst, uint8_t chunk, uint32_t tag,
		      uint32_t init_tag)
{
	uint8_t *p = ip4(b, src, dst, 132, 12 + 20);

	put16(p, src);
	put16(p + 2, dst);
	put32(p + 4, tag);
	p[12] = chunk;
	put16(p + 14, 20);
	put32(p + 16, init_tag);
}

static void test_sctp(void **state)
{
	enum { DATA = 0, INIT = 1, INIT_ACK = 2, ABORT = 6, ECHOED = 10, COOKIE_ACK = 11 };
	struct fw_ct *ct = fresh();
	struct bytes b;
	struct heard h;

	(void)state;
	make_sctp(&b, CLIENT, SERVER, ABORT, 0, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, INIT, 5, 11); /* an INIT has no tag to show */
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, INIT, 0, 11);
	assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	make_sctp(&b, SERVER, CLIENT, INIT_ACK, 12, 22);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID); /* it was told 11 */
	make_sctp(&b, SERVER, CLIENT, INIT_ACK, 11, 22);
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED_REPLY);
	make_sctp(&b, CLIENT, SERVER, ECHOED, 22, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_ESTABLISHED);
	make_sctp(&b, SERVER, CLIENT, COOKIE_ACK, 11, 0);
	h = pass_packet(ct, &b, 0);
	assert_int_equal(h.ctinfo, FW_CT_ESTABLISHED_REPLY);
	assert_true(fw_flow_status(h.flow) & FW_CTS_ASSURED);
	assert_int_equal(fw_flow_expires_s(h.flow, 0), 210);
	make_sctp(&b, CLIENT, SERVER, DATA, 99, 0);
	assert_int_equal(say(ct, &b, 0), FW_CT_INVALID);
	make_sctp(&b, CLIENT, SERVER, ABORT, 22, 0);
	assert_int_equal(fw_flow_expires_s(pass_packet(ct, &b, 0).flow, 0), 10);
	fw_ct_free(ct);
}

static void test_fragments(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	q.data[7] = 2; /* a later fragment */
	assert_int_equal(say(ct, &q, 0), FW_CT_INVALID);
	q.data[7] = 0;
	q.data[6] = 0x20; /* the first one of a local sender */
	assert_int_equal(at_hook(ct, &q, 0, FW_OUTPUT), FW_CT_INVALID);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

static void test_checksums(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_INPUT, .flags = FW_PKT_CSUM_UNCHECKED};
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_ct *ct = fresh();
	struct bytes q;

	(void)state;
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	put16(q.data + 26, 1); /* wrong */
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_INVALID);
	meta.flags |= FW_PKT_CSUM_PARTIAL;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	meta.flags = FW_PKT_CSUM_UNCHECKED;
	meta.hook = FW_OUTPUT;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	meta.hook = FW_PREROUTING;
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_INVALID);
	config.checksum = false;
	fw_ct_set_config(ct, &config);
	assert_int_equal(hear(ct, &q, 0, &meta, false).ctinfo, FW_CT_NEW);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_malformed),
		cmocka_unit_test(test_icmp_pairs),
		cmocka_unit_test(test_icmp6),
		cmocka_unit_test(test_generic_and_gre),
		cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
