/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person or a script must know about a refusal.
 *
 * Functions that take a struct fw_err return 0 when fine and a negative errno-like value when
 * not; with -EINVAL (the text or the request was wrong) the struct says what, where and what to
 * do.  It is filled once, at the lowest point that knows both the place and the object.
 */
#ifndef FW_ERR_H
#define FW_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Kinds of refusal.  The drop-in commands translate a kind into iptables' exit code and wording
 * (fw_err_exit_code(), fw_err_iptables()); new kinds are added at the end, before N.
 */
enum fw_err_code {
	FW_ERR_NONE,
	FW_ERR_USAGE,        /* bad word, option or value: exit 2 */
	FW_ERR_NO_CHAIN,     /* the chain a command or a target names does not exist: 1 */
	FW_ERR_CHAIN_EXISTS, /* -N: 1 */
	FW_ERR_RENAME_EXISTS,/* -E to a name that is taken: 1 */
	FW_ERR_NO_RULE,      /* -D/-C of a rule that is not there: 1 */
	FW_ERR_DEL_INDEX,    /* -D n, -Z n beyond the end: 1 */
	FW_ERR_INS_INDEX,    /* -I n: 1 */
	FW_ERR_REP_INDEX,    /* -R n: 1 */
	FW_ERR_IN_USE,       /* -X of a chain that rules jump to: 1 */
	FW_ERR_NOT_EMPTY,    /* -X of a chain with rules: 1 */
	FW_ERR_BUILTIN,      /* -X/-E of a built-in chain: 1 */
	FW_ERR_NOT_BUILTIN,  /* -P of a user chain: 1 */
	FW_ERR_BAD_POLICY,   /* -P INPUT FOO: 1 */
	FW_ERR_LOOP,         /* jumps in a circle, or too deep: 1 */
	FW_ERR_PLACE,        /* a match or target where it may not stand: 1 */
	FW_ERR_NO_TABLE,     /* 3 */
	FW_ERR_NO_EXT,       /* no such match or target: 2 */
	FW_ERR_NAME,         /* a host, service or protocol name nobody could resolve: 2 */
	FW_ERR_COMMIT,       /* restore text ends without COMMIT: 1 */
	FW_ERR_LIMIT,        /* a documented limit would be exceeded: 1 */
	FW_ERR_RESOURCE,     /* memory, disk, no daemon: 4 */
	FW_ERR_PERM,         /* peer may not do this: 4 */
	FW_ERR_UNSUPPORTED,  /* known to iptables, cannot be enforced from a queue: 2 */
	FW_N_ERR_CODES
};

struct fw_err {
	enum fw_err_code code;
	uint32_t line;    /* 1-based line of the text; 0: no place */
	uint32_t column;  /* 1-based byte column of the word; 0: the whole line */
	uint32_t length;  /* bytes of the word, for the caret; 0: one */
	char msg[384];    /* what is wrong, with the object and the value; one line, no full stop */
	char hint[384];   /* what to do; may be empty */
	char words[256];  /* for FW_ERR_USAGE..: the exact words iptables uses, where scripts match
	                   * on them; empty: fw_err_iptables() makes them from the code */
};

#define FW_ERR_INIT {.code = FW_ERR_NONE}

/* Fill msg (and keep the place).  Each returns -EINVAL, so that callers can `return fw_fail(…)`.
 * err may be NULL: then only the return value speaks.  A struct that already has a code keeps
 * its first message. */
int fw_fail(struct fw_err *err, enum fw_err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Set the hint, the iptables words; no-ops when err is NULL or holds no error. */
void fw_err_hint(struct fw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fw_err_words(struct fw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Set the place unless one is set. */
void fw_err_at(struct fw_err *err, uint32_t line, uint32_t column, uint32_t length);

/* Stable lower-case word for the wire ("no-chain"), and back; unknown word: FW_ERR_USAGE. */
const char *fw_err_code_name(enum fw_err_code code);
enum fw_err_code fw_err_code_by_name(const char *name);

/* iptables' exit code for this kind, 1 to 4, and its wording without program prefix.
 * fw_err_iptables() returns err->words when set; never NULL. */
int fw_err_exit_code(enum fw_err_code code);
const char *fw_err_iptables(const struct fw_err *err);

#endif
