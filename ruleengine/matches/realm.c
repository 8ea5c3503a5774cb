/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m realm: the realm of the packet's route (ip route … realm …), for IPv4. */
#include "matches/valmask.h"

enum { REALM };

#define ZERO "cosmos"

static int take_realm(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	return valmask_take(use, opt, words[0], ZERO, err);
}

static void print_realm(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	valmask_print(use->data, ZERO, out);
}

static const struct fw_opt opts[] = {
	[REALM] = {.name = "realm", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT | FW_OPT_REQUIRED,
		   .parse = take_realm, .print = print_realm, .arg = "value[/mask]",
		   .help = "Match realm"},
	{NULL},
};

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	fw_buf_str(out, fw_use_inv(use, REALM) ? " ! realm " : " realm ");
	valmask_print(use->data, numeric ? NULL : ZERO, out);
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct fw_world *world = e->world;
	uint32_t realm = 0;

	if (world->ops && world->ops->realm)
		realm = world->ops->realm(world->priv, e->pkt, e->mark);
	return valmask_fits(use->data, realm) != fw_use_inv(use, REALM);
}

const struct fw_ext fw_match_realm = {
	.name = "realm", .summary = "the realm of the packet's route", .families = 1 << FW_IP4,
	.hooks = FW_HOOKS_ALL & ~FW_HOOK_BIT(FW_PREROUTING), .size = sizeof(struct valmask),
	.opts = opts, .list = list, .match = match,
};
