/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m string: does the packet contain these bytes?
 *
 * Offsets count from the IP header, and the whole text must lie in front of --to.  The kernel's
 * two algorithms find the same, so --algo is kept only for what is printed.  Its third, fsm, takes
 * tables that no command line can carry.
 */
#include <errno.h>
#include <string.h>

#include "opt/opt.h"

#define PATTERN_MAX 128

struct string {
	uint16_t from, to;
	uint8_t algo, len;
	uint8_t pattern[PATTERN_MAX];
	uint8_t border[PATTERN_MAX]; /* --icase: see find_folded() */
};

enum { STRING, HEX, ALGO, FROM, TO, ICASE };

static const struct fw_opt_name algos[] = {{"bm", 0}, {"kmp", 1}, {NULL}};

static int hex(char c)
{
	return c >= '0' && c <= '9'		     ? c - '0'
		: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						     : -1;
}

static int too_long(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		    const char *word)
{
	int r = fw_opt_refuse(err, use, opt, word, "has more than 128 bytes");

	fw_err_words(err, "STRING too long \"%s\"", word);
	return r;
}

static int take_string(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	struct string *s = use->data;
	size_t len = strlen(words[0]);

	if (len > PATTERN_MAX)
		return too_long(err, use, opt, words[0]);
	s->len = (uint8_t)len;
	memcpy(s->pattern, words[0], len);
	return 0;
}

static int bad_hex(struct fw_err *err, const struct fw_use *use, const char *word, const char *why)
{
	int r = fw_opt_refuse(err, use, &use->ext->opts[HEX], word, "is not TEXT|HEX|TEXT");

	fw_err_words(err, "%s", why);
	return r;
}

/* The two digits at p, and blanks behind them, are one byte; p moves behind.  -1: refused. */
static int take_hex_byte(const char **p, const struct fw_use *use, const char *word,
			 struct fw_err *err)
{
	char why[32] = "Invalid hex char ' '";
	int value = 0;

	if (!(*p)[1])
		return bad_hex(err, use, word, "Odd number of hex digits"), -1;
	if (!(*p)[2])
		return bad_hex(err, use, word, "Invalid hex block"), -1;
	for (int i = 0; i < 2; i++) {
		if (hex((*p)[i]) < 0) {
			why[18] = (*p)[i];
			return bad_hex(err, use, word, why), -1;
		}
		value = value << 4 | hex((*p)[i]);
	}
	*p += (*p)[2] == ' ' ? 3 : 2;
	return value;
}

/* Text with |hexadecimal bytes|; outside of those a backslash takes the next character as it is. */
static int take_hex(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	struct string *s = use->data;
	const char *p = words[0];
	bool in_hex = false;
	int value;

	if (!*p)
		return bad_hex(err, use, p, "STRING must contain at least one char");
	while (*p) {
		/* iptables refuses the last bar, too, and so cannot load what it has saved */
		if (s->len == PATTERN_MAX && strcmp(p, "|") != 0)
			return too_long(err, use, opt, words[0]);
		if (*p == '\\' && in_hex)
			return bad_hex(err, use, words[0], "Cannot include literals in hex data");
		if (*p == '|') {
			in_hex = !in_hex;
			while (in_hex && p[1] == ' ')
				p++;
			if (!*++p)
				break;
		}
		if (*p == '\\' && !in_hex && !*++p)
			return bad_hex(err, use, words[0],
				       "Bad literal placement at end of string");
		value = in_hex ? take_hex_byte(&p, use, words[0], err) : (uint8_t)*p++;
		if (value < 0)
			return -EINVAL;
		s->pattern[s->len++] = (uint8_t)value;
	}
	return 0;
}

static int take_algo(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct string *s = use->data;
	int r;

	for (const struct fw_opt_name *n = algos; n->name; n++)
		if (!strcmp(n->name, words[0])) {
			s->algo = (uint8_t)n->value;
			return 0;
		}
	r = fw_fail(err, FW_ERR_PLACE, "string: --algo: '%s' is none of bm kmp", words[0]);
	fw_err_hint(err, "both find the same; bm is what most rules have");
	if (strcmp(words[0], "fsm"))
		fw_err_words(err, "No chain/target/match by that name.");
	return r;
}

static void print_string(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	const struct string *s = use->data;

	fw_buf_char(out, '"');
	for (uint8_t i = 0; i < s->len; i++) {
		if (s->pattern[i] == '"' || s->pattern[i] == '\\')
			fw_buf_char(out, '\\');
		fw_buf_char(out, (char)s->pattern[i]);
	}
	fw_buf_char(out, '"');
}

static void print_hex(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	const struct string *s = use->data;

	fw_buf_str(out, "\"|");
	for (uint8_t i = 0; i < s->len; i++)
		fw_buf_fmt(out, "%02x", s->pattern[i]);
	fw_buf_str(out, "|\"");
}

