/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows whose ends are translated: they are met by several tuples, each with an entry in the index.
 * The first as they come, the reply as it is answered, and in the middle, where the destination is
 * translated and the source is not yet.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

void ct_flow_untranslate(struct fw_ct *ct, struct fw_flow *flow)
{
	struct ct_table *t = &ct->table;

	if (!(flow->status & CT_NAT) || !(flow->flags & CT_F_INDEX))
		return;
	if (flow->ext->has_reply)
		ct_table_drop(t, flow->ext->reply_hash, flow);
	if (flow->ext->has_mid)
		ct_table_drop(t, flow->ext->mid_hash, flow);
	if (flow->ext->has_later)
		ct_table_drop(t, flow->ext->later_hash, flow);
	flow->status &= (uint16_t)~CT_NAT;
	flow->ext->has_reply = flow->ext->has_mid = flow->ext->has_later = false;
}

static uint16_t translated(const struct fw_tuple *orig, const struct fw_tuple *reply)
{
	const bool dst = memcmp(&reply->src, &orig->dst, sizeof(orig->dst)) != 0;
	const bool src = memcmp(&reply->dst, &orig->src, sizeof(orig->src)) != 0;
	struct fw_tuple straight;
	uint16_t status = (dst ? FW_CTS_DST_NAT : 0) | (src ? FW_CTS_SRC_NAT : 0);

	if (!ct_tuple_invert(orig, &straight))
		return status;
	if (straight.dport_be == orig->sport_be) { /* ports, not an ICMP pair */
		status |= reply->sport_be != straight.sport_be ? FW_CTS_DST_NAT : 0;
		status |= reply->dport_be != straight.dport_be ? FW_CTS_SRC_NAT : 0;
	} else if (reply->sport_be != straight.sport_be && (src || !dst)) {
		status |= FW_CTS_SRC_NAT;
	}
	return status;
}

static bool is_icmp(const struct fw_tuple *t)
{
	return t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6;
}

/*
 * Between both translations.  ICMP's id goes with either: the one that a packet meets first gives
 * it the id that it will have behind both.  So here answers have that of the first request, and
 * requests behind that one the id that they leave with.
 */
static struct fw_tuple middle(const struct fw_tuple *orig, const struct fw_tuple *answer,
			      uint16_t status)
{
	struct fw_tuple mid = *orig;

	mid.dst = answer->dst;
	if (!(status & FW_CTS_DST_NAT))
		return mid;
	mid.dport_be = answer->dport_be;
	if (is_icmp(orig) && !(status & FW_CTS_SRC_NAT))
		mid.sport_be = answer->sport_be;
	return mid;
}

/* Another flow that is met by the same tuple behind the translation of its destination: what comes
 * there will be the one's of whom the last packet came ahead of it. */
static void share_mid(struct fw_ct *ct, struct fw_flow_ext *ext)
{
	enum fw_ct_dir dir = FW_DIR_ORIG;
	struct fw_flow *other;
	struct ct_key key;

	if (!ct_key_make(ct, &ext->mid, &key))
		return;
	other = ct_find_met(ct, &key, 0, false, CT_BEHIND, FW_CTS_DST_NAT, &dir);
	if (!other || !other->ext->has_mid || !ct_tuple_equal(&other->ext->mid, &ext->mid))
		return;
	other->ext->shares_mid = ext->shares_mid = true;
	ext->met = ++ct->met;
}

static bool add_entries(struct fw_ct *ct, struct fw_flow *flow, bool reply)
{
	struct ct_table *t = &ct->table;
	struct fw_flow_ext *ext = flow->ext;
	const uint32_t ref = ct_table_number(t, flow->hash, flow);

	if (reply && !ct_index_add(&t->index, ext->reply_hash, ref | CT_REF_REPLY))
		return false;
	ext->has_reply = reply;
	if (ext->has_mid) {
		share_mid(ct, ext);
		ext->has_mid = ct_index_add(&t->index, ext->mid_hash, ref | CT_REF_MID);
	}
	if (ext->has_later)
		ext->has_later = ct_index_add(&t->index, ext->later_hash, ref | CT_REF_LATER);
	return true;
}

/* found: by its reply, too */
static bool translate(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply,
		      uint16_t status, bool found)
{
	struct fw_tuple answer;
	struct fw_flow_ext *ext;

	if (!(flow->flags & CT_F_INDEX) || !ct_tuple_invert(reply, &answer))
		return false;
	if (!flow->ext)
		flow->ext = calloc(1, sizeof(*flow->ext));
	if (!flow->ext)
		return false;
	ct_flow_untranslate(ct, flow);
	if (!status)
		return true;
	ext = flow->ext;
	ext->reply = *reply;
	ext->mid = middle(&flow->orig, &answer, status);
	ext->later = ext->mid;
	ext->later.sport_be = answer.sport_be;
	ext->reply_hash = ct_tuple_hash(ct->config.seed, &ext->reply);
	ext->mid_hash = ct_tuple_hash(ct->config.seed, &ext->mid);
	ext->later_hash = ct_tuple_hash(ct->config.seed, &ext->later);
	ext->has_mid = status & FW_CTS_DST_NAT;
	ext->has_later =
		ext->has_mid && is_icmp(&flow->orig) && ext->later.sport_be != ext->mid.sport_be;
	if (!add_entries(ct, flow, found))
		return false;
	flow->status |= status;
	return true;
}

bool ct_flow_translate(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply)
{
	return translate(ct, flow, reply, translated(&flow->orig, reply), true);
}

bool ct_flow_guess(struct fw_ct *ct, struct fw_flow *flow, const struct fw_tuple *reply,
		   uint64_t now)
{
	enum fw_ct_dir dir = FW_DIR_REPLY;
	const struct fw_flow *other;
	struct ct_key key;
	uint16_t status;

	if (!ct_key_make(ct, reply, &key))
		return false;
	status = translated(&flow->orig, reply);
	if (status == FW_CTS_SRC_NAT && is_icmp(&flow->orig))
		status = FW_CTS_DST_NAT; /* an id does not say whose work it is, but we have waited for it */
	other = ct_find_met(ct, &key, now, false, CT_AHEAD, 0, &dir);
	return translate(ct, flow, reply, status, !other || other == flow);
}
