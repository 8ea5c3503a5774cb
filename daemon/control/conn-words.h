/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a conn request, between verb-conn.c and conn-words.c. */
#ifndef FWD_CONTROL_CONN_WORDS_H
#define FWD_CONTROL_CONN_WORDS_H

#include "control/verbs.h"
#include "fw/ct.h"

struct fwd_conn_words {
	struct fw_ct_filter filter; /* points into this struct */
	char state[24];
};

/* KEY VALUE pairs from word `first` on.  0, or -EINVAL with err. */
int fwd_conn_words(const struct fwd_call *call, unsigned int first, struct fwd_conn_words *ret,
		   struct fw_err *err);

#endif
