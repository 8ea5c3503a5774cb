/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet side without a kernel: queue messages in, answers and REJECT's replies out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>

#include "fw/helper.h"
#include "kernel/kernel.h"
#include "kernel/reject.h"
#include "pkt.h"

#define SHIFT 20

/* ---- messages ------------------------------------------------------------------------------ */

struct message {
	uint8_t data[8192];
	uint32_t len;
};

static void attr(struct message *m, uint16_t type, const void *data, uint16_t len)
{
	struct nlattr nla = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};

	memcpy(m->data + m->len, &nla, sizeof(nla));
	memcpy(m->data + m->len + NLA_HDRLEN, data, len);
	m->len += NLA_ALIGN(nla.nla_len);
}

static void attr32(struct message *m, uint16_t type, uint32_t value)
{
	value = htonl(value);
	attr(m, type, &value, sizeof(value));
}

static void begin(struct message *m, uint8_t hook, uint8_t family)
{
	const struct nfqnl_msg_packet_hdr hdr = {.packet_id = htonl(77), .hook = hook};
	const struct nfgenmsg nfg = {.nfgen_family = family, .res_id = htons(64000)};

	memset(m, 0, sizeof(*m));
	memcpy(m->data + NLMSG_HDRLEN, &nfg, sizeof(nfg));
	m->len = NLMSG_HDRLEN + sizeof(nfg);
	attr(m, NFQA_PACKET_HDR, &hdr, sizeof(hdr));
}

static int parse(struct message *m, struct fwd_msg *ret)
{
	const struct nlmsghdr nlh = {.nlmsg_len = m->len,
				     .nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET};
	int error = 0;

	memcpy(m->data, &nlh, sizeof(nlh));
	return fwd_msg_parse(m->data, m->len, SHIFT, ret, &error);
}

static void udp4(struct pkt *p, uint32_t payload)
{
	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_UDP);
	pkt_udp(p, 5000, 53);
	pkt_grow(p, payload);
	pkt_finish(p);
}

static void test_message(void **state)
{
	struct pkt p = PKT_INIT;
	struct message m;
	struct fwd_msg got;

	udp4(&p, 400);
	begin(&m, FW_FORWARD, AF_INET);
	attr32(&m, NFQA_IFINDEX_INDEV, 4);
	attr32(&m, NFQA_IFINDEX_OUTDEV, 5);
	attr32(&m, NFQA_MARK, 0x77 | (FW_CT_RELATED << FW_MARK_CTINFO_SHIFT | 0x40) << SHIFT);
	attr32(&m, NFQA_UID, 1000); /* early demux: not an owner at this hook */
	attr32(&m, NFQA_GID, 1000);
	attr32(&m, NFQA_CAP_LEN, p.len);
	attr32(&m, NFQA_SKB_INFO, NFQA_SKB_CSUM_NOTVERIFIED | NFQA_SKB_GSO);
	attr(&m, NFQA_PAYLOAD, p.data, 100);

	assert_int_equal(parse(&m, &got), 1);
	assert_true(got.valid);
	assert_int_equal(got.id, 77);
	assert_int_equal(got.queue, 64000);
	assert_true(got.truncated);
	assert_int_equal(got.pkt.len, p.len);
	assert_int_equal(got.pkt.cap_len, 100);
	assert_int_equal(got.pkt.dport, 53);
	assert_int_equal(got.pkt.meta.in_ifindex, 4);
	assert_int_equal(got.pkt.meta.out_ifindex, 5);
	assert_int_equal(got.pkt.meta.mark, 0x77);
	assert_int_equal(got.pkt.meta.ctinfo, FW_CT_RELATED);
	assert_int_equal(got.pkt.meta.pkttype, FW_PKT_BROADCAST);
	assert_int_equal(got.pkt.meta.flags, FW_PKT_CSUM_UNCHECKED | FW_PKT_GSO);
	assert_false(got.pkt.meta.has_uid);
}

