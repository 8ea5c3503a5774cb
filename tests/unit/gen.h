/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random but meaningful rulesets as restore text, and packets aimed at the edges of what their
 * rules ask: a rule's networks, ports and marks are remembered, and packets take them, or their
 * neighbours, more often than anything else.  Everything follows from the seed.
 *
 * Needs cmocka, its headers and pkt.h included first.
 */
#ifndef GEN_H
#define GEN_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fw/buf.h"

#define GEN_KEEP 512

struct gen {
	uint64_t state;
	enum fw_family family;
	uint32_t n_chains; /* c0 … , and the built-in one */
	bool stateful; /* limit, recent, statistic */
	bool tracking;
	bool by_tuple; /* rules ask for nothing that is not in two words (classify/tuple.h) */
	union fw_addr addr[GEN_KEEP];
	uint16_t port[GEN_KEEP];
	uint32_t n_addr, n_port;
	struct fw_buf text;
};

static inline uint64_t gen_u64(struct gen *g)
{
	uint64_t z = (g->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline uint32_t gen_below(struct gen *g, uint32_t n)
{
	return (uint32_t)((gen_u64(g) >> 16) % n);
}

static inline bool gen_often(struct gen *g, uint32_t percent)
{
	return gen_below(g, 100) < percent;
}

#define GEN_PICK(g, list) ((list)[gen_below(g, (uint32_t)FW_ARRAY_SIZE(list))])

/* Few bits vary, so that networks nest and rules overlap. */
static inline union fw_addr gen_addr_new(struct gen *g)
{
	union fw_addr a = {.u8 = {0}};

	if (gen_often(g, 5)) {
		for (int i = 0; i < (g->family == FW_IP4 ? 4 : 16); i++)
			a.u8[i] = (uint8_t)gen_u64(g);
		return a;
	}
	if (g->family == FW_IP4) {
		a.u8[0] = gen_often(g, 80) ? 10 : 192;
		a.u8[1] = (uint8_t)gen_below(g, 3);
		a.u8[2] = (uint8_t)(gen_below(g, 4) * 16);
		a.u8[3] = (uint8_t)gen_below(g, 32);
		return a;
	}
	a.u8[0] = 0x20, a.u8[1] = 1, a.u8[2] = 0x0d, a.u8[3] = 0xb8;
	a.u8[5] = (uint8_t)gen_below(g, 3);
	a.u8[7] = (uint8_t)(gen_below(g, 4) * 16);
	a.u8[15] = (uint8_t)gen_below(g, 32);
	return a;
}

static inline void gen_keep_addr(struct gen *g, const union fw_addr *a)
{
	g->addr[g->n_addr++ % GEN_KEEP] = *a;
}

static inline void gen_keep_port(struct gen *g, uint16_t port)
{
	g->port[g->n_port++ % GEN_KEEP] = port;
}

static inline void gen_addr_text(struct gen *g, const union fw_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(g->family == FW_IP4 ? AF_INET : AF_INET6, a, text, sizeof(text));
	fw_buf_str(&g->text, text);
}

static inline void gen_not(struct gen *g, uint32_t percent)
{
	if (gen_often(g, percent))
		fw_buf_str(&g->text, " !");
}

static inline void gen_net(struct gen *g, const char *option)
{
	static const uint8_t len4[] = {0,  1,  8,  9,  12, 16, 20, 24, 24,
				       27, 28, 30, 31, 32, 32, 32, 32};
	static const uint8_t len6[] = {0,  1,	32,  48,  52,  56,  60,	 64,
				       64, 120, 123, 124, 126, 127, 128, 128};
	union fw_addr a = gen_addr_new(g);

	gen_not(g, 12);
	fw_buf_fmt(&g->text, " %s ", option);
	gen_addr_text(g, &a);
	if (g->family == FW_IP4 && gen_often(g, 4))
		fw_buf_str(&g->text, gen_often(g, 50) ? "/255.0.255.255" : "/0.0.0.31");
	else
		fw_buf_fmt(&g->text, "/%u",
			   g->family == FW_IP4 ? GEN_PICK(g, len4) : GEN_PICK(g, len6));
	gen_keep_addr(g, &a);
}

static inline uint16_t gen_port(struct gen *g)
{
	static const uint16_t usual[] = {0, 1, 22, 53, 80, 443, 1023, 1024, 8080, 65534, 65535};
	uint16_t port = gen_often(g, 70) ? GEN_PICK(g, usual) : (uint16_t)gen_u64(g);

	gen_keep_port(g, port);
	return port;
}

static inline void gen_port_range(struct gen *g, const char *option)
{
	uint16_t lo = gen_port(g), hi = gen_often(g, 60) ? lo : gen_port(g);

	gen_not(g, 12);
	if (lo > hi) {
		uint16_t t = lo;

		lo = hi;
		hi = t;
	}
	fw_buf_fmt(&g->text, " --%s %u:%u", option, lo, hi);
}

static inline void gen_multiport(struct gen *g)
{
	static const char *const options[] = {"sports", "dports", "ports"};
	uint32_t n = 1 + gen_below(g, 6);

	fw_buf_str(&g->text, " -m multiport");
	gen_not(g, 15);
	fw_buf_fmt(&g->text, " --%s ", GEN_PICK(g, options));
	for (uint32_t i = 0; i < n; i++) {
		uint16_t lo = gen_port(g);

		fw_buf_fmt(&g->text, "%s%u", i ? "," : "", lo);
		if (gen_often(g, 30) && lo < 60000)
			fw_buf_fmt(&g->text, ":%u", lo + 1 + gen_below(g, 500));
	}
}

static inline void gen_upper(struct gen *g)
{
	static const char *const flags[] = {" --syn",
					    " ! --syn",
					    " --tcp-flags SYN,ACK,FIN SYN",
					    " ! --tcp-flags ALL NONE",
					    " --tcp-flags RST RST",
					    " --tcp-option 8",
					    " ! --tcp-option 2"};
	static const char *const other[] = {"47", "50", "! tcp", "! udp", "sctp", "! 47"};
	static const char *const types4[] = {"8", "0", "3", "3/1", "11", "255"};
	static const char *const types6[] = {"128", "129", "1", "1/4", "3", "2"};
	static const char *const rare[] = {
		" -p sctp -m sctp --dport 80", " -p sctp -m sctp --chunk-types any DATA",
		" -p ah -m ah --ahspi 1:5", " -p esp -m esp ! --espspi 7",
		" -p dccp -m dccp --sport 53 --dport 22"};
	uint32_t what = gen_below(g, 10);

	if (gen_often(g, 4)) {
		fw_buf_str(&g->text, GEN_PICK(g, rare));
		return;
	}

	if (what < 7) {
		const char *proto = what < 4 ? "tcp" : "udp";

		fw_buf_fmt(&g->text, " -p %s", proto);
		if (gen_often(g, 20)) {
			gen_multiport(g);
			return;
		}
		if (gen_often(g, 15))
			return;
		fw_buf_fmt(&g->text, " -m %s", proto);
		if (gen_often(g, 25))
			gen_port_range(g, "sport");
		if (gen_often(g, 70))
			gen_port_range(g, "dport");
		if (what < 4 && gen_often(g, 25))
			fw_buf_str(&g->text, GEN_PICK(g, flags));
	} else if (what < 9) {
		gen_not(g, 0);
		if (g->family == FW_IP4)
			fw_buf_str(&g->text, " -p icmp -m icmp");
		else
			fw_buf_str(&g->text, " -p ipv6-icmp -m icmp6");
		gen_not(g, 15);
		fw_buf_fmt(&g->text, " --%s %s", g->family == FW_IP4 ? "icmp-type" : "icmpv6-type",
			   g->family == FW_IP4 ? GEN_PICK(g, types4) : GEN_PICK(g, types6));
	} else {
		const char *p = GEN_PICK(g, other);

		fw_buf_fmt(&g->text, "%s -p %s", *p == '!' ? " !" : "", *p == '!' ? p + 2 : p);
	}
}

static inline void gen_iprange(struct gen *g)
{
	union fw_addr lo = gen_addr_new(g), hi = lo;
	int last = g->family == FW_IP4 ? 3 : 15;

	hi.u8[last] = (uint8_t)(hi.u8[last] | gen_below(g, 64));
	if (gen_often(g, 30))
		hi.u8[last - 1] |= 3;
	fw_buf_str(&g->text, " -m iprange");
	gen_not(g, 20);
	fw_buf_str(&g->text, gen_often(g, 50) ? " --src-range " : " --dst-range ");
	gen_addr_text(g, &lo);
	fw_buf_char(&g->text, '-');
	gen_addr_text(g, &hi);
	gen_keep_addr(g, &lo);
	gen_keep_addr(g, &hi);
}

static inline void gen_match(struct gen *g)
{
	static const char *const states[] = {"NEW",
					     "ESTABLISHED",
					     "NEW,INVALID",
					     "RELATED",
					     "INVALID",
					     "UNTRACKED",
					     "NEW,ESTABLISHED,RELATED"};
	static const char *const stateful[] = {
		" -m limit --limit 1/sec --limit-burst 3",
		" -m limit --limit 100/hour",
		" -m statistic --mode nth --every 3 --packet 1",
		" -m statistic --mode random --probability 0.5",
		" -m recent --name R%u --set --rsource",
		" -m recent --name R%u --update --seconds 5 --hitcount 3",
		" -m hashlimit --hashlimit-upto 2/sec --hashlimit-name H%u --hashlimit-mode srcip",
		" -m quota --quota 900",
		" -m recent --name R%u --rcheck --rdest",
		" -m recent --name R%u --remove --rsource"};
	uint32_t what;

	if (g->stateful && gen_often(g, 12)) {
		fw_buf_fmt(&g->text, GEN_PICK(g, stateful), gen_below(g, 3));
		return;
	}
	if (g->family == FW_IP6 && gen_often(g, 10)) {
		fw_buf_str(&g->text,
			   gen_often(g, 50) ? " -m rt --rt-type 0" : " -m ah --ahspi 0:9");
		return;
	}
	what = gen_below(g, 7);
	switch (g->by_tuple && what != 0 ? 2 : what) {
	case 0: gen_iprange(g); break;
	case 5:
		fw_buf_str(&g->text,
			   gen_often(g, 50) ? " -m tos --tos 0x10" : " -m dscp ! --dscp 0");
		break;
	case 1:
		fw_buf_str(&g->text, " -m mark");
		gen_not(g, 20);
		fw_buf_fmt(&g->text, " --mark 0x%x/0x%x", gen_below(g, 4),
			   gen_often(g, 60) ? 0xffffffffu : 3);
		break;
	case 2:
		if (g->tracking) {
			fw_buf_str(&g->text, gen_often(g, 50) ? " -m conntrack" : " -m state");
			fw_buf_str(&g->text, gen_often(g, 15) ? " !" : "");
			/* the option's name goes with the match's */
			fw_buf_fmt(&g->text, " %s %s",
				   strstr(fw_buf_cstr(&g->text) + g->text.len - 14, "conntrack")
					   ? "--ctstate"
					   : "--state",
				   GEN_PICK(g, states));
		}
		break;
	case 3: fw_buf_fmt(&g->text, " -m length --length %u:100", gen_below(g, 60)); break;
	case 4: fw_buf_str(&g->text, " -m comment --comment \"a rule\""); break;
	default:
		fw_buf_str(&g->text,
			   g->family == FW_IP4 ? " -m ttl --ttl-gt 10" : " -m hl --hl-gt 10");
		break;
	}
}

/* What a rule of chain number `own` says; the built-in chain is 0. */
static inline void gen_rule(struct gen *g, uint32_t own)
{
	static const char *const names[] = {"eth0", "eth1",	"eth+", "e+",
					    "lo",   "eth0.100", "+",	"wlan+"};

	if (gen_often(g, 50))
		gen_net(g, "-s");
	if (gen_often(g, 50))
		gen_net(g, "-d");
	if (!g->by_tuple && gen_often(g, 20)) {
		gen_not(g, 20);
		fw_buf_fmt(&g->text, " -i %s", GEN_PICK(g, names));
	}
	if (!g->by_tuple && gen_often(g, 15)) {
		gen_not(g, 20);
		fw_buf_fmt(&g->text, " -o %s", GEN_PICK(g, names));
	}
	if (g->family == FW_IP4 && gen_often(g, 4))
		fw_buf_str(&g->text, gen_often(g, 70) ? " -f" : " ! -f");
	else if (gen_often(g, 65))
		gen_upper(g);
	for (uint32_t n = gen_often(g, 35) ? 1 + gen_below(g, 2) : 0; n; n--)
		gen_match(g);
	if (own < g->n_chains && gen_often(g, 15))
		fw_buf_fmt(&g->text, " -%c c%u", gen_often(g, 75) ? 'j' : 'g',
			   own + 1 + gen_below(g, g->n_chains - own));
	else if (gen_often(g, 20))
		fw_buf_fmt(&g->text, " -j MARK --set-xmark 0x%x/0x3", gen_below(g, 4));
	else if (gen_often(g, 25))
		fw_buf_str(&g->text, gen_often(g, 50) ? " -j ACCEPT" : " -j DROP");
	else if (gen_often(g, 20))
		fw_buf_str(&g->text, " -j RETURN");
	fw_buf_char(&g->text, '\n');
}

static inline void gen_chain_name(struct gen *g, uint32_t chain)
{
	if (chain)
		fw_buf_fmt(&g->text, "c%u", chain);
	else
		fw_buf_str(&g->text, "FORWARD");
}

/* The whole of mangle: `n` rules over the chains, in FORWARD and what it leads to. */
static inline const char *gen_ruleset(struct gen *g, uint32_t n)
{
	fw_buf_reset(&g->text);
	fw_buf_str(&g->text, "*mangle\n");
	for (uint32_t i = 1; i <= g->n_chains; i++)
		fw_buf_fmt(&g->text, ":c%u - [0:0]\n", i);
	for (uint32_t i = 0; i < n; i++) {
		/* most rules in few chains */
		uint32_t chain = gen_often(g, 50) ? 0 : gen_below(g, g->n_chains + 1);

		fw_buf_str(&g->text, "-A ");
		gen_chain_name(g, chain);
		gen_rule(g, chain);
	}
	fw_buf_str(&g->text, "COMMIT\n");
	return fw_buf_cstr(&g->text);
}

static inline void gen_pkt_addr(struct gen *g, char text[INET6_ADDRSTRLEN])
{
	union fw_addr a = g->n_addr && gen_often(g, 85)
		? g->addr[gen_below(g, g->n_addr < GEN_KEEP ? g->n_addr : GEN_KEEP)]
		: gen_addr_new(g);
	int last = g->family == FW_IP4 ? 3 : 15;

	switch (gen_below(g, 8)) { /* next to it, or elsewhere in its networks */
	case 0: a.u8[last]++; break;
	case 1: a.u8[last]--; break;
	case 2: a.u8[last] ^= 3; break;
	case 3: a.u8[last - 1] ^= 16; break;
	default: break;
	}
	inet_ntop(g->family == FW_IP4 ? AF_INET : AF_INET6, &a, text, INET6_ADDRSTRLEN);
}

static inline uint16_t gen_pkt_port(struct gen *g)
{
	uint16_t port =
		g->n_port ? g->port[gen_below(g, g->n_port < GEN_KEEP ? g->n_port : GEN_KEEP)] : 80;

	if (gen_often(g, 20))
		port = (uint16_t)(port + gen_below(g, 3) - 1);
	return gen_often(g, 10) ? (uint16_t)gen_u64(g) : port;
}

static inline void gen_pkt_upper(struct gen *g, struct pkt *p)
{
	static const uint8_t types[] = {0, 3, 8, 11, 128, 129, 1, 2};
	static const uint8_t flags[] = {PKT_SYN, PKT_ACK, PKT_RST,	    PKT_FIN | PKT_ACK,
					0,	 0x3f,	  PKT_SYN | PKT_ACK};
	static const uint8_t opts[] = {8, 4, 1, 2, 2, 4, 5, 0xb4};

	switch (p->proto) {
	case IPPROTO_TCP:
		if (gen_often(g, 20))
			pkt_tcp_opts(p, gen_pkt_port(g), gen_pkt_port(g), GEN_PICK(g, flags), opts,
				     4 * (1 + gen_below(g, 2)));
		else
			pkt_tcp(p, gen_pkt_port(g), gen_pkt_port(g), GEN_PICK(g, flags));
		if (gen_often(g, 3))
			p->data[p->l4 + 12] = (uint8_t)(gen_below(g, 16) << 4);
		break;
	case IPPROTO_UDP: pkt_udp(p, gen_pkt_port(g), gen_pkt_port(g)); break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: pkt_icmp(p, GEN_PICK(g, types), (uint8_t)gen_below(g, 5), 1, 2); break;
	default: pkt_grow(p, 16); break;
	}
	if (gen_often(g, 20))
		pkt_grow(p, gen_below(g, 80));
	if (gen_often(g, 4)) /* ends too early */
		p->len = p->l4 + gen_below(g, 12);
}

/* A packet on its way through FORWARD.  Its view points into p. */
static inline void gen_packet(struct gen *g, struct pkt *p, struct fw_packet *view)
{
	static const char *const names[] = {"eth0", "eth1",  "lo", "eth0.100",
					    "eth",  "wlan0", "x",  "eth00"};
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_TCP, IPPROTO_UDP,
					 IPPROTO_UDP, IPPROTO_ICMP, 47,		 132,
					 50,	      51,	    33};
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint8_t proto = g->by_tuple && gen_often(g, 30) ? IPPROTO_ICMP : GEN_PICK(g, protos);

	if (proto == IPPROTO_ICMP && g->family == FW_IP6)
		proto = IPPROTO_ICMPV6;
	gen_pkt_addr(g, src);
	gen_pkt_addr(g, dst);
	memset(p, 0, sizeof(*p));
	pkt_at(p, FW_FORWARD, GEN_PICK(g, names), GEN_PICK(g, names));
	p->meta.mark = gen_often(g, 70) ? 0 : gen_below(g, 5);
	if (g->family == FW_IP4) {
		pkt_ip4_opts(p, src, dst, proto, gen_often(g, 5) ? 8 : 0);
		gen_pkt_upper(g, p);
		if (gen_often(g, 8))
			pkt_frag4(p, (uint16_t)(gen_below(g, 4) * 8), gen_often(g, 50));
	} else {
		pkt_ip6(p, src, dst, proto);
		if (gen_often(g, 6))
			pkt_ext6(p, gen_often(g, 50) ? IPPROTO_ROUTING : IPPROTO_DSTOPTS, 8)[1] =
				(uint8_t)(gen_often(g, 20) ? 77 : 0);
		if (gen_often(g, 6))
			pkt_frag6(p, (uint16_t)(gen_below(g, 4) * 8), gen_often(g, 50));
		gen_pkt_upper(g, p);
	}
	if (gen_often(g, 10))
		p->data[p->family == FW_IP4 ? 8 : 7] = 5;
	pkt_view(p, view);
	if (gen_often(g, 3) && view->has_proto &&
	    view->cap_len > view->l4_off + 4) /* our copy ends early */
		assert_int_equal(fw_packet_parse(view, p->family, p->data, view->l4_off + 4, p->len,
						 &p->meta),
				 0);
}

#endif
