/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of packets that nobody looked at (edit.h): those of offloaded flows, which the kernel
 * side knows, and policies'.
 *
 * A hook without rules carries no queue rule: its packets would cost a trip for nothing.  The
 * kernel's iptables counts them all the same, on the policy of each table that is in use, and who
 * reads `iptables -L -v` expects to see it.  So a counter of our nft table stands in for all those
 * policies: as long as it is in place, none of their chains has a rule, and each sees every packet.
 */
#include "edit.h"

static void add_to_table(const struct fw_table *table, const struct fw_plan *plan,
			 struct fw_counters counted[FWD_N_COUNTED])
{
	const bool filters = table->id == FW_FILTER || table->id == FW_SECURITY;

	if (!table->touched || table->id == FW_NAT)
		return;
	for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
		const bool behind = h == FW_OUTPUT && filters && plan->count_behind[table->family];

		if (table->builtin[h] != UINT32_MAX)
			fw_counters_add(table->chains[table->builtin[h]]->policy_counters,
					&counted[behind ? FWD_COUNTED_BEHIND : h]);
	}
}

void fwd_policy_count(struct fwd_editor *e)
{
	struct fw_counters counted[FW_N_FAMILIES][FWD_N_COUNTED];
	struct fwd_core *core = e->core;

	if (!e->kernel || fwd_kernel_counted(e->kernel, counted))
		return;
	fwd_core_slice(core);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int h = 0; h < FWD_N_COUNTED; h++)
			e->dirty |= counted[f][h].packets > 0;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; t < FW_N_TABLES; t++)
			add_to_table(core->ruleset->tables[f][t], &core->plan, counted[f]);
	fwd_core_slice_end(core);
}

void fwd_policy_collect(struct fwd_editor *e)
{
	if (e->kernel)
		e->dirty |= fwd_kernel_collect(e->kernel);
	fwd_policy_count(e);
}
