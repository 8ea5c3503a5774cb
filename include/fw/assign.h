/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j CT: what the kernel's tracker is told of a connection before it begins.
 *
 * The engine chooses the rule, the kernel carries it out.  As with translations (fw/nat.h) the
 * choice is flat: the same action of many rules is the same bytes, and the daemon gives each
 * distinct one a code and has chains of nft's made for it.
 *
 * Threads: any that holds a reference to the ruleset, or the world (world.h).  Nothing is allocated.
 */
#ifndef FW_ASSIGN_H
#define FW_ASSIGN_H

#include "fw/ruleset.h"

enum fw_zone_of { FW_ZONE_NONE, FW_ZONE_BOTH, FW_ZONE_ORIG, FW_ZONE_REPLY };

struct fw_assign {
	uint8_t family;    /* enum fw_family */
	uint8_t proto;     /* whose helper and timeouts; 0: neither is named */
	uint8_t zone_of;   /* enum fw_zone_of: of which direction `zone` is */
	uint8_t zone_mark; /* the zone is what the packet's mark says */
	uint16_t zone;
	uint8_t has_events;
	uint8_t spare;     /* these structs are compared as bytes */
	uint32_t events;   /* 1 << enum ip_conntrack_events */
	char helper[16], timeout[32]; /* "": none; zero-padded */
};

/* What a rule with -j CT asks for; false: nothing that the kernel has to be told, and *ret may be
 * anything. */
bool fw_assign_of(const struct fw_rule *rule, struct fw_assign *ret);

/* Everything that raw's rules may ask for, again and again the same; `assign` is valid during the
 * call.  Ends with the first fn() that returns other than 0, and returns that. */
int fw_assign_each(const struct fw_ruleset *rs,
		   int (*fn)(void *priv, const struct fw_assign *assign), void *priv);

#endif
