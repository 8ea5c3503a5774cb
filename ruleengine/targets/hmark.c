/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j HMARK: the packet's mark from a hash of its ends, or its connection's (hmarkhash.h). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "fw/tx.h"
#include "opt/opt.h"
#include "targets/hmarkhash.h"

enum {
	SRC,
	DST,
	SPORT_MASK,
	DPORT_MASK,
	SPI_MASK,
	SPORT,
	DPORT,
	SPI,
	PROTO_MASK,
	RND,
	MOD,
	OFFSET,
	CT
};

#define BIT(row) (1ull << (row))

static int take_prefix(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	union fw_addr *mask = (union fw_addr *)((uint8_t *)use->data + opt->offset);
	unsigned int len;
	int r;

	if (!fw_parse_mask(words[0], ctx->family, mask) &&
	    fw_mask_is_prefix(mask, ctx->family, &len))
		return 0;
	r = fw_opt_refuse(err, use, opt, words[0], "is no length of a prefix");
	fw_err_words(err,
		     "HMARK: bad value for option \"--%s\", neither a valid network mask nor valid "
		     "CIDR (0-%u).",
		     opt->name, ctx->family == FW_IP4 ? 32u : 128u);
	return r;
}

static void print_prefix(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	unsigned int len = 0;

	fw_mask_is_prefix((const union fw_addr *)((const uint8_t *)use->data + opt->offset), family,
			  &len);
	fw_buf_u64(out, len);
}

/* Where a row's number lies in ports_mask or ports_set. */
static unsigned int shift_of(unsigned int row)
{
	return row == SPORT_MASK || row == SPORT ? 16 : 0;
}

static uint32_t part_of(const struct fw_use *use, unsigned int row)
{
	const struct hmark *h = use->data;
	const uint32_t ports = row <= SPI_MASK ? h->ports_mask : h->ports_set;

	return row == SPI_MASK || row == SPI ? ports : ports >> shift_of(row) & UINT16_MAX;
}

static int take_ports(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	const unsigned int row = (unsigned int)(opt - use->ext->opts);
	struct hmark *h = use->data;
	uint32_t *at = row <= SPI_MASK ? &h->ports_mask : &h->ports_set;
	const uint32_t all = row == SPI_MASK || row == SPI ? UINT32_MAX : UINT16_MAX;
	uint64_t value;

	if (fw_parse_u64(words[0], 0, all, &value))
		return fw_opt_out_of_range(err, use, opt, words[0]);
	*at = (*at & ~(all << shift_of(row))) | (uint32_t)value << shift_of(row);
	return 0;
}

static void print_ports(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const unsigned int row = (unsigned int)(opt - use->ext->opts);

	fw_buf_fmt(out, row == SPI_MASK || row == SPI ? "0x%08x" : "0x%04x", part_of(use, row));
}

static void print_proto(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%02x", ((const struct hmark *)use->data)->proto_mask);
}

static void print_rnd(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	fw_buf_fmt(out, "0x%08x", ((const struct hmark *)use->data)->rnd);
}

/* One of the words, or the beginning of one; -1: none. */
static int tuple_row(const char *word, size_t len)
{
	static const struct {
		const char *word;
		int row;
	} words[] = {{"ct", CT},
		     {"src", SRC},
		     {"dst", DST},
		     {"sport", SPORT_MASK},
		     {"dport", DPORT_MASK},
		     {"proto", PROTO_MASK},
		     {"spi", SPI_MASK}};

	for (size_t i = 0; len && i < FW_ARRAY_SIZE(words); i++)
		if (!strncasecmp(word, words[i].word, len))
			return words[i].row;
	return -1;
}

