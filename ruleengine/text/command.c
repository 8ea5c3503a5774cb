/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -A, -D, -L …: which command, on which chain, at which number. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "text/parse.h"

static const char command_letters[] = {
	[FW_CMD_NONE] = '?',	     [FW_CMD_APPEND] = 'A',	[FW_CMD_CHECK] = 'C',
	[FW_CMD_DELETE] = 'D',	     [FW_CMD_DELETE_NUM] = 'D', [FW_CMD_INSERT] = 'I',
	[FW_CMD_REPLACE] = 'R',	     [FW_CMD_LIST] = 'L',	[FW_CMD_LIST_RULES] = 'S',
	[FW_CMD_FLUSH] = 'F',	     [FW_CMD_ZERO] = 'Z',	[FW_CMD_NEW_CHAIN] = 'N',
	[FW_CMD_DELETE_CHAIN] = 'X', [FW_CMD_POLICY] = 'P',	[FW_CMD_RENAME] = 'E',
};

/* Only -Z may stand beside another command, -L or -S. */
static int command(struct fw_parser *p, enum fw_cmd_op op)
{
	struct fw_cmd *cmd = p->cmd;
	bool list = op == FW_CMD_LIST || op == FW_CMD_LIST_RULES;

	if (p->invert)
		return fw_parse_bad(p, p->opt_place, "unexpected '!' flag");
	if (cmd->op == FW_CMD_ZERO && list) {
		cmd->flags |= FW_CMD_F_ZERO;
	} else if (op == FW_CMD_ZERO && (cmd->op == FW_CMD_LIST || cmd->op == FW_CMD_LIST_RULES)) {
		cmd->flags |= FW_CMD_F_ZERO;
		return 0;
	} else if (cmd->op != FW_CMD_NONE) {
		return fw_parse_bad(p, p->opt_place, "Cannot use -%c with -%c", command_letters[op],
				    command_letters[cmd->op]);
	}
	cmd->op = op;
	return 0;
}

bool fw_parse_has_word(const struct fw_parser *p)
{
	return !p->bundle && p->at < p->n && p->words[p->at][0] != '-' && p->words[p->at][0] != '!';
}

/* Names that cannot be are told at the end: other mistakes come first in iptables. */
static int set_chain(struct fw_parser *p, const char *word, struct fw_place place)
{
	size_t len = strlen(word);

	p->places->chain = place;
	if (len > FW_CHAIN_MAX || !len || strchr("-!", *word) || strpbrk(word, FW_NOT_IN_NAMES))
		p->odd_name = word;
	else
		memcpy(p->cmd->chain, word, len + 1);
	return 0;
}

static int set_number(struct fw_parser *p)
{
	struct fw_place place = fw_parse_place(p, p->at);
	const char *word = p->words[p->at++];
	uint64_t v;

	if (fw_text_uint(word, INT32_MAX, &v) < 0 || !v) {
		fw_parse_bad(p, place, "Invalid rule number `%s'", word);
		fw_err_hint(p->err, "rules are numbered from 1");
		return -EINVAL;
	}
	p->cmd->number = (uint32_t)v;
	p->places->number = place;
	return 0;
}

/* [CHAIN [NUMBER]] after -L, -S, -F, -Z, -X. */
static int optional_chain(struct fw_parser *p, bool numbered)
{
	int r = 0;

	if (p->arg) {
		r = set_chain(p, p->arg, p->arg_place);
	} else if (fw_parse_has_word(p)) {
		p->at++;
		r = set_chain(p, p->words[p->at - 1], fw_parse_place(p, p->at - 1));
	}
	if (!r && numbered && fw_parse_has_word(p))
		r = set_number(p);
	return r;
}

/*
 * -Z [CHAIN [NUMBER]].  Beside -L or -S it is as iptables has it: a rule named before -L is listed
 * and zeroed alone; one named by a -Z behind -L is zeroed, and -L is forgotten.
 */
