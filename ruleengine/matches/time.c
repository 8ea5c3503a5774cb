/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m time: between two dates, two times of a day, on some days.  Times are UTC, or the kernel's
 * zone, which has no rules about summers.
 *
 * A daytime that ends before it begins goes over midnight; with --contiguous what is behind
 * midnight still belongs to the day before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "matches/timetext.h"
#include "opt/opt.h"

#define ALL_MONTH 0xfffffffeu /* bits 1..31 */
#define ALL_WEEK  0xfeu /* bits 1..7, Monday first */
#define DATE_LAST INT32_MAX

struct time {
	uint32_t date_start, date_stop; /* seconds since 1970 */
	uint32_t day_start, day_stop; /* seconds since midnight */
	uint32_t monthdays;
	uint8_t weekdays;
};

enum {
	TIMESTART,
	TIMESTOP,
	MONTHDAYS,
	WEEKDAYS,
	DATESTART,
	DATESTOP,
	UTC,
	LOCALTZ,
	KERNELTZ,
	CONTIGUOUS
};

static const char *const week[] = {NULL, "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int take_date(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	int r;

	if (time_read_date(words[0], (uint32_t *)((uint8_t *)use->data + opt->offset)))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0],
			  "is not YYYY[-MM[-DD[Thh[:mm[:ss]]]]] from 1970 to 2038");
	fw_err_words(err, "Invalid date \"%s\" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]",
		     words[0]);
	return r;
}

static int take_daytime(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			struct fw_use *use, bool inverted, const char *const *words,
			struct fw_err *err)
{
	int r;

	if (time_read_day(words[0], (uint32_t *)((uint8_t *)use->data + opt->offset)))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], "is not hh:mm[:ss] before midnight");
	fw_err_words(err,
		     "invalid time \"%s\" specified, should be hh:mm[:ss] format and within the "
		     "boundaries",
		     words[0]);
	return r;
}

/* The next of a list of words, cut at size; false: there is none. */
static bool next_word(const char **p, char *word, size_t size)
{
	size_t n = strcspn(*p, ","), len = n < size ? n : size - 1;

	if (!**p)
		return false;
	memcpy(word, *p, len);
	word[len] = '\0';
	*p += n;
	*p += **p == ',';
	return true;
}

static int take_monthdays(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			  struct fw_use *use, bool inverted, const char *const *words,
			  struct fw_err *err)
{
	struct time *t = use->data;
	const char *p = words[0];
	char word[3], *end;

	t->monthdays = 0;
	while (next_word(&p, word, sizeof(word))) {
		unsigned long day = strtoul(word, &end, 0);

		if (*end || day > 31) {
			fw_opt_refuse(err, use, opt, words[0], "is no list of days from 1 to 31");
			fw_err_words(err, "%s is not a valid day for --monthdays", word);
			return -EINVAL;
		}
		t->monthdays |= 1u << day & ALL_MONTH;
	}
	if (inverted)
		t->monthdays ^= ALL_MONTH;
	return 0;
}

/* 1 to 7, or a name of which the first two letters count; 0: none such. */
static unsigned int weekday(const char *word)
{
	char *end;
	unsigned long day = strtoul(word, &end, 0);

	if (!*end)
		return day <= 7 ? (unsigned int)day : 0;
	for (unsigned int i = 1; i < FW_ARRAY_SIZE(week); i++)
		if (!strncmp(word, week[i], 2))
			return i;
	return 0;
}

static int take_weekdays(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			 struct fw_use *use, bool inverted, const char *const *words,
			 struct fw_err *err)
{
	struct time *t = use->data;
	const char *p = words[0];
	char word[4], *end;

	t->weekdays = 0;
	while (next_word(&p, word, sizeof(word))) {
		unsigned int day = weekday(word);

		if (!day) {
			fw_opt_refuse(err, use, opt, words[0],
				      "is no list of days from Mon to Sun, or 1 to 7");
			fw_err_words(err,
				     !strtoul(word, &end, 0) && !*end
					     ? "No, the week does NOT begin with Sunday."
					     : "%s is not a valid day specifier",
				     word);
			return -EINVAL;
		}
		t->weekdays |= (uint8_t)(1u << day);
	}
	if (inverted)
		t->weekdays ^= ALL_WEEK;
	return 0;
}

