/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet described in words becomes bytes: what simulate and explain judge.
 *
 * Every word is either a known key (a row of keys[]), a protocol, a TCP flag, or an address; the
 * order does not matter but for source before destination.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "draft.h"

#define MAX_WORDS 64

const struct ctl_word ctl_protos[] = {
	{"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP},
	{"udplite", IPPROTO_UDPLITE},
	{"icmp", IPPROTO_ICMP},
	{"icmpv6", IPPROTO_ICMPV6},
	{"icmp6", IPPROTO_ICMPV6},
	{"ipv6-icmp", IPPROTO_ICMPV6},
	{"sctp", IPPROTO_SCTP},
	{"dccp", IPPROTO_DCCP},
	{"esp", IPPROTO_ESP},
	{"ah", IPPROTO_AH},
	{"gre", IPPROTO_GRE},
	{NULL},
};

const struct ctl_word ctl_flags[] = {
	{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08},
	{"ack", 0x10}, {"urg", 0x20}, {NULL},
};

static const struct ctl_word *word_in(const struct ctl_word *list, const char *word)
{
	for (; list->name; list++)
		if (!strcasecmp(list->name, word))
			return list;
	return NULL;
}

int ctl_state_by_name(const char *name, enum fw_ctinfo *ret)
{
	static const struct {
		const char *name;
		enum fw_ctinfo value;
	} states[] = {{"new", FW_CT_NEW},
		      {"established", FW_CT_ESTABLISHED},
		      {"related", FW_CT_RELATED},
		      {"invalid", FW_CT_INVALID},
		      {"untracked", FW_CT_UNTRACKED}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(states); i++) {
		if (!strcasecmp(states[i].name, name)) {
			*ret = states[i].value;
			return 0;
		}
	}
	return -1;
}

int ctl_hook_by_name(const char *name, enum fw_hook *ret)
{
	for (unsigned int h = 0; h < FW_N_HOOKS; h++) {
		if (!strcasecmp(fw_hook_name((enum fw_hook)h), name)) {
			*ret = (enum fw_hook)h;
			return 0;
		}
	}
	return -1;
}

static int bad_value(struct ctl_draft *d, const char *key, const char *value, const char *wanted)
{
	return fw_fail(d->err, FW_ERR_USAGE, "%s: '%s' is not %s", key, value, wanted);
}

static int number(struct ctl_draft *d, const char *key, const char *value, uint64_t max,
		  uint64_t *ret)
{
	char wanted[48];

	snprintf(wanted, sizeof(wanted), "a number up to %llu", (unsigned long long)max);
	return fw_parse_u64(value, 0, max, ret) < 0 ? bad_value(d, key, value, wanted) : 0;
}

static int interface(struct ctl_draft *d, const char *key, const char *value, char *ret)
{
	if (strlen(value) >= FW_IFNAMSIZ)
		return bad_value(d, key, value, "an interface name (15 characters at most)");
	memset(ret, 0, FW_IFNAMSIZ);
	memcpy(ret, value, strlen(value));
	return 0;
}

static int take_in(struct ctl_draft *d, const char *value)
{
	d->p->meta.in_ifindex = 2;
	return interface(d, "in", value, d->p->meta.in_name);
}

static int take_out(struct ctl_draft *d, const char *value)
{
	d->p->meta.out_ifindex = 3;
	return interface(d, "out", value, d->p->meta.out_name);
}

static int take_hook(struct ctl_draft *d, const char *value)
{
	enum fw_hook hook;

	if (ctl_hook_by_name(value, &hook) < 0)
		return bad_value(d, "hook", value,
				 "PREROUTING, INPUT, FORWARD, OUTPUT or POSTROUTING");
	d->p->meta.hook = (uint8_t)hook;
	d->p->has_hook = true;
	return 0;
}

static int take_state(struct ctl_draft *d, const char *value)
{
	enum fw_ctinfo state;

	if (ctl_state_by_name(value, &state) < 0)
		return bad_value(d, "state", value,
				 "new, established, related, invalid or untracked");
	d->p->meta.ctinfo = (uint8_t)state;
	return 0;
}

static int take_mac(struct ctl_draft *d, const char *value)
{
	unsigned int m[6];
	char more;

	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		   &more) != 6)
		return bad_value(d, "mac", value, "a MAC address (00:11:22:33:44:55)");
	for (int i = 0; i < 6; i++)
		d->p->meta.mac[i] = (uint8_t)m[i];
	d->p->meta.has_mac = true;
	return 0;
}

