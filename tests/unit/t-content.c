/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches on a packet's bytes, string, u32 and bpf; and time, which looks at no packet at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"

static bool meets(const struct fw_packet *view, const char *ext, const char *text)
{
	struct extuse u;
	bool r;

	extuse_make(&u, ext, false, view->family, 0, text);
	r = extuse_match(&u, view);
	extuse_free(&u);
	return r;
}

/* 20 bytes of IPv4, 8 of UDP, then the text. */
static void udp_with(struct pkt *p, struct fw_packet *view, const char *text)
{
	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_UDP);
	pkt_udp(p, 1000, 53);
	pkt_add(p, text, (uint32_t)strlen(text));
	pkt_view(p, view);
}

static void test_string(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp_with(&p, &view, "GET /aaaab\xe4HTTP");
	assert_true(meets(&view, "string", "--algo bm --string GET~/a"));
	assert_false(meets(&view, "string", "--algo bm --string get"));
	assert_true(meets(&view, "string", "--algo bm --string get --icase"));
	assert_true(meets(&view, "string", "--algo kmp ! --string POST"));
	assert_true(meets(&view, "string", "--algo bm --hex-string |45~00|"));
	assert_true(meets(&view, "string", "--algo bm --icase --string AAAB"));
	assert_false(meets(&view, "string", "--algo bm --icase --string AAAAAB"));
	/* the other case of a Latin-1 letter, as the kernel's */
	assert_true(meets(&view, "string", "--algo bm --icase --hex-string B|c4|http"));
	assert_false(meets(&view, "string", "--algo bm --hex-string b|c4|HTTP"));
	/* all of it between the offsets */
	assert_true(meets(&view, "string", "--algo bm --from 28 --to 31 --string GET"));
	assert_false(meets(&view, "string", "--algo bm --from 28 --to 30 --string GET"));
	assert_false(meets(&view, "string", "--algo bm --from 29 --string GET"));
	assert_false(meets(&view, "string", "--algo bm --from 60000 --string GET"));
	assert_false(meets(&view, "string", "--algo bm --from 60000 --icase --string GET"));
	assert_true(meets(&view, "string", "--algo bm --from 60000 ! --string GET"));
}

static void test_u32(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp_with(&p, &view, "abcdefgh");
	assert_true(meets(&view, "u32", "--u32 0>>28=4"));
	assert_true(
		meets(&view, "u32", "--u32 0>>22&0x3C@0>>16=999:1001&&0>>22&0x3C@0&0xffff=1,53"));
	assert_false(
		meets(&view, "u32", "--u32 0>>22&0x3C@0>>16=999:1001&&0>>22&0x3C@0&0xffff=1,54"));
	assert_true(meets(&view, "u32", "! --u32 0>>28=6"));
	assert_true(meets(&view, "u32", "--u32 32=0x65666768"));
	assert_true(meets(&view, "u32", "--u32 28<<8=0x62636400"));
	/* beyond the end, be it by a sum that would wrap: nothing is equal, and `!` holds */
	assert_false(meets(&view, "u32", "--u32 33=0:0xffffffff"));
	assert_true(meets(&view, "u32", "! --u32 33=0:0xffffffff"));
	assert_false(meets(&view, "u32", "--u32 28@0=0:0xffffffff"));
	assert_false(meets(&view, "u32", "--u32 28@0xffffffff=0:0xffffffff"));
	assert_false(meets(&view, "u32", "--u32 0=5:1"));
}

/* Does the program, told line by line, accept the packet? */
static bool accepts(const struct fw_packet *view, const char *lines)
{
	unsigned int n = 1;
	char text[256];

	for (const char *p = lines; *p; p++)
		n += *p == ',';
	snprintf(text, sizeof(text), "--bytecode %u,%s", n, lines);
	return meets(view, "bpf", text);
}

