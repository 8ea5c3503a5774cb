/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets: words, effects, and what a daemon must refuse for its own sake. */
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

#define T .target = true

static const struct extcase words[] = {
	{"REJECT", "", " --reject-with icmp-port-unreachable", " reject-with icmp-port-unreachable", T},
	{"REJECT", "", " --reject-with icmp6-port-unreachable", NULL, T, .family = FW_IP6},
	{"REJECT", "--reject-with admin-prohib", " --reject-with icmp-admin-prohibited", NULL, T},
	{"REJECT", "--reject-with ICMP-HOST-P", " --reject-with icmp-host-prohibited", NULL, T},
	{"REJECT", "--reject-with icmp", " --reject-with icmp-net-unreachable", NULL, T},
	{"REJECT", "--reject-with tcp-rst", " --reject-with tcp-reset", NULL, T, .proto = 6},
	{"REJECT", "--reject-with tcp-reset", T, .error = "REJECT: --reject-with tcp-reset is for TCP"},
	{"REJECT", "--reject-with icmp6-no-route", T, .error = "REJECT: --reject-with: 'icmp6-no-r"},
	{"REJECT", "--reject-with reject-route", " --reject-with icmp6-reject-route", NULL, T,
	 .family = FW_IP6},
	{"LOG", "", "", " LOG flags 0 level 4", T},
	{"LOG", "--log-level warning", "", NULL, T},
	{"LOG", "--log-level alert --log-prefix test:~", " --log-prefix \"test: \" --log-level 1",
	 " LOG flags 0 level 1 prefix \"test: \"", T},
	{"LOG", "--log-uid --log-ip-options --log-tcp-options --log-tcp-sequence --log-macdecode",
	 " --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
	 " LOG flags 47 level 4", T},
	{"LOG", "--log-prefix abcdefghijklmnopqrstuvwxyz0123456789",
	 " --log-prefix abcdefghijklmnopqrstuvwxyz012", NULL, T},
	{"LOG", "--log-level 8", T, .error = "LOG: --log-level: '8' is neither"},
	{"MARK", "--set-mark 0x10/0xff", " --set-xmark 0x10/0xff", " MARK xset 0x10/0xff", T},
	{"MARK", "--set-mark 0x110/0xff", " --set-xmark 0x110/0x1ff", NULL, T},
	{"MARK", "--set-mark 7", " --set-xmark 0x7/0xffffffff", " MARK set 0x7", T},
	{"MARK", "--and-mark 0xff", " --set-xmark 0x0/0xffffff00", " MARK and 0xff", T},
	{"MARK", "--or-mark 8", " --set-xmark 0x8/0x8", " MARK or 0x8", T},
	{"MARK", "--xor-mark 8", " --set-xmark 0x8/0x0", " MARK xor 0x8", T},
	{"MARK", "", T, .error = "MARK: what to do"},
	{"MARK", "--set-mark 1 --or-mark 2", T, .error = "MARK: --or-mark conflicts with --set-mark"},
	{"MARK", "--or-mark 2/2", T, .error = "MARK: --or-mark: '2/2' has a mask"},
	{"MARK", "--set-mark 4294967296", T, .error = "MARK: --set-mark: '4294967296'"},
	{"NFQUEUE", "", " --queue-num 0", " NFQUEUE num 0", T},
	{"NFQUEUE", "--queue-bypass --queue-balance :4", " --queue-balance 0:4 --queue-bypass",
	 " NFQUEUE balance 0:4 bypass", T},
	{"NFQUEUE", "--queue-balance 4:4", T, .error = "NFQUEUE: --queue-balance: '4:4'"},
	{"NFQUEUE", "--queue-balance 0:65535", T, .error = "NFQUEUE: --queue-balance: '0:65535'"},
	{"QUEUE", "", "", "", T},
	{"DNAT", "--to-destination 1.1.1.1", " --to-destination 1.1.1.1", " to:1.1.1.1", T},
	{"DNAT", "--to-destination 1.1.1.1-1.1.1.10:1025-65535 --persistent --random",
	 " --to-destination 1.1.1.1-1.1.1.10:1025-65535 --random --persistent",
	 " to:1.1.1.1-1.1.1.10:1025-65535 random persistent", T, .proto = 6},
	{"DNAT", "--to-destination :80-80", " --to-destination :80", " to::80", T, .proto = 17},
	{"DNAT", "--to-destination dead::beef", " --to-destination dead::beef", NULL, T,
	 .family = FW_IP6},
	{"DNAT", "--to-destination [dead::beef-dead::fee7]:1025-65535",
	 " --to-destination [dead::beef-dead::fee7]:1025-65535", NULL, T, .family = FW_IP6, .proto = 6},
	{"DNAT", "", T, .error = "DNAT: --to-destination is missing"},
	{"DNAT", "--to-destination 1.1.1.1:80", T, .error = "DNAT: ports are for protocols"},
	{"DNAT", "--to-destination 1.1.1.1:80-79", T, .error = "DNAT: --to-destination: '80-79'"},
	{"DNAT", "--to-destination 1.1.1.1:1000-2000/3000 --random",
	 " --to-destination 1.1.1.1:1000-2000/3000 --random", " to:1.1.1.1:1000-2000/3000 random", T,
	 .proto = 6},
	{"DNAT", "--to-destination :1000-2000/0", T, .proto = 6,
	 .error = "DNAT: --to-destination: '1000-2000/0'"},
	{"SNAT", "--to-source 1.1.1.1:42-1234/567", " --to-source 1.1.1.1:42-1234/0", NULL, T,
	 .proto = 6},
	{"DNAT", "--to-destination nonsense", T, .error = "DNAT: --to-destination: 'nonsense'"},
	{"SNAT", "--to-source 1.1.1.1 --persistent --random-fully --random",
	 " --to-source 1.1.1.1 --random --random-fully --persistent",
	 " to:1.1.1.1 random random-fully persistent", T},
	{"MASQUERADE", "", "", "", T},
	{"MASQUERADE", "--to-ports 1024-65535", " --to-ports 1024-65535", " masq ports: 1024-65535",
	 T, .proto = 17},
	{"MASQUERADE", "--to-ports 1024-65536", T, .error = "MASQUERADE: --to-ports: '1024-65536'",
	 .proto = 6},
	{"REDIRECT", "--random", " --random", " random", T},
	{"REDIRECT", "--to-ports 512-512", " --to-ports 512", " redir ports 512", T, .proto = 17},
	{"REDIRECT", "--to-ports 42-1234/567", T, .error = "REDIRECT: --to-ports: '42-1234/567'"},
	{"NETMAP", "--to 1.2.3.4/24", " --to 1.2.3.0/24", " to:1.2.3.0/24", T},
	{"NETMAP", "--to 1.2.3.4", " --to 1.2.3.4/32", NULL, T},
	{"NETMAP", "--to dead::/64", " --to dead::/64", NULL, T, .family = FW_IP6},
};

