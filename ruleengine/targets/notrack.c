/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j NOTRACK: what -j CT --notrack says, under its older name. */
#include "opt/opt.h"

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " NOTRACK");
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	if (e->ctinfo == FW_CT_NONE)
		e->ctinfo = FW_CT_UNTRACKED;
	return FW_CONTINUE;
}

const struct fw_ext fw_target_notrack = {
	.name = "NOTRACK", .target = true, .summary = "do not track the packet's connection",
	.listed = "CT", .tables = FW_TABLE_BIT(FW_RAW),
	.list = list, .run = run,
};
