/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a firewall behind NFQUEUE can do: accept everything, as cheaply as is known.
 *
 * What fwd is measured against (bench/queue.py).  Reads of 64 messages, 128 bytes of each packet,
 * GSO packets whole, no ENOBUFS, a receive buffer of 16 MiB, and one batch verdict for each read.
 * No library: nothing here but the system calls.
 *
 *	nfq-loop QUEUE
 *
 * Says "ready" on stdout when the queue is bound; on SIGTERM ends and prints the packets seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
#define SLOT  1088 /* no power of two: buffers' first lines would share few places of the cache */

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = sig;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

struct request {
	struct nlmsghdr nlh;
	struct nfgenmsg nfg;
	struct nlattr nla;
	uint8_t data[24];
};

/* One attribute, to `queue`. */
static size_t fill(struct request *r, uint16_t queue, uint16_t type, uint16_t attr,
		   const void *data, uint16_t len)
{
	memset(r, 0, sizeof(*r));
	r->nlh.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type;
	r->nlh.nlmsg_flags = NLM_F_REQUEST;
	r->nlh.nlmsg_len =
		(uint32_t)(sizeof(r->nlh) + sizeof(r->nfg) + NLA_ALIGN(NLA_HDRLEN + len));
	r->nfg.res_id = htons(queue);
	r->nla.nla_type = attr;
	r->nla.nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy(r->data, data, len);
	return r->nlh.nlmsg_len;
}

static void set(int fd, uint16_t queue, uint16_t attr, const void *data, uint16_t len)
{
	struct request r;
	char answer[256];
	ssize_t n;

	fill(&r, queue, NFQNL_MSG_CONFIG, attr, data, len);
	r.nlh.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, &r, r.nlh.nlmsg_len, 0) < 0)
		fail("send");
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(int)))
		fail("recv");
	memcpy(&errno, answer + NLMSG_HDRLEN, sizeof(errno));
	errno = -errno;
	if (errno)
		fail("configure the queue");
}

static void set_flags(int fd, uint16_t queue, uint32_t flags)
{
	/* two attributes: the second rides in the first one's tail */
	struct request r;
	struct nlattr nla = {.nla_len = NLA_HDRLEN + 4, .nla_type = NFQA_CFG_MASK};
	char answer[256];
	uint32_t be = htonl(flags);

	fill(&r, queue, NFQNL_MSG_CONFIG, NFQA_CFG_FLAGS, &be, sizeof(be));
	memcpy(r.data + 4, &nla, sizeof(nla));
	memcpy(r.data + 8, &be, sizeof(be));
	r.nlh.nlmsg_len += NLA_HDRLEN + 4;
	r.nlh.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, &r, r.nlh.nlmsg_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		fail("queue flags");
}

static int open_queue(uint16_t queue)
{
	const struct nfqnl_msg_config_cmd bind_cmd = {.command = NFQNL_CFG_CMD_BIND};
	const struct nfqnl_msg_config_params params = {.copy_range = htonl(128),
						       .copy_mode = NFQNL_COPY_PACKET};
	const int bytes = 16 << 20, one = 1;
	const uint32_t maxlen = htonl(8192);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one)) < 0)
		fail("setsockopt");
	set(fd, queue, NFQA_CFG_CMD, &bind_cmd, sizeof(bind_cmd));
	set_flags(fd, queue, NFQA_CFG_F_GSO);
	set(fd, queue, NFQA_CFG_QUEUE_MAXLEN, &maxlen, sizeof(maxlen));
	set(fd, queue, NFQA_CFG_PARAMS, &params, sizeof(params));
	return fd;
}

/* The id of the packet that a message is about, network order; 0: it is about none. */
static uint32_t packet_id(const uint8_t *p, size_t len)
{
	const size_t at = NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN;
	struct nlmsghdr nlh;
	uint32_t id;

	memcpy(&nlh, p, sizeof(nlh));
	if (nlh.nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET) ||
	    len < at + sizeof(id))
		return 0;
	memcpy(&id, p + at, sizeof(id)); /* NFQA_PACKET_HDR is the first attribute */
	return id;
}

int main(int argc, char **argv)
{
	static uint8_t slots[BATCH][SLOT];
	static struct mmsghdr hdrs[BATCH];
	static struct iovec iov[BATCH];
	const struct sigaction term = {.sa_handler = on_signal};
	const uint16_t queue = (uint16_t)(argc > 1 ? atoi(argv[1]) : 0);
	unsigned long long packets = 0;
	int fd = open_queue(queue);

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){slots[i], SLOT};
		hdrs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	puts("ready");
	fflush(stdout);
	while (!stop) {
		int n = recvmmsg(fd, hdrs, BATCH, MSG_WAITFORONE, NULL);
		struct nfqnl_msg_verdict_hdr vh = {.verdict = htonl(NF_ACCEPT)};
		struct request r;

		for (int i = 0; i < n; i++) {
			uint32_t id = packet_id(slots[i], hdrs[i].msg_len);

			packets += id != 0;
			vh.id = id ? id : vh.id;
		}
		if (!vh.id)
			continue;
		fill(&r, queue, NFQNL_MSG_VERDICT_BATCH, NFQA_VERDICT_HDR, &vh, sizeof(vh));
		if (send(fd, &r, r.nlh.nlmsg_len, 0) < 0 && errno != EINTR)
			fail("verdict");
	}
	printf("%llu\n", packets);
	return 0;
}
