/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many ICMP errors a host may be sent: the kernel limits its own (icmp_ratelimit,
 * icmp_ratemask, icmp_msgs_per_sec, icmp_msgs_burst, and IPv6's), and so must ours be, or a flood
 * with forged senders makes us flood them.
 *
 * One bucket a host as the kernel has (a token each icmp_ratelimit milliseconds, six at most), in
 * a table where hosts that hash alike share a bucket's place, the newcomer starting full.  The
 * kernel's own errors fill other buckets; and it takes its tokens for all hosts by lot (0 to 2)
 * where we take one.
 *
 * A worker's own, no locks; with several workers each has its part of nothing: limits hold for
 * each.  A host's packets reach one worker, so for one host they are exact.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "reject.h"

#define REREAD_NS FW_NSEC_PER_SEC
#define MS_NS	  1000000ull
#define BURST	  6 /* tokens of one host */
#define LOOPBACK  1

static void read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "re");

	ret[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret, (int)size, f))
		ret[0] = '\0';
	fclose(f);
}

static unsigned int read_number(const char *path, unsigned int otherwise)
{
	char line[32], *end;
	unsigned long v;

	read_line(path, line, sizeof(line));
	v = strtoul(line, &end, 10);
	return end == line ? otherwise : (unsigned int)v;
}

/* Is bit 1 in a list of ranges like "0-1,3-127"? */
static bool has_bit_1(const char *ranges)
{
	while (*ranges) {
		char *end;
		unsigned long first = strtoul(ranges, &end, 10), last = first;

		if (end == ranges)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first <= 1 && last >= 1)
			return true;
		ranges = *end == ',' ? end + 1 : "";
	}
	return false;
}

void fwd_icmplimit_refresh(struct fwd_icmplimit *l, uint64_t now)
{
	struct fwd_icmp_sysctls *s = &l->sys;
	char mask6[512];

	if (s->read_ns && now - s->read_ns < REREAD_NS)
		return;
	s->read_ns = now;
	s->ttl = read_number("/proc/sys/net/ipv4/ip_default_ttl", 64);
	s->hop_limit = read_number("/proc/sys/net/ipv6/conf/default/hop_limit", 64);
	s->limit4_ms = read_number("/proc/sys/net/ipv4/icmp_ratelimit", 1000);
	s->mask4 = read_number("/proc/sys/net/ipv4/icmp_ratemask", 6168);
	s->per_sec = read_number("/proc/sys/net/ipv4/icmp_msgs_per_sec", 1000);
	s->burst = read_number("/proc/sys/net/ipv4/icmp_msgs_burst", 50);
	s->limit6_ms = read_number("/proc/sys/net/ipv6/icmp/ratelimit", 1000);
	read_line("/proc/sys/net/ipv6/icmp/ratemask", mask6, sizeof(mask6));
	s->mask6 = has_bit_1(mask6);
	s->reflect4 = read_number("/proc/sys/net/ipv4/fwmark_reflect", 0);
	s->reflect6 = read_number("/proc/sys/net/ipv6/fwmark_reflect", 0);
}

static bool allow_all(struct fwd_icmplimit *l, uint64_t now)
{
	const struct fwd_icmp_sysctls *s = &l->sys;
	uint64_t since = now - l->all_ns, more;

	if (!l->all) {
		if (since > FW_NSEC_PER_SEC)
			since = FW_NSEC_PER_SEC;
		more = s->per_sec * since / FW_NSEC_PER_SEC;
		if (since < FW_NSEC_PER_SEC / 50 || !more)
			return false;
		l->all = more < s->burst ? (unsigned int)more : s->burst;
		l->all_ns = now;
	}
	if (l->all)
		l->all--;
	return true;
}

static bool allow_host(struct fwd_icmplimit *l, const union fw_addr *host, uint64_t each_ns,
		       uint64_t now)
{
	const uint64_t h =
		(host->u64[0] * 0x9e3779b97f4a7c15ull ^ host->u64[1]) * 0xff51afd7ed558ccdull;
	const size_t i = h >> 40 & (FWD_LIMIT_PLACES - 1);
	uint64_t tokens;

	if (memcmp(&l->hosts[i].host, host, sizeof(*host)) != 0) {
		l->hosts[i].host = *host;
		l->hosts[i].tokens_ns = BURST * each_ns;
		l->hosts[i].last_ns = now;
	}
	tokens = l->hosts[i].tokens_ns + (now - l->hosts[i].last_ns);
	if (tokens > BURST * each_ns)
		tokens = BURST * each_ns;
	l->hosts[i].last_ns = now;
	l->hosts[i].tokens_ns = tokens < each_ns ? tokens : tokens - each_ns;
	return tokens >= each_ns;
}

bool fwd_icmplimit_allow(struct fwd_icmplimit *l, const struct fw_packet *pkt, uint64_t now)
{
	const struct fwd_icmp_sysctls *s = &l->sys;
	/* an answer to ourselves, over lo, is free */
	const bool free = pkt->meta.hook == FW_OUTPUT || pkt->meta.in_ifindex == LOOPBACK;

	if (free)
		return true;
	if (pkt->family == FW_IP4) {
		if (!(s->mask4 & 1u << 3))
			return true;
		return allow_all(l, now) && allow_host(l, &pkt->src, s->limit4_ms * MS_NS, now);
	}
	if (!s->mask6)
		return true;
	/* the wider the route the more; most routes are /64 or shorter: a quarter of the time */
	return allow_all(l, now) && allow_host(l, &pkt->src, (s->limit6_ms >> 2) * MS_NS, now);
}
