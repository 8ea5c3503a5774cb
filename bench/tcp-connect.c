/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New TCP connections, as many a second as two threads can make and take.
 *
 *	tcp-connect serve PORT             accept, send one byte, wait for the end; says "ready"
 *	tcp-connect ADDRESS PORT SECONDS PARALLEL
 *
 * The client keeps PARALLEL connections on their way.  Each is: handshake, one byte from the
 * server, reset by the client, so that no port waits in TIME-WAIT.  It prints the connections that
 * got their byte, those that failed, and the nanoseconds of wall-clock time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PARALLEL 256

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000ull + (unsigned long long)ts.tv_nsec;
}

static void watch(int ep, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail("epoll_ctl");
}

/* ---- server ---- */

static void take(int ep, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
			watch(ep, fd);
		else
			close(fd);
	}
}

static _Noreturn void serve(uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	struct epoll_event events[64];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (listener < 0 || ep < 0)
		fail("socket");
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(listener, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 4096) < 0)
		fail("listen");
	watch(ep, listener);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, events, 64, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take(ep, listener);
			else
				close(events[i].data.fd);
		}
	}
}

/* ---- client ---- */

static void begin(int ep, const struct sockaddr_in *to)
{
	const struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		fail("socket");
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS)
		fail("connect");
	watch(ep, fd);
}

static int drive(const struct sockaddr_in *to, double seconds, int parallel)
{
	unsigned long long done = 0, failed = 0, start = now_ns(), now = start;
	const unsigned long long end = start + (unsigned long long)(seconds * 1e9);
	struct epoll_event events[64];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0)
		fail("epoll_create1");
	for (int i = 0; i < parallel; i++)
		begin(ep, to);
	for (; now < end; now = now_ns()) {
		int n = epoll_wait(ep, events, 64, 100);

		for (int i = 0; i < n; i++) {
			char byte;

			if (recv(events[i].data.fd, &byte, 1, 0) == 1)
				done++;
			else
				failed++;
			close(events[i].data.fd);
			begin(ep, to);
		}
	}
	printf("%llu %llu %llu\n", done, failed, now - start);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int parallel;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve((uint16_t)atoi(argv[2]));
	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	parallel = atoi(argv[4]);
	if (parallel < 1 || parallel > MAX_PARALLEL)
		return 2;
	return drive(&to, atof(argv[3]), parallel);
}
