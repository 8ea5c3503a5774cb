/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwctl: one program, nineteen names.
 *
 * The name it is called by decides first (name.c): an iptables name is that program and nothing
 * else.  As fwctl, a first word without a dash is a subcommand, one row of verbs[]; anything else
 * is an iptables command.
 *
 *	fwctl [--socket PATH] [-4|-6] VERB [ARGS]
 *	fwctl [--socket PATH] IPTABLES-OPTIONS
 *	iptables[-legacy|-nft][-save|-restore] … (and ip6tables)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "say.h"

static const struct ctl_verb verbs[] = {
	{"list", 0, -1, ctl_list, "[-4|-6] [-t TABLE] [CHAIN [N]] [-n] [-v] [-x] [--json]",
	 "list rules with counters, as iptables -L -n -v --line-numbers; or as JSON",
	 "-4 -6 -t --table -n -v -x --json"},
	{"save", 0, -1, ctl_save, "[-4|-6] [-c] [-t TABLE] [-f FILE]",
	 "print the rules as text that restore accepts",
	 "-4 -6 -c --counters -t --table -f --file"},
	{"apply", 0, -1, ctl_restore,
	 "[-4|-6] [--confirm SECONDS] [-c] [-n] [-t] [-T TABLE] [FILE]",
	 "restore; with --confirm it is undone unless confirmed in time",
	 "-4 -6 --confirm -c --counters -n --noflush -t --test -T --table"},
	{"confirm", 0, 0, ctl_confirm, "", "keep what apply --confirm has changed", ""},
	{"rollback", 0, 0, ctl_rollback, "", "undo what apply --confirm has changed, now", ""},
	{"restore", 0, -1, ctl_restore, "[-4|-6] [-c] [-n] [-t] [-T TABLE] [FILE]",
	 "apply a text: all of it, or nothing",
	 "-4 -6 -c --counters -n --noflush -t --test -T --table -v --verbose"},
	{"check", 1, -1, ctl_check, "[-4|-6] FILE...",
	 "say what is wrong in a rules file; no daemon needed", "-4 -6"},
	{"simulate", 1, -1, ctl_simulate,
	 "[-4|-6] [-q] [--rules FILE] PACKET | --pcap FILE [INTERFACES]",
	 "judge a packet that is described: by a file's rules, or the daemon's",
	 "-4 -6 -q --rules --pcap hook state in out tcp udp icmp syn ack rst fin mark ttl len"},
	{"explain", 1, -1, ctl_explain, "[-4|-6] [-q] PACKET",
	 "say which of the daemon's current rules decides a packet, and why",
	 "-4 -6 -q hook state in out tcp udp icmp syn ack rst fin mark ttl len"},
	{"drops", 0, 1, ctl_drops, "[N]", "the last dropped packets and what dropped them", ""},
	{"conn", 0, -1, ctl_conn, "[list|count|delete|flush] [-o FORMAT] [KEY VALUE]...",
	 "tracked connections",
	 "list count delete flush -o family proto src dst sport dport reply-src reply-dst addr port "
	 "state status mark"},
	{"recent", 0, 3, ctl_recent, "list [NAME] | add NAME ADDR | del NAME ADDR | flush NAME",
	 "the lists of -m recent", "list add del flush"},
	{"metrics", 0, 0, ctl_metrics, "", "counters in Prometheus' text format", ""},
	{"status", 0, 1, ctl_status, "[--json]", "the state of the daemon", "--json"},
	{"ping", 0, 0, ctl_ping, "", "is a daemon there, and of which version?", ""},
	{"reload", 0, 0, ctl_reload, "", "load the daemon's rules files again: both, or neither",
	 ""},
	{"restart", 0, 0, ctl_restart, "",
	 "start the daemon's program anew in place: no packet, flow or counter is lost", ""},
	{"completion", 0, 1, ctl_completion, "[bash]", "print a completion script for the shell",
	 "bash"},
	{"help", 0, 1, ctl_help, "[VERB | MATCH | TARGET | matches | targets]",
	 "this, or more about one word", "matches targets"},
};

const struct ctl_verb *ctl_verbs(size_t *n)
{
	*n = FW_ARRAY_SIZE(verbs);
	return verbs;
}

const struct ctl_verb *ctl_verb_find(const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

int ctl_out(const struct ctl *ctl, const void *data, size_t len)
{
	const char *s = data;

	if (fflush(stdout) != 0)
		goto fail;
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n < 0)
			goto fail;
		s += n;
		len -= (size_t)n;
	}
	return 0;
fail:
	fprintf(stderr, "%s: ", ctl->prog);
	perror("write");
	return 1;
}

/* Words that are the value of the option before them, whatever they look like. */
static bool takes_any_word(const char *option)
{
	static const char *const options[] = {"--comment", "--log-prefix", "--nflog-prefix",
					      "--string"};

	for (size_t i = 0; option && i < FW_ARRAY_SIZE(options); i++)
		if (!strcmp(option, options[i]))
			return true;
	return false;
}

