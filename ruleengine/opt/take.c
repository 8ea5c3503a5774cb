/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One option with its words becomes a stored value (fw_opt_take, fw/opt.h). */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fw/ext.h"
#include "opt/opt.h"

static const struct {
	uint8_t words, size; /* words that follow; bytes of one stored number, 0: not a number */
	uint64_t max;
} kinds[] = {
	[FW_OPT_FLAG] = {0, 0, 0},
	[FW_OPT_U8] = {1, 1, UINT8_MAX},
	[FW_OPT_U16] = {1, 2, UINT16_MAX},
	[FW_OPT_U32] = {1, 4, UINT32_MAX},
	[FW_OPT_U64] = {1, 8, UINT64_MAX},
	[FW_OPT_U8_RANGE] = {1, 1, UINT8_MAX},
	[FW_OPT_U16_RANGE] = {1, 2, UINT16_MAX},
	[FW_OPT_U32_RANGE] = {1, 4, UINT32_MAX},
	[FW_OPT_PORT_RANGE] = {1, 2, UINT16_MAX},
	[FW_OPT_STRING] = {1, 0, 0},
	[FW_OPT_ENUM] = {1, 1, UINT8_MAX},
	[FW_OPT_MARK] = {1, 4, UINT32_MAX},
	[FW_OPT_ADDR] = {1, 0, 0},
	[FW_OPT_ADDR_MASK] = {1, 0, 0},
	[FW_OPT_CUSTOM] = {1, 0, 0},
};
static_assert(FW_ARRAY_SIZE(kinds) == FW_N_OPT_KINDS, "a row for each kind");

unsigned int fw_opt_words(const struct fw_opt *opt)
{
	return opt->n_words ? opt->n_words : kinds[opt->kind].words;
}

uint64_t fw_opt_max(const struct fw_opt *opt)
{
	return opt->max ? opt->max : kinds[opt->kind].max;
}

static void store(struct fw_use *use, const struct fw_opt *opt, unsigned int index, uint64_t value)
{
	unsigned int size = kinds[opt->kind].size;
	uint8_t *at = (uint8_t *)use->data + opt->offset + index * size;

	switch (size) {
	case 1: *at = (uint8_t)value; break;
	case 2: memcpy(at, &(uint16_t){(uint16_t)value}, 2); break;
	case 4: memcpy(at, &(uint32_t){(uint32_t)value}, 4); break;
	default: memcpy(at, &value, 8);
	}
}

static int take_number(struct fw_use *use, const struct fw_opt *opt, const char *word,
		       struct fw_err *err)
{
	uint64_t value;

	if (fw_parse_u64(word, opt->min, fw_opt_max(opt), &value))
		return fw_opt_out_of_range(err, use, opt, word);
	store(use, opt, 0, value);
	return 0;
}

static int take_range(struct fw_use *use, const struct fw_opt *opt, const char *word,
		      struct fw_err *err)
{
	uint64_t range[2];

	if (fw_parse_range(word, ':', opt->min, fw_opt_max(opt), range))
		return fw_opt_bad_range(err, use, opt, word);
	store(use, opt, 0, range[0]);
	store(use, opt, 1, range[1]);
	return 0;
}

/* Names make this one longer: "ssh", "ssh:https", ":http". */
static int take_ports(const struct fw_parse_ctx *ctx, struct fw_use *use, const struct fw_opt *opt,
		      const char *word, struct fw_err *err)
{
	const char *colon = strchr(word, ':');
	uint16_t lo = 0, hi = UINT16_MAX;
	char first[64];
	size_t len = colon ? (size_t)(colon - word) : strlen(word);
	int r;

	if (len >= sizeof(first))
		return fw_opt_refuse(err, use, opt, word, "is longer than any service's name");
	memcpy(first, word, len);
	first[len] = '\0';
	r = len || !colon ? fw_parse_port(ctx, first, &lo, err) : 0;
	if (!r && colon && colon[1])
		r = fw_parse_port(ctx, colon + 1, &hi, err);
	if (r)
		return r;
	if (!colon)
		hi = lo;
	if (lo > hi) {
		r = fw_opt_refuse(err, use, opt, word, "ends before it begins");
		fw_err_words(err, "invalid portrange (min > max)");
		return r;
	}
	store(use, opt, 0, lo);
	store(use, opt, 1, hi);
	return 0;
}

static int take_string(struct fw_use *use, const struct fw_opt *opt, const char *word,
		       struct fw_err *err)
{
	size_t len = strlen(word);
	int r;

