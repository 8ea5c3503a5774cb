/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m connbytes: how much a connection has carried.  From the first such rule on, packets and bytes
 * of new connections are counted; one that is older never matches.
 */
#include <errno.h>
#include <string.h>

#include "fw/ct.h"
#include "opt/opt.h"

struct connbytes {
	uint64_t from, to;
	uint8_t mode, dir;
};

enum { COUNT, MODE, DIR };
enum { PACKETS, BYTES, AVERAGE };
enum { BOTH = FW_N_DIRS };

static const struct fw_opt_name modes[] = {
	{"packets", PACKETS}, {"bytes", BYTES}, {"avgpkt", AVERAGE}, {NULL}};
static const struct fw_opt_name dirs[] = {
	{"original", FW_DIR_ORIG}, {"reply", FW_DIR_REPLY}, {"both", BOTH}, {NULL}};

static int take_count(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct connbytes *c = use->data;
	const char *colon = strchr(words[0], ':');
	uint64_t range[2];
	int r;

	if (!fw_parse_range(words[0], ':', 0, UINT64_MAX, range)) {
		c->from = range[0];
		c->to = colon ? range[1] : UINT64_MAX; /* a number alone has no end */
		return 0;
	}
	r = fw_opt_bad_range(err, use, opt, words[0]);
	if (colon && fw_scan_u64(words[0], &range[0]) == colon &&
	    !fw_parse_u64(colon + 1, 0, range[0], &range[1]))
		fw_err_words(err, "%llu should be less than %llu", (unsigned long long)range[0],
			     (unsigned long long)range[1]);
	return r;
}

static void print_count(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct connbytes *c = use->data;

	fw_buf_u64(out, c->from);
	if (c->to && c->to != UINT64_MAX) {
		fw_buf_char(out, ':');
		fw_buf_u64(out, c->to);
	}
}

static int take_word(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	const bool mode = opt == &use->ext->opts[MODE];
	int r;

	for (const struct fw_opt_name *n = mode ? modes : dirs; n->name; n++)
		if (!strcmp(n->name, words[0])) {
			((uint8_t *)use->data)[opt->offset] = (uint8_t)n->value;
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0],
			  mode ? "is none of packets bytes avgpkt"
			       : "is none of original reply both");
	fw_err_words(err, "Unknown --%s `%s'", opt->name, words[0]);
	return r;
}

static void print_word(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	const struct connbytes *c = use->data;

	fw_buf_str(out, opt == &use->ext->opts[MODE] ? modes[c->mode].name : dirs[c->dir].name);
}

static const struct fw_opt opts[] = {
	[COUNT] = {.name = "connbytes", .kind = FW_OPT_CUSTOM,
		   .flags = FW_OPT_NOT | FW_OPT_REQUIRED, .max = UINT64_MAX, .parse = take_count,
		   .print = print_count, .arg = "from:[to]",
		   .help = "Match connections that carried so much"},
	[MODE] = {.name = "connbytes-mode", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		  .offset = offsetof(struct connbytes, mode), .parse = take_word,
		  .print = print_word, .arg = "[packets, bytes, avgpkt]",
		  .help = "What is counted"},
	[DIR] = {.name = "connbytes-dir", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED,
		 .offset = offsetof(struct connbytes, dir), .parse = take_word,
		 .print = print_word, .arg = "[original, reply, both]",
		 .help = "Which packets are counted"},
	{NULL},
};

/* iptables turns the two ends round for `!`, which one number alone cannot show. */
static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct connbytes *c = use->data;

	if (c->from == c->to)
		use->inv = 0;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct connbytes *c = use->data;

	fw_buf_str(out, use->inv ? " ! connbytes " : " connbytes ");
	print_count(NULL, use, family, out);
	fw_buf_fmt(out, " connbytes mode %s connbytes direction %s", modes[c->mode].name,
		   dirs[c->dir].name);
}

static int attach(const struct fw_use *use, struct fw_world *world, uint64_t now,
		  struct fw_err *err)
{
	if (world->ct)
		fw_ct_count_packets(world->ct);
	return 0;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct connbytes *c = use->data;
	uint64_t packets = 0, bytes = 0, what;

	if (!e->flow)
		return false;
	for (int dir = 0; dir < FW_N_DIRS; dir++) {
		uint64_t p, b;

		if (!fw_flow_counters(e->flow, (enum fw_ct_dir)dir, &p, &b))
			return false;
		if (c->dir == BOTH || c->dir == dir) {
			packets += p;
			bytes += b;
		}
	}
	what = c->mode == PACKETS  ? packets
		: c->mode == BYTES ? bytes
		: packets	   ? bytes / packets
				   : 0;
	return (what >= c->from && what <= c->to) != !!use->inv;
}

const struct fw_ext fw_match_connbytes = {
	.name = "connbytes", .summary = "how much a connection has carried",
	.flags = FW_NEED_TRACK | FW_NEED_FLOWS | FW_NEED_ACCT | FW_EXT_LOCKED, .size = sizeof(struct connbytes),
	.opts = opts, .check = check, .list = list, .attach = attach, .match = match,
};
