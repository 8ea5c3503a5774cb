/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOG's line.  What is expected was printed by the kernel (6.18, nf_log_syslog) for these very
 * bytes on loopback, with all options on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>

#include "extuse.h"
#include "pkt.h"

#define LO4 "IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 "
#define ADDR_ONE "0000:0000:0000:0000:0000:0000:0000:0001 "
#define LO6 \
	"IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:86:dd " \
	"SRC=" ADDR_ONE "DST=" ADDR_ONE
#define QUOTED6 \
	"[SRC=fe80:0000:0000:0000:0000:0000:0000:0001 DST=2001:0db8:0000:0000:0000:0000:0000:0001 "

static const struct {
	const char *hex, *line;
} kernel_said[] = {
	{"461c0034000740000906709e7f0000017f000001010101000001000200000003000000047ad20005"
	 "7b310006020405b401030307",
	 LO4 "LEN=52 TOS=0x1C PREC=0x00 TTL=9 ID=7 DF OPT (01010100) PROTO=TCP "
	 "SPT=1 DPT=2 SEQ=3 ACK=4 WINDOW=5 RES=0x28 CWR ECE ACK SYN URGP=6 OPT "
	 "(020405B401030307) "},
	{"4500001f0008000040117cc47f0000017f00000100010002000b3d70616263",
	 LO4 "LEN=31 TOS=0x00 PREC=0x00 TTL=64 ID=8 PROTO=UDP SPT=1 DPT=2 LEN=11 "},
	{"4500001c0009000040017cd67f0000017f0000010800f7f600040005",
	 LO4 "LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=9 PROTO=ICMP TYPE=8 CODE=0 ID=4 "
	 "SEQ=5 "},
	{"45000045000a000040017cac7f0000017f000001030407b30000057845000029000300000306a7b9"
	 "01020304050607080009000a00000000000000005002200007bb000078",
	 LO4 "LEN=69 TOS=0x00 PREC=0x00 TTL=64 ID=10 PROTO=ICMP TYPE=3 CODE=4 "
	 "[SRC=1.2.3.4 DST=5.6.7.8 LEN=41 TOS=0x00 PREC=0x00 TTL=3 ID=3 "
	 "PROTO=TCP SPT=9 DPT=10 SEQ=0 ACK=0 WINDOW=8192 RES=0x00 SYN URGP=0 ] "
	 "MTU=1400 "},
	{"4500004c000b000040017ca47f0000017f0000010501eaf00908070645000030000300000301a7b7"
	 "01020304050607080303fcfc00000000450000140001000040007ce77f0000017f000001",
	 LO4 "LEN=76 TOS=0x00 PREC=0x00 TTL=64 ID=11 PROTO=ICMP TYPE=5 CODE=1 "
	 "GATEWAY=9.8.7.6 [SRC=1.2.3.4 DST=5.6.7.8 LEN=48 TOS=0x00 PREC=0x00 "
	 "TTL=3 ID=3 PROTO=ICMP TYPE=3 CODE=3 ] "},
	{"45000038000c000040017cb77f0000017f0000010c00fd2c070000004500001c0001000040116abd"
	 "0102030405060708003500350008ef60",
	 LO4 "LEN=56 TOS=0x00 PREC=0x00 TTL=64 ID=12 PROTO=ICMP TYPE=12 CODE=0 "
	 "PARAMETER=7 "},
	{"4500002c000d000040337c907f0000017f000001000102030405060708090a0b0c0d0e0f10111213"
	 "14151617",
	 LO4 "LEN=44 TOS=0x00 PREC=0x00 TTL=64 ID=13 PROTO=AH SPI=0x4050607 "},
	{"4500002c000e000040327c907f0000017f000001000102030405060708090a0b0c0d0e0f10111213"
	 "14151617",
	 LO4 "LEN=44 TOS=0x00 PREC=0x00 TTL=64 ID=14 PROTO=ESP SPI=0x10203 "},
	{"4500002c000f0000402f7c927f0000017f000001000102030405060708090a0b0c0d0e0f10111213"
	 "14151617",
	 LO4 "LEN=44 TOS=0x00 PREC=0x00 TTL=64 ID=15 PROTO=47 "},
	{"4500001b0010000040067ccb7f0000017f00000100010203040506",
	 LO4 "LEN=27 TOS=0x00 PREC=0x00 TTL=64 ID=16 PROTO=TCP INCOMPLETE [7 bytes] "},
	{"450000190011000040017cd17f0000017f0000010800010203",
	 LO4 "LEN=25 TOS=0x00 PREC=0x00 TTL=64 ID=17 PROTO=ICMP INCOMPLETE [5 "
	 "bytes] "},
	{"450000260012000040017cc37f0000017f0000010301fcfe0000000000000000000000000000",
	 LO4 "LEN=38 TOS=0x00 PREC=0x00 TTL=64 ID=18 PROTO=ICMP TYPE=3 CODE=1 "
	 "INCOMPLETE [18 bytes] "},
	{"4500002b0013000040017cbd7f0000017f0000010d00e1230000000001e4aeba01e4aeba01e4aeba"
	 "000000",
	 LO4 "LEN=43 TOS=0x00 PREC=0x00 TTL=64 ID=19 PROTO=ICMP TYPE=13 CODE=0 "},
	{"6030004d001406090000000000000000000000000000000100000000000000000000000000000001"
	 "000100020000000300000000500220008fdb0000",
	 LO6 "LEN=60 TC=3 HOPLIMIT=9 FLOWLBL=77 PROTO=TCP SPT=1 DPT=2 SEQ=3 ACK=0 "
	 "WINDOW=8192 RES=0x00 SYN URGP=0 "},
	{"60000000001800400000000000000000000000000000000100000000000000000000000000000001"
	 "3c000104000000001100010400000000000300040008ffd5",
	 LO6 "LEN=64 TC=0 HOPLIMIT=64 FLOWLBL=0 OPT ( ) OPT ( ) PROTO=UDP SPT=3 "
	 "DPT=4 LEN=8 "},
	{"6000000000083a400000000000000000000000000000000100000000000000000000000000000001"
	 "80007fb400030004",
	 LO6 "LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=128 CODE=0 ID=3 "
	 "SEQ=4 "},
	{"6000000000383a400000000000000000000000000000000100000000000000000000000000000001"
	 "02008748000005146000000000081140fe80000000000000000000000000000120010db800000000"
	 "0000000000000001000100020008d39f",
	 LO6 "LEN=96 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=2 CODE=0 "
	 QUOTED6
	 "LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=1 DPT=2 LEN=8 ] "
	 "MTU=1300 "},
	{"6000000000603a400000000000000000000000000000000100000000000000000000000000000001"
	 "04016156000000066000000000303a40fe80000000000000000000000000000120010db800000000"
	 "000000000000000101003717000000006000000000003b4000000000000000000000000000000001"
	 "00000000000000000000000000000001",
	 LO6 "LEN=136 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=4 CODE=1 "
	 "POINTER=00000006 "
	 QUOTED6
	 "LEN=88 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=1 CODE=0 ] "},
	{"60000000002033400000000000000000000000000000000100000000000000000000000000000001"
	 "1104000102030405060708090a0b0c0d0e0f1011121314150001000200080000",
	 LO6 "LEN=72 TC=0 HOPLIMIT=64 FLOWLBL=0 OPT ( AH SPI=0x2030405 ) PROTO=UDP "
	 "SPT=1 DPT=2 LEN=8 "},
	{"60000000001832400000000000000000000000000000000100000000000000000000000000000001"
	 "000102030405060708090a0b0c0d0e0f1011121314151617",
	 LO6 "LEN=64 TC=0 HOPLIMIT=64 FLOWLBL=0 OPT ( ESP SPI=0x10203 )"},
	{"6000000000003b400000000000000000000000000000000100000000000000000000000000000001",
	 LO6 "LEN=40 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=59 "},
	{"6000000000082f400000000000000000000000000000000100000000000000000000000000000001"
	 "0000000000000000",
	 LO6 "LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=47 "},
	{"60000000000806400000000000000000000000000000000100000000000000000000000000000001"
	 "0000000000000000",
	 LO6 "LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP INCOMPLETE [8 bytes] "},
	{"6000000000043a400000000000000000000000000000000100000000000000000000000000000001"
	 "00000000",
	 LO6 "LEN=44 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 INCOMPLETE [4 bytes] "},
};

