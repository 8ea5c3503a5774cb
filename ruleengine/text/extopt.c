/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches and targets while they are read: loading them (-m, -j, or -p's match at its first
 * option), and finding whose option a word is.  What was loaded last is asked first.
 */
#include <errno.h>
#include <string.h>

#include "text/parse.h"

void fw_parse_ctx_make(const struct fw_parser *p, struct fw_parse_ctx *ctx)
{
	*ctx = (struct fw_parse_ctx){
		.family = p->family,
		.table = p->table,
		.proto = p->gen.proto,
		.proto_inverted = p->gen.inv & FW_INV_PROTO,
		.frag = p->gen.frag,
		.resolver = p->resolver,
	};
}

const char *fw_match_alias(const char *name, enum fw_family family)
{
	if (family == FW_IP6) {
		if (!strcmp(name, "icmpv6") || !strcmp(name, "ipv6-icmp"))
			return "icmp6";
		if (!strcmp(name, "ipv6-mh") || !strcmp(name, "mobility-header"))
			return "mh";
	}
	return name;
}

static int no_such(struct fw_parser *p, const char *name, bool target, struct fw_place place)
{
	const char *why = fw_ext_unsupported(name, target), *near = NULL;
	const struct fw_ext *const *list;
	unsigned int best = (unsigned int)strnlen(name, FW_NAME_SIZE) / 3 + 1;
	size_t n;

	fw_fail(p->err, why ? FW_ERR_UNSUPPORTED : FW_ERR_NO_EXT, "no %s `%s'%s%s",
		target ? "target" : "match", name, why ? ": " : "", why ? why : "");
	fw_err_words(p->err, "Couldn't load %s `%s':No such file or directory",
		     target ? "target" : "match", name);
	fw_err_at(p->err, 0, place.column, place.length);
	list = fw_ext_list(&n);
	for (size_t i = 0; i < n; i++) {
		unsigned int d = fw_name_distance(name, list[i]->name);

		if (list[i]->target == target && d <= best) {
			best = d;
			near = list[i]->name;
		}
	}
	if (!why && near)
		fw_err_hint(p->err, "did you mean %s?", near);
	else if (!why)
		fw_err_hint(p->err, "those that there are: fwctl help %s",
			    target ? "targets" : "matches");
	return -EINVAL;
}

/* Room for an extension's data while its options are read. */
static void *arena_take(struct fw_parser *p, size_t n)
{
	size_t at = (p->arena_used + 15) & ~(size_t)15;

	if (n > sizeof(p->arena) || at > sizeof(p->arena) - n)
		return NULL;
	p->arena_used = at + n;
	memset(p->arena + at, 0, n);
	return p->arena + at;
}

static int load(struct fw_parser *p, const struct fw_ext *ext, struct fw_place place)
{
	struct fw_use *use = ext->target ? &p->target : &p->matches[p->n_matches];
	struct fw_parse_ctx ctx;
	void *data;

	data = p->n_matches < FW_MAX_MATCHES || ext->target ? arena_take(p, ext->size) : NULL;
	if (!data) {
		fw_fail(p->err, FW_ERR_LIMIT, "a rule may not have so many matches");
		fw_err_hint(p->err, "split it: let a rule with the first matches jump to a chain");
		fw_err_at(p->err, 0, place.column, place.length);
		return -EINVAL;
	}
	*use = (struct fw_use){.ext = ext, .data = data, .size = ext->size};
	p->loaded[p->n_loaded++] = ext->target ? FW_LOADED_TARGET : p->n_matches;
	p->n_matches += !ext->target;
	if (ext->init) {
		fw_parse_ctx_make(p, &ctx);
		ext->init(&ctx, use);
	}
	return 0;
}

int fw_parse_load(struct fw_parser *p, const char *name, bool target, struct fw_place place)
{
	const struct fw_ext *ext;

	if (!target)
		name = fw_match_alias(name, p->family);
	ext = fw_ext_find(name, target, p->family);
	if (!target && strlen(name) > FW_CHAIN_MAX)
		return fw_parse_bad(p, place, "Invalid match name \"%s\" (%u chars max)", name,
				    FW_CHAIN_MAX);
	return ext ? load(p, ext, place) : no_such(p, name, target, place);
}

const struct fw_ext *fw_parse_proto_match(const struct fw_parser *p)
{
	const char *name = p->proto_word;
	uint64_t number;

	if (name && fw_text_uint(name, 255, &number) == 0)
		name = fw_proto_own_name((uint8_t)number);
	return name ? fw_ext_find(fw_match_alias(name, p->family), false, p->family) : NULL;
}

