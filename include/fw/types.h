/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words everything else is written in: families, hooks, tables, addresses.
 *
 * Numbers that the kernel also uses have the kernel's values, so that they may be taken from
 * and put into netlink messages as they are.
 */
#ifndef FW_TYPES_H
#define FW_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FW_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* The thing in which a node lies as this member. */
#define FW_HOLDER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* An index, not AF_*: arrays of "one for each family" are everywhere. */
enum fw_family { FW_IP4, FW_IP6, FW_N_FAMILIES };

/* Values of enum nf_inet_hooks (include/uapi/linux/netfilter.h). */
enum fw_hook {
	FW_PREROUTING,
	FW_INPUT,
	FW_FORWARD,
	FW_OUTPUT,
	FW_POSTROUTING,
	FW_N_HOOKS
};

#define FW_HOOK_BIT(h) (1u << (h))
#define FW_HOOKS_ALL   ((1u << FW_N_HOOKS) - 1)

/* In the order in which one hook visits them (raw first); see fw_hook_tables() in ruleset.h. */
enum fw_table_id { FW_RAW, FW_MANGLE, FW_NAT, FW_FILTER, FW_SECURITY, FW_N_TABLES };

#define FW_TABLE_BIT(t) (1u << (t))
#define FW_TABLES_ALL   ((1u << FW_N_TABLES) - 1)

/*
 * What a rule's target or a policy says.  CONTINUE: go on with the next rule.  JUMP and GOTO
 * carry a chain, QUEUE a queue number (struct fw_eval).
 */
enum fw_verdict {
	FW_CONTINUE,
	FW_ACCEPT,
	FW_DROP,
	FW_RETURN,
	FW_QUEUE,
	FW_JUMP,
	FW_GOTO,
	FW_N_VERDICTS
};

/* An address of either family, network order.  IPv4 stands in u32[0], the rest is zero. */
union fw_addr {
	uint8_t u8[16];
	uint32_t u32[4];
	uint64_t u64[2];
};

#define FW_IFNAMSIZ   16 /* IFNAMSIZ, include/uapi/linux/if.h: 15 characters and a NUL */
#define FW_CHAIN_MAX  28 /* longest chain name iptables takes (XT_EXTENSION_MAXNAMELEN - 1) */
#define FW_NAME_SIZE  32 /* room for a chain, match, target or table name and a NUL */

#define FW_NSEC_PER_SEC 1000000000ull

/* Names as users write them ("filter", "PREROUTING"); NULL never.  Out of range: "?". */
const char *fw_table_name(enum fw_table_id table);
const char *fw_hook_name(enum fw_hook hook);

/* 0 and *ret set, or -1 when there is no such table. */
int fw_table_by_name(const char *name, enum fw_table_id *ret);

/* The hooks in which a table has built-in chains (FW_HOOK_BIT mask). */
unsigned int fw_table_hooks(enum fw_table_id table);

#endif
