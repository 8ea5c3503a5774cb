/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m statistic: every so many packets, by chance or by count. */
#include "opt/opt.h"

#define ONE 0x80000000u /* probability 1 */

struct statistic {
	uint32_t probability, every, packet;
	uint8_t nth;
};

struct state {
	uint32_t count;
};

enum { MODE, PROBABILITY, EVERY, PACKET };

static const struct fw_opt_name modes[] = {{"random", 0}, {"nth", 1}, {NULL}};

/* "0.25", ".5", "1": digits over a power of ten; no exponent, no locale.  -1: none such. */
static int parse_fraction(const char *word, double *ret)
{
	double digits = 0, scale = 1;
	bool any = false, dot = false;

	for (const char *p = word; *p; p++) {
		if (*p == '.' && !dot) {
			dot = true;
			continue;
		}
		if (*p < '0' || *p > '9')
			return -1;
		any = true;
		if (scale < 1e15) { /* what follows is less than a probability's last bit */
			digits = digits * 10 + (*p - '0');
			scale *= dot ? 10 : 1;
		}
	}
	*ret = digits / scale;
	return any ? 0 : -1;
}

static int take_probability(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			    struct fw_use *use, bool inverted, const char *const *words,
			    struct fw_err *err)
{
	struct statistic *s = use->data;
	double value;
	int r;

	if (!parse_fraction(words[0], &value) && value <= 1) {
		s->probability = (uint32_t)(value * ONE + 0.5);
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not in 0..1");
	fw_err_words(err,
		     "statistic: bad value for option \"--probability\", or out of range (0-1).");
	return r;
}

static void print_probability(const struct fw_opt *opt, const struct fw_use *use,
			      enum fw_family family, struct fw_buf *out)
{
	const struct statistic *s = use->data;

	fw_buf_fmt(out, "%.11f", 1.0 * s->probability / ONE);
}

static const struct fw_opt opts[] = {
	[MODE] = {.name = "mode", .kind = FW_OPT_ENUM, .flags = FW_OPT_REQUIRED, .names = modes,
		  .offset = offsetof(struct statistic, nth), .arg = "mode",
		  .help = "Match mode (random, nth)"},
	[PROBABILITY] = {.name = "probability", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
			 .excludes = 1 << EVERY | 1 << PACKET, .parse = take_probability,
			 .print = print_probability, .arg = "p", .help = "Probability (random mode)"},
	[EVERY] = {.name = "every", .kind = FW_OPT_U32, .flags = FW_OPT_NOT, .min = 1,
		   .also = 1 << PACKET, .offset = offsetof(struct statistic, every), .arg = "n",
		   .help = "Match every nth packet (nth mode)"},
	[PACKET] = {.name = "packet", .kind = FW_OPT_U32, .also = 1 << EVERY,
		    .offset = offsetof(struct statistic, packet), .arg = "p",
		    .help = "Initial counter value (0 <= p <= n-1, default 0)"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct statistic *s = use->data;
	int r;

	if (!s->nth && !fw_use_has(use, PROBABILITY)) {
		r = fw_fail(err, FW_ERR_USAGE, "statistic: mode random needs --probability");
		fw_err_words(err, "--probability must be specified when using random mode");
		return r;
	}
	if (s->nth && !fw_use_has(use, EVERY)) {
		r = fw_fail(err, FW_ERR_USAGE, "statistic: mode nth needs --every and --packet");
		fw_err_words(err, "--every and --packet must be specified when using nth mode");
		return r;
	}
	if (!s->nth || s->packet < s->every)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "statistic: --packet: %u is not in 0..%u", s->packet,
		    s->every - 1);
	fw_err_words(err, "the --packet p must be 0 <= p <= n-1");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct statistic *s = use->data;
	const char *inv = use->inv ? " !" : "";

	if (!s->nth) {
		fw_buf_fmt(out, " statistic mode random%s probability ", inv);
		print_probability(opts, use, family, out);
		return;
	}
	fw_buf_fmt(out, " statistic mode nth%s every %u", inv, s->every);
	if (s->packet)
		fw_buf_fmt(out, " packet %u", s->packet);
}

/* Counts from here up to every - 1, and matches when it begins again. */
static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	const struct statistic *s = use->data;
	struct state *state = use->state;

	state->count = s->nth ? s->every - 1 - s->packet : 0;
	return 0;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct statistic *s = use->data;
	struct state *state = use->state;
	bool hit;

	if (s->nth) {
		state->count = state->count == s->every - 1 ? 0 : state->count + 1;
		hit = !state->count;
	} else {
		hit = (fw_world_random(e->world) & (ONE - 1)) < s->probability;
	}
	return hit != !!use->inv;
}

const struct fw_ext fw_match_statistic = {
	.name = "statistic", .summary = "some packets by chance, or every so many",
	.flags = FW_EXT_STATEFUL,
	.size = sizeof(struct statistic), .state_size = sizeof(struct state), .opts = opts,
	.check = check, .list = list, .attach = attach, .match = match,
};
