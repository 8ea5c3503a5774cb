/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp, udp, udplite, icmp, icmp6: words, and packets down to those too short to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"

static const struct extcase words[] = {
	{"tcp", "--sport 1024:", " --sport 1024:65535", " tcp spts:1024:65535", .proto = 6},
	{"tcp", "--sport :", "", " tcp", .proto = 6},
	{"tcp", "! --sport :", " ! --sport 0:65535", " tcp spts:!0:65535", .proto = 6},
	{"tcp", "--dport 4:4", " --dport 4", " tcp dpt:4", .proto = 6},
	{"tcp", "--dport 4:3", .proto = 6, .error = "tcp: --dport: '4:3'"},
	{"tcp", "--dport 1 --sport 2", " --sport 2 --dport 1", " tcp spt:2 dpt:1", .proto = 6},
	{"tcp", "! --syn", " ! --tcp-flags FIN,SYN,RST,ACK SYN", " tcp flags:!0x17/0x02", .proto = 6},
	{"tcp", "--tcp-flags all none", " --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE",
	 " tcp flags:0x3F/0x00", .proto = 6},
	{"tcp", "--tcp-flags NONE NONE", "", " tcp", .proto = 6},
	{"tcp", "--tcp-flags SYN,FOO SYN", .proto = 6, .error = "tcp: --tcp-flags: 'SYN,FOO'"},
	{"tcp", "! --tcp-option 8", " ! --tcp-option 8", " tcp option=!8", .proto = 6},
	{"tcp", "--tcp-option 0", .proto = 6, .error = "tcp: --tcp-option: '0' is not in 1..255"},
	{"udp", "--source-port 53", " --sport 53", " udp spt:53", .proto = 17},
	{"udplite", "--dport 9", " --dport 9", " udplite dpt:9", .proto = 136},
	{"icmp", "--icmp-type echo-request", " --icmp-type 8", " icmptype 8", .proto = 1},
	{"icmp", "--icmp-type ANY", " --icmp-type any", " icmptype 255", .proto = 1},
	{"icmp", "--icmp-type 3/4", " --icmp-type 3/4", " icmptype 3 code 4", .proto = 1},
	{"icmp", "--icmp-type 255/0:255", " --icmp-type any", NULL, .proto = 1},
	{"icmp", "--icmp-type 3/1:4", " --icmp-type 3/1:4", " icmptype 3 codes 1-4", .proto = 1},
	{"icmp", "! --icmp-type port-unr", " ! --icmp-type 3/3", " icmp !type 3 code 3", .proto = 1},
	{"icmp", "--icmp-type echo", .proto = 1, .error = "icmp: --icmp-type: 'echo' may mean"},
	{"icmp", "--icmp-type foo", .proto = 1, .error = "icmp: --icmp-type: 'foo' is neither"},
	{"icmp", "--icmp-type 256", .proto = 1, .error = "icmp: --icmp-type: '256' is neither"},
	{"icmp", "--icmp-type 3/", .proto = 1, .error = "icmp: --icmp-type: '3/' is neither"},
	{"icmp6", "--icmpv6-type no-route", " --icmpv6-type 1/0", " ipv6-icmptype 1 code 0",
	 .proto = 58, .family = FW_IP6},
	{"icmp6", "--icmpv6-type mld-listener-reduction", " --icmpv6-type 132", NULL, .proto = 58,
	 .family = FW_IP6},
};

static void test_words(void **state)
{
	(void)state;
	extuse_cases(words, FW_ARRAY_SIZE(words));
}

static void test_names_without_n(void **state)
{
	struct extuse u;

	(void)state;
	extuse_make(&u, "icmp", false, FW_IP4, 1, "! --icmp-type 8");
	extuse_lists(&u, false, " icmp !echo-request");
	extuse_free(&u);
	extuse_make(&u, "tcp", false, FW_IP4, 6, "! --dport 22 --syn");
	extuse_lists(&u, false, " tcp dpt:!ssh flags:FIN,SYN,RST,ACK/SYN");
	extuse_free(&u);
	extuse_make(&u, "icmp6", false, FW_IP6, 58, "--icmpv6-type 135");
	extuse_lists(&u, false, " ipv6-icmp neighbour-solicitation");
	extuse_free(&u);
}

static int meets(const char *ext, const char *text, struct pkt *p)
{
	struct fw_packet view;

	pkt_view(p, &view);
	return extuse_meets(ext, text, &view);
}

static void test_ports(void **state)
{
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(&p, 1024, 80, PKT_SYN);
	assert_int_equal(meets("tcp", "--dport 80", &p), 1);
	assert_int_equal(meets("tcp", "! --dport 80", &p), 0);
	assert_int_equal(meets("tcp", "--sport 1:1023", &p), 0);
	assert_int_equal(meets("tcp", "--sport 1024: --dport :80", &p), 1);
	assert_int_equal(meets("tcp", "--sport 1024 ! --dport 80", &p), 0);
	assert_int_equal(meets("tcp", "", &p), 1);

	pkt_ip6(&p, "fe80::1", "fe80::2", IPPROTO_UDP);
	pkt_udp(&p, 53, 5353);
	assert_int_equal(meets("udp", "--sport 53", &p), 1);
	assert_int_equal(meets("udp", "--sport 54", &p), 0);

	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_UDPLITE);
	pkt_udp(&p, 53, 5353);
	assert_int_equal(meets("udplite", "--sport 53 --dport 5353", &p), 1);
	assert_int_equal(meets("udplite", "! --sport 53", &p), 0);
}