	if (len < opt->min) {
		r = fw_opt_refuse(err, use, opt, word, "is too short");
		fw_err_words(err, "Argument must have a minimum length of %u characters",
			     (unsigned int)opt->min);
		return r;
	}
	if (len > opt->max && !(opt->flags & FW_OPT_CUT)) {
		r = fw_fail(err, FW_ERR_USAGE, "%s: --%s: %zu bytes are more than %u",
			    use->ext->name, opt->name, len, (unsigned int)opt->max);
		fw_err_words(err, "Argument must have a maximum length of %u characters",
			     (unsigned int)opt->max);
		return r;
	}
	if (len > opt->max)
		len = opt->max;
	memcpy((char *)use->data + opt->offset, word, len);
	((char *)use->data)[opt->offset + len] = '\0';
	return 0;
}

static int take_enum(struct fw_use *use, const struct fw_opt *opt, const char *word,
		     struct fw_err *err)
{
	char list[200] = "is none of";
	size_t len = strlen(list);

	for (const struct fw_opt_name *n = opt->names; n->name; n++)
		if (!strcmp(n->name, word)) {
			store(use, opt, 0, n->value);
			return 0;
		}
	for (const struct fw_opt_name *n = opt->names; n->name; n++) {
		size_t need = strlen(n->name) + 1;

		if (len + need >= sizeof(list))
			break;
		list[len] = ' ';
		memcpy(list + len + 1, n->name, need);
		len += need;
	}
	fw_opt_refuse(err, use, opt, word, list);
	fw_err_words(err, "Bad %s \"%s\"", opt->name, word);
	return -EINVAL;
}

static int take_mark(struct fw_use *use, const struct fw_opt *opt, const char *word,
		     struct fw_err *err)
{
	uint32_t value, mask;

	if (fw_parse_mark(word, &value, &mask))
		return fw_opt_refuse_mark(err, use, opt, word);
	store(use, opt, 0, value);
	store(use, opt, 1, mask);
	return 0;
}

static int take_addr(const struct fw_parse_ctx *ctx, struct fw_use *use, const struct fw_opt *opt,
		     const char *word, struct fw_err *err)
{
	union fw_addr *at = (union fw_addr *)((uint8_t *)use->data + opt->offset);
	const char *slash = strchr(word, '/');
	char host[256];
	size_t len = slash ? (size_t)(slash - word) : strlen(word);

	if ((slash && opt->kind == FW_OPT_ADDR) || len >= sizeof(host))
		return fw_opt_refuse(err, use, opt, word, "is not an address");
	memcpy(host, word, len);
	host[len] = '\0';
	if (opt->kind == FW_OPT_ADDR_MASK) {
		memset(&at[1], 0, sizeof(at[1]));
		memset(&at[1], 0xff, ctx->family == FW_IP4 ? 4 : 16);
		if (slash && fw_parse_mask(slash + 1, ctx->family, &at[1]))
			return fw_opt_refuse(err, use, opt, word, "has no valid mask");
	}
	return fw_parse_host(ctx, host, at, err);
}

static int take_value(const struct fw_parse_ctx *ctx, struct fw_use *use, const struct fw_opt *opt,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	if (opt->parse)
		return opt->parse(ctx, opt, use, inverted, words, err);
	switch (opt->kind) {
	case FW_OPT_U8:
	case FW_OPT_U16:
	case FW_OPT_U32:
	case FW_OPT_U64: return take_number(use, opt, words[0], err);
	case FW_OPT_U8_RANGE:
	case FW_OPT_U16_RANGE:
	case FW_OPT_U32_RANGE: return take_range(use, opt, words[0], err);
	case FW_OPT_PORT_RANGE: return take_ports(ctx, use, opt, words[0], err);
	case FW_OPT_STRING: return take_string(use, opt, words[0], err);
	case FW_OPT_ENUM: return take_enum(use, opt, words[0], err);
	case FW_OPT_MARK: return take_mark(use, opt, words[0], err);
	case FW_OPT_ADDR:
	case FW_OPT_ADDR_MASK: return take_addr(ctx, use, opt, words[0], err);
	default: return 0;
	}
}

int fw_opt_take(const struct fw_parse_ctx *ctx, struct fw_use *use, const struct fw_opt *opt,
		bool inverted, const char *const *words, struct fw_err *err)
{
	unsigned int row = (unsigned int)(opt - use->ext->opts);
	int r;

	r = fw_opt_may_stand(use, opt, inverted, err);
	if (r)
		return r;
	r = take_value(ctx, use, opt, inverted, words, err);
	if (r)
		return r;
	use->set |= 1ull << row;
	if (inverted)
		use->inv |= 1ull << row;
	return 0;
}
