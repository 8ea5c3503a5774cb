/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words to a command, in one pass from left to right, as getopt_long() goes over them: short
 * options may be bundled (-nvL), long ones shortened, values joined by = or by nothing.  What a
 * rule says is gathered here and judged in finish.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/options.h"
#include "text/parse.h"

struct fw_place fw_parse_place(const struct fw_parser *p, size_t word)
{
	struct fw_place place = {1, 1};

	if (word >= p->n) { /* something is missing: point behind the last word */
		if (p->n) {
			place = fw_parse_place(p, p->n - 1);
			place.column += place.length + 1;
			place.length = 1;
		}
		return place;
	}
	place.length = (uint32_t)strlen(p->words[word]);
	if (p->columns) {
		place.column = p->columns[word];
		return place;
	}
	for (size_t i = 0; i < word; i++)
		place.column += (uint32_t)strlen(p->words[i]) + 1;
	return place;
}

int fw_parse_bad(struct fw_parser *p, struct fw_place place, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fw_fail(p->err, FW_ERR_USAGE, "%s", text);
	fw_err_words(p->err, "%s", text);
	fw_err_at(p->err, p->places->line, place.column, place.length);
	return -EINVAL;
}

static const char command_letters[] = {
	[FW_CMD_NONE] = '?', [FW_CMD_APPEND] = 'A', [FW_CMD_CHECK] = 'C', [FW_CMD_DELETE] = 'D',
	[FW_CMD_DELETE_NUM] = 'D', [FW_CMD_INSERT] = 'I', [FW_CMD_REPLACE] = 'R', [FW_CMD_LIST] = 'L',
	[FW_CMD_LIST_RULES] = 'S', [FW_CMD_FLUSH] = 'F', [FW_CMD_ZERO] = 'Z', [FW_CMD_NEW_CHAIN] = 'N',
	[FW_CMD_DELETE_CHAIN] = 'X', [FW_CMD_POLICY] = 'P', [FW_CMD_RENAME] = 'E',
};

/* Only -Z may stand beside another command, -L or -S. */
static int command(struct fw_parser *p, enum fw_cmd_op op)
{
	struct fw_cmd *cmd = p->cmd;
	bool list = op == FW_CMD_LIST || op == FW_CMD_LIST_RULES;

	if (p->invert)
		return fw_parse_bad(p, p->opt_place, "unexpected '!' flag");
	if (cmd->op == FW_CMD_ZERO && (list || op == FW_CMD_ZERO)) {
		cmd->flags |= list ? FW_CMD_F_ZERO : 0;
	} else if (op == FW_CMD_ZERO && (cmd->op == FW_CMD_LIST || cmd->op == FW_CMD_LIST_RULES)) {
		cmd->flags |= FW_CMD_F_ZERO;
		return 0;
	} else if (cmd->op != FW_CMD_NONE && (cmd->op != op || !list)) {
		return fw_parse_bad(p, p->opt_place, "Cannot use -%c with -%c", command_letters[op],
				    command_letters[cmd->op]);
	}
	cmd->op = op;
	return 0;
}

/* A word that belongs to the option before it although getopt does not say so. */
static bool has_word(const struct fw_parser *p)
{
	return !p->bundle && p->at < p->n && p->words[p->at][0] != '-' && p->words[p->at][0] != '!';
}

static int set_name(struct fw_parser *p, char ret[FW_NAME_SIZE], const char *word,
		    struct fw_place place)
{
	size_t len = strlen(word);

	if (len > FW_CHAIN_MAX)
		return fw_parse_bad(p, place, "chain name `%s' too long (must be under %u chars)", word,
				    FW_CHAIN_MAX + 1);
	memcpy(ret, word, len + 1);
	return 0;
}

static int set_chain(struct fw_parser *p, const char *word, struct fw_place place)
{
	p->places->chain = place;
	return set_name(p, p->cmd->chain, word, place);
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
	} else if (has_word(p)) {
		p->at++;
		r = set_chain(p, p->words[p->at - 1], fw_parse_place(p, p->at - 1));
	}
	if (!r && numbered && has_word(p))
		r = set_number(p);
	return r;
}

