/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last dropped packets, for "why was this dropped?".
 *
 * A worker notes names and numbers, no pointers: the snapshot that a rule came from may be gone
 * when someone asks.  The rule's words are looked up then, by its identity; a rule that has been
 * deleted since is said to be so.
 *
 * Those that the kernel drops on its own (block.h) never come here; of them there is a sum for each
 * source.
 *
 * Noted under core->lock; read by the control thread, which takes the lock to copy.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "fw/buf.h"
#include "fw/text.h"
#include "kernel.h"

#define RING 1024

struct drop {
	uint64_t when; /* monotonic ns */
	uint64_t rule_id;
	uint32_t number; /* of the rule; 0: the policy decided, or (no chain) the engine */
	uint32_t len;
	union fw_addr src, dst;
	uint16_t sport, dport;
	uint8_t family, table, hook, proto, tcp_flags, icmp_type, icmp_code;
	bool malformed, rejected, fragment, has_ports, has_icmp, has_flags;
	char chain[FW_NAME_SIZE];
	char in[FW_IFNAMSIZ], out[FW_IFNAMSIZ];
};

struct fwd_drops {
	uint64_t n; /* ever noted */
	struct drop ring[RING];
};

/* ---- note ---------------------------------------------------------------------------------- */

static void note_packet(struct drop *d, const struct fw_packet *pkt)
{
	d->family = (uint8_t)pkt->family;
	d->hook = pkt->meta.hook;
	d->len = pkt->len;
	d->src = pkt->src;
	d->dst = pkt->dst;
	d->proto = pkt->proto;
	d->fragment = pkt->fragment;
	d->has_ports = pkt->has_ports;
	d->sport = pkt->sport;
	d->dport = pkt->dport;
	d->has_flags = pkt->l4_ok && pkt->proto == IPPROTO_TCP;
	d->tcp_flags = pkt->tcp_flags;
	d->has_icmp = pkt->l4_ok && (pkt->proto == IPPROTO_ICMP || pkt->proto == IPPROTO_ICMPV6);
	d->icmp_type = pkt->icmp_type;
	d->icmp_code = pkt->icmp_code;
	memcpy(d->in, pkt->meta.in_name, sizeof(d->in));
	memcpy(d->out, pkt->meta.out_name, sizeof(d->out));
}

void fwd_drops_note(struct fwd_drops *drops, const struct fw_packet *pkt,
		    const struct fw_decision *dec, uint64_t now)
{
	struct drop *d = &drops->ring[drops->n++ % RING];

	*d = (struct drop){.when = now, .malformed = !pkt};
	if (!pkt)
		return;
	note_packet(d, pkt);
	d->table = (uint8_t)dec->table;
	d->rejected = dec->reject != FW_REJECT_NONE;
	if (dec->chain)
		memcpy(d->chain, dec->chain->name, sizeof(d->chain));
	if (dec->rule) {
		d->rule_id = dec->rule->id;
		d->number = dec->number;
	}
}

/* ---- print --------------------------------------------------------------------------------- */

static const struct fw_rule *find_rule(const struct fw_chain *chain, const struct drop *d)
{
	const struct fw_rule *rule = fw_chain_rule(chain, d->number);

	if (rule && rule->id == d->rule_id)
		return rule;
	for (uint32_t i = 1; i <= chain->n_rules; i++) { /* it moved, or is gone */
		rule = fw_chain_rule(chain, i);
		if (rule->id == d->rule_id)
			return rule;
	}
	return NULL;
}

static void print_rule(const struct drop *d, const struct fw_ruleset *rs, struct fw_buf *out)
{
	const struct fw_table *table = rs->tables[d->family][d->table];
	const struct fw_chain *chain = fw_table_chain(table, d->chain);
	const struct fw_rule *rule = chain ? find_rule(chain, d) : NULL;

	fw_buf_fmt(out, "rule %u", d->number);
	if (rule)
		fw_rule_print(rule, table, out);
	else
		fw_buf_str(out, " (deleted since)");
}

static void print_reason(const struct drop *d, const struct fw_ruleset *rs, struct fw_buf *out)
{
	if (d->malformed) {
		fw_buf_str(out, "malformed packet");
		return;
	}
	if (!d->chain[0]) {
		fw_buf_fmt(out, "%s tracker", fw_hook_name(d->hook));
		return;
	}
	fw_buf_fmt(out, "%s %s ", fw_table_name(d->table), d->chain);
	if (d->number)
		print_rule(d, rs, out);
	else
		fw_buf_str(out, "policy");
	if (d->rejected)
		fw_buf_str(out, " (rejected)");
}

