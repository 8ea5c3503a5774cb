/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ping, status, drops: how the daemon is; reload, restart: what it has to do. */
#include "control/verbs.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "fw/opt.h"
#include "reload.h"
#include "trial.h"

#define DROPS_DEFAULT 20
#define DROPS_MAX     65536

static uint64_t count_rules(const struct fw_ruleset *rs, enum fw_family family)
{
	uint64_t n = 0;

	for (int t = 0; t < FW_N_TABLES; t++)
		n += rs->tables[family][t]->n_rules;
	return n;
}

int fwd_verb_ping(struct fwd_call *call, struct fw_err *err)
{
	struct fwd *d = call->d;

	fw_buf_fmt(call->out,
		   "version %s\nstate running\npid %d\ngeneration %" PRIu64 "\nrestarts %u\n",
		   FWD_VERSION, (int)getpid(), d->core.ruleset->generation, d->baton.restarts);
	return 0;
}

static void print_store(struct fwd *d, struct fw_buf *out)
{
	if (!d->editor.store) {
		fw_buf_str(out, "persist off\n");
		return;
	}
	fw_buf_fmt(out, "persist on\nstate-dir %s\nedits %" PRIu64 "\njournal-bytes %" PRIu64 "\n",
		   d->options.config.state_dir, fwd_store_seq(d->editor.store),
		   fwd_store_journal_bytes(d->editor.store));
}

static void print_flows(struct fwd *d, struct fw_buf *out)
{
	struct fw_ct_stats st;

	pthread_mutex_lock(&d->core.lock);
	st = *fw_ct_stats(d->core.world.ct);
	pthread_mutex_unlock(&d->core.lock);
	fw_buf_fmt(out, "flows %" PRIu64 "\nflows-max %" PRIu32 "\n", st.flows,
		   d->options.config.ct.max_flows);
}

static void print_queues(struct fwd *d, struct fw_buf *out)
{
	struct fwd_queue_stats q[16];
	size_t n = fwd_kernel_stats(d->editor.kernel, q, FW_ARRAY_SIZE(q));

	for (size_t i = 0; i < n; i++)
		fw_buf_fmt(out,
			   "queue %u packets %" PRIu64 " accepted %" PRIu64 " dropped %" PRIu64
			   " queued-on %" PRIu64 " malformed %" PRIu64 " waiting %" PRIu32
			   " overruns %" PRIu64 " kernel-dropped %" PRIu64 " user-dropped %" PRIu64
			   "\n",
			   q[i].number, q[i].packets, q[i].accepted, q[i].dropped, q[i].queued_on,
			   q[i].malformed, q[i].waiting, q[i].overruns, q[i].kernel_dropped,
			   q[i].user_dropped);
}

int fwd_verb_status(struct fwd_call *call, struct fw_err *err)
{
	struct fwd *d = call->d;
	struct stat ns;

	fwd_verb_ping(call, err);
	fw_buf_fmt(call->out, "uptime-s %" PRIu64 "\n",
		   (uint64_t)((fwd_now() - d->started) / FW_NSEC_PER_SEC));
	if (!stat("/proc/self/ns/net", &ns))
		fw_buf_fmt(call->out, "netns %" PRIu64 "\n", (uint64_t)ns.st_ino);
	fw_buf_fmt(call->out, "rules4 %" PRIu64 "\nrules6 %" PRIu64 "\nfail %s\nclients %u\n",
		   count_rules(d->core.ruleset, FW_IP4), count_rules(d->core.ruleset, FW_IP6),
		   d->options.config.fail_open ? "open" : "closed",
		   fwd_control_clients(d->control));
	if (d->trial)
		fw_buf_fmt(call->out, "confirm-within-s %u\n", fwd_trial_left_s(d->trial));
	print_store(d, call->out);
	print_flows(d, call->out);
	print_queues(d, call->out);
	fwd_kernel_facts(d->editor.kernel, call->out);
	return 0;
}

int fwd_verb_drops(struct fwd_call *call, struct fw_err *err)
{
	uint64_t n = DROPS_DEFAULT;

	if (call->n_args && fw_parse_u64(call->args[0], 1, DROPS_MAX, &n)) {
		fw_fail(err, FW_ERR_USAGE, "drops: '%s' is not in 1..%d", call->args[0], DROPS_MAX);
		fwd_arg_at(call, call->args[0], err);
		return -EINVAL;
	}
	fwd_kernel_drops(call->d->editor.kernel, (unsigned int)n, call->out);
	return 0;
}

int fwd_verb_reload(struct fwd_call *call, struct fw_err *err)
{
	call->commit = true;
	return fwd_reload(call->d, err);
}

/* Only who could as well stop the daemon: the program that starts may be another by now. */
int fwd_verb_restart(struct fwd_call *call, struct fw_err *err)
{
	struct fwd *d = call->d;
	int r;

	if (call->peer->uid != 0 && call->peer->uid != geteuid())
		return fw_fail(err, FW_ERR_PERM, "user %u may not restart the firewall",
			       (unsigned int)call->peer->uid);
	r = fwd_restart_check(d, err);
	if (r)
		return r;
	fw_buf_fmt(call->out, "restarts %u\n", d->baton.restarts);
	d->restart = true;
	ev_break(d->loop, EVBREAK_ALL);
	return 0;
}
