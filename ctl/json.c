/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list --json and status --json: what the daemon says, for programs.
 *
 * Rules are an object for each: numbers apart, the rule itself in the words that -A takes, because
 * those are the language, and its target, which most ask for.  The field `schema` goes up when a
 * field changes its meaning or goes away; new ones may come at any time.
 */
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "client.h"
#include "ctl.h"
#include "list.h"
#include "say.h"

#include "fw/opt.h"
#include "fw/text.h"

#define SCHEMA 1

/* How many bytes the character at s has in UTF-8; 0: it is none. */
static size_t utf8_length(const char *s, size_t left)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n;
	static locale_t utf8;

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!utf8)
		return (unsigned char)*s < 0x80;
	uselocale(utf8);
	n = mbrtowc(&c, s, left, &state);
	uselocale(LC_GLOBAL_LOCALE);
	return n == (size_t)-1 || n == (size_t)-2 ? 0 : n;
}

/* A string, quoted; what is not UTF-8 (a comment may be anything) is replaced. */
static void add_string(struct fw_buf *out, const char *s, size_t len)
{
	fw_buf_char(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		unsigned char c = (unsigned char)s[i];

		n = c < 0x80 ? 1 : utf8_length(s + i, len - i);
		if (c == '"' || c == '\\')
			fw_buf_char(out, '\\');
		if (c < ' ' || c == 0x7f)
			fw_buf_fmt(out, "\\u%04x", c);
		else if (n)
			fw_buf_add(out, s + i, n);
		else
			fw_buf_str(out, "\\ufffd");
		n += !n;
	}
	fw_buf_char(out, '"');
}

