/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words about connections (ctwords.h). */
#include "matches/ctwords.h"

#include <string.h>
#include <strings.h>

#include "fw/classify.h"

const struct fw_opt_name ct_state_names[] = {
	{"INVALID", CT_INVALID},	 {"NEW", CT_NEW},	    {"RELATED", CT_RELATED},
	{"ESTABLISHED", CT_ESTABLISHED}, {"UNTRACKED", CT_UNTRACKED}, {"SNAT", CT_SNAT},
	{"DNAT", CT_DNAT},		 {NULL},
};

int ct_words_parse(const struct fw_opt_name *names, size_t n, const char *what,
		   const struct fw_opt *opt, const struct fw_use *use, const char *word,
		   uint8_t *mask, struct fw_err *err)
{
	const char *p = word;
	int r;

	for (;;) {
		size_t len = strcspn(p, ","), i = 0;

		while (i < n && (!len || strncasecmp(p, names[i].name, len)))
			i++;
		if (i == n)
			break;
		*mask |= (uint8_t)names[i].value;
		if (!p[len])
			return 0;
		p += len + 1;
	}
	r = fw_opt_refuse(err, use, opt, word, "is not a list of known words without spaces");
	fw_err_hint(err, "such as --%s %s,%s", opt->name, names[1].name, names[3].name);
	fw_err_words(err, "Bad %s \"%s\"", what, p);
	return r;
}

void ct_words_print(const struct fw_opt_name *names, unsigned int mask, struct fw_buf *out)
{
	const char *comma = "";

	for (; names->name; names++)
		if (mask & names->value) {
			fw_buf_str(out, comma);
			fw_buf_str(out, names->name);
			comma = ",";
		}
}

unsigned int ct_state_bit(enum fw_ctinfo ctinfo)
{
	switch (ctinfo) {
	case FW_CT_NEW: return CT_NEW;
	case FW_CT_ESTABLISHED:
	case FW_CT_ESTABLISHED_REPLY: return CT_ESTABLISHED;
	case FW_CT_RELATED:
	case FW_CT_RELATED_REPLY: return CT_RELATED;
	case FW_CT_UNTRACKED: return CT_UNTRACKED;
	default: return CT_INVALID;
	}
}

void ct_state_fields(unsigned int mask, bool inverted, struct fw_fields *f)
{
	fw_fields_begin(f, FW_FIELD_CTSTATE);
	for (unsigned int i = 0; i < FW_N_CTINFO; i++)
		if (!!(mask & ct_state_bit((enum fw_ctinfo)i)) != inverted)
			fw_fields_add(f, i, i);
	fw_fields_end(f);
}

int ct_state_by_source(unsigned int mask, bool inverted, const struct fw_source *src)
{
	unsigned int in = 0;

	for (unsigned int i = 0; i < FW_N_CTINFO; i++)
		if (!!(mask & ct_state_bit((enum fw_ctinfo)i)) != inverted)
			in |= 1u << i;
	if (!src->states || ((src->states & in) && (src->states & ~in)))
		return FW_MAYBE;
	return src->states & in ? FW_YES : FW_NO;
}
