/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker in its place among the tables: where a packet gets its state, what later hooks are
 * told, which flows stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkt.h"
#include "scene.h"

static void syn(struct pkt *p, struct fw_packet *view, enum fw_hook hook, const char *src)
{
	pkt_at(p, hook, hook == FW_OUTPUT || hook == FW_POSTROUTING ? "" : "eth0",
	       hook == FW_INPUT || hook == FW_PREROUTING ? "" : "eth1");
	pkt_ip4(p, src, "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(p, 1024, 80, PKT_SYN);
	pkt_view(p, view);
}

/* The rules only have to look at the tracker; what they say is told by the counters. */
#define STATES(table, chain)                                             \
	"*" table "\n-A " chain " -m conntrack --ctstate NEW\n-A " chain \
	" -m conntrack --ctstate ESTABLISHED\n"                          \
	"-A " chain " -m conntrack --ctstate INVALID\n-A " chain         \
	" -m conntrack --ctstate RELATED\nCOMMIT\n"

static void reply_at(struct pkt *p, struct fw_packet *view, enum fw_hook hook, const char *dst,
		     uint8_t flags)
{
	pkt_at(p, hook, hook == FW_OUTPUT ? "" : "eth1", hook == FW_OUTPUT ? "eth0" : "");
	pkt_ip4(p, "10.0.0.2", dst, IPPROTO_TCP);
	pkt_tcp(p, 80, 1024, flags);
	pkt_view(p, view);
}

static const struct fw_decision *run_syn(struct scene *s, struct pkt *p, enum fw_hook hook,
					 const char *src)
{
	struct fw_packet view;

	syn(p, &view, hook, src);
	return scene_run(s, &view);
}

static void run_reply(struct scene *s, struct pkt *p, enum fw_hook hook, const char *dst,
		      uint8_t flags)
{
	struct fw_packet view;

	reply_at(p, &view, hook, dst, flags);
	scene_run(s, &view);
}

/* Who is told by a reset that there is no connection has none: nf_ct_set_closing(). */
static void test_reject_closes(void **state)
{
	struct fw_buf out = FW_BUF_INIT;
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint64_t cursor = 0;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -j REJECT "
		    "--reject-with tcp-reset\nCOMMIT\n");
	run_syn(&s, &p, FW_INPUT, "10.0.0.1");
	run_reply(&s, &p, FW_OUTPUT, "10.0.0.1", PKT_SYN | PKT_ACK);
	fw_ct_list(s.world.ct, &cursor, 10, NULL, s.now, FW_CT_TEXT, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "SYN_RECV"));
	pkt_at(&p, FW_INPUT, "eth0", "");
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(&p, 1024, 80, PKT_ACK);
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 1);
	fw_buf_reset(&out);
	cursor = 0;
	fw_ct_list(s.world.ct, &cursor, 10, NULL, s.now, FW_CT_TEXT, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), " CLOSE "));
	fw_buf_deinit(&out);
	scene_deinit(&s);
}

/* What OUTPUT found INVALID has no flow: behind lo raw may take it out of tracking. */
static void test_notrack_behind_lo(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*raw\n-A PREROUTING -p icmp -j NOTRACK\n"
		    "-A PREROUTING -m conntrack --ctstate UNTRACKED\nCOMMIT\n"
		    STATES("filter", "OUTPUT") STATES("mangle", "PREROUTING"));
	pkt_at(&p, FW_OUTPUT, "", "lo");
	pkt_ip4(&p, "127.0.0.1", "127.0.0.1", IPPROTO_ICMP);
	pkt_icmp(&p, 0, 0, 1, 1); /* an echo reply that nobody asked for */
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->ctinfo, FW_CT_INVALID);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "OUTPUT", 3), 1);
	pkt_at(&p, FW_PREROUTING, "lo", "");
	p.meta.ctinfo = FW_CT_INVALID;
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 2), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 3), 0);
	/* … and if it does not, it is what it was, whatever CT wants of flows */
	scene_rules(&s, FW_IP4, "*raw\n-A PREROUTING -p udp -j NOTRACK\nCOMMIT\n");
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 3), 1);
	scene_rules(&s, FW_IP4,
		    "*raw\n-A PREROUTING -p icmp -j CT\nCOMMIT\n"
		    "*mangle\n-A PREROUTING -m conntrack --ctstate INVALID\n"
		    "-A PREROUTING -m connmark --mark 0\nCOMMIT\n");
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 1), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 2), 0);
	scene_deinit(&s);
}

