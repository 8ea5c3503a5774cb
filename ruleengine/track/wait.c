/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has to wait for a connection's first packet (daemon/kernel/wait.c): whose flow is not confirmed
 * yet.  If a first packet was dropped, many may have waited for it, and not all of them may go now: who
 * goes is noted, until its flow is there.
 */
#include <netinet/in.h>

#include "track/wait.h"

#define GONE_NS FW_NSEC_PER_SEC
#define NEXT_NS (5 * FW_NSEC_PER_SEC / 1000) /* nothing lies between: the next visit makes the flow */

static enum ct_note_say is_it(void *priv, struct ct_note *note)
{
	const struct ct_waited *w = (const struct ct_waited *)note;
	const struct fw_tuple **t = priv;

	if (!ct_tuple_equal(&w->orig, *t))
		return CT_NOTE_NO;
	*t = NULL;
	return CT_NOTE_YES;
}

static bool is_noted(struct ct_notes *notes, const struct ct_key *key, uint64_t now)
{
	const struct fw_tuple *t = &key->tuple;

	ct_notes_ask(notes, key->hash, now, is_it, &t);
	return !t;
}

static void note(struct ct_notes *notes, const struct ct_key *key, uint64_t now, uint64_t ns)
{
	struct ct_waited *w;

	if (is_noted(notes, key, now))
		return;
	w = ct_notes_add(notes, key->hash, now, ns);
	if (w)
		w->orig = key->tuple;
}

void fw_ct_gone(struct fw_ct *ct, const struct fw_eval *e)
{
	const struct fw_flow *flow = e->flow;
	struct ct_key key;

	if (flow != &ct->scratch && flow->orig.proto != IPPROTO_TCP &&
	    !(flow->status & FW_CTS_CONFIRMED) && ct_key_make(ct, &flow->orig, &key))
		note(&ct->gone, &key, e->now, GONE_NS);
}

bool fw_ct_must_wait(struct fw_ct *ct, const struct fw_packet *pkt, enum fw_ct_patience patience,
		     uint64_t now)
{
	enum fw_ct_dir dir;
	struct fw_tuple t;
	struct fw_flow *flow;
	struct ct_key key;

	if (!ct_tuple_of(pkt, &t) || !ct_key_make(ct, &t, &key))
		return false;
	flow = ct_find(ct, &key, now, false, &dir);
	if (flow && (dir != FW_DIR_ORIG || (flow->status & FW_CTS_CONFIRMED)))
		return false;
	if (flow && patience != FW_CT_IN_VAIN)
		return true;
	if (is_noted(&ct->next, &key, now))
		return true;
	if (patience != FW_CT_COMES || is_noted(&ct->gone, &key, now))
		note(&ct->next, &key, now, NEXT_NS);
	return false;
}
