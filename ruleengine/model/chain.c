/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains: made, copied for an edit (sharing their chunks), let go. */
#include <stdlib.h>
#include <string.h>

#include "fw/classify.h"
#include "model/model.h"

/* A policy's counters belong to all versions of its chain. */
struct policy {
	struct fw_counters counters;
	uint32_t refs;
};

struct fw_counters *fw_policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	return &p->counters;
}

struct fw_counters *fw_policy_ref(struct fw_counters *policy)
{
	((struct policy *)(void *)policy)->refs++;
	return policy;
}

struct fw_counters *fw_policy_unref(struct fw_counters *policy)
{
	struct policy *p = (struct policy *)(void *)policy;

	if (p && !--p->refs)
		free(p);
	return NULL;
}

struct fw_chain *fw_chain_new(const char *name, uint32_t slot)
{
	struct fw_chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	chain->refs = 1;
	chain->slot = slot;
	memcpy(chain->name, name, strnlen(name, sizeof(chain->name) - 1));
	return chain;
}

struct fw_chain *fw_chain_copy(const struct fw_chain *chain)
{
	struct fw_chain *copy = malloc(sizeof(*copy));
	size_t size = chain->n_chunks * sizeof(chain->chunks[0]);

	if (!copy)
		return NULL;
	*copy = *chain;
	copy->refs = 1;
	copy->program = NULL;
	copy->chunks = NULL;
	if (size) {
		copy->chunks = malloc(size);
		if (!copy->chunks) {
			free(copy);
			return NULL;
		}
		memcpy(copy->chunks, chain->chunks, size);
	}
	for (uint32_t i = 0; i < copy->n_chunks; i++)
		copy->chunks[i]->refs++;
	if (copy->policy_counters)
		fw_policy_ref(copy->policy_counters);
	return copy;
}

struct fw_chain *fw_chain_unref(struct fw_chain *chain, struct fw_reap *reap)
{
	if (!chain || --chain->refs)
		return NULL;
	fw_program_unref(chain->program);
	fw_chain_clear(chain, reap);
	fw_policy_unref(chain->policy_counters);
	free(chain);
	return NULL;
}