static void test_track_at_input(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, STATES("filter", "INPUT"));
	assert_true(s.plan.track[FW_IP4]);
	run_syn(&s, &p, FW_INPUT, "10.0.0.1");
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 1);
	assert_int_equal(fw_ct_stats(s.world.ct)->flows, 1); /* confirmed: INPUT is last */
	run_reply(&s, &p, FW_OUTPUT, "10.0.0.1", PKT_SYN | PKT_ACK);
	assert_int_equal(fw_ct_stats(s.world.ct)->flows, 1);
	/* an ACK of nobody is picked up as NEW; a RST of nobody is INVALID */
	syn(&p, &view, FW_INPUT, "10.0.0.5");
	p.data[33] = PKT_RST;
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 3), 1);
	assert_int_equal(s.d.ctinfo, FW_CT_NONE); /* nobody asks later */
	scene_deinit(&s);
}

static void test_dropped_flow_goes(void **state)
{
	struct pkt p = PKT_INIT;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -m conntrack --ctstate NEW -j DROP\nCOMMIT\n");
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(run_syn(&s, &p, FW_INPUT, "10.0.0.1")->verdict, FW_DROP);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), i);
		assert_int_equal(fw_ct_stats(s.world.ct)->flows, 0);
	}
	scene_deinit(&s);
}

static void test_invalid_is_carried(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, STATES("mangle", "PREROUTING") STATES("filter", "INPUT"));
	syn(&p, &view, FW_PREROUTING, "10.0.0.1");
	p.data[33] = PKT_RST;
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->ctinfo, FW_CT_INVALID);
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	p.meta.ctinfo = s.d.ctinfo;
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 3), 1);
	/* a flow that later hooks find by themselves is not carried */
	p.meta.ctinfo = FW_CT_NONE;
	assert_int_equal(run_syn(&s, &p, FW_PREROUTING, "10.0.0.1")->ctinfo, FW_CT_NONE);
	run_syn(&s, &p, FW_INPUT, "10.0.0.1");
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 1);
	scene_deinit(&s);
}

static void test_reject_reply(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -m conntrack --ctstate NEW,INVALID -j REJECT\n"
		    "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j REJECT\nCOMMIT\n");
	run_syn(&s, &p, FW_INPUT, "10.0.0.1");
	assert_int_equal(s.d.reject, FW_REJECT_ICMP_PORT_UNREACH);
	assert_int_equal(s.d.reply_ctinfo, FW_CT_RELATED_REPLY);
	p.data[33] = PKT_RST;
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(s.d.reject, FW_REJECT_ICMP_PORT_UNREACH);
	assert_int_equal(s.d.reply_ctinfo, FW_CT_NONE); /* no flow to belong to */
	scene_edit(&s, FW_IP4, "*filter\n-D INPUT 1\nCOMMIT\n", FW_TX_NOFLUSH);
	run_syn(&s, &p, FW_INPUT, "10.0.0.1");
	run_reply(&s, &p, FW_OUTPUT, "10.0.0.1", PKT_SYN | PKT_ACK);
	assert_int_equal(s.d.verdict, FW_DROP);
	assert_int_equal(s.d.reply_ctinfo, FW_CT_RELATED); /* against the flow's direction twice */
	scene_deinit(&s);
}

/* What came in through loopback has its state from OUTPUT, before raw. */
static void test_loopback(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, STATES("raw", "PREROUTING"));
	pkt_at(&p, FW_OUTPUT, NULL, "lo");
	pkt_ip4(&p, "127.0.0.1", "127.0.0.1", IPPROTO_TCP);
	pkt_tcp(&p, 1024, 80, PKT_SYN);
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(fw_ct_stats(s.world.ct)->flows, 1);
	pkt_at(&p, FW_PREROUTING, "lo", NULL);
	pkt_view(&p, &view);
	scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 1), 1);
	/* any other packet has none in raw: INVALID */
	run_syn(&s, &p, FW_PREROUTING, "10.0.0.1");
	assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 1), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", 3), 1);
	scene_deinit(&s);
}

static void test_nat_sees_the_first_packet_only(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, "*nat\n-A INPUT -p tcp\nCOMMIT\n" STATES("filter", "INPUT"));
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	for (int i = 0; i < 3; i++)
		scene_run(&s, &view);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_NAT, "INPUT", 1), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_NAT, "INPUT", 0), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 0), 3);
	scene_deinit(&s);
}

/* A packet that answers a REJECT brings its state along. */
static void test_carried_state_wins(void **state)
{
	struct pkt p = PKT_INIT;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, STATES("raw", "OUTPUT") STATES("filter", "OUTPUT"));
	p.meta.ctinfo = FW_CT_RELATED_REPLY;
	run_reply(&s, &p, FW_OUTPUT, "10.0.0.1", PKT_RST | PKT_ACK);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "OUTPUT", 4), 1);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "OUTPUT", 4), 1);
	scene_deinit(&s);
}

