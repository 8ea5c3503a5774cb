/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j CHECKSUM: complete a checksum that was left to the device, for receivers that look. */
#include "opt/opt.h"

enum { FILL };

static const struct fw_opt opts[] = {
	[FILL] = {.name = "checksum-fill", .kind = FW_OPT_FLAG, .flags = FW_OPT_REQUIRED,
		  .help = "Fill in packet checksum."},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " CHECKSUM fill");
}

/* Super-packets are left alone: their parts get theirs when they are made. */
static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const unsigned int flags = e->pkt->meta.flags;

	if ((flags & FW_PKT_CSUM_PARTIAL) && !(flags & FW_PKT_GSO))
		e->fill_csum = true;
	return FW_CONTINUE;
}

const struct fw_ext fw_target_checksum = {
	.name = "CHECKSUM", .target = true, .summary = "complete the packet's checksum",
	.tables = FW_TABLE_BIT(FW_MANGLE), .flags = FW_NEED_WRITE,
	.opts = opts, .list = list, .run = run,
};
