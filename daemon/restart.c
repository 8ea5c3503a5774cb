/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restarting in place (restart.h).
 *
 * The kernel does the waiting: while nobody reads, packets stand in the queues, which stay bound
 * because their sockets stay open over execve(2).  In order:
 *
 *	clients are served to the end, new ones wait in the listening socket's backlog;
 *	workers answer what they have read and stop: from here on packets wait;
 *	rules with counters, recent lists, flows go into a file in memory, exact to the packet;
 *	the program is started anew with queue sockets, nft socket, control socket and that file;
 *	it loads, adopts, and its workers read on.
 *
 * What cannot be undone comes last: a wrong configuration or a missing program are found before
 * any of it.  The system call filter cannot be taken off: a new version lives under the old one's.
 */
#include "restart.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "daemon.h"
#include "http/http.h"
#include "keep.h"
#include "log.h"
#include "notify.h"
#include "store/io.h"
#include "trial.h"

#define VARIABLE    "FWD_RESTART" /* PID STATE CONTROL RESTARTS FILTERED SOCKET */
#define FREE_FD	    128 /* below it the kernel side puts its sockets */
#define FLOWS_SLICE 65536

static char program[4096];

void fwd_restart_init(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n < 0 ? 0 : n] = '\0';
}

void fwd_baton_take(struct fwd_baton *ret)
{
	const char *text = getenv(VARIABLE);
	unsigned int filtered = 0;
	int pid = 0;

	*ret = (struct fwd_baton){.state = -1, .control = -1};
	if (!text)
		return;
	if (sscanf(text, "%d %d %d %u %u %127s", &pid, &ret->state, &ret->control, &ret->restarts,
		   &filtered, ret->socket) != 6 ||
	    pid != (int)getpid()) {
		*ret = (struct fwd_baton){.state = -1, .control = -1}; /* somebody else's */
	} else {
		ret->filtered = filtered;
		fcntl(ret->state, F_SETFD, FD_CLOEXEC);
		fcntl(ret->control, F_SETFD, FD_CLOEXEC);
	}
	unsetenv(VARIABLE);
}

int fwd_baton_read(struct fwd_baton *b, struct fw_buf *ret)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(b->state, &st))
		return -errno;
	if (!fw_buf_reserve(ret, (size_t)st.st_size))
		return -ENOMEM;
	while (n && ret->len < (size_t)st.st_size) {
		n = pread(b->state, ret->data + ret->len, (size_t)st.st_size - ret->len,
			  (off_t)ret->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		ret->len += n > 0 ? (size_t)n : 0;
	}
	ret->data[ret->len] = '\0';
	close(b->state);
	b->state = -1;
	return 0;
}

int fwd_restart_check(struct fwd *d, struct fw_err *err)
{
	struct fwd_options o;
	struct fw_err why = FW_ERR_INIT;
	char file[4200];
	int argc = 0, r;

	while (d->argv[argc])
		argc++;
	if (d->trial && !d->editor.store) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot restart: a change waits to be confirmed");
		fw_err_hint(err, "and nothing is kept (persist = off): confirm or roll back first");
		return -EINVAL;
	}
	if (!program[0] || access(program, X_OK)) {
		fw_fail(err, FW_ERR_RESOURCE, "cannot restart: there is no program %s", program);
		return -EINVAL;
	}
	r = fwd_options_load(&o, argc, d->argv, file, sizeof(file), &why);
	if (r) {
		fw_fail(err, FW_ERR_USAGE, "cannot restart: %s%s%s", file, file[0] ? ": " : "",
			why.msg);
		fw_err_hint(err, "nothing was changed; fwd --check-config says more");
	}
	fwd_options_deinit(&o);
	return r ? -EINVAL : 0;
}

static void add_text(struct fw_buf *out, enum fwd_frame_kind kind, const struct fw_buf *text)
{
	struct fwd_frame frame = {.kind = kind, .body = fw_buf_cstr(text), .len = text->len};

	fwd_frame_write(&frame, out);
}

/* Nobody else runs any more: no locks. */
static void print_state(struct fwd *d, struct fw_buf *out)
{
	struct fw_buf rules[FW_N_FAMILIES] = {FW_BUF_INIT, FW_BUF_INIT}, text = FW_BUF_INIT;
	struct fwd_frame frames[FW_N_FAMILIES];
	const uint64_t now = fwd_now();
	uint64_t cursor = 0;

	out->failed |= !fwd_edit_print_rules(d->core.ruleset, 0, frames, rules);
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++) {
		fwd_frame_write(&frames[f], out);
		fw_buf_deinit(&rules[f]);
	}
	fw_recent_dump(d->core.world.recent, now, &text);
	add_text(out, FWD_FRAME_RECENT, &text);
	out->failed |= !fw_buf_ok(&text);
	fw_buf_reset(&text);
	do
		fw_ct_dump(d->core.world.ct, &cursor, FLOWS_SLICE, now, &text);
	while (cursor);
	add_text(out, FWD_FRAME_FLOWS, &text);
	out->failed |= !fw_buf_ok(&text);
	fw_buf_reset(&text);
	fw_buf_u64(&text, fwd_wall());
	fw_buf_char(&text, '\n');
	add_text(out, FWD_FRAME_END, &text);
	fw_buf_deinit(&text);
}

/* A descriptor that stays open over execve(2), or -errno. */
static int save_state(struct fwd *d)
{
	struct fw_buf out = FW_BUF_INIT;
	int fd = memfd_create("fwd-state", MFD_CLOEXEC), keep = -1, r = fd < 0 ? -errno : 0;

	print_state(d, &out);
	if (!fw_buf_ok(&out))
		r = -ENOMEM;
	if (!r)
		r = fwd_io_write(fd, out.data, out.len);
	if (!r) {
		keep = fcntl(fd, F_DUPFD, FREE_FD);
		r = keep < 0 ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	fw_buf_deinit(&out);
	return r ? r : keep;
}

static void tell_next(struct fwd *d, int state, int control)
{
	char text[256];

	snprintf(text, sizeof(text), "%d %d %d %u %d %s", (int)getpid(), state, control,
		 d->baton.restarts + 1, d->options.seccomp || d->baton.filtered,
		 d->address.sun.sun_path);
	setenv(VARIABLE, text, 1);
}

void fwd_restart(struct fwd *d)
{
	struct fwd_editor *e = &d->editor;
	int control, state, r;

	fwd_log(5, "restarting");
	control = fwd_control_leave(d->control);
	d->http = fwd_http_close(d->http);
	d->keeper = fwd_keep_stop(d->keeper);
	d->trial = fwd_trial_free(d->trial);
	fwd_kernel_sync(e->kernel);
	fwd_kernel_leave(e->kernel);
	fwd_policy_collect(e);
	state = save_state(d);
	if (state < 0) { /* the next life makes do with what is on the disk */
		fwd_log(2, "restart: the state cannot be handed over: %s", strerror(-state));
		if (e->store)
			fwd_edit_save_all(e, NULL);
	} else if (e->store) {
		fwd_store_drop_flows(e->store); /* what we hand over is newer */
	}
	e->store = fwd_store_close(e->store);
	tell_next(d, state, fcntl(control, F_DUPFD, FREE_FD));
	fwd_log_stop();
	r = fwd_kernel_exec(e->kernel, program, d->argv);
	fwd_log_init();
	fwd_log(2, "restart: %s does not start: %s", program, strerror(-r));
}
