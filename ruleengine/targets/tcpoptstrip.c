/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j TCPOPTSTRIP: overwrite TCP options with no-operations. */
#include <netinet/in.h>
#include <string.h>

#include "opt/opt.h"
#include "packet/rewrite.h"

#define TCP_HDR 20u
#define TCP_NOP 1

struct strip {
	uint8_t bits[32]; /* which options */
};

enum { OPTIONS };

static const struct fw_opt_name names[] = {
	{"wscale", 3}, {"mss", 2}, {"sack-permitted", 4}, {"sack", 5}, {"timestamp", 8},
	{"md5", 19},   {NULL},
};

static bool has(const struct strip *s, unsigned int option)
{
	return s->bits[option / 8] >> option % 8 & 1;
}

/* One word of the list, `len` bytes; 0: none. */
static unsigned int option_of(const char *word, size_t len)
{
	char copy[16];
	uint64_t value;

	for (const struct fw_opt_name *n = names; n->name; n++)
		if (strlen(n->name) == len && !memcmp(n->name, word, len))
			return (unsigned int)n->value;
	if (len >= sizeof(copy))
		return UINT32_MAX;
	memcpy(copy, word, len);
	copy[len] = '\0';
	return fw_parse_u64(copy, 0, UINT8_MAX, &value) ? UINT32_MAX : (unsigned int)value;
}

static int take_options(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			struct fw_use *use, bool inverted, const char *const *words,
			struct fw_err *err)
{
	struct strip *s = use->data;
	int r;

	for (const char *w = words[0];; w++) {
		const size_t len = strcspn(w, ",");
		const unsigned int option = option_of(w, len);

		if (option > UINT8_MAX) {
			r = fw_opt_refuse(err, use, opt, words[0],
					  "has something that is neither 2..255 nor a known name");
			fw_err_words(err, "Bad TCP option value \"%.*s\"", (int)len, w);
			return r;
		}
		if (option < 2) {
			r = fw_opt_refuse(err, use, opt, words[0],
					  "has 0 or 1, which are no options to strip");
			fw_err_words(err, "Option value may not be 0 or 1");
			return r;
		}
		if (has(s, option)) {
			r = fw_opt_refuse(err, use, opt, words[0], "says an option twice");
			fw_err_words(err, "Option \"%.*s\" already specified", (int)len, w);
			return r;
		}
		s->bits[option / 8] |= (uint8_t)(1u << option % 8);
		w += len;
		if (!*w)
			return 0;
	}
}

static const char *name_of(unsigned int option)
{
	for (const struct fw_opt_name *n = names; n->name; n++)
		if (n->value == option)
			return n->name;
	return NULL;
}

static void print_list(const struct strip *s, bool numeric, struct fw_buf *out)
{
	const char *sep = "";

	for (unsigned int i = 0; i <= UINT8_MAX; i++) {
		const char *name = numeric ? NULL : name_of(i);

		if (!has(s, i))
			continue;
		fw_buf_str(out, sep);
		if (name)
			fw_buf_str(out, name);
		else
			fw_buf_fmt(out, "%u", i);
		sep = ",";
	}
}

static void print_options(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			  struct fw_buf *out)
{
	print_list(use->data, true, out);
}

static const struct fw_opt opts[] = {
	[OPTIONS] = {.name = "strip-options", .kind = FW_OPT_CUSTOM, .parse = take_options,
		     .print = print_options, .arg = "value",
		     .help = "strip specified TCP options denoted by value\n"
			     "                            (separated by comma) from TCP header"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "  Instead of the numeric value, you can also use the following names:\n");
	for (const struct fw_opt_name *n = names; n->name; n++)
		fw_buf_fmt(out, "    %s\n", n->name);
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	if (!fw_use_has(use, OPTIONS))
		return;
	fw_buf_str(out, " TCPOPTSTRIP options ");
	print_list(use->data, numeric, out);
}

static uint32_t option_len(const uint8_t *op)
{
	return op[0] < 2 || !op[1] ? 1 : op[1];
}

/* One option of len bytes at h + i; the checksum's words are even places of the header. */
static void strip_one(uint8_t *h, uint32_t i, uint32_t len)
{
	for (uint32_t j = i; j < i + len; j++) {
		const unsigned int shift = j % 2 ? 0 : 8;

		fw_csum_replace(h + 16, (uint16_t)(h[j] << shift), (uint16_t)(TCP_NOP << shift));
		h[j] = TCP_NOP;
	}
}

/* Is there anything to strip?  Then n is the header's length. */
static bool finds(const struct strip *s, const uint8_t *tcp, uint32_t n)
{
	for (uint32_t i = TCP_HDR, len; i + 1 < n; i += len) {
		len = option_len(tcp + i);
		if (i + len > n)
			return false;
		if (has(s, tcp[i]))
			return true;
	}
	return false;
}

static bool strip(const struct strip *s, struct fw_eval *e, uint32_t n)
{
	uint8_t *h = fw_rewrite_bytes(e, e->pkt->l4_off, n);

	if (!h)
		return false;
	for (uint32_t i = TCP_HDR, len; i + 1 < n; i += len) {
		len = option_len(h + i);
		if (i + len > n)
			break;
		if (has(s, h[i]))
			strip_one(h, i, len);
	}
	fw_rewrite_done(e);
	return true;
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_packet *pkt = e->pkt;
	const uint8_t *tcp;
	uint32_t n;

	if (pkt->fragment)
		return FW_CONTINUE;
	tcp = fw_packet_bytes(pkt, pkt->l4_off, TCP_HDR);
	n = tcp ? (uint32_t)(tcp[12] >> 4) * 4 : 0;
	if (n < TCP_HDR || !fw_packet_bytes(pkt, pkt->l4_off, n))
		return FW_DROP;
	if (!finds(use->data, tcp, n))
		return FW_CONTINUE;
	return strip(use->data, e, n) ? FW_CONTINUE : FW_DROP;
}

const struct fw_ext fw_target_tcpoptstrip = {
	.name = "TCPOPTSTRIP", .target = true, .summary = "overwrite TCP options",
	.tables = FW_TABLE_BIT(FW_MANGLE), .proto = IPPROTO_TCP, .flags = FW_NEED_WRITE,
	.size = sizeof(struct strip), .opts = opts, .help = help, .list = list, .run = run,
};
