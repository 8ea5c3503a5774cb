/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tuple's flow, found through the index (index.h).
 *
 * Where the kernel translates, one tuple may be that of several flows.  What one connection's ends
 * are as they come are another's when its destination has been translated; so it matters where on
 * its way the packet is met.  And several connections of one client's port may be led to the same
 * end: there nothing tells them from one another but who has been met ahead of it last.
 */
#include "track/track.h"

/* What is looked for. */
struct sought {
	bool dying; /* a dying flow will do where no living one is */
	bool as_sent; /* the tuple is that of its first packet, as it was sent */
	int way; /* enum fw_ct_dir, in which the tuple goes; -1: either */
	enum ct_place place;
	bool dst_nat; /* CT_BEHIND: its destination is translated */
};

/* Which way does the tuple go in this flow?  -1: it is another's.  A flow from an end to itself
 * is met in reply direction, as the kernel finds its second entry first. */
static int direction(const struct fw_flow *flow, const struct ct_key *key, uint32_t entry)
{
	const struct fw_tuple *forth = &flow->orig, *back = &flow->orig;

	if (flow->status & CT_NAT) {
		const struct fw_flow_ext *ext = flow->ext;

		/* seen from the ends: as sent there and as answered; in the middle: both ways */
		if (entry == CT_REF_REPLY)
			return ct_tuple_equal(&ext->reply, &key->tuple) ? FW_DIR_REPLY
				: ct_key_inverse(key, &ext->reply)	? FW_DIR_ORIG
									: -1;
		if (entry == CT_REF_LATER)
			return ct_tuple_equal(&ext->later, &key->tuple) ? FW_DIR_ORIG : -1;
		if (entry == CT_REF_MID)
			forth = back = &ext->mid;
		else if (ext->has_mid)
			back = NULL;
	}
	if (back && ct_key_inverse(key, back))
		return FW_DIR_REPLY;
	return ct_tuple_equal(forth, &key->tuple) ? FW_DIR_ORIG : -1;
}

/* By this entry the flow is met at other places than the one where we are. */
static bool is_elsewhere(const struct fw_flow *flow, uint32_t entry, int dir,
			 const struct sought *s)
{
	if (s->place == CT_ANYWHERE)
		return false;
	if (entry == CT_REF_REPLY && dir == FW_DIR_ORIG)
		return true; /* behind both translations */
	if (s->place == CT_AHEAD)
		return entry & CT_REF_MID;
	if (!(flow->status & FW_CTS_DST_NAT))
		return s->dst_nat;
	return !s->dst_nat || !(entry & CT_REF_MID);
}

/* The way in which the tuple goes if this is the flow; -1: it is not. */
static int suits(const struct fw_flow *flow, const struct ct_key *key, uint32_t entry,
		 const struct sought *s)
{
	int d;

	if (s->as_sent)
		return !entry && ct_tuple_equal(&flow->orig, &key->tuple) ? FW_DIR_ORIG : -1;
	d = direction(flow, key, entry);
	return (s->way >= 0 && d != s->way) || is_elsewhere(flow, entry, d, s) ? -1 : d;
}

/* Rather than what was found before?  A dying flow only where there is no other; of those that share
 * their tuple the one that was met last. */
static bool is_rather(const struct fw_flow *flow, bool shares, const struct fw_flow *found)
{
	return !found || (found->flags & CT_F_DYING) || !shares || found->ext->met < flow->ext->met;
}

/* One pass over the run of entries with this hash.  A flow that is past its time is freed, which
 * moves entries: *again says that the pass must start over. */
static struct fw_flow *find_pass(struct fw_ct *ct, const struct ct_key *key, uint64_t now,
				 const struct sought *s, enum fw_ct_dir *dir, bool *again)
{
	const struct ct_seg *seg = ct_index_seg(&ct->table.index, key->hash);
	struct fw_flow *found = NULL;

	for (uint32_t i = key->hash & CT_SEG_MASK; seg->slots[i].ref; i = (i + 1) & CT_SEG_MASK) {
		const uint32_t entry = seg->slots[i].ref & CT_REF_FLAGS;
		struct fw_flow *flow;
		bool shares;
		int way;

		if (seg->slots[i].hash != key->hash)
			continue;
		flow = ct_table_at(&ct->table, (seg->slots[i].ref & ~CT_REF_FLAGS) - 1);
		__builtin_prefetch(&flow->mark); /* the second line, along with the first */
		if (flow->expires <= now) {
			ct_flow_expire(ct, flow);
			*again = true;
			return NULL;
		}
		if ((flow->flags & CT_F_DYING) && (!s->dying || found))
			continue;
		way = suits(flow, key, entry, s);
		shares = entry == CT_REF_MID && flow->ext->shares_mid;
		if (way < 0 || !is_rather(flow, shares, found))
			continue;
		found = flow;
		*dir = (enum fw_ct_dir)way;
		if (!shares && !(flow->flags & CT_F_DYING))
			break;
	}
	return found;
}

static struct fw_flow *find(struct fw_ct *ct, const struct ct_key *key, uint64_t now,
			    const struct sought *s, enum fw_ct_dir *dir)
{
	struct fw_flow *flow;
	bool again;

	do {
		again = false;
		flow = find_pass(ct, key, now, s, dir, &again);
	} while (again);
	if (flow)
		ct->stats.found++;
	return flow;
}

struct fw_flow *ct_find(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			enum fw_ct_dir *dir)
{
	const struct sought s = {.dying = dying, .way = -1};

	return find(ct, key, now, &s, dir);
}

struct fw_flow *ct_find_way(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    enum fw_ct_dir *dir)
{
	return ct_find_met(ct, key, now, dying, CT_ANYWHERE, 0, dir);
}

struct fw_flow *ct_find_met(struct fw_ct *ct, const struct ct_key *key, uint64_t now, bool dying,
			    enum ct_place place, unsigned int nat, enum fw_ct_dir *dir)
{
	const struct sought s = {
		.dying = dying,
		.way = ct_key_inverse(key, &key->tuple) ? -1 : (int)*dir,
		.place = place,
		.dst_nat = nat & FW_CTS_DST_NAT,
	};

	return find(ct, key, now, &s, dir);
}

struct fw_flow *ct_find_first(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now)
{
	const struct sought s = {.dying = true, .as_sent = true};
	enum fw_ct_dir dir = FW_DIR_ORIG;
	struct ct_key key;

	return ct_key_make(ct, orig, &key) ? find(ct, &key, now, &s, &dir) : NULL;
}

struct fw_flow *ct_find_behind(struct fw_ct *ct, const struct fw_tuple *orig, uint64_t now)
{
	struct fw_flow *flow = ct_find_first(ct, orig, now);

	return flow && (flow->status & CT_NAT) ? flow : NULL;
}
