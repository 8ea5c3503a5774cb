/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m tcp: ports, flags, and whether an option is there.
 *
 * A fragment that begins inside the TCP header (offset 8) is somebody's attempt to rewrite flags
 * behind a filter's back: dropped at once, like a packet too short for its header.
 */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "fw/classify.h"
#include "matches/options.h"
#include "matches/ports.h"
#include "matches/wantsyn.h"

struct tcp {
	struct ports ports;
	uint8_t mask, want; /* flags */
	uint8_t option;
};

enum { OPTION = N_PORT_ROWS, FLAGS, SYN };

static const struct fw_opt_name flag_names[] = {
	{"FIN", 0x01}, {"SYN", 0x02}, {"RST", 0x04}, {"PSH", 0x08}, {"ACK", 0x10}, {"URG", 0x20},
	{"ALL", 0x3f}, {"NONE", 0},   {NULL},
};

/* "SYN,ACK" to bits; empty parts are passed over. */
static int parse_flags(const struct fw_use *use, const struct fw_opt *opt, const char *word,
		       uint8_t *ret, struct fw_err *err)
{
	const char *p = word;

	*ret = 0;
	while (*p) {
		size_t len = strcspn(p, ",");
		const struct fw_opt_name *n = flag_names;

		while (n->name && (strlen(n->name) != len || strncasecmp(n->name, p, len)))
			n++;
		if (len && !n->name) {
			int r = fw_opt_refuse(err, use, opt, word,
					      "is not a list of SYN ACK FIN RST URG PSH ALL NONE");

			fw_err_words(err, "Unknown TCP flag `%.*s'", (int)len, p);
			return r;
		}
		if (len)
			*ret |= (uint8_t)n->value;
		p += len + (p[len] == ',');
	}
	return 0;
}

static int take_flags(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct tcp *t = use->data;
	int r = parse_flags(use, opt, words[0], &t->mask, err);

	return r ? r : parse_flags(use, opt, words[1], &t->want, err);
}

static void print_flag_list(uint8_t flags, struct fw_buf *out)
{
	const char *comma = "";

	for (const struct fw_opt_name *n = flag_names; n->value && n->value < 0x3f; n++)
		if (flags & n->value) {
			fw_buf_str(out, comma);
			fw_buf_str(out, n->name);
			comma = ",";
		}
	if (!flags)
		fw_buf_str(out, "NONE");
}

bool fw_tcp_wants_syn(const struct fw_use *use)
{
	const struct tcp *t = use->data;

	return fw_use_has(use, FLAGS) && (t->want & 0x02) && !fw_use_inv(use, FLAGS);
}

static void print_flags(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct tcp *t = use->data;

	print_flag_list(t->mask, out);
	fw_buf_char(out, ' ');
	print_flag_list(t->want, out);
}

