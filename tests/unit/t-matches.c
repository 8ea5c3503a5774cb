/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small matches: words in and out, and which packets they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "fw/owners.h"
#include "pkt.h"

#define V6 .family = FW_IP6

static const struct extcase words[] = {
	{"comment", "--comment two~words", " --comment \"two words\"", " /* two words */"},
	{"mark", "--mark 0xff/0x0f", " --mark 0xff/0xf", " mark match 0xff/0xf"},
	{"mark", "! --mark 4294967295", " ! --mark 0xffffffff", " mark match ! 0xffffffff"},
	{"mark", "--mark 1/", .error = "mark: --mark: '1/' is not"},
	{"multiport", "! --dports 22,80:90", " ! --dports 22,80:90", " multiport dports  !22,80:90",
	 .proto = 6},
	{"multiport", "--source-ports 53,1024:65535", " --sports 53,1024:65535", NULL, .proto = 17},
	{"multiport", "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
	 " --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", NULL, .proto = 6},
	{"multiport", "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16", .proto = 6,
	 .error = "multiport: --ports: '1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16' names more than 15"},
	{"multiport", "--ports 5:4", .proto = 6, .error = "multiport: --ports: '5:4' has a range"},
	{"multiport", "--ports 5,", .proto = 6, .error = "'' is not in 0..65535"},
	{"multiport", "--ports 5", .error = "multiport: the rule does not say a protocol"},
	{"multiport", "--ports 5 --sports 5", .proto = 6,
	 .error = "multiport: --sports conflicts with --ports"},
	{"multiport", "", .proto = 6, .error = "multiport: no ports are"},
	{"iprange", "--src-range 1.2.3.4 ! --dst-range 10.0.0.1-10.0.0.9",
	 " --src-range 1.2.3.4-1.2.3.4 ! --dst-range 10.0.0.1-10.0.0.9",
	 " source IP range 1.2.3.4-1.2.3.4 destination IP range ! 10.0.0.1-10.0.0.9"},
	{"iprange", "--src-range fe80::1-fe80::9", " --src-range fe80::1-fe80::9", NULL, V6},
	{"iprange", "--src-range fe80::1-fe80::9", .error = "iprange: --src-range: 'fe80::1"},
	{"iprange", "", .error = "iprange: no range"},
	{"limit", "", " --limit 3/hour", " limit: avg 3/hour burst 5"},
	{"limit", "--limit 100", " --limit 100/sec", NULL},
	{"limit", "--limit 61/m --limit-burst 5", " --limit 61/min", NULL},
	{"limit", "--limit 1/DAY --limit-burst 1", " --limit 1/day --limit-burst 1", NULL},
	{"limit", "--limit 1/day", .error = "limit: a burst of 5"},
	{"limit", "--limit-burst 0", .error = "limit: a burst of 0"},
	{"limit", "--limit 20000/s", .error = "limit: --limit: '20000/s' is more than"},
	{"limit", "--limit 0/s", .error = "limit: --limit: '0/s' is not"},
	{"limit", "--limit 5/", .error = "limit: --limit: '5/' is not"},
	{"limit", "--limit 5/fortnight", .error = "limit: --limit: '5/fortnight' is not"},
	{"limit", "--limit-burst 10001", .error = "limit: --limit-burst: '10001' is not in 0..10000"},
	{"length", "--length :", " --length 0:65535", " length 0:65535"},
	{"length", "! --length 4:4", " ! --length 4", " length !4"},
	{"length", "--length 4:3", .error = "length: --length: '4:3'"},
	{"length", "--length 0:65536", .error = "length: --length: '0:65536'"},
	{"ttl", "--ttl 3", " --ttl-eq 3", " TTL match TTL == 3"},
	{"ttl", "! --ttl-eq 3", " ! --ttl-eq 3", " TTL match TTL != 3"},
	{"ttl", "--ttl-gt 3 --ttl-lt 5", .error = "ttl: --ttl-lt conflicts with --ttl-gt"},
	{"ttl", "", .error = "ttl: none of"},
	{"hl", "--hl-lt 42", " --hl-lt 42", " HL match HL < 42", V6},
	{"mac", "! --mac-source aa:bb:cc:dd:ee:f", " ! --mac-source aa:bb:cc:dd:ee:0f",
	 " MAC ! aa:bb:cc:dd:ee:0f"},
	{"mac", "--mac-source 42:01:02:03:04", .error = "mac: --mac-source: '42:01:02:03:04'"},
	{"mac", "--mac-source 42:01:02:03:04:05:06", .error = "mac: --mac-source: '42:01"},
	{"mac", "--mac-source 42:01:02:03:04:050", .error = "mac: --mac-source: '42:01"},
	{"pkttype", "! --pkt-type bcast", " ! --pkt-type broadcast", " PKTTYPE != broadcast"},
	{"pkttype", "--pkt-type wrong", .error = "pkttype: --pkt-type: 'wrong' is none of"},
	{"addrtype", "! --src-type loc,uni --limit-iface-in",
	 " ! --src-type UNICAST,LOCAL --limit-iface-in", " ADDRTYPE match src-type !UNICAST,LOCAL limit-in"},
	{"addrtype", "--limit-iface-in", .error = "addrtype: neither"},
	{"addrtype", "--src-type LOCAL,", .error = "addrtype: --src-type: 'LOCAL,'"},
	{"addrtype", "--src-type LOCAL --limit-iface-in --limit-iface-out",
	 .error = "addrtype: --limit-iface-in conflicts"},
	{"addrtype", "--dst-type BROADCAST", V6, .error = "addrtype: IPv6 has no"},
	{"owner", "--uid-owner root ! --gid-owner 5-9 --socket-exists",
	 " --socket-exists --uid-owner 0 ! --gid-owner 5-9",
	 " owner socket exists owner UID match 0 ! owner GID match 5-9"},
	{"owner", "--uid-owner nobody-we-know", .error = "owner: --uid-owner: nobody knows a user"},
	{"owner", "--uid-owner 9-5", .error = "owner: --uid-owner: '9-5'"},
	{"owner", "--gid-owner 1 --suppl-groups", .error = "owner: a queue does not tell"},
	{"owner", "", .error = "owner: no owner"},
	{"dscp", "! --dscp-class ef", " ! --dscp 0x2e", " DSCP match !0x2e"},
	{"dscp", "--dscp 0x40", .error = "dscp: --dscp: '0x40' is not in 0..63"},
	{"dscp", "--dscp 1 --dscp-class BE", .error = "dscp: --dscp-class conflicts"},
	{"dscp", "", .error = "dscp: neither"},
	{"tos", "--tos minimize-delay", " --tos 0x10/0x3f", " tos match0x10/0x3f"},
	{"tos", "! --tos 0xff", " ! --tos 0xff/0xff", " tos match!0xff/0xff"},
	{"tos", "--tos wrong", .error = "tos: --tos: 'wrong'"},
};

