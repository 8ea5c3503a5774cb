/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches on IPv6's extension headers (rt has a test of its own), and mh, eui64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "pkt.h"

enum outcome { NO, YES, DROPPED };

static enum outcome meets(const struct fw_packet *view, const char *ext, const char *text)
{
	struct extuse u;
	enum outcome r;

	extuse_make(&u, ext, false, FW_IP6, IPPROTO_MH, text);
	r = extuse_match(&u, view) ? YES : NO;
	if (u.eval.hotdrop)
		r = DROPPED;
	extuse_free(&u);
	return r;
}

/* Hop-by-hop with a router alert (type 5, 2 bytes) and padding, then a fragment, then UDP. */
static void test_options_and_fragment(void **state)
{
	static const uint8_t alert[] = {5, 2, 0, 0, 1, 0};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_UDP);
	memcpy(pkt_ext6(&p, IPPROTO_HOPOPTS, 8) + 2, alert, sizeof(alert));
	memcpy(pkt_frag6(&p, 0, true) + 4, "\0\0\1\2", 4);
	pkt_udp(&p, 1, 2);
	pkt_view(&p, &view);
	assert_int_equal(meets(&view, "hbh", ""), YES);
	assert_int_equal(meets(&view, "hbh", "--hbh-len 8 --hbh-opts 5:2"), YES);
	assert_int_equal(meets(&view, "hbh", "--hbh-opts 5,1:0"), YES);
	assert_int_equal(meets(&view, "hbh", "--hbh-opts 5:3"), NO);
	assert_int_equal(meets(&view, "hbh", "--hbh-opts 5,1:0,0"), NO);
	assert_int_equal(meets(&view, "hbh", "! --hbh-len 8"), NO);
	assert_int_equal(meets(&view, "dst", ""), NO);
	assert_int_equal(meets(&view, "frag", "--fragid 258 --fragfirst --fragmore"), YES);
	assert_int_equal(meets(&view, "frag", "--fraglast"), NO);
	assert_int_equal(meets(&view, "frag", "! --fragid 258"), NO);
	assert_int_equal(meets(&view, "frag", "--fraglen 99"), YES); /* nobody looks */
	assert_int_equal(meets(&view, "ipv6header", "--header hop,frag,prot"), YES);
	assert_int_equal(meets(&view, "ipv6header", "--header hop,frag"), NO);
	assert_int_equal(meets(&view, "ipv6header", "--header hop,frag --soft"), YES);
	assert_int_equal(meets(&view, "ipv6header", "! --header dst,auth --soft"), YES);
	assert_int_equal(meets(&view, "ipv6header", "! --header dst,hop --soft"), NO);
	/* ends within the fragment's header */
	view.cap_len = view.len = 50;
	assert_int_equal(meets(&view, "frag", ""), DROPPED);
	assert_int_equal(meets(&view, "hbh", ""), YES);
	view.cap_len = view.len = 44;
	assert_int_equal(meets(&view, "hbh", ""), DROPPED);
}

static void test_srh(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t *h;

	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_UDP);
	h = pkt_ext6(&p, IPPROTO_ROUTING, 8 + 3 * 16);
	h[2] = 4; /* segment routing, one of three segments left */
	h[3] = 1;
	h[4] = 2;
	h[6] = h[7] = 0x33;
	for (int i = 0; i < 3; i++)
		h[8 + i * 16] = (uint8_t)(0xa0 + i);
	pkt_udp(&p, 1, 2);
	pkt_view(&p, &view);
	assert_int_equal(
		meets(&view, "srh", "--srh-next-hdr 17 --srh-hdr-len-eq 6 --srh-tag 13107"), YES);
	assert_int_equal(meets(&view, "srh", "--srh-segs-left-gt 1"), NO);
	assert_int_equal(meets(&view, "srh", "! --srh-segs-left-gt 1 --srh-last-entry-lt 3"), YES);
	assert_int_equal(
		meets(&view, "srh", "--srh-lsid a000::/16 --srh-nsid a000:: --srh-psid a200::"),
		YES);
	assert_int_equal(meets(&view, "srh", "! --srh-lsid a000::/8"), NO);
	h[3] = 3; /* more left than there are */
	assert_int_equal(meets(&view, "srh", ""), NO);
	h[3] = 0;
	assert_int_equal(meets(&view, "srh", "! --srh-nsid a000::"), NO); /* there is no next one */
}

static void test_mh(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t *h;

	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_MH);
	h = pkt_grow(&p, 8);
	h[0] = IPPROTO_NONE;
	h[2] = 5;
	pkt_view(&p, &view);
	assert_int_equal(meets(&view, "mh", "--mh-type binding-update"), YES);
	assert_int_equal(meets(&view, "mh", "! --mh-type 3:5"), NO);
	h[0] = IPPROTO_TCP;
	assert_int_equal(meets(&view, "mh", "--mh-type 5"), DROPPED);
}

static void test_eui64(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x77, 0, 0, 1, 10};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	pkt_ip6(&p, "fd00::77:ff:fe00:10a", "fd00::2", IPPROTO_UDP);
	pkt_udp(&p, 1, 2);
	pkt_view(&p, &view);
	memcpy(view.meta.mac, mac, sizeof(mac));
	assert_int_equal(meets(&view, "eui64", ""), NO); /* it did not come over Ethernet */
	view.meta.has_mac = true;
	assert_int_equal(meets(&view, "eui64", ""), YES);
	view.meta.mac[5]++;
	assert_int_equal(meets(&view, "eui64", ""), NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_fragment),
		cmocka_unit_test(test_srh),
		cmocka_unit_test(test_mh),
		cmocka_unit_test(test_eui64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
