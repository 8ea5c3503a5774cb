/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet at one hook: order, counters, jumps and returns, outright drops, tables in their
 * order, the tracker in its place.  What is expected is what ipt_do_table() and its hooks do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* ---- plan ---- */

static struct fw_plan plan_of(bool track, unsigned int hooks)
{
	struct fw_needs needs = {.track = {track}};
	struct fw_plan plan;

	for (int h = 0; h < FW_N_HOOKS; h++)
		needs.hook[FW_IP4][h] = hooks >> h & 1;
	fw_plan_make(&needs, &plan);
	return plan;
}

static unsigned int mask_of(const bool b[FW_N_HOOKS])
{
	unsigned int mask = 0;

	for (int h = 0; h < FW_N_HOOKS; h++)
		mask |= (unsigned int)b[h] << h;
	return mask;
}

#define PRE  FW_HOOK_BIT(FW_PREROUTING)
#define IN   FW_HOOK_BIT(FW_INPUT)
#define FWD  FW_HOOK_BIT(FW_FORWARD)
#define OUT  FW_HOOK_BIT(FW_OUTPUT)
#define POST FW_HOOK_BIT(FW_POSTROUTING)

static void test_plan(void **state)
{
	static const struct {
		bool track;
		unsigned int rules, queue, here, last;
	} rows[] = {
		{false, 0, 0, 0, PRE | IN | FWD | OUT | POST},
		{false, IN, IN, 0, IN | FWD | OUT | POST},
		{false, IN | POST, IN | POST, 0, IN | POST},
		{true, IN, IN | FWD | OUT, PRE | IN | FWD | OUT, IN | FWD | OUT | POST},
		{true, PRE, PRE | OUT, PRE | OUT, PRE | IN | FWD | OUT | POST},
		{true, PRE | IN, PRE | IN | OUT, PRE | OUT, IN | FWD | OUT | POST},
		{true, POST, IN | FWD | OUT | POST, PRE | IN | FWD | OUT, IN | POST},
		{true, PRE | POST, PRE | OUT | POST, PRE | OUT, IN | POST},
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct fw_plan plan = plan_of(rows[i].track, rows[i].rules);

		assert_int_equal(mask_of(plan.queue[FW_IP4]), rows[i].queue);
		assert_int_equal(mask_of(plan.track_here[FW_IP4]), rows[i].here);
		assert_int_equal(mask_of(plan.last[FW_IP4]), rows[i].last);
		assert_int_equal(mask_of(plan.queue[FW_IP6]), 0);
		assert_int_equal(plan.track[FW_IP4], rows[i].track);
		assert_int_equal(plan.dying[FW_IP4], rows[i].track && !(rows[i].rules & PRE));
	}
}

/* ---- the walk ---- */

struct walk_case {
	const char *rules; /* of filter; INPUT's policy is DROP */
	enum fw_verdict verdict;
	const char *counted; /* "CHAIN:NUMBER CHAIN:NUMBER …", number 0: the policy; each once */
	uint32_t number; /* who decided */
	const char *chain;
};

/* Every rule and policy that is not named counted nothing. */
static void check_counters(const struct scene *s, enum fw_family family, const char *counted,
			   uint32_t bytes)
{
	const struct fw_table *t = s->rs->tables[family][FW_FILTER];

	for (uint32_t i = 0; i < t->n_slots; i++)
		for (uint32_t n = 0; t->chains[i] && n <= t->chains[i]->n_rules; n++) {
			const struct fw_counters *c;
			char word[64];
			bool named;

			if (!n && !t->chains[i]->builtin)
				continue;
			c = n ? &fw_chain_rule(t->chains[i], n)->counters
			      : t->chains[i]->policy_counters;
			snprintf(word, sizeof(word), "%s:%u ", t->chains[i]->name, n);
			named = strstr(counted, word);
			if (c->packets != named || c->bytes != (named ? bytes : 0))
				fail_msg("%s: %s counted %u times", counted, word,
					 (unsigned int)c->packets);
		}
}

#define HEAD "*filter\n:INPUT DROP [0:0]\n"

