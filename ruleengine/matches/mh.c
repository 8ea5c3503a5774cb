/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m mh: the type of an IPv6 mobility header. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "opt/opt.h"

struct mh {
	uint8_t types[2];
};

enum { TYPE };

/* Each with its short form. */
static const char *const names[][2] = {
	{"binding-refresh-request", "brr"},
	{"home-test-init", "hoti"},
	{"careof-test-init", "coti"},
	{"home-test", "hot"},
	{"careof-test", "cot"},
	{"binding-update", "bu"},
	{"binding-acknowledgement", "ba"},
	{"binding-error", "be"},
};

/* A name, the beginning of one (the first that begins so), or a number. */
static bool type_of(const char *word, uint8_t *ret)
{
	const size_t len = strlen(word);
	int found = -1;
	uint64_t number;

	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		for (size_t k = 0; k < 2; k++)
			if (!strncasecmp(names[i][k], word, len) &&
			    (found < 0 || strlen(names[i][k]) == len))
				found = (int)i;
	if (found < 0 && fw_parse_u64(word, 0, UINT8_MAX, &number))
		return false;
	*ret = (uint8_t)(found < 0 ? number : (uint64_t)found);
	return true;
}

static int refuse(struct fw_err *err, const struct fw_use *use, const char *word, const char *part)
{
	fw_opt_refuse(err, use, &use->ext->opts[TYPE], word, "is not TYPE[:TYPE]");
	fw_err_words(err, "Invalid MH type `%s'", part);
	return -EINVAL;
}

static int take_types(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct mh *mh = use->data;
	const char *colon = strchr(words[0], ':');
	const size_t len = colon ? (size_t)(colon - words[0]) : strlen(words[0]);
	char first[32];

	if (len >= sizeof(first))
		return refuse(err, use, words[0], words[0]);
	memcpy(first, words[0], len);
	first[len] = '\0';
	if ((len || !colon) && !type_of(first, &mh->types[0]))
		return refuse(err, use, words[0], first);
	if (!colon)
		mh->types[1] = mh->types[0];
	else if (colon[1] && !type_of(colon + 1, &mh->types[1]))
		return refuse(err, use, words[0], colon + 1);
	if (mh->types[0] <= mh->types[1])
		return 0;
	fw_opt_refuse(err, use, opt, words[0], "ends before it begins");
	fw_err_words(err, "Invalid MH type range (min > max)");
	return -EINVAL;
}

static void print_types(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct mh *mh = use->data;

	fw_print_range(mh->types[0], mh->types[1], ':', out);
}

static const struct fw_opt opts[] = {
	[TYPE] = {.name = "mh-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		  .parse = take_types, .print = print_types, .arg = "type[:type]",
		  .help = "match mh type"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "Valid MH types:");
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		fw_buf_fmt(out, "\n%s (%s)", names[i][0], names[i][1]);
	fw_buf_char(out, '\n');
}

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct mh *)use->data)->types[1] = UINT8_MAX;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct mh *mh = use->data;

	if (!mh->types[0] && mh->types[1] == UINT8_MAX && !fw_use_inv(use, TYPE))
		use->set = 0;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct mh *mh = use->data;
	const char *inv = fw_use_inv(use, TYPE) ? "!" : "";

	fw_buf_str(out, " mh");
	if (!fw_use_has(use, TYPE))
		return;
	fw_buf_fmt(out, " %s", inv);
	if (mh->types[0] != mh->types[1] || numeric || mh->types[0] >= FW_ARRAY_SIZE(names))
		print_types(NULL, use, family, out);
	else
		fw_buf_str(out, names[mh->types[0]][0]);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct mh *mh = use->data;
	const uint8_t *h = fw_packet_bytes(e->pkt, e->pkt->l4_off, 6);

	if (e->pkt->fragment)
		return false;
	if (!h || h[0] != IPPROTO_NONE) {
		e->hotdrop = true;
		return false;
	}
	return (h[2] >= mh->types[0] && h[2] <= mh->types[1]) != fw_use_inv(use, TYPE);
}

const struct fw_ext fw_match_mh = {
	.name = "mh", .summary = "the type of an IPv6 mobility header",
	.flags = FW_EXT_DROPS, .families = 1 << FW_IP6,
	.proto = IPPROTO_MH, .size = sizeof(struct mh), .opts = opts, .help = help, .init = init,
	.check = check, .list = list, .match = match,
};
