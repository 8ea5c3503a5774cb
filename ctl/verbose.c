/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What restore -v prints: a rare wish, so all of its work is here and none of it in the daemon,
 * which is asked once more for the chains that were there before.
 */
#include "verbose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "resolve.h"

#include "fw/text.h"

#define MAX_WORDS 1024

void ctl_verbose_chains(const struct ctl *ctl, struct fw_buf *ret)
{
	struct ctl_reply reply;
	const char *request = ctl->family == FW_IP4 ? "save 4 all" : "save 6 all";

	if (ctl_request(ctl, request, NULL, 0, &reply) == 0)
		fw_buf_add(ret, reply.body, reply.len);
	ctl_reply_deinit(&reply);
}

/* "DOING chain `NAME'" for the chains of the table that starts at "*NAME" in saved text. */
static void print_chains(const char *saved, const char *table, size_t table_len, bool users_only,
			 const char *doing)
{
	bool here = false;

	for (const char *s = saved, *nl; (nl = strchr(s, '\n')); s = nl + 1) {
		size_t n = strcspn(s, " \n");

		if (*s == '*')
			here = n - 1 == table_len && !memcmp(s + 1, table, table_len);
		else if (*s == ':' && here && (!users_only || !strncmp(s + n, " - ", 3)))
			printf("%s chain `%.*s'\n", doing, (int)n - 1, s + 1);
	}
}

static void print_rule(enum fw_family family, const char *s, size_t len)
{
	const char **words = calloc(MAX_WORDS, sizeof(*words));
	uint32_t *columns = calloc(MAX_WORDS, sizeof(*columns));
	char *copy = strndup(s, len);
	struct fw_buf out = FW_BUF_INIT;
	struct fw_err err = FW_ERR_INIT;
	struct fw_cmd cmd = {.op = FW_CMD_NONE};
	int n = 0, first;

	if (words && columns && copy)
		n = fw_split(copy, words, columns, MAX_WORDS, &err);
	first = n > 0 && words[0][0] == '[';
	if (n > first &&
	    fw_cmd_parse(&cmd, family, (size_t)(n - first), words + first, columns + first, true,
			 &ctl_resolver, &err) == 0) {
		for (size_t i = 0; i < cmd.n_rules; i++)
			fw_list_verbose_rule(cmd.rules[i], cmd.target, family,
					     cmd.flags & FW_CMD_F_NUMERIC, &out);
		fputs(fw_buf_cstr(&out), stdout);
		fw_cmd_deinit(&cmd);
	}
	fw_buf_deinit(&out);
	free(copy);
	free(columns);
	free(words);
}

static void print_line(const struct ctl *ctl, const char *s, size_t len, bool noflush, bool skipped,
		       const char *saved)
{
	size_t n = strcspn(s, " \t\n");

	if (*s == '#') {
		printf("%.*s\n", (int)len, s);
	} else if (skipped || *s == ':' || !len || !strncmp(s, "COMMIT", 6)) {
		return;
	} else if (*s == '*') {
		if (noflush)
			return;
		print_chains(saved, s + 1, n - 1, false, "Flushing");
		print_chains(saved, s + 1, n - 1, true, "Deleting");
	} else if (!noflush) {
		print_rule(ctl->family, s, len);
	}
}

void ctl_verbose_text(const struct ctl *ctl, const char *text, size_t len, bool noflush,
		      const char *only, const struct fw_buf *before, const struct fw_err *err)
{
	const char *end = text + len;
	bool skipped = false;
	uint32_t number = 0;

	for (const char *s = text, *nl; s < end; s = nl + 1) {
		nl = memchr(s, '\n', (size_t)(end - s));
		if (!nl)
			nl = end;
		number++;
		if (err->code != FW_ERR_NONE && (!err->line || number >= err->line))
			break;
		if (*s == '*' && only)
			skipped = strncmp(s + 1, only, strlen(only)) != 0 ||
				strcspn(s + 1, " \t\n") != strlen(only);
		print_line(ctl, s, (size_t)(nl - s), noflush, skipped, fw_buf_cstr(before));
	}
	fflush(stdout);
}
