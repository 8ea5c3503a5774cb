/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This host's answers for others, written with the ends that a packet had where it was stopped, get
 * those that their receiver knows: byte by byte the packet that is built with them.
 *
 * The flow: CLIENT asks VIRTUAL, which is REAL, and is told to be MASQ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "pkt.h"
#include "track/track.h"

enum who { CLIENT, VIRTUAL, REAL, MASQ, N_WHO };

static const char *const names[FW_N_FAMILIES][N_WHO] = {
	[FW_IP4] = {"10.0.0.1", "10.0.0.2", "10.0.9.3", "10.0.7.4"},
	[FW_IP6] = {"fd00::1", "fd00::2", "fd00:9::3", "fd00:7::4"},
};
static const uint16_t ports[N_WHO] = {5000, 80, 8080, 6000};
#define TRANSLATED (FW_CTS_SRC_NAT | FW_CTS_DST_NAT)

struct known {
	struct fw_flow flow;
	struct fw_flow_ext ext;
};

static struct fw_tuple ends(enum fw_family family, uint8_t proto, enum who src, enum who dst)
{
	struct fw_tuple t = {.proto = proto, .family = (uint8_t)family};
	const int af = family == FW_IP4 ? AF_INET : AF_INET6;

	inet_pton(af, names[family][src], &t.src);
	inet_pton(af, names[family][dst], &t.dst);
	t.sport_be = htons(ports[src]);
	t.dport_be = htons(ports[dst]);
	if (proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6)
		return t;
	/* an id, one for both, belongs to the client */
	t.sport_be = htons(ports[src == CLIENT || src == MASQ ? src : dst]);
	t.dport_be = 0;
	return t;
}

static void know(struct known *k, enum fw_family family, uint8_t proto, unsigned int status)
{
	const bool src = status & FW_CTS_SRC_NAT, dst = status & FW_CTS_DST_NAT;

	memset(k, 0, sizeof(*k));
	k->flow.orig = ends(family, proto, CLIENT, VIRTUAL);
	k->ext.reply = ends(family, proto, dst ? REAL : VIRTUAL, src ? MASQ : CLIENT);
	k->flow.status = (uint16_t)(status & TRANSLATED);
	k->flow.ext = &k->ext;
}

/* A packet from one to another, with data: two bytes that the caller chooses, and an odd one. */
static void packet(struct pkt *p, enum fw_family family, uint8_t proto, enum who src, enum who dst,
		   uint16_t data)
{
	uint8_t bytes[3] = {(uint8_t)(data >> 8), (uint8_t)data, 'x'};
	const enum who client = src == CLIENT || src == MASQ ? src : dst;

	*p = (struct pkt)PKT_INIT;
	if (family == FW_IP4)
		pkt_ip4(p, names[family][src], names[family][dst], proto);
	else
		pkt_ip6(p, names[family][src], names[family][dst], proto);
	switch (proto) {
	case IPPROTO_TCP: pkt_tcp(p, ports[src], ports[dst], PKT_ACK); break;
	case IPPROTO_UDP: pkt_udp(p, ports[src], ports[dst]); break;
	default: pkt_icmp(p, proto == IPPROTO_ICMP ? 8 : 128, 0, ports[client], 1); break;
	}
	pkt_add(p, bytes, sizeof(bytes));
	pkt_finish(p);
}

/* The error about it, sent by `from`. */
static void error(struct pkt *p, const struct pkt *about, enum who from, enum who to)
{
	const bool ip4 = about->family == FW_IP4;

	*p = (struct pkt)PKT_INIT;
	if (ip4)
		pkt_ip4(p, names[FW_IP4][from], names[FW_IP4][to], IPPROTO_ICMP);
	else
		pkt_ip6(p, names[FW_IP6][from], names[FW_IP6][to], IPPROTO_ICMPV6);
	pkt_icmp(p, ip4 ? 3 : 1, ip4 ? 3 : 4, 0, 0);
	pkt_add(p, about->data, about->len);
	pkt_finish(p);
}

