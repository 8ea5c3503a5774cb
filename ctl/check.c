/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check FILE: what is wrong in a rules file, without a daemon and without rights.
 *
 * The language stops at the first mistake.  To find the others, the line with the mistake is
 * blanked out and the text is read again, until nothing is wrong or MAX_ERRORS were told.  A
 * mistake in a "*table" or ":chain" line would make every later line wrong as well, so those end
 * the search.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "list.h"
#include "say.h"
#include "textfile.h"

#define MAX_ERRORS 50

/* Blank the line out; false when the search should end there. */
static bool blank(char *text, size_t len, uint32_t number)
{
	size_t n;
	const char *line = ctl_text_line(text, len, number, &n);

	if (!number || !n || *line == '*' || *line == ':' || *line == '#')
		return false;
	memset(text + (line - text), '#', n);
	return true;
}

static unsigned int check_text(const struct ctl *ctl, const char *path, const char *text,
			       size_t len, int *exit_code)
{
	char *copy = malloc(len + 1);
	struct fw_ruleset *rs = NULL;
	unsigned int errors = 0;

	if (!copy) {
		fprintf(stderr, "%s: out of memory\n", ctl->prog);
		*exit_code = 4;
		return 1;
	}
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	while (errors < MAX_ERRORS) {
		struct fw_err err = FW_ERR_INIT;
		int r;

		rs = ctl_build(ctl->family, copy, len, true, NULL, &err);
		if (rs)
			break;
		errors++;
		r = ctl_say_text(ctl, &err, path, text, len);
		if (!*exit_code)
			*exit_code = r;
		if (!blank(copy, len, err.line))
			break;
	}
	fw_ruleset_unref(rs, NULL);
	free(copy);
	return errors;
}

static int check_file(const struct ctl *ctl, const char *path)
{
	struct ctl_textfile f;
	int r, exit_code = 0;
	unsigned int errors;

	r = ctl_textfile_read(&f, path);
	if (r < 0) {
		fprintf(stderr, "%s: cannot read %s: %s\n", ctl->prog, path, strerror(-r));
		return 1;
	}
	errors = check_text(ctl, strcmp(path, "-") ? path : NULL, f.data, f.len, &exit_code);
	if (errors > 1)
		fprintf(stderr, "%s: %u mistakes%s\n", path, errors,
			errors == MAX_ERRORS ? " or more" : "");
	ctl_textfile_deinit(&f);
	return exit_code;
}

int ctl_check(struct ctl *ctl)
{
	int exit_code = 0;

	for (int i = 0; i < ctl->argc; i++) {
		int r;

		if (ctl->argv[i][0] == '-' && ctl->argv[i][1])
			return ctl_usage(ctl, "unknown option '%s'", ctl->argv[i]);
		r = check_file(ctl, ctl->argv[i]);
		if (!exit_code)
			exit_code = r;
	}
	return exit_code;
}
