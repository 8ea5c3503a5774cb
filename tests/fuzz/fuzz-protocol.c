/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a control client sends, and what a damaged disk gives back, may be any bytes.
 *
 * First byte: how large the pieces are in which the rest arrives; the outcome must not depend on
 * it.  Then the same bytes are read as frames of a journal: whatever is accepted must be written
 * back as the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/request.h"
#include "store/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Take all of it in pieces of at most `step` bytes. */
static int feed(struct fwd_intake *in, const char *text, size_t len, size_t step,
		struct fw_err *err)
{
	int r = 0;

	for (size_t at = 0; at < len && !r; at += step)
		r = fwd_intake_add(in, text + at, len - at < step ? len - at : step, err);
	return r;
}

static void check_request(const struct fwd_request *req, const struct fwd_intake *in)
{
	require(req->n_words > 0 && req->n_words <= FWD_REQUEST_WORDS);
	for (unsigned int i = 0; i < req->n_words; i++) {
		require(req->words[i] >= req->line && *req->words[i]);
		require(!strchr(req->words[i], ' '));
	}
	require(req->body + req->len == in->text.data + in->text.len);
}

static void requests(const char *text, size_t len, size_t step)
{
	struct fwd_intake in = FWD_INTAKE_INIT, whole = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT, err2 = FW_ERR_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fwd_request req;
	int r = feed(&in, text, len, step, &err);

	require(r == feed(&whole, text, len, len ? len : 1, &err2));
	/* a NUL byte far behind a line that is too long may be found first in larger pieces */
	if (!r)
		r = fwd_request_parse(&in, &req, &err);
	if (!r) {
		check_request(&req, &in);
	} else {
		require(err.code != FW_ERR_NONE);
		fwd_reply_error(&err, &out);
		require(!strncmp(fw_buf_cstr(&out), "error ", 6));
	}
	fw_buf_deinit(&out);
	fwd_intake_deinit(&in);
	fwd_intake_deinit(&whole);
}

static void frames(const char *text, size_t len)
{
	const char *why = NULL;
	struct fwd_frame f;
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		struct fw_buf again = FW_BUF_INIT;

		n = fwd_frame_read(text + at, len - at, &f, &why);
		if (!n) {
			require(why && *why);
			return;
		}
		require(n <= len - at);
		fwd_frame_write(&f, &again);
		require(again.len <= n);
		fw_buf_deinit(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;
	size_t n;

	if (!size)
		return 0;
	n = size - 1;
	copy = malloc(n ? n : 1); /* of the exact size: a byte too far is seen */
	if (!copy)
		return 0;
	memcpy(copy, data + 1, n);
	requests(copy, n, data[0] % 64u + 1);
	frames(copy, n);
	free(copy);
	return 0;
}
