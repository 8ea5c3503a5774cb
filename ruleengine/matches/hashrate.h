/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates and bursts of -m hashlimit in words. */
#ifndef MATCHES_HASHRATE_H
#define MATCHES_HASHRATE_H

#include "fw/buf.h"
#include "matches/hashcredit.h"

/* parse: NULL, or what is wrong; *unit_s is the time that the rate speaks of.
 * print_period returns that time as printed; out may be NULL. */
const char *hl_parse_rate(const char *word, struct hl_config *c, uint32_t *unit_s);
uint32_t hl_print_period(uint64_t period, struct fw_buf *out);
void hl_print_rate(const struct hl_config *c, uint64_t period, struct fw_buf *out);
bool hl_parse_burst(const char *word, uint64_t *ret);
void hl_print_burst(const struct hl_config *c, struct fw_buf *out);
uint64_t hl_cost_to_bytes(uint64_t cost);

#endif
