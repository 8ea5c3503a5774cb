/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces by number, as the packet messages name them.
 *
 * How fresh.  Change notices wait in our socket from the moment of the change.  They are read
 * before a batch of packets is judged, at most once a millisecond, so a packet is judged by names
 * at most that old; a number never seen before is asked for at once.
 *
 * What is gone is remembered for packets of it that were read already (the kernel drops those that
 * wait), until room is needed: a host of containers makes new interfaces as long as it runs.
 *
 * Everything here runs under core->lock.
 */
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel.h"
#include "rtnl.h"

#define FRESH_NS 1000000u
#define SIZE_MIN 64 /* places */

struct link {
	uint32_t index; /* 0: free place */
	uint16_t type;
	uint32_t mtu, group;
	bool known; /* false: asked for, and there is none */
	bool gone;
	char name[FW_IFNAMSIZ];
};

struct fwd_rtnl {
	int events; /* notices */
	int requests; /* questions and dumps */
	uint32_t seq;
	uint64_t fresh_ns;
	uint64_t renames;
	uint64_t changes; /* of addresses or routes: what was derived from them is stale */
	struct link *links; /* open addressing, a power of two, at most half full */
	uint32_t size, used;
};

/* ---- links --------------------------------------------------------------------------------- */

static struct link *place(struct link *links, uint32_t size, uint32_t index)
{
	uint32_t i = index * 2654435761u & (size - 1);

	while (links[i].index && links[i].index != index)
		i = (i + 1) & (size - 1);
	return &links[i];
}

static bool make_room(struct fwd_rtnl *r)
{
	uint32_t size = SIZE_MIN, kept = 0, gone = 0;
	struct link *links;

	for (uint32_t i = 0; i < r->size; i++) {
		kept += r->links[i].index && !r->links[i].gone;
		gone += r->links[i].gone;
	}
	while (size < 4 * kept)
		size *= 2;
	links = calloc(size, sizeof(*links));
	if (!links)
		return false;
	for (uint32_t i = 0; i < r->size; i++)
		if (r->links[i].index && !r->links[i].gone)
			*place(links, size, r->links[i].index) = r->links[i];
	free(r->links);
	r->links = links;
	r->size = size;
	r->used = kept;
	r->renames += gone != 0; /* should such a number come again, its name cannot be compared */
	return true;
}

static struct link *get(struct fwd_rtnl *r, uint32_t index)
{
	struct link *l;

	if (2 * (r->used + 1) > r->size && !make_room(r))
		return NULL;
	l = place(r->links, r->size, index);
	if (!l->index) {
		l->index = index;
		r->used++;
	}
	return l;
}

static void take_link(struct fwd_rtnl *r, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nlh);
	const struct rtattr *rta = IFLA_RTA(ifi);
	int len = (int)IFLA_PAYLOAD(nlh);
	struct link *l;

	if (ifi->ifi_index <= 0 || ifi->ifi_family != AF_UNSPEC)
		return; /* bridges and IPv6 speak of links in other families */
	if (nlh->nlmsg_type == RTM_DELLINK) {
		l = place(r->links, r->size, (uint32_t)ifi->ifi_index);
		l->gone = l->index;
		return;
	}
	l = get(r, (uint32_t)ifi->ifi_index);
	if (!l)
		return;
	l->gone = false;
	l->type = ifi->ifi_type;
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		size_t n = RTA_PAYLOAD(rta);

		if (rta->rta_type == IFLA_MTU && n >= sizeof(l->mtu))
			memcpy(&l->mtu, RTA_DATA(rta), sizeof(l->mtu));
		if (rta->rta_type == IFLA_GROUP && n >= sizeof(l->group))
			memcpy(&l->group, RTA_DATA(rta), sizeof(l->group));
		if (rta->rta_type != IFLA_IFNAME || n == 0 || n > FW_IFNAMSIZ)
			continue;
		r->renames += l->known && strncmp(l->name, RTA_DATA(rta), FW_IFNAMSIZ) != 0;
		memset(l->name, 0, sizeof(l->name));
		memcpy(l->name, RTA_DATA(rta), n - 1);
		l->known = true;
	}
}