static void add_counters(struct fw_buf *out, const struct fw_counters *c)
{
	fw_buf_fmt(out, "\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64, c->packets, c->bytes);
}

static void add_rule(struct fw_buf *out, const struct fw_table *table, const struct fw_chain *chain,
		     uint32_t number)
{
	const struct fw_rule *rule = fw_chain_rule(chain, number);
	const char *target = fw_rule_target_name(rule, table);
	struct fw_buf text = FW_BUF_INIT;

	fw_buf_fmt(&text, "-A %s", chain->name);
	fw_rule_print(rule, table, &text);
	fw_buf_fmt(out, "{\"number\":%" PRIu32 ",", number);
	add_counters(out, &rule->counters);
	fw_buf_str(out, ",\"target\":");
	add_string(out, target, strlen(target));
	fw_buf_str(out, ",\"rule\":");
	add_string(out, fw_buf_cstr(&text), text.len);
	fw_buf_char(out, '}');
	fw_buf_deinit(&text);
}

static void add_chain(struct fw_buf *out, const struct fw_table *table,
		      const struct fw_chain *chain, uint32_t number)
{
	fw_buf_str(out, "{\"name\":");
	add_string(out, chain->name, strlen(chain->name));
	if (chain->builtin) {
		fw_buf_fmt(out, ",\"policy\":\"%s\",",
			   chain->policy == FW_DROP ? "DROP" : "ACCEPT");
		add_counters(out, chain->policy_counters);
	} else {
		fw_buf_fmt(out, ",\"references\":%" PRIu32, chain->users);
	}
	fw_buf_str(out, ",\"rules\":[");
	for (uint32_t n = 1; n <= chain->n_rules; n++) {
		if (number && n != number)
			continue;
		if (n > 1 && !number)
			fw_buf_char(out, ',');
		add_rule(out, table, chain, n);
	}
	fw_buf_str(out, "]}");
}

struct wanted {
	const char *table, *chain;
	enum fw_table_id id;
	uint32_t number; /* 0: all */
};

static int add_table(struct fw_buf *out, const struct fw_table *table, const struct wanted *w)
{
	size_t n, shown = 0;
	const struct fw_chain **chains = fw_table_sorted(table, &n);

	if (!chains)
		return -1;
	fw_buf_fmt(out, "{\"name\":\"%s\",\"chains\":[", fw_table_name(table->id));
	for (size_t i = 0; i < n; i++) {
		if (w->chain && strcmp(w->chain, chains[i]->name))
			continue;
		if (shown++)
			fw_buf_char(out, ',');
		add_chain(out, table, chains[i], w->number);
	}
	fw_buf_str(out, "]}");
	free(chains);
	return 0;
}

static int parse_words(const struct ctl *ctl, struct wanted *w)
{
	uint64_t number;

	w->table = "filter";
	for (int i = 0; i < ctl->argc; i++) {
		const char *word = ctl->argv[i];
		bool table = !strcmp(word, "-t") || !strcmp(word, "--table");

		if (table && i + 1 < ctl->argc)
			w->table = ctl->argv[++i];
		else if (table)
			return ctl_usage(ctl, "%s wants a table", word);
		else if (word[0] == '-')
			continue; /* how -L would look: numeric, verbose … is all the same here */
		else if (!w->chain)
			w->chain = word;
		else if (fw_parse_u64(word, 1, UINT32_MAX, &number))
			return ctl_usage(ctl, "'%s' is not a rule's number", word);
		else
			w->number = (uint32_t)number;
	}
	if (fw_table_by_name(w->table, &w->id))
		return ctl_usage(ctl, "there is no table '%s'", w->table);
	return 0;
}

static int print_table(const struct ctl *ctl, const struct fw_table *table, const struct wanted *w)
{
	struct fw_buf out = FW_BUF_INIT;
	int r;

	if (w->chain && !fw_table_chain(table, w->chain)) {
		fprintf(stderr, "%s: there is no chain '%s' in table %s\n", ctl->prog, w->chain,
			w->table);
		return 1;
	}
	fw_buf_fmt(&out, "{\"schema\":%d,\"family\":\"%s\",\"table\":", SCHEMA,
		   table->family == FW_IP4 ? "ipv4" : "ipv6");
	r = add_table(&out, table, w);
	fw_buf_str(&out, "}\n");
	if (r || !fw_buf_ok(&out)) {
		fprintf(stderr, "%s: out of memory\n", ctl->prog);
		r = 4;
	} else {
		r = ctl_out(ctl, out.data, out.len);
	}
	fw_buf_deinit(&out);
	return r;
}

static int refused(const struct ctl *ctl, struct fw_err *err)
{
	err->line = err->column = 0;
	return ctl_say(ctl, err);
}

int ctl_list_json(struct ctl *ctl)
{
	struct wanted w = {.number = 0};
	struct fw_err err = FW_ERR_INIT;
	struct ctl_reply reply;
	struct fw_ruleset *rs;
	char request[64];
	int r = parse_words(ctl, &w);

	if (r)
		return r;
	snprintf(request, sizeof(request), "save %d counters all table %s",
		 ctl->family == FW_IP4 ? 4 : 6, w.table);
	if (ctl_request(ctl, request, NULL, 0, &reply) < 0) {
		r = refused(ctl, &reply.err);
		ctl_reply_deinit(&reply);
		return r;
	}
	rs = ctl_build(ctl->family, reply.body, reply.len, false, NULL, &err);
	r = rs ? print_table(ctl, rs->tables[ctl->family][w.id], &w) : refused(ctl, &err);
	fw_ruleset_unref(rs, NULL);
	ctl_reply_deinit(&reply);
	return r;
}

/* A number as such, anything else as a string. */
static void add_value(struct fw_buf *out, const char *s, size_t len)
{
	bool number = len && len < 20 && (len == 1 || s[0] != '0');

	for (size_t i = 0; i < len; i++)
		number = number && s[i] >= '0' && s[i] <= '9';
	if (number)
		fw_buf_add(out, s, len);
	else
		add_string(out, s, len);
}

/* "KEY VALUE", the value being the rest of the line. */
static void add_pair(struct fw_buf *out, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	size_t key = blank ? (size_t)(blank - line) : len, from = blank ? key + 1 : len;

	if (key && line[key - 1] == ':')
		add_string(out, line, key - 1);
	else
		add_string(out, line, key);
	fw_buf_char(out, ':');
	add_value(out, line + from, len - from);
}

/* "queue N KEY VALUE …" */
static void add_queue(struct fw_buf *out, const char *line, size_t len)
{
	const char *end = line + len;
	bool key = true, first = true;

	fw_buf_char(out, '{');
	while (line < end) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));
		size_t n = blank ? (size_t)(blank - line) : (size_t)(end - line);

		if (key && !first)
			fw_buf_char(out, ',');
		if (key)
			add_string(out, line, n);
		else
			add_value(out, line, n);
		if (key)
			fw_buf_char(out, ':');
		key = !key;
		first = false;
		line += n + 1;
	}
	if (!key)
		fw_buf_str(out, "null");
	fw_buf_char(out, '}');
}

static bool is_queue(const char *line, size_t len)
{
	return len > 6 && !memcmp(line, "queue ", 6) && line[6] >= '0' && line[6] <= '9';
}

static void add_lines(struct fw_buf *out, const char *s, size_t len, bool queues)
{
	const char *end = s + len;
	bool first = queues;

	for (const char *nl; s < end; s = nl + 1) {
		nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			nl = end;
		if (nl == s || is_queue(s, (size_t)(nl - s)) != queues)
			continue;
		if (!first)
			fw_buf_char(out, ',');
		first = false;
		(queues ? add_queue : add_pair)(out, s, (size_t)(nl - s));
	}
}

int ctl_status_json(struct ctl *ctl)
{
	struct fw_buf out = FW_BUF_INIT;
	struct ctl_reply reply;
	int r;

	if (ctl_request(ctl, "status", NULL, 0, &reply) < 0) {
		r = refused(ctl, &reply.err);
	} else {
		fw_buf_fmt(&out, "{\"schema\":%d", SCHEMA);
		add_lines(&out, reply.body, reply.len, false);
		fw_buf_str(&out, ",\"queues\":[");
		add_lines(&out, reply.body, reply.len, true);
		fw_buf_str(&out, "]}\n");
		r = ctl_out(ctl, fw_buf_cstr(&out), out.len);
	}
	fw_buf_deinit(&out);
	ctl_reply_deinit(&reply);
	return r;
}
