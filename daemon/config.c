/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line and configuration files (config.h). */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "store/io.h"

/* The place of `part` within a line, for the error. */
static int at(struct fw_err *err, uint32_t number, const char *line, const char *part)
{
	fw_err_at(err, number, (uint32_t)(part - line) + 1, (uint32_t)strlen(part));
	return -EINVAL;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int parse_line(struct fwd_options *o, char *line, uint32_t number, struct fw_err *err)
{
	char *name, *value, *eq;
	int r;

	name = trim(line);
	if (!*name || *name == '#' || *name == ';')
		return 0;
	eq = strchr(name, '=');
	if (!eq) {
		fw_fail(err, FW_ERR_USAGE, "'%s' is not KEY = VALUE", name);
		return at(err, number, line, name);
	}
	*eq = '\0';
	value = trim(eq + 1);
	name = trim(name);
	r = fwd_options_take(o, name, value, err);
	if (r)
		return at(err, number, line, r == -ENOENT ? name : value);
	return 0;
}

int fwd_options_parse(struct fwd_options *o, const char *text, size_t len, struct fw_err *err)
{
	char *copy = strndup(text, len), *line = copy, *next;
	int r = 0;

	if (!copy)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	for (uint32_t number = 1; line && !r; number++, line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r = parse_line(o, line, number, err);
	}
	free(copy);
	return r;
}

static int parse_file(struct fwd_options *o, const char *path, bool must, struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT;
	int r;

	r = fwd_io_read(AT_FDCWD, path, &text);
	if (!r)
		r = fwd_options_parse(o, fw_buf_cstr(&text), text.len, err);
	else if (r == -ENOENT && !must)
		r = 0;
	else
		r = fw_fail(err, FW_ERR_USAGE, "cannot be read: %s", strerror(-r));
	fw_buf_deinit(&text);
	return r;
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

static int parse_dir(struct fwd_options *o, const char *path, char *file, size_t size,
		     struct fw_err *err)
{
	char dir[4096];
	struct dirent **names;
	int n, r = 0;

	snprintf(dir, sizeof(dir), "%s.d", path);
	n = scandir(dir, &names, is_conf, alphasort);
	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		if (!r) {
			snprintf(file, size, "%s/%s", dir, names[i]->d_name);
			r = parse_file(o, file, true, err);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

/* The value of `--KEY VALUE` or `--KEY=VALUE`; *i moves on.  NULL: there is none. */
static const char *value_of(int argc, char **argv, int *i)
{
	char *eq = strchr(argv[*i], '=');

	if (eq)
		return eq + 1;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

static int parse_word(struct fwd_options *o, int argc, char **argv, int *i, struct fw_err *err)
{
	char name[64];
	const char *word = argv[*i], *value;
	bool is_config;

	if (strncmp(word, "--", 2) || !word[2]) {
		fw_fail(err, FW_ERR_USAGE, "'%s' is not an option", word);
		fw_err_hint(err, "fwd --help lists the options");
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	is_config = !strcmp(name, "config");
	if (!strcmp(name, "help"))
		o->help = true;
	else if (!strcmp(name, "version"))
		o->version = true;
	else if (!strcmp(name, "check-config"))
		o->check = true;
	else if (!(value = value_of(argc, argv, i)) && (is_config || fwd_options_know(name)))
		return fw_fail(err, FW_ERR_USAGE, "--%s needs a value", name);
	else if (!is_config) /* that there is no such key is found out first */
		return fwd_options_take(o, name, value, err);
	return 0;
}

/* --config, or `--check-config FILE`; NULL: the default. */
static const char *config_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--config=", 9))
			return argv[i] + 9;
		if (i + 1 == argc)
			break;
		if (!strcmp(argv[i], "--config") ||
		    (!strcmp(argv[i], "--check-config") && argv[i + 1][0] != '-'))
			return argv[i + 1];
	}
	return NULL;
}

int fwd_options_load(struct fwd_options *o, int argc, char **argv, char *file, size_t size,
		     struct fw_err *err)
{
	const char *given = config_of(argc, argv);
	int r;

	fwd_options_init(o);
	o->config.config_file = given ? given : "/etc/fwd/fwd.conf";
	snprintf(file, size, "%s", o->config.config_file);
	r = parse_file(o, file, given, err);
	if (!r)
		r = parse_dir(o, o->config.config_file, file, size, err);
	if (r)
		return r;
	file[0] = '\0';
	for (int i = 1; i < argc && !r; i++) {
		r = parse_word(o, argc, argv, &i, err);
		if (!r && !strcmp(argv[i], "--check-config") && i + 1 < argc &&
		    argv[i + 1] == given)
			i++;
	}
	return r;
}
