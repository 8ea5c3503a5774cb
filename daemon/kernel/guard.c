/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table without an owner, watched.
 *
 * Where the kernel cannot keep an owned table behind a crash (before 6.9) and fwd is to fail
 * closed, our table has no owner, and `nft flush ruleset` of somebody else, a restart of
 * nftables.service say, takes it away and the firewall with it.  So a thread listens to nft's
 * change notices; when one of another program names our table, everything is made anew, a moment
 * later, and said.
 *
 * (What waited in the queues when a base chain went is lost; no one can help that.)
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nft.h"

struct fwd_guard {
	struct fwd_nft *nft;
	const struct fwd_config *config;
	int events, stop;
	uint32_t own_port; /* who makes our own changes */
	bool hit; /* a notice was about us */
	pthread_t thread;
};

/* All messages about tables, chains and rules carry the table's name as attribute 1. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1, "one place");

static bool is_about_us(const struct fwd_guard *g, const struct nlmsghdr *nlh)
{
	const size_t head = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	const struct nlattr *nla = (const void *)((const uint8_t *)nlh + head);
	size_t left = nlh->nlmsg_len > head ? nlh->nlmsg_len - head : 0;

	if (nlh->nlmsg_pid == g->own_port || nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return false;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE: break;
	default: return false;
	}
	while (left >= sizeof(*nla) && nla->nla_len >= sizeof(*nla) && nla->nla_len <= left) {
		const size_t step = NLA_ALIGN(nla->nla_len);

		if ((nla->nla_type & NLA_TYPE_MASK) == 1)
			return nla->nla_len == NLA_HDRLEN + sizeof(FWD_TABLE) &&
				memcmp(nla + 1, FWD_TABLE, sizeof(FWD_TABLE)) == 0;
		if (step > left)
			break;
		left -= step;
		nla = (const void *)((const uint8_t *)nla + step);
	}
	return false;
}

static void take(void *priv, const struct nlmsghdr *nlh)
{
	struct fwd_guard *g = priv;

	g->hit |= is_about_us(g, nlh);
}

/* Read all notices that wait: is one of them about us, or may one that was lost have been? */
static bool read_events(struct fwd_guard *g)
{
	g->hit = false;
	return !fwd_nl_notices(g->events, take, g) || g->hit;
}

static void *guard(void *priv)
{
	struct fwd_guard *g = priv;
	struct pollfd fds[] = {{.fd = g->events, .events = POLLIN},
			       {.fd = g->stop, .events = POLLIN}};
	int r;

	while (!fds[1].revents) {
		if (poll(fds, FW_ARRAY_SIZE(fds), -1) < 0 || !fds[0].revents || !read_events(g))
			continue;
		r = fwd_nft_remake(g->nft, g->config);
		if (r)
			fwd_log(2,
				"somebody has changed the nft table inet %s, and it cannot be made "
				"anew: %s",
				FWD_TABLE, strerror(-r));
		else
			fwd_log(4, "somebody has changed the nft table inet %s: made anew",
				FWD_TABLE);
	}
	return NULL;
}

static int open_guard(struct fwd_guard *g)
{
	struct sockaddr_nl own;
	socklen_t len = sizeof(own);

	if (getsockname(g->nft->fd, (struct sockaddr *)&own, &len) < 0)
		return -errno;
	g->own_port = own.nl_pid;
	g->events = fwd_nl_open(NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1));
	g->stop = eventfd(0, EFD_CLOEXEC);
	if (g->events < 0)
		return g->events;
	return g->stop < 0 ? -errno : -pthread_create(&g->thread, NULL, guard, g);
}

int fwd_guard_start(struct fwd_guard **ret, struct fwd_nft *nft, const struct fwd_config *config,
		    struct fw_err *err)
{
	struct fwd_guard *g;
	int r;

	if (nft->owner)
		return 0; /* nobody can */
	g = calloc(1, sizeof(*g));
	if (!g)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory"), -ENOMEM;
	*g = (struct fwd_guard){.nft = nft, .config = config, .events = -1, .stop = -1};
	r = open_guard(g);
	if (r) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot watch the nft table: %s", strerror(-r));
		if (g->events >= 0)
			close(g->events);
		if (g->stop >= 0)
			close(g->stop);
		free(g);
		return r;
	}
	pthread_setname_np(g->thread, "fwd-guard");
	*ret = g;
	return 0;
}

struct fwd_guard *fwd_guard_stop(struct fwd_guard *g)
{
	const uint64_t one = 1;

	if (!g)
		return NULL;
	while (write(g->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(g->thread, NULL);
	close(g->events);
	close(g->stop);
	free(g);
	return NULL;
}
