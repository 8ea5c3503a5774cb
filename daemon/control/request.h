/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: taking in their bytes under limits, and cutting the first line into words.
 *
 * Pure: no sockets here, so that a fuzzer can be the client.  Limits are checked as bytes come, not
 * when the request is complete: a line of a gigabyte is refused after FW_TEXT_LINE_MAX bytes.
 */
#ifndef FWD_CONTROL_REQUEST_H
#define FWD_CONTROL_REQUEST_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/protocol.h"

#define FWD_REQUEST_WORDS 32

/* Bytes so far. */
struct fwd_intake {
	struct fw_buf text;
	size_t line_at; /* where the last line starts */
	uint32_t lines; /* newlines so far; 0: in the request line */
};
#define FWD_INTAKE_INIT             \
	{                           \
		.text = FW_BUF_INIT \
	}

struct fwd_request {
	char line[FW_REQUEST_LINE_MAX + 1]; /* cut into words */
	const char *words[FWD_REQUEST_WORDS];
	unsigned int n_words;
	const char *body; /* borrowed from the intake, NUL after it */
	size_t len;
};

/* Take the next bytes.  0, or -EINVAL with err: a limit is passed, or a byte that no text has.
 * The text is at most one call's bytes over a limit. */
int fwd_intake_add(struct fwd_intake *in, const char *data, size_t len, struct fw_err *err);
void fwd_intake_deinit(struct fwd_intake *in);

/* The client has half-closed: what does it ask?  0, or -EINVAL with err (column in the request
 * line; line 0). */
int fwd_request_parse(const struct fwd_intake *in, struct fwd_request *ret, struct fw_err *err);

/* The first lines of a refusal, as protocol.h says. */
void fwd_reply_error(const struct fw_err *err, struct fw_buf *out);

#endif
