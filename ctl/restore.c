/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore: a text for the daemon, all of it or nothing.
 *
 * The text goes out as it came, unread: 100,000 rules cost this side one write.  Only when the
 * daemon, which never waits for DNS, finds a name in it, are the names resolved here and the text
 * sent again (rewrite.c).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ctl.h"
#include "resolve.h"
#include "rewrite.h"
#include "say.h"
#include "textfile.h"
#include "verbose.h"

struct options {
	bool counters, test, noflush, help, version, wait, wait_interval;
	unsigned int verbose;
	const char *table;
	const char *file;
	const char *confirm; /* apply only */
};

#define CONFIRM 256

static const struct option long_options[] = {
	/* apply only; first, so that it can be left out for restore, whose words may be abbreviated
	 */
	{"confirm", required_argument, NULL, CONFIRM},
	{"counters", no_argument, NULL, 'c'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"test", no_argument, NULL, 't'},
	{"help", no_argument, NULL, 'h'},
	{"noflush", no_argument, NULL, 'n'},
	{"modprobe", required_argument, NULL, 'M'},
	{"table", required_argument, NULL, 'T'},
	{"wait", optional_argument, NULL, 'w'},
	{"wait-interval", optional_argument, NULL, 'W'},
	{NULL, 0, NULL, 0},
};

static bool is_apply(const struct ctl *ctl)
{
	return ctl->verb && !strcmp(ctl->verb, "apply");
}

static void print_usage(const struct ctl *ctl)
{
	if (!ctl->drop_in) {
		const struct ctl_verb *v = ctl_verb_find(is_apply(ctl) ? "apply" : "restore");

		printf("usage: %s %s %s\n", ctl->prog, v->name, v->args);
		return;
	}
	fprintf(stderr,
		"Usage: %s [-c] [-v] [-V] [-t] [-h] [-n] [-w secs] [-W usecs] [-T table] "
		"[-M command] [file]\n"
		"	   [ --counters ]\n	   [ --verbose ]\n	   [ --version]\n"
		"	   [ --test ]\n	   [ --help ]\n	   [ --noflush ]\n"
		"	   [ --wait=<seconds>\n	   [ --table=<TABLE> ]\n"
		"	   [ --modprobe=<command> ]\n",
		ctl->prog);
}

/* A word that is a value may stand apart from -w or -W.  Nothing waits, but junk is refused. */
static int take_wait(const struct ctl *ctl, const char *what)
{
	const char *value = optarg;
	char *end;

	if (!value && optind <= ctl->argc && ctl->argv[optind - 1][0] != '-' &&
	    ctl->argv[optind - 1][0] != '!')
		value = ctl->argv[optind++ - 1];
	if (!value)
		return 0;
	(void)strtol(value, &end, 0);
	if (end != value)
		return 0;
	fprintf(stderr,
		"%s v%s (%s): wait %s not numeric\nError occurred at line: 0\n"
		"Try `%s -h' or '%s --help' for more information.\n",
		ctl->prog, CTL_IPTABLES_VERSION, ctl->nft ? "nf_tables" : "legacy", what, ctl->prog,
		ctl->prog);
	return 2;
}

static int take_option(const struct ctl *ctl, struct options *o, int c)
{
	switch (c) {
	case 'c': o->counters = true; return 0;
	case 'v': o->verbose++; return 0;
	case 't': o->test = true; return 0;
	case 'n': o->noflush = true; return 0;
	case 'h': o->help = true; return 0;
	case 'V': o->version = true; return 0;
	case 'T': o->table = optarg; return 0;
	case 'M': return 0;
	case CONFIRM: o->confirm = optarg; return 0;
	case 'w': o->wait = true; return take_wait(ctl, "seconds");
	case 'W':
		o->wait_interval = true;
		fputs("Ignoring deprecated --wait-interval option.\n", stderr);
		return take_wait(ctl, "interval");
	default:
		fprintf(stderr,
			ctl->drop_in ? "Try `%s -h' for more information.\n" : "hint: %s help %s\n",
			ctl->prog, is_apply(ctl) ? "apply" : "restore");
		return ctl->drop_in ? 1 : 2;
	}
}