/* POSTROUTING of what is forwarded: chains of the user may ask where it came in. */
static void test_message_out(void **state)
{
	struct pkt p = PKT_INIT;
	struct message m;
	struct fwd_msg got;

	udp4(&p, 0);
	begin(&m, FW_POSTROUTING, AF_INET);
	attr32(&m, NFQA_IFINDEX_INDEV, 4);
	attr32(&m, NFQA_IFINDEX_OUTDEV, 5);
	attr32(&m, NFQA_UID, 1000);
	attr32(&m, NFQA_GID, 100);
	attr(&m, NFQA_PAYLOAD, p.data, (uint16_t)p.len);
	assert_int_equal(parse(&m, &got), 1);
	assert_int_equal(got.pkt.meta.in_ifindex, 4);
	assert_int_equal(got.pkt.meta.out_ifindex, 5);
	assert_true(got.pkt.meta.has_uid);
	assert_int_equal(got.pkt.meta.uid, 1000);
	assert_int_equal(got.pkt.meta.gid, 100);

	/* our own replies belong to nobody, as the kernel's */
	attr32(&m, NFQA_MARK, FW_MARK_OWN << SHIFT);
	assert_int_equal(parse(&m, &got), 1);
	assert_false(got.pkt.meta.has_uid);
}

static struct fw_pkt_meta meta_of(uint32_t ours)
{
	struct pkt p = PKT_INIT;
	struct message m;
	struct fwd_msg got;

	udp4(&p, 0);
	begin(&m, FW_PREROUTING, AF_INET);
	attr32(&m, NFQA_MARK, ours << SHIFT);
	attr(&m, NFQA_PAYLOAD, p.data, (uint16_t)p.len);
	assert_int_equal(parse(&m, &got), 1);
	return got.pkt.meta;
}

/* Raw's visit, but without a state: an expected connection begins, and whose it is fits beside what
 * is told of its translation. */
static void test_message_expected(void **state)
{
	const uint32_t raw = FW_PART_RAW, invalid = FW_CT_INVALID << FW_MARK_CTINFO_SHIFT;

	for (uint32_t helper = 0; helper < FW_N_HELPERS; helper++) {
		struct fw_pkt_meta meta = meta_of(raw | fw_mark_helper(helper) | FW_MARK_DST_NAT);

		assert_int_equal(meta.part, FW_PART_EXPECTED);
		assert_int_equal(meta.helper, helper);
		assert_int_equal(meta.nat_status, FW_CTS_DST_NAT);
	}
	assert_int_equal(meta_of(raw | invalid).part, FW_PART_RAW);
	assert_int_equal(meta_of(raw | FW_MARK_OWN).part, FW_PART_RAW);
	/* the notes of one that waits, with or without its rounds, and of OUTPUT's first visit */
	assert_int_equal(meta_of(FW_PART_TO_NAT).part, FW_PART_WAITING);
	assert_int_equal(meta_of(FW_PART_TO_NAT | FW_MARK_ROUNDS_MASK).part, FW_PART_WAITING);
	assert_int_equal(meta_of(FW_PART_TO_NAT | invalid).part, FW_PART_TO_NAT);
}

/* A message cut anywhere is garbage or a packet, never a read beyond it. */
static void test_message_cut(void **state)
{
	struct pkt p = PKT_INIT;
	struct message m;

	udp4(&p, 8);
	begin(&m, FW_INPUT, AF_INET);
	attr32(&m, NFQA_IFINDEX_INDEV, 4);
	attr(&m, NFQA_PAYLOAD, p.data, (uint16_t)p.len);
	parse(&m, &(struct fwd_msg){.id = 0});
	for (uint32_t n = 0; n < m.len; n++) {
		uint8_t *copy = test_malloc(n ? n : 1);
		struct fwd_msg got;
		uint32_t len = n;
		int error;

		memcpy(copy, m.data, n);
		if (n >= sizeof(len))
			memcpy(copy, &len, sizeof(len)); /* nlmsg_len as short as the bytes */
		assert_true(fwd_msg_parse(copy, n, SHIFT, &got, &error) <= 1);
		test_free(copy);
	}
}

static void test_message_error(void **state)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} m = {.nlh = {.nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR}, .err = {.error = -2}};
	struct fwd_msg got;
	int error;

	assert_int_equal(fwd_msg_parse(&m, sizeof(m), SHIFT, &got, &error), 0);
	assert_int_equal(error, -2);
}

/* ---- answers ------------------------------------------------------------------------------- */

static uint16_t type_at(const uint8_t *p)
{
	struct nlmsghdr nlh;

	memcpy(&nlh, p, sizeof(nlh));
	return nlh.nlmsg_type & 0xff;
}

static struct nfqnl_msg_verdict_hdr verdict_at(const uint8_t *p)
{
	struct nfqnl_msg_verdict_hdr vh;

	memcpy(&vh, p + NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN, sizeof(vh));
	return vh;
}

