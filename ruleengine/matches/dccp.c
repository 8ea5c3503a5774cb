/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m dccp: ports, packet types, and whether an option is there. */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "fw/classify.h"
#include "matches/options.h"
#include "matches/ports.h"

#define INVALID 10 /* and whatever types come behind it */

struct dccp {
	struct ports ports;
	uint16_t types;
	uint8_t option;
};

enum { TYPES = N_PORT_ROWS, OPTION };

static const char *const names[] = {"REQUEST", "RESPONSE", "DATA",  "ACK",  "DATAACK", "CLOSEREQ",
				    "CLOSE",   "RESET",	   "SYNC", "SYNCACK", "INVALID"};

static int take_types(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct dccp *d = use->data;
	const char *p = words[0];

	while (*p) {
		size_t len = strcspn(p, ","), i = 0;
		int r;

		while (i < FW_ARRAY_SIZE(names) &&
		       (strlen(names[i]) != len || strncasecmp(names[i], p, len)))
			i++;
		if (len && i == FW_ARRAY_SIZE(names)) {
			r = fw_opt_refuse(err, use, opt, words[0],
					  "is not a list of DCCP packet types");
			fw_err_words(err, "Unknown DCCP type `%.*s'", (int)len, p);
			return r;
		}
		if (len)
			d->types |= (uint16_t)(i == INVALID ? 0xffffu << INVALID : 1u << i);
		p += len + (p[len] == ',');
	}
	return 0;
}

static void print_types(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct dccp *d = use->data;
	const char *comma = "";

	for (unsigned int i = 0; i <= INVALID; i++)
		if (d->types >> i & 1) {
			fw_buf_str(out, comma);
			fw_buf_str(out, names[i]);
			comma = ",";
		}
}

static const struct fw_opt opts[] = {
	PORT_ROWS,
	[TYPES] = {.name = "dccp-types", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		   .parse = take_types, .print = print_types, .arg = "type[,...]",
		   .help = "match when packet is one of the given types"},
	[OPTION] = {.name = "dccp-option", .kind = FW_OPT_U8, .flags = FW_OPT_NOT, .min = 1,
		    .offset = offsetof(struct dccp, option), .arg = "option",
		    .help = "match if option (by number!) is set"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct dccp *d = use->data;
	const char *comma = "";

	ports_list(use, IPPROTO_DCCP, numeric, out);
	if (fw_use_has(use, TYPES)) {
		fw_buf_str(out, fw_use_inv(use, TYPES) ? " ! " : " ");
		if (!numeric)
			print_types(opts, use, family, out);
		for (unsigned int i = 0; numeric && i < 16; i++)
			if (d->types >> i & 1) {
				fw_buf_fmt(out, "%s%u", comma, i);
				comma = ",";
			}
	}
	if (fw_use_has(use, OPTION))
		fw_buf_fmt(out, " option=%s%u", fw_use_inv(use, OPTION) ? "!" : "", d->option);
}

/* Bytes before the options: the generic header, and what the packet's type adds. */
static uint32_t header_len(const uint8_t *dccp)
{
	static const uint8_t extra[] = {4, 12, 0, 8, 8, 8, 8, 12, 8, 8};
	uint8_t type = dccp[8] >> 1 & 15;

	return (dccp[8] & 1 ? 16 : 12) + (type < sizeof(extra) ? extra[type] : 12u);
}

static bool has_option(uint8_t option, const uint8_t *dccp, struct fw_eval *e)
{
	uint32_t head = header_len(dccp), all = dccp[4] * 4u, n = all - head;
	const uint8_t *op = fw_packet_bytes(e->pkt, e->pkt->l4_off + head, n);

	if (all < head || (n && !op)) {
		e->hotdrop = true;
		return false;
	}
	return option_stands(op, n, option);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct dccp *d = use->data;
	const uint8_t *dccp;

	if (!ports_header(e) || !ports_match(use, e->pkt))
		return false;
	dccp = fw_packet_bytes(e->pkt, e->pkt->l4_off, 12);
	if (!dccp)
		return false;
	if (fw_use_has(use, TYPES) &&
	    (d->types >> (dccp[8] >> 1 & 15) & 1) == fw_use_inv(use, TYPES))
		return false;
	if (!fw_use_has(use, OPTION))
		return true;
	return has_option(d->option, dccp, e) != fw_use_inv(use, OPTION); /* see sctp */
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	ports_fields(use, family, f);
	if (fw_use_has(use, OPTION))
		fw_fields_barrier(f); /* what does not end is dropped */
	return !(use->set & (1u << TYPES | 1u << OPTION));
}

const struct fw_ext fw_match_dccp = {
	.name = "dccp", .summary = "DCCP ports, packet types and options",
	.proto = IPPROTO_DCCP,
	.size = sizeof(struct dccp), .opts = opts, .init = ports_init, .list = list, .match = match, .fields = fields,
};
