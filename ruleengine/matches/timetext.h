/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates and times of a day as -m time writes them; UTC. */
#ifndef MATCHES_TIMETEXT_H
#define MATCHES_TIMETEXT_H

#include "fw/buf.h"

#define DAY 86400u /* seconds */

/* YYYY[-MM[-DD[Thh[:mm[:ss]]]]], 1970 to 2038: seconds since 1970.  false: not such a date. */
bool time_read_date(const char *p, uint32_t *ret);
/* hh:mm[:ss]: seconds since midnight. */
bool time_read_day(const char *p, uint32_t *ret);

void time_print_clock(uint32_t seconds, struct fw_buf *out);
/* The date, what stands between (T or a blank), the time of the day. */
void time_print_date(uint32_t date, char between, struct fw_buf *out);

#endif
