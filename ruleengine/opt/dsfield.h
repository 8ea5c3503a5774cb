/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for TOS and DSCP, which a match and a target each take: tos and TOS, dscp and DSCP. */
#ifndef OPT_DSFIELD_H
#define OPT_DSFIELD_H

#include "opt/opt.h"

#define FW_TOS_SYMBOL_MASK 0x3f

/* VALUE[/MASK] or one of fw_tos_symbols.  0, or -1. */
int fw_parse_tos(const char *word, uint8_t *value, uint8_t *mask);
/* fw_opt_refuse() for such a word. */
int fw_opt_refuse_tos(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		      const char *word);
/* The old name, where the mask is that of names; or NULL. */
const char *fw_tos_symbol(uint8_t value, uint8_t mask);
/* The names, one a line behind `indent`, for help. */
void fw_tos_help(const char *indent, struct fw_buf *out);

struct fw_dscp { /* data of dscp and DSCP */
	uint8_t value;
};
/* Row callbacks: takes BE, EF, CSx, AFxx; prints the number. */
int fw_take_dscp_class(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err);
void fw_print_dscp(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		   struct fw_buf *out);

#endif