#define NUMBER_KEY(key, max, statement)                               \
	static int take_##key(struct ctl_draft *d, const char *value) \
	{                                                             \
		uint64_t v = 0;                                       \
		int r = number(d, #key, value, max, &v);              \
                                                                      \
		if (r == 0) {                                         \
			statement;                                    \
		}                                                     \
		return r;                                             \
	}
NUMBER_KEY(proto, 255, d->proto = (uint8_t)v; d->proto_given = true)
NUMBER_KEY(type, 255, d->type = (uint8_t)v)
NUMBER_KEY(code, 255, d->code = (uint8_t)v)
NUMBER_KEY(ttl, 255, d->ttl = (uint8_t)v)
NUMBER_KEY(tos, 255, d->tos = (uint8_t)v)
NUMBER_KEY(len, 65535, d->len = (uint32_t)v)
NUMBER_KEY(mark, UINT32_MAX, d->p->meta.mark = (uint32_t)v)
NUMBER_KEY(uid, UINT32_MAX, d->p->meta.uid = (uint32_t)v; d->p->meta.has_uid = true)
NUMBER_KEY(sport, 65535, d->ends[0].port = (uint16_t)v)
NUMBER_KEY(dport, 65535, d->ends[1].port = (uint16_t)v)

static const struct {
	const char *name;
	int (*take)(struct ctl_draft *d, const char *value);
} keys[] = {
	{"in", take_in},       {"out", take_out},     {"hook", take_hook}, {"state", take_state},
	{"mac", take_mac},     {"proto", take_proto}, {"type", take_type}, {"code", take_code},
	{"ttl", take_ttl},     {"hl", take_ttl},      {"tos", take_tos},   {"len", take_len},
	{"length", take_len},  {"mark", take_mark},   {"uid", take_uid},   {"sport", take_sport},
	{"dport", take_dport},
};

/* ADDR[:PORT], [ADDR6]:PORT, ADDR6: 1 taken, 0 it is no address, negative: it is a wrong one. */
static int take_endpoint(struct ctl_draft *d, const char *word)
{
	struct fw_parse_ctx ctx = {.proto = d->proto, .resolver = d->resolver};
	struct ctl_endpoint *e = &d->ends[d->n_ends < 2 ? d->n_ends : 1];
	const char *port = NULL, *colon = strchr(word, ':');
	bool v6 = word[0] == '[' || (colon && strchr(colon + 1, ':'));
	char addr[64];
	int n = (int)strlen(word);

	if (word[0] == '[') {
		const char *close = strchr(word, ']');

		if (!close || (close[1] && close[1] != ':'))
			return fw_fail(d->err, FW_ERR_USAGE, "'%s' lacks its ']'", word);
		port = close[1] ? close + 2 : NULL;
		n = (int)(close - word - 1);
		word++;
	} else if (!v6 && colon) {
		port = colon + 1;
		n = (int)(colon - word);
	}
	snprintf(addr, sizeof(addr), "%.*s", n, word);
	if (fw_parse_addr(addr, v6 ? FW_IP6 : FW_IP4, &e->addr) < 0)
		return 0;
	if (d->n_ends == 2)
		return fw_fail(d->err, FW_ERR_USAGE, "'%s' is a third address", word);
	if (d->family_known && d->p->family != (v6 ? FW_IP6 : FW_IP4))
		return fw_fail(d->err, FW_ERR_USAGE, "'%s' is of the other family", addr);
	d->p->family = v6 ? FW_IP6 : FW_IP4;
	d->family_known = true;
	e->given = true;
	d->n_ends++;
	return port && fw_parse_port(&ctx, port, &e->port, d->err) < 0 ? -EINVAL : 1;
}

static bool take_simple(struct ctl_draft *d, const char *word)
{
	const struct ctl_word *proto = word_in(ctl_protos, word), *flag = word_in(ctl_flags, word);

	if (proto) {
		d->proto = proto->value;
		d->proto_given = true;
	}
	if (flag)
		d->flags |= flag->value;
	if (proto || flag)
		return true;
	if (!strcasecmp(word, "echo-request") || !strcasecmp(word, "echo-reply")) {
		bool v6 = d->proto == IPPROTO_ICMPV6, reply = !strcasecmp(word, "echo-reply");

		d->type = (uint8_t)(v6 ? 128 + reply : reply ? 0 : 8);
		return true;
	}
	return !strcmp(word, "to") || !strcmp(word, "->") || !strcmp(word, ">");
}

/* One word and perhaps its value; 1 or 2 words used, or negative. */
static int take_word(struct ctl_draft *d, const char *word, const char *next)
{
	int r;

	for (size_t i = 0; i < FW_ARRAY_SIZE(keys); i++) {
		if (strcasecmp(keys[i].name, word))
			continue;
		if (!next)
			return fw_fail(d->err, FW_ERR_USAGE, "%s wants a value", word);
		r = keys[i].take(d, next);
		return r < 0 ? r : 2;
	}
	if (take_simple(d, word))
		return 1;
	r = take_endpoint(d, word);
	if (r)
		return r;
	fw_fail(d->err, FW_ERR_USAGE, "'%s' is no address, protocol, flag or key", word);
	if (!strcmp(word, "-"))
		fw_err_hint(d->err, "the shell took the '>' of an arrow: write 'to', or quote it");
	else
		fw_err_hint(d->err, "as in: in eth0 tcp 203.0.113.9:4000 to 10.0.0.5:22 syn");
	return -EINVAL;
}

static int finish(struct ctl_draft *d)
{
	static const char *const examples[FW_N_FAMILIES][2] = {{"192.0.2.1", "198.51.100.1"},
							       {"2001:db8::1", "2001:db8::2"}};
	struct ctl_packet *p = d->p;

	for (int i = 0; i < 2; i++)
		if (!d->ends[i].given)
			fw_parse_addr(examples[p->family][i], p->family, &d->ends[i].addr);
	if (!d->proto_given)
		d->proto = d->flags || d->ends[0].port || d->ends[1].port ? IPPROTO_TCP
			: p->family == FW_IP4				  ? IPPROTO_ICMP
									  : IPPROTO_ICMPV6;
	if (p->family == FW_IP6 && d->proto == IPPROTO_ICMP)
		d->proto = IPPROTO_ICMPV6;
	if (d->proto == IPPROTO_ICMPV6 && d->type == 8)
		d->type = 128;
	if ((d->ends[0].port || d->ends[1].port) &&
	    (d->proto == IPPROTO_ICMP || d->proto == IPPROTO_ICMPV6))
		return fw_fail(d->err, FW_ERR_USAGE, "ICMP has no ports");
	if (d->flags && d->proto != IPPROTO_TCP)
		return fw_fail(d->err, FW_ERR_USAGE, "flags (syn, ack …) are TCP's");
	ctl_draft_build(d);
	return 0;
}

static int split_words(size_t n, const char *const *words, const uint32_t *columns, char *room,
		       size_t size, const char **ret, uint32_t *ret_columns, struct fw_err *err)
{
	size_t used = 0;
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]);
		char *start = room + used, *save = NULL, *w;

		if (used + len + 1 > size)
			return fw_fail(err, FW_ERR_USAGE, "the description is too long");
		memcpy(start, words[i], len + 1);
		used += len + 1;
		for (w = strtok_r(start, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
			bool quoted = strpbrk(words[i], " \t") != NULL;

			if (count == MAX_WORDS)
				return fw_fail(err, FW_ERR_USAGE, "the description is too long");
			ret_columns[count] =
				columns ? columns[i] + (uint32_t)(w - start) + quoted : 0;
			ret[count++] = w;
		}
	}
	return count;
}

