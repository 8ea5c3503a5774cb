/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m comment: words for people.  Always matches. */
#include <string.h>

#include "fw/source.h"
#include "opt/opt.h"

#define COMMENT_MAX 255

static const struct fw_opt opts[] = {
	{.name = "comment", .kind = FW_OPT_STRING, .flags = FW_OPT_REQUIRED | FW_OPT_CUT,
	 .max = COMMENT_MAX, .arg = "COMMENT", .help = "Attach a comment to a rule"},
	{NULL},
};

/* Most comments are short: the rule keeps only the text. */
static uint32_t used(const struct fw_use *use)
{
	return (uint32_t)strlen(use->data) + 1;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " /* ");
	fw_buf_str(out, use->data);
	fw_buf_str(out, " */");
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	return true;
}

static int by_source(const struct fw_use *use, struct fw_source *src)
{
	return FW_YES;
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	return true; /* nothing is asked */
}

const struct fw_ext fw_match_comment = {
	.name = "comment", .summary = "a note beside the rule",
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = COMMENT_MAX + 1, .opts = opts, .used = used, .list = list, .match = match,
	.by_source = by_source, .fields = fields,
};