/*
 * The words without --socket (any name) and, as fwctl, without -4 and -6: they say which daemon
 * and which family, before any parser runs.  words[0] stays the name: getopt wants it.
 */
static int take_common(struct ctl *ctl, int argc, char **argv, char **words)
{
	int n = 1;

	words[0] = argv[0];
	for (int i = 1; i < argc; i++) {
		const char *w = argv[i];
		bool option = !takes_any_word(i > 1 ? argv[i - 1] : NULL);

		if (option && !strncmp(w, "--socket=", 9)) {
			ctl->socket = w + 9;
		} else if (option && !strcmp(w, "--socket")) {
			if (i + 1 == argc)
				return ctl_usage(ctl, "--socket wants a path");
			ctl->socket = argv[++i];
		} else if (option && !ctl->drop_in && (!strcmp(w, "-4") || !strcmp(w, "--ipv4"))) {
			ctl->family = FW_IP4;
		} else if (option && !ctl->drop_in && (!strcmp(w, "-6") || !strcmp(w, "--ipv6"))) {
			ctl->family = FW_IP6;
		} else {
			words[n++] = argv[i];
		}
	}
	words[n] = NULL;
	ctl->argc = n - 1;
	ctl->argv = words + 1;
	return 0;
}

/* Letters to change, insert, leave out or swap to make a of b; at most 15 letters are looked at. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[17][17];
	unsigned int n = (unsigned int)strnlen(a, 15), m = (unsigned int)strnlen(b, 15);

	for (unsigned int i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned int j = 0; j <= m; j++)
		d[0][j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

/* The verb that was meant: two mistakes away at most, or begun with these letters. */
static const char *nearest_verb(const char *word)
{
	const char *best = NULL;
	unsigned int best_distance = strlen(word) > 3 ? 3 : 2;

	for (size_t i = 0; i < FW_ARRAY_SIZE(verbs); i++) {
		unsigned int d = distance(word, verbs[i].name);

		if (!strncmp(verbs[i].name, word, strlen(word)))
			return verbs[i].name;
		if (d < best_distance) {
			best_distance = d;
			best = verbs[i].name;
		}
	}
	return best;
}

static int unknown_verb(const struct ctl *ctl, const char *word)
{
	const char *near = nearest_verb(word);

	fprintf(stderr, "%s: there is no subcommand '%s'\n", ctl->prog, word);
	if (near)
		fprintf(stderr, "hint: did you mean '%s'?\n", near);
	fputs("hint: there are:", stderr);
	for (size_t i = 0; i < FW_ARRAY_SIZE(verbs); i++)
		fprintf(stderr, " %s", verbs[i].name);
	fputs("; an iptables command starts with a dash\n", stderr);
	return 2;
}

static int run_verb(struct ctl *ctl)
{
	const struct ctl_verb *v = ctl_verb_find(ctl->argv[0]);

	if (!v)
		return unknown_verb(ctl, ctl->argv[0]);
	ctl->verb = v->name;
	ctl->argv++;
	ctl->argc--;
	if (ctl->argc == 1 && (!strcmp(ctl->argv[0], "--help") || !strcmp(ctl->argv[0], "-h"))) {
		ctl->argv[0] = (char *)(uintptr_t)v->name;
		return ctl_help(ctl);
	}
	if (ctl->argc < v->min || (v->max >= 0 && ctl->argc > v->max))
		return ctl_usage(ctl, "usage: %s %s %s", ctl->prog, v->name, v->args);
	return v->run(ctl);
}

static int run(struct ctl *ctl)
{
	if (ctl->role == CTL_ROLE_SAVE)
		return ctl_save(ctl);
	if (ctl->role == CTL_ROLE_RESTORE)
		return ctl_restore(ctl);
	if (ctl->drop_in)
		return ctl_tables(ctl);
	if (!ctl->argc) {
		ctl_help(ctl);
		return 2;
	}
	if (ctl->argc == 1 && !strcmp(ctl->argv[0], "--version")) {
		ctl_print_version(ctl);
		return 0;
	}
	if (ctl->argc == 1 && !strcmp(ctl->argv[0], "--help")) { /* -h: of the iptables commands */
		ctl->argc = 0;
		return ctl_help(ctl);
	}
	if (ctl->argv[0][0] != '-' && ctl->argv[0][0] != '!')
		return run_verb(ctl);
	return ctl_tables(ctl);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.family = FW_IP4};
	char **words;
	int r;

	if (argc < 1)
		return 2;
	ctl_name(&ctl, argv[0]);
	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words) {
		perror(ctl.prog);
		return 4;
	}
	r = take_common(&ctl, argc, argv, words);
	if (!r)
		r = run(&ctl);
	if (fflush(stdout) != 0 && !r) {
		perror(ctl.prog);
		r = 1;
	}
	free(words);
	return r;
}