static int on_zero(struct fw_parser *p)
{
	struct fw_cmd *cmd = p->cmd;
	uint32_t listed = cmd->number;
	int r;

	cmd->number = 0;
	r = optional_chain(p, true);
	if (!cmd->number) {
		cmd->number = listed;
		return r;
	}
	cmd->flags |= FW_CMD_F_ZERO_RULE;
	if (cmd->flags & FW_CMD_F_ZERO) {
		cmd->flags &= ~(unsigned int)FW_CMD_F_ZERO;
		cmd->op = FW_CMD_ZERO;
	}
	return r;
}

static int new_name(struct fw_parser *p, const char *word, struct fw_place place,
		    char ret[FW_NAME_SIZE])
{
	if (fw_chain_name_check(word, p->family, p->err) < 0) {
		fw_err_at(p->err, p->places->line, place.column, place.length);
		return -EINVAL;
	}
	memcpy(ret, word, strlen(word) + 1);
	return 0;
}

/* The second word of -E and -P. */
static int second_word(struct fw_parser *p, const char *what)
{
	if (!fw_parse_has_word(p))
		return fw_parse_bad(p, fw_parse_place(p, p->at), "-%c requires %s",
				    command_letters[p->cmd->op], what);
	p->places->other = fw_parse_place(p, p->at);
	p->policy_word = p->words[p->at++];
	return 0;
}

static int on_rename(struct fw_parser *p)
{
	int r = set_chain(p, p->arg, p->arg_place);

	if (!r)
		r = second_word(p, "old-chain-name and new-chain-name");
	if (!r)
		r = new_name(p, p->policy_word, p->places->other, p->cmd->other);
	p->policy_word = NULL;
	return r;
}

static int on_policy(struct fw_parser *p)
{
	int r = set_chain(p, p->arg, p->arg_place);

	if (!r)
		r = second_word(p, "a chain and a policy");
	if (!r && strpbrk(p->policy_word, FW_NOT_IN_NAMES)) {
		r = fw_fail(p->err, FW_ERR_BAD_POLICY, "a policy is ACCEPT or DROP, not `%s'",
			    p->policy_word);
		fw_err_at(p->err, p->places->line, p->places->other.column,
			  p->places->other.length);
	}
	if (!r)
		snprintf(p->cmd->other, sizeof(p->cmd->other), "%s", p->policy_word);
	return r;
}

int fw_parse_command(struct fw_parser *p, char letter)
{
	static const struct {
		char letter;
		uint8_t op;
	} ops[] = {
		{'A', FW_CMD_APPEND},	  {'C', FW_CMD_CHECK},	      {'D', FW_CMD_DELETE},
		{'I', FW_CMD_INSERT},	  {'R', FW_CMD_REPLACE},      {'L', FW_CMD_LIST},
		{'S', FW_CMD_LIST_RULES}, {'F', FW_CMD_FLUSH},	      {'Z', FW_CMD_ZERO},
		{'N', FW_CMD_NEW_CHAIN},  {'X', FW_CMD_DELETE_CHAIN}, {'P', FW_CMD_POLICY},
		{'E', FW_CMD_RENAME},
	};
	size_t i = 0;
	int r;

	while (ops[i].letter != letter)
		i++;
	r = command(p, (enum fw_cmd_op)ops[i].op);
	if (r < 0)
		return r;
	switch (letter) {
	case 'E': return on_rename(p);
	case 'P': return on_policy(p);
	case 'N':
		p->places->chain = p->arg_place;
		return new_name(p, p->arg, p->arg_place, p->cmd->chain);
	case 'F':
	case 'X': return optional_chain(p, false);
	case 'L':
	case 'S': return optional_chain(p, true);
	case 'Z': return on_zero(p);
	}
	r = set_chain(p, p->arg, p->arg_place);
	if (r < 0 || letter == 'A' || letter == 'C')
		return r;
	if (fw_parse_has_word(p)) {
		if (letter == 'D')
			p->cmd->op = FW_CMD_DELETE_NUM;
		return set_number(p);
	}
	if (letter == 'R')
		return fw_parse_bad(p, fw_parse_place(p, p->at), "-R requires a rule number");
	p->cmd->number = letter == 'I';
	return 0;
}
