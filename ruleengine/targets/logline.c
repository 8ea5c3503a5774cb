/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line of a packet (logline.h): interfaces, MAC, IPv4, and the upper layers that both
 * families share.  Offsets count from the outer IP header; `inner` is the packet that an ICMP
 * error quotes, of which no further one is shown.
 */
#include "targets/logline.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void logline_add(struct logline *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

const uint8_t *logline_bytes(const struct logline *l, uint32_t off, uint32_t n)
{
	return fw_packet_bytes(l->pkt, off, n);
}

uint32_t logline_be16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

uint32_t logline_be32(const uint8_t *p)
{
	return logline_be16(p) << 16 | logline_be16(p + 2);
}

void logline_hex(struct logline *l, const uint8_t *p, uint32_t n)
{
	logline_add(l, "OPT (");
	for (uint32_t i = 0; i < n; i++)
		logline_add(l, "%02X", p[i]);
	logline_add(l, ") ");
}

uint32_t logline_rest(const struct logline *l, uint32_t off)
{
	return l->pkt->len > off ? l->pkt->len - off : 0;
}

bool logline_tcp(struct logline *l, uint32_t off, bool fragment)
{
	static const char flag_names[][5] = {"CWR ", "ECE ", "URG ", "ACK ",
					     "PSH ", "RST ", "SYN ", "FIN "};
	const uint8_t *tcp = logline_bytes(l, off, 20), *opts;
	uint32_t n;

	logline_add(l, "PROTO=TCP ");
	if (fragment)
		return true;
	if (!tcp) {
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
		return false;
	}
	logline_add(l, "SPT=%u DPT=%u ", logline_be16(tcp), logline_be16(tcp + 2));
	if (l->flags & LOG_TCP_SEQUENCE)
		logline_add(l, "SEQ=%u ACK=%u ", logline_be32(tcp + 4), logline_be32(tcp + 8));
	logline_add(l, "WINDOW=%u RES=0x%02x ", logline_be16(tcp + 14), (tcp[12] & 15u) << 2);
	for (unsigned int i = 0; i < 8; i++)
		if (tcp[13] & 0x80 >> i)
			logline_add(l, "%s", flag_names[i]);
	logline_add(l, "URGP=%u ", logline_be16(tcp + 18));

	n = (uint32_t)(tcp[12] >> 4) * 4;
	if (!(l->flags & LOG_TCP_OPTIONS) || n <= 20)
		return true;
	opts = logline_bytes(l, off + 20, n - 20);
	if (!opts) {
		logline_add(l, "OPT (TRUNCATED)");
		return false;
	}
	logline_hex(l, opts, n - 20);
	return true;
}

bool logline_udp(struct logline *l, uint32_t off, bool fragment, uint8_t proto)
{
	const uint8_t *udp = logline_bytes(l, off, 8);

	logline_add(l, proto == IPPROTO_UDP ? "PROTO=UDP " : "PROTO=UDPLITE ");
	if (fragment)
		return true;
	if (!udp) {
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
		return false;
	}
	logline_add(l, "SPT=%u DPT=%u LEN=%u ", logline_be16(udp), logline_be16(udp + 2),
		    logline_be16(udp + 4));
	return true;
}

static bool ip4(struct logline *l, uint32_t off, bool inner);

static void icmp_body(struct logline *l, const uint8_t *icmp, uint32_t off, bool inner)
{
	switch (icmp[0]) {
	case 0: /* echo reply */
	case 8: /* echo request */
		logline_add(l, "ID=%u SEQ=%u ", logline_be16(icmp + 4), logline_be16(icmp + 6));
		break;
	case 12: /* parameter problem */ logline_add(l, "PARAMETER=%u ", icmp[4]); break;
	case 5: /* redirect */
		logline_add(l, "GATEWAY=%u.%u.%u.%u ", icmp[4], icmp[5], icmp[6], icmp[7]);
		/* fall through */
	case 3: /* destination unreachable */
	case 4: /* source quench */
	case 11: /* time exceeded */
		if (!inner) {
			logline_add(l, "[");
			ip4(l, off + 8, true);
			logline_add(l, "] ");
		}
		if (icmp[0] == 3 && icmp[1] == 4)
			logline_add(l, "MTU=%u ", logline_be16(icmp + 6));
		break;
	default: break;
	}
}

static void icmp4(struct logline *l, uint32_t off, bool fragment, bool inner)
{
	/* how much of a message of each type must be there to be read further */
	static const uint8_t need[19] = {
		[0] = 4,   [3] = 28,  [4] = 28,	 [5] = 28,  [8] = 4,  [11] = 28,
		[12] = 28, [13] = 20, [14] = 20, [17] = 12, [18] = 12};
	const uint8_t *icmp = logline_bytes(l, off, 8);

	logline_add(l, "PROTO=ICMP ");
	if (fragment)
		return;
	if (!icmp) {
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
		return;
	}
	logline_add(l, "TYPE=%u CODE=%u ", icmp[0], icmp[1]);
	if (icmp[0] < sizeof(need) && logline_rest(l, off) < need[icmp[0]]) {
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
		return;
	}
	icmp_body(l, icmp, off, inner);
}