static void test_words(void **state)
{
	extuse_cases(words, FW_ARRAY_SIZE(words));
}

static void udp4(struct pkt *p, struct fw_packet *view)
{
	pkt_ip4(p, "10.0.0.5", "10.0.0.255", IPPROTO_UDP);
	pkt_udp(p, 1024, 53);
	pkt_view(p, view);
}

static void test_multiport(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	assert_int_equal(extuse_meets("multiport", "--dports 22,50:60", &view), 1);
	assert_int_equal(extuse_meets("multiport", "--dports 50:52,54:60,1024", &view), 0);
	assert_int_equal(extuse_meets("multiport", "--sports 1024", &view), 1);
	assert_int_equal(extuse_meets("multiport", "--ports 1024", &view), 1);
	assert_int_equal(extuse_meets("multiport", "! --ports 9,10", &view), 1);
	assert_int_equal(extuse_meets("multiport", "! --dports 53", &view), 0);

	pkt_ip4(&p, "10.0.0.5", "10.0.0.255", IPPROTO_UDP);
	pkt_grow(&p, 3);
	pkt_view(&p, &view);
	assert_int_equal(extuse_meets("multiport", "! --ports 9", &view), 2);
	pkt_grow(&p, 1); /* both ports are there: enough */
	pkt_view(&p, &view);
	assert_int_equal(extuse_meets("multiport", "--ports 0", &view), 1);
	pkt_frag4(&p, 64, true);
	pkt_view(&p, &view);
	assert_int_equal(extuse_meets("multiport", "! --ports 9", &view), 0);
}

static void test_iprange(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	assert_int_equal(extuse_meets("iprange", "--src-range 10.0.0.5", &view), 1);
	assert_int_equal(extuse_meets("iprange", "--src-range 10.0.0.1-10.0.0.5", &view), 1);
	assert_int_equal(extuse_meets("iprange", "--src-range 9.255.0.0-10.0.0.4", &view), 0);
	assert_int_equal(extuse_meets("iprange", "! --src-range 9.255.0.0-10.0.0.4", &view), 1);
	assert_int_equal(extuse_meets("iprange", "--src-range 10.0.0.9-10.0.0.1", &view), 0);
	assert_int_equal(
		extuse_meets("iprange", "--src-range 10.0.0.5 ! --dst-range 10.0.0.255", &view), 0);
	pkt_ip6(&p, "fe80::5", "ff02::1", IPPROTO_UDP);
	pkt_udp(&p, 1, 2);
	pkt_view(&p, &view);
	assert_int_equal(extuse_meets("iprange", "--src-range fe80::1-fe80::1:0", &view), 1);
	assert_int_equal(extuse_meets("iprange", "--src-range fe80::6-fe80::1:0", &view), 0);
}

