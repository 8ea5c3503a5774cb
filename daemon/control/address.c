/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's path (control/address.h). */
#include "control/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "fw/protocol.h"

static int name(struct fwd_address *a, const char *path, struct fw_err *err)
{
	/* room for ".PID" of the temporary name */
	if (strlen(path) + 12 >= sizeof(a->sun.sun_path)) {
		fw_fail(err, FW_ERR_USAGE, "the socket path '%s' is too long", path);
		fw_err_hint(err, "unix sockets have room for %zu bytes",
			    sizeof(a->sun.sun_path) - 12);
		return -EINVAL;
	}
	a->sun.sun_family = AF_UNIX;
	strcpy(a->sun.sun_path, path);
	return 0;
}

/*
 * The host's own namespace is pid 1's; a daemon that may not look at pid 1 (its own user) asks
 * whether it is the initial one, which alone has this sysctl.
 */
static bool is_host_namespace(const struct stat *own)
{
	struct stat init;

	if (!stat("/proc/1/ns/net", &init))
		return init.st_ino == own->st_ino && init.st_dev == own->st_dev;
	return !access("/proc/sys/net/core/netdev_max_backlog", F_OK);
}

int fwd_address_find(struct fwd_address *ret, const char *given, struct fw_err *err)
{
	char path[sizeof(ret->sun.sun_path)];
	struct stat own;

	*ret = (struct fwd_address){.link = false};
	if (given)
		return name(ret, given, err);
	if (stat("/proc/self/ns/net", &own))
		return fw_fail(err, FW_ERR_RESOURCE, "cannot read /proc/self/ns/net: %s",
			       strerror(errno));
	ret->link = is_host_namespace(&own);
	snprintf(path, sizeof(path), FW_SOCKET_NETNS_FMT, (unsigned long long)own.st_ino);
	return name(ret, path, err);
}

static int busy(const struct fwd_address *a, int fd, struct fw_err *err)
{
	struct ucred peer = {.pid = 0};
	socklen_t len = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	fw_fail(err, FW_ERR_RESOURCE, "another daemon (pid %d) answers at %s", (int)peer.pid,
		a->sun.sun_path);
	fw_err_hint(err,
		    "stop it first, or run this one in another network namespace or with --socket");
	return -EBUSY;
}

int fwd_address_probe(const struct fwd_address *a, struct fw_err *err)
{
	struct stat st;
	int fd, r = 0;

	if (lstat(a->sun.sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		fw_fail(err, FW_ERR_RESOURCE, "%s is there and is no socket", a->sun.sun_path);
		return -EBUSY;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: somebody listens whose backlog is full */
	if (!connect(fd, (const struct sockaddr *)&a->sun, sizeof(a->sun)) || errno == EAGAIN)
		r = busy(a, fd, err);
	close(fd);
	return r;
}

static int refuse(const char *what, const char *path, struct fw_err *err)
{
	int r = -errno;

	fw_fail(err, FW_ERR_RESOURCE, "cannot %s %s: %s", what, path, strerror(-r));
	return r;
}

static void make_run_dir(const char *path)
{
	if (!strncmp(path, FW_RUN_DIR "/", sizeof(FW_RUN_DIR)))
		mkdir(FW_RUN_DIR, 0755);
}

/* control.sock ► net-INODE.sock, replaced in one step. */
static void make_link(const struct fwd_address *a)
{
	const char *base = strrchr(a->sun.sun_path, '/') + 1;
	char temp[64];

	snprintf(temp, sizeof(temp), FW_SOCKET_DEFAULT ".%d", (int)getpid());
	unlink(temp);
	if (symlink(base, temp) || rename(temp, FW_SOCKET_DEFAULT))
		fwd_log(4, "cannot make the link " FW_SOCKET_DEFAULT ": %s", strerror(errno));
}

int fwd_address_listen(struct fwd_address *a, struct fw_err *err)
{
	struct sockaddr_un temp = a->sun;
	struct stat st;
	int fd, r;

	make_run_dir(a->sun.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse("make a socket for", a->sun.sun_path, err);
	snprintf(temp.sun_path, sizeof(temp.sun_path), "%.95s.%d", a->sun.sun_path, (int)getpid());
	unlink(temp.sun_path);
	if (bind(fd, (const struct sockaddr *)&temp, sizeof(temp)) || chmod(temp.sun_path, 0666) ||
	    listen(fd, SOMAXCONN) || lstat(temp.sun_path, &st) ||
	    rename(temp.sun_path, a->sun.sun_path)) {
		r = refuse("listen at", a->sun.sun_path, err);
		unlink(temp.sun_path);
		close(fd);
		return r;
	}
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	if (a->link)
		make_link(a);
	return fd;
}

bool fwd_address_adopt(struct fwd_address *a, int fd, const char *path)
{
	struct stat st;

	if (fd < 0)
		return false;
	if (strcmp(path, a->sun.sun_path) || lstat(path, &st) || !S_ISSOCK(st.st_mode)) {
		unlink(path);
		close(fd);
		return false;
	}
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	return true;
}

void fwd_address_remove(const struct fwd_address *a)
{
	const char *base = strrchr(a->sun.sun_path, '/');
	char target[256];
	struct stat st;
	ssize_t n;

	if (lstat(a->sun.sun_path, &st) || st.st_ino != a->ino || st.st_dev != a->dev)
		return; /* somebody else's by now */
	unlink(a->sun.sun_path);
	if (!a->link)
		return;
	n = readlink(FW_SOCKET_DEFAULT, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	if (base && !strcmp(target, base + 1))
		unlink(FW_SOCKET_DEFAULT);
}
