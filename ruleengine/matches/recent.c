/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m recent: lists of addresses that rules fill and ask (fw/recent.h has the lists).
 *
 * A rule that is attached holds its list; the last one to leave takes the list with it.
 */
#include <netinet/in.h>
#include <string.h>

#include "fw/offer.h"
#include "fw/recent.h"
#include "fw/source.h"
#include "opt/opt.h"

#define NAME_MAX_LEN 199   /* XT_RECENT_NAME_LEN - 1 */
#define HITS_MAX     65535 /* XT_RECENT_MAX_NSTAMPS - 1 */

struct recent {
	union fw_addr mask;
	uint32_t seconds, hitcount;
	uint8_t dest, family;
	char name[NAME_MAX_LEN + 1]; /* last: the rule keeps only what is used */
};

struct state {
	struct fw_recent_list *list; /* NULL while the rule is not attached */
};

enum { SET, RCHECK, UPDATE, REMOVE, SECONDS, REAP, HITCOUNT, RTTL, NAME, MASK, RSOURCE, RDEST };

#define OPS          (1u << SET | 1u << RCHECK | 1u << UPDATE | 1u << REMOVE)
#define OTHER_OPS(row) (OPS & ~(1u << (row)))

static int take_side(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct recent *r = use->data;

	r->dest = opt == &use->ext->opts[RDEST];
	return 0;
}

/* The list is a file's name in /proc, and ours must be a word. */
static int take_name(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct recent *r = use->data;
	size_t len = strlen(words[0]);

	if (len && !strchr(words[0], '/') && strcmp(words[0], ".") && strcmp(words[0], "..") &&
	    !strpbrk(words[0], "\n\t\"\\")) {
		if (len > NAME_MAX_LEN)
			len = NAME_MAX_LEN;
		memset(r->name, 0, sizeof(r->name));
		memcpy(r->name, words[0], len);
		return 0;
	}
	return fw_fail(err, FW_ERR_PLACE, "recent: --name: '%s' cannot be the name of a list",
		       words[0]);
}

static void print_name(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	const struct recent *r = use->data;

	/* bare, as iptables, as long as it can be read back */
	if (strpbrk(r->name, " '"))
		fw_print_quoted(r->name, out);
	else
		fw_buf_str(out, r->name);
}

#define OP(row, word, text)                                                                 \
	[row] = {.name = word, .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,                      \
		 .excludes = OTHER_OPS(row), .help = text}

static const struct fw_opt opts[] = {
	OP(SET, "set", "Add source address to list, always matches."),
	OP(RCHECK, "rcheck", "Match if source address in list."),
	OP(UPDATE, "update", "Match if source address in list, also update last-seen time."),
	OP(REMOVE, "remove", "Match if source address in list, also removes that address from list."),
	[SECONDS] = {.name = "seconds", .kind = FW_OPT_U32, .min = 1, .max = UINT32_MAX,
		     .offset = offsetof(struct recent, seconds), .arg = "seconds",
		     .help = "Only if the address was last seen within so many seconds."},
	[REAP] = {.name = "reap", .kind = FW_OPT_FLAG, .also = 1 << SECONDS,
		  .help = "Purge entries older then 'seconds'."},
	[HITCOUNT] = {.name = "hitcount", .kind = FW_OPT_U32, .offset = offsetof(struct recent, hitcount),
		      .arg = "hits", .help = "Only if the address was seen so many times."},
	[RTTL] = {.name = "rttl", .kind = FW_OPT_FLAG, .excludes = 1 << SET | 1 << REMOVE,
		  .help = "Only if the TTL is that of the packet that set the entry."},
	[NAME] = {.name = "name", .kind = FW_OPT_CUSTOM, .parse = take_name, .print = print_name,
		  .arg = "name", .help = "Name of the recent list to be used.  DEFAULT used if none given."},
	[MASK] = {.name = "mask", .kind = FW_OPT_ADDR, .offset = offsetof(struct recent, mask),
		  .arg = "netmask", .help = "Netmask that will be applied to this recent list."},
	[RSOURCE] = {.name = "rsource", .kind = FW_OPT_FLAG, .parse = take_side,
		     .help = "Match/Save the source address of each packet (default)."},
	[RDEST] = {.name = "rdest", .kind = FW_OPT_FLAG, .parse = take_side,
		   .help = "Match/Save the destination address of each packet."},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct recent *r = use->data;

	strcpy(r->name, "DEFAULT");
	r->family = (uint8_t)ctx->family;
	memset(&r->mask, 0xff, ctx->family == FW_IP4 ? 4 : 16);
}