static void test_length_hops_mark(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	p.meta.mark = 0x5a;
	udp4(&p, &view);
	assert_int_equal(extuse_meets("length", "--length 28", &view), 1);
	assert_int_equal(extuse_meets("length", "--length 29:", &view), 0);
	assert_int_equal(extuse_meets("length", "! --length :27", &view), 1);
	assert_int_equal(extuse_meets("ttl", "--ttl-eq 64", &view), 1);
	assert_int_equal(extuse_meets("ttl", "! --ttl-eq 64", &view), 0);
	assert_int_equal(extuse_meets("ttl", "--ttl-lt 64", &view), 0);
	assert_int_equal(extuse_meets("ttl", "--ttl-gt 63", &view), 1);
	assert_int_equal(extuse_meets("mark", "--mark 0x5a", &view), 1);
	assert_int_equal(extuse_meets("mark", "--mark 0x0a/0x0f", &view), 1);
	assert_int_equal(extuse_meets("mark", "! --mark 0x0a/0x0f", &view), 0);
	assert_int_equal(extuse_meets("mark", "--mark 0x1a/0x0f", &view), 0); /* can never be */
}

static void test_mac_pkttype(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	assert_int_equal(extuse_meets("mac", "! --mac-source 2:0:0:0:0:1", &view),
			 0); /* no Ethernet */
	view.meta.has_mac = true;
	memcpy(view.meta.mac, "\x02\0\0\0\0\x01", 6);
	view.meta.pkttype = FW_PKT_BROADCAST;
	assert_int_equal(extuse_meets("mac", "--mac-source 2:0:0:0:0:1", &view), 1);
	assert_int_equal(extuse_meets("mac", "! --mac-source 2:0:0:0:0:1", &view), 0);
	assert_int_equal(extuse_meets("mac", "! --mac-source 2:0:0:0:0:2", &view), 1);
	assert_int_equal(extuse_meets("pkttype", "--pkt-type broadcast", &view), 1);
	assert_int_equal(extuse_meets("pkttype", "! --pkt-type host", &view), 1);
	assert_int_equal(extuse_meets("pkttype", "--pkt-type multicast", &view), 0);
}

static unsigned int routing(void *priv, enum fw_family family, const union fw_addr *addr,
			    uint32_t ifindex)
{
	if (family == FW_IP4)
		return 1u << (addr->u8[3] == 255     ? FW_ADDR_BROADCAST
				      : ifindex == 3 ? FW_ADDR_UNICAST
						     : FW_ADDR_LOCAL);
	return addr->u8[15] == 5 ? 1u << FW_ADDR_LOCAL : 0;
}

static bool addrtype(const char *text, const struct fw_packet *view)
{
	static const struct fw_world_ops ops = {.addrtype = routing};
	struct extuse u;
	bool r;

	extuse_make(&u, "addrtype", false, view->family, 0, text);
	u.world.ops = &ops;
	r = extuse_match(&u, view);
	extuse_free(&u);
	return r;
}

static void test_addrtype(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;

	pkt_at(&p, FW_FORWARD, "eth0", "eth1"); /* interfaces 2 and 3 */
	udp4(&p, &view);
	assert_true(addrtype("--src-type LOCAL", &view));
	assert_true(addrtype("--src-type LOCAL --limit-iface-in", &view));
	assert_false(addrtype("--src-type LOCAL --limit-iface-out", &view));
	assert_true(addrtype("--src-type UNICAST,LOCAL --dst-type BROADCAST", &view));
	assert_false(addrtype("! --src-type LOCAL", &view));
	assert_true(addrtype("--src-type LOCAL ! --dst-type LOCAL", &view));
	assert_int_equal(extuse_meets("addrtype", "--src-type LOCAL", &view),
			 0); /* nobody to ask */

	pkt_ip6(&p, "fe80::5", "ff02::1", IPPROTO_UDP);
	pkt_udp(&p, 1, 2);
	pkt_view(&p, &view);
	assert_true(addrtype("--src-type UNICAST --dst-type MULTICAST", &view));
	assert_true(addrtype("--src-type LOCAL", &view));
	assert_false(addrtype("--dst-type LOCAL", &view));
	assert_false(addrtype("--dst-type UNICAST,MULTICAST", &view)); /* both, as the kernel */
	assert_true(addrtype("! --src-type UNSPEC", &view));

	extuse_make(&u, "addrtype", false, FW_IP4, 0, "--src-type LOCAL --limit-iface-out");
	assert_int_equal(fw_use_hooks(&u.use),
			 FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT) |
				 FW_HOOK_BIT(FW_POSTROUTING));
	extuse_free(&u);
}

