/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet view: well-formed packets are read right, malformed ones neither crash nor pass for
 * what they are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packet-bytes.h"

static void test_tcp4(void **state)
{
	struct bytes b = bytes_of(tcp4, sizeof(tcp4));
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(pkt.proto, 6);
	assert_true(pkt.has_proto && pkt.l4_ok && pkt.has_ports);
	assert_false(pkt.fragment || pkt.frag_more || pkt.l4_short);
	assert_int_equal(pkt.sport, 1234);
	assert_int_equal(pkt.dport, 80);
	assert_int_equal(pkt.tcp_flags, 0x02);
	assert_int_equal(pkt.l4_off, 20);
	assert_int_equal(pkt.l4_len, 20);
	assert_int_equal(pkt.tos, 0x10);
	assert_int_equal(pkt.ttl, 64);
	assert_int_equal(pkt.src.u8[3], 1);
	assert_int_equal(pkt.dst.u8[3], 2);
	assert_int_equal(pkt.src.u32[1], 0);
	free(b.data);
}

/* Every possible cut of the copy, of the packet, and of both. */
static void test_tcp4_cuts(void **state)
{
	struct fw_packet pkt;

	(void)state;
	for (uint32_t cap = 0; cap <= sizeof(tcp4); cap++) {
		struct bytes b = bytes_of(tcp4, cap);
		int r = parse(&pkt, FW_IP4, &b, sizeof(tcp4));

		assert_int_equal(r, cap < 20 ? -1 : 0);
		if (!r) {
			assert_false(pkt.l4_short); /* the packet is whole, our copy is not */
			assert_int_equal(pkt.l4_ok, cap == 40);
			assert_int_equal(pkt.has_ports, cap >= 24);
		}
		/* the packet is shorter than its header says */
		if (cap < sizeof(tcp4))
			assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), -1);
		if (cap >= 20) {
			b.data[3] = (uint8_t)cap;
			assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
			assert_int_equal(pkt.l4_short, cap < 40);
			assert_int_equal(pkt.l4_len, cap - 20);
		}
		free(b.data);
	}
}

static void test_ip4_malformed(void **state)
{
	struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{0, 0x55}, /* version */
		{0, 0x65}, {0, 0x44}, /* header shorter than 20 */
		{0, 0x4f}, /* header longer than the packet */
		{3, 0x29}, /* longer than the packet */
		{3, 0x13}, /* shorter than its own header */
		{3, 0x00},
	};
	struct fw_packet pkt;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++) {
		struct bytes b = bytes_of(tcp4, sizeof(tcp4));

		b.data[bad[i].at] = bad[i].value;
		assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), -1);
		free(b.data);
	}
}

static void test_ip4_options_and_padding(void **state)
{
	uint8_t buf[60] = {0};
	struct fw_packet pkt;
	struct bytes b;

	(void)state;
	memcpy(buf, tcp4, 20);
	memcpy(buf + 24, tcp4 + 20, 20);
	buf[0] = 0x46, buf[3] = 44;
	b = bytes_of(buf, sizeof(buf)); /* 16 bytes of Ethernet padding behind */
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(pkt.l4_off, 24);
	assert_int_equal(pkt.l4_len, 20);
	assert_int_equal(pkt.dport, 80);
	/* Padding is no header. */
	b.data[3] = 43;
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_true(pkt.l4_short && !pkt.l4_ok && pkt.has_ports);
	free(b.data);
}

static void test_ip4_fragments(void **state)
{
	struct bytes b = bytes_of(tcp4, sizeof(tcp4));
	struct fw_packet pkt;

	(void)state;
	b.data[6] = 0x20; /* first */
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_true(pkt.frag_more && !pkt.fragment && pkt.l4_ok);
	b.data[7] = 1; /* 8 bytes in */
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_true(pkt.frag_more && pkt.fragment && pkt.has_proto);
	assert_false(pkt.l4_ok || pkt.l4_short || pkt.has_ports);
	assert_int_equal(pkt.frag_off, 8);
	assert_int_equal(pkt.proto, 6);
	assert_int_equal(pkt.l4_len, 0);
	b.data[6] = 0x1f, b.data[7] = 0xff; /* last, as far as can be */
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(pkt.frag_off, 0x1fff * 8);
	assert_false(pkt.frag_more);
	free(b.data);
}

static void test_super_packets(void **state)
{
	struct fw_pkt_meta meta = {.flags = FW_PKT_GSO};
	struct bytes b = bytes_of(tcp4, sizeof(tcp4));
	struct fw_packet pkt;

	(void)state;
	b.data[2] = 0, b.data[3] = 0;
	assert_int_equal(fw_packet_parse(&pkt, FW_IP4, b.data, b.n, 100000, &meta), 0);
	assert_int_equal(pkt.l4_len, 99980);
	assert_true(pkt.l4_ok);
	free(b.data);
	b = ip6(6, tcp4 + 20, 20);
	b.data[5] = 0;
	assert_int_equal(fw_packet_parse(&pkt, FW_IP6, b.data, b.n, 100000, &meta), 0);
	assert_int_equal(pkt.l4_len, 99960);
	free(b.data);
}