static unsigned int local_or_not(void *priv, enum fw_family family, const union fw_addr *addr,
				 uint32_t ifindex)
{
	(void)family;
	(void)addr;
	(void)ifindex;
	return 1u << *(const enum fw_addrtype *)priv;
}

/* A packet with no hop left dies behind PREROUTING, and a flow that it made with it.  One for this
 * host does not: it is tracked there, or in INPUT where PREROUTING has no rules. */
static void test_doomed(void **state)
{
	static const struct fw_world_ops ops = {.addrtype = local_or_not};
	static const enum fw_addrtype types[] = {FW_ADDR_UNICAST, FW_ADDR_LOCAL};
	static const char *const rules[] = {STATES("mangle", "PREROUTING"),
					    STATES("filter", "INPUT")};

	(void)state;
	for (int i = 0; i < 4; i++) {
		enum fw_addrtype type = types[i & 1];
		bool local = type == FW_ADDR_LOCAL, only_dying = i / 2;
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;

		scene_init(&s, true);
		s.world.ops = &ops;
		s.world.priv = &type;
		scene_rules(&s, FW_IP4, rules[i / 2]);
		assert_int_equal(s.plan.dying[FW_IP4], only_dying);
		syn(&p, &view, FW_PREROUTING, "10.0.0.1");
		view.ttl = 1;
		assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
		assert_int_equal(fw_ct_stats(s.world.ct)->flows, local && !only_dying);
		syn(&p, &view, FW_INPUT, "10.0.0.1");
		view.ttl = 1;
		if (local)
			scene_run(&s, &view);
		assert_int_equal(fw_ct_stats(s.world.ct)->flows, local);
		if (local && only_dying)
			assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 1), 1);
		scene_deinit(&s);
	}
}

/* Rules in PREROUTING and FORWARD only: a flow to this host is confirmed by the first, for nobody
 * sees its packet again; one that goes on is not. */
static void test_confirmed_before_input(void **state)
{
	static const struct fw_world_ops ops = {.addrtype = local_or_not};
	static const enum fw_addrtype types[] = {FW_ADDR_UNICAST, FW_ADDR_LOCAL};

	(void)state;
	for (int i = 0; i < 2; i++) {
		enum fw_addrtype type = types[i];
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;

		scene_init(&s, true);
		s.world.ops = &ops;
		s.world.priv = &type;
		scene_rules(&s, FW_IP4, "*mangle\n-A PREROUTING -m conntrack --ctstatus CONFIRMED\n"
					"-A FORWARD -j DROP\nCOMMIT\n");
		syn(&p, &view, FW_PREROUTING, "10.0.0.1");
		scene_run(&s, &view);
		scene_run(&s, &view);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 1),
				 type == FW_ADDR_LOCAL);
		scene_deinit(&s);
	}
}

/* ... also when it is a rule that has taken its last one. */
static void test_doomed_by_rule(void **state)
{
	static const struct fw_world_ops ops = {.addrtype = local_or_not};
	enum fw_addrtype type = FW_ADDR_UNICAST;
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	s.world.ops = &ops;
	s.world.priv = &type;
	scene_rules(&s, FW_IP4,
		    "*mangle\n-A PREROUTING -m conntrack --ctstate NEW -j TTL --ttl-set 1\n"
		    "COMMIT\n");
	syn(&p, &view, FW_PREROUTING, "10.0.0.1");
	view.writable = p.data;
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	assert_int_equal(s.d.new_len, 40);
	assert_int_equal(fw_ct_stats(s.world.ct)->flows, 0);
	scene_deinit(&s);
}

static bool is_lost(void *priv, const struct fw_packet *pkt)
{
	return *(const bool *)priv;
}

/*
 * A reply that seems to have no way comes to PREROUTING.  If it has none its flow goes on all the
 * same; if it has one after all, it is FORWARD that moves the flow.
 */
