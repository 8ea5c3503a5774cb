/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m srh: the IPv6 segment routing header.  A packet without one, or with one that is cut, does not
 * match; `!` turns single conditions round, not this.
 */
#include <netinet/in.h>
#include <string.h>

#include "matches/ext6.h"
#include "opt/opt.h"

#define SEGMENT_ROUTING 4 /* type of routing header */

struct side {
	union fw_addr addr, mask;
};

struct srh {
	uint8_t next, len, left, last; /* eq, gt and lt share one number, as iptables' do */
	uint16_t tag;
	struct side previous, following, final;
};

enum {
	NEXT,
	LEN_EQ,
	LEN_GT,
	LEN_LT,
	LEFT_EQ,
	LEFT_GT,
	LEFT_LT,
	LAST_EQ,
	LAST_GT,
	LAST_LT,
	TAG,
	PSID,
	NSID,
	LSID
};

#define NUMBER(row, word, field)                        \
	[row] = {.name = "srh-" word,                   \
		 .kind = FW_OPT_U8,                     \
		 .flags = FW_OPT_NOT,                   \
		 .offset = offsetof(struct srh, field), \
		 .arg = "value",                        \
		 .help = "compare the header's " #field}
#define SEGMENT(row, word, field, text)                 \
	[row] = {.name = "srh-" word,                   \
		 .kind = FW_OPT_ADDR_MASK,              \
		 .flags = FW_OPT_NOT,                   \
		 .offset = offsetof(struct srh, field), \
		 .print = print_segment,                \
		 .arg = "addr[/mask]",                  \
		 .help = "SRH " text " SID"}

static void print_segment(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			  struct fw_buf *out)
{
	const struct side *s = (const struct side *)((const uint8_t *)use->data + opt->offset);

	fw_print_addr(&s->addr, family, out);
	fw_print_mask(&s->mask, family, true, out);
}

static const struct fw_opt opts[] = {
	NUMBER(NEXT, "next-hdr", next),
	NUMBER(LEN_EQ, "hdr-len-eq", len),
	NUMBER(LEN_GT, "hdr-len-gt", len),
	NUMBER(LEN_LT, "hdr-len-lt", len),
	NUMBER(LEFT_EQ, "segs-left-eq", left),
	NUMBER(LEFT_GT, "segs-left-gt", left),
	NUMBER(LEFT_LT, "segs-left-lt", left),
	NUMBER(LAST_EQ, "last-entry-eq", last),
	NUMBER(LAST_GT, "last-entry-gt", last),
	NUMBER(LAST_LT, "last-entry-lt", last),
	[TAG] = {.name = "srh-tag", .kind = FW_OPT_U16, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct srh, tag), .arg = "tag", .help = "Tag value of SRH"},
	SEGMENT(PSID, "psid", previous, "previous"),
	SEGMENT(NSID, "nsid", following, "next"),
	SEGMENT(LSID, "lsid", final, "Last"),
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const uint8_t *data = use->data;

	fw_buf_str(out, " srh");
	for (unsigned int row = NEXT; row <= LSID; row++) {
		const char *inv = fw_use_inv(use, row) ? "!" : "";

		if (!fw_use_has(use, row))
			continue;
		fw_buf_fmt(out, " %s%s", opts[row].name + 4, row < PSID ? ":" : " ");
		fw_buf_str(out, inv);
		if (row < TAG)
			fw_buf_u64(out, data[opts[row].offset]);
		else if (row == TAG)
			fw_buf_u64(out, ((const struct srh *)use->data)->tag);
		else
			fw_buf_char(out, ' '), print_segment(&opts[row], use, family, out);
	}
}

static bool number_holds(unsigned int row, uint8_t have, uint8_t want)
{
	switch (row) {
	case LEN_GT:
	case LEFT_GT:
	case LAST_GT: return have > want;
	case LEN_LT:
	case LEFT_LT:
	case LAST_LT: return have < want;
	default: return have == want;
	}
}

/* Segment number n of the header at off. */
static bool segment_holds(const struct fw_packet *pkt, uint32_t off, uint32_t n,
			  const struct side *want, bool inv)
{
	const uint8_t *p = fw_packet_bytes(pkt, off + 8 + n * 16, 16);

	if (!p)
		return false;
	for (int i = 0; i < 16; i++)
		if ((p[i] ^ want->addr.u8[i]) & want->mask.u8[i])
			return inv;
	return !inv;
}

static bool segments_hold(const struct fw_use *use, const struct fw_packet *pkt, uint32_t off,
			  uint8_t left, uint8_t last)
{
	const struct srh *s = use->data;

	if (fw_use_has(use, PSID) &&
	    (left == last ||
	     !segment_holds(pkt, off, left + 1u, &s->previous, fw_use_inv(use, PSID))))
		return false;
	if (fw_use_has(use, NSID) &&
	    (!left || !segment_holds(pkt, off, left - 1u, &s->following, fw_use_inv(use, NSID))))
		return false;
	return !fw_use_has(use, LSID) ||
		segment_holds(pkt, off, 0, &s->final, fw_use_inv(use, LSID));
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	static const uint8_t field[] = {
		/* of the header, for each of the numbers */
		[NEXT] = 0,    [LEN_EQ] = 1,  [LEN_GT] = 1,  [LEN_LT] = 1,  [LEFT_EQ] = 3,
		[LEFT_GT] = 3, [LEFT_LT] = 3, [LAST_EQ] = 4, [LAST_GT] = 4, [LAST_LT] = 4};
	const struct srh *s = use->data;
	const uint8_t *h = NULL, *data = use->data;
	uint32_t off;
	uint16_t tag;

	if (ext6_find(e->pkt, IPPROTO_ROUTING, &off) == EXT6_THERE)
		h = fw_packet_bytes(e->pkt, off, 8);
	if (!h || e->pkt->len - off < (h[1] + 1u) * 8 || h[2] != SEGMENT_ROUTING || h[3] > h[4])
		return false;
	for (unsigned int row = NEXT; row < TAG; row++)
		if (fw_use_has(use, row) &&
		    number_holds(row, h[field[row]], data[opts[row].offset]) ==
			    fw_use_inv(use, row))
			return false;
	memcpy(&tag, h + 6, sizeof(tag)); /* the kernel compares it as it lies there */
	if (fw_use_has(use, TAG) && (tag == s->tag) == fw_use_inv(use, TAG))
		return false;
	return segments_hold(use, e->pkt, off, h[3], h[4]);
}

const struct fw_ext fw_match_srh = {
	.name = "srh", .summary = "the IPv6 segment routing header", .families = 1 << FW_IP6,
	.size = sizeof(struct srh), .opts = opts, .list = list, .match = match,
};
