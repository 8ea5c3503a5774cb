/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m conntrack: everything the tracker knows of the packet's connection.
 *
 * A packet without a connection (INVALID, UNTRACKED) can only match by its state: with --ctstate
 * and that holding, whatever else is asked counts as held, as in the kernel.
 */
#include <string.h>
#include <strings.h>

#include "fw/ct.h"
#include "matches/ctwords.h"

enum { ORIG_SRC, ORIG_DST, REPL_SRC, REPL_DST, N_ENDS };

/* The addresses last: most rules ask for the state only, and the tail is cut. */
struct conntrack {
	uint8_t state, status, proto, reply;
	uint16_t port[N_ENDS][2];
	uint32_t expire[2];
	union fw_addr addr[N_ENDS][2]; /* address, mask */
};

enum {
	STATE, PROTO, ADDR, ADDR_LAST = ADDR + N_ENDS - 1, PORT, PORT_LAST = PORT + N_ENDS - 1,
	STATUS, EXPIRE, DIR
};

static const struct fw_opt_name status_names[] = {
	{"NONE", 0}, {"EXPECTED", FW_CTS_EXPECTED}, {"SEEN_REPLY", FW_CTS_SEEN_REPLY},
	{"ASSURED", FW_CTS_ASSURED}, {"CONFIRMED", FW_CTS_CONFIRMED}, {NULL},
};

static int take_words(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct conntrack *c = use->data;

	if (opt->offset == offsetof(struct conntrack, state))
		return ct_words_parse(ct_state_names, 7, "ctstate", opt, use, words[0], &c->state,
				      err);
	return ct_words_parse(status_names, 5, "ctstatus", opt, use, words[0], &c->status, err);
}

static void print_words(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct conntrack *c = use->data;

	if (opt->offset == offsetof(struct conntrack, state))
		ct_words_print(ct_state_names, c->state, out);
	else if (c->status)
		ct_words_print(status_names, c->status, out);
	else
		fw_buf_str(out, "NONE");
}

static int take_proto(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	static const struct fw_opt_name known[] = {
		{"tcp", 6},	{"udp", 17},	   {"udplite", 136}, {"icmp", 1},
		{"icmpv6", 58}, {"ipv6-icmp", 58}, {"sctp", 132},    {"dccp", 33},
		{"gre", 47},	{"esp", 50},	   {"ah", 51},	     {NULL},
	};
	const struct fw_resolver *resolver = ctx->resolver;
	struct conntrack *c = use->data;
	uint64_t number;
	int r;

	if (!fw_parse_u64(words[0], 0, UINT8_MAX, &number) && number) {
		c->proto = (uint8_t)number;
		return 0;
	}
	for (const struct fw_opt_name *n = known; n->name; n++)
		if (!strcmp(n->name, words[0])) {
			c->proto = (uint8_t)n->value;
			return 0;
		}
	if (resolver && resolver->protocol && words[0][0] > '9' &&
	    !resolver->protocol(resolver->priv, words[0], &c->proto) && c->proto)
		return 0;
	if (words[0][0] <= '9')
		r = fw_opt_refuse(err, use, opt, words[0],
				  "is neither 1..255 nor a protocol's name");
	else
		r = fw_fail(err, FW_ERR_NAME, "conntrack: --ctproto: nobody knows a protocol '%s'",
			    words[0]);
	fw_err_words(err, "unknown protocol \"%s\" specified", words[0]);
	return r;
}

static void print_proto(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	fw_buf_u64(out, ((const struct conntrack *)use->data)->proto);
}

static int take_dir(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	struct conntrack *c = use->data;
	int r;

	c->reply = !strcasecmp(words[0], "REPLY");
	if (c->reply || !strcasecmp(words[0], "ORIGINAL"))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], "is neither ORIGINAL nor REPLY");
	fw_err_words(err, "conntrack: Bad value for \"--ctdir\" option: \"%s\"", words[0]);
	return r;
}

static void print_dir(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	fw_buf_str(out, ((const struct conntrack *)use->data)->reply ? "REPLY" : "ORIGINAL");
}

