/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwtext: the language without a daemon.  Reads restore text from stdin, applies it to an empty
 * ruleset, and prints what was asked for; end-to-end tests hold that against iptables' own tools,
 * and golden tests read their answers from it.
 *
 *	fwtext [-6] [-n] [-c] [save [counters] | list WORDS… | cmd WORDS… | run WORDS… | time]
 *
 * -n: restore's --noflush; -c: its --counters.  `list` takes an -L or -S command line, `cmd` prints
 * a command line as a client would send it, `run` carries it out and prints the ruleset after it
 * (-L and -S: what they print).  A refusal is printed as
 * "LINE:COLUMN+LENGTH code: message / hint / words" and ends with iptables' exit code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fw/text.h"
#include "fw/tx.h"

struct options {
	enum fw_family family;
	unsigned int flags;
};

static int refuse(const struct fw_err *err)
{
	fflush(stdout);
	fprintf(stderr, "%u:%u+%u %s: %s\n", err->line, err->column, err->length,
		fw_err_code_name(err->code), err->msg);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	fprintf(stderr, "iptables: %s\n", fw_err_iptables(err));
	return fw_err_exit_code(err->code);
}

static char *slurp(size_t *len)
{
	size_t cap = 65536, n;
	char *text = malloc(cap);

	for (*len = 0; text; *len += n) {
		if (*len == cap)
			text = realloc(text, cap *= 2);
		n = text ? fread(text + *len, 1, cap - *len, stdin) : 0;
		if (!n)
			break;
	}
	return text;
}

/* The ruleset that stdin says; NULL with err. */
static struct fw_ruleset *load(const struct options *o, struct fw_err *err)
{
	struct fw_ruleset *base = fw_ruleset_new(), *ret = NULL;
	struct fw_tx_env env = {0};
	struct fw_tx *tx = fw_tx_new(base, &env);
	size_t len;
	char *text = slurp(&len);

	if (!fw_tx_apply(tx, o->family, text, len, o->flags, NULL, NULL, NULL, err) &&
	    !fw_tx_prepare(tx, err)) {
		ret = fw_tx_publish(tx);
		fw_tx_set_counters(tx, NULL, NULL);
	}
	fw_tx_free(tx);
	fw_ruleset_unref(base, &env);
	free(text);
	return ret;
}

static int list(const struct options *o, struct fw_ruleset *rs, int argc, const char *const *argv,
		struct fw_buf *out, struct fw_err *err)
{
	struct fw_cmd cmd;
	struct fw_list_opts opts = {0};
	int r = fw_cmd_parse(&cmd, o->family, (size_t)argc, argv, NULL, false, NULL, err);

	if (r < 0)
		return r;
	opts.flags = cmd.flags;
	opts.chain = cmd.chain;
	opts.number = cmd.number;
	r = cmd.op == FW_CMD_LIST
		? fw_list_table(rs->tables[o->family][cmd.table], &opts, out, err)
		: fw_list_rules(rs->tables[o->family][cmd.table], &opts, out, err);
	fw_cmd_deinit(&cmd);
	return r;
}

static int command(const struct options *o, int argc, const char *const *argv, struct fw_buf *out,
		   struct fw_err *err)
{
	struct fw_cmd cmd;
	int r = fw_cmd_parse(&cmd, o->family, (size_t)argc, argv, NULL, false, NULL, err);

	if (r < 0)
		return r;
	fw_cmd_print(&cmd, out);
	if (cmd.flags & FW_CMD_F_VERBOSE)
		for (size_t i = 0; i < cmd.n_rules; i++)
			fw_list_verbose_rule(cmd.rules[i], cmd.target, o->family, true, out);
	fw_cmd_deinit(&cmd);
	return 0;
}

/* Carry out a command line on *rs, the way client and daemon share it. */
static int run(const struct options *o, struct fw_ruleset **rs, int argc, const char *const *argv,
	       struct fw_buf *out, struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT, lines = FW_BUF_INIT;
	struct fw_cmd cmd;
	struct fw_tx *tx;
	int r = fw_cmd_parse(&cmd, o->family, (size_t)argc, argv, NULL, false, NULL, err);

	if (r < 0)
		return r;
	fw_cmd_print(&cmd, &lines);
	fw_buf_fmt(&text, "*%s\n%sCOMMIT\n", fw_table_name(cmd.table), fw_buf_cstr(&lines));
	tx = fw_tx_new(*rs, NULL);
	r = fw_tx_apply(tx, o->family, text.data, text.len, FW_TX_NOFLUSH, NULL, NULL, out, err);
	if (!r)
		r = fw_tx_prepare(tx, err);
	if (!r) {
		struct fw_ruleset *next = fw_tx_publish(tx);

		fw_tx_set_counters(tx, NULL, NULL);
		fw_ruleset_unref(*rs, NULL);
		*rs = next;
		if (cmd.op != FW_CMD_LIST && cmd.op != FW_CMD_LIST_RULES)
			fw_save(*rs, o->family, 0, out);
	}
	fw_tx_free(tx);
	fw_cmd_deinit(&cmd);
	fw_buf_deinit(&text);
	fw_buf_deinit(&lines);
	return r;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct options o = {.family = FW_IP4};
	struct fw_err err = FW_ERR_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ruleset *rs = NULL;
	const char *verb;
	double start = seconds();
	int at = 1, r = 0;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "-6"))
			o.family = FW_IP6;
		else if (!strcmp(argv[at], "-n"))
			o.flags |= FW_TX_NOFLUSH;
		else if (!strcmp(argv[at], "-c"))
			o.flags |= FW_TX_COUNTERS;
	}
	verb = at < argc ? argv[at++] : "save";
	if (!strcmp(verb, "cmd")) {
		r = command(&o, argc - at, (const char *const *)(argv + at), &out, &err);
	} else {
		rs = load(&o, &err);
		r = rs ? 0 : -1;
		if (rs && !strcmp(verb, "save"))
			fw_save(rs, o.family, at < argc ? FW_SAVE_COUNTERS : 0, &out);
		else if (rs && !strcmp(verb, "list"))
			r = list(&o, rs, argc - at, (const char *const *)(argv + at), &out, &err);
		else if (rs && !strcmp(verb, "run"))
			r = run(&o, &rs, argc - at, (const char *const *)(argv + at), &out, &err);
		else if (rs)
			fw_buf_fmt(&out, "%.6f s\n", seconds() - start);
	}
	fputs(fw_buf_cstr(&out), stdout);
	fw_buf_deinit(&out);
	fw_ruleset_unref(rs, NULL);
	return r ? refuse(&err) : 0;
}
