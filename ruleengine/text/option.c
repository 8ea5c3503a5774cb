/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that are neither commands nor part of a rule: -t -n -v -x -c -w -4 -6 -h -V … */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "text/options.h"
#include "text/parse.h"

static int on_counters(struct fw_parser *p)
{
	const char *bytes = strchr(p->arg, ',');
	unsigned long long packets, n_bytes;

	if (bytes)
		bytes++;
	else if (fw_parse_has_word(p))
		bytes = p->words[p->at++];
	if (!bytes)
		return fw_parse_bad(p, p->arg_place, "-c requires packet and byte counter");
	if (sscanf(p->arg, "%llu", &packets) != 1)
		return fw_parse_bad(p, p->arg_place, "-c packet counter not numeric");
	if (sscanf(bytes, "%llu", &n_bytes) != 1)
		return fw_parse_bad(p, fw_parse_place(p, p->at - 1), "-c byte counter not numeric");
	p->cmd->flags |= FW_CMD_F_COUNTERS;
	p->cmd->counters = (struct fw_counters){.packets = packets, .bytes = n_bytes};
	return 0;
}

/* -w [SECONDS], -W MICROSECONDS: there is no lock to wait for, but scripts say so. */
static int on_wait(struct fw_parser *p, char letter)
{
	struct fw_place place = p->arg_place;
	const char *word = p->arg;
	int seconds;

	if (p->restore)
		return fw_parse_bad(p, p->opt_place, "You cannot use `-%c' from iptables-restore",
				    letter);
	if (!word && fw_parse_has_word(p)) {
		place = fw_parse_place(p, p->at);
		word = p->words[p->at++];
	}
	if (!word)
		return letter == 'w'
			? 0
			: fw_parse_bad(p, p->opt_place, "wait interval value required");
	if (sscanf(word, "%i", &seconds) != 1)
		return fw_parse_bad(p, place,
				    letter == 'w' ? "wait seconds not numeric"
						  : "wait interval not numeric");
	return 0;
}

static int on_family(struct fw_parser *p, enum fw_family family)
{
	if (family == p->family)
		return 0;
	if (p->restore) {
		p->cmd->flags |= FW_CMD_F_OTHER_FAMILY;
		p->done = true;
		return 0;
	}
	fw_fail(p->err, FW_ERR_USAGE, "-%c: this command is for IPv%c",
		family == FW_IP4 ? '4' : '6', family == FW_IP4 ? '6' : '4');
	fw_err_at(p->err, p->places->line, p->opt_place.column, p->opt_place.length);
	return -EINVAL;
}

static int on_table(struct fw_parser *p)
{
	if (p->invert)
		return fw_parse_bad(p, p->opt_place, "unexpected ! flag before --table");
	if (p->restore)
		return fw_parse_bad(p, p->opt_place,
				    "The -t option cannot be used in iptables-restore.");
	p->cmd->table_given = true;
	p->table_word = p->arg;
	p->table_place = p->arg_place;
	/* for what depends on the table while parsing; a wrong name is told at the end */
	fw_table_by_name(p->arg, &p->table);
	return 0;
}

static int on_help(struct fw_parser *p)
{
	struct fw_cmd *cmd = p->cmd;

	if (!p->n_matches && fw_parse_proto_match(p))
		cmd->help_ext[cmd->n_help++] = fw_parse_proto_match(p);
	if (p->target.ext)
		cmd->help_ext[cmd->n_help++] = p->target.ext;
	for (uint8_t i = 0; i < p->n_matches && cmd->n_help < FW_ARRAY_SIZE(cmd->help_ext); i++)
		cmd->help_ext[cmd->n_help++] = p->matches[i].ext;
	cmd->op = FW_CMD_HELP;
	p->done = true;
	return 0;
}

static int on_flag(struct fw_parser *p, unsigned int opt, char letter, unsigned int flag)
{
	p->cmd->flags |= flag;
	return fw_parse_note(p, opt, letter, 0);
}

int fw_parse_option(struct fw_parser *p, char letter)
{
	int r;

	switch (letter) {
	case 's':
	case 'd':
	case 'p':
	case 'i':
	case 'o':
	case 'f':
	case 'm':
	case 'j':
	case 'g': return fw_parse_rule_option(p, letter);
	case 't': return on_table(p);
	case 'n': return on_flag(p, OPT_NUMERIC, letter, FW_CMD_F_NUMERIC);
	case 'x': return on_flag(p, OPT_EXACT, letter, FW_CMD_F_EXACT);
	case '0': return on_flag(p, OPT_NUMBERS, letter, FW_CMD_F_NUMBERS);
	case 'v':
		if (p->cmd->verbose++)
			return 0;
		return on_flag(p, OPT_VERBOSE, letter, FW_CMD_F_VERBOSE);
	case 'c': r = fw_parse_note(p, OPT_COUNTERS, letter, 0); return r < 0 ? r : on_counters(p);
	case 'w':
	case 'W': return on_wait(p, letter);
	case 'M': return 0;
	case '4': return on_family(p, FW_IP4);
	case '6': return on_family(p, FW_IP6);
	case 'h': return on_help(p);
	case 'V':
		p->cmd->op = FW_CMD_VERSION;
		p->done = true;
		return 0;
	default: return fw_parse_command(p, letter);
	}
}
