/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and masks of option values (fw/opt.h).  IPv4 is read as iptables reads it: one to
 * four parts, missing ones are zero.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fw/opt.h"
#include "opt/opt.h"

static int parse_addr4(const char *word, union fw_addr *ret)
{
	union fw_addr a = {0};
	const char *p = word;
	uint64_t part;

	for (unsigned int i = 0; i < 4; i++) {
		p = fw_scan_u64(p, &part);
		if (!p || part > UINT8_MAX)
			return -1;
		a.u8[i] = (uint8_t)part;
		if (!*p) {
			*ret = a;
			return 0;
		}
		if (*p++ != '.')
			return -1;
	}
	return -1;
}

int fw_parse_addr(const char *word, enum fw_family family, union fw_addr *ret)
{
	union fw_addr a = {0};

	if (family == FW_IP4)
		return parse_addr4(word, ret);
	if (inet_pton(AF_INET6, word, &a) != 1)
		return -1;
	*ret = a;
	return 0;
}

static void mask_of_length(union fw_addr *mask, unsigned int len)
{
	memset(mask, 0, sizeof(*mask));
	memset(mask, 0xff, len / 8);
	if (len % 8)
		mask->u8[len / 8] = (uint8_t)(0xff00u >> (len % 8));
}

int fw_parse_mask(const char *word, enum fw_family family, union fw_addr *ret)
{
	uint64_t len;
	const char *end = fw_scan_u64(word, &len);

	if (end && !*end) {
		if (len > (family == FW_IP4 ? 32 : 128))
			return -1;
		mask_of_length(ret, (unsigned int)len);
		return 0;
	}
	return fw_parse_addr(word, family, ret);
}

int fw_parse_host(const struct fw_parse_ctx *ctx, const char *word, union fw_addr *ret,
		  struct fw_err *err)
{
	union fw_addr found[16];
	size_t n = FW_ARRAY_SIZE(found);
	int r;

	if (!fw_parse_addr(word, ctx->family, ret))
		return 0;
	if (ctx->resolver && ctx->resolver->host &&
	    !ctx->resolver->host(ctx->resolver->priv, ctx->family, word, found, &n) && n > 0) {
		if (n == 1) {
			*ret = found[0];
			return 0;
		}
		r = fw_fail(err, FW_ERR_NAME, "'%s' has more than one address", word);
		fw_err_hint(err, "give the address that is meant");
		fw_err_words(err, "%s resolves to more than one address", word);
		return r;
	}
	r = fw_fail(err, FW_ERR_NAME, "'%s' is not an IPv%c address, and no host that is known",
		    word, ctx->family == FW_IP4 ? '4' : '6');
	fw_err_words(err, "host/network `%s' not found", word);
	return r;
}

int fw_parse_addr_range(const char *word, enum fw_family family, union fw_addr *lo,
			union fw_addr *hi)
{
	char first[64];
	const char *dash = strchr(word, '-');
	size_t len = dash ? (size_t)(dash - word) : strlen(word);

	if (len >= sizeof(first))
		return -1;
	memcpy(first, word, len);
	first[len] = '\0';
	if (fw_parse_addr(first, family, lo))
		return -1;
	if (!dash) {
		*hi = *lo;
		return 0;
	}
	return fw_parse_addr(dash + 1, family, hi);
}

void fw_print_addr(const union fw_addr *addr, enum fw_family family, struct fw_buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (family == FW_IP4) {
		for (unsigned int i = 0; i < 4; i++) {
			if (i)
				fw_buf_char(out, '.');
			fw_buf_u64(out, addr->u8[i]);
		}
		return;
	}
	fw_buf_str(out, inet_ntop(AF_INET6, addr, text, sizeof(text)) ? text : "?");
}

bool fw_mask_is_prefix(const union fw_addr *mask, enum fw_family family, unsigned int *len)
{
	unsigned int bytes = family == FW_IP4 ? 4 : 16, n = 0;
	union fw_addr want;

	while (n < bytes * 8 && mask->u8[n / 8] & (0x80u >> (n % 8)))
		n++;
	mask_of_length(&want, n);
	*len = n;
	return !memcmp(&want, mask, bytes);
}

void fw_print_mask(const union fw_addr *mask, enum fw_family family, bool full, struct fw_buf *out)
{
	unsigned int len;

	if (!fw_mask_is_prefix(mask, family, &len)) {
		fw_buf_char(out, '/');
		fw_print_addr(mask, family, out);
		return;
	}
	if (full || len != (family == FW_IP4 ? 32 : 128)) {
		fw_buf_char(out, '/');
		fw_buf_u64(out, len);
	}
}
