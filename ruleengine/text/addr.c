/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as -s and -d take them: ADDR[/MASK],… with IPv4 addresses that may be cut short
 * ("10/8"), masks as lengths or in full, and names where a resolver is given.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/parse.h"

int fw_text_uint(const char *word, uint64_t max, uint64_t *ret)
{
	char *end;
	uint64_t v = 0;

	if (*word >= '1' && *word <= '9') { /* nearly always */
		const char *p = word;

		for (; *p >= '0' && *p <= '9'; p++) {
			v = v * 10 + (uint64_t)(*p - '0');
			if (v > max || p - word > 19)
				return -1;
		}
		if (*p)
			return -1;
		*ret = v;
		return 0;
	}
	if (*word < '0' || *word > '9')
		return -1;
	errno = 0;
	v = strtoull(word, &end, 0);
	if (*end || errno || v > max)
		return -1;
	*ret = v;
	return 0;
}

/* 1 to 4 numbers; missing ones are zero, but not in a mask. */
static int parse_v4(const char *word, bool is_mask, union fw_addr *ret)
{
	const char *p = word;
	uint8_t byte[4] = {0};

	for (unsigned int i = 0;; i++) {
		char part[12];
		size_t len = strcspn(p, ".");
		uint64_t v;

		if (i == 4 || !len || len >= sizeof(part))
			return -1;
		memcpy(part, p, len);
		part[len] = '\0';
		if (fw_text_uint(part, 255, &v) < 0)
			return -1;
		byte[i] = (uint8_t)v;
		if (!p[len]) {
			if (is_mask && i != 3)
				return -1;
			break;
		}
		p += len + 1;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, byte, 4);
	return 0;
}

static int parse_addr(const char *word, enum fw_family family, union fw_addr *ret)
{
	if (family == FW_IP4)
		return parse_v4(word, false, ret);
	return inet_pton(AF_INET6, word, ret->u8) == 1 ? 0 : -1;
}

static void mask_of(unsigned int bits, union fw_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	memset(ret->u8, 0xff, bits / 8);
	if (bits % 8)
		ret->u8[bits / 8] = (uint8_t)(0xff << (8 - bits % 8));
}

static int parse_mask(const char *word, enum fw_family family, union fw_addr *ret)
{
	unsigned int max = family == FW_IP4 ? 32 : 128;
	uint64_t bits;

	if (!word) {
		mask_of(max, ret);
		return 0;
	}
	if (fw_text_uint(word, max, &bits) == 0) {
		mask_of((unsigned int)bits, ret);
		return 0;
	}
	if (family == FW_IP4)
		return parse_v4(word, true, ret);
	return inet_pton(AF_INET6, word, ret->u8) == 1 ? 0 : -1;
}

static int add_net(struct fw_parser *p, struct fw_nets *nets, const union fw_addr *addr,
		   const union fw_addr *mask)
{
	struct fw_net *net;

	if (nets->n == FW_MAX_ADDRS) {
		fw_fail(p->err, FW_ERR_LIMIT, "more than %d addresses in one command",
			FW_MAX_ADDRS);
		return -EINVAL;
	}
	if (nets->n == nets->cap) {
		size_t cap = nets->cap * 4;
		struct fw_net *list = malloc(cap * sizeof(*list));

		if (!list)
			return fw_tx_nomem(p->err);
		memcpy(list, nets->list, nets->n * sizeof(*list));
		if (nets->list != nets->room)
			free(nets->list);
		nets->list = list;
		nets->cap = cap;
	}
	net = &nets->list[nets->n++];
	net->mask = *mask;
	net->addr.u64[0] = addr->u64[0] & mask->u64[0];
	net->addr.u64[1] = addr->u64[1] & mask->u64[1];
	return 0;
}

static int not_found(struct fw_parser *p, const char *name, struct fw_place place)
{
	fw_fail(p->err, p->resolver ? FW_ERR_USAGE : FW_ERR_NAME, "host/network `%s' not found",
		name);
	fw_err_words(p->err, "host/network `%s' not found", name);
	fw_err_hint(p->err,
		    p->family == FW_IP4
			    ? "an IPv4 address looks like 192.0.2.1 or 192.0.2.0/24"
			    : "an IPv6 address looks like 2001:db8::1 or 2001:db8::/32");
	fw_err_at(p->err, 0, place.column, place.length);
	return -EINVAL;
}

static int add_host(struct fw_parser *p, const char *name, struct fw_place place,
		    const union fw_addr *mask, struct fw_nets *nets)
{
	union fw_addr found[64];
	size_t n = FW_ARRAY_SIZE(found);
	int r = 0;

	if (!*name || !p->resolver || !p->resolver->host ||
	    p->resolver->host(p->resolver->priv, p->family, name, found, &n) < 0 || !n)
		return not_found(p, name, place);
	for (size_t i = 0; !r && i < n; i++)
		r = add_net(p, nets, &found[i], mask);
	return r;
}

static int one_net(struct fw_parser *p, char *word, struct fw_place place, struct fw_nets *nets)
{
	static const union fw_addr zero;
	char *slash = strrchr(word, '/');
	union fw_addr addr, mask;

	if (slash)
		*slash = '\0';
	if (parse_mask(slash ? slash + 1 : NULL, p->family, &mask) < 0) {
		struct fw_place at = {place.column + (uint32_t)(slash + 1 - word),
				      (uint32_t)strlen(slash + 1)};

		fw_parse_bad(p, at, "invalid mask `%s' specified", slash + 1);
		fw_err_hint(p->err,
			    p->family == FW_IP4
				    ? "a mask is a number from 0 to 32, or looks like 255.255.0.0"
				    : "a mask is a number from 0 to 128, or looks like ffff::");
		return -EINVAL;
	}
	if (!memcmp(&mask, &zero, sizeof(mask))) /* "any/0": whatever the name says */
		return add_net(p, nets, &zero, &mask);
	if (parse_addr(word, p->family, &addr) < 0)
		return add_host(p, word, place, &mask, nets);
	return add_net(p, nets, &addr, &mask);
}

int fw_nets_parse(struct fw_parser *p, const char *word, struct fw_place place, struct fw_nets *ret)
{
	char buf[256];
	const char *at = word;

	ret->n = 0;
	ret->cap = FW_ARRAY_SIZE(ret->room);
	ret->list = ret->room;
	for (;;) {
		size_t len;
		struct fw_place here;
		int r;

		while (*at == ' ' || *at == '\t')
			at++;
		len = strcspn(at, ",");
		here = (struct fw_place){place.column + (uint32_t)(at - word), (uint32_t)len};
		if (len >= sizeof(buf)) {
			fw_parse_bad(p, here, "Hostname too long");
			return -EINVAL;
		}
		memcpy(buf, at, len);
		buf[len] = '\0';
		r = one_net(p, buf, here, ret);
		if (r < 0)
			return r;
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

void fw_nets_deinit(struct fw_nets *nets)
{
	if (nets->list != nets->room)
		free(nets->list);
	nets->list = NULL;
}