static const struct walk_case walk_cases[] = {
	{HEAD, FW_DROP, "INPUT:0 ", 0, "INPUT"},
	{HEAD "-A INPUT -j ACCEPT\n-A INPUT -j DROP\n", FW_ACCEPT, "INPUT:1 ", 1, "INPUT"},
	{HEAD "-A INPUT\n-A INPUT -s 10.9.9.9\n-A INPUT\n", FW_DROP, "INPUT:1 INPUT:3 INPUT:0 ", 0,
	 "INPUT"},
	{HEAD "-A INPUT -s 10.9.9.9 -j DROP\n-A INPUT -p tcp --dport 80 -j ACCEPT\n", FW_ACCEPT,
	 "INPUT:2 ", 2, "INPUT"},
	/* RETURN in a built-in chain: the policy, and it counts */
	{HEAD "-A INPUT -j RETURN\n-A INPUT -j ACCEPT\n", FW_DROP, "INPUT:1 INPUT:0 ", 0, "INPUT"},
	/* jump, fall off the end, go on */
	{HEAD ":a -\n-A a\n-A INPUT -j a\n-A INPUT -j ACCEPT\n", FW_ACCEPT, "a:1 INPUT:1 INPUT:2 ",
	 2, "INPUT"},
	/* jump, RETURN, go on */
	{HEAD ":a -\n-A a -j RETURN\n-A a -j DROP\n-A INPUT -j a\n-A INPUT -j ACCEPT\n", FW_ACCEPT,
	 "a:1 INPUT:1 INPUT:2 ", 2, "INPUT"},
	/* a verdict two chains down */
	{HEAD ":a -\n:b -\n-A a -j b\n-A b -p tcp -j ACCEPT\n-A INPUT -j a\n", FW_ACCEPT,
	 "INPUT:1 a:1 b:1 ", 1, "b"},
	/* goto from a built-in chain: its end is the policy */
	{HEAD ":a -\n-A a\n-A INPUT -g a\n-A INPUT -j ACCEPT\n", FW_DROP, "INPUT:1 a:1 INPUT:0 ", 0,
	 "INPUT"},
	{HEAD ":a -\n-A a -j RETURN\n-A INPUT -g a\n-A INPUT -j ACCEPT\n", FW_DROP,
	 "INPUT:1 a:1 INPUT:0 ", 0, "INPUT"},
	/* goto from a called chain: its end leads to the caller */
	{HEAD ":a -\n:b -\n-A a -g b\n-A a -j DROP\n-A b\n-A INPUT -j a\n-A INPUT -j ACCEPT\n",
	 FW_ACCEPT, "INPUT:1 a:1 b:1 INPUT:2 ", 2, "INPUT"},
	/* jump from a chain that was gone to */
	{HEAD ":a -\n:b -\n-A a -j b\n-A a -j ACCEPT\n-A b -j RETURN\n-A INPUT -g a\n", FW_ACCEPT,
	 "INPUT:1 a:1 b:1 a:2 ", 2, "a"},
	/* the same chain twice */
	{HEAD ":a -\n-A a -s 10.9.9.9 -j DROP\n-A INPUT -j a\n-A INPUT -j a\n-A INPUT -j ACCEPT\n",
	 FW_ACCEPT, "INPUT:1 INPUT:2 INPUT:3 ", 3, "INPUT"},
	/* an empty chain */
	{HEAD ":a -\n-A INPUT -j a\n-A INPUT -g a\n-A INPUT -j ACCEPT\n", FW_DROP,
	 "INPUT:1 INPUT:2 INPUT:0 ", 0, "INPUT"},
};

static void test_walk(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	(void)state;
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	for (size_t i = 0; i < FW_ARRAY_SIZE(walk_cases); i++) {
		const struct walk_case *w = &walk_cases[i];
		char text[1024];
		struct scene s;

		snprintf(text, sizeof(text), "%sCOMMIT\n", w->rules);
		scene_init(&s, false);
		scene_rules(&s, FW_IP4, text);
		assert_int_equal(scene_run(&s, &view)->verdict, w->verdict);
		assert_int_equal(s.d.number, w->number);
		assert_string_equal(s.d.chain->name, w->chain);
		assert_int_equal(s.d.table, FW_FILTER);
		assert_ptr_equal(s.d.rule, w->number ? fw_chain_rule(s.d.chain, w->number) : NULL);
		check_counters(&s, FW_IP4, w->counted, 40);
		scene_deinit(&s);
	}
}

static void test_deep_jumps(void **state)
{
	enum { DEPTH = 200 };
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	char *text = calloc(1, 64 * (DEPTH + 4));
	struct scene s;
	size_t n;

	(void)state;
	assert_non_null(text);
	n = (size_t)sprintf(text, HEAD);
	for (int i = 0; i < DEPTH; i++)
		n += (size_t)sprintf(text + n, ":c%d -\n", i);
	for (int i = 0; i + 1 < DEPTH; i++)
		n += (size_t)sprintf(text + n, "-A c%d -j c%d\n", i, i + 1);
	sprintf(text + n, "-A c%d -j RETURN\n-A INPUT -j c0\n-A INPUT -j ACCEPT\nCOMMIT\n",
		DEPTH - 1);
	scene_init(&s, false);
	scene_rules(&s, FW_IP4, text);
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "c150", 1), 1);
	scene_deinit(&s);
	free(text);
}

