/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows that the kernel lets pass (flows.h): two hash tables that only grow.  Many flows share the
 * way through the rules that they took, so that is stored once.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "flows.h"
#include "hitters.h"

struct fwd_flows *fwd_flows_new(uint32_t number, uint64_t key)
{
	static const uint32_t words[FW_N_FAMILIES] = {FWD_FLOW_WORDS4, FWD_FLOW_WORDS6};
	/* Pages that are not used cost nothing; those of calloc() would be cleared, all of them,
	 * from the second generation on. */
	struct fwd_flows *f =
		mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (f == MAP_FAILED)
		return NULL;
	for (unsigned int i = 0; i < FW_N_FAMILIES; i++) {
		struct fwd_kset *set = &f->of[i].set;

		snprintf(set->name, sizeof(set->name), FWD_FLOWS_NAME "%u_%u", i == FW_IP4 ? 4 : 6,
			 number);
		set->words = words[i];
		set->size = FWD_FLOWS_MAX;
	}
	f->key = key;
	f->ways = 1; /* the first is none's */
	return f;
}

void fwd_flows_free(struct fwd_flows *f)
{
	if (f)
		munmap(f, sizeof(*f));
}

bool fwd_base_has_in(unsigned int base)
{
	return base == FW_PREROUTING || base == FW_INPUT || base == FW_FORWARD ||
		base == FW_POSTROUTING;
}

bool fwd_base_has_out(unsigned int base)
{
	return base == FW_FORWARD || base == FW_POSTROUTING || base == FW_OUTPUT ||
		base == FWD_OUTPUT_BEHIND;
}

