/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the printers share. */
#ifndef FW_PRINT_H
#define FW_PRINT_H

#include "fw/text.h"

/* A rule behind "-A CHAIN"; target: its name, "" none; counters: as -S -v prints them, or NULL. */
void fw_rule_print_parts(const struct fw_rule *rule, const char *target,
			 const struct fw_counters *counters, struct fw_buf *out);
/* The chains that opts ask for (free() it); NULL with err. */
const struct fw_chain **fw_list_chosen(const struct fw_table *table,
				       const struct fw_list_opts *opts, size_t *n,
				       struct fw_err *err);
struct fw_counters fw_counters_read(const struct fw_counters *c);

#endif
