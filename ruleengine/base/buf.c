/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The printers' growing buffer (fw/buf.h). */
#include "fw/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fw_buf_deinit(struct fw_buf *b)
{
	free(b->data);
	*b = (struct fw_buf)FW_BUF_INIT;
}

bool fw_buf_ok(const struct fw_buf *b)
{
	return !b->failed;
}

void fw_buf_reset(struct fw_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

bool fw_buf_reserve(struct fw_buf *b, size_t n)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (b->cap - b->len > n)
		return true;
	if (n >= SIZE_MAX / 2 - b->len)
		goto fail;
	need = b->len + n + 1;
	cap = b->cap ? b->cap : 128;
	while (cap < need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		goto fail;
	b->data = data;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

void fw_buf_add(struct fw_buf *b, const void *data, size_t len)
{
	if (!fw_buf_reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void fw_buf_str(struct fw_buf *b, const char *s)
{
	fw_buf_add(b, s, strlen(s));
}

void fw_buf_char(struct fw_buf *b, char c)
{
	fw_buf_add(b, &c, 1);
}

void fw_buf_u64(struct fw_buf *b, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	fw_buf_add(b, digits + i, sizeof(digits) - i);
}

void fw_buf_fmt(struct fw_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!fw_buf_reserve(b, 127))
		return;
	va_start(ap, fmt);
	n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n >= b->cap - b->len) {
		if (!fw_buf_reserve(b, (size_t)n)) {
			b->data[b->len] = '\0';
			return;
		}
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

const char *fw_buf_cstr(const struct fw_buf *b)
{
	return b->data ? b->data : "";
}