static void print_flags(uint8_t flags, struct fw_buf *out)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

	for (unsigned int i = 0; i < FW_ARRAY_SIZE(names); i++)
		if (flags >> i & 1)
			fw_buf_fmt(out, " %s", names[i]);
}

static void print_proto(uint8_t proto, struct fw_buf *out)
{
	switch (proto) {
	case IPPROTO_TCP: fw_buf_str(out, "tcp"); break;
	case IPPROTO_UDP: fw_buf_str(out, "udp"); break;
	case IPPROTO_ICMP: fw_buf_str(out, "icmp"); break;
	case IPPROTO_ICMPV6: fw_buf_str(out, "icmpv6"); break;
	default: fw_buf_fmt(out, "proto %u", proto);
	}
}

static void print_end(const struct drop *d, const union fw_addr *addr, uint16_t port,
		      struct fw_buf *out)
{
	const bool brackets = d->family == FW_IP6 && d->has_ports;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(d->family == FW_IP4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	fw_buf_fmt(out, brackets ? "[%s]" : "%s", text);
	if (d->has_ports)
		fw_buf_fmt(out, ":%u", port);
}

static void print_packet(const struct drop *d, struct fw_buf *out)
{
	fw_buf_str(out, " | ");
	if (d->in[0])
		fw_buf_fmt(out, "in %s ", d->in);
	if (d->out[0])
		fw_buf_fmt(out, "out %s ", d->out);
	print_proto(d->proto, out);
	fw_buf_char(out, ' ');
	print_end(d, &d->src, d->sport, out);
	fw_buf_str(out, " > ");
	print_end(d, &d->dst, d->dport, out);
	if (d->has_icmp)
		fw_buf_fmt(out, " type %u code %u", d->icmp_type, d->icmp_code);
	if (d->fragment)
		fw_buf_str(out, " fragment");
	if (d->has_flags)
		print_flags(d->tcp_flags, out);
	fw_buf_fmt(out, " len %u", d->len);
}

/* Packets that we do not see: how many of each source. */
static void print_block(const struct fwd_block *m, const struct fw_ruleset *rs, uint64_t now,
			struct fw_buf *out)
{
	struct drop d = {
		.rule_id = m->rule_id,
		.number = m->path.number,
		.src = m->source.addr,
		.family = m->source.family,
		.table = (uint8_t)m->path.table,
	};

	memcpy(d.chain, m->path.chain->name, sizeof(d.chain));
	fw_buf_str(out, "in kernel   ");
	print_reason(&d, rs, out);
	fw_buf_fmt(out, " | in %s ", m->source.in);
	print_proto(m->source.proto, out);
	fw_buf_char(out, ' ');
	print_end(&d, &d.src, 0, out);
	fw_buf_fmt(out, " | %" PRIu64 " packets, %" PRIu64 " bytes in %.3fs\n", m->total.packets,
		   m->total.bytes, now > m->since ? (double)(now - m->since) / 1e9 : 0.0);
}

static void print_blocks(struct fwd_kernel *k, unsigned int n, struct fw_buf *out)
{
	fwd_kernel_collect(k);
	for (uint32_t i = 0; k->blocks && i < FWD_BLOCKS_MAX && n; i++) {
		struct fwd_block m;

		fwd_core_slice(k->core);
		m = k->blocks->table->block[i];
		fwd_core_slice_end(k->core);
		if (m.state != FWD_BLOCK_IN)
			continue;
		print_block(&m, k->core->ruleset, fwd_now(), out);
		n--;
	}
}

void fwd_kernel_drops(struct fwd_kernel *k, unsigned int n, struct fw_buf *out)
{
	const uint64_t now = fwd_now();

	print_blocks(k, n, out);
	for (unsigned int i = 0; i < n && i < RING; i++) {
		struct drop d;
		bool any;

		fwd_core_slice(k->core);
		any = i < k->drops->n;
		if (any)
			d = k->drops->ring[(k->drops->n - 1 - i) % RING];
		fwd_core_slice_end(k->core);
		if (!any)
			break;
		fw_buf_fmt(out, "%.3fs ago  ", now > d.when ? (double)(now - d.when) / 1e9 : 0.0);
		print_reason(&d, k->core->ruleset, out);
		if (!d.malformed)
			print_packet(&d, out);
		fw_buf_char(out, '\n');
	}
}

struct fwd_drops *fwd_drops_new(void)
{
	return calloc(1, sizeof(struct fwd_drops));
}
