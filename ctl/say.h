/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals told to a person (fwctl) or to a script (the iptables names). */
#ifndef FWCTL_SAY_H
#define FWCTL_SAY_H

#include "ctl.h"

/* The command as it was typed, on one line, and where each of ctl->argv stands in it. */
struct ctl_typed {
	struct fw_buf line;
	uint32_t *columns; /* 1-based bytes; ctl->argc of them */
};

/* 0, or -1 out of memory (nothing to deinit then). */
int ctl_typed_init(struct ctl_typed *t, const struct ctl *ctl);
void ctl_typed_deinit(struct ctl_typed *t);

/* A daemon's refusal of `text`, which was made from the words of ctl: point at the word meant. */
void ctl_typed_place(const struct ctl_typed *t, const struct ctl *ctl, const char *text, size_t len,
		     struct fw_err *err);

/* Point at the first of ctl's words that is `word`, unless a place is known. */
void ctl_typed_word(const struct ctl_typed *t, const struct ctl *ctl, const char *word,
		    struct fw_err *err);

/*
 * Each prints one refusal to stderr and returns its exit code.
 *
 * ctl_say      no place
 * ctl_say_cmd  of a command line; err's place is in t (or none)
 * ctl_say_text of restore text; err's place is in text, `file` its name (NULL: standard input)
 */
int ctl_say(const struct ctl *ctl, const struct fw_err *err);
int ctl_say_cmd(const struct ctl *ctl, const struct fw_err *err, const struct ctl_typed *t);
int ctl_say_text(const struct ctl *ctl, const struct fw_err *err, const char *file,
		 const char *text, size_t len);

/* The same into a buffer (tests). */
void ctl_format_cmd(const struct ctl *ctl, const struct fw_err *err, const struct ctl_typed *t,
		    struct fw_buf *out);
void ctl_format_text(const struct ctl *ctl, const struct fw_err *err, const char *file,
		     const char *text, size_t len, struct fw_buf *out);

/* Wrong use of a program: "PROG: TEXT" and where to read more; returns 2. */
int ctl_usage(const struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The 1-based line of a text, without its newline; *len set.  "" beyond the end. */
const char *ctl_text_line(const char *text, size_t text_len, uint32_t line, size_t *len);

#endif
