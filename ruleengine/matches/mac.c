/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m mac: the Ethernet address that sent the packet here.  A packet that did not come over
 * Ethernet never matches, not even `! --mac-source`, as in the kernel.
 */
#include <string.h>

#include "opt/opt.h"

struct mac {
	uint8_t addr[6];
};

enum { SOURCE };

static int hex(char c)
{
	return c >= '0' && c <= '9'		     ? c - '0'
		: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						     : -1;
}

static int take_mac(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		    bool inverted, const char *const *words, struct fw_err *err)
{
	struct mac *m = use->data;
	const char *p = words[0];
	int r;

	for (unsigned int i = 0; i < 6 && hex(*p) >= 0; i++) {
		m->addr[i] = (uint8_t)hex(*p++);
		if (hex(*p) >= 0)
			m->addr[i] = (uint8_t)(m->addr[i] << 4 | hex(*p++));
		if (i == 5 && !*p)
			return 0;
		if (*p++ != ':')
			break;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not XX:XX:XX:XX:XX:XX");
	fw_err_words(err, "Invalid MAC address specified.");
	return r;
}

static void print_mac(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out)
{
	const struct mac *m = use->data;

	fw_buf_fmt(out, "%02x:%02x:%02x:%02x:%02x:%02x", m->addr[0], m->addr[1], m->addr[2],
		   m->addr[3], m->addr[4], m->addr[5]);
}

static const struct fw_opt opts[] = {
	[SOURCE] = {.name = "mac-source", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		    .parse = take_mac, .print = print_mac, .arg = "XX:XX:XX:XX:XX:XX",
		    .help = "Match source MAC address"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, fw_use_inv(use, SOURCE) ? " MAC ! " : " MAC ");
	print_mac(opts, use, family, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct mac *m = use->data;
	const struct fw_pkt_meta *meta = &e->pkt->meta;

	return meta->has_mac && !memcmp(meta->mac, m->addr, 6) != fw_use_inv(use, SOURCE);
}

const struct fw_ext fw_match_mac = {
	.name = "mac", .summary = "the Ethernet source address",
	.hooks = FW_HOOK_BIT(FW_PREROUTING) | FW_HOOK_BIT(FW_INPUT) | FW_HOOK_BIT(FW_FORWARD),
	.size = sizeof(struct mac), .opts = opts, .list = list, .match = match,
};
