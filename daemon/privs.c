/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up privileges (privs.h). */
#include "privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw/protocol.h"

static int find_user(const char *name, struct passwd **ret, struct fw_err *err)
{
	errno = 0;
	*ret = getpwnam(name);
	if (*ret)
		return 0;
	fw_fail(err, FW_ERR_USAGE, "user: there is no user '%s'", name);
	fw_err_hint(err, "systemd-sysusers makes it from fwd's sysusers.d file");
	return -EINVAL;
}

/* A directory that a daemon started as root once filled, or that is not there yet. */
static int give(const char *dir, mode_t mode, const struct passwd *user, struct fw_err *err)
{
	if ((mkdir(dir, mode) && errno != EEXIST) || chown(dir, user->pw_uid, user->pw_gid))
		return fw_fail(err, FW_ERR_RESOURCE, "cannot give %s to user %s: %s", dir,
			       user->pw_name, strerror(errno));
	return 0;
}

static int give_all(const struct fwd_options *o, const struct passwd *user, struct fw_err *err)
{
	static const char *const files[] = {"lock", "snapshot", "journal", "flows", "trial"};
	char path[4096];
	int r = 0;

	if (o->config.persist)
		r = give(o->config.state_dir, 0700, user, err);
	for (size_t i = 0; i < FW_ARRAY_SIZE(files) && o->config.persist && !r; i++) {
		snprintf(path, sizeof(path), "%s/%s", o->config.state_dir, files[i]);
		if (lchown(path, user->pw_uid, user->pw_gid) && errno != ENOENT)
			r = fw_fail(err, FW_ERR_RESOURCE, "cannot give %s to user %s: %s", path,
				    user->pw_name, strerror(errno));
	}
	if (!r && !o->config.socket)
		r = give(FW_RUN_DIR, 0755, user, err);
	return r;
}

/* What a program that is started anew shall have in its ambient set must be inheritable, and can
 * become so only while the bounding set is whole. */
static void make_inheritable(void)
{
	capng_get_caps_process();
	capng_updatev(CAPNG_ADD, CAPNG_INHERITABLE, CAP_NET_ADMIN, CAP_NET_RAW, -1);
	capng_apply(CAPNG_SELECT_CAPS);
}

static int keep_capabilities(bool root, const struct passwd *user, struct fw_err *err)
{
	const capng_type_t type = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
	int r;

	if (user)
		make_inheritable();
	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, user ? type | CAPNG_INHERITABLE : type, CAP_NET_ADMIN, CAP_NET_RAW,
		      -1);
	if (root && !user)
		capng_update(CAPNG_ADD, type, CAP_DAC_OVERRIDE);
	if (user)
		r = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
				    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	else
		r = capng_apply(CAPNG_SELECT_CAPS);
	if (r)
		return fw_fail(err, FW_ERR_PERM, "cannot give up privileges (libcap-ng: %d)", r);
	for (int i = 0; user && i < 2; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i ? CAP_NET_RAW : CAP_NET_ADMIN, 0,
			  0))
			fwd_log(4, "a restart in place will not work: %s", strerror(errno));
	return 0;
}

int fwd_privs_drop(const struct fwd_options *o, struct fw_err *err)
{
	bool root = geteuid() == 0;
	struct passwd *user = NULL;
	int r = 0;

	if (root && o->user)
		r = find_user(o->user, &user, err);
	if (!r && user)
		r = give_all(o, user, err);
	if (!r && root)
		r = keep_capabilities(root, user, err);
	if (r)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fw_fail(err, FW_ERR_PERM, "no_new_privs: %s", strerror(errno));
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}