static void test_tcp_flags(void **state)
{
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(&p, 1024, 80, PKT_SYN | PKT_PSH | 0x80);
	assert_int_equal(meets("tcp", "--syn", &p), 1); /* PSH and CWR are not looked at */
	assert_int_equal(meets("tcp", "--tcp-flags ALL SYN,PSH", &p), 1);
	assert_int_equal(meets("tcp", "--tcp-flags ALL SYN", &p), 0);
	assert_int_equal(meets("tcp", "! --tcp-flags ALL SYN", &p), 1);
	assert_int_equal(meets("tcp", "--tcp-flags SYN NONE", &p), 0);
	assert_int_equal(meets("tcp", "! --syn", &p), 0);
}

static void test_tcp_options(void **state)
{
	static const uint8_t opts[] = {1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 2};
	struct pkt p = PKT_INIT;
	uint8_t *tcp;

	(void)state;
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	tcp = pkt_tcp_opts(&p, 1024, 80, PKT_ACK, opts, sizeof(opts));
	assert_int_equal(meets("tcp", "--tcp-option 8", &p), 1);
	assert_int_equal(meets("tcp", "--tcp-option 4", &p), 1); /* behind one of length 0 */
	assert_int_equal(meets("tcp", "--tcp-option 5", &p), 0);
	assert_int_equal(meets("tcp", "! --tcp-option 5", &p), 1);
	assert_int_equal(meets("tcp", "! --tcp-option 8", &p), 0);

	tcp[12] = 0xf0; /* says 60 bytes, has 36 */
	assert_int_equal(meets("tcp", "! --tcp-option 5", &p), 2);
	tcp[12] = 0x40; /* says 16 */
	assert_int_equal(meets("tcp", "--tcp-option 8", &p), 2);
	assert_int_equal(meets("tcp", "--dport 80", &p), 1);

	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(&p, 1024, 80, PKT_ACK);
	assert_int_equal(meets("tcp", "! --tcp-option 8", &p), 1);
	assert_int_equal(meets("tcp", "--tcp-option 8", &p), 0);
}

static void test_icmp(void **state)
{
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_ICMP);
	pkt_icmp(&p, 3, 3, 0, 0);
	assert_int_equal(meets("icmp", "--icmp-type 3", &p), 1);
	assert_int_equal(meets("icmp", "--icmp-type 3/3", &p), 1);
	assert_int_equal(meets("icmp", "--icmp-type 3/4", &p), 0);
	assert_int_equal(meets("icmp", "! --icmp-type 3/4", &p), 1);
	assert_int_equal(meets("icmp", "--icmp-type any", &p), 1);
	assert_int_equal(meets("icmp", "--icmp-type 255/9", &p), 1); /* as the kernel */

	pkt_ip6(&p, "fe80::1", "fe80::2", IPPROTO_ICMPV6);
	pkt_icmp(&p, 128, 0, 7, 7);
	assert_int_equal(meets("icmp6", "--icmpv6-type echo-request", &p), 1);
	assert_int_equal(meets("icmp6", "--icmpv6-type 255", &p), 0); /* no "any" in IPv6 */
	assert_int_equal(meets("icmp6", "! --icmpv6-type 128/0", &p), 0);
}

static void test_too_short(void **state)
{
	static const struct {
		const char *ext;
		uint8_t proto;
		const char *text;
	} cases[] = {
		{"tcp", IPPROTO_TCP, ""},
		{"udp", IPPROTO_UDP, "! --dport 1"},
		{"udplite", IPPROTO_UDPLITE, ""},
		{"icmp", IPPROTO_ICMP, "--icmp-type any"},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct pkt p = PKT_INIT;

		pkt_ip4(&p, "10.0.0.1", "10.0.0.2", cases[i].proto);
		pkt_grow(&p, 7);
		assert_int_equal(meets(cases[i].ext, cases[i].text, &p), 2);

		pkt_ip4(&p, "10.0.0.1", "10.0.0.2", cases[i].proto);
		pkt_frag4(&p, 1480, false);
		pkt_grow(&p, 64);
		assert_int_equal(meets(cases[i].ext, cases[i].text, &p), 0);
	}
}

static void test_evil_fragment(void **state)
{
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_frag4(&p, 8, false);
	pkt_grow(&p, 64);
	assert_int_equal(meets("tcp", "", &p), 2);
	p.data[9] = p.proto = IPPROTO_UDP;
	assert_int_equal(meets("udp", "", &p), 0);

	pkt_ip6(&p, "fe80::1", "fe80::2", IPPROTO_TCP);
	pkt_frag6(&p, 8, false);
	pkt_grow(&p, 64);
	assert_int_equal(meets("tcp", "", &p), 0); /* the kernel looks at IPv4's only */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	    cmocka_unit_test(test_names_without_n),
		cmocka_unit_test(test_ports),	    cmocka_unit_test(test_tcp_flags),
		cmocka_unit_test(test_tcp_options), cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_too_short),   cmocka_unit_test(test_evil_fragment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