/* A list of what is hashed, all of it: a short way to say the rows of masks. */
static int take_tuple(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct hmark *h = use->data;
	const char *p = words[0];

	for (;;) {
		const size_t len = strcspn(p, ",");
		const int row = tuple_row(p, len);

		if (row < 0) {
			fw_opt_refuse(err, use, opt, words[0],
				      "is no list of src dst sport dport spi proto ct");
			fw_err_words(err, "Bad type \"%s\"", p);
			return -EINVAL;
		}
		use->set |= row == CT ? 0 : BIT(row);
		if (row == SRC || row == DST)
			memset(row == SRC ? &h->src_mask : &h->dst_mask, 0xff,
			       ctx->family == FW_IP4 ? 4 : 16);
		else if (row == PROTO_MASK)
			h->proto_mask = UINT16_MAX;
		else if (row == CT)
			h->ct = true;
		else
			h->ports_mask |= row == SPI_MASK ? UINT32_MAX
							 : 0xffffu << shift_of((unsigned int)row);
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

static void print_ct(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out)
{
	fw_buf_str(out, "ct");
}

#define PREFIX(row, word, field, text)                    \
	[row] = {.name = word,                            \
		 .kind = FW_OPT_CUSTOM,                   \
		 .offset = offsetof(struct hmark, field), \
		 .parse = take_prefix,                    \
		 .print = print_prefix,                   \
		 .arg = "length",                         \
		 .help = text}
#define PORTS(row, word, top, text)     \
	[row] = {.name = word,          \
		 .kind = FW_OPT_CUSTOM, \
		 .max = top,            \
		 .parse = take_ports,   \
		 .print = print_ports,  \
		 .arg = "value",        \
		 .help = text}

static const struct fw_opt opts[] = {
	PREFIX(SRC, "hmark-src-prefix", src_mask, "Source address mask CIDR prefix"),
	PREFIX(DST, "hmark-dst-prefix", dst_mask, "Dest address mask CIDR prefix"),
	PORTS(SPORT_MASK, "hmark-sport-mask", UINT16_MAX, "Mask src port with value"),
	PORTS(DPORT_MASK, "hmark-dport-mask", UINT16_MAX, "Mask dst port with value"),
	PORTS(SPI_MASK, "hmark-spi-mask", UINT32_MAX, "For esp and ah AND spi with value"),
	PORTS(SPORT, "hmark-sport", UINT16_MAX, "OR src port with value"),
	PORTS(DPORT, "hmark-dport", UINT16_MAX, "OR dst port with value"),
	PORTS(SPI, "hmark-spi", UINT32_MAX, "For esp and ah OR spi with value"),
	[PROTO_MASK] = {.name = "hmark-proto-mask", .kind = FW_OPT_U16,
			.offset = offsetof(struct hmark, proto_mask), .print = print_proto,
			.arg = "value", .help = "Mask Protocol with value"},
	[RND] = {.name = "hmark-rnd", .kind = FW_OPT_U32, .offset = offsetof(struct hmark, rnd),
		 .print = print_rnd, .arg = "value", .help = "Random seed for hashing"},
	[MOD] = {.name = "hmark-mod", .kind = FW_OPT_U32, .offset = offsetof(struct hmark, mod),
		 .min = 1, .arg = "value", .help = "nfmark modulus value"},
	[OFFSET] = {.name = "hmark-offset", .kind = FW_OPT_U32,
		    .offset = offsetof(struct hmark, offset), .arg = "value",
		    .help = "Last action add value to nfmark"},
	[CT] = {.name = "hmark-tuple", .kind = FW_OPT_CUSTOM, .parse = take_tuple,
		.print = print_ct, .arg = "[src|dst|sport|dport|spi|proto|ct][,...]",
		.help = "what is hashed"},
	{NULL},
};

static int missing(struct fw_err *err, const char *option, const char *words)
{
	int r = fw_fail(err, FW_ERR_USAGE, "HMARK: %s is missing", option);

	fw_err_words(err, "%s", words);
	return r;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	/* Of a tuple only that is left to say: the rest is said by the masks. */
	if (!((const struct hmark *)use->data)->ct)
		use->set &= ~BIT(CT);
	if (!fw_use_has(use, MOD))
		return missing(err, "--hmark-mod", "--hmark-mod is mandatory");
	if (!fw_use_has(use, RND))
		return missing(err, "--hmark-rnd", "--hmark-rnd is mandatory");
	if (fw_use_has(use, SPI_MASK) && (use->set & (BIT(SPORT_MASK) | BIT(DPORT_MASK)))) {
		r = fw_fail(err, FW_ERR_USAGE, "HMARK: a packet has ports or an SPI, not both");
		fw_err_words(err,
			     "you cannot use --hmark-spi-mask and --hmark-?port-mask,at the "
			     "same time");
		return r;
	}
	if (!(use->set & ((1ull << RND) - 1)) && !fw_use_has(use, CT))
		return missing(err, "--hmark-tuple", "you have to specify --hmark-tuple at least");
	if (fw_use_has(use, SPI) && (use->set & (BIT(SPORT) | BIT(DPORT))))
		return fw_fail(err, FW_ERR_PLACE, "HMARK: a packet has ports or an SPI, not both");
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct hmark *h = use->data;

	fw_buf_fmt(out, " HMARK mod %u ", h->mod);
	if (fw_use_has(use, OFFSET))
		fw_buf_fmt(out, "+ 0x%x ", h->offset);
	if (fw_use_has(use, CT))
		fw_buf_str(out, "ct, ");
	for (unsigned int row = SRC; row <= DST; row++) {
		if (!fw_use_has(use, row))
			continue;
		fw_buf_fmt(out, "%s ", opts[row].name + strlen("hmark-"));
		print_prefix(&opts[row], use, family, out);
		fw_buf_char(out, ' ');
	}
	for (unsigned int row = SPORT_MASK; row <= SPI; row++)
		if (fw_use_has(use, row))
			fw_buf_fmt(out, "%s 0x%x ", opts[row].name + strlen("hmark-"),
				   part_of(use, row));
	if (fw_use_has(use, PROTO_MASK))
		fw_buf_fmt(out, "proto-mask 0x%x ", h->proto_mask);
	fw_buf_fmt(out, "rnd 0x%x ", h->rnd);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct hmark *h = use->data;
	uint32_t hash;

	if (h->ct ? hmark_flow(h, e->flow, &hash) : hmark_packet(h, e->pkt, &hash))
		e->mark = (uint32_t)((uint64_t)hash * h->mod >> 32) + h->offset;
	return FW_CONTINUE;
}

/* The greatest mark must not reach the daemon's own bits. */
static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	const struct hmark *h = use->data;
	const uint32_t lowest = env->mark_reserved & -env->mark_reserved;
	const uint64_t most = (uint64_t)h->offset + h->mod - 1;

	return most < lowest ? 0 : fw_use_may_mark(use, env->mark_reserved, env, err);
}

static uint16_t needs(const struct fw_use *use)
{
	return fw_use_has(use, CT) ? FW_NEED_TRACK : 0;
}

const struct fw_ext fw_target_hmark = {
	.name = "HMARK", .target = true, .summary = "mark the packet with a hash of its ends",
	.size = sizeof(struct hmark), .opts = opts, .check = check, .needs = needs, .list = list,
	.deploy = deploy, .run = run,
};