#define ADDR_ROW(end, name_)                                                                \
	[ADDR + (end)] = {.name = name_, .kind = FW_OPT_ADDR_MASK, .flags = FW_OPT_NOT,       \
			  .offset = offsetof(struct conntrack, addr[end]),                    \
			  .arg = "address[/mask]", .help = ""}
#define PORT_ROW(end, name_)                                                                \
	[PORT + (end)] = {.name = name_, .kind = FW_OPT_PORT_RANGE, .flags = FW_OPT_NOT,      \
			  .offset = offsetof(struct conntrack, port[end]),                    \
			  .arg = "port[:port]", .help = ""}

static const struct fw_opt opts[] = {
	[STATE] = {.name = "ctstate", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .offset = offsetof(struct conntrack, state), .parse = take_words,
		   .print = print_words,
		   .arg = "{INVALID|ESTABLISHED|NEW|RELATED|UNTRACKED|SNAT|DNAT}[,...]",
		   .help = "State(s) to match"},
	[PROTO] = {.name = "ctproto", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .parse = take_proto, .print = print_proto, .arg = "proto",
		   .help = "Protocol to match; by number or name, e.g. \"tcp\""},
	ADDR_ROW(ORIG_SRC, "ctorigsrc"),
	ADDR_ROW(ORIG_DST, "ctorigdst"),
	ADDR_ROW(REPL_SRC, "ctreplsrc"),
	ADDR_ROW(REPL_DST, "ctrepldst"),
	PORT_ROW(ORIG_SRC, "ctorigsrcport"),
	PORT_ROW(ORIG_DST, "ctorigdstport"),
	PORT_ROW(REPL_SRC, "ctreplsrcport"),
	PORT_ROW(REPL_DST, "ctrepldstport"),
	[STATUS] = {.name = "ctstatus", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		    .offset = offsetof(struct conntrack, status), .parse = take_words,
		    .print = print_words,
		    .arg = "{NONE|EXPECTED|SEEN_REPLY|ASSURED|CONFIRMED}[,...]",
		    .help = "Status(es) to match"},
	[EXPIRE] = {.name = "ctexpire", .kind = FW_OPT_U32_RANGE, .flags = FW_OPT_NOT,
		    .offset = offsetof(struct conntrack, expire), .arg = "time[:time]",
		    .help = "Match remaining lifetime in seconds against\n"
			    "                               value or range of values (inclusive)"},
	[DIR] = {.name = "ctdir", .kind = FW_OPT_CUSTOM, .parse = take_dir, .print = print_dir,
		 .arg = "{ORIGINAL|REPLY}", .help = "Flow direction of packet"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "conntrack: nothing to match is given");
	fw_err_words(err, "conntrack: At least one option is required");
	return r;
}

static uint32_t used(const struct fw_use *use)
{
	unsigned int addresses = ((1u << N_ENDS) - 1) << ADDR;

	return use->set & addresses ? sizeof(struct conntrack) : offsetof(struct conntrack, addr);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	struct fw_buf words = FW_BUF_INIT;
	const char *p;

	/* what save prints, without the dashes */
	fw_use_save(use, family, &words);
	for (p = fw_buf_cstr(&words); *p; p++)
		if (p[0] == '-' && p[1] == '-')
			p++;
		else
			fw_buf_char(out, *p);
	fw_buf_deinit(&words);
}

static bool addresses_hold(const struct fw_use *use, const struct fw_tuple *orig,
			   const struct fw_tuple *reply)
{
	const struct conntrack *c = use->data;
	const union fw_addr *ends[N_ENDS] = {&orig->src, &orig->dst, &reply->src, &reply->dst};

	for (unsigned int i = 0; i < N_ENDS; i++) {
		const union fw_addr *want = &c->addr[i][0], *mask = &c->addr[i][1];
		bool same;

		if (!fw_use_has(use, ADDR + i))
			continue;
		same = !((ends[i]->u64[0] ^ want->u64[0]) & mask->u64[0]) &&
			!((ends[i]->u64[1] ^ want->u64[1]) & mask->u64[1]);
		if (same == fw_use_inv(use, ADDR + i))
			return false;
	}
	return true;
}

