/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One key and its value, wherever they were written; between config.c and keys.c. */
#ifndef FWD_KEYS_H
#define FWD_KEYS_H

#include "config.h"

/* Is there such a key? */
bool fwd_options_know(const char *name);
/* Set a key.  0; -ENOENT with err: there is no such key; -EINVAL with err: it cannot be this value.
 */
int fwd_options_take(struct fwd_options *o, const char *name, const char *value,
		     struct fw_err *err);

#endif