static void reset(struct pkt *p, enum fw_family family, enum who from, enum who to)
{
	*p = (struct pkt)PKT_INIT;
	if (family == FW_IP4)
		pkt_ip4(p, names[family][from], names[family][to], IPPROTO_TCP);
	else
		pkt_ip6(p, names[family][from], names[family][to], IPPROTO_TCP);
	pkt_tcp(p, ports[from], ports[to], PKT_RST);
	pkt_finish(p);
}

static const struct fw_pkt_meta here = {.own = true, .carried = true};

/* The packet passes a hook behind its tables. */
static void pass(struct pkt *p, struct known *k, enum fw_hook hook, enum fw_ctinfo ctinfo,
		 struct fw_pkt_meta meta)
{
	struct fw_packet view, room;
	struct fw_eval e = {
		.pkt = &view, .room = &room, .ctinfo = ctinfo, .flow = k ? &k->flow : NULL};

	meta.hook = (uint8_t)hook;
	assert_int_equal(fw_packet_parse(&view, p->family, p->data, p->len, p->len, &meta), 0);
	view.writable = p->data;
	fw_reply_translate(&e);
}

static void assert_same(const struct pkt *have, const struct pkt *want, const char *what)
{
	assert_int_equal(have->len, want->len);
	for (uint32_t i = 0; i < want->len; i++)
		if (have->data[i] != want->data[i])
			fail_msg("%s, IPv%d: byte %u is %02x, should be %02x", what,
				 want->family == FW_IP4 ? 4 : 6, i, have->data[i], want->data[i]);
}

static uint8_t echo(enum fw_family family)
{
	return family == FW_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* The error about a packet between two, who sent it first. */
static void error_about(struct pkt *p, enum fw_family family, uint8_t proto, const enum who ends[2])
{
	struct pkt about;

	packet(&about, family, proto, ends[0], ends[1], 7);
	error(p, &about, ends[1], ends[0]);
}

/* ends: of the packet as it was stopped, and as the error has it behind OUTPUT and POSTROUTING. */
static void check_error(enum fw_family family, uint8_t proto, enum fw_ctinfo ctinfo,
			const enum who ends[3][2])
{
	struct pkt p, want;
	struct known k;

	know(&k, family, proto, TRANSLATED);
	error_about(&p, family, proto, ends[0]);
	pass(&p, &k, FW_OUTPUT, ctinfo, here);
	error_about(&want, family, proto, ends[1]);
	assert_same(&p, &want, "OUTPUT");
	pass(&p, &k, FW_POSTROUTING, ctinfo, here);
	error_about(&want, family, proto, ends[2]);
	assert_same(&p, &want, "POSTROUTING");
}

/* Stopped behind both translations: OUTPUT gives it its receiver, POSTROUTING the sender he knows.
 */
static void test_errors(void **state)
{
	static const enum who ends[3][2] = {{MASQ, REAL}, {CLIENT, REAL}, {CLIENT, VIRTUAL}};

	(void)state;
	for (int f = 0; f < FW_N_FAMILIES; f++) {
		const enum fw_family family = (enum fw_family)f;

		check_error(family, IPPROTO_TCP, FW_CT_RELATED_REPLY, ends);
		check_error(family, IPPROTO_UDP, FW_CT_RELATED_REPLY, ends);
		check_error(family, echo(family), FW_CT_RELATED_REPLY, ends);
	}
}

/* An answer was stopped, and he who gave it is told; to him the client is MASQ. */
static void test_errors_about_answers(void **state)
{
	static const enum who ends[3][2] = {{VIRTUAL, CLIENT}, {REAL, CLIENT}, {REAL, MASQ}};

	(void)state;
	for (int f = 0; f < FW_N_FAMILIES; f++)
		check_error((enum fw_family)f, IPPROTO_UDP, FW_CT_RELATED, ends);
}

static void test_resets(void **state)
{
	struct pkt p, want;
	struct known k;

	(void)state;
	for (int f = 0; f < FW_N_FAMILIES; f++) {
		const enum fw_family family = (enum fw_family)f;

		know(&k, family, IPPROTO_TCP, TRANSLATED);
		reset(&p, family, REAL, MASQ);
		pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, here);
		reset(&want, family, REAL, CLIENT);
		assert_same(&p, &want, "OUTPUT");
		pass(&p, &k, FW_POSTROUTING, FW_CT_RELATED_REPLY, here);
		reset(&want, family, VIRTUAL, CLIENT);
		assert_same(&p, &want, "POSTROUTING");
	}
}

