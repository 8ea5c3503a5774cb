/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands that are one request each: list, recent, conn, metrics, drops, status, ping.
 * Their words become the request line, the reply's body is what is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "ctl.h"
#include "say.h"

#include "fw/protocol.h"

#define RESTART_TRIES 1500 /* 20 ms apart */

/* Send a line, print the body. */
static int ask(const struct ctl *ctl, const char *request)
{
	struct ctl_reply reply;
	int r;

	if (ctl_request(ctl, request, NULL, 0, &reply) == 0) {
		r = ctl_out(ctl, reply.body, reply.len);
	} else {
		reply.err.line = reply.err.column = 0;
		r = ctl_say(ctl, &reply.err);
	}
	ctl_reply_deinit(&reply);
	return r;
}

/* A word may not break the request line apart. */
static bool is_word(const char *s)
{
	return *s && !strpbrk(s, " \t\r\n");
}

static int ask_words(const struct ctl *ctl, const char *start, int n, char **words)
{
	struct fw_buf request = FW_BUF_INIT;
	int r;

	fw_buf_str(&request, start);
	for (int i = 0; i < n; i++) {
		if (!is_word(words[i])) {
			fw_buf_deinit(&request);
			return ctl_usage(ctl, "'%s' is not a single word", words[i]);
		}
		fw_buf_char(&request, ' ');
		fw_buf_str(&request, words[i]);
	}
	if (request.len >= FW_REQUEST_LINE_MAX)
		r = ctl_usage(ctl, "too many words");
	else
		r = ask(ctl, fw_buf_cstr(&request));
	fw_buf_deinit(&request);
	return r;
}

int ctl_metrics(struct ctl *ctl)
{
	return ask(ctl, "metrics");
}

int ctl_confirm(struct ctl *ctl)
{
	return ask(ctl, "confirm");
}

int ctl_rollback(struct ctl *ctl)
{
	return ask(ctl, "rollback");
}

int ctl_reload(struct ctl *ctl)
{
	return ask(ctl, "reload");
}

int ctl_status(struct ctl *ctl)
{
	if (ctl->argc && (!strcmp(ctl->argv[0], "-j") || !strcmp(ctl->argv[0], "--json")))
		return ctl_status_json(ctl);
	if (ctl->argc)
		return ctl_usage(ctl, "usage: %s status %s", ctl->prog,
				 ctl_verb_find("status")->args);
	return ask(ctl, "status");
}

int ctl_ping(struct ctl *ctl)
{
	return ask(ctl, "ping");
}

/* "restarts N" in an answer; -1: not there. */
static long restarts_of(const struct ctl_reply *reply)
{
	const char *s = strstr(reply->body, "restarts ");

	return s ? strtol(s + strlen("restarts "), NULL, 10) : -1;
}

/* Until the next life answers; its socket is the same, so there is mostly nothing to wait for but
 * the answer. */
int ctl_restart(struct ctl *ctl)
{
	static const struct timespec pause = {.tv_nsec = 20000000};
	struct ctl_reply reply;
	long before, now = -1;
	int r = ctl_request(ctl, "restart", NULL, 0, &reply);

	if (r < 0) {
		reply.err.line = reply.err.column = 0;
		r = ctl_say(ctl, &reply.err);
		ctl_reply_deinit(&reply);
		return r;
	}
	before = restarts_of(&reply);
	ctl_reply_deinit(&reply);
	for (int i = 0; i < RESTART_TRIES && now <= before; i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (ctl_request(ctl, "ping", NULL, 0, &reply) == 0)
			now = restarts_of(&reply);
		ctl_reply_deinit(&reply);
	}
	if (now > before)
		return 0;
	fprintf(stderr, "%s: fwd does not answer after the restart\nhint: its log says why\n",
		ctl->prog);
	return 1;
}

int ctl_drops(struct ctl *ctl)
{
	if (ctl->argc && strspn(ctl->argv[0], "0123456789") != strlen(ctl->argv[0]))
		return ctl_usage(ctl, "'%s' is not a number of packets", ctl->argv[0]);
	return ask_words(ctl, "drops", ctl->argc, ctl->argv);
}

