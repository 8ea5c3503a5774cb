/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for TOS and DSCP. */
#include "opt/dsfield.h"

#include <strings.h>

static const struct fw_opt_name symbols[] = {
	{"Minimize-Delay", 0x10}, {"Maximize-Throughput", 0x08}, {"Maximize-Reliability", 0x04},
	{"Minimize-Cost", 0x02},  {"Normal-Service", 0x00},	 {NULL},
};

static const struct fw_opt_name classes[] = {
	{"CS0", 0x00},	{"CS1", 0x08},	{"CS2", 0x10},	{"CS3", 0x18},	{"CS4", 0x20},
	{"CS5", 0x28},	{"CS6", 0x30},	{"CS7", 0x38},	{"BE", 0x00},	{"AF11", 0x0a},
	{"AF12", 0x0c}, {"AF13", 0x0e}, {"AF21", 0x12}, {"AF22", 0x14}, {"AF23", 0x16},
	{"AF31", 0x1a}, {"AF32", 0x1c}, {"AF33", 0x1e}, {"AF41", 0x22}, {"AF42", 0x24},
	{"AF43", 0x26}, {"EF", 0x2e},	{NULL},
};

static const struct fw_opt_name *find(const struct fw_opt_name *names, const char *word)
{
	for (; names->name; names++)
		if (!strcasecmp(names->name, word))
			return names;
	return NULL;
}

int fw_parse_tos(const char *word, uint8_t *value, uint8_t *mask)
{
	const struct fw_opt_name *n = find(symbols, word);
	uint64_t v, m = UINT8_MAX;
	const char *end;

	if (n) {
		*value = (uint8_t)n->value;
		*mask = FW_TOS_SYMBOL_MASK;
		return 0;
	}
	end = fw_scan_u64(word, &v);
	if (!end || v > UINT8_MAX)
		return -1;
	if (*end && (*end != '/' || fw_parse_u64(end + 1, 0, UINT8_MAX, &m)))
		return -1;
	*value = (uint8_t)v;
	*mask = (uint8_t)m;
	return 0;
}

int fw_opt_refuse_tos(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		      const char *word)
{
	int r = fw_opt_refuse(err, use, opt, word,
			      "is neither VALUE[/MASK] of 8 bits nor a known name");

	fw_err_hint(err, "the names: iptables -%c %s --help", use->ext->target ? 'j' : 'm',
		    use->ext->name);
	fw_err_words(err, "Symbolic name \"%s\" is unknown", word);
	return r;
}

const char *fw_tos_symbol(uint8_t value, uint8_t mask)
{
	if (mask == FW_TOS_SYMBOL_MASK)
		for (const struct fw_opt_name *n = symbols; n->name; n++)
			if (n->value == value)
				return n->name;
	return NULL;
}

void fw_tos_help(const char *indent, struct fw_buf *out)
{
	fw_buf_fmt(out, "%sAccepted symbolic names for value are:\n", indent);
	for (const struct fw_opt_name *n = symbols; n->name; n++)
		fw_buf_fmt(out, "%s(0x%02x) %2u %s\n", indent, (unsigned int)n->value,
			   (unsigned int)n->value, n->name);
	fw_buf_char(out, '\n');
}

int fw_take_dscp_class(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	const struct fw_opt_name *n = find(classes, words[0]);
	struct fw_dscp *d = use->data;
	int r;

	if (n) {
		d->value = (uint8_t)n->value;
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is none of BE, EF, AFxx, CSx");
	fw_err_words(err, "Invalid DSCP value `%s'", words[0]);
	return r;
}

void fw_print_dscp(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		   struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%02x", ((const struct fw_dscp *)use->data)->value);
}
