/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m u32: numbers anywhere in the packet.
 *
 *	tests := location = values [&& tests]     all must hold
 *	location := number [operator number]...   32 bits at an offset from the IP header; & << >>
 *	                                          change them, @ takes them as a new offset's base
 *	values := number[:number] [, values]      one must fit
 *
 * What lies outside of the packet fails, so `!` holds for it.
 */
#include <errno.h>

#include "opt/opt.h"

#define MAX  10 /* of tests, of numbers in a location, of values */
#define ROOM (MAX + 1) /* one too many is read before it is refused, so that its place is told */

enum op { AND, LEFT, RIGHT, AT };

struct test {
	uint8_t n_nums, n_values;
	uint8_t op[ROOM]; /* of the number of the same place; the first has none */
	uint32_t num[ROOM];
	uint32_t min[ROOM], max[ROOM];
};

struct u32 {
	uint32_t n;
	struct test tests[ROOM];
};

enum { U32 };

/* Where in the text reading stands, and what it fills. */
struct reader {
	const char *text, *at;
	struct u32 *u;
	struct test *t;
	struct fw_err *err;
};

static int refuse(const struct reader *r, const char *why)
{
	const unsigned int place = (unsigned int)(r->at - r->text);

	fw_fail(r->err, FW_ERR_USAGE, "u32: --u32: at character %u: %s", place, why);
	fw_err_words(r->err, "u32: at char %u: %s", place, why);
	return -EINVAL;
}

static int refuse_end(const struct reader *r, const char *why)
{
	fw_fail(r->err, FW_ERR_USAGE, "u32: --u32: %s", why);
	fw_err_words(r->err, "u32: %s", why);
	return -EINVAL;
}

static void skip_blanks(struct reader *r)
{
	while (*r->at == ' ' || (*r->at >= '\t' && *r->at <= '\r'))
		r->at++;
}

static int read_number(struct reader *r, uint32_t *ret)
{
	const char *end;
	uint64_t value;

	skip_blanks(r);
	end = fw_scan_u64(r->at, &value);
	if (!end || value > UINT32_MAX)
		return refuse(r, "not a number or out of range");
	*ret = (uint32_t)value;
	r->at = end;
	return 0;
}

static int read_operator(struct reader *r, uint8_t *ret)
{
	const char c = *r->at;

	if (c != '&' && c != '<' && c != '>' && c != '@')
		return refuse(r, "operator expected");
	r->at++;
	*ret = c == '&' ? AND : c == '<' ? LEFT : c == '>' ? RIGHT : AT;
	if (c == '&' || c == '@')
		return 0;
	if (*r->at != c)
		return refuse(r,
			      c == '<' ? "a second '<' was expected" : "a second '>' was expected");
	r->at++;
	return 0;
}

static int read_location(struct reader *r)
{
	struct test *t = r->t;

	for (skip_blanks(r); *r->at != '='; skip_blanks(r)) {
		if (!*r->at)
			return refuse_end(r, "abrupt end of input after location specifier");
		if ((t->n_nums && read_operator(r, &t->op[t->n_nums])) ||
		    read_number(r, &t->num[t->n_nums]))
			return -EINVAL;
		if (++t->n_nums > MAX)
			return refuse(r, "too many operators");
	}
	if (!t->n_nums)
		return refuse(r, "location spec missing");
	r->at++;
	return 0;
}

static int read_value(struct reader *r)
{
	struct test *t = r->t;

	if (t->n_values && *r->at++ != ',')
		return r->at--, refuse(r, "expected \",\" or \"&&\"");
	if (read_number(r, &t->min[t->n_values]))
		return -EINVAL;
	skip_blanks(r);
	t->max[t->n_values] = t->min[t->n_values];
	if (*r->at == ':') {
		r->at++;
		if (read_number(r, &t->max[t->n_values]))
			return -EINVAL;
	}
	return ++t->n_values > MAX ? refuse(r, "too many \",\"s") : 0;
}

/* Up to the end of the text, or behind the && of the next test. */
static int read_values(struct reader *r)
{
	for (skip_blanks(r); *r->at && *r->at != '&'; skip_blanks(r))
		if (read_value(r))
			return -EINVAL;
	if (*r->at && *++r->at != '&')
		return refuse(r, "a second '&' was expected");
	if (r->t->n_values) {
		r->at += *r->at == '&';
		return 0;
	}
	return *r->at ? refuse(r, "value spec missing")
		      : refuse_end(r, "test ended with no value specified");
}

