/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m state: what the tracker says of the packet. */
#include "matches/ctwords.h"

#define N_STATES 5 /* SNAT and DNAT are conntrack's */

struct state {
	uint8_t mask;
};

enum { STATE };

static int take_state(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct state *s = use->data;

	return ct_words_parse(ct_state_names, N_STATES, "state", opt, use, words[0], &s->mask, err);
}

static void print_state(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct state *s = use->data;

	ct_words_print(ct_state_names, s->mask, out);
}

static const struct fw_opt opts[] = {
	[STATE] = {.name = "state", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		   .parse = take_state, .print = print_state,
		   .arg = "[INVALID|ESTABLISHED|NEW|RELATED|UNTRACKED][,...]",
		   .help = "State(s) to match"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, fw_use_inv(use, STATE) ? " ! state " : " state ");
	print_state(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct state *s = use->data;

	return !!(s->mask & ct_state_bit(e->ctinfo)) != fw_use_inv(use, STATE);
}

static int by_source(const struct fw_use *use, struct fw_source *src)
{
	const struct state *s = use->data;

	return ct_state_by_source(s->mask, fw_use_inv(use, STATE), src);
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct state *s = use->data;

	ct_state_fields(s->mask, fw_use_inv(use, STATE), f);
	return true;
}

const struct fw_ext fw_match_state = {
	.name = "state", .summary = "the packet's place in its connection",
	.flags = FW_NEED_TRACK | FW_EXT_INVARIANT | FW_EXT_OF_FLOW,
	.size = sizeof(struct state), .opts = opts, .list = list, .match = match,
	.by_source = by_source, .fields = fields,
};