uint32_t fwd_flow_proto(uint8_t proto, uint8_t type)
{
	const uint8_t bytes[4] = {proto, type};
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* What the upper layer has; false: its header is cut short. */
static bool put_upper(const struct fw_packet *pkt, uint32_t *proto, uint32_t *ports)
{
	const uint16_t ports_be[2] = {htons(pkt->sport), htons(pkt->dport)};
	const uint8_t *p;

	*proto = fwd_flow_proto(pkt->proto, 0);
	switch (pkt->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP: memcpy(ports, ports_be, sizeof(ports_be)); return true;
	case IPPROTO_ESP: return true;
	default:
		*proto = fwd_flow_proto(pkt->proto, pkt->icmp_type);
		p = fw_packet_bytes(pkt, pkt->l4_off, 8);
		if (p)
			memcpy(ports, p + 4, 2);
		return p;
	}
}

bool fwd_flow_key(const struct fwd_msg *m, const struct fw_plan *plan, unsigned int mark_shift,
		  uint32_t key[FWD_FLOW_WORDS6])
{
	const struct fw_packet *pkt = &m->pkt;
	const struct fw_pkt_meta *meta = &pkt->meta;
	const unsigned int ends = pkt->family == FW_IP4 ? 1 : 4;
	/* while the kernel tracks, the others are its notes on the way to us */
	if (m->ours & (plan->kct ? FW_MARK_OWN : UINT32_MAX))
		return false;
	memset(key, 0, FWD_FLOW_WORDS6 * sizeof(*key));
	key[FWD_FLOW_BASE] = meta->hook;
	if (plan->kct && meta->hook == FW_OUTPUT && meta->part == FW_PART_BEHIND_NAT)
		key[FWD_FLOW_BASE] = FWD_OUTPUT_BEHIND;
	if (fwd_base_has_in(key[FWD_FLOW_BASE]))
		key[FWD_FLOW_IN] = meta->in_ifindex;
	if (fwd_base_has_out(key[FWD_FLOW_BASE]))
		key[FWD_FLOW_OUT] = meta->out_ifindex;
	key[FWD_FLOW_MARK] = m->mark & ~fw_mark_mask(mark_shift);
	memcpy(&key[FWD_FLOW_ENDS], &pkt->src, ends * 4);
	memcpy(&key[FWD_FLOW_ENDS + ends], &pkt->dst, ends * 4);
	return put_upper(pkt, &key[FWD_FLOW_PROTO], &key[FWD_FLOW_ENDS + 2 * ends]);
}

/* ---- flows --------------------------------------------------------------------------------- */

static_assert(!(FWD_FLOW_WORDS4 % 2 | FWD_FLOW_WORDS6 % 2), "hashed as words of 8 bytes");

static uint32_t *bucket_of(struct fwd_flows *f, enum fw_family family, const uint32_t *key)
{
	struct fwd_flows_of *of = &f->of[family];

	return &of->bucket[fwd_hash(f->key, key, of->set.words * sizeof(*key)) % FWD_FLOWS_MAX];
}

struct fwd_flow *fwd_flows_find(struct fwd_flows *f, enum fw_family family, const uint32_t *key)
{
	struct fwd_flows_of *of = &f->of[family];

	for (uint32_t i = *bucket_of(f, family, key); i; i = of->flow[i - 1].next)
		if (!memcmp(of->flow[i - 1].key, key, of->set.words * sizeof(*key)))
			return &of->flow[i - 1];
	return NULL;
}

/* ---- ways ---------------------------------------------------------------------------------- */

enum { WAY_NEXT, WAY_N, WAY_COUNTERS };

/* The place of that row of counters; 0: no room. */
static uint32_t intern(struct fwd_flows *f, struct fw_counters *const *counters, uint32_t n)
{
	uint32_t *bucket = &f->way_bucket[fwd_hash(f->key, counters, n * sizeof(*counters)) %
					  FW_ARRAY_SIZE(f->way_bucket)];
	uintptr_t *way;

	for (uint32_t at = *bucket; at; at = (uint32_t)f->way[at + WAY_NEXT])
		if (f->way[at + WAY_N] == n &&
		    !memcmp(&f->way[at + WAY_COUNTERS], counters, n * sizeof(*counters)))
			return at;
	if (f->ways + WAY_COUNTERS + n > FWD_FLOWS_ROOM)
		return 0;
	way = &f->way[f->ways];
	way[WAY_NEXT] = *bucket;
	way[WAY_N] = n;
	memcpy(&way[WAY_COUNTERS], counters, n * sizeof(*counters));
	*bucket = f->ways;
	f->ways += WAY_COUNTERS + n;
	return *bucket;
}

bool fwd_flows_add(struct fwd_flows *f, enum fw_family family, enum fw_offer_kind kind,
		   const uint32_t *key, const struct fw_offer *offer)
{
	struct fwd_flows_of *of = &f->of[family];
	uint32_t *bucket = bucket_of(f, family, key);
	struct fwd_flow *flow;
	uint32_t way;

	if (of->n == FWD_FLOWS_MAX)
		return false;
	way = intern(f, offer->counters, offer->n);
	if (!way)
		return false;
	flow = &of->flow[of->n];
	*flow = (struct fwd_flow){
		.next = *bucket,
		.way = way,
		.orig = offer->orig,
		.dir = (uint8_t)offer->dir,
		.tracked = offer->tracked,
	};
	memcpy(flow->key, key, of->set.words * sizeof(*key));
	of->wanted |= fwd_flow_kind(key[FWD_FLOW_BASE], kind);
	*bucket = ++of->n;
	return true;
}

/* ---- counting ------------------------------------------------------------------------------ */

struct fw_counters fwd_flows_count(struct fwd_flows *f, struct fwd_flow *flow,
				   const struct fw_counters *now)
{
	const struct fw_counters more = {.packets = now->packets - flow->taken.packets,
					 .bytes = now->bytes - flow->taken.bytes};
	const uintptr_t *way = &f->way[flow->way];

	for (uintptr_t i = 0; i < way[WAY_N]; i++)
		fw_counters_add((struct fw_counters *)way[WAY_COUNTERS + i], &more);
	flow->taken = *now;
	return more;
}
