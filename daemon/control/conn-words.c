/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flows a conn request is about: KEY VALUE pairs into a filter. */
#include "control/conn-words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "fw/opt.h"

static int parse_number(const char *key, const char *word, uint64_t max, int *ret,
			struct fw_err *err)
{
	uint64_t n;

	if (fw_parse_u64(word, 0, max, &n))
		return fw_fail(err, FW_ERR_USAGE, "%s: '%s' is not in 0..%" PRIu64, key, word, max);
	*ret = (int)n;
	return 0;
}

static int parse_proto(const char *word, int *ret, struct fw_err *err)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"tcp", 6},    {"udp", 17},  {"icmp", 1},	    {"icmpv6", 58},
		     {"sctp", 132}, {"dccp", 33}, {"udplite", 136}, {"gre", 47}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, word))
			continue;
		*ret = known[i].number;
		return 0;
	}
	return parse_number("proto", word, 255, ret, err);
}

/* What was said before and what is said now must be one family. */
static int set_family(struct fw_ct_filter *f, enum fw_family family, const char *word,
		      struct fw_err *err)
{
	if (f->family >= 0 && f->family != (int)family)
		return fw_fail(err, FW_ERR_USAGE, "'%s' is of the other family", word);
	f->family = (int)family;
	return 0;
}

static void set_mask(struct fw_ct_where *w, unsigned int bits)
{
	for (unsigned int i = 0; i < FW_ARRAY_SIZE(w->mask.u32); i++) {
		const unsigned int here = bits > 32 * i ? bits - 32 * i : 0;

		w->mask.u32[i] = here >= 32 ? UINT32_MAX : here ? htonl(~(UINT32_MAX >> here)) : 0;
		w->addr.u32[i] &= w->mask.u32[i];
	}
}

/* ADDRESS[/LENGTH] */
static int parse_where(struct fw_ct_filter *f, const char *word, struct fw_ct_where *ret,
		       struct fw_err *err)
{
	const size_t len = strcspn(word, "/");
	char address[INET6_ADDRSTRLEN] = "";
	enum fw_family family;
	int bits, r;

	if (len >= sizeof(address))
		return fw_fail(err, FW_ERR_USAGE, "'%s' is no address", word);
	memcpy(address, word, len);
	r = fwd_arg_address(address, &family, &ret->addr, err);
	if (r)
		return r;
	bits = family == FW_IP4 ? 32 : 128;
	if (word[len]) {
		r = parse_number("length of the prefix", word + len + 1, (uint64_t)bits, &bits,
				 err);
		if (r)
			return r;
	}
	set_mask(ret, (unsigned int)bits);
	ret->given = true;
	return set_family(f, family, word, err);
}

static int parse_status(struct fw_ct_filter *f, const char *word, struct fw_err *err)
{
	static const struct {
		const char *name;
		uint32_t with, without;
	} known[] = {{"assured", FW_CTS_ASSURED, 0},   {"unassured", 0, FW_CTS_ASSURED},
		     {"replied", FW_CTS_SEEN_REPLY, 0}, {"unreplied", 0, FW_CTS_SEEN_REPLY},
		     {"expected", FW_CTS_EXPECTED, 0}, {"snat", FW_CTS_SRC_NAT, 0},
		     {"dnat", FW_CTS_DST_NAT, 0}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, word))
			continue;
		f->status |= known[i].with;
		f->not_status |= known[i].without;
		return 0;
	}
	fw_fail(err, FW_ERR_USAGE, "status: '%s' is none", word);
	fw_err_hint(err, "assured, unassured, replied, unreplied, expected, snat, dnat");
	return -EINVAL;
}

static int parse_mark(struct fw_ct_filter *f, const char *word, struct fw_err *err)
{
	uint64_t n;

	if (fw_parse_u64(word, 0, UINT32_MAX, &n))
		return fw_fail(err, FW_ERR_USAGE, "mark: '%s' is no number of 32 bits", word);
	f->mark = (uint32_t)n;
	f->has_mark = true;
	return 0;
}

static int parse_state(struct fwd_conn_words *w, const char *word, struct fw_err *err)
{
	if (!fw_ct_is_state(word) || strlen(word) >= sizeof(w->state)) {
		fw_fail(err, FW_ERR_USAGE, "state: '%s' is none of TCP or SCTP", word);
		fw_err_hint(err, "as conn list shows them: ESTABLISHED, SYN_SENT, TIME_WAIT …");
		return -EINVAL;
	}
	strcpy(w->state, word);
	w->filter.state = w->state;
	return 0;
}

static int parse_family(struct fw_ct_filter *f, const char *word, struct fw_err *err)
{
	enum fw_family family;
	int r = fwd_arg_family(word, &family, err);

	return r ? r : set_family(f, family, word, err);
}

static int parse_pair(struct fwd_conn_words *w, const char *key, const char *value,
		      struct fw_err *err)
{
	static const struct {
		const char *key;
		size_t offset;
	} where[] = {{"src", offsetof(struct fw_ct_filter, src)},
		     {"dst", offsetof(struct fw_ct_filter, dst)},
		     {"reply-src", offsetof(struct fw_ct_filter, reply_src)},
		     {"reply-dst", offsetof(struct fw_ct_filter, reply_dst)},
		     {"addr", offsetof(struct fw_ct_filter, addr)}};
	static const struct {
		const char *key;
		size_t offset;
	} ports[] = {{"sport", offsetof(struct fw_ct_filter, sport)},
		     {"dport", offsetof(struct fw_ct_filter, dport)},
		     {"port", offsetof(struct fw_ct_filter, port)}};
	struct fw_ct_filter *f = &w->filter;

	for (size_t i = 0; i < FW_ARRAY_SIZE(where); i++)
		if (!strcmp(key, where[i].key))
			return parse_where(f, value, (void *)((char *)f + where[i].offset), err);
	for (size_t i = 0; i < FW_ARRAY_SIZE(ports); i++)
		if (!strcmp(key, ports[i].key))
			return parse_number(key, value, 65535,
					    (void *)((char *)f + ports[i].offset), err);
	if (!strcmp(key, "family"))
		return parse_family(f, value, err);
	if (!strcmp(key, "proto"))
		return parse_proto(value, &f->proto, err);
	if (!strcmp(key, "status"))
		return parse_status(f, value, err);
	if (!strcmp(key, "mark"))
		return parse_mark(f, value, err);
	if (!strcmp(key, "state"))
		return parse_state(w, value, err);
	fw_fail(err, FW_ERR_USAGE, "conn: unknown key '%s'", key);
	fw_err_hint(err, "keys: family proto src dst reply-src reply-dst addr sport dport port state "
			 "status mark");
	return -EINVAL;
}

int fwd_conn_words(const struct fwd_call *call, unsigned int first, struct fwd_conn_words *ret,
		   struct fw_err *err)
{
	ret->filter = (struct fw_ct_filter)FW_CT_FILTER_INIT;
	for (unsigned int i = first; i < call->n_args; i += 2) {
		if (i + 1 == call->n_args)
			return fw_fail(err, FW_ERR_USAGE, "conn: '%s' needs a value",
				       call->args[i]);
		if (parse_pair(ret, call->args[i], call->args[i + 1], err)) {
			fwd_arg_at(call, call->args[i], err);
			return -EINVAL;
		}
	}
	return 0;
}
