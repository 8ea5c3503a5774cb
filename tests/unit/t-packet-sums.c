/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet view: whether upper-layer checksums hold, and the packets that ICMP errors quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packet-bytes.h"

static void put_csum(uint8_t *at, const struct fw_packet *pkt)
{
	for (uint32_t v = 0; v < 0x10000; v++) {
		at[0] = (uint8_t)(v >> 8), at[1] = (uint8_t)v;
		if (v && fw_packet_csum_ok(pkt) == 1)
			return;
	}
	fail_msg("no checksum holds");
}

static void test_checksums(void **state)
{
	/* a real datagram: 10.0.0.1:53 -> 10.0.0.2:1025, "hi", checksum by hand */
	uint8_t udp[30] = {0x45, 0,  0, 30, 0, 0, 0,  0, 64, 17, 0,  0,	   10,	 0,   0,
			   1,	 10, 0, 0,  2, 0, 53, 4, 1,  0,	 10, 0x7f, 0x38, 'h', 'i'};
	struct bytes b = bytes_of(udp, sizeof(udp));
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	b.data[29]++;
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	pkt.meta.flags = FW_PKT_CSUM_UNCHECKED | FW_PKT_CSUM_PARTIAL;
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	pkt.meta.flags = 0;
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	b.n = 29; /* our copy lacks a byte */
	assert_int_equal(parse(&pkt, FW_IP4, &b, 30), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), -1);
	b.n = 30, b.data[26] = b.data[27] = 0;
	assert_int_equal(parse(&pkt, FW_IP4, &b, 30), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1); /* none */
	b.data[9] = 136; /* UDP-Lite: 0 is wrong there, and its length field is coverage */
	assert_int_equal(parse(&pkt, FW_IP4, &b, 30), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	b.data[25] = 8;
	put_csum(b.data + 26, &pkt);
	b.data[28]++; /* not covered */
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	b.data[25] = 7;
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	b.data[25] = 11;
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	free(b.data);
}

static void test_checksum_families(void **state)
{
	uint8_t echo[9] = {128, 0, 0, 0, 1, 2, 3, 4, 5};
	struct bytes b = ip6(58, echo, sizeof(echo));
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	put_csum(b.data + 42, &pkt);
	b.data[8]++; /* the address is part of it */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	b.data[6] = 1; /* ICMP in IPv6 has none that anybody knows */
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	free(b.data);
	b = bytes_of(tcp4, sizeof(tcp4));
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	put_csum(b.data + 36, &pkt);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	b.data[6] = 0x20;
	b.data[20]++;
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1); /* a fragment: cannot be told, ever */
	free(b.data);
}

/* A first fragment of IPv6 that the tracker meets is one that nobody puts together. */
static void test_checksum_of_a_first_fragment(void **state)
{
	uint8_t bytes[17] = {17, 0, 0, 1, 0, 0, 0, 77, 0, 1, 0, 2, 0, 9, 0x12, 0x34, 5};
	struct bytes b = ip6(44, bytes, sizeof(bytes));
	struct fw_packet pkt;

	(void)state;
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_true(pkt.frag_more && !pkt.fragment);
	assert_int_equal(fw_packet_csum_ok(&pkt), 0);
	put_csum(b.data + 54, &pkt);
	assert_int_equal(fw_packet_csum_ok(&pkt), 1);
	free(b.data);
}

/* An unreachable that quotes the first `n` bytes of tcp4. */
static struct bytes icmp_quoting(uint8_t type, size_t n)
{
	uint8_t buf[28 + sizeof(tcp4)] = {
		0x45, 0,    0, (uint8_t)(28 + n), 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0,
		1,    type, 3};

	memcpy(buf + 28, tcp4, n);
	return bytes_of(buf, 28 + n);
}

static void test_inner4(void **state)
{
	struct fw_packet pkt, inner;

	(void)state;
	for (size_t n = 0; n <= sizeof(tcp4); n++) {
		struct bytes b = icmp_quoting(3, n);

		assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
		assert_int_equal(fw_packet_inner(&pkt, &inner), n < 28 ? -1 : 0);
		if (n >= 28) {
			assert_int_equal(inner.dport, 80);
			assert_int_equal(inner.src.u8[3], 1);
			assert_int_equal(inner.len, n);
			assert_int_equal(inner.l4_len, n - 20);
			assert_int_equal(inner.l4_ok, n == 40);
			assert_int_equal(inner.meta.hook, FW_INPUT);
		}
		/* padding behind the outer packet is not quoted */
		if (n > 20) {
			b.data[3] = 48;
			assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
			assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
		}
		free(b.data);
	}
}

static void test_inner4_refused(void **state)
{
	const uint8_t types[] = {0, 8, 13, 30};
	struct fw_packet pkt, inner;
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		b = icmp_quoting(types[i], 40);
		assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
		assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
		free(b.data);
	}
	b = icmp_quoting(11, 40);
	b.data[28 + 7] = 4; /* a later fragment is quoted */
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
	b.data[28 + 7] = 0;
	assert_int_equal(parse(&pkt, FW_IP4, &b, b.n), 0);
	assert_int_equal(fw_packet_inner(&pkt, &inner), 0);
	b.n = 28 + 27; /* our copy ends early */
	assert_int_equal(parse(&pkt, FW_IP4, &b, 68), 0);
	assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
	b.n = 68, b.data[28] = 0x65;
	assert_int_equal(parse(&pkt, FW_IP4, &b, 68), 0);
	assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
	free(b.data);
}

static void test_inner6(void **state)
{
	struct bytes q = ip6(0, chain, sizeof(chain)), b;
	uint8_t icmp[8 + 40 + sizeof(chain)] = {1, 4};
	struct fw_packet pkt, inner;

	(void)state;
	memcpy(icmp + 8, q.data, q.n);
	for (uint32_t n = 0; n <= q.n; n++) {
		b = ip6(58, icmp, 8 + n);
		assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
		assert_int_equal(fw_packet_inner(&pkt, &inner), n < 40 + 44 + 8 ? -1 : 0);
		free(b.data);
	}
	assert_int_equal(inner.dport, 80);
	icmp[0] = 128;
	b = ip6(58, icmp, sizeof(icmp));
	assert_int_equal(parse(&pkt, FW_IP6, &b, b.n), 0);
	assert_int_equal(fw_packet_inner(&pkt, &inner), -1);
	free(b.data);
	free(q.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_checksum_families),
		cmocka_unit_test(test_checksum_of_a_first_fragment),
		cmocka_unit_test(test_inner4),
		cmocka_unit_test(test_inner4_refused),
		cmocka_unit_test(test_inner6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
