/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwd: set up from the ground, run, tear down in reverse.
 *
 * The order is the point.  Privileges go first of all; the ruleset stands before a queue is bound,
 * the system call filter before a packet is read; the control socket appears when packets are being
 * filtered; at the stop no edit is taken any more before the hooks go, and the state is saved when
 * no packet can change it.
 */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control.h"
#include "daemon.h"
#include "http/http.h"
#include "keep.h"
#include "load.h"
#include "log.h"
#include "notify.h"
#include "privs.h"
#include "reload.h"
#include "sandbox.h"
#include "trial.h"

#define EXIT_FILES 2 /* a person must mend a file or an option: starting again does not help */

static char wrong_file[4200]; /* what an error is about */

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	struct fwd *d = w->data;

	d->restart = false; /* whatever was asked for before */
	fwd_log(5, "stopping (%s)", strsignal(w->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_reload(struct ev_loop *loop, ev_signal *w, int events)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd *d = w->data;
	int r;

	if (fwd_reload(d, &err))
		return;
	r = fwd_edit_commit(&d->editor, &err);
	if (!r)
		r = fwd_edit_snapshot(&d->editor, &err);
	if (r)
		fwd_log_err(2, "the reload", &err);
}

static void on_restart(struct ev_loop *loop, ev_signal *w, int events)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd *d = w->data;

	if (fwd_restart_check(d, &err)) {
		fwd_log_err(3, NULL, &err);
		return;
	}
	d->restart = true;
	ev_break(loop, EVBREAK_ALL);
}

/* The world as the files have it. */
static int set_up_rules(struct fwd *d, struct fw_err *err)
{
	const struct fwd_config *c = &d->options.config;
	int r = 0;

	if (c->persist)
		r = fwd_store_open(&d->editor.store, c->state_dir, err);
	if (!r)
		r = fwd_load_start(&d->editor, &d->baton, wrong_file, sizeof(wrong_file), err);
	if (!r)
		wrong_file[0] = '\0';
	if (!r && d->editor.store)
		r = fwd_trial_load(d, err);
	return r;
}

/* Everything up to filtering; tear_down() takes back whatever of it was done. */
static int set_up(struct fwd *d, struct fw_err *err)
{
	struct fwd_editor *e = &d->editor;
	int r;

	e->core = &d->core;
	r = fwd_core_init(&d->core, &d->options, err);
	if (!r)
		r = fwd_control_probe(d, err);
	if (!r)
		r = fwd_privs_drop(&d->options, err);
	if (r)
		return r;
	fwd_log_start(); /* after a restart packets wait already, and for no reader of ours */
	r = set_up_rules(d, err);
	if (!r)
		r = fwd_kernel_open(&e->kernel, &d->core, err);
	if (r)
		return r;
	if (d->options.seccomp && !d->baton.filtered)
		fwd_sandbox_enter();
	if (!d->baton.restarts && fwd_kernel_learn(e->kernel))
		fwd_edit_need_kct(e);
	if (d->core.plan.kct) /* packets that have waited want to be translated at once */
		r = fwd_kernel_prepare(e->kernel, d->core.ruleset, err);
	if (!r)
		r = fwd_kernel_start(e->kernel, err);
	if (!r)
		r = fwd_kernel_apply(e->kernel, &d->core.plan, err);
	if (!r)
		fwd_kernel_resume(e->kernel);
	if (!r)
		r = fwd_http_open(&d->http, d, err);
	if (!r)
		r = fwd_control_open(&d->control, d, err);
	return r;
}

/*
 * A stop that is asked for while things are half set up waits until they can be torn down: fwd's
 * table must not stay behind, queueing for nobody.
 */
static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(how, &set, NULL);
}

/* Start or stop listening to signals: stop, reload, restart. */
static void watch_signals(struct fwd *d, bool on)
{
	static ev_signal watchers[4];
	static const struct {
		int number;
		void (*call)(struct ev_loop *loop, ev_signal *w, int events);
	} rows[] = {
		{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR2, on_restart}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		if (on) {
			ev_signal_init(&watchers[i], rows[i].call, rows[i].number);
			watchers[i].data = d;
			ev_signal_start(d->loop, &watchers[i]);
		} else {
			ev_signal_stop(d->loop, &watchers[i]);
		}
	}
}

