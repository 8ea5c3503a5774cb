/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small words in which matches tell the classifier what they ask (fw/classify.h). */
#ifndef MATCHES_FIELDS_H
#define MATCHES_FIELDS_H

#include "fw/classify.h"

/* lo..hi of a field that goes up to max; inverted: everything else. */
static inline void fields_range(struct fw_fields *f, enum fw_field field, uint32_t lo, uint32_t hi,
				uint32_t max, bool inverted)
{
	fw_fields_begin(f, field);
	if (!inverted) {
		fw_fields_add(f, lo, hi);
	} else {
		if (lo)
			fw_fields_add(f, 0, lo - 1);
		if (hi < max)
			fw_fields_add(f, hi + 1, max);
	}
	fw_fields_end(f);
}

#endif
