/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ADDR:PORT (http/endpoint.h). */
#include "http/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "fw/opt.h"

static int wrong(const char *text, struct fw_err *err)
{
	fw_fail(err, FW_ERR_USAGE, "'%s' is not ADDR:PORT", text);
	fw_err_hint(err, "like 127.0.0.1:9470 or [::1]:9470");
	return -EINVAL;
}

int fwd_endpoint_parse(const char *text, struct sockaddr_storage *ret, socklen_t *len,
		       struct fw_err *err)
{
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	const bool brackets = *text == '[';
	char addr[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!colon || fw_parse_u64(colon + 1, 1, 65535, &port))
		return wrong(text, err);
	if (brackets) {
		start++;
		end--;
		if (end < start || *end != ']')
			return wrong(text, err);
	}
	if ((size_t)(end - start) >= sizeof(addr))
		return wrong(text, err);
	snprintf(addr, sizeof(addr), "%.*s", (int)(end - start), start);
	memset(ret, 0, sizeof(*ret));
	if (!brackets && inet_pton(AF_INET, addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)port);
		*len = sizeof(*in4);
		return 0;
	}
	if (!brackets || inet_pton(AF_INET6, addr, &in6->sin6_addr) != 1)
		return wrong(text, err);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	*len = sizeof(*in6);
	return 0;
}