static void run(struct fwd *d)
{
	watch_signals(d, true);
	hold_signals(SIG_UNBLOCK);
	d->keeper = fwd_keep_start(d);
	d->notify = fwd_notify_ready(d);
	fwd_log(5, d->baton.restarts ? "fwd %s goes on" : "fwd %s filters", FWD_VERSION);
	ev_run(d->loop, 0);
	if (d->restart)
		fwd_control_drain(d->control);
	if (d->restart) { /* nobody has asked for a stop meanwhile */
		hold_signals(SIG_BLOCK);
		d->notify = fwd_notify_restarting(d->notify);
		fwd_restart(d);
		_exit(EXIT_FAILURE);
	}
	hold_signals(SIG_BLOCK); /* a second one must not end it with its table standing */
	d->notify = fwd_notify_stopping(d->notify);
	watch_signals(d, false);
}

/* 0, or negative when the state could not be saved. */
static int tear_down(struct fwd *d, bool save)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_editor *e = &d->editor;
	int r = 0;

	d->control = fwd_control_close(d->control);
	d->http = fwd_http_close(d->http);
	d->keeper = fwd_keep_stop(d->keeper);
	d->trial = fwd_trial_free(d->trial);
	if (save)
		fwd_kernel_sync(e->kernel);
	e->kernel = fwd_kernel_stop(e->kernel);
	fwd_edit_tidy(e);
	if (save && e->store && (!fwd_store_empty(e->store) || d->core.ruleset->generation))
		r = fwd_edit_save_all(e, &err);
	if (r)
		fwd_log_err(3, NULL, &err);
	e->store = fwd_store_close(e->store);
	fwd_core_deinit(&d->core);
	return r;
}

static int filter(struct fwd *d)
{
	struct fw_err err = FW_ERR_INIT;
	int r;

	signal(SIGPIPE, SIG_IGN);
	hold_signals(SIG_BLOCK);
	d->started = fwd_now();
	d->loop = ev_default_loop(EVFLAG_AUTO);
	if (!d->loop) {
		fwd_log(3, "no event loop: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	r = set_up(d, &err);
	if (r && err.code == FW_ERR_NONE)
		fw_fail(&err, FW_ERR_RESOURCE, "%s", strerror(-r));
	if (r)
		fwd_log_err(3, wrong_file[0] ? wrong_file : NULL, &err);
	else
		run(d);
	if (tear_down(d, !r))
		r = -EIO;
	ev_loop_destroy(d->loop);
	fwd_log_stop();
	if (!r)
		return EXIT_SUCCESS;
	return wrong_file[0] ? EXIT_FILES : EXIT_FAILURE;
}

/* --check-config: everything a start would read, and nothing touched. */
static int check(struct fwd *d)
{
	struct fw_err err = FW_ERR_INIT;
	int r;

	r = fwd_core_init(&d->core, &d->options, &err);
	d->editor.core = &d->core;
	if (!r && d->options.config.metrics && !fwd_http_built())
		r = fw_fail(&err, FW_ERR_UNSUPPORTED,
			    "metrics: this fwd is built without an HTTP server");
	if (!r)
		r = fwd_load_check(&d->editor, wrong_file, sizeof(wrong_file), &err);
	if (r)
		fwd_log_err(3, wrong_file[0] ? wrong_file : NULL, &err);
	else
		puts("configuration and rules files are right");
	fwd_core_deinit(&d->core);
	return r ? EXIT_FILES : EXIT_SUCCESS;
}

static int help(void)
{
	struct fw_buf out = FW_BUF_INIT;

	fwd_options_help(&out);
	fputs(fw_buf_cstr(&out), stdout);
	fw_buf_deinit(&out);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct fwd d;
	struct fw_err err = FW_ERR_INIT;
	int status = EXIT_FILES;

	fwd_log_init();
	fwd_restart_init();
	fwd_baton_take(&d.baton);
	d.argv = argv;
	if (fwd_options_load(&d.options, argc, argv, wrong_file, sizeof(wrong_file), &err))
		fwd_log_err(3, wrong_file[0] ? wrong_file : NULL, &err);
	else if (d.options.help)
		status = help();
	else if (d.options.version)
		status = puts("fwd " FWD_VERSION) < 0;
	else if (d.options.check)
		status = check(&d);
	else
		status = filter(&d);
	fwd_options_deinit(&d.options);
	return status;
}
