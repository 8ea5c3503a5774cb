/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m physdev: the ports of a bridge, where the kernel hands bridged packets to iptables
 * (net.bridge.bridge-nf-call-iptables).  Of a packet that no bridge had only what is negated holds.
 */
#include <string.h>

#include "opt/opt.h"

struct physdev {
	char in[FW_IFNAMSIZ], out[FW_IFNAMSIZ]; /* a + at the end: all names that begin so */
};

enum { IS_IN, IN, IS_OUT, OUT, IS_BRIDGED };

static int take_port(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err)
{
	const size_t len = strlen(words[0]);
	int r;

	if (len && len < FW_IFNAMSIZ && !strpbrk(words[0], " \t\n\"'\\")) {
		memcpy((char *)use->data + opt->offset, words[0], len);
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is no name of an interface");
	fw_err_words(err, "interface name `%s' must be shorter than IFNAMSIZ (%d)", words[0],
		     FW_IFNAMSIZ - 1);
	return r;
}

static void print_port(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		       struct fw_buf *out)
{
	fw_buf_str(out, (const char *)use->data + opt->offset);
}

static const struct fw_opt opts[] = {
	[IS_IN] = {.name = "physdev-is-in", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		   .help = "arrived on a bridge device"},
	[IN] = {.name = "physdev-in", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		.offset = offsetof(struct physdev, in), .parse = take_port, .print = print_port,
		.arg = "inputname[+]", .help = "bridge port name ([+] for wildcard)"},
	[IS_OUT] = {.name = "physdev-is-out", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		    .help = "will leave on a bridge device"},
	[OUT] = {.name = "physdev-out", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct physdev, out), .parse = take_port, .print = print_port,
		 .arg = "outputname[+]", .help = "bridge port name ([+] for wildcard)"},
	[IS_BRIDGED] = {.name = "physdev-is-bridged", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
			.help = "it's a bridged packet"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "physdev: no option is given");
	fw_err_words(err, "PHYSDEV: no physdev option specified");
	return r;
}

/*
 * Where a packet of this host will leave its bridge is not known in OUTPUT, and where a bridged one
 * came in a queue does not tell in POSTROUTING.
 */
static unsigned int places(const struct fw_use *use)
{
	const bool bridged = fw_use_has(use, IS_BRIDGED) && !fw_use_inv(use, IS_BRIDGED);
	unsigned int hooks = FW_HOOKS_ALL;

	if ((fw_use_has(use, OUT) || fw_use_has(use, IS_OUT)) && !bridged)
		hooks &= ~FW_HOOK_BIT(FW_OUTPUT);
	if (fw_use_has(use, IN) || fw_use_has(use, IS_IN))
		hooks &= ~FW_HOOK_BIT(FW_POSTROUTING);
	return hooks;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " PHYSDEV match");
	fw_use_save(use, family, out);
}

static bool same_port(const char *want, const char *have)
{
	const size_t len = strlen(want);

	return len && want[len - 1] == '+' ? !strncmp(want, have, len - 1) : !strcmp(want, have);
}

static bool flag_fails(const struct fw_use *use, unsigned int row, bool holds)
{
	return fw_use_has(use, row) && holds == fw_use_inv(use, row);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const struct physdev *p = use->data;
	const bool in = meta->phys_in[0], out = meta->phys_out[0];

	if (!in && !out)
		return use->set == use->inv;
	if (flag_fails(use, IS_BRIDGED, out) || flag_fails(use, IS_IN, in) ||
	    flag_fails(use, IS_OUT, out))
		return false;
	/* a port that is not known fits, as one to leave by does not: the kernel's way */
	if (in && flag_fails(use, IN, same_port(p->in, meta->phys_in)))
		return false;
	return !fw_use_has(use, OUT) ||
		(out && same_port(p->out, meta->phys_out) != fw_use_inv(use, OUT));
}

const struct fw_ext fw_match_physdev = {
	.name = "physdev", .summary = "the ports of a bridge", .size = sizeof(struct physdev),
	.opts = opts, .check = check, .places = places, .list = list, .match = match,
};
