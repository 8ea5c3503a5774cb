/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m ipv6header: which extension headers an IPv6 packet has, exactly these or (--soft) at least. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "opt/opt.h"

struct ipv6header {
	uint8_t headers; /* bits of kinds[] */
};

enum { HEADER, SOFT };

#define NONE_BIT  0x02
#define ESP_BIT	  0x04
#define PROTO_BIT 0x01

static const struct {
	uint8_t proto, bit;
	const char *names[4]; /* the first is the one that is printed */
} kinds[] = {
	{IPPROTO_HOPOPTS, 0x80, {"hop-by-hop", "hop", "0"}},
	{IPPROTO_DSTOPTS, 0x40, {"ipv6-opts", "dst", "60"}},
	{IPPROTO_ROUTING, 0x20, {"ipv6-route", "route", "43"}},
	{IPPROTO_FRAGMENT, 0x10, {"ipv6-frag", "frag", "44"}},
	{IPPROTO_AH, 0x08, {"ah", "auth", "51"}},
	{IPPROTO_ESP, ESP_BIT, {"esp", "50"}},
	{IPPROTO_NONE, NONE_BIT, {"ipv6-nonxt", "none", "59"}},
	{IPPROTO_RAW, PROTO_BIT, {"protocol", "prot", "255"}},
};

static uint8_t bit_of_name(const char *name, size_t len)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(kinds); i++)
		for (size_t k = 0; kinds[i].names[k]; k++)
			if (strlen(kinds[i].names[k]) == len &&
			    !memcmp(kinds[i].names[k], name, len))
				return kinds[i].bit;
	return 0;
}

static uint8_t bit_of_proto(uint8_t proto)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(kinds); i++)
		if (kinds[i].proto == proto)
			return kinds[i].bit;
	return 0;
}

static int take_header(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	struct ipv6header *h = use->data;
	const char *p = words[0];

	for (;;) {
		const size_t len = strcspn(p, ",");
		const uint8_t bit = bit_of_name(p, len);

		if (!bit) {
			fw_opt_refuse(err, use, opt, words[0],
				      "is no list of hop dst route frag auth esp none prot");
			fw_err_words(err, "unknown header `%.*s' specified", (int)len, p);
			return -EINVAL;
		}
		h->headers |= bit;
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

static void print_names(const struct ipv6header *h, struct fw_buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < FW_ARRAY_SIZE(kinds); i++) {
		if (!(h->headers & kinds[i].bit))
			continue;
		fw_buf_fmt(out, "%s%s", comma, kinds[i].names[0]);
		comma = ",";
	}
}

static void print_header(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	print_names(use->data, out);
}

static const struct fw_opt opts[] = {
	[HEADER] = {.name = "header", .kind = FW_OPT_CUSTOM,
		    .flags = FW_OPT_NOT | FW_OPT_REQUIRED, .parse = take_header,
		    .print = print_header, .arg = "headers",
		    .help = "Type of header to match, by name\n"
			    "                         names: hop,dst,route,frag,auth,esp,none,prot\n"
			    "                    long names: hop-by-hop,ipv6-opts,ipv6-route,\n"
			    "                                ipv6-frag,ah,esp,ipv6-nonxt,protocol\n"
			    "                       numbers: 0,60,43,44,51,50,59"},
	[SOFT] = {.name = "soft", .kind = FW_OPT_FLAG,
		  .help = "The header CONTAINS the specified extensions"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct ipv6header *h = use->data;

	fw_buf_fmt(out, " ipv6header flags:%s", fw_use_inv(use, HEADER) ? "!" : "");
	if (numeric)
		fw_buf_fmt(out, "0x%02X", h->headers);
	else
		print_names(h, out);
	fw_buf_str(out, fw_use_has(use, SOFT) ? " soft" : "");
}

/* Bits of the headers that are there.  false: one is cut. */
static bool headers_of(struct fw_eval *e, uint8_t *ret)
{
	const struct fw_packet *pkt = e->pkt;
	uint8_t next = pkt->data[6], bit;
	uint32_t off = 40;

	*ret = 0;
	while ((bit = bit_of_proto(next)) && bit != PROTO_BIT) {
		const uint8_t *h;

		if (bit != NONE_BIT && off + 2 > pkt->len)
			return false;
		*ret |= bit;
		if (bit == NONE_BIT || bit == ESP_BIT)
			return true;
		h = fw_packet_bytes(pkt, off, 2);
		if (!h) { /* behind what was copied to us */
			e->hotdrop = true;
			return false;
		}
		off += next == IPPROTO_FRAGMENT ? 8
			: next == IPPROTO_AH	? (h[1] + 2u) * 4
						: (h[1] + 1u) * 8;
		next = h[0];
		if (off > pkt->len)
			break;
	}
	if (next != IPPROTO_NONE && next != IPPROTO_ESP)
		*ret |= PROTO_BIT;
	return true;
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct ipv6header *want = use->data;
	const bool inv = fw_use_inv(use, HEADER);
	uint8_t there;

	if (!headers_of(e, &there))
		return false;
	if (fw_use_has(use, SOFT)) /* with `!`: none of them */
		return (there & want->headers) == (inv ? 0 : want->headers);
	return (there == want->headers) != inv;
}

const struct fw_ext fw_match_ipv6header = {
	.name = "ipv6header", .summary = "which IPv6 extension headers there are",
	.flags = FW_EXT_DROPS, .families = 1 << FW_IP6,
	.size = sizeof(struct ipv6header), .opts = opts, .list = list, .match = match,
};