static void test_words(void **state)
{
	(void)state;
	extuse_cases(words, FW_ARRAY_SIZE(words));
}

static void syn(struct pkt *p, struct fw_packet *view)
{
	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(p, 1024, 80, PKT_SYN);
	pkt_view(p, view);
}

static void test_reject(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct extuse u;

	(void)state;
	syn(&p, &view);
	extuse_make(&u, "REJECT", true, FW_IP4, 6, "--reject-with tcp-reset");
	assert_int_equal(extuse_run(&u, &view), FW_DROP);
	assert_int_equal(u.eval.reject, FW_REJECT_TCP_RESET);
	extuse_free(&u);
}

static void test_mark(void **state)
{
	static const struct {
		const char *text;
		uint32_t before, after;
	} cases[] = {
		{"--set-mark 5", 0xff, 5},
		{"--set-mark 0x10/0xf0", 0xff, 0x1f},
		{"--set-xmark 0x11/0x10", 0x10, 0x11},
		{"--and-mark 0xf", 0xff, 0x0f},
		{"--or-mark 0x100", 0xff, 0x1ff},
		{"--xor-mark 0x3", 0x1, 0x2},
	};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	(void)state;
	syn(&p, &view);
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct extuse u;

		view.meta.mark = cases[i].before;
		extuse_make(&u, "MARK", true, FW_IP4, 6, cases[i].text);
		assert_int_equal(extuse_run(&u, &view), FW_CONTINUE);
		assert_int_equal(u.eval.mark, cases[i].after);
		extuse_free(&u);
	}
}

