/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m limit: a token bucket, with xt_limit's arithmetic.
 *
 * A rate is kept as the time between two packets in 1/10000 s.  Credit comes at 32 a millisecond,
 * the kernel's rate and clock at HZ 1000; other values of HZ only make its clock coarser.  Credits
 * are 32 bits wide there, and so are the products that decide whether a rule is refused; but where
 * the kernel's credit wraps after 37 hours without a packet, ours stays full.
 */
#include <string.h>
#include <strings.h>

#include "opt/opt.h"

#define SCALE           10000u /* XT_LIMIT_SCALE */
#define CREDITS_PER_MS  32u
#define CREDITS_PER_SEC (1000u * CREDITS_PER_MS)
#define NSEC_PER_MS     1000000u
#define BURST_DEFAULT   5
#define DAY             86400u

struct limit {
	uint32_t avg, burst;
	uint32_t cost, cap; /* follow from the two */
};

struct state {
	uint64_t prev_ms;
	uint32_t credit;
};

enum { LIMIT, BURST };

static uint32_t credits(uint32_t user)
{
	if (user > UINT32_MAX / CREDITS_PER_SEC)
		return user / SCALE * CREDITS_PER_SEC;
	return user * CREDITS_PER_SEC / SCALE;
}

static int take_rate(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct limit *l = use->data;
	uint32_t seconds = 1;
	uint64_t rate;
	const char *end = fw_scan_u64(words[0], &rate);
	int r;

	if (end && *end)
		seconds = *end == '/' ? fw_parse_unit(end + 1) : 0;
	if (!end || !rate || !seconds) {
		r = fw_opt_refuse(err, use, opt, words[0],
				  "is not NUMBER[/second|/minute|/hour|/day]");
		fw_err_words(err, "bad rate \"%s\"'", words[0]);
		return r;
	}
	if (rate > (uint64_t)SCALE * seconds) {
		r = fw_opt_refuse(err, use, opt, words[0], "is more than 10000 a second");
		fw_err_words(err, "Rate too fast \"%s\"", words[0]);
		return r;
	}
	l->avg = (uint32_t)(SCALE * seconds / rate);
	return 0;
}

/* The largest unit in which the rate is a number without much of a remainder. */
static void print_period(uint32_t period, struct fw_buf *out)
{
	static const struct {
		const char *name;
		uint32_t mult;
	} units[] = {
		{"day", SCALE * DAY}, {"hour", SCALE * 3600}, {"min", SCALE * 60}, {"sec", SCALE}};
	unsigned int i = 1;

	while (i < FW_ARRAY_SIZE(units) && period <= units[i].mult &&
	       units[i].mult / period >= units[i].mult % period)
		i++;
	fw_buf_fmt(out, "%u/%s", units[i - 1].mult / period, units[i - 1].name);
}

static void print_rate(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	print_period(((const struct limit *)use->data)->avg, out);
}

static const struct fw_opt opts[] = {
	[LIMIT] = {.name = "limit", .kind = FW_OPT_CUSTOM, .parse = take_rate, .print = print_rate,
		   .arg = "avg",
		   .help = "max average match rate: default 3/hour\n"
			   "                                [Packets per second unless followed by \n"
			   "                                /sec /minute /hour /day postfixes]"},
	[BURST] = {.name = "limit-burst", .kind = FW_OPT_U32, .max = 10000,
		   .offset = offsetof(struct limit, burst), .arg = "number",
		   .help = "number to match in a burst, default 5"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct limit *l = use->data;

	l->avg = SCALE * 3600 / 3;
	l->burst = BURST_DEFAULT;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct limit *l = use->data;
	int r;

	l->cost = credits(l->avg);
	l->cap = credits(l->avg * l->burst);
	use->set = 1u << LIMIT | (l->burst != BURST_DEFAULT ? 1u << BURST : 0);
	if (l->burst && l->cap >= l->cost)
		return 0;
	r = fw_fail(err, FW_ERR_LIMIT, "limit: a burst of %u at this rate cannot be counted",
		    l->burst);
	fw_err_hint(err,
		    l->burst ? "use a smaller --limit-burst" : "use a --limit-burst of at least 1");
	fw_err_words(err, "Numerical result out of range.");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct limit *l = use->data;

	fw_buf_str(out, " limit: avg ");
	print_period(l->avg, out);
	fw_buf_fmt(out, " burst %u", l->burst);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	const struct limit *l = use->data;
	struct state *s = use->state;

	s->prev_ms = now / NSEC_PER_MS;
	s->credit = l->cap;
	return 0;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct limit *l = use->data;
	struct state *s = use->state;
	uint64_t now_ms = e->now / NSEC_PER_MS, credit = s->credit;

	if (now_ms > s->prev_ms) {
		uint64_t gone_ms = now_ms - s->prev_ms;

		credit += gone_ms < UINT32_MAX ? gone_ms * CREDITS_PER_MS : l->cap;
		s->prev_ms = now_ms;
	}
	if (credit > l->cap)
		credit = l->cap;
	s->credit = (uint32_t)(credit >= l->cost ? credit - l->cost : credit);
	return credit >= l->cost;
}

const struct fw_ext fw_match_limit = {
	.name = "limit", .summary = "so many packets a second",
	.flags = FW_EXT_STATEFUL,
	.size = sizeof(struct limit), .state_size = sizeof(struct state), .opts = opts, .init = init,
	.check = check, .list = list, .attach = attach, .match = match,
};
