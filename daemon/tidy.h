/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory made faster while nobody waits. */
#ifndef FWD_TIDY_H
#define FWD_TIDY_H

#include "core.h"

/* Give the tracker's tables huge pages, a few at a time.  Once a second; control thread. */
void fwd_tidy(struct fwd_core *core);

#endif
