/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iptables language: words to commands and rules, rules to words.
 */
#ifndef FW_TEXT_H
#define FW_TEXT_H

#include "fw/ruleset.h"

/* One command, from a command line or a line of restore text. */
enum fw_cmd_op {
	FW_CMD_NONE,
	FW_CMD_APPEND, FW_CMD_CHECK, FW_CMD_DELETE, FW_CMD_DELETE_NUM, FW_CMD_INSERT,
	FW_CMD_REPLACE, FW_CMD_LIST, FW_CMD_LIST_RULES, FW_CMD_FLUSH, FW_CMD_ZERO,
	FW_CMD_NEW_CHAIN, FW_CMD_DELETE_CHAIN, FW_CMD_POLICY, FW_CMD_RENAME,
	FW_CMD_HELP, FW_CMD_VERSION,
	FW_N_CMDS
};

#define FW_CMD_F_NUMERIC   0x01 /* -n */
#define FW_CMD_F_VERBOSE   0x02 /* -v (count in cmd->verbose) */
#define FW_CMD_F_EXACT     0x04 /* -x */
#define FW_CMD_F_NUMBERS   0x08 /* --line-numbers */
#define FW_CMD_F_ZERO      0x10 /* -Z beside -L or -S */
#define FW_CMD_F_COUNTERS  0x20 /* -c P B was given */
#define FW_CMD_F_ZERO_RULE 0x80 /* … and -Z named the rule: it alone is zeroed, else the chain */
#define FW_CMD_F_OTHER_FAMILY 0x40 /* -4/-6 says: not for this family, skip (restore only) */

struct fw_cmd {
	enum fw_cmd_op op;
	unsigned int flags, verbose;
	enum fw_family family;
	enum fw_table_id table;
	bool table_given;
	char chain[FW_NAME_SIZE];    /* "" where the command may stand without (all chains) */
	char other[FW_NAME_SIZE];    /* -E: new name; -P: policy word */
	uint32_t number;             /* -I (default 1), -D, -R, -Z, -L, -S; 0: none given */
	char target[FW_NAME_SIZE];   /* -j/-g word when it is a chain; "" otherwise */
	/* the rules: one, or the product of the addresses given.  Owned by the command.  In a
	 * rule whose target is a chain, `jump` is not set yet (the name is in `target`). */
	struct fw_rule **rules;
	size_t n_rules;
	struct fw_counters counters; /* -c */
	const struct fw_ext *help_ext[16]; /* HELP: extensions whose help to append */
	size_t n_help;
};

/*
 * Parse words (argv without the program's name, or a restore line's).  columns[i] is the 1-based
 * byte column of words[i] for errors (NULL: 1 + lengths, as if joined by single spaces).
 *
 * @restore  true: a restore line (-t is refused; -4/-6 make OTHER_FAMILY)
 * @resolver NULL: names are errors of kind FW_ERR_NAME
 *
 * Usage errors carry iptables' own sentence, too (err->words).  On success the caller
 * calls fw_cmd_deinit().
 */
int fw_cmd_parse(struct fw_cmd *cmd, enum fw_family family, size_t n, const char *const *words,
		 const uint32_t *columns, bool restore, const struct fw_resolver *resolver,
		 struct fw_err *err);
void fw_cmd_deinit(struct fw_cmd *cmd);

/* The command as one canonical, numeric restore line per rule ("-A INPUT -s 10.0.0.0/8 -j DROP"),
 * each ended by a newline; what a client sends. */
void fw_cmd_print(const struct fw_cmd *cmd, struct fw_buf *out);

/*
 * Split a line of restore text into words in place: quotes, escapes, "[p:b]" prefix left as a
 * word.  words and columns have room for max.  Returns the number, or -EINVAL with err.
 */
int fw_split(char *line, const char **words, uint32_t *columns, size_t max, struct fw_err *err);

/* " -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT": a rule after "-A CHAIN". */
void fw_rule_print(const struct fw_rule *rule, const struct fw_table *table, struct fw_buf *out);
/* What its -j or -g says; "" when it has none (or is one of a chain, and no table is given). */
const char *fw_rule_target_name(const struct fw_rule *rule, const struct fw_table *table);

#define FW_SAVE_COUNTERS 0x01 /* -c */
#define FW_SAVE_ALL      0x02 /* untouched tables too */
/*
 * iptables-save's text of one table: "*filter" … "COMMIT", without the two comment lines around
 * it (they carry a program name and a date: the caller's).
 */
void fw_save_table(const struct fw_table *table, unsigned int flags, struct fw_buf *out);
/* All touched tables of a family, in save's order (mangle? see the body), no comment lines. */
void fw_save(const struct fw_ruleset *rs, enum fw_family family, unsigned int flags,
	     struct fw_buf *out);

/* `iptables -L` and `-S` of a table; chain "" : all; number 0: all rules. */
struct fw_list_opts {
	unsigned int flags;     /* FW_CMD_F_NUMERIC, VERBOSE, EXACT, NUMBERS */
	const char *chain;
	uint32_t number;
	/* names for addresses without -n; NULL: numeric.  0, or -1 */
	int (*host_name)(void *priv, enum fw_family family, const union fw_addr *addr, char *ret,
			 size_t size);
	void *priv;
};
int fw_list_table(const struct fw_table *table, const struct fw_list_opts *opts, struct fw_buf *out,
		  struct fw_err *err);
int fw_list_rules(const struct fw_table *table, const struct fw_list_opts *opts, struct fw_buf *out,
		  struct fw_err *err);
/* What -v prints for a rule that -A, -I, -C … name ("ACCEPT  tcp opt -- in * out *  …"). */
void fw_list_verbose_rule(const struct fw_rule *rule, const char *chain_target,
			  enum fw_family family, bool numeric, struct fw_buf *out);

#endif
