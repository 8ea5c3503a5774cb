/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owners that rules tell apart (fw/owners.h). */
#include "fw/owners.h"

#include <string.h>

#include "model/model.h"

static uint32_t place(const struct fw_cuts *cuts, uint32_t at)
{
	uint32_t i = 0;

	while (i < cuts->n && cuts->at[i] < at)
		i++;
	return i;
}

static void insert(struct fw_cuts *cuts, uint32_t at)
{
	uint32_t i = place(cuts, at);

	if (!at || (i < cuts->n && cuts->at[i] == at))
		return;
	memmove(&cuts->at[i + 1], &cuts->at[i], (cuts->n - i) * sizeof(cuts->at[0]));
	cuts->at[i] = at;
	cuts->n++;
}

int fw_cuts_add(struct fw_cuts *cuts, uint32_t lo, uint32_t hi)
{
	if (cuts->n + 2 > FW_OWNER_CUTS)
		return -1;
	insert(cuts, lo);
	if (hi != UINT32_MAX)
		insert(cuts, hi + 1);
	return 0;
}

void fw_cuts_interval(const struct fw_cuts *cuts, uint32_t i, uint32_t *lo, uint32_t *hi)
{
	*lo = i ? cuts->at[i - 1] : 0;
	*hi = i < cuts->n ? cuts->at[i] - 1 : UINT32_MAX;
}

uint32_t fw_owners_codes(const struct fw_owners *o)
{
	return o->uids.n || o->gids.n ? (o->uids.n + 1) * (o->gids.n + 1) : 0;
}

void fw_owners_decode(const struct fw_owners *o, uint32_t code, uint32_t *uid, uint32_t *gid)
{
	*uid = (code - 1) / (o->gids.n + 1);
	*gid = (code - 1) % (o->gids.n + 1);
}

static int add_rule(const struct fw_rule *rule, struct fw_owners *o)
{
	int r = 0;

	for (unsigned int i = 0; i < rule->n_matches && !r; i++)
		if (rule->matches[i].ext->owners)
			r = rule->matches[i].ext->owners(&rule->matches[i], o);
	return r;
}

static int add_chain(const struct fw_chain *chain, struct fw_owners *o)
{
	int r = 0;

	for (uint32_t k = 0; k < chain->n_chunks; k++)
		for (uint32_t i = 0;
		     chain->chunks[k]->needs & FW_NEED_UID && i < chain->chunks[k]->n; i++)
			r = r ? r : add_rule(chain->chunks[k]->rules[i], o);
	return r;
}

int fw_ruleset_owners(const struct fw_ruleset *rs, struct fw_owners *ret)
{
	int r = 0;

	*ret = (struct fw_owners){0};
	for (unsigned int i = 0; i < FW_N_FAMILIES * FW_N_TABLES; i++) {
		const struct fw_table *t = rs->tables[i / FW_N_TABLES][i % FW_N_TABLES];

		for (uint32_t slot = 0; slot < t->n_slots && !r; slot++)
			if (t->chains[slot])
				r = add_chain(t->chains[slot], ret);
	}
	return r || fw_owners_codes(ret) > FW_OWNER_CODES ? -1 : 0;
}
