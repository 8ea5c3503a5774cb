/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue socket: a worker's queues, bound to one netlink socket.
 *
 * The first is where the table's queue rule sends packets: headers only, so that a 64 KiB
 * super-packet costs what a small one does.  The others are for the few that need more (enum
 * fwd_queue_use): a worker answers such a packet with "queue it there".
 *
 * The order matters.  A queue whose copy mode is not set yet refuses packets, so the parameters
 * come last, and without an acknowledgement that would have to be picked out among packets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define BYTES_PER_PACKET                                                        \
	1024 /* what the kernel accounts for a headers-only message, rounded up \
	      */

static struct nlmsghdr *config_head(void *buf, uint16_t number, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(number);
	return nlh;
}

static int bind_queue(int fd, uint16_t number)
{
	struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
	char buf[256];
	struct nlmsghdr *nlh = config_head(buf, number, NLM_F_ACK);

	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	return fwd_nl_talk(fd, nlh, nlh->nlmsg_len, NULL);
}

static int send_only(int fd, const struct nlmsghdr *nlh)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

static int set_maxlen(int fd, uint16_t number, uint32_t packets)
{
	char buf[256];
	struct nlmsghdr *nlh = config_head(buf, number, NLM_F_ACK);

	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(packets));
	return fwd_nl_talk(fd, nlh, nlh->nlmsg_len, NULL);
}

static int set_flag(int fd, uint16_t number, uint32_t flag)
{
	char buf[256];
	struct nlmsghdr *nlh = config_head(buf, number, NLM_F_ACK);

	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flag));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flag));
	return fwd_nl_talk(fd, nlh, nlh->nlmsg_len, NULL);
}

int fwd_queue_set_range(int fd, uint16_t number, uint32_t copy_range, bool ack)
{
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(copy_range),
		.copy_mode = NFQNL_COPY_PACKET,
	};
	char buf[256];
	struct nlmsghdr *nlh = config_head(buf, number, ack ? NLM_F_ACK : 0);

	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	return send_only(fd, nlh);
}

int fwd_queue_proc(struct fwd_queue_proc *ret, size_t max)
{
	FILE *f = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	size_t n = 0;

	if (!f)
		return -errno;
	while (n < max &&
	       fscanf(f, "%u %u %u %*u %*u %u %u %*u %*u", &ret[n].number, &ret[n].portid,
		      &ret[n].waiting, &ret[n].dropped, &ret[n].user_dropped) == 5)
		n++;
	fclose(f);
	return (int)n;
}

/* The name of the process that a netlink port number usually belongs to; "?" if it tells none. */
static void port_owner(unsigned int portid, char *ret, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(ret, size, "?");
	snprintf(path, sizeof(path), "/proc/%u/comm", portid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(ret, (int)size, f))
		ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

/* bind was refused: because somebody has the queue, or because we may not. */
static int fail_bind(struct fw_err *err, uint16_t number, int error)
{
	struct fwd_queue_proc rows[64];
	int n = fwd_queue_proc(rows, FW_ARRAY_SIZE(rows));
	char name[64];

	for (int i = 0; i < n; i++) {
		if (rows[i].number != number)
			continue;
		port_owner(rows[i].portid, name, sizeof(name));
		fw_fail(err, FW_ERR_RESOURCE, "queue %u is taken by process %u (%s)", number,
			rows[i].portid, name);
		fw_err_hint(err, "stop it, or choose other queue numbers with --queue-base");
		return error;
	}
	fw_fail(err, error == -EPERM ? FW_ERR_PERM : FW_ERR_RESOURCE, "cannot bind queue %u: %s",
		number, strerror(-error));
	if (error == -EPERM)
		fw_err_hint(err,
			    "CAP_NET_ADMIN is missing, or another program has the queue "
			    "(--queue-base chooses other numbers)");
	else
		fw_err_hint(
			err,
			"the kernel needs CONFIG_NETFILTER_NETLINK_QUEUE (module nfnetlink_queue)");
	return error;
}

static int setup_queue(int fd, const struct fwd_config *config, uint16_t number, bool gso,
		       uint32_t *flags, struct fw_err *err)
{
	static const uint32_t wanted[] = {NFQA_CFG_F_GSO /* first */, NFQA_CFG_F_UID_GID};
	int r = bind_queue(fd, number);

	if (r)
		return fail_bind(err, number, r);
	r = set_maxlen(fd, number, config->queue_len);
	if (r)
		return fw_fail(err, FW_ERR_RESOURCE, "queue %u: cannot set its length: %s", number,
			       strerror(-r)),
		       r;
	*flags = 0;
	for (size_t i = !gso; i < FW_ARRAY_SIZE(wanted); i++)
		if (set_flag(fd, number, wanted[i]) == 0)
			*flags |= wanted[i];
	if (config->fail_open) {
		r = set_flag(fd, number, NFQA_CFG_F_FAIL_OPEN);
		if (r)
			return fw_fail(err, FW_ERR_RESOURCE, "queue %u: no fail-open: %s", number,
				       strerror(-r)),
			       r;
		*flags |= NFQA_CFG_F_FAIL_OPEN;
	}
	return 0;
}

/*
 * Room for a full queue; no ENOBUFS (losses are counted by the kernel anyway, and the error would
 * only cost a system call); a read that finds nothing for a second comes back, to show life.
 */
static int setup_socket(int fd, const struct fwd_config *config, struct fwd_queue_info *info)
{
	const struct timeval second = {.tv_sec = 1};
	const int one = 1;
	uint64_t want = (uint64_t)config->queue_len * BYTES_PER_PACKET;
	int bytes = want < (16 << 20) ? 16 << 20 : want > (256 << 20) ? 256 << 20 : (int)want;
	socklen_t len = sizeof(info->rcvbuf);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &info->rcvbuf, &len) < 0)
		return -errno;
	return 0;
}

