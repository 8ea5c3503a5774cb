/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members: who becomes one, who ceases to be one, what their packets count (block.h).  All under
 * core->lock.
 */
#include "block.h"

#include <stdlib.h>
#include <string.h>

#include "fw/recent.h"

#define WORTH (2 * FWD_BLOCK_MARGIN) /* an answer that lasts less is not worth it */

/* ---- the table ----------------------------------------------------------------------------- */

struct fwd_block_table *fwd_block_table_new(void)
{
	struct fwd_block_table *t = calloc(1, sizeof(*t));

	for (uint32_t i = 0; t && i < FWD_BLOCKS_MAX; i++)
		t->bucket[i] = FWD_BLOCKS_MAX;
	return t;
}

static uint32_t *bucket_of(struct fwd_blocks *bl, struct fwd_block_table *t, unsigned int family,
			   unsigned int proto, const union fw_addr *addr)
{
	const uint32_t h = fwd_hash(bl->key, addr, sizeof(*addr));

	return &t->bucket[(h ^ proto << 1 ^ family) % FWD_BLOCKS_MAX];
}

static uint32_t *bucket(struct fwd_blocks *bl, struct fwd_block_table *t,
			const struct fwd_source *s)
{
	return bucket_of(bl, t, s->family, s->proto, &s->addr);
}

struct fwd_block *fwd_block_find(struct fwd_blocks *bl, struct fwd_block_table *t,
				 const struct fwd_source *s)
{
	for (uint32_t i = *bucket(bl, t, s); i != FWD_BLOCKS_MAX; i = t->block[i].next)
		if (!memcmp(&t->block[i].source, s, sizeof(*s)))
			return &t->block[i];
	return NULL;
}

void fwd_block_each(struct fwd_blocks *bl, unsigned int family, unsigned int proto,
		    const union fw_addr *addr,
		    void (*fn)(struct fwd_blocks *bl, struct fwd_block *m, uint64_t now),
		    uint64_t now)
{
	struct fwd_block_table *t = bl->table;
	uint32_t next;

	for (uint32_t i = *bucket_of(bl, t, family, proto, addr); i != FWD_BLOCKS_MAX; i = next) {
		struct fwd_block *m = &t->block[i];

		next = m->next;
		if (m->source.family == family && m->source.proto == proto &&
		    !memcmp(&m->source.addr, addr, sizeof(*addr)))
			fn(bl, m, now);
	}
}

/* Of a member that is aside the list may have gone with its rules. */
static struct fw_recent_list *list_of(const struct fwd_blocks *bl, const struct fwd_block *m,
				      uint32_t i)
{
	const struct fw_recent *all = bl->core->world.recent;

	if (!fw_recent_is_there(all, m->path.lists[i].list, m->path.lists[i].number))
		return NULL;
	return m->path.lists[i].list;
}

static void hold_lists(struct fwd_block *m)
{
	const enum fw_family family = (enum fw_family)m->source.family;

	for (uint32_t i = 0; i < m->path.n_lists; i++)
		m->path.lists[i].entry = fw_recent_hold(m->path.lists[i].list, family,
							&m->source.addr, m->path.lists[i].update);
}

static void release_lists(const struct fwd_blocks *bl, const struct fwd_block *m)
{
	const enum fw_family family = (enum fw_family)m->source.family;

	for (uint32_t i = 0; i < m->path.n_lists; i++) {
		struct fw_recent_list *list = list_of(bl, m, i);

		if (list)
			fw_recent_release(list, family, &m->source.addr, m->path.lists[i].update,
					  m->path.lists[i].entry);
	}
}

static bool updates_list(const struct fwd_block *m)
{
	for (uint32_t i = 0; i < m->path.n_lists; i++)
		if (m->path.lists[i].update)
			return true;
	return false;
}

/* There is room for one more. */
static struct fwd_block *insert(struct fwd_blocks *bl, const struct fwd_source *s,
				const struct fw_source_path *path)
{
	struct fwd_block_table *t = bl->table;
	uint32_t i = 0, *at = bucket(bl, t, s);

	while (t->block[i].state != FWD_BLOCK_FREE)
		i++;
	t->block[i] = (struct fwd_block){.source = *s, .path = *path, .next = *at};
	*at = i;
	t->n++;
	t->n_watched += path->no_flows;
	t->n_listed += path->n_lists > 0;
	t->n_updates += updates_list(&t->block[i]);
	hold_lists(&t->block[i]);
	return &t->block[i];
}

/* From now on it rests on nothing; its counters stay. */
static void let_go(struct fwd_blocks *bl, struct fwd_block_table *t, struct fwd_block *m)
{
	release_lists(bl, m);
	t->n_watched -= m->path.no_flows;
	t->n_listed -= m->path.n_lists > 0;
	t->n_updates -= updates_list(m);
	m->path.no_flows = false;
	m->path.n_lists = 0;
}

void fwd_block_free(struct fwd_blocks *bl, struct fwd_block_table *t, struct fwd_block *m)
{
	uint32_t *at = bucket(bl, t, &m->source);

	let_go(bl, t, m);
	while (&t->block[*at] != m)
		at = &t->block[*at].next;
	*at = m->next;
	m->state = FWD_BLOCK_FREE;
	t->n--;
}