int ctl_recent(struct ctl *ctl)
{
	static const struct {
		const char *name;
		int min, max;
	} doing[] = {{"list", 0, 1}, {"add", 2, 2}, {"del", 2, 2}, {"flush", 1, 1}};
	const char *what = ctl->argc ? ctl->argv[0] : "list";
	int n = ctl->argc ? ctl->argc - 1 : 0;
	char start[32];

	for (size_t i = 0; i < FW_ARRAY_SIZE(doing); i++) {
		if (strcmp(doing[i].name, what))
			continue;
		if (n < doing[i].min || n > doing[i].max)
			break;
		snprintf(start, sizeof(start), "recent %s", what);
		return ask_words(ctl, start, n, ctl->argv + 1);
	}
	return ctl_usage(ctl, "usage: %s recent %s", ctl->prog, ctl_verb_find("recent")->args);
}

/* How flows are to be written: -o FORMAT, or a word where a key may stand. */
static bool take_format(const struct ctl *ctl, int *i, bool key, const char **ret)
{
	static const struct {
		const char *name, *word;
	} known[] = {{"json", " json"}, {"--json", " json"}, {"-j", " json"}, {"extended", " extended"}};
	const bool option = !strcmp(ctl->argv[*i], "-o") && *i + 1 < ctl->argc;
	const char *w = ctl->argv[*i + option];

	for (size_t k = 0; k < FW_ARRAY_SIZE(known); k++) {
		if (strcmp(known[k].name, w) || !(option || key))
			continue;
		*ret = known[k].word;
		*i += option;
		return true;
	}
	return false;
}

int ctl_conn(struct ctl *ctl)
{
	static const char *const doing[] = {"list", "count", "delete", "flush"};
	char **words = calloc((size_t)ctl->argc + 1, sizeof(*words));
	const char *what = "list";
	const char *format = "";
	char start[32];
	int n = 0, r;

	if (!words)
		return 4;
	for (int i = 0; i < ctl->argc; i++) {
		const char *w = ctl->argv[i];
		bool is_doing = false;

		for (size_t k = 0; i == 0 && k < FW_ARRAY_SIZE(doing); k++)
			is_doing |= !strcmp(w, doing[k]);
		if (is_doing)
			what = w;
		else if (!take_format(ctl, &i, n % 2 == 0, &format))
			words[n++] = ctl->argv[i];
	}
	snprintf(start, sizeof(start), "conn %s%s", what, format);
	if (n % 2)
		r = ctl_usage(ctl, "'%s' wants a value; conditions are KEY VALUE pairs",
			      words[n - 1]);
	else
		r = ask_words(ctl, start, n, words);
	free(words);
	return r;
}

static bool is_table(char **argv, int i)
{
	return i && (!strcmp(argv[i - 1], "-t") || !strcmp(argv[i - 1], "--table"));
}

/* An option of -L that list gives anyway, and -L takes once. */
static bool is_said(const char *word)
{
	return (word[1] && word[1 + strspn(word + 1, "nv")] == '\0') ||
		!strcmp(word, "--numeric") || !strcmp(word, "--verbose") ||
		!strcmp(word, "--line-numbers");
}

/* list CHAIN N -t TABLE = -L CHAIN N -n -v --line-numbers -t TABLE. */
int ctl_list(struct ctl *ctl)
{
	static const char *const always[] = {"-L", "-n", "-v", "--line-numbers"};
	int n = 1, argc = ctl->argc, r;
	char **words = calloc((size_t)argc + 6, sizeof(*words));
	char **argv = ctl->argv;

	if (!words)
		return 4;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-j") && strcmp(argv[i], "--json"))
			continue;
		free(words);
		return ctl_list_json(ctl);
	}
	/* -L's own words must follow it: places first, options behind */
	words[n++] = (char *)(uintptr_t)always[0];
	for (int i = 0; i < argc; i++)
		if (argv[i][0] != '-' && !is_table(argv, i))
			words[n++] = argv[i];
	for (size_t i = 1; i < FW_ARRAY_SIZE(always); i++)
		words[n++] = (char *)(uintptr_t)always[i];
	for (int i = 0; i < argc; i++)
		if ((argv[i][0] == '-' && !is_said(argv[i])) || is_table(argv, i))
			words[n++] = argv[i];
	ctl->argv = words + 1;
	ctl->argc = n - 1;
	ctl->verb = NULL;
	r = ctl_tables(ctl);
	free(words);
	return r;
}
