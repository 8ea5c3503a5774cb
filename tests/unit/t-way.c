/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packets have to come whole (daemon/kernel/way.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/worker.h"
#include "pkt.h"

enum { HEADERS = 1, FULL, PARTS };

/* The way of a packet of which FWD_COPY_HEADERS bytes come to the first queue, all to others. */
static uint16_t way_of(const struct fw_plan *plan, uint16_t queue, struct pkt *p)
{
	const struct fwd_worker w = {.number = HEADERS, .full_number = FULL, .parts_number = PARTS};
	struct fwd_msg m = {.queue = queue};
	struct fw_packet view;

	pkt_at(p, FW_INPUT, "eth0", NULL);
	pkt_view(p, &view);
	m.truncated = queue == HEADERS && view.len > FWD_COPY_HEADERS;
	assert_int_equal(fw_packet_parse(&m.pkt, view.family, view.data,
					 m.truncated ? FWD_COPY_HEADERS : view.len, view.len,
					 &view.meta),
			 0);
	return fwd_way(&w, &m, plan);
}

/* IPv6 up to its upper layer, behind so many bytes of extension headers. */
static void start6(struct pkt *p, uint8_t proto, uint32_t extension)
{
	pkt_ip6(p, "2001:db8::1", "2001:db8::2", proto);
	if (extension)
		pkt_ext6(p, IPPROTO_DSTOPTS, extension);
}

static uint16_t way_of_tcp6(const struct fw_plan *plan, uint16_t queue, uint32_t extension)
{
	struct pkt p = PKT_INIT;

	start6(&p, IPPROTO_TCP, extension);
	pkt_tcp(&p, 1024, 80, PKT_ACK);
	pkt_grow(&p, 1000);
	return way_of(plan, queue, &p);
}

static void test_extension_headers(void **state)
{
	static const struct fw_plan plan;

	(void)state;
	assert_int_equal(way_of_tcp6(&plan, HEADERS, 0), 0);
	assert_int_equal(way_of_tcp6(&plan, HEADERS, 152), 0);
	assert_int_equal(way_of_tcp6(&plan, HEADERS, 160), FULL); /* TCP's options may be cut */
	assert_int_equal(way_of_tcp6(&plan, HEADERS, 512), FULL);
	assert_int_equal(way_of_tcp6(&plan, FULL, 512), 0);
}

/* A datagram of 8 + `size` bytes, of which the last is, or is not, copied. */
static void test_short_upper_layer(void **state)
{
	static const struct fw_plan plan;
	struct pkt p = PKT_INIT;

	(void)state;
	start6(&p, IPPROTO_UDP, 208);
	pkt_udp(&p, 1, 2);
	assert_int_equal(way_of(&plan, HEADERS, &p), 0);
	pkt_grow(&p, 1);
	assert_int_equal(way_of(&plan, HEADERS, &p), FULL);
}

static void test_later_fragment(void **state)
{
	static const struct fw_plan plan;
	struct pkt p = PKT_INIT;

	(void)state;
	start6(&p, IPPROTO_TCP, 192);
	pkt_frag6(&p, 1480, true);
	pkt_grow(&p, 1000);
	assert_int_equal(way_of(&plan, HEADERS, &p), 0);
}

static void test_longest_of_ipv4(void **state)
{
	static const struct fw_plan plan;
	static const uint8_t options[40] = {0};
	struct pkt p = PKT_INIT;

	(void)state;
	pkt_ip4_opts(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP, 40);
	pkt_tcp_opts(&p, 1, 2, PKT_ACK, options, sizeof(options));
	pkt_grow(&p, 1000);
	assert_int_equal(way_of(&plan, HEADERS, &p), 0);
}

static uint16_t way_of_icmp6(uint8_t type)
{
	static const struct fw_plan plan;
	struct pkt p = PKT_INIT;

	start6(&p, IPPROTO_ICMPV6, 0);
	pkt_icmp(&p, type, 0, 0, 0);
	pkt_grow(&p, 1000);
	return way_of(&plan, HEADERS, &p);
}

static void test_quoted_extension_headers(void **state)
{
	(void)state;
	assert_int_equal(way_of_icmp6(1), FULL);
	assert_int_equal(way_of_icmp6(128), 0);
}

static uint16_t way_of_4(const struct fw_plan *plan, uint8_t proto)
{
	struct pkt p = PKT_INIT;

	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", proto);
	pkt_grow(&p, 1000);
	return way_of(plan, HEADERS, &p);
}

static void test_chunks_and_long_options(void **state)
{
	static const struct fw_plan plain, tracked = {.track_here[FW_IP4][FW_INPUT] = true};

	(void)state;
	assert_int_equal(way_of_4(&tracked, IPPROTO_SCTP), FULL);
	assert_int_equal(way_of_4(&plain, IPPROTO_SCTP), 0);
	assert_int_equal(way_of_4(&plain, IPPROTO_DCCP), FULL);
	assert_int_equal(way_of_4(&tracked, IPPROTO_UDP), 0);
}

static void test_payload(void **state)
{
	static const struct fw_plan plan = {.flags = {[FW_IP6] = FW_NEED_PAYLOAD}};

	(void)state;
	assert_int_equal(way_of_tcp6(&plan, HEADERS, 0), FULL);
	assert_int_equal(way_of_tcp6(&plan, FULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_short_upper_layer),
		cmocka_unit_test(test_later_fragment),
		cmocka_unit_test(test_longest_of_ipv4),
		cmocka_unit_test(test_quoted_extension_headers),
		cmocka_unit_test(test_chunks_and_long_options),
		cmocka_unit_test(test_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
