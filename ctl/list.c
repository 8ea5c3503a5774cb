/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -L and -S.  The daemon sends restore text with counters and no more; how a listing looks, and
 * what an address is called, is this side's business.
 */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "resolve.h"

struct fw_ruleset *ctl_build(enum fw_family family, const char *text, size_t len, bool resolve,
			     const struct fw_tx_env *env, struct fw_err *err)
{
	static const struct fw_tx_env nowhere = {.inspect = true};
	struct fw_ruleset *base = fw_ruleset_new(), *ret = NULL;
	struct fw_tx *tx = base ? fw_tx_new(base, env ? env : &nowhere) : NULL;

	if (!tx) {
		fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	} else if (fw_tx_apply(tx, family, text, len, FW_TX_COUNTERS | (resolve ? FW_TX_NAMES : 0),
			       NULL, resolve ? &ctl_resolver : NULL, NULL, err) == 0 &&
		   fw_tx_prepare(tx, err) == 0) {
		ret = fw_tx_publish(tx);
		fw_tx_set_counters(tx, NULL, NULL);
	}
	if (!ret && err->code == FW_ERR_NONE)
		fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	fw_tx_free(tx);
	fw_ruleset_unref(base, env);
	return ret;
}

/* The daemon's text of one table; with -Z it is read and zeroed in one step. */
static int fetch(const struct ctl *ctl, const struct fw_cmd *cmd, struct ctl_reply *reply)
{
	struct fw_buf request = FW_BUF_INIT;
	int r;

	fw_buf_fmt(&request, "save %d counters all", cmd->family == FW_IP4 ? 4 : 6);
	if (cmd->flags & FW_CMD_F_ZERO)
		fw_buf_str(&request, " zero");
	fw_buf_fmt(&request, " table %s", fw_table_name(cmd->table));
	if (cmd->flags & FW_CMD_F_ZERO && cmd->chain[0]) {
		fw_buf_fmt(&request, " chain %s", cmd->chain);
		if (cmd->flags & FW_CMD_F_ZERO_RULE)
			fw_buf_fmt(&request, " number %u", cmd->number);
	}
	r = ctl_request(ctl, fw_buf_cstr(&request), NULL, 0, reply);
	fw_buf_deinit(&request);
	return r;
}

static int print(const struct fw_cmd *cmd, const struct fw_table *table, struct fw_err *err)
{
	struct fw_buf out = FW_BUF_INIT;
	struct fw_list_opts opts = {
		.flags = cmd->flags,
		.chain = cmd->chain,
		.number = cmd->number,
		.host_name = ctl_host_name,
	};
	int r;

	if (cmd->op == FW_CMD_LIST)
		r = fw_list_table(table, &opts, &out, err);
	else
		r = fw_list_rules(table, &opts, &out, err);
	if (r == 0) {
		fwrite(fw_buf_cstr(&out), 1, out.len, stdout);
		fflush(stdout);
	}
	fw_buf_deinit(&out);
	return r;
}

/* "the daemon's text does not parse" would be our bug; say so rather than blame the user. */
static int say_mismatch(const struct ctl *ctl, struct fw_err *err)
{
	struct fw_err told = FW_ERR_INIT;

	fw_fail(&told, FW_ERR_RESOURCE, "cannot read the daemon's rules: line %u: %s", err->line,
		err->msg);
	fw_err_hint(&told, "are fwctl and fwd of the same version?");
	return ctl_say(ctl, &told);
}

int ctl_list_cmd(const struct ctl *ctl, const struct fw_cmd *cmd, const struct ctl_typed *typed)
{
	struct fw_err err = FW_ERR_INIT;
	struct ctl_reply reply;
	struct fw_ruleset *rs;
	int r = 0;

	if (fetch(ctl, cmd, &reply) < 0) {
		reply.err.line = reply.err.column = 0;
		ctl_typed_word(typed, ctl, cmd->chain, &reply.err);
		r = ctl_say_cmd(ctl, &reply.err, typed);
		ctl_reply_deinit(&reply);
		return r;
	}
	rs = ctl_build(cmd->family, reply.body, reply.len, false, NULL, &err);
	if (!rs) {
		r = say_mismatch(ctl, &err);
	} else if (print(cmd, rs->tables[cmd->family][cmd->table], &err) < 0) {
		err.column = err.line = 0;
		ctl_typed_word(typed, ctl, cmd->chain, &err);
		r = ctl_say_cmd(ctl, &err, typed);
	} else if (cmd->verbose && cmd->flags & FW_CMD_F_ZERO &&
		   !(cmd->flags & FW_CMD_F_ZERO_RULE)) {
		if (cmd->chain[0])
			printf("Zeroing chain `%s'\n", cmd->chain);
		else
			ctl_each_chain(ctl, cmd->family, cmd->table, false, "Zeroing");
	}
	fw_ruleset_unref(rs, NULL);
	ctl_reply_deinit(&reply);
	return r;
}

void ctl_each_chain(const struct ctl *ctl, enum fw_family family, enum fw_table_id table,
		    bool users_only, const char *doing)
{
	struct ctl_reply reply;
	char request[64];
	const char *s, *end, *nl;

	snprintf(request, sizeof(request), "save %d all table %s", family == FW_IP4 ? 4 : 6,
		 fw_table_name(table));
	if (ctl_request(ctl, request, NULL, 0, &reply) == 0) {
		for (s = reply.body, end = s + reply.len; s < end; s = nl + 1) {
			size_t n;

			nl = memchr(s, '\n', (size_t)(end - s));
			if (!nl)
				break;
			if (*s != ':')
				continue;
			n = strcspn(s + 1, " \n");
			if (!users_only || !strncmp(s + 1 + n, " - ", 3))
				printf("%s chain `%.*s'\n", doing, (int)n, s + 1);
		}
	}
	ctl_reply_deinit(&reply);
}
