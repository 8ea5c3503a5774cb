/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What state and conntrack share: lists of words such as NEW,ESTABLISHED, and a packet's state. */
#ifndef MATCHES_CTWORDS_H
#define MATCHES_CTWORDS_H

#include "fw/source.h"
#include "opt/opt.h"

/* The state of a packet as a mask; SNAT and DNAT come from its flow. */
#define CT_INVALID     0x01u
#define CT_NEW         0x02u
#define CT_RELATED     0x04u
#define CT_ESTABLISHED 0x08u
#define CT_UNTRACKED   0x10u
#define CT_SNAT        0x20u
#define CT_DNAT        0x40u

/* In the order in which they are printed. */
extern const struct fw_opt_name ct_state_names[];

/* A comma list of names, each cut short as one likes, into a mask.  `last`: how many names of the
 * table may be used. */
int ct_words_parse(const struct fw_opt_name *names, size_t n, const char *what,
		   const struct fw_opt *opt, const struct fw_use *use, const char *word,
		   uint8_t *mask, struct fw_err *err);
void ct_words_print(const struct fw_opt_name *names, unsigned int mask, struct fw_buf *out);

/* The packets whose state is in the mask (or not, inverted). */
void ct_state_fields(unsigned int mask, bool inverted, struct fw_fields *f);

/* Are all packets of the source in the mask, none, or some (enum fw_tri)? */
int ct_state_by_source(unsigned int mask, bool inverted, const struct fw_source *src);

/* CT_INVALID … CT_UNTRACKED of this packet. */
unsigned int ct_state_bit(enum fw_ctinfo ctinfo);

#endif