static const struct fw_opt opts[] = {
	PORT_ROWS,
	[OPTION] = {.name = "tcp-option", .kind = FW_OPT_U8, .flags = FW_OPT_NOT, .min = 1,
		    .offset = offsetof(struct tcp, option), .arg = "number",
		    .help = "match if TCP option set"},
	[FLAGS] = {.name = "tcp-flags", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT, .n_words = 2,
		   .excludes = 1 << SYN, .parse = take_flags, .print = print_flags,
		   .arg = "mask comp",
		   .help = "match when TCP flags & mask == comp\n"
			   "\t\t\t\t(Flags: SYN ACK FIN RST URG PSH ALL NONE)"},
	[SYN] = {.name = "syn", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		 .help = "match when only SYN flag set\n"
			 "\t\t\t\t(equivalent to --tcp-flags SYN,RST,ACK,FIN SYN)"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct tcp *t = use->data;

	ports_check(use);
	if (fw_use_has(use, SYN)) {
		t->mask = 0x17;
		t->want = 0x02;
		fw_use_move(use, SYN, FLAGS);
	}
	if (!t->mask && !t->want && !fw_use_inv(use, FLAGS))
		use->set &= ~(1ull << FLAGS);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct tcp *t = use->data;

	ports_list(use, IPPROTO_TCP, numeric, out);
	if (fw_use_has(use, OPTION))
		fw_buf_fmt(out, " option=%s%u", fw_use_inv(use, OPTION) ? "!" : "", t->option);
	if (!fw_use_has(use, FLAGS))
		return;
	fw_buf_fmt(out, " flags:%s", fw_use_inv(use, FLAGS) ? "!" : "");
	if (numeric) {
		fw_buf_fmt(out, "0x%02X/0x%02X", t->mask, t->want);
		return;
	}
	print_flag_list(t->mask, out);
	fw_buf_char(out, '/');
	print_flag_list(t->want, out);
}

/* Is the option there?  A header that says to be shorter than itself is no header. */
static bool has_option(uint8_t option, struct fw_eval *e)
{
	const uint8_t *tcp = fw_packet_bytes(e->pkt, e->pkt->l4_off, 20);
	uint32_t n = tcp ? (uint32_t)(tcp[12] >> 4) * 4 : 0;
	const uint8_t *op = n > 20 ? fw_packet_bytes(e->pkt, e->pkt->l4_off + 20, n - 20) : NULL;

	if (n < 20 || (n > 20 && !op)) {
		e->hotdrop = true;
		return false;
	}
	return option_stands(op, n - 20, option);
}

static bool flags_hold(const struct fw_use *use, uint32_t flags)
{
	const struct tcp *t = use->data;

	return ((flags & t->mask) == t->want) != fw_use_inv(use, FLAGS);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct tcp *t = use->data;
	const struct fw_packet *pkt = e->pkt;

	if (pkt->fragment && pkt->frag_off == 8 && pkt->family == FW_IP4)
		e->hotdrop = true;
	if (!ports_header(e) || !ports_match(use, pkt))
		return false;
	if (!flags_hold(use, pkt->tcp_flags))
		return false;
	if (!fw_use_has(use, OPTION))
		return true;
	return has_option(t->option, e) != fw_use_inv(use, OPTION) && !e->hotdrop;
}

/* What options a packet carries is its own affair. */
static bool varies(const struct fw_use *use)
{
	return fw_use_has(use, OPTION);
}

/* Of an established connection's segments PSH, ECE and CWR may differ; those of other flags are
 * judged one by one anyway. */
static uint16_t needs(const struct fw_use *use)
{
	const unsigned int differing = 0xff & ~FW_TCP_STEADY_MASK;

	for (unsigned int some = differing; some; some = (some - 1) & differing)
		if (fw_use_has(use, FLAGS) &&
		    flags_hold(use, FW_TCP_STEADY | some) != flags_hold(use, FW_TCP_STEADY))
			return FW_NEED_EACH;
	return 0;
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	uint32_t lo, hi;

	ports_fields(use, family, f);
	if (fw_use_has(use, FLAGS)) {
		fw_fields_begin(f, FW_FIELD_TCP_FLAGS);
		for (lo = 0; lo <= UINT8_MAX; lo = hi + 1) {
			for (hi = lo;
			     hi < UINT8_MAX && flags_hold(use, hi + 1) == flags_hold(use, lo);)
				hi++;
			if (flags_hold(use, lo))
				fw_fields_add(f, lo, hi);
		}
		fw_fields_end(f);
	}
	if (fw_use_has(use, OPTION))
		fw_fields_barrier(f); /* options that do not end */
	return !fw_use_has(use, OPTION);
}

const struct fw_ext fw_match_tcp = {
	.name = "tcp", .summary = "TCP ports, flags and options",
	.proto = IPPROTO_TCP,
	.flags = FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct tcp), .opts = opts, .init = ports_init, .check = check, .list = list,
	.match = match, .fields = fields, .varies = varies, .needs = needs,
};