static int new_name(struct fw_parser *p, const char *word, struct fw_place place,
		    char ret[FW_NAME_SIZE])
{
	if (fw_chain_name_check(word, p->family, p->err) < 0) {
		fw_err_at(p->err, p->places->line, place.column, place.length);
		return -EINVAL;
	}
	return set_name(p, ret, word, place);
}

/* The second word of -E and -P. */
static int second_word(struct fw_parser *p, const char *what)
{
	if (!has_word(p))
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
	if (!r)
		snprintf(p->cmd->other, sizeof(p->cmd->other), "%s", p->policy_word);
	return r;
}

static int on_command(struct fw_parser *p, char letter)
{
	static const struct {
		char letter;
		uint8_t op;
	} ops[] = {
		{'A', FW_CMD_APPEND}, {'C', FW_CMD_CHECK}, {'D', FW_CMD_DELETE}, {'I', FW_CMD_INSERT},
		{'R', FW_CMD_REPLACE}, {'L', FW_CMD_LIST}, {'S', FW_CMD_LIST_RULES},
		{'F', FW_CMD_FLUSH}, {'Z', FW_CMD_ZERO}, {'N', FW_CMD_NEW_CHAIN},
		{'X', FW_CMD_DELETE_CHAIN}, {'P', FW_CMD_POLICY}, {'E', FW_CMD_RENAME},
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
	case 'S':
	case 'Z': return optional_chain(p, true);
	}
	r = set_chain(p, p->arg, p->arg_place);
	if (r < 0 || letter == 'A' || letter == 'C')
		return r;
	if (has_word(p)) {
		if (letter == 'D')
			p->cmd->op = FW_CMD_DELETE_NUM;
		return set_number(p);
	}
	if (letter == 'R')
		return fw_parse_bad(p, fw_parse_place(p, p->at), "-R requires a rule number");
	p->cmd->number = letter == 'I';
	return 0;
}

static int on_proto(struct fw_parser *p)
{
	char name[32];
	uint64_t number;
	size_t i = 0;
	int found;

	for (; p->arg[i] && i < sizeof(name) - 1; i++)
		name[i] = (char)(p->arg[i] >= 'A' && p->arg[i] <= 'Z' ? p->arg[i] | 32 : p->arg[i]);
	name[i] = '\0';
	p->proto_word = p->arg;
	p->proto_place = p->arg_place;
	if (!p->arg[i] && fw_text_uint(name, 255, &number) == 0) {
		p->gen.proto = (uint8_t)number;
	} else {
		found = p->arg[i] ? -1 : fw_proto_by_name(name);
		if (found < 0 && p->resolver && p->resolver->protocol &&
		    p->resolver->protocol(p->resolver->priv, name, &p->gen.proto) == 0)
			found = p->gen.proto;
		if (found < 0) {
			fw_parse_bad(p, p->arg_place, "unknown protocol \"%s\" specified", p->arg);
			fw_err_hint(p->err, "a protocol is a number from 0 to 255 or a name such as tcp, udp, icmp");
			return -EINVAL;
		}
		p->gen.proto = (uint8_t)found;
		p->proto_word = fw_proto_name(p->gen.proto); /* in lower case, and known to -m */
	}
	if (!p->gen.proto && p->gen.inv & FW_INV_PROTO)
		return fw_parse_bad(p, p->arg_place, "rule would never match protocol");
	return 0;
}

static int on_iface(struct fw_parser *p, char name[FW_IFNAMSIZ], uint8_t *cmp)
{
	size_t len = strlen(p->arg);

	if (!len)
		return fw_parse_bad(p, p->arg_place, "Empty interface is likely to be undesired");
	if (len >= FW_IFNAMSIZ)
		return fw_parse_bad(p, p->arg_place,
				    "interface name `%s' must be shorter than IFNAMSIZ (%d)", p->arg,
				    FW_IFNAMSIZ - 1);
	memcpy(name, p->arg, len);
	*cmp = (uint8_t)(p->arg[len - 1] == '+' ? len - 1 : len + 1);
	return 0;
}

