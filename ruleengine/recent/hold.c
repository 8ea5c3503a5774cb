/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries whose packets are matched elsewhere for a while (fw/recent.h): the kernel drops them, and
 * tells later how many there were and when the last one came.
 */
#include "recent/recent.h"

static struct recent_entry *find(struct fw_recent_list *list, enum fw_family family,
				 const union fw_addr *addr)
{
	const union fw_addr key = recent_key(list, addr);

	return recent_lookup(list, family, &key, 0);
}

static int64_t newest(const struct fw_recent_list *list, const struct recent_entry *e)
{
	return e->stamps[(e->index - 1u) & list->stamps_mask];
}

bool fw_recent_has(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		   uint32_t seconds, uint64_t now, uint64_t *until)
{
	const struct recent_entry *e = find(list, family, addr);
	int64_t end;

	*until = UINT64_MAX;
	if (!e || !seconds)
		return e;
	end = newest(list, e) + (int64_t)seconds * (int64_t)FW_NSEC_PER_SEC;
	if (end < (int64_t)now)
		return false;
	*until = (uint64_t)end;
	return true;
}

uint64_t fw_recent_hold(struct fw_recent_list *list, enum fw_family family,
			const union fw_addr *addr, bool in_use)
{
	struct recent_entry *e = find(list, family, addr);

	if (!e || e->held == UINT16_MAX)
		return 0;
	list->held += !e->held++;
	e->in_use += in_use;
	return e->number;
}

void fw_recent_release(struct fw_recent_list *list, enum fw_family family,
		       const union fw_addr *addr, bool in_use, uint64_t entry)
{
	struct recent_entry *e = find(list, family, addr);

	if (!e || e->number != entry)
		return;
	list->held -= !--e->held;
	e->in_use -= in_use;
}

uint64_t fw_recent_lost(const struct fw_recent *r)
{
	return r->lost;
}

uint64_t fw_recent_number(const struct fw_recent_list *list)
{
	return list->number;
}

bool fw_recent_is_there(const struct fw_recent *r, const struct fw_recent_list *list,
			uint64_t number)
{
	const uint32_t hash = (uint32_t)number;

	for (const struct fw_named *n = fw_names_first(&r->names, hash); n; n = n->next)
		if (n == &list->by_name)
			return list->number == number;
	return false;
}

void fw_recent_look_closer(struct fw_recent_list *list, bool on)
{
	list->close_users += on ? 1 : -1u;
}

bool fw_recent_looked_at_closer(const struct fw_recent_list *list)
{
	return list->close_users;
}

void fw_recent_used(struct fw_recent_list *list, enum fw_family family, const union fw_addr *addr,
		    uint64_t n, uint64_t last)
{
	struct recent_entry *e = find(list, family, addr);
	const uint64_t room = (uint64_t)list->stamps_mask + 1;
	uint64_t first = n > room ? n - room : 0;
	uint64_t span;
	int64_t from;

	if (!e || !n)
		return;
	from = newest(list, e);
	span = (int64_t)last > from ? last - (uint64_t)from : 0;
	e->index = (uint16_t)((e->index + first) & list->stamps_mask);
	for (uint64_t i = first; i < n; i++)
		recent_touch(list, e,
			     from + (int64_t)(span / n * (i + 1) + span % n * (i + 1) / n));
}
