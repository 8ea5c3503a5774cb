/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m helper: does the connection exist because that helper expected it?  (The connection that the
 * helper listens to does not match.)  As in the kernel a helper matches whose name the given one
 * begins with, so that "ftp-2121" finds "ftp"; "" is any.
 */
#include <string.h>

#include "fw/ct.h"
#include "fw/helper.h"
#include "opt/opt.h"

struct helper {
	char name[30];
};

enum { HELPER };

static const struct fw_opt opts[] = {
	[HELPER] = {.name = "helper", .kind = FW_OPT_STRING, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		    .offset = offsetof(struct helper, name), .max = 29, .arg = "string",
		    .help = "Match helper identified by string"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct helper *h = use->data;

	fw_buf_fmt(out, " helper match %s\"%s\"", fw_use_inv(use, HELPER) ? "! " : "", h->name);
}

static bool is_by(const struct helper *h, unsigned int helper)
{
	const char *name = fw_helper_name(helper);

	if (helper == FW_HELPER_NONE)
		return false;
	return !h->name[0] || (name && !strncmp(name, h->name, strlen(name)));
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	return is_by(use->data, e->flow ? fw_flow_helper(e->flow) : FW_HELPER_NONE) !=
		fw_use_inv(use, HELPER);
}

const struct fw_ext fw_match_helper = {
	.name = "helper", .summary = "connections that a helper expected",
	.flags = FW_NEED_TRACK | FW_NEED_EXPECTED,
	.size = sizeof(struct helper), .opts = opts, .list = list, .match = match,
};
