/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j NETMAP: a whole network onto another, host by host: the destination before routing and of
 * what is sent here, the source behind routing. */
#include <string.h>

#include "targets/natrange.h"

static int take(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		bool inverted, const char *const *words, struct fw_err *err)
{
	const char *slash = strchr(words[0], '/');
	struct fw_nat *nat = use->data;
	union fw_addr addr, mask;
	char text[64];
	size_t len = slash ? (size_t)(slash - words[0]) : strlen(words[0]);

	memset(&mask, 0xff, sizeof(mask));
	if (len >= sizeof(text))
		return fw_opt_refuse(err, use, opt, words[0], "is not ADDRESS[/MASK]");
	memcpy(text, words[0], len);
	text[len] = '\0';
	if (fw_parse_addr(text, ctx->family, &addr) ||
	    (slash && fw_parse_mask(slash + 1, ctx->family, &mask)))
		return fw_opt_refuse(err, use, opt, words[0], "is not ADDRESS[/MASK]");
	for (unsigned int i = 0; i < (ctx->family == FW_IP4 ? 4u : 16u); i++) {
		nat->min_addr.u8[i] = addr.u8[i] & mask.u8[i];
		nat->max_addr.u8[i] = (uint8_t)(nat->min_addr.u8[i] | (uint8_t)~mask.u8[i]);
	}
	nat->flags |= FW_NAT_ADDR | FW_NAT_NETMAP;
	return 0;
}

static void print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		  struct fw_buf *out)
{
	const struct fw_nat *nat = use->data;
	union fw_addr mask = {.u8 = {0}};

	for (unsigned int i = 0; i < (family == FW_IP4 ? 4u : 16u); i++)
		mask.u8[i] = (uint8_t)~(nat->min_addr.u8[i] ^ nat->max_addr.u8[i]);
	fw_print_addr(&nat->min_addr, family, out);
	fw_print_mask(&mask, family, true, out);
}

static const struct fw_opt opts[] = {
	{.name = "to", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_REQUIRED, .parse = take,
	 .print = print, .arg = "address[/mask]", .help = "Network address to map to."},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct fw_nat *)use->data)->kind = FW_NAT_BOTH;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, " to:");
	print(NULL, use, family, out);
}

const struct fw_ext fw_target_netmap = {
	.name = "NETMAP", .target = true, .summary = "a network onto another",
	.tables = FW_TABLE_BIT(FW_NAT),
	.hooks = FW_HOOKS_ALL & ~FW_HOOK_BIT(FW_FORWARD),
	.flags = FW_NEED_TRACK | FW_NEED_NAT,
	.size = sizeof(struct fw_nat), .opts = opts, .init = init, .check = nat_check, .list = list,
	.run = nat_run,
};
