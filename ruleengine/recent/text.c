/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recent lists as text: what /proc/net/xt_recent/NAME shows and takes, and the lines that carry
 * lists over a restart.
 *
 * A dumped line is "NAME ADDR TTL AGE…": ages in nanoseconds before the dump, oldest first, so
 * that a list whose ring has another size meanwhile keeps the newest.  Bytes of a name that would
 * split the line are written %XX.
 */
#include "recent/recent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NSEC_PER_MSEC 1000000
#define EMPTY_BUCKETS 16 /* are looked at as fast as one entry is printed */

static void print_addr(const struct recent_entry *e, struct fw_buf *out)
{
	const uint8_t *a = e->addr.u8;

	if (e->family == FW_IP4) {
		fw_buf_fmt(out, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
		return;
	}
	for (int i = 0; i < 16; i += 2) /* the kernel's %pI6: every digit, no :: */
		fw_buf_fmt(out, "%s%02x%02x", i ? ":" : "", a[i], a[i + 1]);
}

void fw_recent_names(const struct fw_recent *r, struct fw_buf *out)
{
	for (const struct fw_recent_list *l = r->lists; l; l = l->next) {
		fw_buf_str(out, l->name);
		fw_buf_char(out, '\n');
	}
}

static void print_entry(const struct fw_recent_list *l, const struct recent_entry *e,
			struct fw_buf *out)
{
	uint32_t last = (e->index - 1u) & l->stamps_mask;

	fw_buf_str(out, "src=");
	print_addr(e, out);
	fw_buf_fmt(out, " ttl: %u last_seen: %" PRId64 " oldest_pkt: %u", e->ttl,
		   e->stamps[last] / NSEC_PER_MSEC, e->index);
	for (uint32_t i = 0; i < e->nstamps; i++)
		fw_buf_fmt(out, "%s %" PRId64, i ? "," : "", e->stamps[i] / NSEC_PER_MSEC);
	fw_buf_char(out, '\n');
}

int fw_recent_print(const struct fw_recent *r, const char *name, uint64_t *cursor, size_t max,
		    struct fw_buf *out)
{
	const struct fw_recent_list *l = recent_find(r, name);
	size_t left = max, empty = EMPTY_BUCKETS * max;

	if (!l)
		return -1;
	while (*cursor <= r->hash_mask && left && empty--)
		for (const struct recent_entry *e = l->hash[(*cursor)++]; e; e = e->hash_next) {
			if (e->epoch != l->epoch)
				continue;
			print_entry(l, e, out);
			left -= left > 0;
		}
	if (*cursor > r->hash_mask)
		*cursor = 0;
	return 0;
}

int fw_recent_add(struct fw_recent *r, const char *name, enum fw_family family,
		  const union fw_addr *addr, uint64_t now)
{
	struct fw_recent_list *l = recent_find(r, name);
	struct recent_entry *e;

	if (!l)
		return -1;
	e = recent_lookup(l, family, addr, 0); /* by hand: no mask, no TTL */
	if (e)
		recent_touch(l, e, (int64_t)now);
	else
		recent_insert(l, family, addr, 0, (int64_t)now);
	return 0;
}

int fw_recent_remove(struct fw_recent *r, const char *name, enum fw_family family,
		     const union fw_addr *addr)
{
	struct fw_recent_list *l = recent_find(r, name);
	struct recent_entry *e;

	if (!l)
		return -1;
	e = recent_lookup(l, family, addr, 0);
	if (e)
		recent_drop(l, e);
	return 0;
}

int fw_recent_flush(struct fw_recent *r, const char *name)
{
	struct fw_recent_list *l = recent_find(r, name);

	if (!l)
		return -1;
	recent_flush(l);
	return 0;
}

struct recent_entry *fw_recent_gone(struct fw_recent *r, const char *name, size_t max)
{
	struct fw_recent_list *l = recent_find(r, name);

	return l ? recent_take_gone(l, max) : NULL;
}

static void dump_name(const struct fw_recent_list *l, struct fw_buf *out)
{
	for (const char *c = l->name; *c; c++) {
		if (*c > ' ' && *c != '%' && *c != 0x7f)
			fw_buf_char(out, *c);
		else
			fw_buf_fmt(out, "%%%02X", (unsigned int)(uint8_t)*c);
	}
	fw_buf_char(out, ' ');
}

/* "NAME mask ADDR", all 16 bytes: the rule that made the list may be gone, or stand behind others. */
static void dump_mask(const struct fw_recent_list *l, struct fw_buf *out)
{
	char text[INET6_ADDRSTRLEN];

	dump_name(l, out);
	fw_buf_fmt(out, "mask %s\n", inet_ntop(AF_INET6, &l->mask, text, sizeof(text)));
}

static void dump_entry(const struct fw_recent_list *l, const struct recent_entry *e, uint64_t now,
		       struct fw_buf *out)
{
	/* a full ring starts where the next stamp would go, a filling one at 0 */
	uint32_t start = e->nstamps > l->stamps_mask ? e->index & l->stamps_mask : 0;

	dump_name(l, out);
	print_addr(e, out);
	fw_buf_fmt(out, " %u", e->ttl);
	for (uint32_t i = 0; i < e->nstamps; i++) {
		int64_t age = (int64_t)now - e->stamps[(start + i) & l->stamps_mask];

		fw_buf_fmt(out, " %" PRId64, age > 0 ? age : 0);
	}
	fw_buf_char(out, '\n');
}

void fw_recent_dump(const struct fw_recent *r, uint64_t now, struct fw_buf *out)
{
	for (const struct fw_recent_list *l = r->lists; l; l = l->next) {
		dump_mask(l, out);
		for (const struct recent_entry *e = l->oldest; e; e = e->newer)
			dump_entry(l, e, now, out);
	}
}

void fw_recent_dump_begin(struct fw_recent *r)
{
	recent_walk_to(r, r->lists);
}

/* What was used since the dump began stands at the end, and could run ahead of it for ever: it is
 * as little as packets came meanwhile, and dumped in one go. */
static bool used_since(const struct fw_recent_list *l, const struct recent_entry *e, uint64_t now)
{
	return e->stamps[(e->index - 1u) & l->stamps_mask] > (int64_t)now;
}

bool fw_recent_dump_more(struct fw_recent *r, size_t max, uint64_t now, struct fw_buf *out)
{
	size_t n = 0;

	while (r->walk.list) {
		const struct recent_entry *e = r->walk.at;

		if (e == r->walk.list->oldest)
			dump_mask(r->walk.list, out); /* perhaps once more: no harm */
		if (!e) {
			recent_walk_to(r, r->walk.list->next);
			continue;
		}
		if (n++ >= max && !used_since(r->walk.list, e, now))
			break;
		r->walk.at = e->newer;
		dump_entry(r->walk.list, e, now, out);
	}
	return r->walk.list;
}

/* One word of a line; NULL at its end.  *p moves behind it. */
static const char *next_word(const char **p, const char *end, size_t *len)
{
	const char *word;

	while (*p < end && **p == ' ')
		(*p)++;
	word = *p;
	while (*p < end && **p != ' ')
		(*p)++;
	*len = (size_t)(*p - word);
	return *len ? word : NULL;
}

static bool parse_u64(const char *word, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!word || !len || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(uint8_t)word[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return v <= max;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_name(const char *word, size_t len, char name[RECENT_NAME_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; word && i < len && n + 1 < RECENT_NAME_SIZE; i++) {
		char c = word[i];

		if (c == '%') {
			int hi = i + 2 < len ? hex_digit(word[i + 1]) : -1;
			int lo = i + 2 < len ? hex_digit(word[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		name[n++] = c;
	}
	name[n] = '\0';
	return n > 0;
}

static bool parse_addr(const char *word, size_t len, enum fw_family *family, union fw_addr *addr)
{
	char text[64];

	if (!word || len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	memset(addr, 0, sizeof(*addr));
	*family = strchr(text, ':') ? FW_IP6 : FW_IP4;
	return inet_pton(*family == FW_IP4 ? AF_INET : AF_INET6, text, addr) == 1;
}

/* A list has the mask that it had. */
static bool load_mask(struct fw_recent_list *l, const char *word, size_t len)
{
	enum fw_family family;
	union fw_addr mask;

	if (!parse_addr(word, len, &family, &mask) || family != FW_IP6)
		return false;
	if (l)
		l->mask = mask;
	return true;
}

/* Put one dumped entry into its list; an entry that is there already stays as it is. */
static bool load_line(struct fw_recent *r, const char *line, const char *end, uint64_t now)
{
	char name[RECENT_NAME_SIZE];
	struct fw_recent_list *l;
	struct recent_entry *e = NULL;
	enum fw_family family;
	union fw_addr addr;
	const char *word;
	uint64_t ttl, age;
	size_t len;

	word = next_word(&line, end, &len);
	if (!parse_name(word, len, name))
		return false;
	l = recent_find(r, name);
	word = next_word(&line, end, &len);
	if (word && len == 4 && !memcmp(word, "mask", 4)) {
		word = next_word(&line, end, &len);
		return load_mask(l, word, len);
	}
	if (!parse_addr(word, len, &family, &addr))
		return false;
	word = next_word(&line, end, &len);
	if (!parse_u64(word, len, UINT8_MAX, &ttl))
		return false;
	if (l && recent_lookup(l, family, &addr, (uint8_t)ttl))
		l = NULL;
	word = next_word(&line, end, &len);
	do {
		if (!parse_u64(word, len, INT64_MAX / 2, &age))
			return false;
		if (e)
			recent_touch(l, e, (int64_t)now - (int64_t)age);
		else if (l)
			e = recent_insert(l, family, &addr, (uint8_t)ttl, (int64_t)now - (int64_t)age);
		word = next_word(&line, end, &len);
	} while (word);
	return true;
}

int fw_recent_load(struct fw_recent *r, const char *text, size_t len, uint64_t now,
		   struct fw_err *err)
{
	const char *end = text + len;
	uint32_t number = 0;
	int ret = 0;

	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (!eol)
			eol = end;
		number++;
		if (eol > text && !load_line(r, text, eol, now)) {
			ret = fw_fail(err, FW_ERR_USAGE, "not a line of a recent list");
			fw_err_at(err, number, 0, 0);
		}
		text = eol < end ? eol + 1 : end;
	}
	return ret;
}
