/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that change packets: the bytes, the checksums, what later rules see, what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "pkt.h"
#include "scene.h"

/* A copy, finished anew: equal when all lengths and checksums were right as they are. */
static void assert_sound(const struct pkt *p, const char *what)
{
	struct pkt copy = *p;

	pkt_finish(&copy);
	if (memcmp(copy.data, p->data, p->len))
		fail_msg("%s: a length or checksum is wrong", what);
}

static void make(struct pkt *p, struct fw_packet *view, enum fw_family family, const char *opts,
		 uint32_t n, uint8_t flags)
{
	*p = (struct pkt)PKT_INIT;
	if (family == FW_IP4)
		pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	else
		pkt_ip6(p, "fd00::1", "fd00::2", IPPROTO_TCP);
	pkt_tcp_opts(p, 1000, 80, flags, opts, n);
	pkt_at(p, FW_FORWARD, "eth0", "eth1");
	pkt_view(p, view);
	view->writable = p->data;
}

static const struct fw_decision *through(struct scene *s, const struct pkt *p,
					 const struct fw_packet *view, const char *rules)
{
	char text[1024];

	snprintf(text, sizeof(text), "*mangle\n%s\nCOMMIT\n", rules);
	scene_rules(s, p->family, text);
	return scene_run(s, view);
}

/* One family, one rule: the packet comes out sound, so long, with this byte at this place. */
struct row {
	enum fw_family family;
	const char *rule;
	const char *opts;
	uint32_t n_opts;
	uint8_t flags;
	uint32_t len; /* 0: untouched */
	uint32_t at;
	const char *bytes;
	uint32_t n;
};

#define MSS   "\x02\x04\x05\xb4"
#define ROW(f, rule, opts, flags, len, at, bytes)                                        \
	{f, "-A FORWARD " rule, opts, sizeof(opts) - 1, flags, len, at, bytes, sizeof(bytes) - 1}
#define SYNS  "-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS "
#define STRIP "-p tcp -j TCPOPTSTRIP --strip-options "

