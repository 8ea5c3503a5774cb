/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser's inside: one pass over the words of a command, as getopt_long() would make it, with
 * option tables that grow while extensions are loaded.
 */
#ifndef FW_PARSE_H
#define FW_PARSE_H

#include "fw/text.h"
#include "model/tx.h"

#define FW_PARSE_ARENA 32768 /* bytes of options' data in one rule */
/* What no name may hold, because a line of restore text could not say it. */
#define FW_NOT_IN_NAMES " \t\n\r\v\f\""
#define FW_MAX_ADDRS   65536 /* rules that one command may make */

/* One address with its mask; a list of them as -s and -d take it. */
struct fw_net {
	union fw_addr addr, mask;
};
struct fw_nets {
	size_t n, cap;
	struct fw_net *list; /* room, or allocated */
	struct fw_net room[2];
};

/* Options of iptables itself. */
enum fw_base_arg { ARG_NONE, ARG_NEEDED, ARG_OPTIONAL };
struct fw_base_opt {
	const char *name;
	char letter; /* '0' --line-numbers and 'M' --modprobe have no short form */
	uint8_t arg; /* enum fw_base_arg */
};

struct fw_parser {
	/* what to parse */
	enum fw_family family;
	enum fw_table_id table;
	bool restore;
	const struct fw_resolver *resolver;
	size_t n;
	const char *const *words;
	const uint32_t *columns; /* NULL: as if joined by single spaces */
	struct fw_err *err;

	/* where we are */
	size_t at;          /* the next word */
	const char *bundle; /* rest of a word like -nvL */
	bool invert;
	const char *arg;    /* of the option at hand, and where it stands */
	struct fw_place arg_place, opt_place;
	char opt_text[64];  /* the option as the user wrote it */

	/* what was found */
	struct fw_cmd *cmd;
	struct fw_places *places;
	unsigned int options; /* OPT_* given */
	unsigned int commands;
	const char *table_word, *proto_word, *policy_word;
	const char *odd_name; /* what stands for a chain, but cannot be the name of one */
	struct fw_place table_place, src_place, dst_place, proto_place, out_place, in_place;
	bool proto_tried, done;
	const char *src_word, *dst_word;
	struct fw_generic gen;
	enum fw_verdict verdict;
	uint8_t n_matches;
	uint8_t loaded[FW_MAX_MATCHES + 1]; /* extensions in the order they came; TARGET: the target */
	uint8_t n_loaded;
	size_t arena_used;
	struct fw_use target;
	struct fw_use matches[FW_MAX_MATCHES];
	_Alignas(16) char arena[FW_PARSE_ARENA];
};
#define FW_LOADED_TARGET 0xff

/* Parse the words described by p's first part into cmd.  On failure cmd holds nothing. */
int fw_parse_run(struct fw_parser *p, struct fw_cmd *cmd, struct fw_places *places);

struct fw_place fw_parse_place(const struct fw_parser *p, size_t word);
/* A usage error at a place; its text is also what iptables says. */
int fw_parse_bad(struct fw_parser *p, struct fw_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What an option means, by its letter; p->arg is its value.  option.c, command.c, ruleopt.c. */
int fw_parse_option(struct fw_parser *p, char letter);
int fw_parse_command(struct fw_parser *p, char letter);
int fw_parse_rule_option(struct fw_parser *p, char letter);
/* Note an option that may be given once (OPT_*), and be negated only if `inv` (FW_INV_*) says so. */
int fw_parse_note(struct fw_parser *p, unsigned int opt, char letter, uint8_t inv);
/* A word that belongs to the option before it although getopt does not say so. */
bool fw_parse_has_word(const struct fw_parser *p);

/* base.c: iptables' own options.  By letter; by exact name; or all that begin with `name`. */
const struct fw_base_opt *fw_base_by_letter(char letter);
const struct fw_base_opt *fw_base_by_name(const char *name, size_t len);
const struct fw_base_opt *fw_base_by_prefix(const char *name, size_t len, bool *ambiguous);
const struct fw_base_opt *fw_base_list(size_t *n);

/* extopt.c: matches, targets and their options. */
int fw_parse_load(struct fw_parser *p, const char *name, bool target, struct fw_place place);
/* Take the extension option `name`; 1: there is none such (yet). */
int fw_parse_ext_option(struct fw_parser *p, const char *name, size_t len, const char *value);
void fw_parse_ctx_make(const struct fw_parser *p, struct fw_parse_ctx *ctx);
/* The match that -p implies; NULL: none. */
const struct fw_ext *fw_parse_proto_match(const struct fw_parser *p);
/* Names under which a protocol's match is known. */
const char *fw_match_alias(const char *name, enum fw_family family);

/* addr.c */
int fw_nets_parse(struct fw_parser *p, const char *word, struct fw_place place,
		  struct fw_nets *ret);
void fw_nets_deinit(struct fw_nets *nets);

/* finish.c: what can only be judged when all words are known; makes the rules. */
int fw_parse_finish(struct fw_parser *p);

/* proto.c */
int fw_proto_by_name(const char *name);       /* or -1 */
const char *fw_proto_name(uint8_t proto);     /* or NULL; "all" is 0 */
const char *fw_proto_own_name(uint8_t proto); /* only those that iptables knows by itself */

/* An unsigned number as xtables_strtoui() takes it (decimal, 0x, 0).  0 or -1. */
int fw_text_uint(const char *word, uint64_t max, uint64_t *ret);

/* -j's or -N's chain name: the rules for it.  0, or -EINVAL with err. */
int fw_chain_name_check(const char *name, enum fw_family family, struct fw_err *err);

#endif
