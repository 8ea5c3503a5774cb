/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule constrains, field by field, as the classifier sees it: each field a set of closed
 * intervals; a field not mentioned is open.
 */
#ifndef FW_CLASSIFY_H
#define FW_CLASSIFY_H

#include "fw/ruleset.h"

enum fw_field {
	FW_FIELD_SRC, FW_FIELD_DST,     /* addresses, as big-endian integers */
	FW_FIELD_PROTO, FW_FIELD_SPORT, FW_FIELD_DPORT,
	FW_FIELD_IN, FW_FIELD_OUT,      /* not intervals: taken from struct fw_generic */
	FW_FIELD_TCP_FLAGS,             /* 0..255 */
	FW_FIELD_CTSTATE,               /* enum fw_ctinfo */
	FW_FIELD_ICMP,                  /* type << 8 | code */
	FW_FIELD_MARK,
	FW_N_FIELDS
};

struct fw_range {
	union fw_addr lo, hi; /* scalars: host order in u32[0] */
};

/* Add the closed interval to the field's set for this rule; the set of a field is the union of
 * what one match adds, and the intersection over matches.  The collector is opaque. */
void fw_fields_begin(struct fw_fields *f, enum fw_field field);
void fw_fields_add(struct fw_fields *f, uint32_t lo, uint32_t hi);
void fw_fields_add_addr(struct fw_fields *f, const union fw_addr *lo, const union fw_addr *hi);
void fw_fields_end(struct fw_fields *f);
/* This use of a match may drop a packet as if its extension said FW_EXT_DROPS (fw/ext.h). */
void fw_fields_barrier(struct fw_fields *f);

/* Compile a chain; `old` (may be NULL) is the chain's version before the edit, whose program may
 * be shared or patched.  NULL: not worth it or no memory (walk the rules). */
struct fw_program *fw_program_build(const struct fw_chain *chain, const struct fw_chain *old,
				    enum fw_family family);
struct fw_program *fw_program_unref(struct fw_program *p);

#endif