static void test_no_route(void **state)
{
	static const struct fw_world_ops ops = {.no_route = is_lost};

	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		bool answer = lost;
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;

		scene_init(&s, true);
		s.world.ops = &ops;
		s.world.priv = &answer;
		scene_rules(&s, FW_IP4, STATES("filter", "FORWARD"));
		run_syn(&s, &p, FW_FORWARD, "10.0.0.1");
		reply_at(&p, &view, FW_PREROUTING, "10.0.0.1", PKT_SYN | PKT_ACK);
		assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
		assert_int_equal(scene_run(&s, &view)->ctinfo, FW_CT_NONE);
		view.meta.ctinfo = FW_CT_INVALID; /* so it came from lo, and goes on */
		assert_int_equal(scene_run(&s, &view)->ctinfo, lost ? FW_CT_NONE : FW_CT_INVALID);
		run_syn(&s, &p, FW_FORWARD, "10.0.0.1");
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "FORWARD", 1), 2 - lost);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "FORWARD", 2), lost);
		syn(&p, &view, FW_PREROUTING, "10.0.0.7"); /* a flow that never was */
		scene_run(&s, &view);
		view.ttl = 1; /* for this host: asking for its way would be wrong */
		view.meta.ctinfo = FW_CT_INVALID;
		assert_int_equal(scene_run(&s, &view)->ctinfo, FW_CT_INVALID);
		assert_int_equal(fw_ct_stats(s.world.ct)->flows, 1);
		scene_deinit(&s);
	}
}

/* Of the kernel's own ICMP errors raw's rules see the state, but for "port unreachable". */
static void test_kernel_error_in_raw(void **state)
{
	for (uint8_t code = 1; code <= 3; code += 2) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;
		uint8_t quote[28] = {0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0,  0, 10,
				     0,	   0, 1, 10, 0, 0, 2, 4, 0,  0,	 80, 0, 8};

		(void)state;
		scene_init(&s, true);
		scene_rules(&s, FW_IP4, STATES("raw", "OUTPUT") STATES("filter", "OUTPUT"));
		pkt_at(&p, FW_OUTPUT, NULL, "eth0");
		pkt_ip4(&p, "10.0.0.2", "10.0.0.1", IPPROTO_ICMP);
		pkt_icmp(&p, 3, code, 0, 0);
		pkt_add(&p, quote, sizeof(quote));
		pkt_view(&p, &view);
		scene_run(&s, &view);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "OUTPUT", 4), code != 3);
		assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "OUTPUT", 4), 1);
		scene_deinit(&s);
	}
}

/* raw's CT lays a flow of no ends on the packet, for raw's rules; CONNMARK writes to it, for good. */
static void test_template(void **state)
{
	static const char rules[] =
		"*raw\n-A PREROUTING -m conntrack ! --ctstate NEW --ctproto tcp\n-A PREROUTING -j CT\n"
		"-A PREROUTING -m conntrack --ctstate NEW ! --ctproto tcp --ctstatus CONFIRMED\n"
		"-A PREROUTING -m conntrack --ctorigsrc 0.0.0.0 --ctexpire 0 --ctdir ORIGINAL\n"
		"-A PREROUTING -m conntrack ! --ctstate INVALID --ctproto tcp\n"
		"-A PREROUTING -m connmark --mark 0\n-A PREROUTING -j CONNMARK --set-mark 7\n"
		"-A PREROUTING -m connmark --mark 7\n-A PREROUTING -m cluster --cluster-total-nodes 1 "
		"--cluster-local-node 1 --cluster-hash-seed 0\nCOMMIT\n"
		"*mangle\n-A PREROUTING -m conntrack --ctorigsrc 10.0.0.1 --ctproto tcp\n"
		"-A PREROUTING -m connmark --mark 0\nCOMMIT\n";
	static const int want[] = {2, 2, 2, 2, 0, 1, 2, 2, 0};
	struct pkt p = PKT_INIT;
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_rules(&s, FW_IP4, rules);
	for (int i = 0; i < 2; i++)
		run_syn(&s, &p, FW_PREROUTING, "10.0.0.1");
	for (uint32_t i = 0; i < FW_ARRAY_SIZE(want); i++)
		assert_int_equal(scene_packets(&s, FW_IP4, FW_RAW, "PREROUTING", i + 1), want[i]);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 1), 2);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "PREROUTING", 2), 2);
	scene_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reject_closes),
		cmocka_unit_test(test_notrack_behind_lo),
		cmocka_unit_test(test_track_at_input),
		cmocka_unit_test(test_dropped_flow_goes),
		cmocka_unit_test(test_invalid_is_carried),
		cmocka_unit_test(test_reject_reply),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_nat_sees_the_first_packet_only),
		cmocka_unit_test(test_carried_state_wins),
		cmocka_unit_test(test_doomed),
		cmocka_unit_test(test_confirmed_before_input),
		cmocka_unit_test(test_doomed_by_rule),
		cmocka_unit_test(test_no_route),
		cmocka_unit_test(test_kernel_error_in_raw),
		cmocka_unit_test(test_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
