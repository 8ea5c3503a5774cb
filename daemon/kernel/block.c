/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members: who becomes one, who ceases to be one, what their packets count (block.h).  All under
 * core->lock.
 */
#include "block.h"

#include <string.h>

#include "fw/recent.h"

#define WORTH (2 * FWD_BLOCK_MARGIN) /* an answer that lasts less is not worth it */

/* ---- the table ----------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct fwd_blocks *bl, unsigned int family, unsigned int proto,
			   const union fw_addr *addr)
{
	const uint32_t h = fwd_hash(bl->key, addr, sizeof(*addr));

	return &bl->bucket[(h ^ proto << 1 ^ family) % FWD_BLOCKS_MAX];
}

static uint32_t *bucket(struct fwd_blocks *bl, const struct fwd_source *s)
{
	return bucket_of(bl, s->family, s->proto, &s->addr);
}

struct fwd_block *fwd_block_find(struct fwd_blocks *bl, const struct fwd_source *s)
{
	for (uint32_t i = *bucket(bl, s); i != FWD_BLOCKS_MAX; i = bl->block[i].next)
		if (!memcmp(&bl->block[i].source, s, sizeof(*s)))
			return &bl->block[i];
	return NULL;
}

void fwd_block_each(struct fwd_blocks *bl, unsigned int family, unsigned int proto,
		    const union fw_addr *addr,
		    void (*fn)(struct fwd_blocks *bl, struct fwd_block *m, uint64_t now),
		    uint64_t now)
{
	uint32_t next;

	for (uint32_t i = *bucket_of(bl, family, proto, addr); i != FWD_BLOCKS_MAX; i = next) {
		struct fwd_block *m = &bl->block[i];

		next = m->next;
		if (m->source.family == family && m->source.proto == proto &&
		    !memcmp(&m->source.addr, addr, sizeof(*addr)))
			fn(bl, m, now);
	}
}

static void hold_lists(const struct fwd_block *m, bool hold)
{
	const struct fw_source_path *path = &m->path;
	const enum fw_family family = (enum fw_family)m->source.family;

	for (uint32_t i = 0; i < path->n_lists; i++)
		(hold ? fw_recent_hold : fw_recent_release)(path->lists[i].list, family,
							    &m->source.addr, path->lists[i].update);
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
	uint32_t i = 0, *at = bucket(bl, s);

	while (bl->block[i].state != FWD_BLOCK_FREE)
		i++;
	bl->block[i] = (struct fwd_block){.source = *s, .path = *path, .next = *at};
	*at = i;
	bl->n++;
	bl->n_watched += path->no_flows;
	bl->n_listed += path->n_lists > 0;
	bl->n_updates += updates_list(&bl->block[i]);
	hold_lists(&bl->block[i], true);
	return &bl->block[i];
}

/* From now on it rests on nothing; its counters stay. */
static void let_go(struct fwd_blocks *bl, struct fwd_block *m)
{
	hold_lists(m, false);
	bl->n_watched -= m->path.no_flows;
	bl->n_listed -= m->path.n_lists > 0;
	bl->n_updates -= updates_list(m);
	m->path.no_flows = false;
	m->path.n_lists = 0;
}

void fwd_block_free(struct fwd_blocks *bl, struct fwd_block *m)
{
	uint32_t *at = bucket(bl, &m->source);

	let_go(bl, m);
	while (&bl->block[*at] != m)
		at = &bl->block[*at].next;
	*at = m->next;
	m->state = FWD_BLOCK_FREE;
	bl->n--;
}

void fwd_block_leave(struct fwd_blocks *bl, struct fwd_block *m, uint64_t barred_until)
{
	if (barred_until) {
		m->barred = true;
		m->until = barred_until;
	}
	if (m->state == FWD_BLOCK_IN) {
		m->state = FWD_BLOCK_OUT;
		bl->wanted = true;
	} else if (m->state == FWD_BLOCK_ASKED || m->state == FWD_BLOCK_READY) {
		fwd_block_settle(bl, m);
	}
}

void fwd_block_settle(struct fwd_blocks *bl, struct fwd_block *m)
{
	if (!m->barred) {
		fwd_block_free(bl, m);
		return;
	}
	let_go(bl, m);
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

	if (bl->closed || bl->n == FWD_BLOCKS_MAX || dec->reject != FW_REJECT_NONE || !dec->chain)
		return;
	source = fwd_source_of(pkt);
	if (!fwd_hitters_add(bl->hitters, &source, weight, now) || fwd_block_find(bl, &source))
		return;
	if (!fw_source_dropped(by->ruleset, &by->plan, pkt, now, stack, &path) ||
	    !is_worth(&path, dec, now))
		return;
	if (!bl->n_listed)
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
	if (!bl->n_watched)
		return false;
	bl->hit = false;
	fwd_block_each(bl, pkt->family, pkt->proto, &pkt->src, bar, now);
	fwd_block_each(bl, pkt->family, pkt->proto, &pkt->dst, bar, now);
	return bl->hit;
}

bool fwd_block_judged(struct fwd_blocks *bl)
{
	const uint64_t lost = fw_recent_lost(bl->core->world.recent);

	if (!bl->n_listed || bl->lost == lost)
		return false;
	bl->hit = false;
	for (uint32_t i = 0; i < FWD_BLOCKS_MAX; i++)
		if (bl->block[i].state != FWD_BLOCK_FREE && bl->block[i].path.n_lists)
			cut(bl, &bl->block[i], 0);
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
	for (uint32_t i = 0; i < path->n_lists; i++)
		if (path->lists[i].update)
			fw_recent_used(path->lists[i].list, (enum fw_family)m->source.family,
				       &m->source.addr, more->packets, last);
}
