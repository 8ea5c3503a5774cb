/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The help text of an extension, from its option table (fw_ext_help, fw/opt.h). */
#include <string.h>

#include "fw/ext.h"

#define HELP_COLUMN 32 /* where the explanations stand, as in iptables' own help */

static void help_row(const struct fw_opt *opt, struct fw_buf *out)
{
	size_t start = out->len;

	fw_buf_str(out, opt->flags & FW_OPT_NOT ? "[!] --" : " --");
	fw_buf_str(out, opt->name);
	if (opt->arg) {
		fw_buf_char(out, ' ');
		fw_buf_str(out, opt->arg);
	}
	if (opt->alias) {
		fw_buf_str(out, "\n --");
		fw_buf_str(out, opt->alias);
		fw_buf_str(out, " ...");
		start = out->len - strlen(opt->alias) - 7;
	}
	if (out->len - start >= HELP_COLUMN) {
		fw_buf_char(out, '\n');
		start = out->len;
	}
	while (fw_buf_ok(out) && out->len - start < HELP_COLUMN)
		fw_buf_char(out, ' ');
	fw_buf_str(out, opt->help ? opt->help : "");
	fw_buf_char(out, '\n');
}

void fw_ext_help(const struct fw_ext *ext, enum fw_family family, struct fw_buf *out)
{
	fw_buf_fmt(out, "%s %s options: %s\n", ext->name, ext->target ? "target" : "match",
		   ext->summary ? ext->summary : "");
	for (const struct fw_opt *opt = ext->opts; opt && opt->name; opt++)
		if (!(opt->flags & FW_OPT_HIDDEN))
			help_row(opt, out);
	if (ext->help)
		ext->help(family, out);
}
