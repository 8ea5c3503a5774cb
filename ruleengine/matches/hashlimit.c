/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m hashlimit: a limit for each source, destination or port of its own (hashtable.h). */
#include <string.h>

#include "matches/hashrate.h"
#include "matches/hashtable.h"
#include "opt/opt.h"

#define BURST_DEFAULT 5
#define GC_DEFAULT_MS 1000
#define NAME_SIZE     256

struct hashlimit {
	struct hl_config c;
	uint32_t unit_s; /* of the rate as given, until check() */
	char name[NAME_SIZE];
};

struct state {
	struct fw_hashlimit *table; /* NULL while the rule is not attached */
};

enum {
	UPTO, ABOVE, BURST, MODE, NAME, SIZE, MAX, GCINTERVAL, EXPIRE, SRCMASK, DSTMASK, RATE_MATCH,
	INTERVAL
};

static int take_rate(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct hashlimit *h = use->data;
	const char *wrong = hl_parse_rate(words[0], &h->c, &h->unit_s);
	int r;

	if ((opt == &use->ext->opts[ABOVE]) != inverted)
		h->c.mode |= HL_ABOVE;
	if (!wrong)
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], wrong);
	fw_err_words(err, "hashlimit: Bad value for \"--%s\" option: \"%s\"", opt->name, words[0]);
	return r;
}

static void print_rate(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	const struct hashlimit *h = use->data;

	hl_print_rate(&h->c, h->c.avg, out);
}

static int take_burst(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct hashlimit *h = use->data;
	int r;

	if (hl_parse_burst(words[0], &h->c.burst))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], "is neither 1..1000000 nor NUMBER[k|m]b");
	fw_err_words(err,
		     "bad value for option \"--hashlimit-burst\", or out of range (1-1000000).");
	return r;
}

static void print_burst(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	hl_print_burst(&((const struct hashlimit *)use->data)->c, out);
}

/* In the order in which they are printed. */
static const struct fw_opt_name modes[] = {
	{"srcip", HL_SRCIP}, {"srcport", HL_SRCPORT}, {"dstip", HL_DSTIP}, {"dstport", HL_DSTPORT},
	{NULL},
};

