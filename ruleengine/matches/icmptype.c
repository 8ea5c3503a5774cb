/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP types in words (icmptype.h).  A name may be cut short as long as it stays clear, as
 * iptables lets one do; what is no name is TYPE[/CODE[:CODE]].
 */
#include "matches/icmptype.h"

#include <string.h>
#include <strings.h>

#include "matches/fields.h"

static int unknown(const char *what, const struct fw_opt *opt, const struct fw_use *use,
		   const char *word, struct fw_err *err)
{
	int r = fw_opt_refuse(err, use, opt, word, "is neither a known type nor TYPE[/CODE]");

	fw_err_hint(err, "the names of types: fwctl help %s", use->ext->name);
	fw_err_words(err, "Unknown %s type `%s'", what, word);
	return r;
}

static int parse_numbers(const char *word, struct icmptype *t)
{
	uint64_t type, code[2];
	const char *end = fw_scan_u64(word, &type);

	if (!end || type > UINT8_MAX || (*end && *end != '/'))
		return -1;
	code[0] = 0;
	code[1] = UINT8_MAX;
	if (*end && (!end[1] || fw_parse_range(end + 1, ':', 0, UINT8_MAX, code)))
		return -1;
	t->type = (uint8_t)type;
	t->code[0] = (uint8_t)code[0];
	t->code[1] = (uint8_t)code[1];
	return 0;
}

int icmptype_parse(const struct icmp_name *names, const char *what, const struct fw_opt *opt,
		   struct fw_use *use, const char *word, struct fw_err *err)
{
	struct icmptype *t = use->data;
	const struct icmp_name *found = NULL;
	size_t len = strlen(word);
	int r;

	if (len && !parse_numbers(word, t))
		return 0;
	for (const struct icmp_name *n = names; len && n->name; n++) {
		if (strncasecmp(n->name, word, len))
			continue;
		if (found) {
			r = fw_opt_refuse(err, use, opt, word, "may mean more than one type");
			fw_err_words(err, "Ambiguous %s type `%s': `%s' or `%s'?", what, word,
				     found->name, n->name);
			return r;
		}
		found = n;
	}
	if (!found)
		return unknown(what, opt, use, word, err);
	t->type = found->type;
	t->code[0] = found->code_lo;
	t->code[1] = found->code_hi;
	return 0;
}

void icmptype_print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		    struct fw_buf *out)
{
	const struct icmptype *t = use->data;

	if (family == FW_IP4 && t->type == UINT8_MAX && !t->code[0] && t->code[1] == UINT8_MAX) {
		fw_buf_str(out, "any");
		return;
	}
	fw_buf_u64(out, t->type);
	if (!t->code[0] && t->code[1] == UINT8_MAX)
		return;
	fw_buf_char(out, '/');
	fw_print_range(t->code[0], t->code[1], ':', out);
}

void icmptype_list(const struct icmp_name *names, const struct fw_use *use, bool numeric,
		   struct fw_buf *out)
{
	const struct icmptype *t = use->data;
	bool inverted = fw_use_inv(use, 0);

	for (const struct icmp_name *n = names; !numeric && n->name; n++)
		if (n->type == t->type && n->code_lo == t->code[0] && n->code_hi == t->code[1]) {
			fw_buf_str(out, inverted ? " !" : " ");
			fw_buf_str(out, n->name);
			return;
		}
	fw_buf_fmt(out, "%stype %u", inverted ? " !" : "", t->type);
	if (t->code[0] == t->code[1])
		fw_buf_fmt(out, " code %u", t->code[0]);
	else if (t->code[0] || t->code[1] != UINT8_MAX)
		fw_buf_fmt(out, " codes %u-%u", t->code[0], t->code[1]);
}

bool icmptype_fields(const struct fw_use *use, struct fw_fields *f)
{
	const struct icmptype *t = use->data;
	uint32_t base = (uint32_t)t->type << 8;

	fields_range(f, FW_FIELD_ICMP, base | t->code[0], base | t->code[1], UINT16_MAX,
		     fw_use_inv(use, 0));
	return true;
}

void icmptype_help(const struct icmp_name *names, const char *what, struct fw_buf *out)
{
	fw_buf_fmt(out, "Valid %s Types:", what);
	for (const struct icmp_name *n = names; n->name; n++) {
		bool same_type = n > names && n->type == n[-1].type;

		if (same_type && n->code_lo == n[-1].code_lo && n->code_hi == n[-1].code_hi)
			fw_buf_fmt(out, " (%s)", n->name);
		else
			fw_buf_fmt(out, same_type ? "\n   %s" : "\n%s", n->name);
	}
	fw_buf_char(out, '\n');
}
