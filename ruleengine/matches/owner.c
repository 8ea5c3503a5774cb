/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m owner: whose socket sends the packet.
 *
 * The queue tells user and group of the socket's file.  For a SYN-ACK, whose socket is half-made,
 * the kernel looks at the listener, and nft tells us about that (fw/owners.h).  A socket without
 * file is the kernel's own: it exists, but belongs to nobody.  Without any socket only what is
 * negated holds.  Supplementary groups nobody tells.
 */
#include <string.h>

#include "fw/owners.h"
#include "opt/opt.h"

struct owner {
	uint32_t uid[2], gid[2];
};

enum { SOCKET, UID, GID, SUPPL };

static int take_id(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		   bool inverted, const char *const *words, struct fw_err *err)
{
	const struct fw_resolver *resolver = ctx->resolver;
	uint32_t *range = (uint32_t *)((uint8_t *)use->data + opt->offset);
	bool group = opt->offset == offsetof(struct owner, gid);
	const char *word = words[0], *dash = strpbrk(word, "-:");
	uint64_t n[2] = {0, 0}; /* root is 0 everywhere, so it needs nobody to ask */
	int r;

	if (!strcmp(word, "root") ||
	    !fw_parse_range(word, dash ? *dash : '-', 0, UINT32_MAX - 1, n)) {
		range[0] = (uint32_t)n[0];
		range[1] = (uint32_t)n[1];
		return 0;
	}
	if (resolver && resolver->id && !resolver->id(resolver->priv, group, word, range)) {
		range[1] = range[0];
		return 0;
	}
	if (dash && fw_scan_u64(word, &n[0]) == dash && !fw_parse_u64(dash + 1, 0, n[0], &n[1])) {
		r = fw_fail(err, FW_ERR_PLACE, "owner: --%s: '%s' ends before it begins", opt->name,
			    word);
		fw_err_hint(err, "write the smaller number first");
		return r;
	}
	if (word[0] >= '0' && word[0] <= '9')
		r = fw_opt_refuse(err, use, opt, word, "is neither a name nor NUMBER[-NUMBER]");
	else /* a name: whoever has a resolver is asked again */
		r = fw_fail(err, FW_ERR_NAME, "owner: --%s: nobody knows a %s '%s'", opt->name,
			    group ? "group" : "user", word);
	fw_err_words(err, "owner: Bad value for \"--%s\" option: \"%s\"", opt->name, word);
	return r;
}

static void print_id(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		     struct fw_buf *out)
{
	const struct owner *o = use->data;
	const uint32_t *range = opt->offset == offsetof(struct owner, gid) ? o->gid : o->uid;

	fw_print_range(range[0], range[1], '-', out);
}

static const struct fw_opt opts[] = {
	[SOCKET] = {.name = "socket-exists", .kind = FW_OPT_FLAG, .flags = FW_OPT_NOT,
		    .help = "Match if socket exists"},
	[UID] = {.name = "uid-owner", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct owner, uid), .parse = take_id, .print = print_id,
		 .arg = "userid[-userid]", .help = "Match local UID"},
	[GID] = {.name = "gid-owner", .kind = FW_OPT_CUSTOM, .flags = FW_OPT_NOT,
		 .offset = offsetof(struct owner, gid), .parse = take_id, .print = print_id,
		 .arg = "groupid[-groupid]", .help = "Match local GID"},
	[SUPPL] = {.name = "suppl-groups", .kind = FW_OPT_FLAG, .flags = FW_OPT_HIDDEN},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r;

	if (fw_use_has(use, SUPPL)) {
		r = fw_fail(err, FW_ERR_UNSUPPORTED,
			    "owner: a queue does not tell a socket's supplementary groups");
		fw_err_hint(err, "match the primary group with --gid-owner alone");
		return r;
	}
	if (use->set)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "owner: no owner is given");
	fw_err_words(
		err,
		"owner: At least one of --uid-owner, --gid-owner or --socket-exists is required");
	return r;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	static const char *const labels[] = {"owner socket exists", "owner UID match ",
					     "owner GID match "};
	const struct owner *o = use->data;

	for (unsigned int row = SOCKET; row <= GID; row++) {
		const uint32_t *range = row == UID ? o->uid : o->gid;

		if (!fw_use_has(use, row))
			continue;
		fw_buf_str(out, fw_use_inv(use, row) ? " ! " : " ");
		fw_buf_str(out, labels[row]);
		if (row == SOCKET)
			continue;
		if (!numeric && !range[1])
			fw_buf_str(out, "root");
		else
			fw_print_range(range[0], range[1], '-', out);
	}
}

static bool within(const uint32_t *range, uint32_t id)
{
	return id >= range[0] && id <= range[1];
}

static bool match(const struct fw_use *use, struct fw_eval *e)
{
	const struct owner *o = use->data;
	const struct fw_pkt_meta *meta = &e->pkt->meta;
	const uint32_t uid = meta->has_uid ? meta->uid : meta->listener_uid;
	const uint32_t gid = meta->has_uid ? meta->gid : meta->listener_gid;

	if (!meta->has_uid && !meta->has_socket)
		return use->set == use->inv;
	if (fw_use_inv(use, SOCKET))
		return false;
	if (!meta->has_uid && !meta->has_listener)
		return !((use->set ^ use->inv) & (1u << UID | 1u << GID));
	if (fw_use_has(use, UID) && within(o->uid, uid) == fw_use_inv(use, UID))
		return false;
	return !fw_use_has(use, GID) || within(o->gid, gid) != fw_use_inv(use, GID);
}

static int owners(const struct fw_use *use, struct fw_owners *ret)
{
	const struct owner *o = use->data;

	if (fw_use_has(use, UID) && fw_cuts_add(&ret->uids, o->uid[0], o->uid[1]))
		return -1;
	return fw_use_has(use, GID) ? fw_cuts_add(&ret->gids, o->gid[0], o->gid[1]) : 0;
}

const struct fw_ext fw_match_owner = {
	.name = "owner", .summary = "the user or group whose socket sends the packet",
	.hooks = FW_HOOK_BIT(FW_OUTPUT) | FW_HOOK_BIT(FW_POSTROUTING), .flags = FW_NEED_UID,
	.size = sizeof(struct owner), .opts = opts, .check = check, .list = list, .owners = owners,
	.match = match,
};
