/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time a small UDP packet needs there and back, one at a time.
 *
 *	udp-echo serve PORT             send back what comes; says "ready"
 *	udp-echo ADDRESS PORT COUNT     prints p50, p99 in nanoseconds, and how many were lost
 *
 * A packet is lost when its answer has not come after 200 ms.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define PAYLOAD 32

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static _Noreturn void serve(uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in from;
	char payload[PAYLOAD];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n =
			recvfrom(fd, payload, sizeof(payload), 0, (struct sockaddr *)&from, &len);

		if (n > 0)
			sendto(fd, payload, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static int ping(const struct sockaddr_in *to, size_t count)
{
	const struct timeval patience = {.tv_usec = 200000};
	uint64_t *took = calloc(count, sizeof(*took));
	size_t came = 0, lost = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!took || fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		fail("socket");
	for (size_t i = 0; i < count; i++) {
		char payload[PAYLOAD] = {0}, answer[PAYLOAD];
		uint64_t begin = now_ns();
		ssize_t n;

		memcpy(payload, &i, sizeof(i));
		if (send(fd, payload, sizeof(payload), 0) != sizeof(payload))
			fail("send");
		do { /* an answer to one that was given up is not this one's */
			n = recv(fd, answer, sizeof(answer), 0);
		} while (n == sizeof(answer) && memcmp(answer, payload, sizeof(answer)));
		if (n == sizeof(answer))
			took[came++] = now_ns() - begin;
		else
			lost++;
	}
	if (!came)
		return 1;
	qsort(took, came, sizeof(*took), compare);
	printf("%llu %llu %zu\n", (unsigned long long)took[came / 2],
	       (unsigned long long)took[came - 1 - came / 100], lost);
	free(took);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve((uint16_t)atoi(argv[2]));
	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || atol(argv[3]) < 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	return ping(&to, (size_t)atol(argv[3]));
}
