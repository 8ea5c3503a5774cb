/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What matches tell the classifier holds: a packet that matches has every value that was told,
 * and where a match says that the values are all there is, the other way round too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>

#include "classify/classify.h"
#include "extuse.h"
#include "pkt.h"

struct told {
	const char *ext, *text;
	uint8_t proto, family;
	bool exact;
};

static const struct told cases[] = {
	{"tcp", "--dport 80", 6, FW_IP4, true},
	{"tcp", "! --dport 80:90 --sport 3:5", 6, FW_IP4, true},
	{"tcp", "! --sport :", 6, FW_IP4, true},
	{"tcp", "! --sport :5 ! --dport 65530:", 6, FW_IP6, true},
	{"tcp", "--syn", 6, FW_IP4, true},
	{"tcp", "! --syn --dport 5", 6, FW_IP4, true},
	{"tcp", "--tcp-flags ALL SYN,ACK", 6, FW_IP4, true},
	{"tcp", "--tcp-flags SYN SYN", 6, FW_IP4, true},
	{"tcp", "--tcp-flags FIN NONE", 6, FW_IP4, true},
	{"tcp", "--tcp-flags NONE SYN", 6, FW_IP4, true},
	{"tcp", "--dport 80 --tcp-option 2", 6, FW_IP4, false},
	{"udp", "--sport 53 ! --dport 1:9", 17, FW_IP4, true},
	{"udplite", "--sport 53", 136, FW_IP4, true},
	{"icmp", "--icmp-type 8", 1, FW_IP4, true},
	{"icmp", "! --icmp-type 3/1:4", 1, FW_IP4, true},
	{"icmp", "--icmp-type any", 1, FW_IP4, true},
	{"icmp", "! --icmp-type any", 1, FW_IP4, true},
	{"icmp", "--icmp-type 0/0", 1, FW_IP4, true},
	{"icmp6", "--icmpv6-type 255", 58, FW_IP6, true},
	{"icmp6", "! --icmpv6-type 8", 58, FW_IP6, true},
	{"multiport", "--dports 5,3,7:9,8:12", 6, FW_IP4, true},
	{"multiport", "! --dports 0,5,3,7:9,8:12,65535", 6, FW_IP4, true},
	{"multiport", "! --sports 1:65535", 17, FW_IP4, true},
	{"multiport", "! --ports 4:6,9", 6, FW_IP6, true},
	{"multiport", "--ports 4:6,9", 6, FW_IP4, false},
	{"iprange", "--src-range 10.0.0.1-10.0.0.3", 6, FW_IP4, true},
	{"iprange", "! --src-range 10.0.0.0-10.0.0.2 --dst-range 10.0.0.2", 6, FW_IP4, true},
	{"iprange", "! --dst-range 0.0.0.0-10.0.0.1", 6, FW_IP4, true},
	{"iprange", "! --dst-range 10.0.0.1-255.255.255.255", 6, FW_IP4, true},
	{"iprange", "! --dst-range 0.0.0.0-255.255.255.255", 6, FW_IP4, true},
	{"iprange", "--src-range 10.0.0.3-10.0.0.1", 6, FW_IP4, true},
	{"iprange", "! --src-range 10.0.0.3-10.0.0.1", 6, FW_IP4, true},
	{"iprange", "! --src-range fe80::1-fe80::2 ! --dst-range fe80::ff-fe80::1:0", 6, FW_IP6, true},
	{"mark", "--mark 5", 6, FW_IP4, true},
	{"mark", "! --mark 4/0xfffffffc", 6, FW_IP4, true},
	{"mark", "--mark 0/0", 6, FW_IP4, true},
	{"mark", "--mark 5/4", 6, FW_IP4, true},
	{"mark", "! --mark 5/4", 6, FW_IP4, true},
	{"mark", "--mark 4/5", 6, FW_IP4, false},
	{"state", "--state NEW,ESTABLISHED", 6, FW_IP4, true},
	{"state", "! --state INVALID,UNTRACKED", 6, FW_IP4, true},
	{"conntrack", "--ctstate RELATED,INVALID", 6, FW_IP4, true},
	{"conntrack", "! --ctstate NEW,DNAT", 6, FW_IP4, false},
	{"conntrack", "--ctstate SNAT", 6, FW_IP4, false},
	{"conntrack", "--ctstate INVALID --ctdir REPLY", 6, FW_IP4, false},
	{"comment", "--comment x", 6, FW_IP4, true},
	{"sctp", "--dport 5:9", 132, FW_IP4, true},
	{"dccp", "--sport 5", 33, FW_IP4, true},
	{"dccp", "--sport 5 --dccp-types ACK", 33, FW_IP4, false},
};

static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* A number near the edges that the cases ask about. */
static uint16_t port(void)
{
	static const uint16_t some[] = {0, 1, 53, 80, 91, 65529, 65535};

	return below(2) ? (uint16_t)below(14) : some[below(7)];
}

