/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the call name says: {iptables,ip6tables}[-legacy|-nft][-save|-restore] are eighteen drop-in
 * names, everything else is fwctl.
 */
#include <string.h>

#include "ctl.h"

static bool take(const char **s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(*s, prefix, n) != 0)
		return false;
	*s += n;
	return true;
}

void ctl_name(struct ctl *ctl, const char *argv0)
{
	static const char *const progs[FW_N_FAMILIES][CTL_N_ROLES] = {
		{"iptables", "iptables-save", "iptables-restore"},
		{"ip6tables", "ip6tables-save", "ip6tables-restore"},
	};
	const char *slash = strrchr(argv0, '/'), *s = slash ? slash + 1 : argv0;
	enum fw_family family = FW_IP4;
	enum ctl_role role = CTL_ROLE_TABLES;
	bool nft = false;

	ctl->called = s;
	ctl->prog = "fwctl";
	if (take(&s, "ip6tables"))
		family = FW_IP6;
	else if (!take(&s, "iptables"))
		return;
	if (take(&s, "-nft"))
		nft = true;
	else
		take(&s, "-legacy");
	if (take(&s, "-save"))
		role = CTL_ROLE_SAVE;
	else if (take(&s, "-restore"))
		role = CTL_ROLE_RESTORE;
	if (*s)
		return;
	ctl->drop_in = true;
	ctl->nft = nft;
	ctl->family = family;
	ctl->role = role;
	ctl->prog = progs[family][role];
}
