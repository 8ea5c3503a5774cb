/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hooks are queued, and where on a packet's way the tracker looks at it.
 *
 * One trip to userspace for each hook costs more than anything done there, so tracking adds as
 * few hooks as it can:
 *
 *	PREROUTING has rules      it is the tracking point, as the kernel's; OUTPUT is the other
 *	PREROUTING has none       INPUT, FORWARD and OUTPUT track: every packet meets exactly one
 *
 * The kernel tracks in PREROUTING in both cases.  Between there and INPUT or FORWARD nothing of
 * ours could have looked, so nobody can tell the difference but by packets that die in between,
 * having no hop left (TTL 1) or no way to go: a flow that they belong to has moved on.  Those alone
 * are queued in PREROUTING in the second case.
 */
#include <string.h>

#include "engine/engine.h"

static void plan_tracking(bool queue[FW_N_HOOKS], bool track_here[FW_N_HOOKS], bool *dying)
{
	*dying = !queue[FW_PREROUTING];
	track_here[FW_PREROUTING] = true;
	if (*dying) {
		track_here[FW_INPUT] = queue[FW_INPUT] = true;
		track_here[FW_FORWARD] = queue[FW_FORWARD] = true;
	}
	track_here[FW_OUTPUT] = queue[FW_OUTPUT] = true;
}

static void plan_last(const bool queue[FW_N_HOOKS], bool last[FW_N_HOOKS])
{
	last[FW_PREROUTING] = !queue[FW_INPUT] && !queue[FW_FORWARD] && !queue[FW_POSTROUTING];
	last[FW_INPUT] = true;
	last[FW_FORWARD] = !queue[FW_POSTROUTING];
	/* What goes out through loopback comes in again, but the kernel confirms it as it leaves.
	 */
	last[FW_OUTPUT] = !queue[FW_POSTROUTING];
	last[FW_POSTROUTING] = true;
}

static unsigned int tables_at(int hook)
{
	unsigned int tables = 0;

	for (int t = 0; t < FW_N_TABLES; t++)
		if (fw_table_hooks((enum fw_table_id)t) >> hook & 1)
			tables |= FW_TABLE_BIT(t);
	return tables;
}

/* Tables that stand behind nat in OUTPUT. */
#define BEHIND_NAT (FW_TABLE_BIT(FW_FILTER) | FW_TABLE_BIT(FW_SECURITY))

static bool translates(const bool nat[FW_N_HOOKS])
{
	for (int h = 0; h < FW_N_HOOKS; h++)
		if (nat[h])
			return true;
	return false;
}

/*
 * The kernel tracks and tells.  No hook is queued for tracking's sake, unless rules ask what flows
 * have become: then those where the kernel's looks, too.  Those where only nat has rules see but the
 * packets whose translation is pending.  OUTPUT's filter stands behind the translation, so where
 * there may be one it has a visit of its own: of what is sent here, or of answers to whom another
 * hook (POSTROUTING, through lo) gave another source.
 */
static void plan_kct(const struct fw_needs *needs, struct fw_plan *ret, int f)
{
	ret->track[f] = true;
	for (int h = 0; h < FW_N_HOOKS; h++) {
		unsigned int here = needs->tables[f][h];

		ret->raw[f][h] = here & FW_TABLE_BIT(FW_RAW);
		if (ret->raw[f][h]) /* nft cannot count for some tables only */
			here |= needs->touched[f] & tables_at(h) & ~FW_TABLE_BIT(FW_NAT);
		here &= ~FW_TABLE_BIT(FW_RAW);
		ret->nat[f][h] = needs->track[f] && (here & FW_TABLE_BIT(FW_NAT));
		ret->queue[f][h] = here & ~FW_TABLE_BIT(FW_NAT);
	}
	if (translates(ret->nat[f]) && (needs->tables[f][FW_OUTPUT] & BEHIND_NAT)) {
		ret->split[f] = true;
		ret->queue[f][FW_OUTPUT] = (needs->tables[f][FW_OUTPUT] | needs->touched[f]) &
			(FW_TABLE_BIT(FW_RAW) | FW_TABLE_BIT(FW_MANGLE));
	}
	ret->count_behind[f] = translates(ret->nat[f]) && !ret->split[f] &&
		(needs->touched[f] & BEHIND_NAT);
	if (needs->flags[f] & FW_NEED_FLOWS)
		ret->queue[f][FW_PREROUTING] = ret->queue[f][FW_OUTPUT] = true;
	for (int h = 0; h < FW_N_HOOKS; h++)
		ret->nat_only[f][h] = ret->nat[f][h] && !ret->queue[f][h];
	ret->exceeded[f] =
		ret->split[f] || ret->queue[f][FW_OUTPUT] || ret->queue[f][FW_POSTROUTING];
	ret->track_here[f][FW_PREROUTING] = ret->track_here[f][FW_OUTPUT] = true;
	ret->track_here[f][FW_INPUT] = ret->track_here[f][FW_FORWARD] =
		!ret->queue[f][FW_PREROUTING];
}

static bool counts_here(const struct fw_needs *needs, const struct fw_plan *plan, int f, int h)
{
	const bool behind = h == FW_OUTPUT && plan->count_behind[f];

	if (!plan->kct)
		return needs->idle[f][h] && !plan->queue[f][h];
	return !plan->queue[f][h] && !(h == FW_OUTPUT && plan->split[f]) &&
		(needs->touched[f] & ~FW_TABLE_BIT(FW_NAT) & ~(behind ? BEHIND_NAT : 0)) &&
		!(needs->tables[f][h] & ~FW_TABLE_BIT(FW_NAT)) &&
		(needs->idle[f][h] || plan->nat_only[f][h]);
}

void fw_plan_make(const struct fw_needs *needs, struct fw_plan *ret)
{
	bool visited[FW_N_HOOKS];

	memset(ret, 0, sizeof(*ret)); /* plans are compared as bytes */
	ret->kct = needs->kct;
	ret->owners = needs->owners;
	ret->assigns = (needs->flags[FW_IP4] | needs->flags[FW_IP6]) & FW_NEED_KCT;
	ret->expected =
		ret->kct && (needs->flags[FW_IP4] | needs->flags[FW_IP6]) & FW_NEED_EXPECTED;
	for (int f = 0; f < FW_N_FAMILIES; f++) {
		for (int h = 0; h < FW_N_HOOKS; h++) {
			ret->queue[f][h] = needs->hook[f][h];
			ret->write[f][h] = needs->write[f][h];
		}
		ret->track[f] = needs->track[f];
		ret->flags[f] = needs->flags[f];
		if (ret->kct)
			plan_kct(needs, ret, f);
		else if (ret->track[f])
			plan_tracking(ret->queue[f], ret->track_here[f], &ret->dying[f]);
		for (int h = 0; h < FW_N_HOOKS; h++)
			visited[h] = ret->queue[f][h] || ret->nat_only[f][h];
		plan_last(visited, ret->last[f]);
		for (int h = 0; h < FW_N_HOOKS; h++)
			ret->count[f][h] = counts_here(needs, ret, f, h);
	}
}
