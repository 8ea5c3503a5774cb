/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restore text: *table, :chains, commands, COMMIT, line by line, straight into a transaction.
 *
 * Each line is copied into a buffer of its own and split there; the text itself is never written
 * to.  COMMIT ends a table's part but applies nothing by itself: a text is one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/protocol.h"
#include "text/exec.h"
#include "text/parse.h"

#define MAX_WORDS 512

struct reader {
	struct fw_tx *tx;
	enum fw_family family;
	unsigned int flags;
	const char *only;
	const struct fw_resolver *resolver;
	struct fw_buf *out;
	struct fw_err *err;
	struct fw_table *table; /* between *table and COMMIT */
	bool skipping; /* the part of a table that was not asked for */
	struct fw_places where;
	const char *words[MAX_WORDS];
	uint32_t columns[MAX_WORDS];
	struct fw_parser parser;
	char line[FW_TEXT_LINE_MAX + 1];
};

static int bad(struct reader *r, uint32_t column, uint32_t length)
{
	if (r->err)
		fw_err_at(r->err, r->where.line, column, length);
	return -EINVAL;
}

static int word_place(struct reader *r, size_t i, struct fw_place *place)
{
	place->column = r->columns[i];
	place->length = (uint32_t)strlen(r->words[i]);
	return 0;
}

/* "[packets:bytes]"; 0, or -1. */
static int parse_counters(const char *word, struct fw_counters *ret)
{
	unsigned long long packets, bytes;
	char end;

	if (sscanf(word, "[%llu:%llu%c", &packets, &bytes, &end) != 3 || end != ']')
		return -1;
	*ret = (struct fw_counters){.packets = packets, .bytes = bytes};
	return 0;
}

static int begin_table(struct reader *r, int n)
{
	const char *name = r->words[0] + 1;
	enum fw_table_id id;
	int ret = 0;

	if (!*name || n > 1) {
		fw_fail(r->err, FW_ERR_USAGE, "line %u table name invalid", r->where.line);
		return bad(r, r->columns[n > 1], 1);
	}
	if (r->only && strcmp(r->only, name)) {
		r->skipping = true;
		return 0;
	}
	if (fw_table_by_name(name, &id) < 0) {
		fw_fail(r->err, FW_ERR_NO_TABLE, "unable to initialize table '%s'", name);
		fw_err_words(r->err, "unable to initialize table '%s'", name);
		fw_err_hint(r->err, "there are filter, nat, mangle, raw and security");
		return bad(r, 2, (uint32_t)strlen(name));
	}
	r->table = fw_tx_table(r->tx, r->family, id);
	if (!r->table)
		return fw_tx_nomem(r->err);
	if (!r->table->touched)
		r->table->touched = r->tx->changed = true;
	if (!(r->flags & FW_TX_NOFLUSH))
		ret = fw_tx_empty_table(r->tx, &r->table);
	return ret < 0 ? fw_tx_nomem(r->err) : 0;
}

static int chain_there(struct reader *r, struct fw_exec *x, const char *name)
{
	uint32_t slot = fw_table_slot(r->table, name);
	int ret;

	if (slot != FW_NO_SLOT && r->table->chains[slot]->builtin)
		return 0;
	if (slot != FW_NO_SLOT && r->flags & FW_TX_NOFLUSH)
		return fw_tx_flush(r->tx, r->table, slot) < 0 ? fw_tx_nomem(r->err) : 0;
	if (slot == FW_NO_SLOT && fw_chain_name_check(name, r->family, r->err) < 0)
		return bad(r, r->where.chain.column, r->where.chain.length);
	ret = fw_exec_new_chain(x, name, r->where.chain);
	if (ret < 0 && r->err && r->err->code == FW_ERR_CHAIN_EXISTS) {
		r->err->code = FW_ERR_USAGE;
		fw_err_words(r->err, "error creating chain '%s':File exists", name);
	}
	return ret;
}

static int chain_policy(struct reader *r, struct fw_exec *x, int n, const char *name)
{
	const char *policy = r->words[1];
	struct fw_counters c = {0};
	int ret;

	if (!strcmp(policy, "-"))
		return 0;
	if (n > 2 ? parse_counters(r->words[2], &c) < 0 : r->flags & FW_TX_COUNTERS) {
		fw_fail(r->err, FW_ERR_USAGE, "invalid policy counters for chain '%s'", name);
		fw_err_words(r->err, "invalid policy counters for chain '%s'", name);
		fw_err_hint(r->err, "counters look like [packets:bytes]");
		return bad(r, r->columns[n > 2 ? 2 : 1], 1);
	}
	ret = fw_exec_policy(x, name, policy, r->flags & FW_TX_COUNTERS ? &c : NULL);
	if (ret < 0 && r->err &&
	    (r->err->code == FW_ERR_BAD_POLICY || r->err->code == FW_ERR_NOT_BUILTIN))
		fw_err_words(r->err, "Can't set policy `%s' on `%s' line %u: %s", policy, name,
			     r->where.line,
			     r->err->code == FW_ERR_BAD_POLICY ? "Bad policy name"
							       : "Bad built-in chain name");
	return ret;
}

