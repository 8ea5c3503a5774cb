/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals told.
 *
 * fwctl tells a person: what is wrong, the line it is in, a caret under the word, what to do.
 *
 *	fwctl: tcp: --dport: '70000' is not in 0..65535
 *	  fwctl -A INPUT -p tcp --dport 70000 -j ACCEPT
 *	                                ^~~~~
 *
 * The iptables names tell scripts, which compare texts: exactly iptables' words and nothing
 * after them (drop.c).
 */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drop.h"

#define SHOWN_MAX 160 /* bytes of a line that are shown around the caret */

static bool is_plain(const char *s)
{
	return *s &&
		strspn(s,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		       "-_./:,+=@%!^") == strlen(s);
}

static void add_shell_word(struct fw_buf *b, const char *s)
{
	if (is_plain(s)) {
		fw_buf_str(b, s);
		return;
	}
	fw_buf_char(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			fw_buf_str(b, "'\\''");
		else
			fw_buf_char(b, *s);
	}
	fw_buf_char(b, '\'');
}

int ctl_typed_init(struct ctl_typed *t, const struct ctl *ctl)
{
	*t = (struct ctl_typed){.line = FW_BUF_INIT};
	t->columns = calloc((size_t)ctl->argc + 1, sizeof(*t->columns));
	if (!t->columns)
		return -1;
	fw_buf_str(&t->line, ctl->called);
	if (ctl->verb) {
		fw_buf_char(&t->line, ' ');
		fw_buf_str(&t->line, ctl->verb);
	}
	for (int i = 0; i < ctl->argc; i++) {
		fw_buf_char(&t->line, ' ');
		t->columns[i] = (uint32_t)t->line.len + 1;
		add_shell_word(&t->line, ctl->argv[i]);
	}
	return 0;
}

void ctl_typed_deinit(struct ctl_typed *t)
{
	fw_buf_deinit(&t->line);
	free(t->columns);
	t->columns = NULL;
}

const char *ctl_text_line(const char *text, size_t text_len, uint32_t line, size_t *len)
{
	const char *s = text, *end = text + text_len, *nl;

	for (; line > 1 && s < end; line--) {
		nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			s = end;
		else
			s = nl + 1;
	}
	nl = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;
	*len = (size_t)((nl ? nl : end) - s);
	return s;
}

void ctl_typed_place(const struct ctl_typed *t, const struct ctl *ctl, const char *text, size_t len,
		     struct fw_err *err)
{
	size_t line_len, n;
	const char *line = ctl_text_line(text, len, err->line, &line_len);
	uint32_t at = err->column;

	err->column = 0;
	err->line = 0;
	if (!at || at > line_len)
		return;
	line += at - 1;
	line_len -= at - 1;
	n = err->length && err->length <= line_len ? err->length : strcspn(line, " \n");
	for (int i = 0; i < ctl->argc; i++) {
		if (strlen(ctl->argv[i]) == n && memcmp(ctl->argv[i], line, n) == 0) {
			err->column = t->columns[i];
			err->length = (uint32_t)n;
			return;
		}
	}
}

void ctl_typed_word(const struct ctl_typed *t, const struct ctl *ctl, const char *word,
		    struct fw_err *err)
{
	for (int i = 0; !err->column && i < ctl->argc; i++) {
		if (strcmp(ctl->argv[i], word))
			continue;
		err->column = t->columns[i];
		err->length = (uint32_t)strlen(word);
	}
}

static bool is_char_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The line, cut to what surrounds the word, and the caret below it. */
static void add_pointed(struct fw_buf *out, const char *line, size_t len, uint32_t column,
			uint32_t length)
{
	size_t from = 0, n, at = column ? column - 1 : 0;

	if (len > SHOWN_MAX && at > SHOWN_MAX / 2)
		from = at - SHOWN_MAX / 2;
	while (from && from < len && !is_char_start(line[from]))
		from--;
	n = len - from > SHOWN_MAX ? SHOWN_MAX : len - from;
	fw_buf_str(out, from ? " …" : "  ");
	for (size_t i = from; i < from + n; i++)
		fw_buf_char(out, (unsigned char)line[i] < ' ' || line[i] == 0x7f ? ' ' : line[i]);
	if (from + n < len)
		fw_buf_str(out, "…");
	fw_buf_char(out, '\n');
	if (!column || at > len)
		return;
	fw_buf_str(out, "  ");
	for (size_t i = from; i < at; i++)
		if (i >= len || is_char_start(line[i]))
			fw_buf_char(out, ' ');
	fw_buf_char(out, '^');
	for (size_t i = at + 1; i < at + length && i < from + n; i++)
		if (is_char_start(line[i]))
			fw_buf_char(out, '~');
	fw_buf_char(out, '\n');
}

static void add_hint(const struct fw_err *err, struct fw_buf *out)
{
	if (err->hint[0])
		fw_buf_fmt(out, "hint: %s\n", err->hint);
}

void ctl_format_cmd(const struct ctl *ctl, const struct fw_err *err, const struct ctl_typed *t,
		    struct fw_buf *out)
{
	if (ctl->drop_in) {
		ctl_drop_format(ctl, err, false, out);
		return;
	}
	fw_buf_fmt(out, "%s: %s\n", ctl->prog, err->msg);
	if (t && err->column)
		add_pointed(out, fw_buf_cstr(&t->line), t->line.len, err->column, err->length);
	add_hint(err, out);
}

void ctl_format_text(const struct ctl *ctl, const struct fw_err *err, const char *file,
		     const char *text, size_t len, struct fw_buf *out)
{
	size_t line_len;
	const char *line;

	if (ctl->drop_in) {
		ctl_drop_format(ctl, err, true, out);
		return;
	}
	if (!err->line) {
		fw_buf_fmt(out, "%s: %s\n", ctl->prog, err->msg);
		add_hint(err, out);
		return;
	}
	fw_buf_fmt(out, "%s:%u:", file ? file : "stdin", err->line);
	if (err->column)
		fw_buf_fmt(out, "%u:", err->column);
	fw_buf_fmt(out, " %s\n", err->msg);
	line = ctl_text_line(text, len, err->line, &line_len);
	if (line_len)
		add_pointed(out, line, line_len, err->column, err->length);
	add_hint(err, out);
}

static int put(struct fw_buf *out, const struct fw_err *err)
{
	fputs(fw_buf_ok(out) ? fw_buf_cstr(out) : "out of memory\n", stderr);
	fw_buf_deinit(out);
	return fw_err_exit_code(err->code);
}

int ctl_say(const struct ctl *ctl, const struct fw_err *err)
{
	return ctl_say_cmd(ctl, err, NULL);
}

int ctl_say_cmd(const struct ctl *ctl, const struct fw_err *err, const struct ctl_typed *t)
{
	struct fw_buf out = FW_BUF_INIT;

	ctl_format_cmd(ctl, err, t, &out);
	return put(&out, err);
}

int ctl_say_text(const struct ctl *ctl, const struct fw_err *err, const char *file,
		 const char *text, size_t len)
{
	struct fw_buf out = FW_BUF_INIT;
	int r;

	ctl_format_text(ctl, err, file, text, len, &out);
	r = put(&out, err);
	return ctl->drop_in ? ctl_drop_exit_code(err, true) : r;
}

int ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", ctl->prog);
	if (ctl->verb)
		fprintf(stderr, "%s: ", ctl->verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nhint: %s help%s%s\n", ctl->prog, ctl->verb ? " " : "",
		ctl->verb ? ctl->verb : "");
	return 2;
}