static void test_bpf(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp_with(&p, &view, "abcd");
	view.meta.mark = 0x12;
	assert_true(accepts(&view, "6~0~0~1"));
	assert_false(accepts(&view, "6~0~0~0"));
	assert_true(accepts(&view, "48~0~0~9,21~0~1~17,6~0~0~1,6~0~0~0")); /* UDP */
	assert_true(accepts(&view, "177~0~0~0,72~0~0~2,21~0~1~53,6~0~0~1,6~0~0~0")); /* port 53 */
	assert_true(accepts(&view, "32~0~0~28,21~0~1~1633837924,6~0~0~1,6~0~0~0"));
	assert_true(
		accepts(&view, "48~0~0~4293918729,21~0~1~17,6~0~0~1,6~0~0~0")); /* SKF_NET_OFF */
	assert_true(accepts(&view, "40~0~0~4294963200,21~0~1~2048,6~0~0~1,6~0~0~0"));
	assert_true(accepts(&view, "32~0~0~4294963220,69~0~1~2,6~0~0~1,6~0~0~0")); /* mark */
	assert_true(accepts(&view, "128~0~0~0,21~0~1~32,6~0~0~1,6~0~0~0")); /* length */
	/* arithmetic: (32 * 3 - 1) / 5 = 19, 19 % 16 << 2 | 1 = 13, ^ 13 = 0 */
	assert_false(accepts(&view,
			     "128~0~0~0,36~0~0~3,20~0~0~1,52~0~0~5,148~0~0~16,100~0~0~2,"
			     "68~0~0~1,164~0~0~13,22~0~0~0"));
	assert_true(
		accepts(&view, "0~0~0~7,2~0~0~3,0~0~0~0,97~0~0~3,12~0~0~0,22~0~0~0")); /* memory */
	/* beyond the packet, and a division by what turns out to be zero: no match */
	assert_false(accepts(&view, "48~0~0~32,6~0~0~1"));
	assert_false(accepts(&view, "32~0~0~29,6~0~0~1"));
	assert_false(accepts(&view, "0~0~0~7,1~0~0~0,60~0~0~0,6~0~0~1"));
	assert_false(accepts(&view, "1~0~0~4294967295,80~0~0~0,6~0~0~1"));
}

static int west(void *priv)
{
	return *(const int *)priv;
}

/* 2023-11-14 is a Tuesday; seconds are those since its midnight. */
static bool at(uint32_t seconds, int minutes_west, const char *text)
{
	static const struct fw_world_ops ops = {.minutes_west = west};
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;
	bool r;

	udp_with(&p, &view, "");
	extuse_make(&u, "time", false, FW_IP4, 0, text);
	extuse_eval(&u, &view, 0);
	u.world.ops = &ops;
	u.world.priv = &minutes_west;
	u.eval.wall = (1699920000ull + seconds) * FW_NSEC_PER_SEC;
	r = u.use.ext->match(&u.use, &u.eval);
	extuse_free(&u);
	return r;
}

static void test_time(void **state)
{
	assert_true(at(0, 0, ""));
	assert_true(at(3600, 0, "--timestart 01:00 --timestop 02:00"));
	assert_true(at(7200, 0, "--timestart 01:00 --timestop 02:00"));
	assert_false(at(7201, 0, "--timestart 01:00 --timestop 02:00"));
	assert_true(at(0, 0, "--weekdays Tue"));
	assert_false(at(0, 0, "! --weekdays Tue"));
	assert_true(at(86399, 0, "--monthdays 14"));
	assert_false(at(86400, 0, "--monthdays 14"));
	assert_true(at(0, 0, "--datestart 2023-11-14 --datestop 2023-11-14T00:00:00"));
	assert_false(at(1, 0, "--datestop 2023-11-14"));
	assert_false(at(0, 0, "--datestart 2023-11-14T00:00:01"));
}

static void test_time_over_midnight(void **state)
{
	const char *night = "--timestart 23:00 --timestop 01:00 --weekdays Mon";

	assert_false(at(0, 0, night)); /* Tuesday, 0:00 */
	assert_true(at(0, 0, "--timestart 23:00 --timestop 01:00 --weekdays Mon --contiguous"));
	assert_true(at(3600, 0, "--timestart 23:00 --timestop 01:00 --weekdays Mon --contiguous"));
	assert_false(at(3601, 0, "--timestart 23:00 --timestop 01:00"));
	assert_false(at(82800, 0, night));
	assert_true(at(82800, 0, "--timestart 23:00 --timestop 01:00 --weekdays Tue --contiguous"));
}

static void test_time_zone(void **state)
{
	assert_true(at(3600, -60, "--timestart 02:00 --timestop 02:01 --kerneltz"));
	assert_false(at(3600, -60, "--timestart 02:00 --timestop 02:01"));
	assert_true(at(3600, 120, "--weekdays Mon --monthdays 13 --kerneltz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_bpf),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_time_over_midnight),
		cmocka_unit_test(test_time_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
