/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j REJECT: drop, and say so.  The engine only names the answer (struct fw_eval.reject); who
 * hosts it makes the packet.
 */
#include <netinet/in.h>
#include <strings.h>
#include <string.h>

#include "opt/opt.h"

struct reject {
	uint8_t with; /* enum fw_reject */
};

/* In the kernel's order: a word cut short means the first row that begins so. */
static const struct kind {
	const char *name, *alias, *help;
	enum fw_reject with;
} kinds[FW_N_FAMILIES][9] = {
	[FW_IP4] = {
		{"icmp-net-unreachable", "net-unreach", "ICMP network unreachable",
		 FW_REJECT_ICMP_NET_UNREACH},
		{"icmp-host-unreachable", "host-unreach", "ICMP host unreachable",
		 FW_REJECT_ICMP_HOST_UNREACH},
		{"icmp-proto-unreachable", "proto-unreach", "ICMP protocol unreachable",
		 FW_REJECT_ICMP_PROTO_UNREACH},
		{"icmp-port-unreachable", "port-unreach", "ICMP port unreachable (default)",
		 FW_REJECT_ICMP_PORT_UNREACH},
		{"icmp-net-prohibited", "net-prohib", "ICMP network prohibited",
		 FW_REJECT_ICMP_NET_PROHIBITED},
		{"icmp-host-prohibited", "host-prohib", "ICMP host prohibited",
		 FW_REJECT_ICMP_HOST_PROHIBITED},
		{"tcp-reset", "tcp-rst", "TCP RST packet",
		 FW_REJECT_TCP_RESET},
		{"icmp-admin-prohibited", "admin-prohib", "ICMP administratively prohibited",
		 FW_REJECT_ICMP_ADMIN_PROHIBITED},
		{NULL},
	},
	[FW_IP6] = {
		{"icmp6-no-route", "no-route", "ICMPv6 no route",
		 FW_REJECT_ICMP6_NO_ROUTE},
		{"icmp6-adm-prohibited", "adm-prohibited", "ICMPv6 administratively prohibited",
		 FW_REJECT_ICMP6_ADM_PROHIBITED},
		{"icmp6-addr-unreachable", "addr-unreach", "ICMPv6 address unreachable",
		 FW_REJECT_ICMP6_ADDR_UNREACH},
		{"icmp6-port-unreachable", "port-unreach", "ICMPv6 port unreachable (default)",
		 FW_REJECT_ICMP6_PORT_UNREACH},
		{"tcp-reset", "tcp-reset", "TCP RST packet",
		 FW_REJECT_TCP_RESET},
		{"icmp6-policy-fail", "policy-fail", "ICMPv6 policy fail",
		 FW_REJECT_ICMP6_POLICY_FAIL},
		{"icmp6-reject-route", "reject-route", "ICMPv6 reject route",
		 FW_REJECT_ICMP6_REJECT_ROUTE},
		{NULL},
	},
};

static int take_with(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct reject *reject = use->data;
	size_t len = strlen(words[0]);
	int r;

	for (const struct kind *k = kinds[ctx->family]; len && k->name; k++)
		if (!strncasecmp(k->name, words[0], len) || !strncasecmp(k->alias, words[0], len)) {
			reject->with = (uint8_t)k->with;
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0], "is no kind of answer");
	fw_err_hint(err, "the kinds: fwctl help REJECT");
	fw_err_words(err, "unknown reject type \"%s\"", words[0]);
	return r;
}

static const char *name_of(const struct fw_use *use, enum fw_family family)
{
	const struct reject *reject = use->data;

	for (const struct kind *k = kinds[family]; k->name; k++)
		if (k->with == reject->with)
			return k->name;
	return "?";
}

static void print_with(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	fw_buf_str(out, name_of(use, family));
}

enum { WITH };

static const struct fw_opt opts[] = {
	[WITH] = {.name = "reject-with", .kind = FW_OPT_CUSTOM, .parse = take_with,
		  .print = print_with, .arg = "type",
		  .help = "drop input packet and send back\n"
			  "\t\t\t\ta reply packet according to type:"},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct reject *reject = use->data;

	reject->with =
		ctx->family == FW_IP4 ? FW_REJECT_ICMP_PORT_UNREACH : FW_REJECT_ICMP6_PORT_UNREACH;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct reject *reject = use->data;
	int r;

	use->set |= 1ull << WITH; /* save always says the kind */
	if (reject->with != FW_REJECT_TCP_RESET ||
	    (ctx->proto == IPPROTO_TCP && !ctx->proto_inverted))
		return 0;
	r = fw_fail(err, FW_ERR_PLACE, "REJECT: --reject-with tcp-reset is for TCP only");
	fw_err_hint(err, "add -p tcp to the rule");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_fmt(out, " reject-with %s", name_of(use, family));
}

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "Valid reject types:\n");
	for (const struct kind *k = kinds[family]; k->name; k++)
		fw_buf_fmt(out, "    %-25s\t%s\n    %-25s\talias\n", k->name, k->help, k->alias);
	fw_buf_char(out, '\n');
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct reject *reject = use->data;

	e->reject = (enum fw_reject)reject->with;
	return FW_DROP;
}

const struct fw_ext fw_target_reject = {
	.name = "REJECT", .target = true, .summary = "drop, and tell the sender",
	.tables = FW_TABLE_BIT(FW_FILTER),
	.hooks = FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD) | FW_HOOK_BIT(FW_OUTPUT),
	.flags = FW_NEED_CSUM | FW_NEED_QUOTE,
	.size = sizeof(struct reject), .opts = opts, .init = init, .check = check, .list = list,
	.help = help, .run = run,
};