static const struct row rows[] = {
	ROW(FW_IP4, "-j TTL --ttl-set 7", "", PKT_ACK, 40, 8, "\x07"),
	ROW(FW_IP4, "-j TTL --ttl-inc 255", "", PKT_ACK, 40, 8, "\xff"),
	ROW(FW_IP4, "-j TTL --ttl-dec 255", "", PKT_ACK, 40, 8, "\0"),
	ROW(FW_IP4, "-j TTL --ttl-set 64", "", PKT_ACK, 0, 8, "\x40"),
	ROW(FW_IP6, "-j HL --hl-dec 60", "", PKT_ACK, 60, 7, "\x04"),
	ROW(FW_IP4, "-j TOS --set-tos 0xff", "", PKT_ACK, 40, 1, "\xff"),
	ROW(FW_IP4, "-j TOS --xor-tos 0", "", PKT_ACK, 0, 1, "\0"),
	ROW(FW_IP6, "-j TOS --set-tos 0xa5", "", PKT_ACK, 60, 0, "\x6a\x50"),
	ROW(FW_IP4, "-j DSCP --set-dscp 46", "", PKT_ACK, 40, 1, "\xb8"),
	ROW(FW_IP4, "-j ECN --ecn-ip-ect 3", "", PKT_ACK, 40, 1, "\x03"),
	ROW(FW_IP4, "-p tcp -j ECN --ecn-tcp-remove", "", PKT_ACK | 0xc0, 40, 33, "\x10"),
	ROW(FW_IP4, "-p tcp -j ECN --ecn-tcp-cwr 1", "", PKT_ACK, 40, 33, "\x90"),
	ROW(FW_IP4, "-p tcp -j ECN --ecn-tcp-ece 0", "", PKT_ACK, 0, 33, "\x10"),
	ROW(FW_IP4, SYNS "--set-mss 1000", MSS, PKT_SYN, 44, 40, "\x02\x04\x03\xe8"),
	ROW(FW_IP4, SYNS "--set-mss 1461", MSS, PKT_SYN, 0, 40, MSS),
	ROW(FW_IP4, SYNS "--set-mss 1000", "\x01" MSS "\x01\x01\x01", PKT_SYN, 48, 41,
	    "\x02\x04\x03\xe8"),
	ROW(FW_IP4, SYNS "--set-mss 1000", "", PKT_SYN, 44, 40, "\x02\x04\x02\x18"),
	ROW(FW_IP6, SYNS "--set-mss 1400", "\x03\x03\x07\x01", PKT_SYN, 68, 60,
	    "\x02\x04\x04\xc4\x03\x03\x07\x01"),
	ROW(FW_IP4, SYNS "--set-mss 1000", MSS, PKT_ACK, 0, 40, MSS),
	ROW(FW_IP4, STRIP "mss", MSS "\x03\x03\x07\x01", PKT_SYN, 48, 40,
	    "\x01\x01\x01\x01\x03\x03\x07\x01"),
	ROW(FW_IP4, STRIP "wscale,77", "\x01\x03\x03\x07", PKT_SYN, 44, 40, "\x01\x01\x01\x01"),
	ROW(FW_IP4, STRIP "3", MSS, PKT_SYN, 0, 40, MSS),
	ROW(FW_IP4, STRIP "8", "\x08\x40\x01\x01", PKT_SYN, 0, 40, "\x08\x40\x01\x01"),
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		const struct fw_decision *d;
		struct fw_packet view;
		struct scene s;
		struct pkt p;

		make(&p, &view, r->family, r->opts, r->n_opts, r->flags);
		scene_init(&s, false);
		d = through(&s, &p, &view, r->rule);
		assert_int_equal(d->verdict, FW_ACCEPT);
		if (d->new_len != r->len)
			fail_msg("%s: %u bytes, not %u", r->rule, d->new_len, r->len);
		if (r->len)
			p.len = r->len;
		if (memcmp(p.data + r->at, r->bytes, r->n))
			fail_msg("%s: other bytes", r->rule);
		assert_sound(&p, r->rule);
		scene_deinit(&s);
	}
}

/* What cannot be changed is not let through unchanged. */
static void test_not_writable(void **state)
{
	struct fw_packet view;
	struct scene s;
	struct pkt p;

	make(&p, &view, FW_IP4, "", 0, PKT_ACK);
	view.writable = NULL;
	scene_init(&s, false);
	assert_int_equal(through(&s, &p, &view, "-A FORWARD -j TTL --ttl-set 7")->verdict, FW_DROP);
	assert_int_equal(through(&s, &p, &view, "-A FORWARD -j TTL --ttl-set 64")->verdict, FW_ACCEPT);
	assert_int_equal(s.d.new_len, 0);
	scene_deinit(&s);
}

/* Later rules, of other tables too, see and count the packet as it is by then. */
static void test_later_rules(void **state)
{
	static const char rules[] =
		"*mangle\n-A FORWARD -m ttl --ttl-eq 64 -j TTL --ttl-set 9\n"
		"-A FORWARD -p tcp -m tcp --syn -j TCPMSS --set-mss 900\nCOMMIT\n"
		"*filter\n-A FORWARD -m ttl --ttl-eq 64 -j DROP\n-A FORWARD -m length --length 40 -j DROP\n"
		"-A FORWARD -m ttl --ttl-eq 9 -m length --length 44 -j MARK --set-mark 3\nCOMMIT\n";
	struct fw_packet view;
	struct scene s;
	struct pkt p;

	make(&p, &view, FW_IP4, "", 0, PKT_SYN);
	scene_init(&s, false);
	scene_rules(&s, FW_IP4, rules);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	assert_int_equal(s.d.new_len, 44);
	assert_int_equal(s.d.mark, 3);
	assert_false(s.d.reroute);
	assert_int_equal(view.ttl, 64); /* the caller's own view stays */
	assert_int_equal(fw_chain_rule(fw_table_chain(s.rs->tables[FW_IP4][FW_FILTER], "FORWARD"), 3)
				 ->counters.bytes, 44);
	scene_deinit(&s);
}

