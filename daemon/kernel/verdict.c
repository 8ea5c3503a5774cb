/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to the kernel.  A batch message ("this verdict for every packet up to this id") costs
 * 10-15 % less than one message each; since a worker answers in order, a run of equal answers can
 * be one: every packet before the run has its verdict already, so the batch covers the run alone.
 */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel.h"

#define SEND_MOST (128 * 1024) /* a socket takes 208 KiB by default */

static bool same(const struct fwd_answer *a, const struct fwd_answer *b)
{
	if (a->payload_len || b->payload_len || a->set_priority || b->set_priority)
		return false;
	return a->queue == b->queue && a->verdict == b->verdict && a->set_mark == b->set_mark &&
		(!a->set_mark || a->mark == b->mark);
}

static uint8_t *put_attr(uint8_t *p, uint16_t type, const void *data, uint16_t len)
{
	const struct nlattr nla = {.nla_len = NLA_HDRLEN + len, .nla_type = type};

	memcpy(p, &nla, sizeof(nla));
	memcpy(p + NLA_HDRLEN, data, len); /* lengths here are multiples of 4 */
	return p + NLA_HDRLEN + len;
}

/* *end: where the payload, if any, goes on; the message's length counts it. */
static size_t put_message(uint8_t *buf, const struct fwd_answer *a, uint32_t id, bool batch,
			  uint8_t **end)
{
	const struct nfqnl_msg_verdict_hdr vh = {.verdict = htonl(a->verdict), .id = htonl(id)};
	const struct nfgenmsg nfg = {
		.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(a->queue)};
	const uint32_t mark_be = htonl(a->mark), priority_be = htonl(a->priority);
	uint8_t *p = buf + NLMSG_HDRLEN;
	struct nlmsghdr nlh = {
		.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) |
			(batch ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT),
		.nlmsg_flags = NLM_F_REQUEST,
	};

	memcpy(p, &nfg, sizeof(nfg));
	p = put_attr(p + sizeof(nfg), NFQA_VERDICT_HDR, &vh, sizeof(vh));
	if (a->set_mark)
		p = put_attr(p, NFQA_MARK, &mark_be, sizeof(mark_be));
	if (a->set_priority)
		p = put_attr(p, NFQA_PRIORITY, &priority_be, sizeof(priority_be));
	if (a->payload_len) {
		const struct nlattr nla = {.nla_len = (uint16_t)(NLA_HDRLEN + a->payload_len),
					   .nla_type = NFQA_PAYLOAD};

		memcpy(p, &nla, sizeof(nla));
		p += sizeof(nla);
	}
	*end = p;
	p += NLA_ALIGN(a->payload_len);
	nlh.nlmsg_len = (uint32_t)(p - buf);
	memcpy(buf, &nlh, sizeof(nlh));
	return nlh.nlmsg_len;
}

size_t fwd_verdict_fill(void *buf, struct iovec *iov, const struct fwd_answer *answers, size_t n,
			size_t *done)
{
	uint8_t *p = buf, *piece = buf;
	size_t n_iov = 0, total = 0, i = 0;

	while (i < n) {
		const struct fwd_answer *a = &answers[i];
		size_t end = i + 1;

		if (total && total + a->payload_len > SEND_MOST)
			break;
		while (end < n && same(a, &answers[end]))
			end++;
		total += put_message(p, a, answers[end - 1].id, end - i > 1, &p);
		if (a->payload_len) {
			iov[n_iov++] = (struct iovec){piece, (size_t)(p - piece)};
			iov[n_iov++] = (struct iovec){a->payload, NLA_ALIGN(a->payload_len)};
			piece = p;
		}
		i = end;
	}
	if (p > piece)
		iov[n_iov++] = (struct iovec){piece, (size_t)(p - piece)};
	*done = i;
	return n_iov;
}

size_t fwd_verdict_batch(void *buf, uint16_t queue, uint32_t verdict, uint32_t id)
{
	const struct fwd_answer a = {.queue = queue, .verdict = verdict};
	uint8_t *end;

	return put_message(buf, &a, id, true, &end);
}