static void test_ip6_plain(void **state)
{
	struct bytes b = ip6(6, tcp4 + 20, 20);
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.l4_ok && pkt.has_ports);
	assert_int_equal(pkt.tos, 5);
	assert_int_equal(pkt.dport, 80);
	assert_int_equal(pkt.l4_off, 40);
	assert_int_equal(pkt.src.u8[15], 1);
	b.data[0] = 0x40;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), -1);
	b.data[0] = 0x60, b.data[5] = 21;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), -1);
	b.data[5] = 20, b.n = 39;
	assert_int_equal(parse(&pkt, FW_IP6, &b, 60), -1);
	free(b.data);
}

static void test_ip6_chain(void **state)
{
	struct bytes b = ip6(0, chain, sizeof(chain));
	struct fw_packet pkt;
	uint32_t len = b.n;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.l4_ok && pkt.frag_more && !pkt.fragment);
	assert_int_equal(pkt.proto, 6);
	assert_int_equal(pkt.dport, 80);
	assert_int_equal(pkt.l4_off, 40 + 44);
	assert_int_equal(pkt.l4_len, 20);
	for (b.n = 40; b.n < len; b.n++) { /* the packet ends anywhere */
		struct bytes cut = bytes_of(b.data, b.n);

		cut.data[5] = (uint8_t)(b.n - 40);
		assert_int_equal(parse(&pkt, FW_IP6, &cut, cut.n), 0);
		assert_int_equal(pkt.has_proto, b.n >= 84);
		assert_int_equal(pkt.l4_short, b.n >= 84);
		free(cut.data);
	}
	free(b.data);
}

static void test_ip6_later_fragment(void **state)
{
	uint8_t frag[16] = {17, 0, 0x05, 0xa9, 0, 0, 0, 9};
	struct bytes b = ip6(44, frag, sizeof(frag));
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.fragment && pkt.frag_more && !pkt.has_ports && !pkt.l4_ok);
	assert_int_equal(pkt.proto, 17);
	assert_int_equal(pkt.frag_off, 0x5a8);
	b.data[40] = 60; /* what follows an extension header of a later fragment is unknown */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.fragment && !pkt.has_proto);
	b.data[40] = 59;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto);
	assert_int_equal(pkt.proto, 59);
	free(b.data);
}

static void test_ip6_odd_ends(void **state)
{
	uint8_t hop[8] = {6, 255};
	struct fw_packet pkt;
	struct bytes b = ip6(59, hop, 0);

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.l4_ok && pkt.proto == 59 && !pkt.l4_len);
	free(b.data);
	b = ip6(0, hop, sizeof(hop)); /* a header of 2048 bytes in a packet of 48 */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_false(pkt.has_proto);
	free(b.data);
	b = ip6(50, tcp4 + 20, 8); /* ESP is an upper layer */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.l4_ok && pkt.proto == 50);
	free(b.data);
	b = ip6(135, tcp4 + 20, 8); /* so is a mobility header */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.has_proto && pkt.proto == 135);
	free(b.data);
}

/* Bytes at random behind a sane first byte: nothing is promised but that nothing breaks. */
static void test_noise(void **state)
{
	uint64_t z = 1;
	struct fw_packet pkt, inner;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint8_t buf[96];
		struct bytes b;

		for (size_t k = 0; k < sizeof(buf); k++) {
			z = z * 6364136223846793005ull + 1442695040888963407ull;
			buf[k] = (uint8_t)(z >> 56);
			if (z >> 20 & 1)
				buf[k] &= 0x3f;
		}
		buf[0] = i & 1 ? 0x60 : (uint8_t)(0x40 | (buf[0] & 0x0f));
		buf[2] = 0, buf[4] = 0;
		b = bytes_of(buf, buf[1] % (sizeof(buf) + 1));
		if (!parse(&pkt, i & 1 ? FW_IP6 : FW_IP4, &b, b.n)) {
			assert_false(pkt.l4_ok && pkt.l4_short);
			(void)fw_packet_csum_ok(&pkt);
			(void)fw_packet_inner(&pkt, &inner);
		}
		free(b.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp4),
		cmocka_unit_test(test_tcp4_cuts),
		cmocka_unit_test(test_ip4_malformed),
		cmocka_unit_test(test_ip4_options_and_padding),
		cmocka_unit_test(test_ip4_fragments),
		cmocka_unit_test(test_super_packets),
		cmocka_unit_test(test_ip6_plain),
		cmocka_unit_test(test_ip6_chain),
		cmocka_unit_test(test_ip6_later_fragment),
		cmocka_unit_test(test_ip6_odd_ends),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