static int take_mode(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct hashlimit *h = use->data;
	const char *p = words[0];
	int r;

	for (;;) {
		size_t len = strcspn(p, ",");
		const struct fw_opt_name *n = modes;

		while (n->name && (strlen(n->name) != len || memcmp(n->name, p, len)))
			n++;
		if (!n->name)
			break;
		h->c.mode |= (uint8_t)n->value;
		if (!p[len])
			return 0;
		p += len + 1;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not a list of srcip srcport dstip dstport");
	fw_err_words(err, "hashlimit: Bad value for \"--hashlimit-mode\" option: \"%s\"", words[0]);
	return r;
}

static void print_modes(unsigned int mode, char sep, struct fw_buf *out)
{
	bool first = true;

	for (const struct fw_opt_name *n = modes; n->name; n++) {
		if (!(mode & n->value))
			continue;
		if (!first)
			fw_buf_char(out, sep);
		fw_buf_str(out, n->name);
		first = false;
	}
}

static void print_mode(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	print_modes(((const struct hashlimit *)use->data)->c.mode, ',', out);
}

#define AT(field) offsetof(struct hashlimit, c.field)

static const struct fw_opt opts[] = {
	[UPTO] = {.name = "hashlimit-upto", .alias = "hashlimit", .kind = FW_OPT_CUSTOM,
		  .flags = FW_OPT_NOT, .excludes = 1 << ABOVE, .parse = take_rate,
		  .print = print_rate, .arg = "avg", .help = "max average match rate"},
	[ABOVE] = {.name = "hashlimit-above", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .parse = take_rate, .print = print_rate, .arg = "avg",
		   .help = "min average match rate"},
	[BURST] = {.name = "hashlimit-burst", .kind = FW_OPT_CUSTOM, .parse = take_burst,
		   .print = print_burst, .arg = "num",
		   .help = "number to match in a burst, default 5"},
	[MODE] = {.name = "hashlimit-mode", .kind = FW_OPT_CUSTOM, .parse = take_mode,
		  .print = print_mode, .arg = "mode",
		  .help = "list of dstip,srcip,dstport,srcport"},
	[NAME] = {.name = "hashlimit-name", .kind = FW_OPT_STRING, .min = 1, .max = NAME_SIZE - 1,
		  .flags = FW_OPT_REQUIRED | FW_OPT_CUT, .offset = offsetof(struct hashlimit, name),
		  .arg = "name", .help = "name of the table"},
	[SIZE] = {.name = "hashlimit-htable-size", .kind = FW_OPT_U32, .offset = AT(size),
		  .arg = "num", .help = "number of hashtable buckets"},
	[MAX] = {.name = "hashlimit-htable-max", .kind = FW_OPT_U32, .offset = AT(max),
		 .arg = "num", .help = "number of hashtable entries"},
	[GCINTERVAL] = {.name = "hashlimit-htable-gcinterval", .kind = FW_OPT_U32,
			.offset = AT(gc_ms), .arg = "ms",
			.help = "interval between garbage collection runs"},
	[EXPIRE] = {.name = "hashlimit-htable-expire", .kind = FW_OPT_U32, .offset = AT(expire_ms),
		    .arg = "ms", .help = "after which time are idle entries expired?"},
	[SRCMASK] = {.name = "hashlimit-srcmask", .kind = FW_OPT_U8, .max = 128,
		     .offset = AT(srcmask), .arg = "length",
		     .help = "source address grouping prefix length"},
	[DSTMASK] = {.name = "hashlimit-dstmask", .kind = FW_OPT_U8, .max = 128,
		     .offset = AT(dstmask), .arg = "length",
		     .help = "destination address grouping prefix length"},
	[RATE_MATCH] = {.name = "hashlimit-rate-match", .kind = FW_OPT_FLAG,
			.help = "rate match the flow without rate-limiting it"},
	[INTERVAL] = {.name = "hashlimit-rate-interval", .kind = FW_OPT_U32, .min = 1,
		      .max = INT32_MAX, .offset = AT(interval_s), .arg = "sec",
		      .help = "interval in seconds for hashlimit-rate-match"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct hashlimit *h = use->data;

	h->c.burst = BURST_DEFAULT;
	h->c.gc_ms = GC_DEFAULT_MS;
	h->c.srcmask = h->c.dstmask = ctx->family == FW_IP4 ? 32 : 128;
	h->c.family = (uint8_t)ctx->family;
}

/* A byte rate's burst is kept as the number of times its credit may be filled again. */
static int check_bytes(struct hashlimit *h, const struct fw_use *use, struct fw_err *err)
{
	uint64_t unit = hl_cost_to_bytes(h->c.avg), given = h->c.burst;
	int r;

	h->c.burst = 0;
	if (!fw_use_has(use, BURST))
		return 0;
	if (!unit || given < unit) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "hashlimit: --hashlimit-burst is less than %llu bytes",
			    (unsigned long long)unit);
		fw_err_words(err, "burst cannot be smaller than %llub", (unsigned long long)unit);
		return r;
	}
	h->c.burst = (uint32_t)((given + unit - 1) / unit);
	if (!fw_use_has(use, EXPIRE))
		h->c.expire_ms = HL_BYTE_EXPIRE_BURST_S * 1000;
	return 0;
}

/* What the kernel would refuse. */
static int check_numbers(const struct hl_config *c, struct fw_err *err)
{
	unsigned int bits = c->family == FW_IP4 ? 32 : 128;
	int r;

	if (!c->gc_ms || !c->expire_ms || c->srcmask > bits || c->dstmask > bits)
		return fw_fail(err, FW_ERR_PLACE,
			       "hashlimit: intervals must not be 0, masks at most %u", bits);
	if (c->mode & HL_RATE ? c->avg && c->avg <= UINT32_MAX
		    : c->mode & HL_BYTES
		    ? hl_byte_cost(c->avg) != 0
		    : c->burst && hl_cost(c->avg * c->burst) >= hl_cost(c->avg))
		return 0;
	r = fw_fail(err, FW_ERR_LIMIT, "hashlimit: this rate with this burst cannot be counted");
	fw_err_hint(err, "use a smaller --hashlimit-burst or a slower rate");
	fw_err_words(err, "Numerical result out of range.");
	return r;
}

/* What needs not be printed: it follows from the rate as printed. */
static uint32_t default_expire_ms(const struct hl_config *c, uint64_t period)
{
	if (c->mode & HL_BYTES)
		return (c->burst ? HL_BYTE_EXPIRE_BURST_S : HL_BYTE_EXPIRE_S) * 1000;
	return hl_print_period(period, NULL) * 1000;
}

