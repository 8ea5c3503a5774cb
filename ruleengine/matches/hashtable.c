/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of -m hashlimit (hashtable.h). */
#include "matches/hashtable.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"
#include "track/siphash.h"

#define NSEC_PER_MS     1000000u
#define SIZE_MAX_       1048576u
#define SIZE_DEFAULT    8192u
#define CHUNK           128u
#define NONE            UINT32_MAX

struct key {
	union fw_addr src, dst;
	uint8_t ports[4]; /* as in the packet; what is not asked is zero */
};

struct entry {
	struct key key;
	uint32_t next;
	uint64_t expires_ms;
	struct hl_credit credit;
};

struct fw_hashlimit {
	struct fw_named by_name;
	struct fw_remains remains;         /* once nobody uses it */
	uint32_t refs, n;                  /* n: entries in buckets */
	struct hl_config config;
	uint64_t made_ms, swept_tick;
	uint64_t key[2];
	uint32_t free, n_made, sweep;      /* free list; entries that have memory; next bucket */
	struct entry **chunks;
	uint32_t *buckets;
	char name[];
};

static struct entry *entry_at(const struct fw_hashlimit *t, uint32_t i)
{
	return &t->chunks[i / CHUNK][i % CHUNK];
}

static struct fw_hashlimit *table_free(struct fw_hashlimit *t)
{
	for (uint32_t i = 0; t->chunks && i < (t->n_made + CHUNK - 1) / CHUNK; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->buckets);
	free(t);
	return NULL;
}

static struct fw_hashlimit *table_new(struct fw_world *world, const char *name,
				      const struct hl_config *config, uint64_t now)
{
	size_t len = strlen(name);
	struct fw_hashlimit *t = calloc(1, sizeof(*t) + len + 1);
	struct hl_config *c;

	if (!t)
		return NULL;
	memcpy(t->name, name, len);
	t->config = *config;
	c = &t->config;
	c->size = !c->size ? SIZE_DEFAULT : c->size > SIZE_MAX_ ? SIZE_MAX_ : c->size;
	if (c->max > SIZE_MAX_)
		c->max = SIZE_MAX_;
	c->max = !c->max ? 8 * c->size : c->max < c->size ? c->size : c->max;
	t->refs = 1;
	t->free = NONE;
	t->made_ms = now / NSEC_PER_MS;
	for (unsigned int i = 0; i < 4; i++)
		t->key[i / 2] = t->key[i / 2] << 32 | fw_world_random(world);
	t->buckets = malloc(c->size * sizeof(*t->buckets));
	t->chunks = calloc((c->max + CHUNK - 1) / CHUNK, sizeof(*t->chunks));
	if (!t->buckets || !t->chunks)
		return table_free(t);
	memset(t->buckets, 0xff, c->size * sizeof(*t->buckets));
	return t;
}

/* A table with this name; NULL: there is none. */
static struct fw_hashlimit *find(const struct fw_names *names, const char *name, uint8_t family)
{
	const uint32_t hash = fw_name_hash(name);

	for (struct fw_named *n = names ? fw_names_first(names, hash) : NULL; n; n = n->next) {
		struct fw_hashlimit *t = FW_HOLDER(n, struct fw_hashlimit, by_name);

		if (n->hash == hash && t->config.family == family && !strcmp(t->name, name))
			return t;
	}
	return NULL;
}

/* … comes to be.  false: no memory. */
static bool add(struct fw_world *world, struct fw_hashlimit *t)
{
	if (!world->hashlimits)
		world->hashlimits = calloc(1, sizeof(*world->hashlimits));
	if (!world->hashlimits)
		return false;
	fw_names_add(world->hashlimits, &t->by_name, fw_name_hash(t->name));
	return true;
}

struct fw_hashlimit *hl_get(struct fw_world *world, const char *name,
			    const struct hl_config *config, uint64_t now, struct fw_err *err)
{
	struct fw_hashlimit *t = find(world->hashlimits, name, config->family);

	if (t && ((t->config.mode ^ config->mode) & HL_RATE)) {
		fw_fail(err, FW_ERR_PLACE,
			"hashlimit: %s is used with and without --hashlimit-rate-match", name);
		fw_err_hint(err, "give the two kinds of rules lists of different names");
		return NULL;
	}
	if (t) {
		t->refs++;
		return t;
	}
	t = table_new(world, name, config, now);
	if (t && !add(world, t))
		t = table_free(t);
	if (!t)
		fw_fail(err, FW_ERR_RESOURCE, "hashlimit: no memory for %s", name);
	return t;
}

static void free_remains(struct fw_remains *remains)
{
	table_free(FW_HOLDER(remains, struct fw_hashlimit, remains));
}

void hl_put(struct fw_world *world, struct fw_hashlimit *table)
{
	struct fw_names *names = world->hashlimits;

	if (--table->refs)
		return;
	fw_names_remove(names, &table->by_name);
	if (!names->n) {
		free(names);
		world->hashlimits = NULL;
	}
	fw_world_bury(world, &table->remains, free_remains);
}