/* AH and ESP: where the SPI stands. */
static void ipsec4(struct logline *l, uint32_t off, bool fragment, uint8_t proto)
{
	bool ah = proto == IPPROTO_AH;
	const uint8_t *head = logline_bytes(l, off, ah ? 12 : 8);

	if (ah && fragment)
		return; /* the kernel says nothing at all here */
	logline_add(l, ah ? "PROTO=AH " : "PROTO=ESP ");
	if (fragment)
		return;
	if (head)
		logline_add(l, "SPI=0x%x ", logline_be32(ah ? head + 4 : head));
	else
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
}

/* false: cut off, and nothing follows */
static bool ip4_head(struct logline *l, const uint8_t *ip, uint32_t off)
{
	uint32_t frag = logline_be16(ip + 6), n = (uint32_t)(ip[0] & 15) * 4;
	uint32_t total = logline_be16(ip + 2);
	const uint8_t *opts;

	logline_add(l, "SRC=%u.%u.%u.%u DST=%u.%u.%u.%u ", ip[12], ip[13], ip[14], ip[15], ip[16],
		    ip[17], ip[18], ip[19]);
	logline_add(l, "LEN=%u TOS=0x%02X PREC=0x%02X TTL=%u ID=%u ",
		    total || off ? total : l->pkt->len, ip[1] & 0x1e, ip[1] & 0xe0, ip[8],
		    logline_be16(ip + 4));
	logline_add(l, "%s%s%s", frag & 0x8000 ? "CE " : "", frag & 0x4000 ? "DF " : "",
		    frag & 0x2000 ? "MF " : "");
	if (frag & 0x1fff)
		logline_add(l, "FRAG:%u ", frag & 0x1fff);
	if (!(l->flags & LOG_IP_OPTIONS) || n <= 20)
		return true;
	opts = logline_bytes(l, off + 20, n - 20);
	if (!opts) {
		logline_add(l, "TRUNCATED");
		return false;
	}
	logline_hex(l, opts, n - 20);
	return true;
}

/* false: cut off */
static bool ip4(struct logline *l, uint32_t off, bool inner)
{
	const uint8_t *ip = logline_bytes(l, off, 20);
	bool fragment;

	if (!ip) {
		logline_add(l, "TRUNCATED");
		return false;
	}
	if (!ip4_head(l, ip, off))
		return false;
	fragment = logline_be16(ip + 6) & 0x1fff;
	off += (uint32_t)(ip[0] & 15) * 4;
	switch (ip[9]) {
	case IPPROTO_TCP: return logline_tcp(l, off, fragment);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: return logline_udp(l, off, fragment, ip[9]);
	case IPPROTO_ICMP: icmp4(l, off, fragment, inner); break;
	case IPPROTO_AH:
	case IPPROTO_ESP: ipsec4(l, off, fragment, ip[9]); break;
	default: logline_add(l, "PROTO=%u ", ip[9]);
	}
	return true;
}

/*
 * The link-layer header.  A queue tells its source address only; the destination is printed as
 * zeroes so that readers who count bytes find the source where they look for it.
 */
static void mac(struct logline *l)
{
	const struct fw_pkt_meta *meta = &l->pkt->meta;
	const uint8_t *m = meta->mac;
	unsigned int type = l->pkt->family == FW_IP4 ? 0x0800 : 0x86dd;
	unsigned int to = meta->has_mac && meta->pkttype == FW_PKT_BROADCAST ? 0xff : 0;

	if (meta->has_mac && (l->flags & LOG_MACDECODE))
		logline_add(l,
			    "MACSRC=%02x:%02x:%02x:%02x:%02x:%02x "
			    "MACDST=%02x:%02x:%02x:%02x:%02x:%02x MACPROTO=%04x ",
			    m[0], m[1], m[2], m[3], m[4], m[5], to, to, to, to, to, to, type);
	else if (meta->has_mac || !strcmp(meta->in_name, "lo")) /* lo: a header of zeroes */
		logline_add(l,
			    "MAC=%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x:%"
			    "02x ",
			    to, to, to, to, to, to, m[0], m[1], m[2], m[3], m[4], m[5], type >> 8,
			    type & 0xff);
	else
		logline_add(l, "MAC= ");
}

void logline_make(struct logline *l, const struct fw_eval *e, unsigned int flags,
		  const char *prefix)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	bool whole;

	l->len = 0;
	l->pkt = e->pkt;
	l->flags = flags;
	logline_add(l, "%sIN=%s OUT=%s ", prefix, meta->in_name, meta->out_name);
	if (meta->in_name[0])
		mac(l);
	whole = e->pkt->family == FW_IP4 ? ip4(l, 0, false) : logline_ip6(l, 0, false);
	if (!whole)
		return; /* the kernel says no more then */
	if ((flags & LOG_UID) && meta->has_uid)
		logline_add(l, "UID=%u GID=%u ", meta->uid, meta->gid);
	if (e->mark)
		logline_add(l, "MARK=0x%x ", e->mark);
}
