/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the targets that translate share.
 *
 * A port shift (--to-destination A:1000-1999/3000) is DNAT's.  iptables takes it from SNAT and
 * MASQUERADE, too, and forgets the base, which it then prints as 0; and it prints 1000-1000/3000 as
 * 1000/3000.  Both are taken here, so that what was saved can be read.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "targets/natrange.h"

#define RANGE_TEXT 160

static int bad_port(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		    const char *word, const char *port)
{
	int r = fw_opt_refuse(err, use, opt, word, "is not PORT[-PORT]");

	fw_err_words(err, "Port `%s' not valid", port);
	return r;
}

static int garbage(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		   const char *word, const char *behind, const char *rest)
{
	int r = fw_opt_refuse(err, use, opt, word, "is not PORT[-PORT]");

	if (*rest == ':')
		fw_err_words(err, "Invalid port:port syntax - use dash");
	else
		fw_err_words(err, "Garbage after port %s: `%s'", behind, rest);
	return r;
}

static int refuse_shift(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
			const char *word)
{
	int r = fw_fail(err, FW_ERR_UNSUPPORTED, "%s: --%s: '%s': %s does not shift ports",
			use->ext->name, opt->name, word, use->ext->name);

	fw_err_hint(err, "DNAT does: --to-destination :FIRST-LAST/BASE");
	fw_err_words(err, "Shifted portmap ranges not supported with this kernel");
	return r;
}

/* The base of a shift; as with iptables, nobody looks at what follows the number. */
static int take_base(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     const char *word, const char *base, struct fw_err *err)
{
	struct fw_nat *nat = use->data;
	uint16_t port;
	uint64_t n;

	if (nat->kind == FW_NAT_REDIRECT)
		return refuse_shift(err, use, opt, word);
	if (fw_scan_u64(base, &n)) {
		if (n > UINT16_MAX || (!n && nat->kind == FW_NAT_DST))
			return bad_port(err, use, opt, word, base);
		port = (uint16_t)n;
	} else if (fw_parse_port(ctx, base, &port, err)) {
		return bad_port(err, use, opt, word, base);
	}
	nat->flags |= FW_NAT_OFFSET;
	nat->base_port = nat->kind == FW_NAT_DST ? port : 0;
	return 0;
}

/* PORT[-PORT[/PORT]]; a name may stand for a single port, and for the base. */
static int take_ports(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      const char *word, struct fw_err *err)
{
	struct fw_nat *nat = use->data;
	uint64_t lo, hi;
	const char *end = fw_scan_u64(word, &lo), *last = word;

	nat->flags |= FW_NAT_PORT;
	if (!end || lo > UINT16_MAX) {
		if (fw_parse_port(ctx, word, &nat->min_port, err))
			return bad_port(err, use, opt, word, word);
		nat->max_port = nat->min_port;
		return 0;
	}
	hi = lo;
	if (*end == '-') {
		last = end + 1;
		end = fw_scan_u64(last, &hi);
		if (!end || hi > UINT16_MAX)
			return bad_port(err, use, opt, word, last);
	}
	if (hi < lo) {
		int r = fw_opt_refuse(err, use, opt, word, "ends before it begins");

		fw_err_words(err, "Port range `%s' funky", last);
		return r;
	}
	if (*end && !(*end == '/' && (last != word || nat->kind != FW_NAT_REDIRECT)))
		return garbage(err, use, opt, word, last == word ? "value" : "range", end);
	nat->min_port = (uint16_t)lo;
	nat->max_port = (uint16_t)hi;
	return *end ? take_base(ctx, opt, use, word, end + 1, err) : 0;
}

int nat_take_ports(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		   bool inverted, const char *const *words, struct fw_err *err)
{
	return take_ports(ctx, opt, use, words[0], err);
}

/* Where the ports begin behind the addresses (the colon), or NULL.  IPv6 addresses with ports
 * stand in brackets, which are taken off; one colon alone is no IPv6 address. */
