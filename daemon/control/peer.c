/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rights of control clients (control/peer.h). */
#include "control/peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EDIT_GROUP "fwd"
#define READ_GROUP "fwd-read"

static gid_t group(const char *name)
{
	struct group *g = getgrnam(name);

	return g ? g->gr_gid : (gid_t)-1;
}

void fwd_groups_load(struct fwd_groups *ret)
{
	ret->edit = group(EDIT_GROUP);
	ret->read = group(READ_GROUP);
}

static enum fwd_right right_of_group(gid_t gid, const struct fwd_groups *groups)
{
	if (gid == (gid_t)-1)
		return FWD_RIGHT_NONE;
	if (gid == groups->edit)
		return FWD_RIGHT_EDIT;
	return gid == groups->read ? FWD_RIGHT_READ : FWD_RIGHT_NONE;
}

/* The best right that any supplementary group gives. */
static enum fwd_right right_of_groups(int fd, const struct fwd_groups *groups)
{
	enum fwd_right best = FWD_RIGHT_NONE;
	gid_t room[64], *list = room, *more = NULL;
	socklen_t len = sizeof(room);
	int r;

	r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len);
	if (r && errno == ERANGE) {
		list = more = malloc(len);
		if (!more)
			return best;
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len);
	}
	for (size_t i = 0; !r && i < len / sizeof(*list); i++) {
		enum fwd_right right = right_of_group(list[i], groups);

		if (right > best)
			best = right;
	}
	free(more);
	return best;
}

int fwd_peer_get(int fd, const struct fwd_groups *groups, struct fwd_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	enum fwd_right right;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	*ret = (struct fwd_peer){.pid = cred.pid, .uid = cred.uid, .right = FWD_RIGHT_EDIT};
	if (cred.uid == 0 || cred.uid == geteuid())
		return 0;
	ret->right = right_of_group(cred.gid, groups);
	right = right_of_groups(fd, groups);
	if (right > ret->right)
		ret->right = right;
	return 0;
}

int fwd_peer_check(const struct fwd_peer *peer, enum fwd_right needed, struct fw_err *err)
{
	if (peer->right >= needed)
		return 0;
	fw_fail(err, FW_ERR_PERM, "user %u may not %s the firewall", (unsigned int)peer->uid,
		needed == FWD_RIGHT_EDIT ? "edit" : "look at");
	if (needed == FWD_RIGHT_EDIT)
		fw_err_hint(err, "be root or a member of group " EDIT_GROUP);
	else
		fw_err_hint(err, "be root or a member of group " EDIT_GROUP " or " READ_GROUP);
	return -EINVAL;
}
