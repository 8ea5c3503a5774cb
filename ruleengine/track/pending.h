/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First packets whose connections the kernel is about to translate, noted until they, or what
 * answers them, are met as another's.  Which ends they will have only the kernel knows; but most
 * are left as they are, and the others must be what the rule allows.
 */
#ifndef FW_TRACK_PENDING_H
#define FW_TRACK_PENDING_H

#include "fw/nat.h"
#include "track/notes.h"
#include "track/track.h"

struct ct_pending {
	struct ct_note note;
	struct fw_tuple orig; /* its flow's first */
	struct fw_nat nat;    /* what will be done to it; kind NONE: nobody knows */
};

/* As many as wait in a queue, by default. */
#define CT_PENDING_MAX 32768

/* Its flow, as long as that is there and lacks this translation (FW_CTS_*).  NULL: it is over. */
struct fw_flow *ct_pending_flow(struct ct_ctx *c, const struct ct_pending *p, unsigned int status);

/* May the translation make this end of the noted one?  t goes as orig goes; source: which end. */
bool ct_pending_leads(const struct ct_pending *p, bool source, const struct fw_tuple *t);

/* The first packet met behind the translation of its destination; answer: what answers that, turned
 * round, in its place.  Its flow is translated so.  NULL: none that we know. */
struct fw_flow *ct_take_pending(struct ct_ctx *c, const struct fw_tuple *t, bool answer);

#endif