static uint32_t range_of(enum fwd_queue_use use, uint32_t copy_range)
{
	return use == FWD_Q_HEADERS ? copy_range :
	       use == FWD_Q_PASS    ? FWD_COPY_HEADERS :
				      FWD_COPY_ALL;
}

int fwd_queue_open(const struct fwd_config *config, unsigned int worker, uint32_t copy_range,
		   struct fwd_queue_info *info, struct fw_err *err)
{
	const uint16_t number = fwd_queue_number(config, worker, FWD_Q_HEADERS);
	int fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	uint32_t flags;
	int r;

	if (fd < 0) {
		fw_fail(err, FW_ERR_RESOURCE, "no netfilter netlink socket: %s", strerror(-fd));
		return fd;
	}
	r = setup_socket(fd, config, info);
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot set up a queue socket: %s", strerror(-r));
	for (unsigned int use = FWD_QUEUES_EACH; r == 0 && use-- > 0;)
		r = setup_queue(fd, config, fwd_queue_number(config, worker, use),
				use != FWD_Q_PARTS, use ? &flags : &info->flags, err);
	for (unsigned int use = FWD_QUEUES_EACH; r == 0 && use-- > 0;)
		r = fwd_queue_set_range(fd, fwd_queue_number(config, worker, use),
					range_of(use, copy_range), false);
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot set up queue %u: %s", number, strerror(-r));
		close(fd);
		return r;
	}
	return fd;
}

/*
 * Packets wait in this socket among which acknowledgements would have to be picked out, so none is
 * asked for.  The flags that the kernel takes it has had since the first life; --fail may differ.
 */
static int adopt_queue(int fd, const struct fwd_config *config, uint16_t number, uint32_t range)
{
	char buf[256];
	struct nlmsghdr *nlh = config_head(buf, number, 0);
	int r;

	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(config->queue_len));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(config->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
	r = send_only(fd, nlh);
	return r ? r : fwd_queue_set_range(fd, number, range, false);
}

int fwd_queue_adopt(int fd, const struct fwd_config *config, unsigned int worker,
		    uint32_t copy_range, struct fwd_queue_info *info, struct fw_err *err)
{
	int r = setup_socket(fd, config, info);

	for (unsigned int use = FWD_QUEUES_EACH; r == 0 && use-- > 0;)
		r = adopt_queue(fd, config, fwd_queue_number(config, worker, use),
				range_of(use, copy_range));
	if (r)
		fw_fail(err, FW_ERR_RESOURCE, "cannot go on with queue %u: %s",
			fwd_queue_number(config, worker, FWD_Q_HEADERS), strerror(-r));
	info->flags = NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID |
		(config->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);
	return r;
}