static bool ports_hold(const struct fw_use *use, const struct fw_tuple *orig,
		       const struct fw_tuple *reply)
{
	const struct conntrack *c = use->data;
	const uint16_t be[N_ENDS] = {orig->sport_be, orig->dport_be, reply->sport_be,
				     reply->dport_be};

	if (fw_use_has(use, PROTO) && (orig->proto == c->proto) == fw_use_inv(use, PROTO))
		return false;
	for (unsigned int i = 0; i < N_ENDS; i++) {
		const uint8_t *bytes = (const uint8_t *)&be[i];
		unsigned int port = (unsigned int)bytes[0] << 8 | bytes[1];

		if (fw_use_has(use, PORT + i) &&
		    (port >= c->port[i][0] && port <= c->port[i][1]) == fw_use_inv(use, PORT + i))
			return false;
	}
	return true;
}

static bool flow_holds(const struct fw_use *use, const struct fw_eval *e)
{
	const struct conntrack *c = use->data;
	struct fw_tuple room[FW_N_DIRS];
	const struct fw_tuple *orig, *reply;

	if (fw_use_has(use, DIR) && (fw_ctinfo_dir(e->ctinfo) == FW_DIR_REPLY) != c->reply)
		return false;
	orig = fw_flow_tuple(e->flow, FW_DIR_ORIG, &room[FW_DIR_ORIG]);
	reply = fw_flow_tuple(e->flow, FW_DIR_REPLY, &room[FW_DIR_REPLY]);
	if (!addresses_hold(use, orig, reply) || !ports_hold(use, orig, reply))
		return false;
	if (fw_use_has(use, STATUS) &&
	    !!(c->status & fw_flow_status(e->flow)) == fw_use_inv(use, STATUS))
		return false;
	if (fw_use_has(use, EXPIRE)) {
		uint32_t left = fw_flow_expires_s(e->flow, e->now);

		return (left >= c->expire[0] && left <= c->expire[1]) != fw_use_inv(use, EXPIRE);
	}
	return true;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct conntrack *c = use->data;
	unsigned int bits = ct_state_bit(e->ctinfo);
	bool has_flow = e->flow && !(bits & (CT_INVALID | CT_UNTRACKED));

	if (fw_use_has(use, STATE)) {
		uint32_t status = has_flow ? fw_flow_status(e->flow) | e->pkt->meta.nat_status : 0;

		bits |= (status & FW_CTS_SRC_NAT ? CT_SNAT : 0) |
			(status & FW_CTS_DST_NAT ? CT_DNAT : 0);
		if (!!(c->state & bits) == fw_use_inv(use, STATE))
			return false;
		if (use->set == 1u << STATE)
			return true;
	}
	return has_flow ? flow_holds(use, e) : fw_use_has(use, STATE);
}

/* Anything but plain states is asked of the flow itself, which changes, or is another's that an
 * ICMP error speaks of. */
static bool varies(const struct fw_use *use)
{
	const struct conntrack *c = use->data;

	return use->set != 1u << STATE || (c->state & (CT_SNAT | CT_DNAT));
}

static int by_source(const struct fw_use *use, struct fw_source *src)
{
	const struct conntrack *c = use->data;

	if (varies(use))
		return FW_MAYBE;
	return ct_state_by_source(c->state, fw_use_inv(use, STATE), src);
}

/* Each packet gives its flow its time anew, and may change its status. */
static uint16_t needs(const struct fw_use *use)
{
	if (fw_use_has(use, EXPIRE))
		return FW_NEED_EACH | FW_NEED_FLOWS;
	return fw_use_has(use, STATUS) ? FW_NEED_FLOWS : 0;
}

/* SNAT and DNAT are the flow's: with them a packet of any state may match, so only the negated
 * list tells something. */
static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct conntrack *c = use->data;
	bool inverted = fw_use_inv(use, STATE), nat = c->state & (CT_SNAT | CT_DNAT);

	if (fw_use_has(use, STATE) && (!nat || inverted))
		ct_state_fields(c->state, inverted, f);
	return use->set == 1u << STATE && !nat;
}

const struct fw_ext fw_match_conntrack = {
	.name = "conntrack", .summary = "what is known of the packet's connection",
	.flags = FW_NEED_TRACK | FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct conntrack), .opts = opts, .check = check, .used = used, .list = list,
	.match = match, .by_source = by_source, .fields = fields, .varies = varies, .needs = needs,
};
