/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing byte buffer for printers.  Out of memory is sticky: append goes on doing nothing and
 * the one check stands at the end (fw_buf_ok), so printers stay readable.
 */
#ifndef FW_BUF_H
#define FW_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_buf {
	char *data; /* NUL-terminated once something was appended; NULL when empty and new */
	size_t len, cap;
	bool failed;
};

#define FW_BUF_INIT {.data = NULL}

void fw_buf_deinit(struct fw_buf *b);
bool fw_buf_ok(const struct fw_buf *b);
/* Empty it, keep the memory. */
void fw_buf_reset(struct fw_buf *b);
/* Room for n more bytes and a NUL; false when out of memory. */
bool fw_buf_reserve(struct fw_buf *b, size_t n);
void fw_buf_add(struct fw_buf *b, const void *data, size_t len);
void fw_buf_str(struct fw_buf *b, const char *s);
void fw_buf_char(struct fw_buf *b, char c);
void fw_buf_u64(struct fw_buf *b, uint64_t value);
void fw_buf_fmt(struct fw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, never NULL. */
const char *fw_buf_cstr(const struct fw_buf *b);

#endif