static char *cut(char *text, char **addresses, enum fw_family family)
{
	char *colon, *end;

	*addresses = text;
	if (*text == '[' && family == FW_IP6) {
		end = strchr(text, ']');
		if (!end)
			return NULL;
		*end = '\0';
		++*addresses;
		return end[1] == ':' ? end + 1 : NULL;
	}
	colon = strchr(text, ':');
	return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

int nat_take_range(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		   bool inverted, const char *const *words, struct fw_err *err)
{
	struct fw_nat *nat = use->data;
	char text[RANGE_TEXT], *addresses, *colon;
	int r;

	if (strlen(words[0]) < sizeof(text)) {
		strcpy(text, words[0]);
		colon = cut(text, &addresses, ctx->family);
		if (colon) {
			*colon = '\0';
			r = take_ports(ctx, opt, use, colon + 1, err);
			if (r || !*addresses)
				return r;
		}
		nat->flags |= FW_NAT_ADDR;
		if (!fw_parse_addr_range(addresses, ctx->family, &nat->min_addr, &nat->max_addr))
			return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not [ADDRESS[-ADDRESS]][:PORT[-PORT]]");
	fw_err_words(err, "Bad IP address \"%s\"", words[0]);
	return r;
}

static void print_ports(const struct fw_nat *nat, struct fw_buf *out)
{
	fw_buf_u64(out, nat->min_port);
	if (nat->max_port != nat->min_port) {
		fw_buf_char(out, '-');
		fw_buf_u64(out, nat->max_port);
	}
	if (nat->flags & FW_NAT_OFFSET) {
		fw_buf_char(out, '/');
		fw_buf_u64(out, nat->base_port);
	}
}

void nat_print_ports(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out)
{
	print_ports(use->data, out);
}

void nat_print_range(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out)
{
	const struct fw_nat *nat = use->data;
	const bool brackets = family == FW_IP6 && (nat->flags & FW_NAT_PORT);

	if (nat->flags & FW_NAT_ADDR) {
		fw_buf_str(out, brackets ? "[" : "");
		fw_print_addr(&nat->min_addr, family, out);
		if (memcmp(&nat->min_addr, &nat->max_addr, sizeof(nat->min_addr)) != 0) {
			fw_buf_char(out, '-');
			fw_print_addr(&nat->max_addr, family, out);
		}
		fw_buf_str(out, brackets ? "]" : "");
	}
	if (nat->flags & FW_NAT_PORT) {
		fw_buf_char(out, ':');
		print_ports(nat, out);
	}
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
		proto == IPPROTO_DCCP || proto == IPPROTO_ICMP;
}

int nat_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct fw_opt *opts = use->ext->opts;
	struct fw_nat *nat = use->data;
	int r;

	nat->family = (uint8_t)ctx->family;
	for (unsigned int i = 0; opts[i].name; i++)
		if (opts[i].kind == FW_OPT_FLAG && fw_use_has(use, i))
			nat->flags |= (uint16_t)opts[i].min;
	if (!(nat->flags & FW_NAT_PORT) || has_ports(ctx->proto))
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "%s: ports are for protocols that have some",
		    use->ext->name);
	fw_err_hint(err, "add -p tcp, udp, sctp or dccp to the rule");
	fw_err_words(err, "Need TCP, UDP, SCTP or DCCP with port specification");
	return r;
}

void nat_list(const struct fw_use *use, enum fw_family family, const char *head, bool ports,
	      struct fw_buf *out)
{
	const struct fw_opt *opts = use->ext->opts;
	const struct fw_nat *nat = use->data;

	if (nat->flags & (FW_NAT_ADDR | FW_NAT_PORT)) {
		fw_buf_str(out, head);
		if (ports)
			print_ports(nat, out);
		else
			nat_print_range(NULL, use, family, out);
	}
	for (unsigned int i = 0; opts[i].name; i++)
		if (opts[i].kind == FW_OPT_FLAG && fw_use_has(use, i))
			fw_buf_fmt(out, " %s", opts[i].name);
}

enum fw_verdict nat_run(const struct fw_use *use, struct fw_eval *e)
{
	e->nat = use;
	return FW_ACCEPT;
}