static int on_jump(struct fw_parser *p, bool is_goto)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} words[] = {{"ACCEPT", FW_ACCEPT}, {"DROP", FW_DROP}, {"RETURN", FW_RETURN}};
	const char *name = p->arg;

	p->places->target = p->arg_place;
	if (!*name)
		return fw_parse_bad(p, p->arg_place, "Invalid target name (too short)");
	if (strlen(name) > FW_CHAIN_MAX)
		return fw_parse_bad(p, p->arg_place, "Invalid target name `%s' (%u chars max)", name,
				    FW_CHAIN_MAX);
	if (strpbrk(name, " \t\n"))
		return fw_parse_bad(p, p->arg_place, "Invalid target name `%s'", name);
	for (size_t i = 0; !is_goto && i < FW_ARRAY_SIZE(words); i++)
		if (!strcmp(name, words[i].name)) {
			p->verdict = words[i].verdict;
			return 0;
		}
	if (!is_goto && fw_ext_find(name, true, p->family))
		return fw_parse_load(p, name, true, p->arg_place);
	if (!is_goto && fw_ext_unsupported(name, true)) /* a chain cannot have that name */
		return fw_parse_load(p, name, true, p->arg_place);
	p->verdict = is_goto ? FW_GOTO : FW_JUMP;
	memcpy(p->cmd->target, name, strlen(name) + 1);
	return 0;
}

