/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many small UDP packets over many flows, as fast as one CPU can or at a given rate.
 *
 *	udp-flood ADDRESS SECONDS FLOWS [PACKETS-A-SECOND [FIRST-SOURCE]]
 *
 * Prints packets sent and the nanoseconds of CPU that this thread used for them; what the packet
 * costs on its way (a veth's softirq, the router, the queue's entry) is run by the sender and so
 * is in it.  With FIRST-SOURCE flow n comes from that address plus n.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	   32
#define MAX_FLOWS  1024
#define FIRST_PORT 7000
#define PAYLOAD	   18 /* the smallest Ethernet frame */

static unsigned long long ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000ull + (unsigned long long)ts.tv_nsec;
}

static int open_flow(const char *address, int port, const char *source)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (source && inet_pton(AF_INET, source, &from.sin_addr) != 1)
		exit(2);
	from.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + (uint32_t)(port - FIRST_PORT));
	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    (source && bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("udp-flood");
		exit(1);
	}
	return fd;
}

/* Sleep until `sent` packets are due. */
static void pace(unsigned long long begin, unsigned long long sent, unsigned long long rate)
{
	unsigned long long due = begin + sent * 1000000000ull / rate, now = ns(CLOCK_MONOTONIC);
	struct timespec wait;

	if (due <= now)
		return;
	wait = (struct timespec){(time_t)((due - now) / 1000000000ull),
				 (long)((due - now) % 1000000000ull)};
	nanosleep(&wait, NULL);
}

int main(int argc, char **argv)
{
	static char payload[PAYLOAD];
	static int fds[MAX_FLOWS];
	struct iovec iov = {payload, sizeof(payload)};
	struct mmsghdr hdrs[BATCH];
	unsigned long long begin, end, cpu, sent = 0, rate;
	int flows;

	if (argc < 4)
		return 2;
	flows = atoi(argv[3]);
	rate = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	if (flows < 1 || flows > MAX_FLOWS)
		return 2;
	for (int i = 0; i < flows; i++)
		fds[i] = open_flow(argv[1], FIRST_PORT + i, argc > 5 ? argv[5] : NULL);
	memset(hdrs, 0, sizeof(hdrs));
	for (int i = 0; i < BATCH; i++)
		hdrs[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};

	begin = ns(CLOCK_MONOTONIC);
	end = begin + (unsigned long long)(atof(argv[2]) * 1e9);
	cpu = ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; ns(CLOCK_MONOTONIC) < end; i = (i + 1) % flows) {
		int n = sendmmsg(fds[i], hdrs, BATCH, 0);

		sent += n > 0 ? (unsigned long long)n : 0;
		if (rate)
			pace(begin, sent, rate);
	}
	printf("%llu %llu %llu\n", sent, ns(CLOCK_THREAD_CPUTIME_ID) - cpu,
	       ns(CLOCK_MONOTONIC) - begin);
	return 0;
}