static void print_number(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	const uint32_t value = *(const uint32_t *)((const uint8_t *)use->data + opt->offset);

	if (opt->offset == offsetof(struct time, date_start) ||
	    opt->offset == offsetof(struct time, date_stop))
		time_print_date(value, 'T', out);
	else
		time_print_clock(value, out);
}

static void print_monthdays(const struct fw_opt *opt, const struct fw_use *use,
			    enum fw_family family, struct fw_buf *out)
{
	static const char *const endings[] = {"th", "st", "nd", "rd"};
	const uint32_t days = ((const struct time *)use->data)->monthdays;
	const char *comma = "";

	for (unsigned int i = 1; i <= 31; i++) {
		if (!(days >> i & 1))
			continue;
		/* without a row it is for people; iptables' English says 11st */
		fw_buf_fmt(out, "%s%u%s", comma, i, opt ? "" : endings[i % 10 < 4 ? i % 10 : 0]);
		comma = ",";
	}
}

static void print_weekdays(const struct fw_opt *opt, const struct fw_use *use,
			   enum fw_family family, struct fw_buf *out)
{
	const uint8_t days = ((const struct time *)use->data)->weekdays;
	const char *comma = "";

	for (unsigned int i = 1; i <= 7; i++) {
		if (!(days >> i & 1))
			continue;
		fw_buf_fmt(out, "%s%s", comma, week[i]);
		comma = ",";
	}
}

#define DATE(row, word, field, text)                     \
	[row] = {.name = word,                           \
		 .kind = FW_OPT_CUSTOM,                  \
		 .offset = offsetof(struct time, field), \
		 .parse = take_date,                     \
		 .print = print_number,                  \
		 .arg = "time",                          \
		 .help = text}
#define DAYTIME(row, word, field, text)                  \
	[row] = {.name = word,                           \
		 .kind = FW_OPT_CUSTOM,                  \
		 .offset = offsetof(struct time, field), \
		 .parse = take_daytime,                  \
		 .print = print_number,                  \
		 .arg = "time",                          \
		 .help = text}

