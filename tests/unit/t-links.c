/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches on interfaces and routes, whose facts somebody else knows; and hashes of addresses. */
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
#include "scene.h"

/* What the world answers. */
struct facts {
	uint32_t realm;
	unsigned int back;
	uint32_t mark; /* it was asked with */
};

static uint32_t group(void *priv, uint32_t ifindex)
{
	return ifindex == 2 ? 0x17 : 0;
}

static uint32_t realm(void *priv, const struct fw_packet *pkt, uint32_t mark)
{
	return ((struct facts *)priv)->realm;
}

static unsigned int way_back(void *priv, const struct fw_packet *pkt, uint32_t mark, bool loose)
{
	((struct facts *)priv)->mark = mark;
	return ((struct facts *)priv)->back;
}

static const struct fw_world_ops ops = {.group = group, .realm = realm, .way_back = way_back};

static bool meets(const struct fw_packet *view, const char *ext, const char *text,
		  struct facts *facts)
{
	struct extuse u;
	bool r;

	extuse_make(&u, ext, false, view->family, 0, text);
	u.world.ops = &ops;
	u.world.priv = facts;
	r = extuse_match(&u, view);
	extuse_free(&u);
	return r;
}

static void udp4(struct pkt *p, struct fw_packet *view, const char *src)
{
	pkt_at(p, FW_PREROUTING, "eth0", NULL);
	pkt_ip4(p, src, "10.0.0.2", IPPROTO_UDP);
	pkt_udp(p, 1000, 53);
	pkt_view(p, view);
}

static void test_devgroup(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view, "10.0.0.1");
	view.meta.in_ifindex = 2;
	view.meta.out_ifindex = 3;
	assert_true(meets(&view, "devgroup", "--src-group 0x17", NULL));
	assert_true(meets(&view, "devgroup", "--src-group 7/0xf", NULL));
	assert_false(meets(&view, "devgroup", "! --src-group 0x17", NULL));
	assert_false(meets(&view, "devgroup", "--src-group 0x17 --dst-group 1", NULL));
	assert_true(meets(&view, "devgroup", "--src-group 0x17 --dst-group default", NULL));
}

static void test_physdev(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view, "10.0.0.1");
	assert_false(meets(&view, "physdev", "--physdev-in port1", NULL));
	assert_true(meets(&view, "physdev", "! --physdev-in port1 ! --physdev-is-bridged", NULL));
	assert_false(meets(&view, "physdev", "! --physdev-in port1 --physdev-is-in", NULL));
	strcpy(view.meta.phys_in, "port1");
	assert_true(meets(&view, "physdev", "--physdev-in port1", NULL));
	assert_true(meets(&view, "physdev", "--physdev-in po+ --physdev-is-in ! --physdev-is-out",
			  NULL));
	assert_false(meets(&view, "physdev", "! --physdev-in port+", NULL));
	assert_false(meets(&view, "physdev", "--physdev-in port12", NULL));
	assert_false(meets(&view, "physdev", "! --physdev-out port2", NULL)); /* not known */
	strcpy(view.meta.phys_out, "port2");
	assert_true(meets(&view, "physdev", "--physdev-is-bridged --physdev-out port2", NULL));
	assert_false(meets(&view, "physdev", "--physdev-out port1", NULL));
	assert_true(meets(&view, "physdev", "! --physdev-out port1", NULL));
	view.meta.phys_in[0] = '\0';
	assert_true(meets(&view, "physdev", "--physdev-in port9", NULL)); /* as the kernel's */
}

static void test_realm(void **state)
{
	struct facts facts = {.realm = 0x50007};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view, "10.0.0.1");
	assert_true(meets(&view, "realm", "--realm 7/0xffff", &facts));
	assert_false(meets(&view, "realm", "--realm 7", &facts));
	assert_true(meets(&view, "realm", "! --realm cosmos", &facts));
}

static void test_rpfilter(void **state)
{
	struct facts facts = {.back = FW_BACK_UNICAST | FW_BACK_HERE};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view, "10.0.0.1");
	view.meta.mark = 5;
	assert_true(meets(&view, "rpfilter", "", &facts));
	assert_int_equal(facts.mark, 0);
	assert_false(meets(&view, "rpfilter", "--invert --validmark", &facts));
	assert_int_equal(facts.mark, 5);
	facts.back = FW_BACK_UNICAST;
	assert_false(meets(&view, "rpfilter", "", &facts));
	assert_true(meets(&view, "rpfilter", "--loose", &facts));
	facts.back = FW_BACK_LOCAL | FW_BACK_HERE;
	assert_false(meets(&view, "rpfilter", "--loose", &facts));
	assert_true(meets(&view, "rpfilter", "--accept-local", &facts));
	facts.back = 0;
	assert_false(meets(&view, "rpfilter", "--loose --accept-local", &facts));
	strcpy(view.meta.in_name, "lo");
	assert_true(meets(&view, "rpfilter", "", &facts));
	/* who asks for an address has none */
	pkt_ip4(&p, "0.0.0.0", "255.255.255.255", IPPROTO_UDP);
	pkt_udp(&p, 68, 67);
	pkt_view(&p, &view);
	assert_true(meets(&view, "rpfilter", "", &facts));
}

/* Numbers that the kernel's HMARK gave to the same packets. */
static uint32_t hmark(const struct fw_packet *view, const char *text)
{
	struct extuse u;
	uint32_t mark;

	extuse_make(&u, "HMARK", true, view->family, 0, text);
	assert_int_equal(extuse_run(&u, view), FW_CONTINUE);
	mark = u.eval.mark;
	extuse_free(&u);
	return mark;
}

static void test_hmark(void **state)
{
	const char *all = "--hmark-tuple src,dst,sport,dport,proto --hmark-rnd 0xdeadbeef "
			  "--hmark-mod 65536";
	struct pkt p = PKT_INIT, back = PKT_INIT;
	struct fw_packet view, answer;

	udp4(&p, &view, "10.0.0.1");
	pkt_ip4(&back, "10.0.0.2", "10.0.0.1", IPPROTO_UDP);
	pkt_udp(&back, 53, 1000);
	pkt_view(&back, &answer);
	assert_int_equal(hmark(&view, all), hmark(&answer, all));
	assert_int_equal(hmark(&view,
			       "--hmark-tuple src --hmark-rnd 1 --hmark-mod 1 "
			       "--hmark-offset 7"),
			 7);
	assert_int_equal(hmark(&view, all), 45940);
	assert_int_equal(hmark(&view, "--hmark-tuple src,dst --hmark-rnd 1 --hmark-mod 1000"), 822);
}

static void test_cluster(void **state)
{
	unsigned int mine = 0;

	for (unsigned int node = 1; node <= 4; node++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;
		char rules[200];

		snprintf(rules, sizeof(rules),
			 "*mangle\n-A PREROUTING -m cluster --cluster-total-nodes 4 "
			 "--cluster-local-node %u --cluster-hash-seed 0xdeadbeef\nCOMMIT\n",
			 node);
		scene_init(&s, true);
		scene_rules(&s, FW_IP4, rules);
		udp4(&p, &view, "10.0.0.1");
		scene_run(&s, &view);
		if (scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 1))
			mine = mine * 10 + node;
		scene_deinit(&s);
	}
	assert_int_equal(mine, 2); /* one, and the one that the kernel says */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devgroup), cmocka_unit_test(test_physdev),
		cmocka_unit_test(test_realm),	 cmocka_unit_test(test_rpfilter),
		cmocka_unit_test(test_hmark),	 cmocka_unit_test(test_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