static void mask_addr(union fw_addr *a, unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		if (bits < 8)
			a->u8[i] &= (uint8_t)(0xff00u >> bits);
	}
}

/* false: the packet ends before its ports. */
static bool make_key(const struct hl_config *c, const struct fw_packet *pkt, struct key *key)
{
	const uint8_t *ports;
	int off = -1;

	memset(key, 0, sizeof(*key));
	if (c->mode & HL_SRCIP) {
		key->src = pkt->src;
		mask_addr(&key->src, c->srcmask);
	}
	if (c->mode & HL_DSTIP) {
		key->dst = pkt->dst;
		mask_addr(&key->dst, c->dstmask);
	}
	if (!(c->mode & (HL_SRCPORT | HL_DSTPORT)))
		return true;
	if (!pkt->has_proto)
		return false;
	switch (pkt->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_ESP: off = 0; break;
	case IPPROTO_AH: /* the SPI, as the kernel takes it */ off = 4; break;
	default: return true;
	}
	ports = fw_packet_bytes(pkt, pkt->l4_off + (uint32_t)off, 4);
	if (!ports)
		return false;
	if (c->mode & HL_SRCPORT)
		memcpy(key->ports, ports, 2);
	if (c->mode & HL_DSTPORT)
		memcpy(key->ports + 2, ports + 2, 2);
	return true;
}

/* The last clean-up that has been, and whether it took the entry. */
static bool gone(const struct fw_hashlimit *t, const struct entry *n, uint64_t now_ms)
{
	uint64_t tick = (now_ms - t->made_ms) / t->config.gc_ms;

	return tick && n->expires_ms <= t->made_ms + tick * t->config.gc_ms;
}

static void sweep_bucket(struct fw_hashlimit *t, uint32_t bucket, uint64_t now_ms)
{
	for (uint32_t *at = &t->buckets[bucket]; *at != NONE;) {
		uint32_t i = *at;
		struct entry *n = entry_at(t, i);

		if (!gone(t, n, now_ms)) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		n->next = t->free;
		t->free = i;
		t->n--;
	}
}

/* Full: what expired may still be there, but is looked for once an interval only. */
static void sweep_all(struct fw_hashlimit *t, uint64_t now_ms)
{
	uint64_t tick = (now_ms - t->made_ms) / t->config.gc_ms;

	if (tick == t->swept_tick)
		return;
	t->swept_tick = tick;
	for (uint32_t i = 0; i < t->config.size; i++)
		sweep_bucket(t, i, now_ms);
}

static struct entry *entry_new(struct fw_hashlimit *t, uint32_t bucket, uint64_t now_ms)
{
	struct entry *n;
	uint32_t i;

	if (t->n >= t->config.max)
		sweep_all(t, now_ms);
	if (t->n >= t->config.max)
		return NULL;
	if (t->free == NONE) {
		struct entry **chunk = &t->chunks[t->n_made / CHUNK];

		if (!*chunk && !(*chunk = malloc(CHUNK * sizeof(**chunk))))
			return NULL;
		entry_at(t, t->n_made)->next = NONE;
		t->free = t->n_made++;
	}
	i = t->free;
	n = entry_at(t, i);
	t->free = n->next;
	n->next = t->buckets[bucket];
	t->buckets[bucket] = i;
	t->n++;
	return n;
}

bool hl_within(struct fw_hashlimit *t, uint8_t mode, struct fw_eval *e)
{
	uint64_t now_ms = e->now / NSEC_PER_MS;
	struct key key;
	struct entry *n = NULL;
	uint32_t bucket, i;

	if (!make_key(&t->config, e->pkt, &key)) {
		e->hotdrop = true;
		return false;
	}
	sweep_bucket(t, t->sweep, now_ms);
	t->sweep = t->sweep + 1 < t->config.size ? t->sweep + 1 : 0;
	bucket = (uint32_t)((sip_bytes(t->key, &key, sizeof(key), 1, 3) >> 32) * t->config.size >>
			    32);
	sweep_bucket(t, bucket, now_ms);
	for (i = t->buckets[bucket]; i != NONE && !n; i = entry_at(t, i)->next)
		if (!memcmp(&entry_at(t, i)->key, &key, sizeof(key)))
			n = entry_at(t, i);
	if (n) {
		hl_credit_refill(&t->config, &n->credit, now_ms);
	} else {
		n = entry_new(t, bucket, now_ms);
		if (!n) {
			e->hotdrop = true;
			return false;
		}
		n->key = key;
		hl_credit_start(&t->config, &n->credit, now_ms);
	}
	n->expires_ms = now_ms + t->config.expire_ms;
	return hl_credit_spend(&t->config, mode, &n->credit, e->pkt->len);
}
