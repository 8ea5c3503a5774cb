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
	uint32_t bucket, next; /* next: in it */
	uint32_t older, newer; /* by the last packet, and so by when they expire */
	uint64_t expires_ms;
	struct hl_credit credit;
};

struct fw_hashlimit {
	struct fw_named by_name;
	struct fw_remains remains;         /* once nobody uses it */
	uint32_t refs, n;                  /* n: entries, gone ones among them */
	struct hl_config config;
	uint64_t made_ms;
	uint64_t key[2];
	uint32_t oldest, newest;
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
	for (uint32_t i = 0; t->chunks && i < (t->n + CHUNK - 1) / CHUNK; i++)
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
	t->oldest = t->newest = NONE;
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

/* false: the packet ends before its ports, or IPv6 says that nothing follows. */
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
	if (pkt->family == FW_IP6 && pkt->fragment)
		return true; /* the kernel reads ports in later fragments of IPv4 only */
	if (!pkt->has_proto || (pkt->family == FW_IP6 && pkt->proto == IPPROTO_NONE))
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

static void unlink_age(struct fw_hashlimit *t, const struct entry *n)
{
	*(n->older != NONE ? &entry_at(t, n->older)->newer : &t->oldest) = n->newer;
	*(n->newer != NONE ? &entry_at(t, n->newer)->older : &t->newest) = n->older;
}

static void link_newest(struct fw_hashlimit *t, uint32_t i)
{
	struct entry *n = entry_at(t, i);

	n->older = t->newest;
	n->newer = NONE;
	*(n->older != NONE ? &entry_at(t, n->older)->newer : &t->oldest) = i;
	t->newest = i;
}

/* Take the oldest one out. */
static uint32_t take_oldest(struct fw_hashlimit *t)
{
	const uint32_t i = t->oldest;
	struct entry *n = entry_at(t, i);
	uint32_t *at = &t->buckets[n->bucket];

	while (*at != i)
		at = &entry_at(t, *at)->next;
	*at = n->next;
	unlink_age(t, n);
	return i;
}

/* One that never was; NONE: no memory. */
static uint32_t make_entry(struct fw_hashlimit *t)
{
	struct entry **chunk = &t->chunks[t->n / CHUNK];

	if (!*chunk)
		*chunk = malloc(CHUNK * sizeof(**chunk));
	return *chunk ? t->n++ : NONE;
}

/* In place of one that is gone, or a new one; NONE: the table is full. */
static uint32_t entry_new(struct fw_hashlimit *t, uint32_t bucket, uint64_t now_ms)
{
	uint32_t i = NONE;
	struct entry *n;

	if (t->oldest != NONE && gone(t, entry_at(t, t->oldest), now_ms))
		i = take_oldest(t);
	else if (t->n < t->config.max)
		i = make_entry(t);
	if (i == NONE)
		return NONE;
	n = entry_at(t, i);
	n->bucket = bucket;
	n->next = t->buckets[bucket];
	t->buckets[bucket] = i;
	link_newest(t, i);
	return i;
}

static uint32_t find_entry(const struct fw_hashlimit *t, uint32_t bucket, const struct key *key)
{
	uint32_t i = t->buckets[bucket];

	while (i != NONE && memcmp(&entry_at(t, i)->key, key, sizeof(*key)) != 0)
		i = entry_at(t, i)->next;
	return i;
}

int hl_within(struct fw_hashlimit *t, uint8_t mode, const struct fw_eval *e)
{
	uint64_t now_ms = e->now / NSEC_PER_MS;
	struct entry *n;
	struct key key;
	uint32_t bucket, i;
	bool known;

	if (!make_key(&t->config, e->pkt, &key))
		return -1;
	bucket = (uint32_t)((sip_bytes(t->key, &key, sizeof(key), 1, 3) >> 32) * t->config.size >>
			    32);
	i = find_entry(t, bucket, &key);
	known = i != NONE && !gone(t, entry_at(t, i), now_ms);
	if (i == NONE)
		i = entry_new(t, bucket, now_ms);
	if (i == NONE)
		return -1;
	n = entry_at(t, i);
	if (known) {
		hl_credit_refill(&t->config, &n->credit, now_ms);
	} else {
		n->key = key;
		hl_credit_start(&t->config, &n->credit, now_ms);
	}
	if (t->newest != i) {
		unlink_age(t, n);
		link_newest(t, i);
	}
	n->expires_ms = now_ms + t->config.expire_ms;
	return hl_credit_spend(&t->config, mode, &n->credit, e->pkt->len);
}
