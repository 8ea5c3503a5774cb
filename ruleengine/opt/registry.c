/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All extensions.  The lists of words stand in matches/meson.build and targets/meson.build; the
 * build writes them as EXT() lines.  A word without its descriptor does not link.
 */
#include <string.h>

#include "fw/ext.h"

#define EXT(name) extern const struct fw_ext fw_##name;
#include "matches/matches.h"
#include "targets/targets.h"
#undef EXT

#define EXT(name) &fw_##name,
static const struct fw_ext *const all[] = {
#include "matches/matches.h"
#include "targets/targets.h"
};
#undef EXT

const struct fw_ext *const *fw_ext_list(size_t *n)
{
	*n = FW_ARRAY_SIZE(all);
	return all;
}

/* The other names that `-p` and `-m` know for ICMPv6. */
static const char *canonical(const char *name)
{
	if (name[0] == 'i' && (!strcmp(name, "icmpv6") || !strcmp(name, "ipv6-icmp")))
		return "icmp6";
	return name;
}

const struct fw_ext *fw_ext_find(const char *name, bool target, enum fw_family family)
{
	/* Called for every -m and -j of a restore: the first two letters tell nearly all names
	 * apart, so the strcmp() below hardly ever runs in vain. */
	if (!target)
		name = canonical(name);
	for (size_t i = 0; i < FW_ARRAY_SIZE(all); i++) {
		const char *have = all[i]->name;

		if (have[0] == name[0] && have[1] == name[1] && all[i]->target == target &&
		    !strcmp(have, name) && (!all[i]->families || all[i]->families >> family & 1))
			return all[i];
	}
	return NULL;
}
