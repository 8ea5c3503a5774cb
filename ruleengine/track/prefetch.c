/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look ahead: a batch of packets asks for its flows before the first of them is judged.
 *
 * At a million flows nearly every lookup waits for memory twice: for the index entry, then for the
 * flow.  One packet after the other they are waited for in a row; asked for together, side by side.
 * The price is a second hash of each packet, so a table that fits the cache is left alone.
 */
#include <assert.h>

#include "track/track.h"

#define SMALL 32768 /* flows: 4 MiB of records, more than a CPU keeps for itself */

void fw_ct_prefetch(const struct fw_ct *ct, const struct fw_packet *const *pkts, size_t n)
{
	uint32_t hashes[FW_CT_PREFETCH];
	size_t found = 0;

	assert(n <= FW_CT_PREFETCH);
	if (ct->table.n_records < SMALL)
		return;
	for (size_t i = 0; i < n; i++) {
		struct fw_tuple tuple;

		if (!ct_tuple_of(pkts[i], &tuple))
			continue;
		hashes[found] = ct_tuple_hash(ct->config.seed, &tuple);
		ct_table_near(&ct->table, hashes[found++]);
	}
	for (size_t i = 0; i < found; i++)
		ct_table_nearer(&ct->table, hashes[i]);
}