/* A shift by 32 or more has no meaning; the kernel refuses it. */
static bool shifts_too_far(const struct test *t)
{
	for (unsigned int i = 1; i < t->n_nums; i++)
		if ((t->op[i] == LEFT || t->op[i] == RIGHT) && t->num[i] > 31)
			return true;
	return false;
}

static int take_tests(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct reader r = {.text = words[0], .at = words[0], .u = use->data, .err = err};

	do {
		const char *before = r.at;

		r.t = &r.u->tests[r.u->n++];
		if (read_location(&r) || read_values(&r))
			return -EINVAL;
		if (shifts_too_far(r.t))
			return fw_fail(err, FW_ERR_PLACE,
				       "u32: --u32: '%.*s' shifts by more than 31 bits",
				       (int)(r.at - before), before);
		if (r.u->n > MAX)
			return r.at -= *r.at != 0, refuse(&r, "too many \"&&\"s");
	} while (*r.at || r.at[-1] == '&');
	return 0;
}

static void print_test(const struct test *t, struct fw_buf *out)
{
	static const char *const ops[] = {[AND] = "&", [LEFT] = "<<", [RIGHT] = ">>", [AT] = "@"};

	fw_buf_fmt(out, "0x%x", t->num[0]);
	for (unsigned int i = 1; i < t->n_nums; i++)
		fw_buf_fmt(out, "%s0x%x", ops[t->op[i]], t->num[i]);
	for (unsigned int i = 0; i < t->n_values; i++) {
		fw_buf_fmt(out, "%c0x%x", i ? ',' : '=', t->min[i]);
		if (t->max[i] != t->min[i])
			fw_buf_fmt(out, ":0x%x", t->max[i]);
	}
}

static void print_tests(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct u32 *u = use->data;

	fw_buf_char(out, '"');
	for (uint32_t i = 0; i < u->n; i++) {
		if (i)
			fw_buf_str(out, "&&");
		print_test(&u->tests[i], out);
	}
	fw_buf_char(out, '"');
}

static const struct fw_opt opts[] = {
	[U32] = {.name = "u32", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		 .parse = take_tests, .print = print_tests, .arg = "tests",
		 .help = "tests := location \"=\" value | tests \"&&\" location \"=\" value"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out,
		   "\t\tvalue := range | value \",\" range\n"
		   "\t\trange := number | number \":\" number\n"
		   "\t\tlocation := number | location operator number\n"
		   "\t\toperator := \"&\" | \"<<\" | \">>\" | \"@\"\n");
}

static uint32_t used(const struct fw_use *use)
{
	const struct u32 *u = use->data;

	return (uint32_t)(offsetof(struct u32, tests) + u->n * sizeof(u->tests[0]));
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, fw_use_inv(use, U32) ? " u32 ! " : " u32 ");
	print_tests(opts, use, family, out);
}

static bool load(const struct fw_packet *pkt, uint64_t off, uint32_t *ret)
{
	const uint8_t *p = off < UINT32_MAX ? fw_packet_bytes(pkt, (uint32_t)off, 4) : NULL;

	if (!p)
		return false;
	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return true;
}

static bool holds(const struct test *t, const struct fw_packet *pkt)
{
	uint64_t base = 0;
	uint32_t value;

	if (!load(pkt, t->num[0], &value))
		return false;
	for (unsigned int i = 1; i < t->n_nums; i++) {
		switch (t->op[i]) {
		case AND: value &= t->num[i]; break;
		case LEFT: value <<= t->num[i]; break;
		case RIGHT: value >>= t->num[i]; break;
		default:
			base += value;
			if (!load(pkt, base + t->num[i], &value))
				return false;
		}
	}
	for (unsigned int i = 0; i < t->n_values; i++)
		if (t->min[i] <= value && value <= t->max[i])
			return true;
	return false;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct u32 *u = use->data;
	bool all = true;

	for (uint32_t i = 0; i < u->n && all; i++)
		all = holds(&u->tests[i], e->pkt);
	return all != fw_use_inv(use, U32);
}

const struct fw_ext fw_match_u32 = {
	.name = "u32", .summary = "numbers anywhere in the packet", .flags = FW_NEED_PAYLOAD,
	.size = sizeof(struct u32), .opts = opts, .help = help, .used = used, .list = list,
	.match = match,
};