static void test_verdicts(void **state)
{
	const struct fwd_answer answers[] = {
		{.id = 1, .queue = 9, .verdict = NF_ACCEPT},
		{.id = 2, .queue = 9, .verdict = NF_ACCEPT},
		{.id = 3, .queue = 9, .verdict = NF_ACCEPT},
		{.id = 4, .queue = 9, .verdict = NF_DROP},
		{.id = 5, .queue = 9, .verdict = NF_ACCEPT, .set_mark = true, .mark = 5},
		{.id = 1, .queue = 10, .verdict = NF_ACCEPT},
	};
	static const struct {
		uint16_t type;
		uint32_t id, verdict;
	} want[] = {
		{NFQNL_MSG_VERDICT_BATCH, 3, NF_ACCEPT},
		{NFQNL_MSG_VERDICT, 4, NF_DROP},
		{NFQNL_MSG_VERDICT, 5, NF_ACCEPT},
		{NFQNL_MSG_VERDICT, 1, NF_ACCEPT},
	};
	uint8_t buf[FW_ARRAY_SIZE(answers) * FWD_VERDICT_SIZE], *p = buf;
	struct iovec iov[FW_ARRAY_SIZE(answers) * FWD_VERDICT_IOVS];
	size_t done;

	assert_int_equal(fwd_verdict_fill(buf, iov, answers, FW_ARRAY_SIZE(answers), &done), 1);
	assert_int_equal(done, FW_ARRAY_SIZE(answers));
	assert_ptr_equal(iov[0].iov_base, buf);

	for (size_t i = 0; i < FW_ARRAY_SIZE(want); i++) {
		uint32_t n;

		assert_int_equal(type_at(p), want[i].type);
		assert_int_equal(ntohl(verdict_at(p).id), want[i].id);
		assert_int_equal(ntohl(verdict_at(p).verdict), want[i].verdict);
		memcpy(&n, p, sizeof(n));
		assert_true(n <= FWD_VERDICT_SIZE);
		p += n;
	}
	assert_int_equal(p - buf, iov[0].iov_len);
}

/* Payloads stay where they are, padded to four bytes; no send carries more than a socket takes. */
static void test_payload_verdicts(void **state)
{
	static uint8_t payload[65536];
	const struct fwd_answer answers[] = {
		{.id = 1, .verdict = NF_ACCEPT},
		{.id = 2, .verdict = NF_ACCEPT, .payload = payload, .payload_len = 61},
		{.id = 3, .verdict = NF_ACCEPT, .set_priority = true, .priority = 0x10002},
		{.id = 4, .verdict = NF_ACCEPT},
		{.id = 5, .verdict = NF_ACCEPT, .payload = payload, .payload_len = 65531},
		{.id = 6, .verdict = NF_ACCEPT, .payload = payload, .payload_len = 65531},
	};
	uint8_t buf[FW_ARRAY_SIZE(answers) * FWD_VERDICT_SIZE];
	struct iovec iov[FW_ARRAY_SIZE(answers) * FWD_VERDICT_IOVS];
	size_t done, n = fwd_verdict_fill(buf, iov, answers, FW_ARRAY_SIZE(answers), &done);
	const uint8_t *second;
	uint32_t len;

	assert_int_equal(done, 5);
	assert_int_equal(n, 4);
	assert_ptr_equal(iov[1].iov_base, payload);
	assert_int_equal(iov[1].iov_len, 64);
	second = (uint8_t *)iov[0].iov_base + iov[0].iov_len - 4 -
		(NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN + 8);
	memcpy(&len, second, sizeof(len));
	assert_int_equal(len, NLMSG_HDRLEN + sizeof(struct nfgenmsg) + NLA_HDRLEN + 8 + 4 + 64);
	assert_ptr_equal(iov[3].iov_base, payload);
	assert_int_equal(fwd_verdict_fill(buf, iov, answers + 5, 1, &done), 2);
	assert_int_equal(done, 1);
}

/* ---- replies ------------------------------------------------------------------------------- */

static void tcp4(struct pkt *p, struct fw_packet *view, uint8_t flags, uint32_t payload)
{
	uint8_t *tcp;

	pkt_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_TCP);
	tcp = pkt_tcp(p, 1024, 80, flags);
	pkt_put32(tcp + 4, 1000);
	pkt_put32(tcp + 8, 2000);
	pkt_grow(p, payload);
	pkt_at(p, FW_INPUT, "eth0", NULL);
	pkt_view(p, view);
}