/* A checksum that would become zero is written as 0xffff; one that is not there stays so. */
static void test_udp_sums(void **state)
{
	struct pkt p, want, about;
	uint32_t data = 0;
	struct known k;
	uint8_t *sum;

	(void)state;
	know(&k, FW_IP4, IPPROTO_UDP, FW_CTS_DST_NAT);
	do {
		packet(&about, FW_IP4, IPPROTO_UDP, CLIENT, VIRTUAL, (uint16_t)data);
		sum = about.data + about.l4 + 6;
	} while ((sum[0] & sum[1]) != 0xff && ++data < 0x10000);
	assert_int_equal(sum[0] & sum[1], 0xff);
	error(&want, &about, VIRTUAL, CLIENT);
	packet(&about, FW_IP4, IPPROTO_UDP, CLIENT, REAL, (uint16_t)data);
	error(&p, &about, REAL, CLIENT);
	pass(&p, &k, FW_POSTROUTING, FW_CT_RELATED_REPLY, here);
	assert_same(&p, &want, "0xffff");

	packet(&about, FW_IP4, IPPROTO_UDP, CLIENT, VIRTUAL, 7);
	memset(about.data + about.l4 + 6, 0, 2);
	error(&want, &about, VIRTUAL, CLIENT);
	packet(&about, FW_IP4, IPPROTO_UDP, CLIENT, REAL, 7);
	memset(about.data + about.l4 + 6, 0, 2);
	error(&p, &about, REAL, CLIENT);
	pass(&p, &k, FW_POSTROUTING, FW_CT_RELATED_REPLY, here);
	assert_same(&p, &want, "none");
}

/* Each hook translates its own end only, and only what the flow has translated. */
static void test_what_stays(void **state)
{
	const struct fw_pkt_meta told = {.own = true},
				 behind = {.carried = true, .part = FW_PART_BEHIND_NAT},
				 raw = {.carried = true, .part = FW_PART_RAW};
	struct pkt p, was, about;
	struct known k;

	(void)state;
	packet(&about, FW_IP4, IPPROTO_UDP, MASQ, REAL, 7);
	error(&p, &about, REAL, MASQ);
	was = p;
	know(&k, FW_IP4, IPPROTO_UDP, FW_CTS_DST_NAT);
	pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, here);
	know(&k, FW_IP4, IPPROTO_UDP, FW_CTS_SRC_NAT);
	pass(&p, &k, FW_POSTROUTING, FW_CT_RELATED_REPLY, here);
	know(&k, FW_IP4, IPPROTO_UDP, 0);
	pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, here);
	know(&k, FW_IP4, IPPROTO_UDP, TRANSLATED);
	pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, told); /* the kernel does it */
	pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, behind);
	pass(&p, &k, FW_OUTPUT, FW_CT_RELATED_REPLY, raw);
	pass(&p, &k, FW_PREROUTING, FW_CT_RELATED_REPLY, here);
	pass(&p, &k, FW_INPUT, FW_CT_RELATED_REPLY, here);
	pass(&p, NULL, FW_OUTPUT, FW_CT_RELATED_REPLY, here);
	assert_same(&p, &was, "stays");
}

/* An error that quotes too little to tell what it is about gets its own ends right. */
static void test_short_quotes(void **state)
{
	struct pkt p, want, about;
	struct known k;

	(void)state;
	know(&k, FW_IP4, IPPROTO_UDP, FW_CTS_DST_NAT);
	for (uint32_t n = 0; n < 28; n++) {
		packet(&about, FW_IP4, IPPROTO_UDP, CLIENT, REAL, 7);
		about.len = n;
		error(&p, &about, REAL, CLIENT);
		pass(&p, &k, FW_POSTROUTING, FW_CT_RELATED_REPLY, here);
		assert_memory_equal(p.data + 12, &k.flow.orig.dst, 4);
		want = p;
		pkt_finish(&want); /* sums are right */
		assert_same(&p, &want, "short");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_errors_about_answers),
		cmocka_unit_test(test_resets),	   cmocka_unit_test(test_udp_sums),
		cmocka_unit_test(test_what_stays), cmocka_unit_test(test_short_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