/* Leave set what save prints. */
static void normalize(struct hashlimit *h, struct fw_use *use)
{
	unsigned int bits = h->c.family == FW_IP4 ? 32 : 128;
	uint64_t set = 1u << NAME | (h->c.mode & HL_ABOVE ? 1u << ABOVE : 1u << UPTO);

	set |= !(h->c.mode & HL_BYTES) || h->c.burst ? 1u << BURST : 0;
	set |= h->c.mode & (HL_SRCIP | HL_SRCPORT | HL_DSTIP | HL_DSTPORT) ? 1u << MODE : 0;
	set |= h->c.size ? 1u << SIZE : 0;
	set |= h->c.max ? 1u << MAX : 0;
	set |= h->c.gc_ms != GC_DEFAULT_MS ? 1u << GCINTERVAL : 0;
	set |= h->c.expire_ms != default_expire_ms(&h->c, h->c.avg) ? 1u << EXPIRE : 0;
	set |= h->c.srcmask != bits ? 1u << SRCMASK : 0;
	set |= h->c.dstmask != bits ? 1u << DSTMASK : 0;
	set |= h->c.mode & HL_RATE ? 1u << RATE_MATCH : 0;
	set |= h->c.mode & HL_RATE && h->c.interval_s != 1 ? 1u << INTERVAL : 0;
	use->set = set;
	use->inv = 0;
	h->unit_s = 0;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct hashlimit *h = use->data;
	int r;

	if (!fw_use_has(use, UPTO) && !fw_use_has(use, ABOVE)) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "hashlimit: neither --hashlimit-upto nor --hashlimit-above is given");
		fw_err_words(err, "You have to specify --hashlimit");
		return r;
	}
	if (!fw_use_has(use, EXPIRE))
		h->c.expire_ms = h->unit_s * 1000;
	r = h->c.mode & HL_BYTES ? check_bytes(h, use, err) : 0;
	if (r)
		return r;
	if (fw_use_has(use, RATE_MATCH)) {
		h->c.mode |= HL_RATE;
		if (!(h->c.mode & HL_BYTES))
			h->c.avg /= h->unit_s;
		if (!h->c.interval_s)
			h->c.interval_s = h->c.mode & HL_BYTES ? 1 : h->unit_s;
	} else {
		h->c.interval_s = 0;
	}
	if (strchr(h->name, '/') || !strcmp(h->name, ".") || !strcmp(h->name, ".."))
		return fw_fail(err, FW_ERR_PLACE,
			       "hashlimit: --hashlimit-name: '%s' cannot be the name of a table",
			       h->name);
	r = check_numbers(&h->c, err);
	if (!r)
		normalize(h, use);
	return r;
}

static uint32_t used(const struct fw_use *use)
{
	const struct hashlimit *h = use->data;

	return (uint32_t)(offsetof(struct hashlimit, name) + strlen(h->name) + 1);
}

static void list_number(const struct fw_use *use, unsigned int row, uint32_t value,
			struct fw_buf *out)
{
	if (fw_use_has(use, row))
		fw_buf_fmt(out, " %s %u", opts[row].name + strlen("hashlimit-"), value);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct hashlimit *h = use->data;
	uint64_t period = h->c.avg * (h->c.interval_s ? h->c.interval_s : 1);

	fw_buf_str(out, h->c.mode & HL_ABOVE ? " limit: above " : " limit: up to ");
	hl_print_rate(&h->c, period, out);
	if (fw_use_has(use, BURST)) {
		fw_buf_str(out, " burst ");
		print_burst(opts, use, family, out);
	}
	if (fw_use_has(use, MODE)) {
		fw_buf_str(out, " mode ");
		print_modes(h->c.mode, '-', out);
	}
	list_number(use, SIZE, h->c.size, out);
	list_number(use, MAX, h->c.max, out);
	list_number(use, GCINTERVAL, h->c.gc_ms, out);
	if (h->c.expire_ms != default_expire_ms(&h->c, period))
		fw_buf_fmt(out, " htable-expire %u", h->c.expire_ms);
	list_number(use, SRCMASK, h->c.srcmask, out);
	list_number(use, DSTMASK, h->c.dstmask, out);
	if (fw_use_has(use, RATE_MATCH))
		fw_buf_str(out, " rate-match");
	list_number(use, INTERVAL, h->c.interval_s, out);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	const struct hashlimit *h = use->data;
	struct state *s = use->state;

	s->table = hl_get(world, h->name, &h->c, now, err);
	return s->table ? 0 : fw_fail(err, FW_ERR_RESOURCE, "hashlimit: no memory");
}

static void detach(const struct fw_use *use, struct fw_world *world)
{
	struct state *s = use->state;

	if (s->table)
		hl_put(world, s->table);
	s->table = NULL;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct hashlimit *h = use->data;
	const struct state *s = use->state;
	const int within = s->table ? hl_within(s->table, h->c.mode, e) : 1;

	if (within < 0) {
		e->hotdrop = true;
		return false;
	}
	return within != !!(h->c.mode & HL_ABOVE);
}

const struct fw_ext fw_match_hashlimit = {
	.name = "hashlimit", .summary = "a limit for each source, destination or port",
	.flags = FW_EXT_STATEFUL,
	.size = sizeof(struct hashlimit), .state_size = sizeof(struct state), .opts = opts, .init = init,
	.check = check, .used = used, .list = list, .attach = attach, .detach = detach, .match = match,
};
