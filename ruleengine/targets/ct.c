/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j CT: how the tracker is to take this packet.  --notrack: not at all.  Zones, helpers, events and
 * timeout policies are the kernel's tracker's: from the first rule that names one it tracks, and is
 * told (fw/assign.h).
 *
 * As in the kernel, a rule that does not say --notrack starts the tracker, and with it the
 * reassembly of fragments.
 */
#include <errno.h>
#include <string.h>

#include "fw/assign.h"
#include "opt/opt.h"
#include "track/track.h"

extern const struct fw_ext fw_target_ct;

struct ct {
	char helper[16], timeout[32];
	uint16_t events, exp_events, zone;
	bool zone_mark;
};

enum { NOTRACK, HELPER, TIMEOUT, CTEVENTS, EXPEVENTS, ZONE, ZONE_ORIG, ZONE_REPLY };

/* Bits in the order in which iptables prints them. */
static const struct fw_opt_name ct_events[] = {
	{"new", 1 << 0},       {"related", 1 << 1}, {"destroy", 1 << 2}, {"reply", 1 << 3},
	{"assured", 1 << 4},   {"protoinfo", 1 << 5}, {"helper", 1 << 6}, {"mark", 1 << 7},
	{"natseqinfo", 1 << 8}, {"secmark", 1 << 9}, {NULL},
};
static const struct fw_opt_name exp_events[] = {{"new", 1}, {NULL}};

static uint16_t event_bit(const struct fw_opt_name *names, const char *word, size_t len)
{
	for (const struct fw_opt_name *n = names; n->name; n++)
		if (strlen(n->name) == len && !memcmp(n->name, word, len))
			return (uint16_t)n->value;
	return 0;
}

static int take_events(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	const bool expected = opt - use->ext->opts == EXPEVENTS;
	struct ct *c = use->data;
	uint16_t mask = 0;
	int r;

	for (const char *w = words[0];; w++) {
		const size_t len = strcspn(w, ",");
		const uint16_t bit = event_bit(expected ? exp_events : ct_events, w, len);

		if (!bit) {
			r = fw_opt_refuse(err, use, opt, words[0], "names an event that is none");
			fw_err_words(err, "Unknown event type \"%.*s\"", (int)len, w);
			return r;
		}
		mask |= bit;
		w += len;
		if (!*w)
			break;
	}
	if (expected)
		c->exp_events = mask;
	else
		c->events = mask;
	return 0;
}

static void print_events(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	const bool expected = opt - use->ext->opts == EXPEVENTS;
	const struct ct *c = use->data;
	const unsigned int mask = expected ? c->exp_events : c->events;
	const char *sep = "";

	for (const struct fw_opt_name *n = expected ? exp_events : ct_events; n->name; n++)
		if (mask & n->value) {
			fw_buf_fmt(out, "%s%s", sep, n->name);
			sep = ",";
		}
}

static int take_zone(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct ct *c = use->data;
	uint64_t zone = 0;
	int r;

	c->zone_mark = !strcmp(words[0], "mark");
	if (c->zone_mark || !fw_parse_u64(words[0], 0, UINT16_MAX, &zone)) {
		c->zone = (uint16_t)zone;
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is neither 0..65535 nor \"mark\"");
	fw_err_words(err, "Cannot parse %s as a zone ID", words[0]);
	return r;
}

static void print_zone(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	const struct ct *c = use->data;

	if (c->zone_mark)
		fw_buf_str(out, "mark");
	else
		fw_buf_fmt(out, "%u", c->zone);
}

static const struct fw_opt opts[] = {
	[NOTRACK] = {.name = "notrack", .kind = FW_OPT_FLAG, .help = "Don't track connection"},
	[HELPER] = {.name = "helper", .kind = FW_OPT_STRING, .offset = offsetof(struct ct, helper),
		    .max = 15, .arg = "name",
		    .help = "Use conntrack helper 'name' for connection"},
	[TIMEOUT] = {.name = "timeout", .kind = FW_OPT_STRING, .offset = offsetof(struct ct, timeout),
		     .max = 31, .arg = "name",
		     .help = "Use timeout policy 'name' for connection"},
	[CTEVENTS] = {.name = "ctevents", .kind = FW_OPT_CUSTOM, .parse = take_events,
		      .print = print_events, .arg = "event[,event...]",
		      .help = "Generate specified conntrack events for connection"},
	[EXPEVENTS] = {.name = "expevents", .kind = FW_OPT_CUSTOM, .parse = take_events,
		       .print = print_events, .arg = "event[,event...]",
		       .help = "Generate specified expectation events for connection"},
	[ZONE] = {.name = "zone", .kind = FW_OPT_CUSTOM, .parse = take_zone, .print = print_zone,
		  .arg = "{ID|mark}", .help = "Assign/Lookup connection in zone ID/packet nfmark"},
	[ZONE_ORIG] = {.name = "zone-orig", .kind = FW_OPT_CUSTOM, .parse = take_zone,
		       .print = print_zone, .arg = "{ID|mark}",
		       .help = "Same as 'zone' option, but only applies to ORIGINAL direction"},
	[ZONE_REPLY] = {.name = "zone-reply", .kind = FW_OPT_CUSTOM, .parse = take_zone,
			.print = print_zone, .arg = "{ID|mark}",
			.help = "Same as 'zone' option, but only applies to REPLY direction"},
	{NULL},
};

