/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m sctp: ports, and which chunks a packet carries: any, all, or only those of a list, each with
 * flags that must be set (upper case) or clear (lower case).
 */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "fw/classify.h"
#include "matches/ports.h"

enum how { ANY, ALL, ONLY };

struct sctp {
	struct ports ports;
	uint8_t how;
	uint64_t chunks[4];	    /* a bit for each type */
	uint8_t mask[22], want[22]; /* flags, by row of chunks below */
};

enum { CHUNKS = N_PORT_ROWS };

/* flags: letters from bit 7 down to 0 */
static const struct chunk {
	const char *name;
	uint8_t type;
	const char *flags;
} chunks[] = {
	{"DATA", 0, "----IUBE"},  {"INIT", 1, ""},	    {"INIT_ACK", 2, ""},
	{"SACK", 3, ""},	  {"HEARTBEAT", 4, ""},	    {"HEARTBEAT_ACK", 5, ""},
	{"ABORT", 6, "-------T"}, {"SHUTDOWN", 7, ""},	    {"SHUTDOWN_ACK", 8, ""},
	{"ERROR", 9, ""},	  {"COOKIE_ECHO", 10, ""},  {"COOKIE_ACK", 11, ""},
	{"ECN_ECNE", 12, ""},	  {"ECN_CWR", 13, ""},	    {"SHUTDOWN_COMPLETE", 14, "-------T"},
	{"I_DATA", 64, "----IUBE"}, {"ASCONF_ACK", 128, ""}, {"RE_CONFIG", 130, ""},
	{"PAD", 132, ""},	  {"FORWARD_TSN", 192, ""}, {"ASCONF", 193, ""},
	{"I_FORWARD_TSN", 194, ""},
};
_Static_assert(FW_ARRAY_SIZE(chunks) == FW_ARRAY_SIZE(((struct sctp *)0)->mask),
	       "flags of each chunk");

static const struct fw_opt_name hows[] = {{"any", ANY}, {"all", ALL}, {"only", ONLY}, {NULL}};

static bool in_list(const struct sctp *s, uint8_t type)
{
	return s->chunks[type / 64] >> (type % 64) & 1;
}

static bool all_are(const struct sctp *s, uint64_t what)
{
	return s->chunks[0] == what && s->chunks[1] == what && s->chunks[2] == what &&
		s->chunks[3] == what;
}

/* "NAME" or "NAME:flags", len bytes at p.  0; -1: no such chunk; else its row + 1: it has no such
 * flag. */
static int take_chunk(struct sctp *s, const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len);
	size_t name = colon ? (size_t)(colon - p) : len, i = 0;

	while (i < FW_ARRAY_SIZE(chunks) &&
	       (strlen(chunks[i].name) != name || strncasecmp(chunks[i].name, p, name)))
		i++;
	if (i == FW_ARRAY_SIZE(chunks))
		return -1;
	s->chunks[chunks[i].type / 64] |= 1ull << (chunks[i].type % 64);
	for (size_t k = name + 1; k < len; k++) {
		char upper = (char)(p[k] & ~0x20);
		const char *at = strchr(chunks[i].flags, upper);
		uint8_t bit;

		if (upper < 'A' || !at)
			return (int)i + 1;
		bit = (uint8_t)(0x80u >> (at - chunks[i].flags));
		s->mask[i] |= bit;
		if (p[k] == upper)
			s->want[i] |= bit;
	}
	return 0;
}

static int take_chunks(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	struct sctp *s = use->data;
	const struct fw_opt_name *how = hows;
	const char *p = words[1];
	int r;

	while (how->name && strcasecmp(how->name, words[0]))
		how++;
	if (!how->name) {
		r = fw_opt_refuse(err, use, opt, words[0], "is none of any all only");
		fw_err_words(err, "Match type has to be one of \"ALL\", \"ANY\" or \"ONLY\"");
		return r;
	}
	s->how = (uint8_t)how->value;
	if (!strcasecmp(p, "ALL"))
		memset(s->chunks, 0xff, sizeof(s->chunks));
	if (!strcasecmp(p, "ALL") || !strcasecmp(p, "NONE"))
		return 0;
	while (*p) {
		size_t len = strcspn(p, ",");
		int row = len ? take_chunk(s, p, len) : 0;

		if (row) {
			r = fw_opt_refuse(err, use, opt, words[1],
					  "is not a list of chunks with flags");
			fw_err_hint(err, "the names: iptables -p sctp --help");
			if (row > 0)
				fw_err_words(err, "Invalid flags for chunk type %d", row - 1);
			else
				fw_err_words(err, "Unknown sctp chunk `%.*s'", (int)len, p);
			return r;
		}
		p += len + (p[len] == ',');
	}
	return 0;
}