static int on_counters(struct fw_parser *p)
{
	const char *bytes = strchr(p->arg, ',');
	unsigned long long packets, n_bytes;

	if (bytes)
		bytes++;
	else if (has_word(p))
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
		return fw_parse_bad(p, p->opt_place, "You cannot use `-%c' from iptables-restore", letter);
	if (!word && has_word(p)) {
		place = fw_parse_place(p, p->at);
		word = p->words[p->at++];
	}
	if (!word)
		return letter == 'w' ? 0 : fw_parse_bad(p, p->opt_place, "wait interval value required");
	if (sscanf(word, "%i", &seconds) != 1)
		return fw_parse_bad(p, place, letter == 'w' ? "wait seconds not numeric"
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
	fw_fail(p->err, FW_ERR_USAGE, "-%c: this command is for IPv%c", family == FW_IP4 ? '4' : '6',
		family == FW_IP4 ? '6' : '4');
	fw_err_at(p->err, p->places->line, p->opt_place.column, p->opt_place.length);
	return -EINVAL;
}

static int on_table(struct fw_parser *p)
{
	if (p->invert)
		return fw_parse_bad(p, p->opt_place, "unexpected ! flag before --table");
	if (p->restore)
		return fw_parse_bad(p, p->opt_place, "The -t option cannot be used in iptables-restore.");
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

	if (!p->n_matches && p->proto_word) {
		const struct fw_ext *ext =
			fw_ext_find(fw_match_alias(p->proto_word, p->family), false, p->family);

		if (ext)
			cmd->help_ext[cmd->n_help++] = ext;
	}
	if (p->target.ext)
		cmd->help_ext[cmd->n_help++] = p->target.ext;
	for (uint8_t i = 0; i < p->n_matches && cmd->n_help < FW_ARRAY_SIZE(cmd->help_ext); i++)
		cmd->help_ext[cmd->n_help++] = p->matches[i].ext;
	cmd->op = FW_CMD_HELP;
	p->done = true;
	return 0;
}

/* Note an option that may be given once, and be negated only if `inv` says with which bit. */
static int note(struct fw_parser *p, unsigned int opt, char letter, uint8_t inv)
{
	if (p->options & opt)
		return fw_parse_bad(p, p->opt_place, "multiple -%c flags not allowed", letter);
	p->options |= opt;
	if (!p->invert)
		return 0;
	if (!inv)
		return fw_parse_bad(p, p->opt_place, "cannot have ! before -%c", letter);
	p->gen.inv |= inv;
	return 0;
}

static int on_flag(struct fw_parser *p, unsigned int opt, char letter, unsigned int flag)
{
	p->cmd->flags |= flag;
	return note(p, opt, letter, 0);
}

static int on_match_option(struct fw_parser *p, char letter)
{
	int r;

	switch (letter) {
	case 's':
		p->src_word = p->arg;
		p->src_place = p->arg_place;
		return note(p, OPT_SOURCE, letter, FW_INV_SRC);
	case 'd':
		p->dst_word = p->arg;
		p->dst_place = p->arg_place;
		return note(p, OPT_DESTINATION, letter, FW_INV_DST);
	case 'p':
		r = note(p, OPT_PROTOCOL, letter, FW_INV_PROTO);
		return r < 0 ? r : on_proto(p);
	case 'i':
		p->in_place = p->opt_place;
		r = note(p, OPT_IN, letter, FW_INV_IN);
		return r < 0 ? r : on_iface(p, p->gen.in, &p->gen.in_cmp);
	case 'o':
		p->out_place = p->opt_place;
		r = note(p, OPT_OUT, letter, FW_INV_OUT);
		return r < 0 ? r : on_iface(p, p->gen.out, &p->gen.out_cmp);
	case 'f':
		if (p->family == FW_IP6)
			return fw_parse_bad(p, p->opt_place,
					    "`-f' is not supported in IPv6, use -m frag instead");
		p->gen.frag = true;
		return note(p, OPT_FRAGMENT, letter, FW_INV_FRAG);
	case 'm':
		if (p->invert)
			return fw_parse_bad(p, p->opt_place, "unexpected ! flag before --match");
		return fw_parse_load(p, p->arg, false, p->arg_place);
	default: /* j, g */
		r = note(p, OPT_JUMP, 'j', 0);
		return r < 0 ? r : on_jump(p, letter == 'g');
	}
}

static int on_option(struct fw_parser *p, char letter)
{
	int r;

	switch (letter) {
	case 's': case 'd': case 'p': case 'i': case 'o': case 'f': case 'm': case 'j': case 'g':
		return on_match_option(p, letter);
	case 't': return on_table(p);
	case 'n': return on_flag(p, OPT_NUMERIC, letter, FW_CMD_F_NUMERIC);
	case 'x': return on_flag(p, OPT_EXACT, letter, FW_CMD_F_EXACT);
	case '0': return on_flag(p, OPT_NUMBERS, letter, FW_CMD_F_NUMBERS);
	case 'v':
		p->cmd->verbose++;
		p->cmd->flags |= FW_CMD_F_VERBOSE;
		return 0;
	case 'c':
		r = note(p, OPT_COUNTERS, letter, 0);
		return r < 0 ? r : on_counters(p);
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
	default: return on_command(p, letter);
	}
}

/* The option's value: joined to it, or the next word; the old way with a ! between. */
static int base_value(struct fw_parser *p, const struct fw_base_opt *opt, const char *joined)
{
	p->arg = joined;
	p->arg_place = p->opt_place;
	if (joined || opt->arg != ARG_NEEDED)
		return 0;
	if (p->at < p->n && !strcmp(p->words[p->at], "!") && strchr("sdpio", opt->letter)) {
		if (p->invert)
			return fw_parse_bad(p, fw_parse_place(p, p->at), "Multiple `!' flags not allowed");
		p->invert = true;
		if (++p->at >= p->n)
			return fw_parse_bad(p, fw_parse_place(p, p->at - 1), "no argument following `!'");
	}
	if (p->at >= p->n)
		return fw_parse_bad(p, p->opt_place, "option \"%s\" requires an argument", p->opt_text);
	p->arg_place = fw_parse_place(p, p->at);
	p->arg = p->words[p->at++];
	return 0;
}

static int base_option(struct fw_parser *p, const struct fw_base_opt *opt, const char *joined)
{
	int r = base_value(p, opt, joined);

	if (!r)
		r = on_option(p, opt->letter);
	p->invert = false;
	return r;
}

static int unknown(struct fw_parser *p)
{
	const struct fw_base_opt *list;
	const char *name = p->opt_text + strspn(p->opt_text, "-"), *near = NULL;
	unsigned int best = (unsigned int)strlen(name) / 3 + 1;
	size_t n;

	fw_parse_bad(p, p->opt_place, "unknown option \"%s\"", p->opt_text);
	list = fw_base_list(&n);
	for (size_t i = 0; strlen(name) > 1 && i < n; i++)
		if (fw_name_distance(name, list[i].name) < best) {
			best = fw_name_distance(name, list[i].name);
			near = list[i].name;
		}
	for (unsigned int i = 0; strlen(name) > 1 && i < p->n_loaded; i++) {
		const struct fw_ext *ext = p->loaded[i] == FW_LOADED_TARGET
						   ? p->target.ext
						   : p->matches[p->loaded[i]].ext;

		for (const struct fw_opt *o = ext->opts; o && o->name; o++)
			if (fw_name_distance(name, o->name) < best) {
				best = fw_name_distance(name, o->name);
				near = o->name;
			}
	}
	if (near)
		fw_err_hint(p->err, "did you mean --%s?", near);
	else if (strlen(name) > 1 && !p->proto_word && !p->n_loaded)
		fw_err_hint(p->err, "an option of a match or protocol stands after its -m or -p");
	return -EINVAL;
}

static int long_option(struct fw_parser *p, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct fw_base_opt *base = fw_base_by_name(name, len);
	bool ambiguous = false;
	int r;

	snprintf(p->opt_text, sizeof(p->opt_text), "%s", word);
	if (!base) {
		r = fw_parse_ext_option(p, name, len, equals ? equals + 1 : NULL);
		if (r <= 0)
			return r;
		base = fw_base_by_prefix(name, len, &ambiguous);
	}
	if (!base || ambiguous || !len || (equals && base->arg == ARG_NONE))
		return unknown(p);
	r = base_option(p, base, equals ? equals + 1 : NULL);
	return r;
}

static int short_option(struct fw_parser *p)
{
	const struct fw_base_opt *opt = fw_base_by_letter(*p->bundle);
	const char *rest = p->bundle[1] ? p->bundle + 1 : NULL;

	snprintf(p->opt_text, sizeof(p->opt_text), "-%c", *p->bundle);
	p->bundle = rest;
	if (!opt)
		return unknown(p);
	if (opt->letter == 'w' && rest && (*rest < '0' || *rest > '9'))
		return base_option(p, opt, NULL); /* -wn: nobody means "n seconds" */
	if (opt->arg == ARG_NONE)
		return base_option(p, opt, NULL);
	p->bundle = NULL;
	return base_option(p, opt, rest);
}

static int next(struct fw_parser *p)
{
	const char *word;

	if (p->bundle)
		return short_option(p);
	p->opt_place = fw_parse_place(p, p->at);
	word = p->words[p->at++];
	if (word[0] == '-' && word[1] == '-' && word[2])
		return long_option(p, word);
	if (word[0] == '-' && word[1] && word[1] != '-') {
		p->bundle = word + 1;
		return short_option(p);
	}
	if (word[0] == '!' && !word[1]) {
		if (p->invert)
			return fw_parse_bad(p, p->opt_place, "multiple consecutive ! not allowed");
		p->invert = true;
		return 0;
	}
	return fw_parse_bad(p, p->opt_place, "Bad argument `%s'", word);
}

int fw_parse_run(struct fw_parser *p, struct fw_cmd *cmd, struct fw_places *places)
{
	uint32_t line = places->line;
	int r = 0;

	memset(&p->at, 0, offsetof(struct fw_parser, matches) - offsetof(struct fw_parser, at));
	memset(cmd, 0, sizeof(*cmd));
	*places = (struct fw_places){.line = line};
	p->cmd = cmd;
	p->places = places;
	cmd->family = p->family;
	while (!r && !p->done && (p->at < p->n || p->bundle))
		r = next(p);
	if (!r && !p->done)
		r = fw_parse_finish(p);
	cmd->table = p->table;
	if (r < 0) {
		if (p->err && p->err->code)
			fw_err_at(p->err, line, 0, 0);
		fw_cmd_deinit(cmd);
	}
	return r;
}

int fw_cmd_parse(struct fw_cmd *cmd, enum fw_family family, size_t n, const char *const *words,
		 const uint32_t *columns, bool restore, const struct fw_resolver *resolver,
		 struct fw_err *err)
{
	struct fw_parser *p = malloc(sizeof(*p));
	struct fw_places places = {0};
	int r;

	if (!p)
		return fw_tx_nomem(err);
	p->family = family;
	p->table = FW_FILTER;
	p->restore = restore;
	p->resolver = resolver;
	p->n = n;
	p->words = words;
	p->columns = columns;
	p->err = err;
	r = fw_parse_run(p, cmd, &places);
	free(p);
	return r;
}

void fw_cmd_deinit(struct fw_cmd *cmd)
{
	for (size_t i = 0; i < cmd->n_rules; i++)
		fw_rule_unref(cmd->rules[i], NULL);
	free(cmd->rules);
	cmd->rules = NULL;
	cmd->n_rules = 0;
}
