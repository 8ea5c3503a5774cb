/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The golden tests' runner: words in, words out, or the error.  README of the format:
 *
 *	# a comment
 *	@family both              4, 6 or both; until the next @family.  Default 4
 *	@table mangle             default filter
 *	@chain FORWARD            default INPUT
 *	@setup :web - [0:0]       a restore line that stands before each test; they add up
 *	@reset                    back to no setup, IPv4, filter, INPUT
 *
 *	-p tcp --dport ssh -j ACCEPT   => -p tcp -m tcp --dport 22 -j ACCEPT
 *	-s 192.0.2.1 -j DROP           => -s 192.0.2.1/32 -j DROP
 *	-i lo -j ACCEPT                => =
 *	-p tcp --dport 70000           => error: is not in 0..65535
 *	                               => words: invalid port/service `70000' specified
 *	$ -X web                       => error: is used by INPUT rule 1
 *	                               => exit: 1
 *
 * A line is a rule's words (what stands after "-A CHAIN"), or after "$ " a whole command line.
 * It goes the way it goes in life: split, parsed with a resolver as the client has one, printed
 * in its canonical form, applied to a ruleset, prepared, saved.  What is expected:
 *
 *	= | WORDS     what save prints for it (several rules: joined by " ; "); "=": the same words.
 *	              WORDS must not look like one of the others
 *	ok            nothing is refused
 *	list: TEXT    -L -n prints TEXT for it behind the address columns
 *	sends: TEXT   the canonical command lines, joined by " ; "
 *	error: TEXT   the message contains TEXT      hint: TEXT   so does the hint
 *	words: TEXT   iptables' words for it are TEXT
 *	code: WORD    its kind                       exit: N      its exit code
 *	at: COL+LEN   where it is (1: the first word of the line)
 *
 * Whatever is accepted is also checked to be a fixed point: saved text, parsed, is found again by
 * -C, and saves the same.  The resolver knows ssh, telnet, domain, http, https and the hosts
 * one.example (192.0.2.1, 2001:db8::1) and two.example (192.0.2.1 and .2, 2001:db8::1 and ::2).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/text.h"
#include "fw/tx.h"

struct test {
	const char *file;
	unsigned int line;
	enum fw_family family;
	char table[32], chain[32];
	struct fw_buf setup;
	/* what came out */
	struct fw_err err;
	bool refused;
	uint32_t shift; /* bytes of what we put before the line's words */
	struct fw_buf saved, sends, list;
};

static int host(void *priv, enum fw_family family, const char *name, union fw_addr *ret, size_t *n)
{
	size_t count = !strcmp(name, "one.example") ? 1 : !strcmp(name, "two.example") ? 2 : 0;

	(void)priv;
	memset(ret, 0, count * sizeof(*ret));
	for (size_t i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), family == FW_IP4 ? "192.0.2.%zu" : "2001:db8::%zu",
			 i + 1);
		inet_pton(family == FW_IP4 ? AF_INET : AF_INET6, text, ret[i].u8);
	}
	*n = count;
	return count ? 0 : -1;
}

static int service(void *priv, const char *name, const char *proto, uint16_t *ret)
{
	static const struct {
		const char *name;
		uint16_t port;
	} list[] = {{"ssh", 22}, {"telnet", 23}, {"domain", 53}, {"http", 80}, {"https", 443}};

	(void)priv;
	(void)proto;
	for (size_t i = 0; i < FW_ARRAY_SIZE(list); i++)
		if (!strcmp(list[i].name, name)) {
			*ret = list[i].port;
			return 0;
		}
	return -1;
}

static const struct fw_resolver resolver = {.host = host, .service = service};

static int parse(struct test *t, const char *words, struct fw_cmd *cmd)
{
	const char *list[512];
	uint32_t columns[512];
	char line[8192];
	int n;

	if (!strncmp(words, "$ ", 2))
		t->shift = (uint32_t)snprintf(line, sizeof(line), "-t %s ", t->table), words += 2;
	else
		t->shift =
			(uint32_t)snprintf(line, sizeof(line), "-t %s -A %s ", t->table, t->chain);
	snprintf(line + t->shift, sizeof(line) - t->shift, "%s", words);
	n = fw_split(line, list, columns, FW_ARRAY_SIZE(list), &t->err);
	if (n < 0)
		return n;
	return fw_cmd_parse(cmd, t->family, (size_t)n, list, columns, false, &resolver, &t->err);
}

/* Apply text to a ruleset; the new one, or NULL with err. */
static struct fw_ruleset *apply(struct test *t, struct fw_ruleset *base, const char *lines,
				struct fw_buf *out, struct fw_err *err)
{
	struct fw_tx *tx = fw_tx_new(base, NULL);
	struct fw_buf text = FW_BUF_INIT;
	struct fw_ruleset *rs = NULL;

	fw_buf_fmt(&text, "*%s\n", t->table);
	fw_buf_str(&text, lines);
	fw_buf_str(&text, "COMMIT\n");
	if (!fw_tx_apply(tx, t->family, text.data, text.len, FW_TX_NOFLUSH | FW_TX_COUNTERS, NULL,
			 NULL, out, err) &&
	    !fw_tx_prepare(tx, err)) {
		rs = fw_tx_publish(tx);
		fw_tx_set_counters(tx, NULL, NULL);
	}
	fw_tx_free(tx);
	fw_buf_deinit(&text);
	return rs;
}

static int complain(const struct test *t, const char *what, const char *want, const char *got)
{
	fprintf(stderr, "%s:%u (IPv%d): %s\n  expected: %s\n  got:      %s\n", t->file, t->line,
		t->family == FW_IP4 ? 4 : 6, what, want, got);
	return 1;
}

static const struct fw_chain *chain_of(const struct test *t, const struct fw_ruleset *rs)
{
	enum fw_table_id id;

	return fw_table_by_name(t->table, &id)
		? NULL
		: fw_table_chain(rs->tables[t->family][id], t->chain);
}

static void show(struct test *t, const struct fw_ruleset *rs, uint32_t skip)
{
	const struct fw_chain *chain = chain_of(t, rs);
	struct fw_list_opts opts = {.flags = FW_CMD_F_NUMERIC, .chain = t->chain};
	enum fw_table_id id;

	fw_table_by_name(t->table, &id);
	for (uint32_t i = skip + 1; chain && i <= chain->n_rules; i++) {
		fw_buf_str(&t->saved, i > skip + 1 ? " ;" : "");
		fw_rule_print(fw_chain_rule(chain, i), rs->tables[t->family][id], &t->saved);
		opts.number = i;
		fw_list_table(rs->tables[t->family][id], &opts, &t->list, NULL);
	}
}

/* save(parse(x)) must be what it is when parsed again, and -C must find it. */
static int check_fixed_point(struct test *t, struct fw_ruleset *rs)
{
	struct fw_ruleset *empty = fw_ruleset_new(), *again;
	struct fw_buf one = FW_BUF_INIT, two = FW_BUF_INIT;
	struct fw_err err = FW_ERR_INIT;
	enum fw_table_id id;
	int bad = 0;

	fw_table_by_name(t->table, &id);
	fw_save_table(rs->tables[t->family][id], FW_SAVE_COUNTERS, &one);
	one.data[one.len - strlen("COMMIT\n")] = '\0';
	again = apply(t, empty, strchr(one.data, '\n') + 1, NULL, &err);
	if (!again) {
		bad = complain(t, "saved text is refused", one.data, err.msg);
	} else {
		fw_save_table(again->tables[t->family][id], FW_SAVE_COUNTERS, &two);
		two.data[two.len - strlen("COMMIT\n")] = '\0';
		if (strcmp(one.data, two.data))
			bad = complain(t, "saved text is no fixed point", one.data, two.data);
	}
	fw_ruleset_unref(again, NULL);
	fw_ruleset_unref(empty, NULL);
	fw_buf_deinit(&one);
	fw_buf_deinit(&two);
	return bad;
}

static int run(struct test *t, const char *words)
{
	struct fw_ruleset *empty = fw_ruleset_new(), *base, *rs = NULL;
	struct fw_err err = FW_ERR_INIT;
	struct fw_cmd cmd;
	int bad = 0;

	t->err = err;
	t->refused = true;
	fw_buf_reset(&t->saved);
	fw_buf_reset(&t->sends);
	fw_buf_reset(&t->list);
	base = apply(t, empty, fw_buf_cstr(&t->setup), NULL, &err);
	fw_ruleset_unref(empty, NULL);
	if (!base)
		return complain(t, "the setup is refused", fw_buf_cstr(&t->setup), err.msg);
	if (parse(t, words, &cmd) == 0) {
		fw_cmd_print(&cmd, &t->sends);
		fw_cmd_deinit(&cmd);
		rs = apply(t, base, fw_buf_cstr(&t->sends), NULL, &t->err);
	}
	if (rs) {
		const struct fw_chain *before = chain_of(t, base);

		t->refused = false;
		show(t, rs, before ? before->n_rules : 0);
		bad = check_fixed_point(t, rs);
	}
	fw_ruleset_unref(rs, NULL);
	fw_ruleset_unref(base, NULL);
	return bad;
}

static char *joined(struct fw_buf *lines)
{
	static char text[8192];
	size_t n = 0;

	for (const char *p = fw_buf_cstr(lines); *p && n < sizeof(text) - 4; p++)
		if (*p != '\n')
			text[n++] = *p;
		else if (p[1])
			n += (size_t)snprintf(text + n, sizeof(text) - n, " ; ");
	text[n] = '\0';
	return text;
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n && strchr(" \t\r\n", s[n - 1]))
		s[--n] = '\0';
}

static const char *after(const char *text, const char *key)
{
	return strncmp(text, key, strlen(key)) ? NULL : text + strlen(key);
}

static int expect_refusal(struct test *t, const char *want)
{
	const char *text;
	char got[64];

	if ((text = after(want, "error: ")))
		return strstr(t->err.msg, text) ? 0 : complain(t, "message", text, t->err.msg);
	if ((text = after(want, "hint: ")))
		return strstr(t->err.hint, text) ? 0 : complain(t, "hint", text, t->err.hint);
	if ((text = after(want, "words: ")))
		return strcmp(fw_err_iptables(&t->err), text)
			? complain(t, "words", text, fw_err_iptables(&t->err))
			: 0;
	if ((text = after(want, "code: ")))
		return strcmp(fw_err_code_name(t->err.code), text)
			? complain(t, "code", text, fw_err_code_name(t->err.code))
			: 0;
	if ((text = after(want, "exit: "))) {
		snprintf(got, sizeof(got), "%d", fw_err_exit_code(t->err.code));
		return strcmp(got, text) ? complain(t, "exit code", text, got) : 0;
	}
	text = after(want, "at: ");
	snprintf(got, sizeof(got), "%d+%u", (int)t->err.column - (int)t->shift, t->err.length);
	return strcmp(got, text) ? complain(t, "place", text, got) : 0;
}

static bool about_refusal(const char *want)
{
	return after(want, "error: ") || after(want, "hint: ") || after(want, "words: ") ||
		after(want, "code: ") || after(want, "exit: ") || after(want, "at: ");
}

static int expect(struct test *t, const char *words, const char *want)
{
	const char *got, *text;

	if (about_refusal(want))
		return t->refused ? expect_refusal(t, want)
				  : complain(t, "not refused", want, fw_buf_cstr(&t->saved));
	if (t->refused)
		return complain(t, "refused", want, t->err.msg);
	if (!strcmp(want, "ok"))
		return 0;
	if ((text = after(want, "sends: ")))
		return strcmp(joined(&t->sends), text)
			? complain(t, "sends", text, joined(&t->sends))
			: 0;
	if ((text = after(want, "list:"))) {
		char *end = joined(&t->list);

		trim(end);
		got = strlen(end) > 61 ? end + 61 : "";
		got += strspn(got, " ");
		text += strspn(text, " ");
		return strcmp(got, text) ? complain(t, "-L", text, got) : 0;
	}
	got = fw_buf_cstr(&t->saved);
	got += *got == ' ';
	text = strcmp(want, "=") ? want : words;
	return strcmp(got, text) ? complain(t, "save", text, got) : 0;
}

static void directive(struct test *t, char *line)
{
	const char *arg;

	if ((arg = after(line, "@table "))) {
		snprintf(t->table, sizeof(t->table), "%s", arg);
	} else if ((arg = after(line, "@chain "))) {
		snprintf(t->chain, sizeof(t->chain), "%s", arg);
	} else if ((arg = after(line, "@setup "))) {
		fw_buf_fmt(&t->setup, "%s\n", arg);
	} else if (!strcmp(line, "@reset")) {
		fw_buf_reset(&t->setup);
		strcpy(t->table, "filter");
		strcpy(t->chain, "INPUT");
	}
}

/* One file, one family; returns how many expectations failed. */
static int run_file(const char *path, enum fw_family family, unsigned int *n)
{
	struct test t = {.file = path, .family = family, .table = "filter", .chain = "INPUT"};
	char line[8192], words[8192] = "";
	bool ours = family == FW_IP4;
	FILE *f = fopen(path, "r");
	int bad = 0;

	if (!f) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		char *want = strstr(line, "=>"), *start = line + strspn(line, " \t");

		t.line++;
		trim(line);
		if (!*start || *start == '#')
			continue;
		if (*start == '@') {
			const char *arg = after(start, "@family ");

			if (arg)
				ours = *arg == 'b' || *arg == (family == FW_IP4 ? '4' : '6');
			else if (!strcmp(start, "@reset"))
				ours = family == FW_IP4;
			directive(&t, start);
			continue;
		}
		if (!want) {
			fprintf(stderr, "%s:%u: no => in this line\n", path, t.line);
			bad++;
			continue;
		}
		*want = '\0';
		trim(start);
		if (!ours)
			continue;
		if (want != start) {
			snprintf(words, sizeof(words), "%s", start);
			bad += run(&t, words);
		}
		bad += expect(&t, words, want + 2 + strspn(want + 2, " \t"));
		++*n;
	}
	fclose(f);
	fw_buf_deinit(&t.setup);
	fw_buf_deinit(&t.saved);
	fw_buf_deinit(&t.sends);
	fw_buf_deinit(&t.list);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned int n = 0;
	int bad = 0;

	for (int i = 1; i < argc; i++)
		for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
			bad += run_file(argv[i], (enum fw_family)f, &n);
	printf("%u expectations, %d failed\n", n, bad);
	return bad || !n;
}