static void random_packet(const struct told *c, struct pkt *p, struct fw_packet *view)
{
	char src[32], dst[32];

	*p = (struct pkt)PKT_INIT;
	p->meta.mark = below(9);
	snprintf(src, sizeof(src), c->family == FW_IP4 ? "10.0.0.%u" : "fe80::%u", below(5));
	snprintf(dst, sizeof(dst), c->family == FW_IP4 ? "10.0.0.%u" : "fe80::1:%u", below(5));
	if (c->family == FW_IP4)
		pkt_ip4(p, src, dst, c->proto);
	else
		pkt_ip6(p, src, dst, c->proto);
	switch (c->proto) {
	case IPPROTO_TCP: pkt_tcp(p, port(), port(), (uint8_t)below(256)); break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		pkt_icmp(p, (uint8_t)(below(2) ? below(10) : 255), (uint8_t)below(6), 0, 0);
		break;
	default: pkt_udp(p, port(), port()); pkt_grow(p, 8);
	}
	pkt_view(p, view);
}

static bool in_set(const struct fw_fields *f, enum field field, fw_u128 value)
{
	const struct set *s = &f->set[field];

	if (!(f->used & FIELD_BIT(field)))
		return true;
	for (unsigned int i = 0; i < s->n; i++)
		if (value >= s->r[i].lo && value <= s->r[i].hi)
			return true;
	return false;
}

static bool told_holds(const struct fw_fields *f, const struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;

	return in_set(f, F_SRC, fw_addr_value(&pkt->src, pkt->family)) &&
		in_set(f, F_DST, fw_addr_value(&pkt->dst, pkt->family)) &&
		in_set(f, F_SPORT, pkt->sport) && in_set(f, F_DPORT, pkt->dport) &&
		in_set(f, F_TCP_FLAGS, pkt->tcp_flags) && in_set(f, F_MARK, e->mark) &&
		in_set(f, F_CTSTATE, e->ctinfo) &&
		in_set(f, F_ICMP, (uint32_t)pkt->icmp_type << 8 | pkt->icmp_code);
}

static void check_case(const struct told *c)
{
	struct fw_fields f = {.family = (enum fw_family)c->family, .exact = true, .now = -1};
	struct extuse u;
	bool exact;

	extuse_make(&u, c->ext, false, (enum fw_family)c->family, c->proto, c->text);
	exact = u.use.ext->fields(&u.use, (enum fw_family)c->family, &f);
	assert_int_equal(exact, c->exact);
	for (unsigned int i = 0; i < 3000; i++) {
		struct fw_packet view;
		struct pkt p;
		bool is;

		random_packet(c, &p, &view);
		extuse_eval(&u, &view, 0);
		u.eval.ctinfo = (enum fw_ctinfo)below(FW_N_CTINFO);
		is = u.use.ext->match(&u.use, &u.eval);
		if (is && !told_holds(&f, &u.eval))
			fail_msg("%s %s: matches what it said it would not", c->ext, c->text);
		if (exact && f.exact && !is && told_holds(&f, &u.eval))
			fail_msg("%s %s: does not match what it said it would", c->ext, c->text);
	}
	extuse_free(&u);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++)
		check_case(&cases[i]);
}

/* Whoever may drop a packet for more than an incomplete header must say so. */
static void test_barriers(void **state)
{
	static const struct told barriers[] = {
		{"tcp", "--tcp-option 2", 6, FW_IP4, false},
		{"tcpmss", "--mss 536", 6, FW_IP4, false},
		{"sctp", "--chunk-types any DATA", 132, FW_IP4, false},
		{"dccp", "--dccp-option 2", 33, FW_IP4, false},
		{"ah", "--ahspi 5", 0, FW_IP6, false},
		{"dst", "--dst-len 8", 0, FW_IP6, false},
		{"frag", "--fragfirst", 0, FW_IP6, false},
		{"hbh", "--hbh-len 8", 0, FW_IP6, false},
		{"ipv6header", "--header frag", 0, FW_IP6, false},
		{"mh", "--mh-type 1", 135, FW_IP6, false},
		{"rt", "--rt-type 0", 0, FW_IP6, false},
	};
	struct fw_rule *rule = calloc(1, sizeof(*rule) + sizeof(rule->matches[0]));

	(void)state;
	assert_non_null(rule);
	rule->n_matches = 1;
	for (size_t i = 0; i < FW_ARRAY_SIZE(barriers); i++) {
		const struct told *c = &barriers[i];
		struct fw_fields f;
		struct extuse u;

		extuse_make(&u, c->ext, false, (enum fw_family)c->family, c->proto, c->text);
		rule->matches[0] = u.use;
		fw_rule_fields(rule, (enum fw_family)c->family, NULL, &f);
		assert_true(f.barrier);
		assert_false(f.exact);
		extuse_free(&u);
	}
	free(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_barriers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