static int refuse(struct fw_err *err, const char *why)
{
	return fw_fail(err, FW_ERR_PLACE, "recent: %s", why);
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct recent *r = use->data;
	int ret;

	if (!(use->set & OPS)) {
		ret = fw_fail(err, FW_ERR_USAGE,
			      "recent: none of --set, --rcheck, --update, --remove is given");
		fw_err_words(err,
			     "recent: you must specify one of `--set', `--rcheck' "
			     "`--update' or `--remove'");
		return ret;
	}
	if (use->set & (1u << SET | 1u << REMOVE) && (r->seconds || r->hitcount))
		return refuse(err, "--seconds and --hitcount are for --rcheck and --update");
	if (r->hitcount > HITS_MAX)
		return refuse(err, "--hitcount is at most 65535");
	if (!r->hitcount)
		use->set &= ~(1ull << HITCOUNT);
	use->set &= ~(1ull << RSOURCE | 1ull << RDEST);
	use->set |= 1ull << NAME | 1ull << MASK | 1ull << (r->dest ? RDEST : RSOURCE);
	return 0;
}

static uint32_t used(const struct fw_use *use)
{
	const struct recent *r = use->data;

	return (uint32_t)(offsetof(struct recent, name) + strlen(r->name) + 1);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	static const char *const ops[] = {
		[SET] = " SET", [RCHECK] = " CHECK", [UPDATE] = " UPDATE", [REMOVE] = " REMOVE"};
	const struct recent *r = use->data;

	fw_buf_str(out, use->inv ? " ! recent:" : " recent:");
	for (unsigned int row = SET; row <= REMOVE; row++)
		if (fw_use_has(use, row))
			fw_buf_str(out, ops[row]);
	if (r->seconds)
		fw_buf_fmt(out, " seconds: %u", r->seconds);
	if (fw_use_has(use, REAP))
		fw_buf_str(out, " reap");
	if (r->hitcount)
		fw_buf_fmt(out, " hit_count: %u", r->hitcount);
	if (fw_use_has(use, RTTL))
		fw_buf_str(out, " TTL-Match");
	fw_buf_fmt(out, " name: %s side: %s mask: ", r->name, r->dest ? "dest" : "source");
	fw_print_addr(&r->mask, family, out);
}

static bool looks_closer(const struct fw_use *use)
{
	return fw_use_has(use, HITCOUNT) || fw_use_has(use, RTTL);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	const struct recent *r = use->data;
	struct state *s = use->state;

	s->list = NULL;
	if (!world->recent)
		return 0; /* a world without lists, as in a dry run */
	s->list = fw_recent_get(world->recent, r->name, r->hitcount, &r->mask,
				(enum fw_family)r->family, err);
	if (!s->list)
		return fw_fail(err, FW_ERR_RESOURCE, "recent: no memory for list %s", r->name);
	if (looks_closer(use))
		fw_recent_look_closer(s->list, true);
	return 0;
}

static void detach(const struct fw_use *use, struct fw_world *world)
{
	struct state *s = use->state;

	if (s->list && looks_closer(use))
		fw_recent_look_closer(s->list, false);
	if (s->list)
		fw_recent_put(world, s->list);
	s->list = NULL;
}

#define TCP_SYN 0x02

/*
 * The TTL as it was before this host forwarded the packet: one more at hooks behind routing, but
 * for what a local socket sends.  REJECT's resets come from no socket, and neither do the IPv6
 * stack's (its SYN/ACKs do); their ICMP errors do.
 */
