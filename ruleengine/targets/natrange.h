/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the targets that translate share: addresses and ports as words. */
#ifndef TARGETS_NATRANGE_H
#define TARGETS_NATRANGE_H

#include "fw/nat.h"
#include "opt/opt.h"

/* For struct fw_opt: [ADDR[-ADDR]][:PORT[-PORT]], and PORT[-PORT] alone. */
int nat_take_range(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		   bool inverted, const char *const *words, struct fw_err *err);
int nat_take_ports(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		   bool inverted, const char *const *words, struct fw_err *err);
void nat_print_range(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out);
void nat_print_ports(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out);

/* A flag row; the flag (FW_NAT_*) stands in its `min`. */
#define NAT_FLAG(word, flag, text) \
	{.name = word, .kind = FW_OPT_FLAG, .min = flag, .help = text}

/* For struct fw_ext.check: flags by their rows, ports only where a protocol has some. */
int nat_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err);
/* What -L prints: the range behind `head`, then the flags. */
void nat_list(const struct fw_use *use, enum fw_family family, const char *head, bool ports,
	      struct fw_buf *out);

enum fw_verdict nat_run(const struct fw_use *use, struct fw_eval *e);

#endif
