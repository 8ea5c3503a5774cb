/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command as restore lines, the way a client sends it: numeric, one line for each rule, nothing
 * left that the daemon would have to look up.
 */
#include <string.h>

#include "text/parse.h"
#include "text/print.h"

static const char letters[] = {
	[FW_CMD_APPEND] = 'A',	   [FW_CMD_CHECK] = 'C',      [FW_CMD_DELETE] = 'D',
	[FW_CMD_DELETE_NUM] = 'D', [FW_CMD_INSERT] = 'I',     [FW_CMD_REPLACE] = 'R',
	[FW_CMD_LIST] = 'L',	   [FW_CMD_LIST_RULES] = 'S', [FW_CMD_FLUSH] = 'F',
	[FW_CMD_ZERO] = 'Z',	   [FW_CMD_NEW_CHAIN] = 'N',  [FW_CMD_DELETE_CHAIN] = 'X',
	[FW_CMD_POLICY] = 'P',	   [FW_CMD_RENAME] = 'E',
};

static void head(const struct fw_cmd *cmd, struct fw_buf *out)
{
	fw_buf_char(out, '-');
	fw_buf_char(out, letters[cmd->op]);
	if (cmd->chain[0]) {
		fw_buf_char(out, ' ');
		fw_buf_str(out, cmd->chain);
	}
	if (cmd->number && (cmd->op != FW_CMD_INSERT || cmd->number != 1)) {
		fw_buf_char(out, ' ');
		fw_buf_u64(out, cmd->number);
	}
	if (cmd->other[0]) {
		fw_buf_char(out, ' ');
		fw_buf_str(out, cmd->other);
	}
}

static void counters(const struct fw_cmd *cmd, struct fw_buf *out)
{
	if (cmd->flags & FW_CMD_F_COUNTERS)
		fw_buf_fmt(out, " -c %llu %llu", (unsigned long long)cmd->counters.packets,
			   (unsigned long long)cmd->counters.bytes);
}

static void list_flags(const struct fw_cmd *cmd, struct fw_buf *out)
{
	static const struct {
		unsigned int flag;
		const char *text;
	} flags[] = {
		{FW_CMD_F_NUMERIC, " -n"}, {FW_CMD_F_VERBOSE, " -v"},
		{FW_CMD_F_EXACT, " -x"},   {FW_CMD_F_NUMBERS, " --line-numbers"},
		{FW_CMD_F_ZERO, " -Z"},
	};

	if (cmd->op != FW_CMD_LIST && cmd->op != FW_CMD_LIST_RULES)
		return;
	for (size_t i = 0; i < FW_ARRAY_SIZE(flags); i++)
		if (cmd->flags & flags[i].flag)
			fw_buf_str(out, flags[i].text);
}

void fw_cmd_print(const struct fw_cmd *cmd, struct fw_buf *out)
{
	if ((size_t)cmd->op >= sizeof(letters) || !letters[cmd->op])
		return;
	for (size_t i = 0; i < cmd->n_rules; i++) {
		const struct fw_rule *rule = cmd->rules[i];

		head(cmd, out);
		fw_rule_print_parts(rule,
				    cmd->target[0] ? cmd->target : fw_rule_target_name(rule, NULL),
				    cmd->flags & FW_CMD_F_COUNTERS ? &cmd->counters : NULL, out);
		fw_buf_char(out, '\n');
	}
	if (cmd->n_rules)
		return;
	head(cmd, out);
	counters(cmd, out);
	list_flags(cmd, out);
	fw_buf_char(out, '\n');
}