static void print_list(const struct sctp *s, bool numeric, struct fw_buf *out)
{
	const char *comma = "";

	fw_buf_str(out, hows[s->how].name);
	fw_buf_char(out, ' ');
	if (all_are(s, 0) || all_are(s, UINT64_MAX)) {
		fw_buf_str(out, s->chunks[0] ? "ALL" : "NONE");
		return;
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(chunks); i++) {
		if (!in_list(s, chunks[i].type))
			continue;
		fw_buf_str(out, comma);
		comma = ",";
		if (numeric)
			fw_buf_fmt(out, "0x%04X", chunks[i].type);
		else
			fw_buf_str(out, chunks[i].name);
		if (s->mask[i])
			fw_buf_char(out, ':');
		for (unsigned int k = 0; k < 8; k++)
			if (s->mask[i] & 0x80u >> k)
				fw_buf_char(out,
					    (char)(chunks[i].flags[k] |
						   (s->want[i] & 0x80u >> k ? 0 : 0x20)));
	}
}

static void print_chunks(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	print_list(use->data, false, out);
}

static const struct fw_opt opts[] = {
	PORT_ROWS,
	[CHUNKS] = {.name = "chunk-types", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT, .n_words = 2,
		    .parse = take_chunks, .print = print_chunks,
		    .arg = "(all|any|only) (chunktype[:flags])+",
		    .help = "match if all, any or only\n\t\t\t\tof these chunktypes are present"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out, "chunktypes -");
	for (size_t i = 0; i < FW_ARRAY_SIZE(chunks); i++)
		fw_buf_fmt(out, " %s", chunks[i].name);
	fw_buf_str(out, " ALL NONE\n");
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	ports_list(use, IPPROTO_SCTP, numeric, out);
	if (!fw_use_has(use, CHUNKS))
		return;
	fw_buf_str(out, fw_use_inv(use, CHUNKS) ? " ! " : " ");
	print_list(use->data, numeric, out);
}

static bool flags_hold(const struct sctp *s, uint8_t type, uint8_t flags)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(chunks); i++)
		if (chunks[i].type == type)
			return (flags & s->mask[i]) == s->want[i];
	return true;
}

/* A chunk that is cut off or says to be empty: no packet to be let anywhere. */
static bool chunks_hold(const struct sctp *s, struct fw_eval *e)
{
	uint64_t missing[4];
	uint32_t off = e->pkt->l4_off + 12;

	memcpy(missing, s->chunks, sizeof(missing));
	do {
		const uint8_t *c = fw_packet_bytes(e->pkt, off, 4);
		uint32_t len = c ? (uint32_t)(c[2] << 8 | c[3]) : 0;
		bool hit;

		if (!len) {
			e->hotdrop = true;
			return false;
		}
		off += (len + 3) & ~3u;
		hit = in_list(s, c[0]) && flags_hold(s, c[0], c[1]);
		if (hit && s->how == ANY)
			return true;
		if (!hit && s->how == ONLY)
			return false;
		if (hit)
			missing[c[0] / 64] &= ~(1ull << (c[0] % 64));
	} while (off < e->pkt->len);
	return s->how == ONLY ||
		(s->how == ALL && !(missing[0] | missing[1] | missing[2] | missing[3]));
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct sctp *s = use->data;

	if (!ports_header(e) || !ports_match(use, e->pkt))
		return false;
	if (!fw_use_has(use, CHUNKS))
		return true;
	return chunks_hold(s, e) != fw_use_inv(use, CHUNKS); /* the inverted rule counts a bad packet */
}

static bool fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	ports_fields(use, family, f);
	if (fw_use_has(use, CHUNKS))
		fw_fields_barrier(f); /* what does not end is dropped */
	return !fw_use_has(use, CHUNKS);
}

const struct fw_ext fw_match_sctp = {
	.name = "sctp", .summary = "SCTP ports and chunks",
	.proto = IPPROTO_SCTP, .flags = FW_NEED_PAYLOAD,
	.size = sizeof(struct sctp), .opts = opts, .init = ports_init, .help = help, .list = list,
	.match = match, .fields = fields,
};