static char last[2048];
static int last_level;

static void keep(void *priv, int level, const char *line, size_t len)
{
	assert_int_equal(strlen(line), len);
	assert_true(len < sizeof(last));
	strcpy(last, line);
	last_level = level;
}

static const char *log_line(struct fw_packet *view, const char *options)
{
	static const struct fw_world_ops ops = {.log = keep};
	struct extuse u;

	extuse_make(&u, "LOG", true, view->family, 0, options);
	u.world.ops = &ops;
	last[0] = '\0';
	assert_int_equal(extuse_run(&u, view), FW_CONTINUE);
	extuse_free(&u);
	return last;
}

static uint32_t from_hex(const char *hex, uint8_t *ret)
{
	uint32_t n = 0;
	unsigned int byte;

	for (; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		ret[n++] = (uint8_t)byte;
	}
	return n;
}

static const struct fw_pkt_meta from_lo = {.hook = FW_INPUT, .in_name = "lo"};

static int parse(struct fw_packet *view, const uint8_t *bytes, uint32_t cap, uint32_t len)
{
	return fw_packet_parse(view, bytes[0] >> 4 == 4 ? FW_IP4 : FW_IP6, bytes, cap, len,
			       &from_lo);
}

static void test_as_the_kernel(void **state)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(kernel_said); i++) {
		struct fw_packet view;
		uint8_t bytes[256];
		uint32_t n = from_hex(kernel_said[i].hex, bytes);

		assert_int_equal(parse(&view, bytes, n, n), 0);
		assert_string_equal(log_line(&view,
					     "--log-ip-options --log-tcp-options "
					     "--log-tcp-sequence --log-uid"),
				    kernel_said[i].line);
	}
}

