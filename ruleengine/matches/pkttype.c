/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m pkttype: to us, to all, to a group, or to somebody else on the wire. */
#include <strings.h>

#include "opt/opt.h"

struct pkttype {
	uint8_t type;
};

enum { TYPE };

/* The first name of a type is the one that is printed. */
static const struct fw_opt_name names[] = {
	{"unicast", FW_PKT_HOST},       {"broadcast", FW_PKT_BROADCAST},
	{"multicast", FW_PKT_MULTICAST}, {"otherhost", FW_PKT_OTHERHOST},
	{"bcast", FW_PKT_BROADCAST},    {"mcast", FW_PKT_MULTICAST},
	{"host", FW_PKT_HOST},          {NULL},
};

static int take_type(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	struct pkttype *t = use->data;
	int r;

	for (const struct fw_opt_name *n = names; n->name; n++)
		if (!strcasecmp(n->name, words[0])) {
			t->type = (uint8_t)n->value;
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0],
			  "is none of unicast broadcast multicast otherhost");
	fw_err_words(err, "Bad packet type '%s'", words[0]);
	return r;
}

static const char *name_of(const struct fw_use *use)
{
	const struct pkttype *t = use->data;
	const struct fw_opt_name *n = names;

	while (n->value != t->type)
		n++;
	return n->name;
}

static void print_type(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	fw_buf_str(out, name_of(use));
}

static const struct fw_opt opts[] = {
	[TYPE] = {.name = "pkt-type", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		  .parse = take_type, .print = print_type, .arg = "packettype",
		  .help = "match packet type"},
	{NULL},
};

static void help(enum fw_family family, struct fw_buf *out)
{
	fw_buf_str(out,
		   "Valid packet types:\n"
		   "\tunicast       \t\tto us\n"
		   "\tbroadcast     \t\tto all\n"
		   "\tmulticast     \t\tto group\n"
		   "\totherhost     \t\tto someone else\n\n");
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_fmt(out, " PKTTYPE %s= %s", fw_use_inv(use, TYPE) ? "!" : "", name_of(use));
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct pkttype *t = use->data;

	return (e->pkt->meta.pkttype == t->type) != fw_use_inv(use, TYPE);
}

const struct fw_ext fw_match_pkttype = {
	.name = "pkttype", .summary = "to whom on the wire the packet was sent",
	.flags = FW_NEED_PKTTYPE | FW_EXT_INVARIANT,
	.size = sizeof(struct pkttype), .opts = opts, .help = help, .list = list, .match = match,
};
