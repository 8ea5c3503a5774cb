/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words to a command, in one pass from left to right, as getopt_long() goes over them: short
 * options may be bundled (-nvL), long ones shortened, values joined by = or by nothing.  What an
 * option means stands in option.c, command.c and ruleopt.c; what it all amounts to in finish.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The option's value: joined to it, or the next word; the old way with a ! between. */
static int base_value(struct fw_parser *p, const struct fw_base_opt *opt, const char *joined)
{
	p->arg = joined;
	p->arg_place = p->opt_place;
	if (joined || opt->arg != ARG_NEEDED)
		return 0;
	if (p->at < p->n && !strcmp(p->words[p->at], "!") && strchr("sdpio", opt->letter)) {
		if (p->invert)
			return fw_parse_bad(p, fw_parse_place(p, p->at),
					    "Multiple `!' flags not allowed");
		p->invert = true;
		if (++p->at >= p->n)
			return fw_parse_bad(p, fw_parse_place(p, p->at - 1),
					    "no argument following `!'");
	}
	if (p->at >= p->n)
		return fw_parse_bad(p, p->opt_place, "option \"%s\" requires an argument",
				    p->opt_text);
	p->arg_place = fw_parse_place(p, p->at);
	p->arg = p->words[p->at++];
	return 0;
}

static int base_option(struct fw_parser *p, const struct fw_base_opt *opt, const char *joined)
{
	int r = base_value(p, opt, joined);

	if (!r)
		r = fw_parse_option(p, opt->letter);
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

/* For error messages; not by printf, this is done for every option of every rule. */
static void set_opt_text(struct fw_parser *p, const char *text, size_t len)
{
	if (len >= sizeof(p->opt_text))
		len = sizeof(p->opt_text) - 1;
	memcpy(p->opt_text, text, len);
	p->opt_text[len] = '\0';
}

static int long_option(struct fw_parser *p, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct fw_base_opt *base = fw_base_by_name(name, len);
	bool ambiguous = false;
	int r;

	set_opt_text(p, word, strlen(word));
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

	set_opt_text(p, (const char[]){'-', *p->bundle}, 2);
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

/* Everything must fit into one line of restore text, which is all that is sent and kept. */
static int check_lines(struct fw_parser *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (strchr(p->words[i], '\n')) {
			struct fw_place place = fw_parse_place(p, i);

			fw_fail(p->err, FW_ERR_USAGE, "a line break in word %zu", i + 1);
			fw_err_hint(p->err, "a rule is one line of text");
			fw_err_at(p->err, 0, place.column, place.length);
			return -EINVAL;
		}
	return 0;
}

int fw_cmd_parse(struct fw_cmd *cmd, enum fw_family family, size_t n, const char *const *words,
		 const uint32_t *columns, bool restore, const struct fw_resolver *resolver,
		 struct fw_err *err)
{
	struct fw_parser *p = malloc(sizeof(*p));
	struct fw_places places = {0};
	int r;

	memset(cmd, 0, sizeof(*cmd));
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
	r = check_lines(p);
	if (!r)
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
