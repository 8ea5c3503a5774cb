/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things that rules share by a name (recent lists, hashlimit's tables): found at once, however many
 * there are.  The node lies in the thing, so that adding cannot fail.  Names are the operator's, so
 * the hash needs no secret.
 */
#ifndef BASE_NAMED_H
#define BASE_NAMED_H

#include <stdint.h>

#define FW_NAMES_BUCKETS 4096

struct fw_named {
	struct fw_named *next;
	uint32_t hash;
};

struct fw_names {
	uint32_t n;
	struct fw_named *bucket[FW_NAMES_BUCKETS];
};

static inline uint32_t fw_name_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

/* The first that may have this hash; go on with ->next, and compare names. */
static inline struct fw_named *fw_names_first(const struct fw_names *names, uint32_t hash)
{
	return names->bucket[hash % FW_NAMES_BUCKETS];
}

static inline void fw_names_add(struct fw_names *names, struct fw_named *node, uint32_t hash)
{
	struct fw_named **bucket = &names->bucket[hash % FW_NAMES_BUCKETS];

	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	names->n++;
}

static inline void fw_names_remove(struct fw_names *names, struct fw_named *node)
{
	struct fw_named **at = &names->bucket[node->hash % FW_NAMES_BUCKETS];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	names->n--;
}

#endif
