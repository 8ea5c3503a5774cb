/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections counted by address (conncount.h), as nf_conncount does.
 *
 * A list holds, in the order in which they came, the tuples of connections that asked.  Which of
 * them are still there only the tracker knows; so before a list is counted, those that are gone,
 * or over, leave it.  In a short list all are asked for each packet, in a long one once in a few
 * milliseconds, unless many have come since.
 *
 * Lists that nobody asks for any more go too: every count looks into two places of the table, so
 * dead ones go faster than new ones can come.
 */
#include "matches/conncount.h"

#include <stdlib.h>
#include <string.h>

#include "fw/ct.h"
#include "track/siphash.h"

#define BUCKETS_MIN 256u
#define BUCKETS_MAX 65536u
#define CONNS_MAX   (1u << 20) /* of one rule; nobody tracks more by default */
#define SHORT	    64
#define TICK_NS	    4000000u
#define SWEEP	    2 /* places of the table, each time */

struct conn {
	struct conn *next;
	struct fw_tuple tuple;
};

struct key {
	union fw_addr addr;
	uint64_t zone;
};

struct list {
	struct list *next;
	struct key key;
	struct conn *first, **end; /* the oldest first */
	bool old; /* somebody was counted here before */
	uint32_t n, n_asked; /* n_asked: how many were left when all were asked … */
	uint64_t asked; /* … in this tick */
};

struct fw_conncount {
	struct fw_remains remains;
	uint64_t key[2];
	struct list **buckets;
	uint32_t n_buckets, n_lists, n_conns, sweep;
};

/* Take out the connection at *at. */
static void drop(struct fw_conncount *cc, struct list *l, struct conn **at)
{
	struct conn *conn = *at;

	*at = conn->next;
	if (l->end == &conn->next)
		l->end = at;
	free(conn);
	l->n--;
	cc->n_conns--;
}

static void drop_list(struct fw_conncount *cc, struct list **at)
{
	struct list *l = *at;

	*at = l->next;
	while (l->first)
		drop(cc, l, &l->first);
	free(l);
	cc->n_lists--;
}

static struct fw_conncount *cc_free(struct fw_conncount *cc)
{
	for (uint32_t i = 0; cc->buckets && i < cc->n_buckets; i++)
		while (cc->buckets[i])
			drop_list(cc, &cc->buckets[i]);
	free(cc->buckets);
	free(cc);
	return NULL;
}

struct fw_conncount *cc_new(struct fw_world *world)
{
	struct fw_conncount *cc = calloc(1, sizeof(*cc));

	if (!cc)
		return NULL;
	for (unsigned int i = 0; i < 4; i++)
		cc->key[i / 2] = cc->key[i / 2] << 32 | fw_world_random(world);
	cc->n_buckets = BUCKETS_MIN;
	cc->buckets = calloc(cc->n_buckets, sizeof(struct list *));
	return cc->buckets ? cc : cc_free(cc);
}

static void free_remains(struct fw_remains *remains)
{
	cc_free(FW_HOLDER(remains, struct fw_conncount, remains));
}

void cc_put(struct fw_world *world, struct fw_conncount *cc)
{
	fw_world_bury(world, &cc->remains, free_remains);
}

/*
 * Let go of those that are gone or over.  `own` (or NULL) stays even when over; where it is found
 * nobody behind it is asked: it was counted before.  true: it was found.
 */
static bool ask(struct fw_conncount *cc, struct list *l, const struct fw_eval *e,
		const struct fw_tuple *own)
{
	for (struct conn **at = &l->first; *at;) {
		const enum fw_ct_life life = fw_ct_life(e->world->ct, &(*at)->tuple, e->now);

		if (life != FW_CT_GONE && own && !memcmp(&(*at)->tuple, own, sizeof(*own)))
			return true;
		if (life == FW_CT_ALIVE)
			at = &(*at)->next;
		else
			drop(cc, l, at);
	}
	l->asked = e->now / TICK_NS;
	l->n_asked = l->n;
	return false;
}

/* Was it just asked, and too long to be asked again? */
static bool spared(const struct list *l, uint64_t now)
{
	return l->n > SHORT && l->asked == now / TICK_NS && l->n - l->n_asked < SHORT;
}

static struct list **bucket_of(struct fw_conncount *cc, const struct key *key)
{
	const uint64_t hash = sip_bytes(cc->key, key, sizeof(*key), 1, 3);

	return &cc->buckets[hash & (cc->n_buckets - 1)];
}

/* Twice the places, where lists begin to stand in rows. */
static void grow(struct fw_conncount *cc)
{
	struct list **old = cc->buckets, **new;
	const uint32_t n = cc->n_buckets;

	if (cc->n_lists < 2 * n || n == BUCKETS_MAX)
		return;
	new = calloc(2 * (size_t)n, sizeof(struct list *));
	if (!new)
		return;
	cc->buckets = new;
	cc->n_buckets = 2 * n;
	for (uint32_t i = 0; i < n; i++)
		while (old[i]) {
			struct list *l = old[i], **at = bucket_of(cc, &l->key);

			old[i] = l->next;
			l->next = *at;
			*at = l;
		}
	free(old);
}

static void sweep(struct fw_conncount *cc, const struct fw_eval *e)
{
	for (unsigned int i = 0; i < SWEEP; i++) {
		struct list **at = &cc->buckets[cc->sweep++ & (cc->n_buckets - 1)];

		while (*at) {
			if (!spared(*at, e->now))
				ask(cc, *at, e, NULL);
			if ((*at)->n)
				at = &(*at)->next;
			else
				drop_list(cc, at);
		}
	}
}

/* The list, perhaps a new and empty one.  NULL: no memory. */
static struct list *list_of(struct fw_conncount *cc, const struct key *key)
{
	struct list **at = bucket_of(cc, key), *l = *at;

	while (l && memcmp(&l->key, key, sizeof(*key)) != 0)
		l = l->next;
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->key = *key;
	l->end = &l->first;
	l->next = *at;
	*at = l;
	cc->n_lists++;
	return l;
}

static bool add(struct fw_conncount *cc, struct list *l, const struct fw_tuple *tuple)
{
	struct conn *conn = cc->n_conns < CONNS_MAX ? malloc(sizeof(*conn)) : NULL;

	if (!conn)
		return false;
	conn->tuple = *tuple;
	conn->next = NULL;
	*l->end = conn;
	l->end = &conn->next;
	l->n++;
	cc->n_conns++;
	return true;
}

uint32_t cc_count(struct fw_conncount *cc, const struct fw_eval *e, const union fw_addr *addr)
{
	struct fw_tuple tuple;
	struct key key = {.addr = *addr};
	uint32_t status;
	struct list *l;
	bool known;

	if (!fw_ct_counted_as(e->world->ct, e, &tuple, &status))
		return 0;
	key.zone = e->flow ? tuple.zone : 0;
	sweep(cc, e);
	grow(cc);
	l = list_of(cc, &key);
	if (!l)
		return 0;
	if (l->old && (status & FW_CTS_CONFIRMED) && (status & FW_CTS_ASSURED)) {
		ask(cc, l, e, NULL); /* it was counted when it began, or never is */
		return l->n;
	}
	l->old = true;
	known = !(spared(l, e->now) && !(status & FW_CTS_CONFIRMED)) && ask(cc, l, e, &tuple);
	return known || add(cc, l, &tuple) ? l->n : 0;
}
