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

/* BE, EF, CSx, AFxx.  0, or -1. */
int fw_parse_dscp_class(const char *word, uint8_t *value);
/* parse callback's refusal for such a word. */
int fw_opt_refuse_dscp_class(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
			     const char *word);

#endif