/* Who needs packets whole, and where. */
static void test_needs(void **state)
{
	struct scene s;

	scene_init(&s, false);
	scene_rules(&s, FW_IP4,
		    "*mangle\n:x - [0:0]\n-A FORWARD -j x\n-A x -j TTL --ttl-inc 1\nCOMMIT\n"
		    "*filter\n-A OUTPUT -p tcp -m tcp --syn -j TCPMSS --set-mss 900\nCOMMIT\n");
	assert_int_equal(s.plan.write[FW_IP4][FW_FORWARD], FW_NEED_WRITE);
	assert_int_equal(s.plan.write[FW_IP4][FW_OUTPUT], FW_NEED_SYN);
	assert_int_equal(s.plan.write[FW_IP4][FW_INPUT], 0);
	assert_int_equal(s.plan.write[FW_IP6][FW_FORWARD], 0);
	scene_deinit(&s);
}

static void test_effects(void **state)
{
	struct fw_packet view;
	struct scene s;
	struct pkt p;

	make(&p, &view, FW_IP4, "", 0, PKT_ACK);
	scene_init(&s, false);
	through(&s, &p, &view, "-A FORWARD -j CLASSIFY --set-class 1:2\n-A FORWARD -j MARK --set-mark 1\n"
			       "-A FORWARD -j CHECKSUM --checksum-fill");
	assert_true(s.d.set_priority);
	assert_int_equal(s.d.priority, 0x10002);
	assert_true(s.d.reroute);
	assert_int_equal(s.d.new_len, 0); /* its checksum is there */

	view.meta.flags = FW_PKT_CSUM_PARTIAL;
	through(&s, &p, &view, "-A FORWARD -j CHECKSUM --checksum-fill");
	assert_int_equal(s.d.new_len, 40);
	memset(p.data + 36, 0xee, 2);
	assert_true(fw_packet_fill_csum(&view));
	assert_sound(&p, "the packet");

	view.meta.flags |= FW_PKT_GSO;
	assert_int_equal(through(&s, &p, &view, "-A FORWARD -j CHECKSUM --checksum-fill")->new_len, 0);
	scene_deinit(&s);
}

static uint32_t mtu(void *priv, enum fw_family family, const union fw_addr *addr, uint32_t oif,
		    uint32_t mark)
{
	const uint32_t *mtus = priv;

	return mtus[addr->u8[3] - 1]; /* of the source, of the destination */
}

static void test_clamp(void **state)
{
	static const struct {
		uint32_t back, there, mss; /* mss 0: dropped */
	} cases[] = {{1500, 1400, 1360}, {1300, 1400, 1260}, {0, 1400, 1360}, {1500, 0, 1460},
		     {0, 0, 0},		 {40, 1400, 0},	     {9000, 9000, 1460}};
	static const struct fw_world_ops ops = {.mtu = mtu};

	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		uint32_t mtus[] = {cases[i].back, cases[i].there};
		const struct fw_decision *d;
		struct fw_packet view;
		struct scene s;
		struct pkt p;

		make(&p, &view, FW_IP4, MSS, 4, PKT_SYN);
		scene_init(&s, false);
		s.world.ops = &ops;
		s.world.priv = mtus;
		d = through(&s, &p, &view, "-A FORWARD " SYNS "--clamp-mss-to-pmtu");
		assert_int_equal(d->verdict, cases[i].mss ? FW_ACCEPT : FW_DROP);
		if (cases[i].mss)
			assert_int_equal(p.data[42] << 8 | p.data[43], cases[i].mss);
		assert_sound(&p, "the packet");
		scene_deinit(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_not_writable),
		cmocka_unit_test(test_later_rules), cmocka_unit_test(test_needs),
		cmocka_unit_test(test_effects),	    cmocka_unit_test(test_clamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