/* ":NAME POLICY [p:b]" */
static int chain_line(struct reader *r, int n)
{
	const char *name = r->words[0] + 1;
	struct fw_exec x = {.tx = r->tx, .table = r->table, .where = &r->where, .err = r->err};
	int ret;

	r->where.chain = (struct fw_place){r->columns[0] + 1, (uint32_t)strlen(name)};
	if (!*name) {
		fw_fail(r->err, FW_ERR_USAGE, "line %u chain name invalid", r->where.line);
		return bad(r, 1, 1);
	}
	if (strlen(name) > FW_CHAIN_MAX) {
		fw_fail(r->err, FW_ERR_USAGE, "Invalid chain name `%s' (%u chars max)", name,
			FW_CHAIN_MAX);
		fw_err_words(r->err, "Invalid chain name `%s' (%u chars max)", name, FW_CHAIN_MAX);
		return bad(r, r->where.chain.column, r->where.chain.length);
	}
	ret = chain_there(r, &x, name);
	if (ret < 0)
		return ret;
	if (n < 2) {
		fw_fail(r->err, FW_ERR_USAGE, "line %u policy invalid", r->where.line);
		fw_err_words(r->err, "line %u policy invalid", r->where.line);
		return bad(r, r->where.chain.column + r->where.chain.length, 1);
	}
	word_place(r, 1, &r->where.other);
	return chain_policy(r, &x, n, name);
}

static int command_line(struct reader *r, int n)
{
	struct fw_counters c = {0};
	bool counted = r->words[0][0] == '[';
	struct fw_cmd cmd;
	struct fw_exec x = {.tx = r->tx,
			    .table = r->table,
			    .cmd = &cmd,
			    .where = &r->where,
			    .out = r->out,
			    .err = r->err};
	int ret;

	if (counted && parse_counters(r->words[0], &c) < 0) {
		fw_fail(r->err, FW_ERR_USAGE, "counters look like [packets:bytes]");
		fw_err_words(r->err, "Bad line %u: need ]", r->where.line);
		return bad(r, r->columns[0], (uint32_t)strlen(r->words[0]));
	}
	r->parser.family = r->family;
	r->parser.table = r->table->id;
	r->parser.restore = true;
	r->parser.resolver = r->resolver;
	r->parser.n = (size_t)n - counted;
	r->parser.words = r->words + counted;
	r->parser.columns = r->columns + counted;
	r->parser.err = r->err;
	ret = fw_parse_run(&r->parser, &cmd, &r->where);
	if (ret < 0)
		return ret;
	if (counted && r->flags & FW_TX_COUNTERS)
		x.counters = &c;
	if (!(cmd.flags & FW_CMD_F_OTHER_FAMILY))
		ret = fw_exec_run(&x);
	fw_cmd_deinit(&cmd);
	return ret;
}

static int one_line(struct reader *r, const char *text, size_t len)
{
	uint32_t line = r->where.line;
	int n;

	if (!len || *text == '#')
		return 0;
	if (r->skipping) {
		r->skipping = !(len >= 6 && !memcmp(text, "COMMIT", 6));
		return 0;
	}
	if (len > FW_TEXT_LINE_MAX) {
		fw_fail(r->err, FW_ERR_LIMIT, "a line of %zu bytes; %d is the limit", len,
			FW_TEXT_LINE_MAX);
		return bad(r, 0, 0);
	}
	if (memchr(text, '\0', len)) {
		fw_fail(r->err, FW_ERR_USAGE, "a zero byte in the text");
		return bad(r, (uint32_t)((const char *)memchr(text, '\0', len) - text + 1), 1);
	}
	memcpy(r->line, text, len);
	r->line[len] = '\0';
	n = fw_split(r->line, r->words, r->columns, MAX_WORDS, r->err);
	if (n < 0)
		return bad(r, 0, 0);
	if (!n)
		return 0;
	r->where = (struct fw_places){.line = line};
	if (r->table && n == 1 && !strcmp(r->words[0], "COMMIT")) {
		r->table = NULL;
		return 0;
	}
	if (!r->table && *text == '*')
		return begin_table(r, n);
	if (!r->table) {
		fw_fail(r->err, FW_ERR_PLACE, "`%s' stands outside of a table", r->words[0]);
		fw_err_hint(r->err,
			    "a table's part begins with a line like *filter and ends with COMMIT");
		fw_err_words(r->err, "line %u failed", line);
		return bad(r, r->columns[0], (uint32_t)strlen(r->words[0]));
	}
	return r->words[0][0] == ':' ? chain_line(r, n) : command_line(r, n);
}

static int all_lines(struct reader *r, const char *text, size_t len)
{
	const char *end = text + len;
	int ret = 0;

	while (!ret && text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		r->where.line++;
		ret = one_line(r, text, n);
		text += n + 1;
	}
	if (!ret && (r->table || r->skipping)) {
		fw_fail(r->err, FW_ERR_COMMIT, "COMMIT expected at line %u", r->where.line + 1);
		fw_err_at(r->err, r->where.line + 1, 0, 0);
		ret = -EINVAL;
	}
	return ret;
}

int fw_tx_apply(struct fw_tx *tx, enum fw_family family, const char *text, size_t len,
		unsigned int flags, const char *only, const struct fw_resolver *resolver,
		struct fw_buf *out, struct fw_err *err)
{
	struct reader *r = malloc(sizeof(*r));
	int ret;

	if (!r)
		return fw_tx_nomem(err);
	memset(r, 0, offsetof(struct reader, words));
	r->tx = tx;
	r->family = family;
	r->flags = flags;
	r->only = only;
	r->resolver = resolver;
	r->out = out;
	r->err = err;
	ret = all_lines(r, text, len);
	free(r);
	return ret;
}