/* 0 go on; else the exit code, or -1: done with success. */
static int parse_options(const struct ctl *ctl, struct options *o)
{
	const struct option *options = long_options + !is_apply(ctl);
	int c, r;

	while ((c = getopt_long(ctl->argc + 1, ctl->argv - 1, "cvVthnw::W::M:T:", options, NULL)) !=
	       -1) {
		r = take_option(ctl, o, c);
		if (r)
			return r;
		if (o->help) {
			print_usage(ctl);
			return -1;
		}
		if (o->version) {
			ctl_print_version(ctl);
			return -1;
		}
	}
	if (optind < ctl->argc) {
		fputs("Unknown arguments found on commandline\n", stderr);
		return ctl->drop_in ? 1 : 2;
	}
	if (optind == ctl->argc)
		o->file = ctl->argv[optind - 1];
	if (ctl->drop_in && o->wait_interval && !o->wait) {
		fputs("Option --wait-interval requires option --wait\n", stderr);
		return 1;
	}
	return 0;
}

static int send_text(const struct ctl *ctl, const struct options *o, const char *text, size_t len,
		     struct ctl_reply *reply)
{
	struct fw_buf request = FW_BUF_INIT;
	int r;

	fw_buf_fmt(&request, "restore %d", ctl->family == FW_IP4 ? 4 : 6);
	if (o->noflush)
		fw_buf_str(&request, " noflush");
	if (o->counters)
		fw_buf_str(&request, " counters");
	if (o->test)
		fw_buf_str(&request, " test");
	if (o->table)
		fw_buf_fmt(&request, " table %s", o->table);
	if (o->confirm)
		fw_buf_fmt(&request, " confirm %s", o->confirm);
	r = ctl_request(ctl, fw_buf_cstr(&request), text, len, reply);
	fw_buf_deinit(&request);
	return r;
}

/* The daemon found a name: resolve all of them and send again. */
static int send_resolved(const struct ctl *ctl, const struct options *o, const char *text,
			 size_t len, struct ctl_reply *reply)
{
	struct ctl_rewrite w;
	struct fw_err err = FW_ERR_INIT;
	int r;

	ctl_reply_deinit(reply);
	r = ctl_rewrite(&w, ctl->family, text, len, &ctl_resolver, &err);
	if (r == 0) {
		r = send_text(ctl, o, fw_buf_cstr(&w.text), w.text.len, reply);
		if (r < 0)
			ctl_rewrite_place(&w, &reply->err);
	} else {
		if (err.code == FW_ERR_NONE)
			fw_fail(&err, FW_ERR_RESOURCE, "%s", strerror(-r));
		*reply = (struct ctl_reply){.err = err};
	}
	ctl_rewrite_deinit(&w);
	return r;
}

static int apply(const struct ctl *ctl, const struct options *o, const char *text, size_t len)
{
	struct ctl_reply reply;
	struct fw_buf before = FW_BUF_INIT;
	int r;

	if (o->verbose)
		ctl_verbose_chains(ctl, &before);
	r = send_text(ctl, o, text, len, &reply);
	if (r < 0 && reply.err.code == FW_ERR_NAME)
		r = send_resolved(ctl, o, text, len, &reply);
	if (o->verbose)
		ctl_verbose_text(ctl, text, len, o->noflush, o->table, &before, &reply.err);
	if (r == 0 && o->confirm && !o->test)
		fprintf(stderr, "applied; within %s s: %s confirm, or what was before comes back\n",
			o->confirm, ctl->prog);
	if (r == 0)
		r = ctl_out(ctl, reply.body, reply.len);
	else
		r = ctl_say_text(ctl, &reply.err, o->file, text, len);
	ctl_reply_deinit(&reply);
	fw_buf_deinit(&before);
	return r;
}

int ctl_restore(struct ctl *ctl)
{
	struct options o = {.file = NULL};
	struct ctl_textfile f;
	int r;

	r = parse_options(ctl, &o);
	if (r)
		return r < 0 ? 0 : r;
	if (o.confirm && (!*o.confirm || strspn(o.confirm, "0123456789") != strlen(o.confirm)))
		return ctl_usage(ctl, "--confirm: '%s' is not a number of seconds", o.confirm);
	r = ctl_textfile_read(&f, o.file);
	if (r < 0) {
		if (ctl->drop_in)
			fprintf(stderr, "Can't open %s: %s\n", o.file ? o.file : "stdin",
				strerror(-r));
		else
			fprintf(stderr, "%s: cannot read %s: %s\n", ctl->prog,
				o.file ? o.file : "standard input", strerror(-r));
		return 1;
	}
	r = apply(ctl, &o, f.data, f.len);
	ctl_textfile_deinit(&f);
	return r;
}
