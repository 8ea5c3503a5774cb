/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates and times of a day (timetext.h). */
#include "matches/timetext.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fw/types.h"

/* A number of at most `max` that ends at one of `ends` or with the text; *p moves behind it. */
static bool read_part(const char **p, const char *ends, unsigned int max, unsigned int *ret)
{
	char *end;
	unsigned long value = strtoul(*p, &end, 10);

	if ((*end && !strchr(ends, *end)) || value > max)
		return false;
	*ret = (unsigned int)value;
	*p = end;
	return true;
}

bool time_read_date(const char *p, uint32_t *ret)
{
	static const struct {
		const char *ends;
		unsigned int max;
	} rows[] = {{"-", 2038}, {"-", 12}, {"T", 31}, {":", 23}, {":", 59}, {"", 59}};
	unsigned int part[] = {0, 1, 1, 0, 0, 0};
	struct tm tm = {0};
	time_t t;

	for (unsigned int i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		if (!read_part(&p, rows[i].ends, rows[i].max, &part[i]) || part[0] < 1970)
			return false;
		if (!*p)
			break;
		p++;
	}
	tm.tm_year = (int)part[0] - 1900;
	tm.tm_mon = (int)part[1] - 1;
	tm.tm_mday = (int)part[2];
	tm.tm_hour = (int)part[3];
	tm.tm_min = (int)part[4];
	tm.tm_sec = (int)part[5];
	t = timegm(&tm);
	*ret = (uint32_t)t;
	return t >= 0;
}

bool time_read_day(const char *p, uint32_t *ret)
{
	unsigned int hour, minute, second = 0;

	if (!read_part(&p, ":", 23, &hour) || !*p++ || !read_part(&p, ":", 59, &minute))
		return false;
	if (*p && (p++, !read_part(&p, "", 59, &second)))
		return false;
	*ret = hour * 3600 + minute * 60 + second;
	return true;
}

void time_print_clock(uint32_t seconds, struct fw_buf *out)
{
	fw_buf_fmt(out, "%02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void time_print_date(uint32_t date, char between, struct fw_buf *out)
{
	const time_t t = date;
	struct tm tm;

	gmtime_r(&t, &tm);
	fw_buf_fmt(out, "%04d-%02d-%02d%c", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, between);
	time_print_clock(date % DAY, out);
}