static void syn(struct pkt *p, struct fw_packet *view)
{
	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp_opts(p, 1024, 80, PKT_SYN, "\x02\x04\x05\xb4", 4);
	pkt_view(p, view);
}

static void test_options(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	p.meta.has_uid = true;
	p.meta.uid = 33;
	p.meta.gid = 44;
	p.meta.mark = 0x1f;
	pkt_at(&p, FW_OUTPUT, NULL, "eth0");
	syn(&p, &view);
	assert_string_equal(
		log_line(&view, "--log-prefix hi:~ --log-level info"),
		"hi: IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 LEN=44 TOS=0x00 PREC=0x00 TTL=64 "
		"ID=0 PROTO=TCP SPT=1024 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0 MARK=0x1f ");
	assert_int_equal(last_level, 6);
	assert_non_null(strstr(log_line(&view, "--log-uid"), " URGP=0 UID=33 GID=44 MARK=0x1f "));
	assert_non_null(strstr(log_line(&view, "--log-tcp-sequence"), " SEQ=0 ACK=0 WINDOW="));
	assert_non_null(strstr(log_line(&view, "--log-tcp-options"), " OPT (020405B4) "));
}

static void test_mac(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	p.meta.has_mac = true;
	memcpy(p.meta.mac, "\x02\x00\x00\x00\x00\xff", 6);
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	syn(&p, &view);
	/* the destination's address is not known behind a queue */
	assert_non_null(
		strstr(log_line(&view, ""), " MAC=00:00:00:00:00:00:02:00:00:00:00:ff:08:00 SRC="));
	assert_non_null(
		strstr(log_line(&view, "--log-macdecode"),
		       " MACSRC=02:00:00:00:00:ff MACDST=00:00:00:00:00:00 MACPROTO=0800 SRC="));
	view.meta.has_mac = false;
	assert_non_null(strstr(log_line(&view, ""), "OUT= MAC= SRC="));
}

/* However short our copy is, there is a line, and nothing beyond the copy is read. */
static void test_cut(void **state)
{
	struct fw_packet view;
	uint8_t bytes[256];

	for (size_t i = 0; i < FW_ARRAY_SIZE(kernel_said); i++) {
		uint32_t n = from_hex(kernel_said[i].hex, bytes);

		for (uint32_t cap = 20; cap <= n; cap++) {
			uint8_t *copy = malloc(cap);

			memcpy(copy, bytes, cap);
			if (!parse(&view, copy, cap, n))
				assert_non_null(strstr(
					log_line(&view, "--log-ip-options --log-tcp-options"),
					"IN=lo OUT= MAC="));
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_kernel),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
