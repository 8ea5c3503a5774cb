/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches and targets that iptables knows and fwd does not: what to tell whoever asks for one.
 * Some can come, some a firewall behind a queue can never do; the reason says which.
 */
#include <string.h>

#include "fw/ext.h"

#define LATER "known to iptables, not in fwd yet"

struct reason {
	const char *name, *why;
};

static const struct reason matches[] = {
	{"cgroup", LATER},
	{"connlabel", LATER},
	{"cpu", LATER},
	{"ipvs", "the kernel does not tell a queue about IPVS; fwd cannot match on it"},
	{"nfacct", LATER},
	{"osf", LATER},
	{"policy", "the kernel does not tell a queue about IPsec policies; fwd cannot match on them"},
	{"rateest", LATER},
	{"set", LATER},
	{"socket", LATER},
};

static const struct reason targets[] = {
	{"AUDIT", LATER},
	{"CLUSTERIP", "it answers ARP inside the kernel, which fwd cannot; it is obsolete too"},
	{"CONNSECMARK", "a verdict cannot carry a security mark"},
	{"DNPT", LATER},
	{"IDLETIMER", "it is a timer inside the kernel; fwd cannot run it"},
	{"LED", "it drives a lamp from inside the kernel; fwd cannot"},
	{"NFLOG", LATER},
	{"RATEEST", LATER},
	{"SECMARK", "a verdict cannot carry a security mark"},
	{"SET", LATER},
	{"SNPT", LATER},
	{"SYNPROXY", LATER},
	{"TEE", LATER},
	{"TPROXY", "it hands the packet to a socket inside the kernel, which a queue cannot"},
	{"TRACE", LATER},
	{"ULOG", LATER},
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
