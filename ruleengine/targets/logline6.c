/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of an IPv6 packet (logline.h): header, extension headers, ICMPv6. */
#include "targets/logline.h"

#include <netinet/in.h>

static void address(struct logline *l, const char *name, const uint8_t *a)
{
	logline_add(l, "%s", name);
	for (unsigned int i = 0; i < 16; i += 2)
		logline_add(l, "%s%04x", i ? ":" : "", logline_be16(a + i));
	logline_add(l, " ");
}

static bool is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
		proto == IPPROTO_ESP || proto == IPPROTO_AH || proto == IPPROTO_NONE ||
		proto == IPPROTO_DSTOPTS;
}

static bool fragment_header(struct logline *l, uint32_t off, bool *fragment)
{
	const uint8_t *frag = logline_bytes(l, off, 8);
	uint32_t place;

	logline_add(l, "FRAG:");
	if (!frag) {
		logline_add(l, "TRUNCATED ");
		return false;
	}
	place = logline_be16(frag + 2);
	logline_add(l, "%u %sID:%08x ", place & 0xfff8, place & 1 ? "INCOMPLETE " : "",
		    logline_be32(frag + 4));
	if (place & 0xfff8)
		*fragment = true;
	return true;
}

/* AH, ESP: shown only where options are asked for; false ends the line. */
static bool ipsec_header(struct logline *l, uint32_t off, bool fragment, uint8_t proto)
{
	bool ah = proto == IPPROTO_AH;
	const uint8_t *head = logline_bytes(l, off, ah ? 12 : 8);

	if (!(l->flags & LOG_IP_OPTIONS))
		return ah;
	logline_add(l, ah ? "AH " : "ESP ");
	if (fragment)
		logline_add(l, ")");
	else if (!head)
		logline_add(l, "INCOMPLETE [%u bytes] )", logline_rest(l, off));
	else
		logline_add(l, ah ? "SPI=0x%x " : "SPI=0x%x )", logline_be32(ah ? head + 4 : head));
	return ah && !fragment && head;
}

/* Walk the extension headers to the upper layer; false: the line ends here. */
static bool extensions(struct logline *l, uint32_t *off, uint8_t *proto, bool *fragment)
{
	while (*proto != IPPROTO_NONE && is_extension(*proto)) {
		const uint8_t *head = logline_bytes(l, *off, 2);
		uint32_t len = 8;

		if (!head) {
			logline_add(l, "TRUNCATED");
			return false;
		}
		if (l->flags & LOG_IP_OPTIONS)
			logline_add(l, "OPT ( ");
		switch (*proto) {
		case IPPROTO_FRAGMENT:
			if (!fragment_header(l, *off, fragment))
				return false;
			break;
		case IPPROTO_AH:
		case IPPROTO_ESP:
			if (!ipsec_header(l, *off, *fragment, *proto))
				return false;
			len = (head[1] + 2u) * 4;
			break;
		default:
			if (*fragment) {
				if (l->flags & LOG_IP_OPTIONS)
					logline_add(l, ")");
				return false;
			}
			len = (head[1] + 1u) * 8;
		}
		if (l->flags & LOG_IP_OPTIONS)
			logline_add(l, ") ");
		*proto = head[0];
		*off += len;
	}
	return true;
}

static bool icmp6(struct logline *l, uint32_t off, bool fragment, bool inner)
{
	const uint8_t *icmp = logline_bytes(l, off, 8);

	logline_add(l, "PROTO=ICMPv6 ");
	if (fragment)
		return true;
	if (!icmp) {
		logline_add(l, "INCOMPLETE [%u bytes] ", logline_rest(l, off));
		return false;
	}
	logline_add(l, "TYPE=%u CODE=%u ", icmp[0], icmp[1]);
	if (icmp[0] == 128 || icmp[0] == 129)
		logline_add(l, "ID=%u SEQ=%u ", logline_be16(icmp + 4), logline_be16(icmp + 6));
	if (icmp[0] < 1 || icmp[0] > 4)
		return true;
	if (icmp[0] == 4)
		logline_add(l, "POINTER=%08x ", logline_be32(icmp + 4));
	if (!inner) {
		logline_add(l, "[");
		logline_ip6(l, off + 8, true);
		logline_add(l, "] ");
	}
	if (icmp[0] == 2)
		logline_add(l, "MTU=%u ", logline_be32(icmp + 4));
	return true;
}

bool logline_ip6(struct logline *l, uint32_t off, bool inner)
{
	const uint8_t *ip = logline_bytes(l, off, 40);
	bool fragment = false;
	uint8_t proto;
	uint32_t word, payload;

	if (!ip) {
		logline_add(l, "TRUNCATED");
		return false;
	}
	word = logline_be32(ip);
	payload = logline_be16(ip + 4);
	address(l, "SRC=", ip + 8);
	address(l, "DST=", ip + 24);
	logline_add(l, "LEN=%u TC=%u HOPLIMIT=%u FLOWLBL=%u ",
		    payload || inner || l->pkt->len < 40 ? payload + 40 : l->pkt->len,
		    word >> 20 & 0xff, ip[7], word & 0xfffff);
	proto = ip[6];
	off += 40;
	if (!extensions(l, &off, &proto, &fragment))
		return false;
	switch (proto) {
	case IPPROTO_TCP: return logline_tcp(l, off, fragment);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: return logline_udp(l, off, fragment, proto);
	case IPPROTO_ICMPV6: return icmp6(l, off, fragment, inner);
	default: logline_add(l, "PROTO=%u ", proto); return true;
	}
}
