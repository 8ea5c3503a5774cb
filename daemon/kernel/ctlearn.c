/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's conntrack knows, taken over by our tracker.
 *
 * At start: connections that another firewall has tracked here until now, or fwd in a former life,
 * so that none of them is cut.  Where there are none the kernel is not even asked: the question alone
 * would load its modules.
 *
 * While the kernel tracks: packets that no rule asks for do not come to us, so our flows are brought
 * up to date before somebody looks at them.
 */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctmsg.h"
#include "kernel.h"

#define COUNT "/proc/sys/net/netfilter/nf_conntrack_count"

struct learning {
	struct fwd_core *core;
	bool update;     /* those that we know, too */
	size_t n;        /* flows that are new to us */
	bool translated; /* some, known to us or not, are translated */
};

static bool knows_any(void)
{
	FILE *f = fopen(COUNT, "re");
	unsigned int n = 0;

	if (!f)
		return false;
	if (fscanf(f, "%u", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static void take(struct learning *l, const struct nlmsghdr *nlh)
{
	struct fw_ct_facts f;

	if (!fwd_ct_take(nlh, &f))
		return;
	l->n += fw_ct_adopt(l->core->world.ct, &f, l->update, fwd_now());
	l->translated |= (f.status & (FW_CTS_SRC_NAT | FW_CTS_DST_NAT)) != 0;
}

/* One datagram of the dump; false: that was the last. */
static bool take_some(struct learning *l, const void *buf, int len)
{
	const struct nlmsghdr *nlh = buf;
	bool more = true;

	fwd_core_slice(l->core);
	for (; more && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			more = false;
		else if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nfgenmsg)))
			take(l, nlh);
	}
	fwd_core_slice_end(l->core);
	return more;
}

static int ask(int fd)
{
	_Alignas(struct nlmsghdr) uint8_t buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg)); /* AF_UNSPEC: both families */
	return (int)fwd_nl_send(fd, buf, nlh->nlmsg_len);
}

static void take_all(struct learning *l)
{
	/* of this size are the slices for which packets wait: some 80 flows */
	_Alignas(struct nlmsghdr) uint8_t buf[16384];
	const int fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	ssize_t n;

	if (fd < 0)
		return;
	if (ask(fd) >= 0)
		do
			n = fwd_nl_recv(fd, buf, sizeof(buf)); /* each makes the next */
		while (n > 0 && take_some(l, buf, (int)n));
	close(fd);
}

bool fwd_kernel_learn(struct fwd_kernel *k)
{
	struct learning l = {.core = k->core};

	if (knows_any())
		take_all(&l);
	if (l.n)
		fwd_log(5, "%zu connections taken over from the kernel's conntrack", l.n);
	return l.translated;
}

void fwd_kernel_sync(struct fwd_kernel *k)
{
	struct learning l = {.core = k->core, .update = true};
	bool kct;

	pthread_mutex_lock(&k->nft.lock);
	kct = k->nft.plan.kct;
	pthread_mutex_unlock(&k->nft.lock);
	if (kct)
		take_all(&l);
}
