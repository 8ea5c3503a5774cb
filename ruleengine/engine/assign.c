/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the raw tables of a ruleset may tell the kernel's tracker (fw/assign.h). */
#include "fw/assign.h"

typedef int each_fn(void *priv, const struct fw_assign *assign);

static int each_of_chunk(const struct fw_chunk *chunk, each_fn *fn, void *priv)
{
	struct fw_assign a;
	int r = 0;

	if (!(chunk->needs & FW_NEED_KCT))
		return 0;
	for (uint32_t i = 0; !r && i < chunk->n; i++)
		if (fw_assign_of(chunk->rules[i], &a))
			r = fn(priv, &a);
	return r;
}

int fw_assign_each(const struct fw_ruleset *rs, each_fn *fn, void *priv)
{
	int r = 0;

	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		const struct fw_table *table = rs->tables[f][FW_RAW];

		for (uint32_t i = 0; i < table->n_slots; i++) {
			const struct fw_chain *chain = table->chains[i];

			for (uint32_t c = 0; !r && chain && c < chain->n_chunks; c++)
				r = each_of_chunk(chain->chunks[c], fn, priv);
		}
	}
	return r;
}