static void test_rst(void **state)
{
	static const uint8_t syn[] = {
		0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10,	  0,	0,    2,    10, 0,
		0,    1, 0, 80, 4, 0, 0,    0, 0,  0, 0, 0, 0x03, 0xe9, 0x50, 0x14, 0,	0,
	};
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t buf[FWD_REPLY_MAX];

	tcp4(&p, &view, PKT_SYN, 0);
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 40);
	assert_memory_equal(buf, syn, sizeof(syn));

	tcp4(&p, &view, PKT_ACK, 10); /* its ack becomes our seq; no ack of ours */
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 40);
	assert_memory_equal(buf + 24, "\0\0\x07\xd0\0\0\0\0\x50\x04", 10);

	tcp4(&p, &view, PKT_FIN, 10); /* FIN and ten bytes are acknowledged */
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 40);
	assert_memory_equal(buf + 28, "\0\0\x03\xf3", 4);

	tcp4(&p, &view, PKT_RST, 0);
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 0);
}

static void test_rst_checksum(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t buf[FWD_REPLY_MAX];

	tcp4(&p, &view, PKT_SYN, 3);
	view.meta.flags = FW_PKT_CSUM_UNCHECKED;
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 40);
	p.data[p.l4 + 20]++;
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 0);
	view.meta.flags = 0; /* the card has checked it */
	assert_int_equal(fwd_reply_rst4(buf, &view, 64), 40);
}

static void test_icmp4(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t buf[FWD_REPLY_MAX];

	udp4(&p, 1000);
	p.data[1] = 0xbb;
	pkt_at(&p, FW_FORWARD, "eth0", "eth1");
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp4(buf, &view, 13, 64), 576);
	assert_int_equal(buf[1], 0xda); /* its TOS, without ECN's and precedence */
	assert_memory_equal(buf + 12, "\0\0\0\0", 4); /* the kernel chooses */
	assert_memory_equal(buf + 16, "\x0a\0\0\1", 4);
	assert_int_equal(buf[20], 3);
	assert_int_equal(buf[21], 13);
	assert_memory_equal(buf + 28, p.data, 548);
	assert_int_equal(pkt_fold(pkt_sum(0, buf + 20, 556)), 0);

	p.data[1] = 0x04; /* a rule changed it since */
	assert_int_equal(fwd_reply_icmp4(buf, &view, 13, 64), 576);
	assert_int_equal(buf[1], 0xc4);

	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp4(buf, &view, 3, 64), 576);
	assert_memory_equal(buf + 12, "\x0a\0\0\2", 4);
}

static void test_icmp4_none(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t buf[FWD_REPLY_MAX];

	pkt_ip4(&p, "10.0.0.1", "10.0.0.2", IPPROTO_ICMP);
	pkt_icmp(&p, 11, 0, 0, 0); /* about an error */
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp4(buf, &view, 3, 64), 0);
	p.data[20] = 8;
	assert_int_equal(fwd_reply_icmp4(buf, &view, 3, 64), 56);

	udp4(&p, 16);
	pkt_frag4(&p, 8, true);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp4(buf, &view, 3, 64), 0);

	udp4(&p, 16);
	pkt_view(&p, &view);
	view.meta.pkttype = FW_PKT_BROADCAST;
	assert_int_equal(fwd_reply_icmp4(buf, &view, 3, 64), 0);
}

static void test_icmp6(void **state)
{
	struct pkt p = PKT_INIT;
	struct fw_packet view;
	uint8_t buf[FWD_REPLY_MAX];

	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_UDP);
	pkt_udp(&p, 5000, 53);
	pkt_grow(&p, 1300);
	pkt_at(&p, FW_INPUT, "eth0", NULL);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp6(buf, &view, 4), 1240); /* 1280 with its IPv6 header */
	assert_memory_equal(buf, "\1\4", 2);
	assert_memory_equal(buf + 8, p.data, 1232);

	pkt_ip6(&p, "::", "fd00::2", IPPROTO_UDP);
	pkt_udp(&p, 5000, 53);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp6(buf, &view, 4), 0);

	pkt_ip6(&p, "fd00::1", "fd00::2", IPPROTO_ICMPV6);
	pkt_icmp(&p, 1, 4, 0, 0);
	pkt_view(&p, &view);
	assert_int_equal(fwd_reply_icmp6(buf, &view, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),	     cmocka_unit_test(test_message_out),
		cmocka_unit_test(test_message_expected),
		cmocka_unit_test(test_message_cut),  cmocka_unit_test(test_message_error),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_payload_verdicts),     cmocka_unit_test(test_rst),
		cmocka_unit_test(test_rst_checksum), cmocka_unit_test(test_icmp4),
		cmocka_unit_test(test_icmp4_none),   cmocka_unit_test(test_icmp6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
