/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reply of the daemon taken apart (fw/protocol.h): "ok" and a body, or "error LINE:COLUMN
 * MESSAGE" and one "key value" line for each further thing that is known.
 *
 * Unknown keys are skipped, so that a newer daemon may say more.
 */
#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(char *ret, size_t size, const char *s, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(ret, s, len);
	ret[len] = '\0';
}

/* The value when the line is "KEY VALUE". */
static const char *value_of(const char *line, size_t len, const char *key, size_t *value_len)
{
	size_t n = strlen(key);

	if (len <= n || memcmp(line, key, n) != 0 || line[n] != ' ')
		return NULL;
	*value_len = len - n - 1;
	return line + n + 1;
}

static void parse_place(struct fw_err *err, const char *s, size_t len)
{
	unsigned int line, column;
	char place[48];
	int used = 0;

	take(place, sizeof(place), s, len);
	if (sscanf(place, "%u:%u%n", &line, &column, &used) != 2 ||
	    (place[used] != ' ' && place[used] != '\0')) {
		take(err->msg, sizeof(err->msg), s, len);
		return;
	}
	err->line = line;
	err->column = column;
	if (place[used] == ' ')
		used++;
	take(err->msg, sizeof(err->msg), s + used, len - (size_t)used);
}

static void parse_extra(struct fw_err *err, const char *line, size_t len)
{
	char word[32];
	const char *v;
	size_t n;

	if ((v = value_of(line, len, "hint", &n))) {
		take(err->hint, sizeof(err->hint), v, n);
	} else if ((v = value_of(line, len, "words", &n))) {
		take(err->words, sizeof(err->words), v, n);
	} else if ((v = value_of(line, len, "code", &n))) {
		take(word, sizeof(word), v, n);
		err->code = fw_err_code_by_name(word);
		if (err->code == FW_ERR_NONE)
			err->code = FW_ERR_USAGE;
	} else if ((v = value_of(line, len, "length", &n))) {
		take(word, sizeof(word), v, n);
		err->length = (uint32_t)strtoul(word, NULL, 10);
	}
}

static int parse_error(struct ctl_reply *reply, const char *s, const char *end)
{
	struct fw_err *err = &reply->err;
	bool first = true;

	err->code = FW_ERR_USAGE;
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((nl ? nl : end) - s);

		if (first)
			parse_place(err, s + strlen("error "), len - strlen("error "));
		else
			parse_extra(err, s, len);
		first = false;
		s += len + 1;
	}
	return -EINVAL;
}

int ctl_reply_parse(struct ctl_reply *reply)
{
	const char *s = fw_buf_cstr(&reply->raw), *end = s + reply->raw.len;

	reply->err = (struct fw_err)FW_ERR_INIT;
	reply->body = end;
	reply->len = 0;
	if (strncmp(s, "ok", 2) == 0 && (s[2] == '\n' || s + 2 == end)) {
		if (s + 2 < end) {
			reply->body = s + 3;
			reply->len = (size_t)(end - s - 3);
		}
		return 0;
	}
	if (strncmp(s, "error ", 6) == 0)
		return parse_error(reply, s, end);
	fw_fail(&reply->err, FW_ERR_RESOURCE, "%s",
		s == end ? "the daemon closed the connection without an answer"
			 : "the daemon's answer is none that this fwctl understands");
	fw_err_hint(&reply->err, "%s",
		    s == end ? "its log says why: journalctl -u fwd"
			     : "is the socket fwd's, and of the same version?");
	return -EINVAL;
}

void ctl_reply_deinit(struct ctl_reply *reply)
{
	fw_buf_deinit(&reply->raw);
}
