/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims of offloaded flows (fw/offer.h): one passes because a recent list does not have an
 * address.
 *
 * When a rule puts that address on the list, the worker takes the rules of all flows away before
 * the packet that had this done is answered: "cut".  The thread then ends the generation; its flows
 * come back with a packet each way.
 *
 * Somebody might come on lists with one flow after the other, or on and off with one, only to have
 * this done all the time.  So for a while behind it nobody's claims are taken: what rests on none
 * is offloaded as ever, the rest is judged.
 */
#include "generation.h"

#define CLAIMS_NS FW_NSEC_PER_SEC /* from a cut to the next claim at least; see FWD_RETURN_NS */

bool fwd_offload_watch(struct fwd_offload *o, enum fw_family family, uint64_t now)
{
	const struct fw_claims *claims = &o->offer.claims;

	if (claims->n && now < o->claims_from)
		return false;
	for (uint32_t i = 0; i < claims->n; i++)
		if (!fw_recent_watch(claims->claim[i].list, family, &claims->claim[i].addr))
			return false;
	return true;
}

static void mark_cut(struct fwd_offload *o)
{
	if (!fwd_offload_flows(o->live))
		return;
	o->live->cut = true;
	pthread_cond_signal(&o->work);
}

/* Of a generation that is being retired the watches end when its rules are gone. */
bool fwd_offload_judged(struct fwd_offload *o, uint64_t now)
{
	const uint64_t came = o ? fw_recent_came(o->k->core->world.recent) : 0;

	if (!o || o->came == came)
		return false;
	o->came = came;
	o->claims_from = now + CLAIMS_NS + fwd_offload_flows(o->live) * FWD_RETURN_NS;
	mark_cut(o);
	return true;
}

/* Marked again, for a new generation may have sent rules meanwhile. */
void fwd_offload_cut(struct fwd_kernel *k)
{
	pthread_mutex_lock(&k->nft.lock);
	fwd_known_close(&k->nft);
	pthread_mutex_lock(&k->core->lock);
	if (k->offload)
		mark_cut(k->offload);
	pthread_mutex_unlock(&k->core->lock);
	pthread_mutex_unlock(&k->nft.lock);
}

bool fwd_offload_is_cut(struct fwd_offload *o)
{
	bool cut;

	pthread_mutex_lock(&o->k->core->lock);
	cut = o->live->cut;
	pthread_mutex_unlock(&o->k->core->lock);
	return cut;
}