static void print_algo(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	fw_buf_str(out, algos[((const struct string *)use->data)->algo].name);
}

static const struct fw_opt opts[] = {
	[STRING] = {.name = "string", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		    .excludes = 1 << HEX, .parse = take_string, .print = print_string,
		    .arg = "string", .help = "Match a string in a packet"},
	[HEX] = {.name = "hex-string", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .excludes = 1 << STRING, .parse = take_hex, .print = print_hex, .arg = "string",
		 .help = "Match a hex string in a packet"},
	[ALGO] = {.name = "algo", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		  .parse = take_algo, .print = print_algo, .arg = "bm|kmp", .help = "Algorithm"},
	[FROM] = {.name = "from", .kind = FW_OPT_U16, .offset = offsetof(struct string, from),
		  .arg = "offset", .help = "Offset to start searching from"},
	[TO] = {.name = "to", .kind = FW_OPT_U16, .offset = offsetof(struct string, to),
		.arg = "offset", .help = "Offset to stop searching"},
	[ICASE] = {.name = "icase", .kind = FW_OPT_FLAG, .help = "Ignore case (default: 0)"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct string *)use->data)->to = UINT16_MAX;
}

/* As the kernel's toupper(), which knows Latin-1. */
static uint8_t upper(uint8_t c)
{
	bool lower = (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);

	return lower ? c - 32 : c;
}

/* border[i]: how long the longest beginning of the text is that also ends at i, but is shorter. */
static void find_borders(struct string *s)
{
	uint8_t k = 0;

	for (uint8_t i = 1; i < s->len; i++) {
		while (k && upper(s->pattern[k]) != upper(s->pattern[i]))
			k = s->border[k - 1];
		if (upper(s->pattern[k]) == upper(s->pattern[i]))
			k++;
		s->border[i] = k;
	}
}

/* Which of both spellings iptables prints. */
static bool is_binary(const struct string *s)
{
	for (uint8_t i = 0; i < s->len; i++)
		if (s->pattern[i] < 0x20 || s->pattern[i] > 0x7e)
			return true;
	return s->pattern[s->len - 1] == '\\';
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct string *s = use->data;
	int r;

	if (!fw_use_has(use, STRING) && !fw_use_has(use, HEX)) {
		r = fw_fail(err, FW_ERR_USAGE,
			    "string: neither --string nor --hex-string is given");
		fw_err_words(err, "STRING match: You must specify `--string' or `--hex-string'");
		return r;
	}
	if (!s->len)
		return fw_fail(err, FW_ERR_PLACE, "string: there is nothing to look for");
	if (s->from > s->to)
		return fw_fail(err, FW_ERR_PLACE, "string: --to %u lies before --from %u", s->to,
			       s->from);
	if (is_binary(s))
		fw_use_move(use, STRING, HEX);
	else
		fw_use_move(use, HEX, STRING);
	if (!s->from)
		use->set &= ~(1ull << FROM);
	if (s->to == UINT16_MAX)
		use->set &= ~(1ull << TO);
	if (fw_use_has(use, ICASE))
		find_borders(s);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct string *s = use->data;

	fw_buf_str(out, use->inv ? " STRING match ! " : " STRING match  ");
	if (fw_use_has(use, HEX))
		print_hex(NULL, use, family, out);
	else
		print_string(NULL, use, family, out);
	fw_buf_fmt(out, " ALGO name %s", algos[s->algo].name);
	if (s->from)
		fw_buf_fmt(out, " FROM %u", s->from);
	if (s->to != UINT16_MAX)
		fw_buf_fmt(out, " TO %u", s->to);
	if (fw_use_has(use, ICASE))
		fw_buf_str(out, " ICASE");
}

/* Knuth, Morris and Pratt: no byte is looked at more than twice, whoever sends it. */
static bool find_folded(const struct string *s, const uint8_t *text, uint32_t len)
{
	uint8_t k = 0;

	for (uint32_t i = 0; i < len; i++) {
		const uint8_t c = upper(text[i]);

		while (k && upper(s->pattern[k]) != c)
			k = s->border[k - 1];
		if (upper(s->pattern[k]) == c && ++k == s->len)
			return true;
	}
	return false;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct string *s = use->data;
	const struct fw_packet *pkt = e->pkt;
	const uint32_t end = s->to < pkt->cap_len ? s->to : pkt->cap_len;
	const uint32_t len = end > s->from ? end - s->from : 0;
	bool found;

	if (fw_use_has(use, ICASE))
		found = find_folded(s, pkt->data + s->from, len);
	else
		found = len && memmem(pkt->data + s->from, len, s->pattern, s->len);
	return found != !!use->inv;
}

const struct fw_ext fw_match_string = {
	.name = "string", .summary = "bytes anywhere in the packet", .flags = FW_NEED_PAYLOAD,
	.size = sizeof(struct string), .opts = opts, .init = init, .check = check, .list = list,
	.match = match,
};
