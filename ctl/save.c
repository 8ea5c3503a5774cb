/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * save: the daemon's text, with the two comment lines around each table that iptables-save
 * prints.  The text is passed on, not parsed: 100,000 rules cost a search for newlines.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "ctl.h"
#include "say.h"

struct options {
	bool counters, version;
	const char *table, *file;
};

static const struct option long_options[] = {
	{"counters", no_argument, NULL, 'c'},
	{"dump", no_argument, NULL, 'd'},
	{"table", required_argument, NULL, 't'},
	{"modprobe", required_argument, NULL, 'M'},
	{"file", required_argument, NULL, 'f'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int parse_options(const struct ctl *ctl, struct options *o)
{
	int c;

	while ((c = getopt_long(ctl->argc + 1, ctl->argv - 1, "bcdt:M:f:V", long_options, NULL)) !=
	       -1) {
		switch (c) {
		case 'b': fputs("-b/--binary option is not implemented\n", stderr); break;
		case 'c': o->counters = true; break;
		case 't': o->table = optarg; break;
		case 'f': o->file = optarg; break;
		case 'M':
		case 'd': break;
		case 'V': o->version = true; return 0;
		default:
			fprintf(stderr,
				ctl->drop_in ? "Look at manual page `%s.8' for more information.\n"
					     : "hint: %s help save\n",
				ctl->prog);
			return ctl->drop_in ? 1 : 2;
		}
	}
	if (optind <= ctl->argc) {
		fputs("Unknown arguments found on commandline\n", stderr);
		return ctl->drop_in ? 1 : 2;
	}
	return 0;
}

/* -f: standard output becomes the file, as in iptables-save. */
static int redirect(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0) {
		fprintf(stderr, "Failed to open file, error: %s\n", strerror(errno));
		return 1;
	}
	if (dup2(fd, STDOUT_FILENO) < 0) {
		fprintf(stderr, "Failed to redirect stdout, error: %s\n", strerror(errno));
		close(fd);
		return 1;
	}
	close(fd);
	return 0;
}

static int refuse(const struct ctl *ctl, struct fw_err *err)
{
	if (ctl->drop_in && err->code == FW_ERR_NO_TABLE) {
		fprintf(stderr,
			"%s v%s (%s): Cannot initialize: Table does not exist "
			"(do you need to insmod?)\n",
			ctl->prog, CTL_IPTABLES_VERSION, ctl->nft ? "nf_tables" : "legacy");
		return 1;
	}
	err->line = err->column = 0;
	return ctl_say(ctl, err);
}

static void comment(const struct ctl *ctl, const char *what, bool named, struct fw_buf *out)
{
	time_t now = time(NULL);

	fw_buf_fmt(out, "# %s", what);
	if (named && ctl->drop_in)
		fw_buf_fmt(out, " by %s v%s%s", ctl->prog, CTL_IPTABLES_VERSION,
			   ctl->nft ? " (nf_tables)" : "");
	else if (named)
		fw_buf_fmt(out, " by fwctl v%s", FWD_VERSION);
	fw_buf_fmt(out, " on %s", ctime(&now));
}

static int print(const struct ctl *ctl, const char *body, size_t len)
{
	struct fw_buf out = FW_BUF_INIT;
	const char *s = body, *end = body + len, *nl;
	int r;

	fw_buf_reserve(&out, len + 4096);
	for (; s < end; s = nl) {
		nl = memchr(s, '\n', (size_t)(end - s));
		nl = nl ? nl + 1 : end;
		if (*s == '*')
			comment(ctl, "Generated", true, &out);
		fw_buf_add(&out, s, (size_t)(nl - s));
		if (*s == 'C' && !strncmp(s, "COMMIT\n", 7))
			comment(ctl, "Completed", false, &out);
	}
	if (!fw_buf_ok(&out)) {
		fprintf(stderr, "%s: out of memory\n", ctl->prog);
		r = 4;
	} else {
		r = ctl_out(ctl, fw_buf_cstr(&out), out.len);
	}
	fw_buf_deinit(&out);
	return r;
}

int ctl_save(struct ctl *ctl)
{
	struct fw_buf request = FW_BUF_INIT;
	struct options o = {.table = NULL};
	struct ctl_reply reply;
	int r;

	r = parse_options(ctl, &o);
	if (r)
		return r;
	if (o.version) {
		ctl_print_version(ctl);
		return 0;
	}
	fw_buf_fmt(&request, "save %d", ctl->family == FW_IP4 ? 4 : 6);
	if (o.counters)
		fw_buf_str(&request, " counters");
	if (o.table)
		fw_buf_fmt(&request, " table %s", o.table);
	r = ctl_request(ctl, fw_buf_cstr(&request), NULL, 0, &reply);
	if (r < 0)
		r = refuse(ctl, &reply.err);
	else if (o.file && redirect(o.file))
		r = 1;
	else
		r = print(ctl, reply.body, reply.len);
	ctl_reply_deinit(&reply);
	fw_buf_deinit(&request);
	return r;
}
