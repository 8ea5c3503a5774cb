/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devgroup and realm share: VALUE[/MASK], where 0 has a name of its own. */
#ifndef MATCHES_VALMASK_H
#define MATCHES_VALMASK_H

#include <string.h>

#include "opt/opt.h"

struct valmask {
	uint32_t value, mask;
};

/* Other names stand in files of iproute2, which only its own tools read. */
static inline int valmask_take(struct fw_use *use, const struct fw_opt *opt, const char *word,
			       const char *zero, struct fw_err *err)
{
	struct valmask *v = (struct valmask *)((uint8_t *)use->data + opt->offset);
	int r;

	if (!strcmp(word, zero)) {
		*v = (struct valmask){0, UINT32_MAX};
		return 0;
	}
	if (!fw_parse_mark(word, &v->value, &v->mask))
		return 0;
	r = fw_opt_refuse(err, use, opt, word, "is not VALUE[/MASK] of 32 bits");
	fw_err_hint(err, "write the number in place of a name");
	fw_err_words(err, "%s: could not map name %s to an integer value for option \"--%s\".",
		     use->ext->name, word, opt->name);
	return r;
}

static inline void valmask_print(const struct valmask *v, const char *zero, struct fw_buf *out)
{
	if (zero && !v->value && v->mask == UINT32_MAX)
		fw_buf_str(out, zero);
	else
		fw_print_mark(v->value, v->mask, out);
}

static inline bool valmask_fits(const struct valmask *v, uint32_t value)
{
	return !((v->value ^ value) & v->mask);
}

#endif