static void test_queues(void **state)
{
	struct pkt p = PKT_INIT, back = PKT_INIT;
	struct fw_packet view, view_back;
	struct extuse u;
	bool seen[4] = {false};

	(void)state;
	extuse_make(&u, "NFQUEUE", true, FW_IP4, 0, "--queue-balance 5:8 --queue-bypass");
	for (unsigned int i = 0; i < 200; i++) {
		char peer[16];
		uint16_t queue;

		snprintf(peer, sizeof(peer), "10.0.0.%u", i);
		pkt_ip4(&p, peer, "10.9.9.9", IPPROTO_TCP);
		pkt_tcp(&p, 1024, 80, PKT_SYN);
		pkt_view(&p, &view);
		pkt_ip4(&back, "10.9.9.9", peer, IPPROTO_TCP);
		pkt_tcp(&back, 80, 1024, PKT_SYN | PKT_ACK);
		pkt_view(&back, &view_back);
		assert_int_equal(extuse_run(&u, &view), FW_QUEUE);
		assert_true(u.eval.queue_bypass);
		queue = u.eval.queue;
		assert_in_range(queue, 5, 8);
		seen[queue - 5] = true;
		extuse_run(&u, &view_back);
		assert_int_equal(u.eval.queue, queue);
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
	extuse_free(&u);
}

static void test_deploy(void **state)
{
	static const struct {
		const char *ext;
		bool target;
		const char *text;
		bool fine;
	} cases[] = {
		{"MARK", true, "--set-mark 1", true},
		{"MARK", true, "--set-mark 0x100000", false},
		{"MARK", true, "--xor-mark 0x80000000", false},
		{"MARK", true, "--and-mark 0xfffff", true},
		{"CONNMARK", true, "--set-mark 0x80000", true},
		{"CONNMARK", true, "--set-mark 0x100000", false},
		{"CONNMARK", true, "--set-mark 0x10000 --left-shift-mark 3", true},
		{"CONNMARK", true, "--set-mark 0x10000 --left-shift-mark 4", false},
		{"CONNMARK", true, "--set-mark 0x100000 --right-shift-mark 1", true},
		{"CONNMARK", true, "--set-xmark 0x1/0x3 --left-shift-mark 1", false},
		{"CONNMARK", true, "--save-mark", true},
		{"CONNMARK", true, "--restore-mark --mask 0xffffffff", true},
		{"CONNMARK", true, "--restore-mark --right-shift-mark 9", true},
		{"CONNMARK", true, "--restore-mark --left-shift-mark 1", false},
		{"CONNMARK", true, "--restore-mark --ctmask 0xff --left-shift-mark 12", true},
		{"CONNMARK", true, "--restore-mark --ctmask 0xff --left-shift-mark 13", false},
		{"CONNMARK", true, "--save-mark --nfmask 0xff --left-shift-mark 12", true},
		{"CONNMARK", true, "--save-mark --ctmask 0xff --left-shift-mark 12", false},
		{"mark", false, "--mark 1", true},
		{"mark", false, "--mark 0x100000/0x100000", false},
		{"NFQUEUE", true, "--queue-num 63999", true},
		{"NFQUEUE", true, "--queue-num 64001", false},
		{"NFQUEUE", true, "--queue-balance 60000:64000", false},
		{"NFQUEUE", true, "--queue-balance 64002:64100", true},
		{"QUEUE", true, "", true},
	};
	struct fw_tx_env env = {
		.mark_reserved = 0xfff00000, .own_queue_first = 64000, .own_queue_n = 2};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct extuse u;

		extuse_make(&u, cases[i].ext, cases[i].target, FW_IP4, 0, cases[i].text);
		if (!u.use.ext->deploy(&u.use, &env, &u.err) != cases[i].fine)
			fail_msg("%s %s", cases[i].ext, cases[i].text);
		if (!cases[i].fine)
			assert_true(u.err.code == FW_ERR_UNSUPPORTED && u.err.hint[0]);
		extuse_free(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),  cmocka_unit_test(test_reject),
		cmocka_unit_test(test_mark),   cmocka_unit_test(test_queues),
		cmocka_unit_test(test_deploy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