#define ZONES (1u << ZONE | 1u << ZONE_ORIG | 1u << ZONE_REPLY)

/* Zone 0 is where everybody is; both directions together are simply the zone. */
static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct ct *c = use->data;
	const uint64_t zones = use->set & ZONES;

	use->set &= ~(uint64_t)ZONES;
	if (!c->zone && !c->zone_mark)
		return 0;
	if (zones == 1u << ZONE_ORIG || zones == 1u << ZONE_REPLY)
		use->set |= zones;
	else if (zones == (1u << ZONE | 1u << ZONE_ORIG) ||
		 zones == (1u << ZONE | 1u << ZONE_REPLY))
		use->set |= zones & ~(1u << ZONE);
	else
		use->set |= 1u << ZONE;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " CT");
	for (const struct fw_opt *o = opts; o->name; o++) {
		if (!fw_use_has(use, (unsigned int)(o - opts)))
			continue;
		fw_buf_fmt(out, " %s", o->name);
		if (o->kind == FW_OPT_STRING)
			fw_buf_fmt(out, " %s", (const char *)use->data + o->offset);
		else if (o->print) {
			fw_buf_char(out, ' ');
			o->print(o, use, family, out);
		}
	}
}

/* Helpers and timeouts are a protocol's. */
static int beside(const struct fw_use *use, const struct fw_generic *gen,
		  const struct fw_use *matches, unsigned int n_matches, struct fw_err *err)
{
	const bool named = use->set & (1u << HELPER | 1u << TIMEOUT);

	if (fw_use_has(use, NOTRACK) || !named || (gen->proto && !(gen->inv & FW_INV_PROTO)))
		return 0;
	fw_fail(err, FW_ERR_PLACE, "CT: the rule must say -p, for a %s is a protocol's",
		fw_use_has(use, HELPER) ? "helper" : "timeout policy");
	fw_err_words(err,
		     fw_use_has(use, HELPER)
			     ? "No chain/target/match by that name."
			     : "Invalid argument. Run `dmesg' for more information.");
	return -EINVAL;
}

/* What the kernel is told; false: nothing. */
static bool assign(const struct fw_use *use, struct fw_assign *ret)
{
	const struct ct *c = use->data;

	if (fw_use_has(use, NOTRACK)) /* the kernel ignores the others then */
		return false;
	*ret = (struct fw_assign){
		.zone_of = fw_use_has(use, ZONE_ORIG) ? FW_ZONE_ORIG
			: fw_use_has(use, ZONE_REPLY) ? FW_ZONE_REPLY
			: fw_use_has(use, ZONE)	      ? FW_ZONE_BOTH
						      : FW_ZONE_NONE,
		.zone_mark = c->zone_mark,
		.zone = c->zone,
		.has_events = use->set & (1u << CTEVENTS | 1u << EXPEVENTS) ? 1 : 0,
		.events = c->events,
	};
	memcpy(ret->helper, c->helper, sizeof(ret->helper));
	memcpy(ret->timeout, c->timeout, sizeof(ret->timeout));
	return ret->zone_of != FW_ZONE_NONE || ret->has_events || ret->helper[0] ||
		ret->timeout[0];
}

bool fw_assign_of(const struct fw_rule *rule, struct fw_assign *ret)
{
	if (rule->target.ext != &fw_target_ct || !assign(&rule->target, ret))
		return false;
	ret->family = rule->family;
	ret->proto = ret->helper[0] || ret->timeout[0] ? rule->gen.proto : 0;
	return true;
}

static uint16_t needs(const struct fw_use *use)
{
	struct fw_assign a;

	if (fw_use_has(use, NOTRACK))
		return 0;
	return FW_NEED_TRACK | (assign(use, &a) ? FW_NEED_KCT : 0) |
		(fw_use_has(use, HELPER) ? FW_NEED_EXPECTED : 0);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	struct fw_flow *template = use->state;

	template->status = FW_CTS_CONFIRMED | FW_CTS_TEMPLATE;
	return 0;
}

/* What is tracked already (it came through loopback) stays so.  For what is not, the kernel lays the
 * rule's template of a flow on the packet, which raw's later rules take for a new one, of no ends. */
static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	if (e->ctinfo != FW_CT_NONE)
		return FW_CONTINUE;
	if (fw_use_has(use, NOTRACK)) {
		e->ctinfo = FW_CT_UNTRACKED;
	} else {
		e->ctinfo = FW_CT_NEW;
		e->flow = use->state;
		e->assign = e->rule;
	}
	return FW_CONTINUE;
}

const struct fw_ext fw_target_ct = {
	.name = "CT", .target = true, .summary = "how connections are tracked",
	.tables = FW_TABLE_BIT(FW_RAW),
	.size = sizeof(struct ct), .state_size = sizeof(struct fw_flow), .opts = opts, .check = check,
	.beside = beside, .list = list, .needs = needs, .attach = attach, .run = run,
};
