/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables and hooks by the names that users write (fw/types.h). */
#include "fw/types.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned int hooks;
} tables[] = {
	[FW_RAW] = {"raw", FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_OUTPUT)},
	[FW_MANGLE] = {"mangle", FW_HOOKS_ALL},
	[FW_NAT] = {"nat", FW_HOOKS_ALL & ~FW_HOOK_BIT(FW_FORWARD)},
	[FW_FILTER] = {"filter", FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT)},
	[FW_SECURITY] = {"security",
			 FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT)},
};
static_assert(FW_ARRAY_SIZE(tables) == FW_N_TABLES, "a row for each table");

static const char *const hooks[] = {
	[FW_PREROUTING] = "PREROUTING", [FW_INPUT] = "INPUT", [FW_FORWARD] = "FORWARD",
	[FW_OUTPUT] = "OUTPUT", [FW_POSTROUTING] = "POSTROUTING",
};
static_assert(FW_ARRAY_SIZE(hooks) == FW_N_HOOKS, "a name for each hook");

const char *fw_table_name(enum fw_table_id table)
{
	return (unsigned int)table < FW_N_TABLES ? tables[table].name : "?";
}

const char *fw_hook_name(enum fw_hook hook)
{
	return (unsigned int)hook < FW_N_HOOKS ? hooks[hook] : "?";
}

int fw_table_by_name(const char *name, enum fw_table_id *ret)
{
	for (size_t i = 0; i < FW_N_TABLES; i++)
		if (!strcmp(tables[i].name, name)) {
			*ret = (enum fw_table_id)i;
			return 0;
		}
	return -1;
}

unsigned int fw_table_hooks(enum fw_table_id table)
{
	return (unsigned int)table < FW_N_TABLES ? tables[table].hooks : 0;
}