void fwd_block_free_all(struct fwd_blocks *bl, struct fwd_block_table *t)
{
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (t->block[i].state != FWD_BLOCK_FREE)
			fwd_block_free(bl, t, &t->block[i]);
}

void fwd_block_leave(struct fwd_blocks *bl, struct fwd_block *m, uint64_t barred_until)
{
	if (barred_until) {
		m->barred = true;
		m->until = barred_until;
	}
	/* READY once more: it has counts in the sets that are being replaced */
	if (m->state == FWD_BLOCK_IN || (m->state == FWD_BLOCK_READY && m->since)) {
		m->state = FWD_BLOCK_OUT;
		bl->wanted = true;
	} else if (m->state == FWD_BLOCK_ASKED || m->state == FWD_BLOCK_READY) {
		fwd_block_settle(bl, m);
	}
}

void fwd_block_settle(struct fwd_blocks *bl, struct fwd_block *m)
{
	if (!m->barred) {
		fwd_block_free(bl, bl->table, m);
		return;
	}
	let_go(bl, bl->table, m);
	m->state = FWD_BLOCK_BARRED;
}

/* ---- what workers see ---------------------------------------------------------------------- */

/* Is it exactly this drop that all get, and for long enough? */
static bool is_worth(const struct fw_source_path *path, const struct fw_decision *dec, uint64_t now)
{
	return path->table == dec->table && path->chain == dec->chain && path->rule == dec->rule &&
		path->idle >= WORTH && path->until - now >= WORTH;
}

void fwd_block_dropped(struct fwd_blocks *bl, const struct fwd_snapshot *by,
		       const struct fw_packet *pkt, const struct fw_decision *dec, bool crowded,
		       uint64_t now, struct fw_frame *stack)
{
	const unsigned int weight = crowded ? FWD_HITTERS_CROWDED : 1;
	struct fw_source_path path;
	struct fwd_source source;
	struct fwd_block *m;

	if (bl->closed || bl->table->n == FWD_BLOCKS_MAX || dec->reject != FW_REJECT_NONE ||
	    !dec->chain)
		return;
	source = fwd_source_of(pkt);
	if (!fwd_hitters_add(bl->hitters, &source, weight, now) ||
	    fwd_block_find(bl, bl->table, &source))
		return;
	if (!fw_source_dropped(by->ruleset, &by->plan, pkt, now, stack, &path) ||
	    !is_worth(&path, dec, now))
		return;
	if (!bl->table->n_listed)
		bl->lost = fw_recent_lost(bl->core->world.recent);
	m = insert(bl, &source, &path);
	m->state = path.no_flows ? FWD_BLOCK_ASKED : FWD_BLOCK_READY;
	m->scan = bl->scan + 1;
	m->rule_id = path.rule ? path.rule->id : 0;
	bl->wanted = true;
	pthread_cond_signal(&bl->wake);
}

/* Its packets may get another answer from now on.  Is it in the kernel, perhaps still because
 * another worker has not got to cutting it? */
static void cut(struct fwd_blocks *bl, struct fwd_block *m, uint64_t barred_until)
{
	if (m->state == FWD_BLOCK_IN || (m->state == FWD_BLOCK_OUT && bl->cut))
		bl->hit = bl->cut = true;
	fwd_block_leave(bl, m, barred_until);
}

/* A connection may begin. */
static void bar(struct fwd_blocks *bl, struct fwd_block *m, uint64_t now)
{
	if (m->path.no_flows)
		cut(bl, m, now + FWD_BLOCK_BARRED_NS);
}

bool fwd_block_passed(struct fwd_blocks *bl, const struct fw_packet *pkt, uint64_t now)
{
	if (!bl->table->n_watched)
		return false;
	bl->hit = false;
	fwd_block_each(bl, pkt->family, pkt->proto, &pkt->src, bar, now);
	fwd_block_each(bl, pkt->family, pkt->proto, &pkt->dst, bar, now);
	return bl->hit;
}

bool fwd_block_judged(struct fwd_blocks *bl)
{
	const uint64_t lost = fw_recent_lost(bl->core->world.recent);
	struct fwd_block_table *t = bl->table;

	if (!t->n_listed || bl->lost == lost)
		return false;
	bl->hit = false;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (t->block[i].state != FWD_BLOCK_FREE && t->block[i].path.n_lists)
			cut(bl, &t->block[i], 0);
	bl->lost = lost;
	return bl->hit;
}

/* ---- what the kernel has counted ----------------------------------------------------------- */

void fwd_block_count(struct fwd_blocks *bl, struct fwd_block *m, const struct fw_counters *more,
		     uint64_t last)
{
	struct fw_source_path *path = &m->path;

	if (!more->packets)
		return;
	m->ticks_idle = 0;
	m->last = last;
	fw_counters_add(&m->total, more);
	fw_counters_add(&bl->dropped, more);
	for (uint32_t i = 0; i < path->n_counters; i++)
		fw_counters_add(path->counters[i], more);
	for (uint32_t i = 0; i < path->n_lists; i++) {
		struct fw_recent_list *list = path->lists[i].update ? list_of(bl, m, i) : NULL;

		if (list)
			fw_recent_used(list, (enum fw_family)m->source.family, &m->source.addr,
				       more->packets, last);
	}
}
