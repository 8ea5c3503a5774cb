/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restore text with names turned into restore text without (see rewrite.h).
 *
 * This is the slow path of restore: the text is sent as it is first, and only when the daemon
 * answers that it found a name does the client read the lines.
 */
#include "rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fw/text.h"

#define MAX_WORDS 1024

struct line {
	char *buf; /* copy that fw_split() cuts up */
	const char *words[MAX_WORDS];
	uint32_t columns[MAX_WORDS];
	int n; /* words */
	int first; /* 1 behind a [p:b] prefix */
};

static bool add_line(struct ctl_rewrite *w, uint32_t from)
{
	uint32_t *lines;
	size_t cap;

	if (w->n_lines == w->cap) {
		cap = w->cap ? w->cap * 2 : 256;
		lines = reallocarray(w->lines, cap, sizeof(*lines));
		if (!lines)
			return false;
		w->lines = lines;
		w->cap = cap;
	}
	w->lines[w->n_lines++] = from;
	return true;
}

static int split(struct line *l, const char *s, size_t len)
{
	struct fw_err ignored = FW_ERR_INIT;

	l->buf = strndup(s, len);
	if (!l->buf)
		return -ENOMEM;
	l->n = fw_split(l->buf, l->words, l->columns, MAX_WORDS, &ignored);
	l->first = l->n > 0 && l->words[0][0] == '[';
	return l->n > l->first ? 0 : -EINVAL;
}

static int parse(struct fw_cmd *cmd, enum fw_family family, const struct line *l,
		 const struct fw_resolver *resolver, struct fw_err *err)
{
	return fw_cmd_parse(cmd, family, (size_t)(l->n - l->first), l->words + l->first,
			    l->columns + l->first, true, resolver, err);
}

/* The canonical lines of a command, each with the original's counter prefix. */
static int put_canonical(struct ctl_rewrite *w, const struct fw_cmd *cmd, const struct line *l,
			 uint32_t number)
{
	struct fw_buf b = FW_BUF_INIT;
	bool ok = true;

	fw_cmd_print(cmd, &b);
	for (const char *s = fw_buf_cstr(&b), *nl; ok && (nl = strchr(s, '\n')); s = nl + 1) {
		if (l->first) {
			fw_buf_str(&w->text, l->words[0]);
			fw_buf_char(&w->text, ' ');
		}
		fw_buf_add(&w->text, s, (size_t)(nl + 1 - s));
		ok = add_line(w, number);
	}
	ok = ok && fw_buf_ok(&b);
	fw_buf_deinit(&b);
	return ok ? 0 : -ENOMEM;
}

/* 1: the line has no names, copy it.  0: replaced.  Negative: error. */
static int try_line(struct ctl_rewrite *w, enum fw_family family, const char *s, size_t len,
		    uint32_t number, const struct fw_resolver *resolver, struct fw_err *err)
{
	struct fw_cmd cmd = {.op = FW_CMD_NONE};
	struct fw_err first = FW_ERR_INIT;
	struct line l;
	int r;

	r = split(&l, s, len);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		free(l.buf);
		return 1;
	}
	r = parse(&cmd, family, &l, NULL, &first);
	if (r == 0) {
		fw_cmd_deinit(&cmd);
		r = 1;
	} else if (r == -EINVAL && first.code != FW_ERR_NAME) {
		r = 1;
	} else if (r == -EINVAL) {
		cmd = (struct fw_cmd){.op = FW_CMD_NONE};
		r = parse(&cmd, family, &l, resolver, err);
		if (r == 0) {
			r = put_canonical(w, &cmd, &l, number);
			fw_cmd_deinit(&cmd);
		} else {
			err->line = number;
		}
	}
	free(l.buf);
	return r;
}

static bool is_command(const char *s, size_t len)
{
	return len && !strchr("#:*\n", *s) && !(len >= 6 && !memcmp(s, "COMMIT", 6));
}

int ctl_rewrite(struct ctl_rewrite *w, enum fw_family family, const char *text, size_t len,
		const struct fw_resolver *resolver, struct fw_err *err)
{
	const char *end = text + len;
	uint32_t number = 0;

	*w = (struct ctl_rewrite){.text = FW_BUF_INIT};
	for (const char *s = text, *nl; s < end; s = nl + 1) {
		int r = 1;

		nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			nl = end;
		number++;
		if (is_command(s, (size_t)(nl - s)))
			r = try_line(w, family, s, (size_t)(nl - s), number, resolver, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		fw_buf_add(&w->text, s, (size_t)(nl - s));
		if (nl < end)
			fw_buf_char(&w->text, '\n');
		if (!add_line(w, number))
			return -ENOMEM;
	}
	return fw_buf_ok(&w->text) ? 0 : -ENOMEM;
}

void ctl_rewrite_deinit(struct ctl_rewrite *w)
{
	fw_buf_deinit(&w->text);
	free(w->lines);
	*w = (struct ctl_rewrite){.text = FW_BUF_INIT};
}

void ctl_rewrite_place(const struct ctl_rewrite *w, struct fw_err *err)
{
	size_t n = err->line;

	if (!n)
		return;
	if (n > w->n_lines) { /* behind the last line: COMMIT is missing */
		err->line = w->n_lines ? w->lines[w->n_lines - 1] + 1 : 1;
		return;
	}
	err->line = w->lines[n - 1];
	/* a line that became several, or whose neighbour shows that it was replaced, has no
	 * columns in common with its original; one that was copied has */
	if ((n < w->n_lines && w->lines[n] == err->line) || (n > 1 && w->lines[n - 2] == err->line))
		err->column = 0;
}
