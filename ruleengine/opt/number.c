/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and strings of option values (fw/opt.h): the small parsers and printers that option
 * kinds and custom options share.  Numbers are read as strtoul() with base 0 reads them, because
 * rules files in the wild say 0x10 and 010.
 */
#include <string.h>
#include <strings.h>

#include "fw/opt.h"
#include "opt/opt.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

const char *fw_scan_u64(const char *word, uint64_t *ret)
{
	unsigned int base = 10;
	const char *p = word;
	uint64_t value = 0;
	int digit;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	if (digit_value(*p) >= (int)base)
		return NULL;
	for (; (digit = digit_value(*p)) < (int)base; p++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return NULL;
	*ret = value;
	return p;
}

int fw_parse_u64(const char *word, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	const char *end = fw_scan_u64(word, &value);

	if (!end || *end || value < min || value > max)
		return -1;
	*ret = value;
	return 0;
}

/* The name under which a service is looked up for the rule's protocol; NULL: any. */
static const char *service_proto(uint8_t proto)
{
	switch (proto) {
	case 6: return "tcp";
	case 17: return "udp";
	case 33: return "dccp";
	case 132: return "sctp";
	case 136: return "udplite";
	default: return NULL;
	}
}

int fw_parse_port(const struct fw_parse_ctx *ctx, const char *word, uint16_t *ret,
		  struct fw_err *err)
{
	uint64_t value;
	int r;

	if (!fw_parse_u64(word, 0, UINT16_MAX, &value)) {
		*ret = (uint16_t)value;
		return 0;
	}
	if (*word && ctx->resolver && ctx->resolver->service &&
	    !ctx->resolver->service(ctx->resolver->priv, word, service_proto(ctx->proto), ret))
		return 0;
	if (digit_value(*word) < 10 || !*word)
		r = fw_fail(err, FW_ERR_USAGE, "'%s' is not in 0..65535", word);
	else
		r = fw_fail(err, FW_ERR_NAME, "nobody knows a service '%s'", word);
	fw_err_hint(err, "give a port number, or a name that /etc/services has for the protocol");
	fw_err_words(err, "invalid port/service `%s' specified", word);
	return r;
}

int fw_parse_range(const char *word, char sep, uint64_t min, uint64_t max, uint64_t ret[2])
{
	const char *p = word;

	ret[0] = min;
	ret[1] = max;
	if (*p != sep) {
		p = fw_scan_u64(p, &ret[0]);
		if (!p || ret[0] < min || ret[0] > max)
			return -1;
		if (!*p) {
			ret[1] = ret[0];
			return 0;
		}
		if (*p != sep)
			return -1;
	}
	p++;
	if (!*p)
		return 0;
	p = fw_scan_u64(p, &ret[1]);
	return p && !*p && ret[1] >= ret[0] && ret[1] <= max ? 0 : -1;
}

void fw_print_range(uint64_t lo, uint64_t hi, char sep, struct fw_buf *out)
{
	fw_buf_u64(out, lo);
	if (lo == hi)
		return;
	fw_buf_char(out, sep);
	fw_buf_u64(out, hi);
}

void fw_print_mark(uint32_t value, uint32_t mask, struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%x", value);
	if (mask != UINT32_MAX)
		fw_buf_fmt(out, "/0x%x", mask);
}

int fw_parse_mark(const char *word, uint32_t *value, uint32_t *mask)
{
	uint64_t v, m = UINT32_MAX;
	const char *end = fw_scan_u64(word, &v);

	if (!end || v > UINT32_MAX)
		return -1;
	if (*end == '/' && fw_parse_u64(end + 1, 0, UINT32_MAX, &m))
		return -1;
	if (*end && *end != '/')
		return -1;
	*value = (uint32_t)v;
	*mask = (uint32_t)m;
	return 0;
}

static bool bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-';
}

void fw_print_quoted(const char *s, struct fw_buf *out)
{
	const char *p = s;

	while (bare(*p))
		p++;
	if (!*p && p != s) {
		fw_buf_str(out, s);
		return;
	}
	fw_buf_char(out, '"');
	for (p = s; *p; p++) {
		if (*p == '"' || *p == '\\' || *p == '\'')
			fw_buf_char(out, '\\');
		fw_buf_char(out, *p);
	}
	fw_buf_char(out, '"');
}

uint32_t fw_parse_unit(const char *word)
{
	static const struct fw_opt_name units[] = {
		{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {NULL}};
	const size_t len = strlen(word);

	for (const struct fw_opt_name *u = units; len && u->name; u++)
		if (!strncasecmp(word, u->name, len))
			return (uint32_t)u->value;
	return 0;
}