/* ---- messages ------------------------------------------------------------------------------ */

static void take(void *priv, const struct nlmsghdr *nlh)
{
	struct fwd_rtnl *r = priv;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			take_link(r, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWROUTE:
	case RTM_DELROUTE: r->changes++; break;
	}
}

int fwd_rtnl_ask(struct fwd_rtnl *r, struct nlmsghdr *nlh, fwd_nl_cb *cb, void *priv)
{
	char buf[32768];
	ssize_t n;

	nlh->nlmsg_seq = ++r->seq;
	if (send(r->requests, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		size_t left;

		n = recv(r->requests, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		left = (size_t)n;
		for (nlh = (struct nlmsghdr *)buf; NLMSG_OK(nlh, left);
		     nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_seq != r->seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return 0;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			cb(priv, nlh);
			if (!(nlh->nlmsg_flags & NLM_F_MULTI))
				return 0;
		}
	}
}

/* One link, or (index 0) all. */
static int ask_links(struct fwd_rtnl *r, uint32_t index)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} req = {
		.nlh = {.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | (index ? 0 : NLM_F_DUMP)},
		.ifi = {.ifi_index = (int)index},
	};

	return fwd_rtnl_ask(r, &req.nlh, take, r);
}

void fwd_rtnl_drain(struct fwd_rtnl *r)
{
	if (fwd_nl_notices(r->events, take, r))
		return;
	r->changes++; /* some were lost: who knows */
	for (uint32_t i = 0; i < r->size; i++)
		r->links[i].gone = r->links[i].index;
	ask_links(r, 0);
}

void fwd_rtnl_freshen(struct fwd_rtnl *r, uint64_t now)
{
	if (now - r->fresh_ns < FRESH_NS)
		return;
	r->fresh_ns = now;
	fwd_rtnl_drain(r);
}

uint64_t fwd_rtnl_renames(const struct fwd_rtnl *r)
{
	return r->renames;
}

uint64_t fwd_rtnl_changes(const struct fwd_rtnl *r)
{
	return r->changes;
}

uint16_t fwd_rtnl_link(struct fwd_rtnl *r, uint32_t ifindex, char name[FW_IFNAMSIZ])
{
	struct link *l = place(r->links, r->size, ifindex);

	if (!l->index) {
		ask_links(r, ifindex);
		l = get(r, ifindex);
		if (!l)
			return ARPHRD_VOID;
		l->gone = !l->known;
	}
	memcpy(name, l->name, FW_IFNAMSIZ);
	return l->known ? l->type : ARPHRD_VOID;
}

/* What is known of it, asked for where nothing is yet. */
static const struct link *asked(struct fwd_rtnl *r, uint32_t ifindex)
{
	char name[FW_IFNAMSIZ];

	fwd_rtnl_link(r, ifindex, name);
	return place(r->links, r->size, ifindex);
}

uint32_t fwd_rtnl_group(struct fwd_rtnl *r, uint32_t ifindex)
{
	return ifindex ? asked(r, ifindex)->group : 0;
}

uint32_t fwd_rtnl_mtu(struct fwd_rtnl *r, uint32_t ifindex)
{
	return ifindex ? asked(r, ifindex)->mtu : 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int fwd_rtnl_open(struct fwd_rtnl **ret, struct fw_err *err)
{
	const unsigned int groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
		RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	struct fwd_rtnl *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (!r)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for the interfaces"), error;
	r->events = fwd_nl_open(NETLINK_ROUTE, groups);
	r->requests = fwd_nl_open(NETLINK_ROUTE, 0);
	error = r->events < 0 ? r->events : r->requests < 0 ? r->requests : 0;
	if (!error)
		error = make_room(r) ? ask_links(r, 0) : -ENOMEM;
	if (error) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot read the interfaces: %s", strerror(-error));
		fwd_rtnl_close(r);
		return error;
	}
	*ret = r;
	return 0;
}

struct fwd_rtnl *fwd_rtnl_close(struct fwd_rtnl *r)
{
	if (!r)
		return NULL;
	if (r->events >= 0)
		close(r->events);
	if (r->requests >= 0)
		close(r->requests);
	free(r->links);
	free(r);
	return NULL;
}
