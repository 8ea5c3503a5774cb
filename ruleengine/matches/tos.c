/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m tos: the TOS or traffic class byte under a mask; the old names of IPv4's TOS. */
#include <strings.h>

#include "opt/opt.h"

#define SYMBOL_MASK 0x3f

struct tos {
	uint8_t value, mask;
};

enum { TOS };

static const struct fw_opt_name symbols[] = {
	{"Minimize-Delay", 0x10}, {"Maximize-Throughput", 0x08}, {"Maximize-Reliability", 0x04},
	{"Minimize-Cost", 0x02},  {"Normal-Service", 0x00},	 {NULL},
};

static int take_tos(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	struct tos *t = use->data;
	uint64_t value, mask = UINT8_MAX;
	const char *end = fw_scan_u64(words[0], &value);
	int r;

	if (end && value <= UINT8_MAX &&
	    (!*end || (*end == '/' && !fw_parse_u64(end + 1, 0, UINT8_MAX, &mask)))) {
		*t = (struct tos){(uint8_t)value, (uint8_t)mask};
		return 0;
	}
	for (const struct fw_opt_name *n = symbols; n->name; n++)
		if (!strcasecmp(n->name, words[0])) {
			*t = (struct tos){(uint8_t)n->value, SYMBOL_MASK};
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0],
			  "is neither VALUE[/MASK] of 8 bits nor a known name");
	fw_err_hint(err, "the names: iptables -m tos --help");
	fw_err_words(err, "Symbolic name \"%s\" is unknown", words[0]);
	return r;
}

static void print_tos(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	const struct tos *t = use->data;

	fw_buf_fmt(out, "0x%02x/0x%02x", t->value, t->mask);
}

static const struct fw_opt opts[] = {
	[TOS] = {.name = "tos", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		 .parse = take_tos, .print = print_tos, .arg = "value[/mask]|symbol",
		 .help = "Match Type of Service/Priority field value"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "                          Accepted symbolic names for value are:\n");
	for (const struct fw_opt_name *n = symbols; n->name; n++)
		fw_buf_fmt(out, "                          (0x%02x) %2u %s\n",
			   (unsigned int)n->value, (unsigned int)n->value, n->name);
	fw_buf_char(out, '\n');
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct tos *t = use->data;

	fw_buf_str(out, fw_use_inv(use, TOS) ? " tos match!" : " tos match");
	for (const struct fw_opt_name *n = symbols; !numeric && t->mask == SYMBOL_MASK && n->name;
	     n++)
		if (n->value == t->value) {
			fw_buf_fmt(out, " %s", n->name);
			return;
		}
	print_tos(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct tos *t = use->data;

	return ((e->pkt->tos & t->mask) == t->value) != fw_use_inv(use, TOS);
}

const struct fw_ext fw_match_tos = {
	.name = "tos", .summary = "the TOS or traffic class byte",
	.size = sizeof(struct tos), .opts = opts, .help = help, .list = list, .match = match,
};