static const struct fw_opt opts[] = {
	DAYTIME(TIMESTART, "timestart", day_start, "Start and stop daytime (hh:mm[:ss])"),
	DAYTIME(TIMESTOP, "timestop", day_stop, "(between 00:00:00 and 23:59:59)"),
	[MONTHDAYS] = {.name = "monthdays", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		       .parse = take_monthdays, .print = print_monthdays, .arg = "value",
		       .help = "List of days on which to match, separated by comma\n"
			       "                         (Possible days: 1 to 31; defaults to all)"},
	[WEEKDAYS] = {.name = "weekdays", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		      .parse = take_weekdays, .print = print_weekdays, .arg = "value",
		      .help = "List of weekdays on which to match, sep. by comma\n"
			      "                         (Possible days: "
			      "Mon,Tue,Wed,Thu,Fri,Sat,Sun or 1 to 7\n"
			      "                         Defaults to all weekdays.)"},
	DATE(DATESTART, "datestart", date_start, "Start and stop time, to be given in ISO 8601"),
	DATE(DATESTOP, "datestop", date_stop, "(YYYY[-MM[-DD[Thh[:mm[:ss]]]]])"),
	[UTC] = {.name = "utc", .kind = FW_OPT_FLAG, .flags = FW_OPT_HIDDEN,
		 .excludes = 1 << LOCALTZ | 1 << KERNELTZ},
	[LOCALTZ] = {.name = "localtz", .kind = FW_OPT_FLAG, .flags = FW_OPT_HIDDEN,
		     .excludes = 1 << UTC},
	[KERNELTZ] = {.name = "kerneltz", .kind = FW_OPT_FLAG, .excludes = 1 << UTC,
		      .help = "Work with the kernel timezone instead of UTC"},
	[CONTIGUOUS] = {.name = "contiguous", .kind = FW_OPT_FLAG,
			.help = "A daytime over midnight belongs to the day on which it begins"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	*(struct time *)use->data = (struct time){
		.date_stop = DATE_LAST,
		.day_stop = DAY - 1,
		.monthdays = ALL_MONTH,
		.weekdays = ALL_WEEK,
	};
}

/* What is said at each row follows from the data alone, so that two ways to say it are one rule. */
static uint64_t rows_to_say(const struct fw_use *use)
{
	const struct time *t = use->data;
	uint64_t rows = use->set & 1ull << CONTIGUOUS;

	if (t->day_start || t->day_stop != DAY - 1)
		rows |= 1ull << TIMESTART | 1ull << TIMESTOP;
	if (t->monthdays != ALL_MONTH)
		rows |= 1ull << MONTHDAYS;
	if (t->weekdays != ALL_WEEK)
		rows |= 1ull << WEEKDAYS;
	if (t->date_start)
		rows |= 1ull << DATESTART;
	if (t->date_stop) /* even the last one: so does iptables */
		rows |= 1ull << DATESTOP;
	if (use->set & (1ull << LOCALTZ | 1ull << KERNELTZ))
		rows |= 1ull << KERNELTZ;
	return rows;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct time *t = use->data;
	int r;

	if (!t->monthdays || !t->weekdays) {
		r = fw_fail(err, FW_ERR_USAGE, "time: no day of the %s is left",
			    t->monthdays ? "week" : "month");
		fw_err_hint(err, "such a rule never matches; leave it out");
		return r;
	}
	if (fw_use_has(use, CONTIGUOUS) && t->day_start < t->day_stop) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "time: --contiguous is for a --timestop before --timestart");
		fw_err_words(err,
			     "time: --contiguous only makes sense when stoptime is smaller "
			     "than starttime");
		return r;
	}
	use->set = rows_to_say(use);
	use->inv = 0;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct time *t = use->data;

	fw_buf_str(out, " TIME");
	if (fw_use_has(use, TIMESTART)) {
		fw_buf_str(out, " from ");
		time_print_clock(t->day_start, out);
		fw_buf_str(out, " to ");
		time_print_clock(t->day_stop, out);
	}
	if (fw_use_has(use, WEEKDAYS)) {
		fw_buf_str(out, " on ");
		print_weekdays(NULL, use, family, out);
	}
	if (fw_use_has(use, MONTHDAYS)) {
		fw_buf_str(out, " on ");
		print_monthdays(NULL, use, family, out);
	}
	if (t->date_start) {
		fw_buf_str(out, " starting from ");
		time_print_date(t->date_start, ' ', out);
	}
	if (t->date_stop != DATE_LAST) {
		fw_buf_str(out, " until date");
		if (t->date_stop) {
			fw_buf_char(out, ' ');
			time_print_date(t->date_stop, ' ', out);
		}
	}
	if (!fw_use_has(use, KERNELTZ))
		fw_buf_str(out, " UTC");
	if (fw_use_has(use, CONTIGUOUS))
		fw_buf_str(out, " contiguous");
}

static bool day_fits(const struct time *t, int64_t stamp)
{
	const time_t when = stamp;
	struct tm tm;

	/* 1970 began with a Thursday */
	if (!(t->weekdays >> (1 + (stamp / DAY + 3) % 7) & 1))
		return false;
	if (t->monthdays == ALL_MONTH)
		return true;
	gmtime_r(&when, &tm);
	return t->monthdays >> tm.tm_mday & 1;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct time *t = use->data;
	const struct fw_world *world = e->world;
	int64_t stamp = (int64_t)(e->wall / FW_NSEC_PER_SEC);
	uint32_t now;

	if (fw_use_has(use, KERNELTZ) && world->ops && world->ops->minutes_west)
		stamp -= 60 * world->ops->minutes_west(world->priv);
	if (stamp < t->date_start || stamp > t->date_stop || stamp < DAY)
		return false;
	now = (uint32_t)(stamp % DAY);
	if (t->day_start < t->day_stop)
		return now >= t->day_start && now <= t->day_stop && day_fits(t, stamp);
	if (now < t->day_start && now > t->day_stop)
		return false;
	if (fw_use_has(use, CONTIGUOUS) && now <= t->day_stop)
		stamp -= DAY;
	return day_fits(t, stamp);
}

const struct fw_ext fw_match_time = {
	.name = "time", .summary = "the date, the time of the day, the day",
	.size = sizeof(struct time), .opts = opts, .init = init, .check = check, .list = list,
	.match = match,
};