/* Bytes are the packet's, not our copy's. */
static void test_bytes(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(&s, FW_IP4, "*filter\n-A INPUT -p tcp\nCOMMIT\n");
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_tcp(&p, 1, 2, PKT_ACK);
	pkt_grow(&p, 1000);
	pkt_finish(&p);
	assert_int_equal(fw_packet_parse(&view, FW_IP4, p.data, 128, p.len, &p.meta), 0);
	scene_run(&s, &view);
	assert_int_equal(
		fw_chain_rule(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT"), 1)->counters.bytes,
		1040);
	assert_int_equal(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT")->policy_counters->bytes, 1040);
	scene_deinit(&s);
}

/* A rule that asks for ports drops a packet that is too short to have them, and does not count. */
static void test_hotdrop(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -s 10.0.0.1\n-A INPUT -p tcp --dport 80 -j ACCEPT\n"
		    "-A INPUT -j ACCEPT\nCOMMIT\n");
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	pkt_grow(&p, 12);
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	check_counters(&s, FW_IP4, "INPUT:1 ", 32);
	assert_int_equal(s.d.number, 2);
	/* one who is not asked is not dropped */
	p.data[9] = IPPROTO_UDP, p.proto = IPPROTO_UDP;
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	scene_deinit(&s);
}

/* A negated option of a header that is cut matches, and the packet goes: matches behind are asked, and
 * the rule counts. */
static void test_hotdrop_and_match(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t *dccp;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -p dccp -m dccp ! --dccp-option 2 -m hashlimit "
		    "--hashlimit-name x --hashlimit-above 1/hour --hashlimit-burst 1\n"
		    "-A INPUT -j ACCEPT\nCOMMIT\n");
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_DCCP);
	dccp = pkt_grow(&p, 16);
	dccp[4] = 200; /* words, of which hardly any is there */
	pkt_view(&p, &view);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	check_counters(&s, FW_IP4, "", 36);
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	check_counters(&s, FW_IP4, "INPUT:1 ", 36);
	scene_deinit(&s);
}

/* Many such rules are not asked one by one; none is passed over for what stands behind. */
static void test_hotdrop_of_many(void **state)
{
	static const char *const rules[] = {
		"-p ipcomp -m ipcomp --ipcompspi 5", "-p esp -m esp --espspi 5",
		"-p ah -m ah --ahspi 5", "-p udp -m udp --dport 5"};
	static const uint8_t protos[] = {108, IPPROTO_ESP, IPPROTO_AH, IPPROTO_UDP};
	static char text[16384];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rules); i++) {
		struct pkt p = PKT_INIT;
		struct fw_packet view;
		struct scene s;
		int n = sprintf(text, "*filter\n");

		for (int mark = 1; mark <= 100; mark++)
			n += sprintf(text + n, "-A INPUT %s -m mark --mark %d\n", rules[i], mark);
		sprintf(text + n, "-A INPUT -j ACCEPT\nCOMMIT\n");
		scene_init(&s, false);
		scene_rules(&s, FW_IP4, text);
		assert_non_null(scene_chain(&s, FW_IP4, FW_FILTER, "INPUT")->program);
		pkt_at(&p, FW_INPUT, "eth0", NULL);
		pkt_ip4(&p, "10.0.0.1", "10.0.0.2", protos[i]);
		pkt_grow(&p, 3);
		pkt_view(&p, &view);
		assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
		assert_int_equal(s.d.number, 1);
		scene_deinit(&s);
	}
}

