/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and refusals (control/request.h). */
#include "control/request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void fwd_intake_deinit(struct fwd_intake *in)
{
	fw_buf_deinit(&in->text);
}

static int too_long(const struct fwd_intake *in, struct fw_err *err)
{
	if (in->lines)
		fw_fail(err, FW_ERR_LIMIT, "line %" PRIu32 " is longer than %d bytes", in->lines,
			FW_TEXT_LINE_MAX);
	else
		fw_fail(err, FW_ERR_LIMIT, "the request line is longer than %d bytes",
			FW_REQUEST_LINE_MAX);
	fw_err_at(err, in->lines, 1, 0);
	return -EINVAL;
}

int fwd_intake_add(struct fwd_intake *in, const char *data, size_t len, struct fw_err *err)
{
	struct fw_buf *text = &in->text;
	const char *nl;
	size_t at = text->len;

	if (len > FW_REQUEST_MAX - text->len)
		return fw_fail(err, FW_ERR_LIMIT, "the request is longer than %u bytes",
			       FW_REQUEST_MAX);
	if (memchr(data, '\0', len))
		return fw_fail(err, FW_ERR_USAGE, "a request is text, and this one has a NUL byte");
	fw_buf_add(text, data, len);
	if (!fw_buf_ok(text))
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory for the request");
	for (;;) {
		nl = memchr(text->data + at, '\n', text->len - at);
		at = nl ? (size_t)(nl - text->data) : text->len;
		if (at - in->line_at > (in->lines ? FW_TEXT_LINE_MAX : FW_REQUEST_LINE_MAX))
			return too_long(in, err);
		if (!nl)
			return 0;
		in->lines++;
		in->line_at = ++at;
	}
}

int fwd_request_parse(const struct fwd_intake *in, struct fwd_request *ret, struct fw_err *err)
{
	const char *text = fw_buf_cstr(&in->text), *nl = memchr(text, '\n', in->text.len);
	size_t len = nl ? (size_t)(nl - text) : in->text.len;
	char *word;

	if (len > FW_REQUEST_LINE_MAX)
		return too_long(in, err);
	memcpy(ret->line, text, len);
	ret->line[len] = '\0';
	ret->n_words = 0;
	ret->body = nl ? nl + 1 : text + len;
	ret->len = in->text.len - len - (nl ? 1 : 0);
	for (word = ret->line; *word; word += strcspn(word, " ")) {
		if (*word == ' ')
			*word++ = '\0';
		if (!*word || *word == ' ')
			continue;
		if (ret->n_words == FWD_REQUEST_WORDS) {
			fw_fail(err, FW_ERR_LIMIT, "the request line has more than %d words",
				FWD_REQUEST_WORDS);
			fw_err_at(err, 0, (uint32_t)(word - ret->line) + 1, 0);
			return -EINVAL;
		}
		ret->words[ret->n_words++] = word;
	}
	if (!ret->n_words)
		return fw_fail(err, FW_ERR_USAGE, "empty request");
	return 0;
}

/* Messages are one line by contract; whatever they quote must not break the reply's lines. */
static void add_line(struct fw_buf *out, const char *key, const char *text)
{
	fw_buf_str(out, key);
	for (; *text; text++)
		fw_buf_char(out, *text == '\n' || *text == '\r' ? ' ' : *text);
	fw_buf_char(out, '\n');
}

void fwd_reply_error(const struct fw_err *err, struct fw_buf *out)
{
	fw_buf_fmt(out, "error %" PRIu32 ":%" PRIu32 " ", err->line, err->column);
	add_line(out, "", err->msg);
	if (err->hint[0])
		add_line(out, "hint ", err->hint);
	fw_buf_fmt(out, "code %s\n", fw_err_code_name(err->code));
	if (err->length)
		fw_buf_fmt(out, "length %" PRIu32 "\n", err->length);
	if (err->words[0])
		add_line(out, "words ", err->words);
}