static void test_tos(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	view.tos = 0xb9; /* EF, ECT(1) */
	assert_int_equal(extuse_meets("dscp", "--dscp-class EF", &view), 1);
	assert_int_equal(extuse_meets("dscp", "! --dscp 0x2e", &view), 0);
	assert_int_equal(extuse_meets("tos", "--tos 0xb8/0xfc", &view), 1);
	assert_int_equal(extuse_meets("tos", "--tos 0xb8", &view), 0);
	assert_int_equal(extuse_meets("tos", "! --tos 0xb8", &view), 1);
}

static void test_owner(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	assert_int_equal(extuse_meets("owner", "--uid-owner 0-4000", &view),
			 0); /* nobody's socket */
	assert_int_equal(extuse_meets("owner", "! --uid-owner 1000", &view), 1);
	assert_int_equal(extuse_meets("owner", "! --uid-owner 1000 --socket-exists", &view), 0);
	assert_int_equal(extuse_meets("owner", "! --socket-exists", &view), 1);
	view.meta.has_uid = true;
	view.meta.uid = 1000;
	view.meta.gid = 100;
	assert_int_equal(
		extuse_meets("owner", "--uid-owner 1000 --gid-owner 100 --socket-exists", &view),
		1);
	assert_int_equal(extuse_meets("owner", "--uid-owner 1000 ! --gid-owner 100", &view), 0);
	assert_int_equal(extuse_meets("owner", "--uid-owner 1001-2000", &view), 0);
	assert_int_equal(extuse_meets("owner", "! --uid-owner 1001:2000", &view), 1);
	assert_int_equal(extuse_meets("owner", "! --socket-exists", &view), 0);
}

static void test_owner_of_sockets_without_file(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	udp4(&p, &view);
	view.meta.has_socket = true; /* the kernel's own */
	assert_int_equal(extuse_meets("owner", "--socket-exists", &view), 1);
	assert_int_equal(extuse_meets("owner", "! --socket-exists", &view), 0);
	assert_int_equal(extuse_meets("owner", "--uid-owner 0", &view), 0);
	assert_int_equal(extuse_meets("owner", "! --uid-owner 0 --socket-exists", &view), 1);
	view.meta.has_listener = true; /* a SYN-ACK */
	view.meta.listener_uid = 1000;
	view.meta.listener_gid = 100;
	assert_int_equal(extuse_meets("owner", "--uid-owner 1000 --socket-exists", &view), 1);
	assert_int_equal(extuse_meets("owner", "! --uid-owner 1000", &view), 0);
	assert_int_equal(extuse_meets("owner", "--gid-owner 0-99", &view), 0);
}

static void test_cuts(void **state)
{
	struct fw_owners o = {0};
	uint32_t lo, hi, uid, gid;

	assert_int_equal(fw_owners_codes(&o), 0);
	assert_int_equal(fw_cuts_add(&o.uids, 1000, 1000), 0);
	assert_int_equal(fw_cuts_add(&o.uids, 0, 999), 0);
	assert_int_equal(fw_cuts_add(&o.uids, 4000, UINT32_MAX), 0);
	assert_int_equal(o.uids.n, 3); /* 0-999 1000 1001-3999 4000- */
	fw_cuts_interval(&o.uids, 1, &lo, &hi);
	assert_int_equal(lo, 1000);
	assert_int_equal(hi, 1000);
	fw_cuts_interval(&o.uids, 3, &lo, &hi);
	assert_int_equal(lo, 4000);
	assert_true(hi == UINT32_MAX);
	assert_int_equal(fw_cuts_add(&o.gids, 7, 7), 0);
	assert_int_equal(fw_owners_codes(&o), 12);
	fw_owners_decode(&o, 12, &uid, &gid);
	assert_int_equal(uid, 3);
	assert_int_equal(gid, 2);
	for (uint32_t i = 0; fw_cuts_add(&o.uids, 5000 + 2 * i, 5000 + 2 * i) == 0; i++)
		assert_true(i < FW_OWNER_CUTS);
	assert_true(o.uids.n + 2 > FW_OWNER_CUTS && o.uids.n <= FW_OWNER_CUTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	    cmocka_unit_test(test_multiport),
		cmocka_unit_test(test_iprange),	    cmocka_unit_test(test_length_hops_mark),
		cmocka_unit_test(test_mac_pkttype), cmocka_unit_test(test_addrtype),
		cmocka_unit_test(test_tos),	    cmocka_unit_test(test_owner),
		cmocka_unit_test(test_owner_of_sockets_without_file), cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