/* -p tcp says so quietly: the match is loaded when the first option of it appears. */
static int load_proto(struct fw_parser *p)
{
	const struct fw_ext *ext = fw_parse_proto_match(p);

	if (!ext || p->proto_tried)
		return 1;
	p->proto_tried = true;
	return load(p, ext, p->opt_place);
}

static struct fw_use *use_at(struct fw_parser *p, unsigned int i)
{
	return p->loaded[i] == FW_LOADED_TARGET ? &p->target : &p->matches[p->loaded[i]];
}

static bool is_name(const char *have, const char *name, size_t len)
{
	return have && have[0] == name[0] && !strncmp(have, name, len) && !have[len];
}

static const struct fw_opt *find_exact(struct fw_parser *p, const char *name, size_t len,
				       struct fw_use **use)
{
	for (unsigned int i = p->n_loaded; i-- > 0;) {
		*use = use_at(p, i);
		for (const struct fw_opt *o = (*use)->ext->opts; o && o->name; o++)
			if (is_name(o->name, name, len) || is_name(o->alias, name, len))
				return o;
	}
	return NULL;
}

/* A beginning that only one option has; NULL when none has, or several. */
static const struct fw_opt *find_prefix(struct fw_parser *p, const char *name, size_t len,
					struct fw_use **use)
{
	const struct fw_opt *found = NULL;

	for (unsigned int i = p->n_loaded; i-- > 0;) {
		struct fw_use *u = use_at(p, i);

		for (const struct fw_opt *o = u->ext->opts; o && o->name; o++) {
			if (strncmp(o->name, name, len) &&
			    (!o->alias || strncmp(o->alias, name, len)))
				continue;
			if (found)
				return NULL;
			found = o;
			*use = u;
		}
	}
	return found;
}

static int needs_word(struct fw_parser *p)
{
	return fw_parse_bad(p, p->opt_place, "option \"%s\" requires an argument", p->opt_text);
}

/* The words that follow an option: from --name=VALUE, or the next ones. */
static int take_words(struct fw_parser *p, const struct fw_opt *opt, const char *value,
		      const char *words[8])
{
	unsigned int want = fw_opt_words(opt), have = 0;

	if (value) {
		if (!want)
			return fw_parse_bad(p, p->opt_place, "unknown option \"%s\"", p->opt_text);
		words[have++] = value;
	} else if (want && p->at < p->n && !strcmp(p->words[p->at], "!") &&
		   opt->flags & FW_OPT_NOT && p->at + 1 < p->n) {
		if (p->invert)
			return fw_parse_bad(p, fw_parse_place(p, p->at),
					    "Multiple `!' flags not allowed");
		p->invert = true; /* --option ! value, the old way */
		p->at++;
	}
	while (have < want && have < 8) {
		if (p->at >= p->n && !have)
			return needs_word(p);
		if (have && (p->at >= p->n || strchr("-!", p->words[p->at][0])))
			return fw_parse_bad(p, fw_parse_place(p, p->at), "--%s requires two args.",
					    opt->name);
		if (have == 0)
			p->arg_place = fw_parse_place(p, p->at);
		words[have++] = p->words[p->at++];
	}
	return 0;
}

static int take(struct fw_parser *p, struct fw_use *use, const struct fw_opt *opt,
		const char *value)
{
	const char *words[8] = {NULL};
	struct fw_parse_ctx ctx;
	int r;

	p->arg_place = p->opt_place;
	r = take_words(p, opt, value, words);
	if (r < 0)
		return r;
	fw_parse_ctx_make(p, &ctx);
	r = fw_opt_take(&ctx, use, opt, p->invert, words, p->err);
	if (r < 0)
		fw_err_at(p->err, 0, p->arg_place.column, p->arg_place.length);
	p->invert = false;
	return r;
}

int fw_parse_ext_option(struct fw_parser *p, const char *name, size_t len, const char *value)
{
	const struct fw_opt *opt;
	struct fw_use *use;
	bool ambiguous;
	int r;

	opt = find_exact(p, name, len, &use);
	if (!opt && fw_base_by_prefix(name, len, &ambiguous))
		return 1; /* a shortened option of iptables' own */
	if (!opt)
		opt = find_prefix(p, name, len, &use);
	if (opt)
		return take(p, use, opt, value);
	r = load_proto(p);
	return r ? r : fw_parse_ext_option(p, name, len, value);
}
