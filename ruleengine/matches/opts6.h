/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hbh and dst share: an IPv6 header of options, its length and the options that it begins
 * with. */
#ifndef MATCHES_OPTS6_H
#define MATCHES_OPTS6_H

#include "matches/ext6.h"
#include "opt/opt.h"

#define OPTS6_MAX 16
#define OPTS6_ANY 0xff /* as a length */

struct opts6 {
	uint32_t len, n;
	uint8_t type[OPTS6_MAX], size[OPTS6_MAX];
};

enum { OPTS6_LEN, OPTS6_OPTS };

#define OPTS6_ROWS(name_)                                      \
	[OPTS6_LEN] = {.name = name_ "-len",                   \
		       .kind = FW_OPT_U32,                     \
		       .flags = FW_OPT_NOT,                    \
		       .offset = offsetof(struct opts6, len),  \
		       .arg = "length",                        \
		       .help = "total length of this header"}, \
	[OPTS6_OPTS] = {.name = name_ "-opts",                 \
			.kind = FW_OPT_CUSTOM,                 \
			.parse = opts6_take,                   \
			.print = opts6_print,                  \
			.arg = "TYPE[:LEN][,TYPE[:LEN]...]",   \
			.help = "Options and its length (list, max: 16)"}

int opts6_take(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
	       bool inverted, const char *const *words, struct fw_err *err);
void opts6_print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		 struct fw_buf *out);
void opts6_list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out);
/* header: IPPROTO_HOPOPTS or IPPROTO_DSTOPTS */
bool opts6_match(const struct fw_use *use, struct fw_eval *e, uint8_t header);

#endif
