/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of control clients: limits while bytes come in, words, and refusals as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/request.h"

static int add(struct fwd_intake *in, const char *text, struct fw_err *err)
{
	return fwd_intake_add(in, text, strlen(text), err);
}

static void words_and_body(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fwd_request req;

	assert_int_equal(add(&in, "rest", &err), 0);
	assert_int_equal(add(&in, "ore 4  noflush\n*filter\n", &err), 0);
	assert_int_equal(add(&in, "COMMIT\n", &err), 0);
	assert_int_equal(fwd_request_parse(&in, &req, &err), 0);
	assert_int_equal(req.n_words, 3);
	assert_string_equal(req.words[0], "restore");
	assert_string_equal(req.words[1], "4");
	assert_string_equal(req.words[2], "noflush");
	assert_string_equal(req.body, "*filter\nCOMMIT\n");
	assert_int_equal(req.len, 15);
	fwd_intake_deinit(&in);
}

static void no_newline(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fwd_request req;

	assert_int_equal(add(&in, " ping ", &err), 0);
	assert_int_equal(fwd_request_parse(&in, &req, &err), 0);
	assert_int_equal(req.n_words, 1);
	assert_string_equal(req.words[0], "ping");
	assert_int_equal(req.len, 0);
	fwd_intake_deinit(&in);
}

static void empty(void **state)
{
	static const char *const texts[] = {"", "\n", "   \n", "\nsave\n"};

	for (size_t i = 0; i < 4; i++) {
		struct fwd_intake in = FWD_INTAKE_INIT;
		struct fw_err err = FW_ERR_INIT;
		struct fwd_request req;

		assert_int_equal(add(&in, texts[i], &err), 0);
		assert_true(fwd_request_parse(&in, &req, &err) < 0);
		assert_string_equal(err.msg, "empty request");
		fwd_intake_deinit(&in);
	}
}

static void too_many_words(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fwd_request req;

	for (int i = 0; i < FWD_REQUEST_WORDS; i++)
		assert_int_equal(add(&in, "a ", &err), 0);
	assert_int_equal(fwd_request_parse(&in, &req, &err), 0);
	assert_int_equal(req.n_words, FWD_REQUEST_WORDS);
	assert_int_equal(add(&in, "a", &err), 0);
	assert_true(fwd_request_parse(&in, &req, &err) < 0);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	assert_int_equal(err.column, 2 * FWD_REQUEST_WORDS + 1);
	fwd_intake_deinit(&in);
}

/* A line of n bytes after `before`; does the intake take it, byte by byte or in pieces? */
static bool takes(const char *before, size_t n, size_t step, struct fw_err *err)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	char *piece = malloc(step);
	int r;

	*err = (struct fw_err)FW_ERR_INIT;
	memset(piece, 'x', step);
	r = add(&in, before, err);
	for (size_t left = n; left && !r; left -= left < step ? left : step)
		r = fwd_intake_add(&in, piece, left < step ? left : step, err);
	free(piece);
	fwd_intake_deinit(&in);
	return !r;
}

static void long_lines(void **state)
{
	struct fw_err err;

	assert_true(takes("", FW_REQUEST_LINE_MAX, 1, &err));
	assert_false(takes("", FW_REQUEST_LINE_MAX + 1, 1, &err));
	assert_int_equal(err.line, 0);
	assert_true(takes("restore 4\n", FW_TEXT_LINE_MAX, 1000, &err));
	assert_false(takes("restore 4\n*filter\n", FW_TEXT_LINE_MAX + 1, 1000, &err));
	assert_int_equal(err.line, 2);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	assert_false(takes("restore 4\n", 1u << 30, 1u << 20, &err)); /* after the first piece */
	assert_int_equal(err.line, 1);
}

static void long_line_with_its_end(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;
	char line[FW_REQUEST_LINE_MAX + 2];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_true(fwd_intake_add(&in, line, sizeof(line), &err) < 0);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	fwd_intake_deinit(&in);
}

static void nul_byte(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;

	assert_true(fwd_intake_add(&in, "sa\0ve", 5, &err) < 0);
	assert_int_equal(err.code, FW_ERR_USAGE);
	fwd_intake_deinit(&in);
}

static void huge_request(void **state)
{
	struct fwd_intake in = FWD_INTAKE_INIT;
	struct fw_err err = FW_ERR_INIT;
	char piece[4] = "ab\n";

	/* as if so much had come already: the sum must not overflow, nor be let in */
	assert_int_equal(add(&in, "x\n", &err), 0);
	in.text.len = FW_REQUEST_MAX - 2;
	assert_true(fwd_intake_add(&in, piece, 3, &err) < 0);
	assert_int_equal(err.code, FW_ERR_LIMIT);
	in.text.len = 2;
	fwd_intake_deinit(&in);
}

static void refusals(void **state)
{
	struct fw_err err = {.code = FW_ERR_NO_CHAIN,
			     .line = 3,
			     .column = 4,
			     .length = 5,
			     .msg = "no chain\nX",
			     .hint = "make it",
			     .words = "one\ntwo"};
	struct fw_buf out = FW_BUF_INIT;

	fwd_reply_error(&err, &out);
	assert_string_equal(fw_buf_cstr(&out),
			    "error 3:4 no chain X\nhint make it\ncode no-chain\n"
			    "length 5\nwords one two\n");
	fw_buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_body), cmocka_unit_test(no_newline),
		cmocka_unit_test(empty),	  cmocka_unit_test(too_many_words),
		cmocka_unit_test(long_lines),	  cmocka_unit_test(long_line_with_its_end),
		cmocka_unit_test(nul_byte),	  cmocka_unit_test(huge_request),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
