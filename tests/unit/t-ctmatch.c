/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches that look at the tracker, on connections that it really made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "extuse.h"
#include "fw/ct.h"
#include "pkt.h"

#define S 1000000000ull

static const struct extcase words[] = {
	{"state", "--state NEW,RELATED", " --state NEW,RELATED", " state NEW,RELATED"},
	{"state", "! --state est,rel,inv", " ! --state INVALID,RELATED,ESTABLISHED",
	 " ! state INVALID,RELATED,ESTABLISHED"},
	{"state", "--state SNAT", .error = "state: --state: 'SNAT'"},
	{"state", "--state NEW,", .error = "state: --state: 'NEW,'"},
	{"state", "", .error = "state: --state is missing"},
	{"conntrack", "--ctstate SNAT,DNAT,new", " --ctstate NEW,SNAT,DNAT", " ctstate NEW,SNAT,DNAT"},
	{"conntrack",
	 "! --ctstate new,rel --ctproto tcp --ctorigsrc 1.2.3.4/8 --ctexpire 1:2 --ctdir reply "
	 "--ctstatus none",
	 " ! --ctstate NEW,RELATED --ctproto 6 --ctorigsrc 1.2.3.4/8 --ctstatus NONE --ctexpire 1:2 "
	 "--ctdir REPLY",
	 " ! ctstate NEW,RELATED ctproto 6 ctorigsrc 1.2.3.4/8 ctstatus NONE ctexpire 1:2 ctdir REPLY"},
	{"conntrack", "--ctreplsrcport 4: ! --ctorigdstport 22",
	 " ! --ctorigdstport 22 --ctreplsrcport 4:65535", NULL},
	{"conntrack", "--ctexpire 3:3", " --ctexpire 3", NULL},
	{"conntrack", "--ctexpire 0:4294967295", " --ctexpire 0:4294967295", NULL},
	{"conntrack", "! --ctrepldst fe80::/10", " ! --ctrepldst fe80::/10", NULL, .family = FW_IP6},
	{"conntrack", "--ctproto 0", .error = "conntrack: --ctproto: '0'"},
	{"conntrack", "--ctproto nope", .error = "conntrack: --ctproto: nobody knows"},
	{"conntrack", "--ctexpire 4:3", .error = "conntrack: --ctexpire: '4:3'"},
	{"conntrack", "--ctorigsrcport 4:3", .error = "conntrack: --ctorigsrcport: '4:3'"},
	{"conntrack", "--ctdir up", .error = "conntrack: --ctdir: 'up'"},
	{"conntrack", "! --ctdir REPLY", .error = "conntrack: --ctdir cannot be negated"},
	{"conntrack", "--ctstate wrong", .error = "conntrack: --ctstate: 'wrong'"},
	{"conntrack", "", .error = "conntrack: nothing"},
};

static void test_words(void **state)
{
	extuse_cases(words, FW_ARRAY_SIZE(words));
}

/* A packet that the tracker has seen. */
struct seen {
	struct pkt p;
	struct fw_packet view;
	struct fw_eval e;
};

static void track(struct fw_ct *ct, struct seen *s, uint64_t now)
{
	pkt_view(&s->p, &s->view);
	s->e = (struct fw_eval){.pkt = &s->view, .now = now};
	assert_int_equal(fw_ct_track(ct, &s->e), 0);
	fw_ct_confirm(ct, &s->e);
}

static bool meets(const struct seen *s, const char *ext, const char *text)
{
	struct extuse u;
	bool r;

	extuse_make(&u, ext, false, s->view.family, 0, text);
	u.eval = s->e;
	u.eval.world = &u.world;
	r = u.use.ext->match(&u.use, &u.eval);
	extuse_free(&u);
	return r;
}