static uint8_t original_ttl(const struct fw_packet *pkt)
{
	const struct fw_pkt_meta *meta = &pkt->meta;
	bool tcp = pkt->has_proto && pkt->proto == IPPROTO_TCP && !pkt->fragment;
	bool stack6 = pkt->family == FW_IP6 && !meta->has_uid && !(pkt->tcp_flags & TCP_SYN);
	bool more = meta->hook == FW_FORWARD ||
		(meta->hook == FW_POSTROUTING && !meta->has_uid && !meta->has_socket) ||
		(tcp && (meta->own || (meta->hook == FW_OUTPUT && stack6)));

	return (uint8_t)(pkt->ttl + more);
}

static const union fw_addr *end_of(const struct recent *r, const struct fw_packet *pkt)
{
	return r->dest ? &pkt->dst : &pkt->src;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct recent *r = use->data;
	const struct state *s = use->state;
	const struct fw_packet *pkt = e->pkt;
	struct fw_recent_query q = {
		.op = fw_use_has(use, SET)	  ? FW_RECENT_SET
			: fw_use_has(use, RCHECK) ? FW_RECENT_RCHECK
			: fw_use_has(use, UPDATE) ? FW_RECENT_UPDATE
						  : FW_RECENT_REMOVE,
		.reap = fw_use_has(use, REAP),
		.rttl = fw_use_has(use, RTTL),
		.invert = !!use->inv,
		.ttl = original_ttl(pkt),
		.seconds = r->seconds,
		.hitcount = r->hitcount,
	};
	bool found = q.op == FW_RECENT_SET;

	if (s->list)
		found = fw_recent_match(s->list, pkt->family, end_of(r, pkt), &q, e->now);
	return found != q.invert;
}

/* Of whom the list does not have every question but --set is answered alike, whatever else it asks
 * for, and does nothing. */
static bool claim(const struct fw_use *use, const struct fw_eval *e, struct fw_claims *claims)
{
	const struct recent *r = use->data;
	const struct state *s = use->state;
	const union fw_addr *addr = end_of(r, e->pkt);
	uint64_t until;

	return !fw_use_has(use, SET) && s->list &&
		!fw_recent_has(s->list, e->pkt->family, addr, 0, e->now, &until) &&
		fw_claims_add(claims, s->list, addr);
}

/*
 * A list that has the source goes on having it until it is told otherwise, which is noticed.  One
 * that has not may have it with the next packet of another rule.
 */
static int by_source(const struct fw_use *use, struct fw_source *src)
{
	const unsigned int others = ~(1u << RCHECK | 1u << UPDATE | 1u << SECONDS | 1u << NAME |
				      1u << MASK | 1u << RSOURCE);
	const struct recent *r = use->data;
	const struct state *s = use->state;
	struct fw_source_path *path = src->path;
	const bool update = fw_use_has(use, UPDATE);
	uint64_t until;

	if ((use->set & others) || use->inv || !s->list || path->n_lists == FW_SOURCE_LISTS ||
	    (update && fw_recent_looked_at_closer(s->list)) ||
	    !fw_recent_has(s->list, src->pkt->family, &src->pkt->src, r->seconds, src->now, &until))
		return FW_MAYBE;
	path->lists[path->n_lists].list = s->list;
	path->lists[path->n_lists].number = fw_recent_number(s->list);
	path->lists[path->n_lists++].update = update;
	if (update && r->seconds && r->seconds * FW_NSEC_PER_SEC < path->idle)
		path->idle = r->seconds * FW_NSEC_PER_SEC;
	else if (!update && until < path->until)
		path->until = until;
	return FW_YES;
}

const struct fw_ext fw_match_recent = {
	.name = "recent", .summary = "lists of addresses seen lately",
	.flags = FW_EXT_STATEFUL | FW_EXT_LOCKED,
	.size = sizeof(struct recent), .state_size = sizeof(struct state), .opts = opts, .init = init,
	.check = check, .used = used, .list = list, .attach = attach, .detach = detach, .match = match,
	.by_source = by_source, .claim = claim,
};
