/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches of the rarer protocols: ecn, esp, ah, sctp, dccp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"

static int meets(const char *ext, const char *text, struct pkt *p)
{
	struct fw_packet view;

	pkt_view(p, &view);
	return extuse_meets(ext, text, &view);
}

static void start(struct pkt *p, enum fw_family family, uint8_t proto)
{
	*p = (struct pkt)PKT_INIT;
	if (family == FW_IP4)
		pkt_ip4(p, "10.0.0.1", "10.0.0.2", proto);
	else
		pkt_ip6(p, "fe80::1", "fe80::2", proto);
}

static void test_ecn(void **state)
{
	struct pkt p;

	start(&p, FW_IP4, IPPROTO_TCP);
	pkt_tcp(&p, 1, 2, PKT_SYN | 0x40);
	p.data[1] = 0x02;
	assert_int_equal(meets("ecn", "--ecn-tcp-ece", &p), 1);
	assert_int_equal(meets("ecn", "--ecn-tcp-ece --ecn-tcp-cwr", &p), 0);
	assert_int_equal(meets("ecn", "--ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2", &p), 1);
	assert_int_equal(meets("ecn", "! --ecn-tcp-ece", &p), 0);
	assert_int_equal(meets("ecn", "! --ecn-ip-ect 2", &p), 0);
	assert_int_equal(meets("ecn", "--ecn-ip-ect 0", &p), 0);
	start(&p, FW_IP4, IPPROTO_TCP);
	pkt_grow(&p, 13);
	assert_int_equal(meets("ecn", "! --ecn-tcp-ece", &p), 0); /* too short: just no match */
}

static void test_esp(void **state)
{
	struct pkt p;

	start(&p, FW_IP6, IPPROTO_ESP);
	pkt_add(&p, "\x00\x01\x00\x02\0\0\0\0", 8);
	assert_int_equal(meets("esp", "--espspi 0x10002", &p), 1);
	assert_int_equal(meets("esp", "--espspi :0x10001", &p), 0);
	assert_int_equal(meets("esp", "! --espspi :0x10001", &p), 1);
	assert_int_equal(meets("esp", "", &p), 1);
	start(&p, FW_IP4, IPPROTO_ESP);
	pkt_grow(&p, 7);
	assert_int_equal(meets("esp", "", &p), 2);
}

static void test_ah(void **state)
{
	struct pkt p;
	uint8_t *ah;

	start(&p, FW_IP4, IPPROTO_AH);
	pkt_add(&p, "\x06\x04\0\0\0\0\0\x05\0\0\0\1", 12);
	pkt_grow(&p, 12);
	assert_int_equal(meets("ah", "--ahspi 5", &p), 1);
	assert_int_equal(meets("ah", "! --ahspi 5", &p), 0);

	start(&p, FW_IP6, IPPROTO_UDP);
	pkt_ext6(&p, IPPROTO_HOPOPTS, 8)[2] = 1;
	ah = pkt_ext6(&p, IPPROTO_AH, 24);
	ah[7] = 5;
	pkt_udp(&p, 1, 2);
	assert_int_equal(meets("ah", "--ahspi 5", &p), 1);
	assert_int_equal(meets("ah", "--ahspi 5 --ahlen 24 --ahres", &p), 1);
	assert_int_equal(meets("ah", "! --ahlen 24", &p), 0);
	assert_int_equal(meets("ah", "--ahspi 6", &p), 0);
	ah[3] = 1;
	assert_int_equal(meets("ah", "--ahres", &p), 0);
	start(&p, FW_IP6, IPPROTO_UDP);
	pkt_udp(&p, 1, 2);
	assert_int_equal(meets("ah", "! --ahspi 6", &p), 0); /* none there */
	start(&p, FW_IP6, IPPROTO_AH);
	pkt_grow(&p, 4);
	assert_int_equal(meets("ah", "", &p), 2);
	start(&p, FW_IP6, IPPROTO_AH);
	pkt_add(&p, "\x3b\x09\0\0\0\0\0\x05\0\0\0\1", 12); /* says 44 bytes */
	assert_int_equal(meets("ah", "", &p), 2);
}

static void chunk(struct pkt *p, uint8_t type, uint8_t flags, uint16_t len)
{
	uint8_t *c = pkt_grow(p, len ? (len + 3u) & ~3u : 4);

	c[0] = type;
	c[1] = flags;
	pkt_put16(c + 2, len);
}

static void test_sctp(void **state)
{
	struct pkt p;
	uint8_t *head;

	start(&p, FW_IP4, IPPROTO_SCTP);
	head = pkt_grow(&p, 12);
	pkt_put16(head, 1000);
	pkt_put16(head + 2, 2000);
	chunk(&p, 0, 0x02, 5); /* DATA, first fragment */
	chunk(&p, 3, 0, 16); /* SACK */
	assert_int_equal(meets("sctp", "--sport 1000 ! --dport 1:1999", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any DATA,INIT", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any INIT,ABORT", &p), 0);
	assert_int_equal(meets("sctp", "--chunk-types all DATA,SACK", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types all DATA,INIT", &p), 0);
	assert_int_equal(meets("sctp", "--chunk-types only DATA,SACK,INIT", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types only DATA", &p), 0);
	assert_int_equal(meets("sctp", "! --chunk-types only DATA", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any DATA:Be", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any DATA:bE", &p), 0);
	assert_int_equal(meets("sctp", "--chunk-types any ALL", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any NONE", &p), 0);
	chunk(&p, 1, 0, 0); /* of no length */
	assert_int_equal(meets("sctp", "! --chunk-types any INIT", &p), 3);
	assert_int_equal(meets("sctp", "--chunk-types any DATA", &p), 1); /* found before it */
	start(&p, FW_IP4, IPPROTO_SCTP);
	pkt_grow(&p, 12);
	assert_int_equal(meets("sctp", "--sport 0", &p), 1);
	assert_int_equal(meets("sctp", "--chunk-types any DATA", &p), 2);
}

static void test_dccp(void **state)
{
	struct pkt p;
	uint8_t *head;

	start(&p, FW_IP4, IPPROTO_DCCP);
	head = pkt_grow(&p, 28);
	pkt_put16(head, 1000);
	head[4] = 7; /* 28 bytes */
	head[8] = 3 << 1 | 1; /* ACK, long sequence numbers: 16 + 8 */
	memcpy(head + 24, "\x00\x26\x03\x05", 4);
	assert_int_equal(meets("dccp", "--sport 1000 --dccp-types ACK,DATA", &p), 1);
	assert_int_equal(meets("dccp", "! --dccp-types ACK", &p), 0);
	assert_int_equal(meets("dccp", "--dccp-types INVALID", &p), 0);
	assert_int_equal(meets("dccp", "--dccp-option 0x26", &p), 1);
	assert_int_equal(meets("dccp", "--dccp-option 5", &p), 0); /* inside of another */
	assert_int_equal(meets("dccp", "! --dccp-option 5", &p), 1);
	head[8] = 13 << 1;
	assert_int_equal(meets("dccp", "--dccp-types INVALID", &p), 1);
	head[8] = 3 << 1 | 1;
	head[4] = 5; /* shorter than its own header */
	assert_int_equal(meets("dccp", "! --dccp-option 5", &p), 3);
	head[4] = 9; /* longer than the packet */
	assert_int_equal(meets("dccp", "--dccp-option 5", &p), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecn),  cmocka_unit_test(test_esp),  cmocka_unit_test(test_ah),
		cmocka_unit_test(test_sctp), cmocka_unit_test(test_dccp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
