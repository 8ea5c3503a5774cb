/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request to the daemon (fw/protocol.h): which socket, is it really fwd's, send, read.
 *
 * Which socket: --socket, FWCTL_SOCKET, the one named after our network namespace, and the
 * host's.  The last is taken only where it does not plainly belong to another namespace: a
 * command typed inside a namespace must never edit the host's rules by accident.
 */
#include "client.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "fw/protocol.h"

/* Is the host's socket a link to that of a namespace which is not ours? */
static bool belongs_elsewhere(const char *path, const char *ours)
{
	char target[128], *base;
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	return strncmp(base, "net-", 4) == 0 && strcmp(base, strrchr(ours, '/') + 1) != 0;
}

static void default_path(char *ret, size_t size)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0) {
		snprintf(ret, size, "%s", FW_SOCKET_DEFAULT);
		return;
	}
	snprintf(ret, size, FW_SOCKET_NETNS_FMT, (unsigned long long)st.st_ino);
	if (access(ret, F_OK) < 0 && access(FW_SOCKET_DEFAULT, F_OK) == 0 &&
	    !belongs_elsewhere(FW_SOCKET_DEFAULT, ret))
		snprintf(ret, size, "%s", FW_SOCKET_DEFAULT);
}

static int no_daemon(const char *path, int error, bool chosen, struct fw_err *err)
{
	if (error == EACCES || error == EPERM) {
		fw_fail(err, FW_ERR_PERM, "may not connect to fwd at %s: Permission denied", path);
		fw_err_hint(err, "be root, or a member of group fwd (fwd-read is enough to look)");
		fw_err_words(err, "Permission denied (you must be root or in group fwd): %s", path);
		return -EINVAL;
	}
	fw_fail(err, FW_ERR_RESOURCE, "no fwd answers at %s: %s", path, strerror(error));
	fw_err_hint(err, "%s",
		    chosen ? "is the daemon running, and is this its --socket?"
			   : "start it (systemctl start fwd), or name its socket: --socket PATH");
	return -EINVAL;
}

/* Rules are told to, and believed from, nobody but root, user fwd, or ourselves. */
static int check_peer(int fd, const char *path, struct fw_err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	const struct passwd *pw;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return no_daemon(path, errno, true, err);
	if (peer.uid == 0 || peer.uid == geteuid())
		return 0;
	pw = getpwnam("fwd");
	if (pw && pw->pw_uid == peer.uid)
		return 0;
	fw_fail(err, FW_ERR_PERM, "who answers at %s is neither root nor user fwd (uid %u, pid %d)",
		path, (unsigned int)peer.uid, (int)peer.pid);
	return -EINVAL;
}

static int open_socket(const struct ctl *ctl, struct fw_err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = CTL_TIMEOUT_S};
	const char *path = ctl->socket ? ctl->socket : getenv(FW_SOCKET_ENV);
	char found[sizeof(addr.sun_path)];
	bool chosen = path && *path;
	int fd, r;

	if (!chosen) {
		default_path(found, sizeof(found));
		path = found;
	}
	if (strlen(path) >= sizeof(addr.sun_path)) {
		fw_fail(err, FW_ERR_USAGE, "socket path '%s' is longer than %zu bytes", path,
			sizeof(addr.sun_path) - 1);
		return -1;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		no_daemon(path, errno, chosen, err);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		no_daemon(path, errno, chosen, err);
		close(fd);
		return -1;
	}
	r = check_peer(fd, path, err);
	if (r < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * False when the daemon does not listen (any more): it may have answered already, so that the
 * reading tells more than the writing.
 */
static bool send_all(int fd, const char *request, const void *body, size_t len)
{
	struct iovec iov[3] = {{(void *)(uintptr_t)request, strlen(request)},
			       {(void *)(uintptr_t) "\n", 1},
			       {(void *)(uintptr_t)body, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

	while (msg.msg_iovlen) {
		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		while (msg.msg_iovlen && (size_t)n >= msg.msg_iov->iov_len) {
			n -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
	return shutdown(fd, SHUT_WR) == 0;
}

static int receive_all(int fd, struct fw_buf *raw)
{
	for (;;) {
		ssize_t n;

		/* Twice as much each time a buffer was filled: big replies in few calls. */
		if (!fw_buf_reserve(raw, raw->len < 4096 ? 4096 : raw->len))
			return -ENOMEM;
		n = recv(fd, raw->data + raw->len, raw->cap - raw->len - 1, 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET && raw->len ? 0 : -errno;
		raw->len += (size_t)n;
		raw->data[raw->len] = '\0';
	}
}

int ctl_request(const struct ctl *ctl, const char *request, const void *body, size_t len,
		struct ctl_reply *reply)
{
	int fd, r;

	*reply = (struct ctl_reply)CTL_REPLY_INIT;
	fd = open_socket(ctl, &reply->err);
	if (fd < 0)
		return -EINVAL;
	send_all(fd, request, body, len);
	r = receive_all(fd, &reply->raw);
	close(fd);
	if (r == -EAGAIN || r == -EWOULDBLOCK) {
		fw_fail(&reply->err, FW_ERR_RESOURCE, "fwd did not answer within %d seconds",
			CTL_TIMEOUT_S);
		fw_err_hint(&reply->err,
			    "whether the request was carried out is not known: look "
			    "before you repeat it");
		return -EINVAL;
	}
	if (r < 0) {
		fw_fail(&reply->err, FW_ERR_RESOURCE, "no answer from fwd: %s", strerror(-r));
		return -EINVAL;
	}
	return ctl_reply_parse(reply);
}
