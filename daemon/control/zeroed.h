/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `save … zero`: rules printed with what their counters were when they were zeroed.
 *
 * To read a counter and to zero it must be one step, or packets between the two would be counted
 * nowhere; and printing 100,000 rules under the engine lock would stop packets for tens of
 * milliseconds.  So zeroing is an edit (a -Z like any other, journaled too) that tells what each
 * counter was, and the text is printed from a copy afterwards.
 *
 *	fwd_zeroed_new  ►  fwd_zeroed_text  ►  the edit, with fwd_zeroed_note  ►  fwd_zeroed_print
 *
 * Control thread.
 */
#ifndef FWD_CONTROL_ZEROED_H
#define FWD_CONTROL_ZEROED_H

#include "fw/text.h"
#include "fw/tx.h"

struct fwd_zeroed;

/* All counters as they are now.  table: the only one, or -1: those that `save_flags` (FW_SAVE_*)
 * prints.  rs must live as long.  NULL: no memory. */
struct fwd_zeroed *fwd_zeroed_new(const struct fw_ruleset *rs, enum fw_family family, int table,
				  unsigned int save_flags);
/* The edit that zeroes them, or only those of a chain, or of a rule of it (else NULL). */
void fwd_zeroed_text(const struct fwd_zeroed *z, const char *chain, const char *number,
		     struct fw_buf *text);
/* For fw_tx_set_counters(): priv is the fwd_zeroed. */
fw_tx_counted fwd_zeroed_note;
/* counters: rules', too, and not only policies'. */
void fwd_zeroed_print(const struct fwd_zeroed *z, bool counters, struct fw_buf *out);
void fwd_zeroed_free(struct fwd_zeroed *z); /* NULL is fine */

#endif
