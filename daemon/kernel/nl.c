/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few netlink moves that every part needs.  Plain descriptors instead of libmnl's socket
 * objects: they can be inherited, stored and passed on.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"

int fwd_nl_open(int bus, unsigned int groups)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd, r;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* One datagram of answers: remember the first error; true when any message answered at all. */
static bool take_answers(const char *buf, size_t len, int *error, uint32_t *bad_seq)
{
	const struct nlmsghdr *nlh;
	bool any = false;

	for (nlh = (const void *)buf; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct nlmsgerr *e = NLMSG_DATA(nlh);

		if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
			continue;
		any = true;
		if (e->error == 0 || *error)
			continue;
		*error = e->error;
		if (bad_seq)
			*bad_seq = nlh->nlmsg_seq;
	}
	return any;
}

ssize_t fwd_nl_send(int fd, const void *data, size_t len)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	do {
		n = sendto(fd, data, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fwd_nl_recv(int fd, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, buf, size, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int fwd_nl_talk(int fd, const void *data, size_t len, uint32_t *bad_seq)
{
	bool answered = false;
	char buf[8192];
	int error = 0;
	ssize_t n = fwd_nl_send(fd, data, len);

	if (n < 0)
		return (int)n;
	for (;;) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (n <= 0)
			break;
		answered |= take_answers(buf, (size_t)n, &error, bad_seq);
	}
	if (error)
		return error;
	return answered ? 0 : -EPROTO;
}

void fwd_nl_drain(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

bool fwd_nl_notices(int fd, fwd_nl_cb *cb, void *priv)
{
	char buf[32768];
	bool all = true;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) != 0) {
		size_t left = (size_t)n;

		if (n < 0 && errno == ENOBUFS)
			all = false;
		else if (n < 0 && errno != EINTR)
			break;
		if (n < 0)
			continue;
		for (const struct nlmsghdr *nlh = (void *)buf; NLMSG_OK(nlh, left);
		     nlh = NLMSG_NEXT(nlh, left))
			cb(priv, nlh);
	}
	return all;
}