static void test_connection(void **state)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_ct *ct = fw_ct_new(&config);
	struct seen ask = {.p = PKT_INIT}, answer = {.p = PKT_INIT};

	pkt_ip4(&ask.p, "10.0.0.1", "10.9.9.9", IPPROTO_UDP);
	pkt_udp(&ask.p, 5000, 53);
	track(ct, &ask, 100 * S);
	assert_true(meets(&ask, "state", "--state NEW"));
	assert_false(meets(&ask, "state", "! --state NEW,RELATED"));
	assert_true(meets(&ask, "conntrack", "--ctstate NEW --ctdir ORIGINAL"));
	assert_false(meets(&ask, "conntrack", "--ctstate SNAT,DNAT"));
	assert_false(meets(&ask, "conntrack", "--ctstatus SEEN_REPLY"));

	pkt_ip4(&answer.p, "10.9.9.9", "10.0.0.1", IPPROTO_UDP);
	pkt_udp(&answer.p, 53, 5000);
	track(ct, &answer, 101 * S);
	assert_true(meets(&answer, "state", "--state ESTABLISHED"));
	assert_true(meets(&answer, "conntrack", "--ctdir REPLY"));
	assert_false(meets(&answer, "conntrack", "--ctdir ORIGINAL"));
	assert_true(meets(&answer, "conntrack", "--ctstatus SEEN_REPLY,EXPECTED"));
	assert_true(meets(&answer, "conntrack", "! --ctstatus EXPECTED"));
	assert_false(meets(&answer, "conntrack", "--ctstatus NONE"));
	assert_true(meets(&answer, "conntrack", "--ctproto udp"));
	assert_false(meets(&answer, "conntrack", "! --ctproto 17"));
	assert_true(meets(&answer, "conntrack", "--ctorigsrc 10.0.0.0/24 --ctorigdst 10.9.9.9"));
	assert_false(meets(&answer, "conntrack", "--ctorigsrc 10.0.0.0/24 ! --ctorigdst 10.9.9.9"));
	assert_true(meets(&answer, "conntrack", "--ctreplsrc 10.9.9.9 ! --ctrepldst 10.0.0.2"));
	assert_true(meets(&answer, "conntrack", "--ctorigsrcport 5000 --ctorigdstport 50:60"));
	assert_false(meets(&answer, "conntrack", "--ctreplsrcport 5000"));
	assert_true(meets(&answer, "conntrack", "--ctrepldstport 5000"));
	assert_true(meets(&answer, "conntrack", "--ctexpire 29:30"));
	assert_false(meets(&answer, "conntrack", "! --ctexpire 29:30"));
	assert_false(meets(&answer, "conntrack", "--ctexpire 31: ! --ctstate NEW"));
	assert_true(meets(&answer, "connmark", "--mark 0"));
	fw_flow_set_mark(answer.e.flow, 0x25);
	assert_true(meets(&answer, "connmark", "--mark 0x5/0xf"));
	assert_false(meets(&answer, "connmark", "! --mark 0x25"));
	answer.e.flow = NULL;
	assert_false(
		meets(&answer, "connmark", "! --mark 0x25")); /* nothing without a connection */
	fw_ct_free(ct);
}

static void test_without_connection(void **state)
{
	struct seen s = {.p = PKT_INIT};

	pkt_ip6(&s.p, "fe80::1", "fe80::2", IPPROTO_UDP);
	pkt_udp(&s.p, 1, 2);
	pkt_view(&s.p, &s.view);
	s.e = (struct fw_eval){.pkt = &s.view, .ctinfo = FW_CT_INVALID};
	assert_true(meets(&s, "state", "--state INVALID"));
	assert_true(meets(&s, "state", "! --state ESTABLISHED"));
	/* only the state is looked at, and must be among what is asked */
	assert_true(meets(&s, "conntrack", "--ctstate INVALID --ctproto tcp --ctdir REPLY"));
	assert_false(meets(&s, "conntrack", "--ctproto udp"));
	assert_false(meets(&s, "conntrack", "! --ctproto tcp"));
	s.e.ctinfo = FW_CT_UNTRACKED;
	assert_true(meets(&s, "state", "--state UNTRACKED"));
	assert_false(meets(&s, "state", "--state INVALID"));
	s.e.ctinfo = FW_CT_RELATED_REPLY;
	assert_true(meets(&s, "state", "--state RELATED"));
	s.e.ctinfo = FW_CT_NONE;
	assert_true(meets(&s, "state", "--state INVALID"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_without_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
