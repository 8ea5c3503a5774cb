/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine asks of the packet side (fw/world.h), under core->lock. */
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel.h"

#define ZONES_ASKED 16 /* for a connection */

static void on_log(void *priv, int level, const char *line, size_t len)
{
	fwd_log(level, "%.*s", (int)len, line);
}

static unsigned int on_addrtype(void *priv, enum fw_family family, const union fw_addr *addr,
				uint32_t ifindex)
{
	struct fwd_kernel *k = priv;

	return fwd_addrtype_mask(k->addrtype, family, addr, ifindex);
}

/* Asked of the kernel itself: libc's gettimeofday() says nothing of zones any more. */
static int on_minutes_west(void *priv)
{
	struct timezone tz = {0};

	(void)priv;
	return syscall(SYS_gettimeofday, NULL, &tz) < 0 ? 0 : tz.tz_minuteswest;
}

static bool on_connection(void *priv, const struct fw_tuple *t, struct fw_tuple *orig,
			  struct fw_tuple *reply)
{
	struct fwd_kernel *k = priv;
	uint16_t zones[ZONES_ASKED];
	const size_t n = fwd_assign_zones(&k->nft, zones, FW_ARRAY_SIZE(zones));

	for (size_t i = 0; i < n; i++) /* nobody tells which one it is */
		if (fwd_ct_get(&k->ct_fd, t, zones[i], orig, reply))
			return true;
	return false;
}

static void on_closed(void *priv, const struct fw_tuple *orig)
{
	struct fwd_kernel *k = priv;
	uint16_t zones[ZONES_ASKED];
	const size_t n = fwd_assign_zones(&k->nft, zones, FW_ARRAY_SIZE(zones));
	uint32_t seconds = 10;

	fw_ct_get_timeout(k->core->world.ct, "tcp_timeout_close", &seconds);
	for (size_t i = 0; i < n; i++)
		if (fwd_ct_close(&k->ct_fd, orig, zones[i], seconds))
			return;
}

static uint32_t on_group(void *priv, uint32_t ifindex)
{
	return fwd_rtnl_group(((struct fwd_kernel *)priv)->rtnl, ifindex);
}

static uint32_t on_realm(void *priv, const struct fw_packet *pkt, uint32_t mark)
{
	return fwd_route_realm(((struct fwd_kernel *)priv)->rtnl, pkt, mark);
}

static unsigned int on_way_back(void *priv, const struct fw_packet *pkt, uint32_t mark, bool loose)
{
	return fwd_route_back(((struct fwd_kernel *)priv)->rtnl, pkt, mark, loose);
}

static uint32_t on_mtu(void *priv, enum fw_family family, const union fw_addr *addr, uint32_t oif,
		       uint32_t mark)
{
	struct fwd_kernel *k = priv;

	return fwd_route_mtu(k->rtnl, family, addr, oif, mark);
}

static bool on_no_route(void *priv, const struct fw_packet *pkt)
{
	struct fwd_kernel *k = priv;

	return fwd_route_none(k->rtnl, pkt);
}

/* Since 5.18 the verdict's priority is taken; older kernels pass over the attribute. */
static bool takes_priority(void)
{
	struct utsname u;
	unsigned int major, minor;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 18);
}

void fwd_ops_install(struct fwd_kernel *k)
{
	k->ops = (struct fw_world_ops){.log = on_log,
				       .addrtype = on_addrtype,
				       .mtu = on_mtu,
				       .no_route = on_no_route,
				       .group = on_group,
				       .realm = on_realm,
				       .way_back = on_way_back,
				       .minutes_west = on_minutes_west,
				       .connection = on_connection,
				       .closed = on_closed};
	k->core->world.ops = &k->ops;
	k->core->world.priv = k;
	k->core->no_priority = !takes_priority();
}
