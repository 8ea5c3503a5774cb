/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m frag: the IPv6 fragment header.  --fraglen is kept but never looked at, as in the kernel: the
 * header has only one length.
 */
#include <netinet/in.h>

#include "matches/ext6.h"
#include "opt/opt.h"

struct frag {
	uint32_t ids[2];
	uint32_t len;
};

enum { ID, LEN, RES, FIRST, MORE, LAST };

static const struct fw_opt opts[] = {
	[ID] = {.name = "fragid", .kind = FW_OPT_U32_RANGE, .flags = FW_OPT_NOT,
		.offset = offsetof(struct frag, ids), .arg = "id[:id]",
		.help = "match the id (range)"},
	[LEN] = {.name = "fraglen", .kind = FW_OPT_U32, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct frag, len), .arg = "length",
		 .help = "total length of this header"},
	[RES] = {.name = "fragres", .kind = FW_OPT_FLAG, .help = "check the reserved field too"},
	[FIRST] = {.name = "fragfirst", .kind = FW_OPT_FLAG,
		   .help = "matches on the first fragment"},
	[MORE] = {.name = "fragmore", .kind = FW_OPT_FLAG, .excludes = 1 << LAST,
		  .help = "there are more fragments"},
	[LAST] = {.name = "fraglast", .kind = FW_OPT_FLAG, .excludes = 1 << MORE,
		  .help = "this is the last fragment"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct frag *)use->data)->ids[1] = UINT32_MAX;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct frag *f = use->data;

	if (!f->ids[0] && f->ids[1] == UINT32_MAX && !fw_use_inv(use, ID))
		use->set &= ~(1ull << ID);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	static const char *const words[] = {
		[RES] = " reserved", [FIRST] = " first", [MORE] = " more", [LAST] = " last"};
	const struct frag *f = use->data;

	fw_buf_str(out, " frag ");
	if (fw_use_has(use, ID)) {
		fw_buf_str(out, f->ids[0] == f->ids[1] ? "id:" : "ids:");
		if (fw_use_inv(use, ID))
			fw_buf_char(out, '!');
		fw_print_range(f->ids[0], f->ids[1], ':', out);
	}
	if (fw_use_has(use, LEN))
		fw_buf_fmt(out, " length:%s%u", fw_use_inv(use, LEN) ? "!" : "", f->len);
	for (unsigned int row = RES; row <= LAST; row++)
		if (fw_use_has(use, row))
			fw_buf_str(out, words[row]);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct frag *f = use->data;
	const uint32_t off = ext6_find_or_drop(e, IPPROTO_FRAGMENT);
	const uint8_t *h = off ? fw_packet_bytes(e->pkt, off, 8) : NULL;
	uint32_t id;

	if (!off)
		return false;
	if (!h) {
		e->hotdrop = true;
		return false;
	}
	id = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	return (id >= f->ids[0] && id <= f->ids[1]) != fw_use_inv(use, ID) &&
		!(fw_use_has(use, RES) && (h[1] || h[3] & 6)) &&
		!(fw_use_has(use, FIRST) && (h[2] || h[3] & 0xf8)) &&
		!(fw_use_has(use, MORE) && !(h[3] & 1)) && !(fw_use_has(use, LAST) && h[3] & 1);
}

const struct fw_ext fw_match_frag = {
	.name = "frag", .summary = "the IPv6 fragment header",
	.flags = FW_EXT_DROPS, .families = 1 << FW_IP6,
	.size = sizeof(struct frag), .opts = opts, .init = init, .check = check, .list = list,
	.match = match,
};