/* IPv6 -p and a chain of headers that does not end. */
static void test_hotdrop_ip6(void **state)
{
	static const struct {
		const char *rule;
		enum fw_verdict verdict;
	} rows[] = {
		{"-p tcp -j ACCEPT", FW_DROP},
		{"! -p tcp -j ACCEPT", FW_DROP},
		{"-s 2001:db8::9 -p tcp -j ACCEPT", FW_ACCEPT}, /* not asked for its protocol */
		{"-i eth1 -p tcp -j ACCEPT", FW_ACCEPT},
		{"-s 2001:db8::1 -j ACCEPT", FW_ACCEPT},
	};
	struct pkt p = PKT_INIT;
	struct fw_packet view;

	(void)state;
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_ip6(&p, "2001:db8::1", "2001:db8::2", IPPROTO_TCP);
	pkt_ext6(&p, IPPROTO_DSTOPTS, 8)[1] = 200;
	pkt_view(&p, &view);
	assert_false(view.has_proto);
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		char text[256];
		struct scene s;

		snprintf(text, sizeof(text), "*filter\n-A INPUT %s\n-A INPUT -j ACCEPT\nCOMMIT\n",
			 rows[i].rule);
		scene_init(&s, false);
		scene_rules(&s, FW_IP6, text);
		assert_int_equal(scene_run(&s, &view)->verdict, rows[i].verdict);
		assert_int_equal(scene_packets(&s, FW_IP6, FW_FILTER, "INPUT", 1), i == 4);
		scene_deinit(&s);
	}
}

/* ---- tables ---- */

static void test_table_order(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(&s, FW_IP4,
		    "*mangle\n-A INPUT -s 10.0.0.1 -j MARK --set-mark 5\n-A INPUT -s 10.0.0.3 -j "
		    "DROP\nCOMMIT\n"
		    "*filter\n-A INPUT -m mark --mark 5 -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n");
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	assert_int_equal(s.d.mark, 5);
	assert_int_equal(s.d.table, FW_FILTER);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_MANGLE, "INPUT", 0), 1);
	syn(&p, &view, FW_INPUT, "10.0.0.3");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	assert_int_equal(s.d.table, FW_MANGLE);
	assert_int_equal(scene_packets(&s, FW_IP4, FW_FILTER, "INPUT", 2), 0);
	/* the mark that a packet brings along */
	p.meta.mark = 5;
	syn(&p, &view, FW_INPUT, "10.0.0.4");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_ACCEPT);
	/* a table that nobody named counts nothing */
	assert_int_equal(scene_chain(&s, FW_IP4, FW_SECURITY, "INPUT")->policy_counters->packets,
			 0);
	scene_deinit(&s);
}

static void test_queue_and_reject(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(&s, FW_IP4,
		    "*filter\n-A INPUT -s 10.0.0.1 -j NFQUEUE --queue-num 9 --queue-bypass\n"
		    "-A INPUT -s 10.0.0.3 -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n");
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_QUEUE);
	assert_int_equal(s.d.queue, 9);
	assert_true(s.d.queue_bypass);
	syn(&p, &view, FW_INPUT, "10.0.0.3");
	assert_int_equal(scene_run(&s, &view)->verdict, FW_DROP);
	assert_int_equal(s.d.reject, FW_REJECT_TCP_RESET);
	assert_int_equal(s.d.reply_ctinfo, FW_CT_NONE); /* nobody tracks */
	syn(&p, &view, FW_INPUT, "10.0.0.4");
	assert_int_equal(scene_run(&s, &view)->reject, FW_REJECT_NONE);
	scene_deinit(&s);
}

struct traced {
	char text[256];
};

static void note(void *priv, const struct fw_eval *e, enum fw_table_id table,
		 const struct fw_chain *chain, uint32_t number, const struct fw_rule *rule,
		 bool matched)
{
	struct traced *t = priv;
	size_t n = strlen(t->text);

	(void)e;
	snprintf(t->text + n, sizeof(t->text) - n, "%s/%s:%u%s%s ", fw_table_name(table),
		 chain->name, number, rule ? "" : "p", matched ? "+" : "-");
}

static void test_trace(void **state)
{
	static const struct fw_world_ops ops = {.trace = note};
	struct traced traced = {.text = ""};
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_rules(
		&s, FW_IP4,
		"*filter\n:a -\n-A a -s 10.9.9.9\n-A INPUT -d 10.9.9.9\n-A INPUT -j a\nCOMMIT\n");
	s.world.ops = &ops;
	s.world.priv = &traced;
	syn(&p, &view, FW_INPUT, "10.0.0.1");
	scene_run(&s, &view);
	assert_string_equal(traced.text,
			    "filter/INPUT:1- filter/INPUT:2+ filter/a:1- filter/INPUT:3p+ ");
	scene_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),	    cmocka_unit_test(test_walk),
		cmocka_unit_test(test_deep_jumps),  cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_hotdrop),	    cmocka_unit_test(test_hotdrop_ip6),
		cmocka_unit_test(test_hotdrop_and_match),
		cmocka_unit_test(test_hotdrop_of_many),
		cmocka_unit_test(test_table_order), cmocka_unit_test(test_queue_and_reject),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
