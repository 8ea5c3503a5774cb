/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches and targets that iptables knows and fwd does not: why, and what to do instead, for whoever
 * asks for one.
 */
#include <string.h>

#include "fw/ext.h"

struct reason {
	const char *name, *why;
};

static const struct reason matches[] = {
	{"cgroup", "a queue does not tell a sender's control group; match its user with -m owner"},
	{"connlabel", "fwd's tracker keeps no labels; use bits of the mark, CONNMARK and -m connmark"},
	{"cpu", "a queue does not tell which processor saw the packet; leave the condition out"},
	{"ipvs", "the kernel does not tell a queue about IPVS; fwd cannot match on it"},
	{"nfacct", "only the kernel counts its accounting objects up; each rule of fwd has counters"},
	{"osf", "its fingerprints lie in the kernel, where nobody can read them; leave it out"},
	{"policy", "the kernel does not tell a queue about IPsec policies; fwd cannot match on them"},
	{"rateest", "fwd has no rate estimators; use -m hashlimit --hashlimit-above or "
		    "--hashlimit-rate-match"},
	{"set", "sets of ipset lie in the kernel, which fwd does not ask for each packet; write their "
		"entries as rules (any number costs the same), or keep a -m recent list"},
	{"socket", "sockets are looked up inside the kernel, which tells a queue nothing of them; match "
		   "ports of this host instead"},
};

static const struct reason targets[] = {
	{"AUDIT", "the audit log takes such records from the kernel only; use LOG"},
	{"CLUSTERIP", "it answers ARP inside the kernel, which fwd cannot; it is obsolete too"},
	{"CONNSECMARK", "a verdict cannot carry a security mark"},
	{"DNPT", "fwd translates no prefixes without connections; use NETMAP in the nat table"},
	{"IDLETIMER", "it is a timer inside the kernel; fwd cannot run it"},
	{"LED", "it drives a lamp from inside the kernel; fwd cannot"},
	{"NFLOG", "only the kernel hands packets to NFLOG's listeners; use LOG"},
	{"RATEEST", "fwd has no rate estimators; use -m hashlimit --hashlimit-above"},
	{"SECMARK", "a verdict cannot carry a security mark"},
	{"SET", "sets of ipset lie in the kernel, where fwd changes nothing; use -m recent --set"},
	{"SNPT", "fwd translates no prefixes without connections; use NETMAP in the nat table"},
	{"SYNPROXY", "it answers for servers from inside the kernel's tracker, which fwd cannot; use "
		     "net.ipv4.tcp_syncookies on the servers, and -m connlimit or -m hashlimit here"},
	{"TEE", "a copy for another router has to be sent by the kernel, which a queue cannot ask for; "
		"mirror it with tc(8)"},
	{"TPROXY", "it hands the packet to a socket inside the kernel, which a queue cannot"},
	{"TRACE", "the kernel's tables are not fwd's; `fwctl explain PACKET` shows a packet's way"},
	{"ULOG", "the kernel has it no more; use LOG"},
};

const char *fw_ext_unsupported(const char *name, bool target)
{
	const struct reason *r = target ? targets : matches;
	size_t n = target ? FW_ARRAY_SIZE(targets) : FW_ARRAY_SIZE(matches);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(r[i].name, name))
			return r[i].why;
	return NULL;
}
