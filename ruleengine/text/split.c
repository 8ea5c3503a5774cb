/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line into words, as iptables-restore splits it: blanks separate; "…" keeps blanks, and \ inside
 * it takes the next character as it is; a closing quote ends the word.  Unlike iptables-restore a
 * pair of quotes with nothing between is a word, so that every comment that can be saved can be
 * read again.
 */
#include <errno.h>
#include <string.h>

#include "fw/text.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The word that begins at *from; moves *from behind it and writes it, unquoted, to *to. */
static int one_word(char **from, char **to)
{
	char *in = *from, *out = *to;
	bool quoted = false;

	for (; *in; in++) {
		if (quoted) {
			if (*in == '"') {
				in++;
				quoted = false;
				break;
			}
			if (*in == '\\' && in[1])
				in++;
			*out++ = *in;
			continue;
		}
		if (*in == '"') {
			quoted = true;
			continue;
		}
		if (blank(*in))
			break;
		*out++ = *in;
	}
	*from = in;
	*to = out;
	return quoted ? -EINVAL : 0;
}

int fw_split(char *line, const char **words, uint32_t *columns, size_t max, struct fw_err *err)
{
	char *in = line, *out = line;
	size_t n = 0;

	for (;;) {
		char *start = out, *at;

		while (blank(*in))
			in++;
		if (!*in)
			return (int)n;
		at = in;
		if (n == max) {
			fw_fail(err, FW_ERR_LIMIT, "more than %zu words in one line", max);
			fw_err_words(err, "Parser cannot handle more arguments");
			fw_err_at(err, 0, (uint32_t)(at - line + 1), 1);
			return -EINVAL;
		}
		columns[n] = (uint32_t)(at - line + 1);
		if (one_word(&in, &out) < 0) {
			fw_fail(err, FW_ERR_USAGE, "a quote is opened here and never closed");
			fw_err_at(err, 0, columns[n], (uint32_t)(in - at));
			return -EINVAL;
		}
		words[n++] = start;
		if (!*in) {
			*out = '\0';
			return (int)n;
		}
		/* The word's NUL may fall on the blank that ended it: step over that first. */
		if (out == in)
			in++;
		*out++ = '\0';
	}
}
