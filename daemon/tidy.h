/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory made faster, or given back, while nobody waits. */
#ifndef FWD_TIDY_H
#define FWD_TIDY_H

#include "core.h"

/* Give the tracker's tables huge pages, a few at a time.  Once a second; control thread. */
void fwd_tidy(struct fwd_core *core);

/* What has been edited, as tidying the heap knows it; zero at first. */
struct fwd_heap {
	uint64_t seen; /* the ruleset's generation, a second ago … */
	uint64_t tidied; /* … and when the heap was tidied last */
};

/* Give the system back what rulesets of before have left, once a second has passed without an edit.
 * Once a second; control thread. */
void fwd_tidy_heap(struct fwd_heap *heap, uint64_t generation);

#endif