int ctl_describe(struct ctl_packet *p, enum fw_family family, size_t n, const char *const *words,
		 const uint32_t *columns, const struct fw_resolver *resolver, struct fw_err *err)
{
	struct ctl_draft d = {.p = p, .resolver = resolver, .ttl = 64, .type = 8, .err = err};
	const char *flat[MAX_WORDS + 1];
	uint32_t flat_columns[MAX_WORDS];
	char room[1024];
	int count, r;

	*p = (struct ctl_packet){.family = family};
	count = split_words(n, words, columns, room, sizeof(room), flat, flat_columns, err);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i += r) {
		r = take_word(&d, flat[i], i + 1 < count ? flat[i + 1] : NULL);
		if (r < 0) {
			err->column = flat_columns[i];
			err->length = (uint32_t)strlen(flat[i]);
			return r;
		}
	}
	return finish(&d);
}

size_t ctl_packet_path(const struct ctl_packet *p, enum fw_hook *ret)
{
	bool in = p->meta.in_name[0], out = p->meta.out_name[0];

	if (p->has_hook) {
		ret[0] = (enum fw_hook)p->meta.hook;
		return 1;
	}
	if (out && !in) {
		ret[0] = FW_OUTPUT;
		ret[1] = FW_POSTROUTING;
		return 2;
	}
	ret[0] = FW_PREROUTING;
	ret[1] = out ? FW_FORWARD : FW_INPUT;
	ret[2] = FW_POSTROUTING;
	return out ? 3 : 2;
}
