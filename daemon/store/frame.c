/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of snapshot and journal (store/frame.h). */
#include "store/frame.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/tx.h"
#include "store/crc32c.h"

#define HEADER_MAX 256 /* bytes of a header line, newline included; far more than any has */
#define N_FIELDS   7

static const char *const kinds[] = {
	[FWD_FRAME_EDIT] = "edit",   [FWD_FRAME_RULES] = "rules", [FWD_FRAME_RECENT] = "recent",
	[FWD_FRAME_FLOWS] = "flows", [FWD_FRAME_END] = "end",
};
static_assert(FW_ARRAY_SIZE(kinds) == FWD_N_FRAME_KINDS, "a word for each kind");

static void print_flags(const struct fwd_frame *f, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s%s", f->flags & FW_TX_NOFLUSH ? "noflush," : "",
		 f->flags & FW_TX_COUNTERS ? "counters," : "", f->table[0] ? "table=" : "",
		 f->table);
	if (!ret[0])
		snprintf(ret, size, "-");
	else if (ret[strlen(ret) - 1] == ',')
		ret[strlen(ret) - 1] = '\0';
}

void fwd_frame_write(const struct fwd_frame *f, struct fw_buf *out)
{
	char flags[64 + FW_NAME_SIZE], header[HEADER_MAX];
	uint32_t crc;
	int n;

	print_flags(f, flags, sizeof(flags));
	n = snprintf(header, sizeof(header), "#fwd1 %" PRIu64 " %s %c %s %zu", f->seq,
		     kinds[f->kind], f->family == FW_IP6 ? '6' : '4', flags, f->len);
	assert(n > 0 && (size_t)n < sizeof(header));
	crc = fwd_crc32c(0, header, (size_t)n);
	crc = fwd_crc32c(crc, f->body, f->len);
	if (!fw_buf_reserve(out, (size_t)n + f->len + 16))
		return;
	fw_buf_add(out, header, (size_t)n);
	fw_buf_fmt(out, " %08" PRIx32 "\n", crc);
	fw_buf_add(out, f->body, f->len);
	fw_buf_char(out, '\n');
}

static bool read_number(const char *word, int base, uint64_t *ret)
{
	char *end;

	if (!((*word >= '0' && *word <= '9') || (base == 16 && *word >= 'a' && *word <= 'f')))
		return false;
	errno = 0;
	*ret = strtoull(word, &end, base);
	return !errno && !*end;
}

static bool read_kind(const char *word, enum fwd_frame_kind *ret)
{
	for (size_t i = 0; i < FWD_N_FRAME_KINDS; i++) {
		if (strcmp(kinds[i], word))
			continue;
		*ret = (enum fwd_frame_kind)i;
		return true;
	}
	return false;
}

static bool read_flags(char *words, struct fwd_frame *f)
{
	char *save = NULL;

	if (!strcmp(words, "-"))
		return true;
	for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (!strcmp(w, "noflush"))
			f->flags |= FW_TX_NOFLUSH;
		else if (!strcmp(w, "counters"))
			f->flags |= FW_TX_COUNTERS;
		else if (!strncmp(w, "table=", 6) && strlen(w + 6) < sizeof(f->table))
			strcpy(f->table, w + 6);
		else
			return false;
	}
	return true;
}

/* Cut the header at its blanks; true when it has exactly the fields it should have. */
static bool split(char *line, char *fields[N_FIELDS])
{
	size_t n = 0;
	char *save = NULL;

	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (n == N_FIELDS)
			return false;
		fields[n++] = w;
	}
	return n == N_FIELDS;
}

static bool read_header(char *line, struct fwd_frame *f, uint64_t *crc)
{
	char *w[N_FIELDS];
	uint64_t len;

	if (!split(line, w) || strcmp(w[0], "#fwd1"))
		return false;
	if (!read_number(w[1], 10, &f->seq) || !read_kind(w[2], &f->kind) || !read_flags(w[4], f) ||
	    !read_number(w[5], 10, &len) || !read_number(w[6], 16, crc))
		return false;
	if ((w[3][0] != '4' && w[3][0] != '6') || w[3][1])
		return false;
	f->family = w[3][0] == '6' ? FW_IP6 : FW_IP4;
	f->len = len;
	return true;
}

size_t fwd_frame_read(const char *data, size_t len, struct fwd_frame *ret, const char **why)
{
	struct fwd_frame f = {.body = NULL};
	char line[HEADER_MAX];
	const char *nl, *blank;
	uint64_t want;
	uint32_t crc;
	size_t head;

	nl = memchr(data, '\n', len < HEADER_MAX ? len : HEADER_MAX);
	*why = len < HEADER_MAX ? "the header line is cut short" : "no header line";
	if (!nl)
		return 0;
	head = (size_t)(nl - data);
	memcpy(line, data, head);
	line[head] = '\0';
	*why = "the header line is not one of fwd's";
	if (memchr(data, '\0', head) || !read_header(line, &f, &want))
		return 0;
	*why = "the body is cut short";
	if (f.len >= len - head - 1)
		return 0;
	f.body = nl + 1;
	blank = memrchr(data, ' ', head);
	crc = fwd_crc32c(0, data, (size_t)(blank - data));
	crc = fwd_crc32c(crc, f.body, f.len);
	*why = "the checksum does not match";
	if (crc != want || f.body[f.len] != '\n')
		return 0;
	*ret = f;
	return head + 1 + f.len + 1;
}
