/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m rt on packets with, without and with spoilt routing headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "extuse.h"
#include "pkt.h"

/* A UDP packet behind a routing header with `n` addresses 2001:db8::1, ::2 … */
static void routed(struct pkt *p, uint8_t type, uint8_t left, uint32_t n)
{
	uint8_t *h;

	*p = (struct pkt)PKT_INIT;
	pkt_ip6(p, "2001:db8::a", "2001:db8::b", IPPROTO_UDP);
	pkt_ext6(p, IPPROTO_HOPOPTS, 8);
	h = pkt_ext6(p, IPPROTO_ROUTING, 8 + 16 * n);
	h[2] = type;
	h[3] = left;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(h + 8 + 16 * i, "\x20\x01\x0d\xb8", 4);
		h[8 + 16 * i + 15] = (uint8_t)(i + 1);
	}
	pkt_udp(p, 1, 2);
}

static bool matches(struct pkt *p, const char *words, bool *hotdrop)
{
	struct fw_packet view;
	struct extuse u;
	bool r;

	pkt_view(p, &view);
	extuse_make(&u, "rt", false, FW_IP6, 0, words);
	r = extuse_match(&u, &view);
	*hotdrop = u.eval.hotdrop;
	extuse_free(&u);
	return r;
}

static void test_fields(void **state)
{
	static const struct {
		const char *words;
		bool match;
	} cases[] = {
		{"", true},
		{"--rt-type 0", true},
		{"--rt-type 2", false},
		{"! --rt-type 2", true},
		{"--rt-segsleft 1", true},
		{"--rt-segsleft 2:", false},
		{"! --rt-segsleft 2:", true},
		{"--rt-len 40", true},
		{"! --rt-len 40", false},
		{"--rt-type 0 --rt-0-res", true},
		{"--rt-type 0 --rt-0-addrs 2001:db8::1,2001:db8::2", true},
		{"--rt-type 0 --rt-0-addrs 2001:db8::1", false},
		{"--rt-type 0 --rt-0-addrs 2001:db8::2,2001:db8::1", false},
		{"--rt-type 0 --rt-0-addrs 2001:db8::2 --rt-0-not-strict", true},
		{"--rt-type 0 --rt-0-addrs 2001:db8::1,2001:db8::2,2001:db8::3 --rt-0-not-strict", false},
		{"--rt-type 0 --rt-0-addrs 2001:db8::2,2001:db8::1 --rt-0-not-strict", false},
	};
	struct pkt p;
	bool hotdrop;

	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		routed(&p, 0, 1, 2);
		if (matches(&p, cases[i].words, &hotdrop) != cases[i].match)
			fail_msg("%s", cases[i].words);
		assert_false(hotdrop);
	}
}

static void test_reserved(void **state)
{
	struct pkt p;
	bool hotdrop;

	routed(&p, 0, 1, 1);
	p.data[40 + 8 + 6] = 1;
	assert_false(matches(&p, "--rt-type 0 --rt-0-res", &hotdrop));
	assert_true(matches(&p, "--rt-type 0", &hotdrop));
}

static void test_without(void **state)
{
	struct pkt p = PKT_INIT;
	bool hotdrop;

	pkt_ip6(&p, "2001:db8::a", "2001:db8::b", IPPROTO_UDP);
	pkt_udp(&p, 1, 2);
	assert_false(matches(&p, "", &hotdrop));
	assert_false(hotdrop);
	/* what follows a later fragment's header is no header, whatever it says it is */
	p = (struct pkt)PKT_INIT;
	pkt_ip6(&p, "2001:db8::a", "2001:db8::b", IPPROTO_ROUTING);
	pkt_frag6(&p, 64, false);
	pkt_grow(&p, 64);
	assert_false(matches(&p, "", &hotdrop));
	assert_false(hotdrop);
}

/* Cut off inside the header, or before where it says to end: dropped, not passed on. */
static void test_cut_off(void **state)
{
	struct fw_packet view;
	struct extuse u;
	struct pkt p;

	for (uint32_t len = 49; len < 48 + 40; len += 4) {
		struct fw_pkt_meta meta = {.hook = FW_INPUT};

		routed(&p, 0, 1, 2);
		pkt_finish(&p);
		pkt_put16(p.data + 4, (uint16_t)(len - 40));
		assert_int_equal(fw_packet_parse(&view, FW_IP6, p.data, len, len, &meta), 0);
		extuse_make(&u, "rt", false, FW_IP6, 0, "--rt-type 0");
		assert_false(extuse_match(&u, &view));
		assert_true(u.eval.hotdrop);
		extuse_free(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
