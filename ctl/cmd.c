/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One iptables command: words in, one transaction of canonical text out, or a listing.
 *
 * The words are parsed here (names are resolved here, -h and -V need no daemon), printed back as
 * the numeric text that is the only language of the wire, and sent as `restore noflush`:
 *
 *	*filter
 *	-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
 *	COMMIT
 */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "ctl.h"
#include "list.h"
#include "resolve.h"
#include "say.h"

/* Rules as -v shows them.  iptables prints them before it tries, so they precede a refusal. */
static void print_rules(const struct fw_cmd *cmd)
{
	struct fw_buf out = FW_BUF_INIT;

	for (size_t i = 0; i < cmd->n_rules; i++)
		fw_list_verbose_rule(cmd->rules[i], cmd->target, cmd->family,
				     cmd->flags & FW_CMD_F_NUMERIC, &out);
	fputs(fw_buf_cstr(&out), stdout);
	fflush(stdout);
	fw_buf_deinit(&out);
}

static bool has_rules(const struct fw_cmd *cmd)
{
	return cmd->op == FW_CMD_APPEND || cmd->op == FW_CMD_CHECK || cmd->op == FW_CMD_DELETE ||
		cmd->op == FW_CMD_INSERT || cmd->op == FW_CMD_REPLACE;
}

/* "Flushing chain `INPUT'" and the like, one line for each chain that is meant. */
static void print_chains(const struct ctl *ctl, const struct fw_cmd *cmd)
{
	const char *doing = cmd->op == FW_CMD_FLUSH ? "Flushing"
		: cmd->op == FW_CMD_DELETE_CHAIN    ? "Deleting"
						    : "Zeroing";
	bool users_only = cmd->op == FW_CMD_DELETE_CHAIN;

	if (cmd->chain[0])
		printf("%s chain `%s'\n", doing, cmd->chain);
	else
		ctl_each_chain(ctl, cmd->family, cmd->table, users_only, doing);
	fflush(stdout);
}

static void before(const struct ctl *ctl, const struct fw_cmd *cmd)
{
	if (!cmd->verbose)
		return;
	if (cmd->op == FW_CMD_FLUSH || cmd->op == FW_CMD_DELETE_CHAIN ||
	    (cmd->op == FW_CMD_ZERO && !cmd->number))
		print_chains(ctl, cmd);
}

static void after(const struct fw_cmd *cmd, const struct fw_err *err)
{
	/* a mistake in the words is found before anything is printed */
	if (cmd->verbose && has_rules(cmd) && fw_err_exit_code(err->code) <= 1)
		print_rules(cmd);
}

/* iptables does not tell a missing chain from a missing rule where it looks for a rule. */
static void as_iptables(const struct fw_cmd *cmd, struct fw_err *err)
{
	if (err->code != FW_ERR_NO_CHAIN || (cmd->op != FW_CMD_DELETE && cmd->op != FW_CMD_CHECK))
		return;
	err->code = FW_ERR_NO_RULE;
	err->words[0] = '\0';
}

static int edit(const struct ctl *ctl, const struct fw_cmd *cmd, const struct ctl_typed *typed)
{
	struct fw_buf text = FW_BUF_INIT;
	struct ctl_reply reply;
	char request[64];
	int r = 0;

	snprintf(request, sizeof(request), "restore %d noflush", cmd->family == FW_IP4 ? 4 : 6);
	fw_buf_fmt(&text, "*%s\n", fw_table_name(cmd->table));
	fw_cmd_print(cmd, &text);
	fw_buf_str(&text, "COMMIT\n");
	before(ctl, cmd);
	if (ctl_request(ctl, request, text.data, text.len, &reply) == 0) {
		after(cmd, &reply.err);
	} else {
		after(cmd, &reply.err);
		if (ctl->drop_in)
			as_iptables(cmd, &reply.err);
		ctl_typed_place(typed, ctl, fw_buf_cstr(&text), text.len, &reply.err);
		r = ctl_say_cmd(ctl, &reply.err, typed);
	}
	ctl_reply_deinit(&reply);
	fw_buf_deinit(&text);
	return r;
}

/* -W means nothing any more; iptables says so and goes on. */
static void warn_wait_interval(const struct ctl *ctl)
{
	for (int i = 0; i < ctl->argc; i++)
		if (!strncmp(ctl->argv[i], "-W", 2) ||
		    !strncmp(ctl->argv[i], "--wait-interval", 15))
			fputs("Ignoring deprecated --wait-interval option.\n", stderr);
}

static int run_cmd(const struct ctl *ctl, const struct fw_cmd *cmd, const struct ctl_typed *typed)
{
	switch (cmd->op) {
	case FW_CMD_HELP: ctl_print_tables_help(ctl, cmd); return 0;
	case FW_CMD_VERSION: ctl_print_version(ctl); return 0;
	case FW_CMD_NONE: return 0;
	case FW_CMD_LIST:
	case FW_CMD_LIST_RULES: return ctl_list_cmd(ctl, cmd, typed);
	default: return edit(ctl, cmd, typed);
	}
}

int ctl_tables(struct ctl *ctl)
{
	struct fw_err err = FW_ERR_INIT;
	struct ctl_typed typed;
	struct fw_cmd cmd = {.op = FW_CMD_NONE};
	int r;

	if (ctl_typed_init(&typed, ctl) < 0) {
		fw_fail(&err, FW_ERR_RESOURCE, "out of memory");
		return ctl_say(ctl, &err);
	}
	r = fw_cmd_parse(&cmd, ctl->family, (size_t)ctl->argc, (const char *const *)ctl->argv,
			 typed.columns, false, &ctl_resolver, &err);
	if (r < 0) {
		if (err.code == FW_ERR_NONE)
			fw_fail(&err, FW_ERR_RESOURCE, "%s", strerror(-r));
		r = ctl_say_cmd(ctl, &err, &typed);
	} else {
		warn_wait_interval(ctl);
		r = run_cmd(ctl, &cmd, &typed);
		fw_cmd_deinit(&cmd);
	}
	ctl_typed_deinit(&typed);
	return r;
}
