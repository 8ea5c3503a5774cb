/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names to numbers and back.  This is the client's work and never the daemon's: a resolver may
 * take seconds.  Nothing here runs before a command really has a name in it, so that the usual,
 * numeric command never loads the C library's name services.
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

static void store(enum fw_family family, const struct sockaddr *sa, union fw_addr *ret)
{
	*ret = (union fw_addr){0};
	if (family == FW_IP4)
		memcpy(ret->u8, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else
		memcpy(ret->u8, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
}

static int resolve_host(void *priv, enum fw_family family, const char *name, union fw_addr *ret,
			size_t *n)
{
	struct addrinfo hints = {.ai_family = family == FW_IP4 ? AF_INET : AF_INET6,
				 .ai_socktype = SOCK_RAW};
	struct addrinfo *list;
	const struct netent *net = family == FW_IP4 ? getnetbyname(name) : NULL;
	size_t found = 0, max = *n;

	if (net && net->n_addrtype == AF_INET && max) {
		ret[0] = (union fw_addr){.u32 = {htonl(net->n_net)}};
		*n = 1;
		return 0;
	}
	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return -1;
	/* an address that is there twice makes two rules with iptables, too (localhost in Debian's
	 * /etc/hosts) */
	for (const struct addrinfo *a = list; a && found < max; a = a->ai_next)
		store(family, a->ai_addr, &ret[found++]);
	freeaddrinfo(list);
	*n = found;
	return found ? 0 : -1;
}

static int resolve_service(void *priv, const char *name, const char *proto, uint16_t *ret)
{
	const struct servent *s = getservbyname(name, proto);

	if (!s)
		return -1;
	*ret = ntohs((uint16_t)s->s_port);
	return 0;
}

static int resolve_protocol(void *priv, const char *name, uint8_t *ret)
{
	const struct protoent *p = getprotobyname(name);

	if (!p || p->p_proto < 0 || p->p_proto > 255)
		return -1;
	*ret = (uint8_t)p->p_proto;
	return 0;
}

static int resolve_id(void *priv, bool group, const char *name, uint32_t *ret)
{
	const struct passwd *user = group ? NULL : getpwnam(name);
	const struct group *g = group ? getgrnam(name) : NULL;

	if (!user && !g)
		return -1;
	*ret = user ? user->pw_uid : g->gr_gid;
	return 0;
}

const struct fw_resolver ctl_resolver = {
	.host = resolve_host,
	.service = resolve_service,
	.protocol = resolve_protocol,
	.id = resolve_id,
};

int ctl_host_name(void *priv, enum fw_family family, const union fw_addr *addr, char *ret,
		  size_t size)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const struct netent *net;

	if (family == FW_IP6) {
		memcpy(&in6.sin6_addr, addr->u8, 16);
		return getnameinfo((const struct sockaddr *)&in6, sizeof(in6), ret, (socklen_t)size,
				   NULL, 0, 0)
			? -1
			: 0;
	}
	memcpy(&in.sin_addr, addr->u8, 4);
	if (getnameinfo((const struct sockaddr *)&in, sizeof(in), ret, (socklen_t)size, NULL, 0,
			NI_NAMEREQD) == 0)
		return 0;
	net = getnetbyaddr(ntohl(addr->u32[0]), AF_INET);
	if (!net || strlen(net->n_name) >= size)
		return -1;
	strcpy(ret, net->n_name);
	return 0;
}
