/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager (notify.h). */
#include "notify.h"

#include <ev.h>
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

struct fwd_notify {
	struct fwd *d;
	ev_timer watchdog;
	unsigned int within_s; /* how old a worker's sign of life may be */
	bool silent; /* said once that a worker hangs */
};

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
	struct fwd_notify *n = w->data;

	if (fwd_kernel_alive(n->d->editor.kernel, n->within_s)) {
		n->silent = false;
		sd_notify(0, "WATCHDOG=1");
		return;
	}
	if (!n->silent)
		fwd_log(2,
			"a worker thread has not moved for %u s: no sign of life for the watchdog",
			n->within_s);
	n->silent = true;
}

static void tell_status(struct fwd *d, const char *first)
{
	const struct fw_ruleset *rs = d->core.ruleset;
	uint64_t rules[FW_N_FAMILIES] = {0};

	for (int f = 0; f < FW_N_FAMILIES; f++)
		for (int t = 0; t < FW_N_TABLES; t++)
			rules[f] += rs->tables[f][t]->n_rules;
	sd_notifyf(0, "%sSTATUS=filtering: %" PRIu64 " IPv4 rules, %" PRIu64 " IPv6 rules", first,
		   rules[FW_IP4], rules[FW_IP6]);
}

struct fwd_notify *fwd_notify_ready(struct fwd *d)
{
	struct fwd_notify *n = calloc(1, sizeof(*n));
	uint64_t usec;

	if (!n)
		return NULL;
	n->d = d;
	if (sd_watchdog_enabled(0, &usec) > 0) {
		double interval = (double)usec / 1e6 / 3;

		n->within_s = (unsigned int)(usec / 1000000 / 2);
		if (!n->within_s)
			n->within_s = 1;
		ev_timer_init(&n->watchdog, on_watchdog, interval, interval);
		n->watchdog.data = n;
		ev_timer_start(d->loop, &n->watchdog);
	}
	tell_status(d, "READY=1\n");
	return n;
}

void fwd_notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, fwd_now() / 1000);
}

void fwd_notify_reloaded(struct fwd *d, const char *failed)
{
	if (failed)
		sd_notifyf(0, "READY=1\nSTATUS=filtering as before; the reload failed: %s", failed);
	else
		tell_status(d, "READY=1\n");
}

static struct fwd_notify *end(struct fwd_notify *n)
{
	if (!n)
		return NULL;
	ev_timer_stop(n->d->loop, &n->watchdog);
	free(n);
	return NULL;
}

struct fwd_notify *fwd_notify_stopping(struct fwd_notify *n)
{
	if (n)
		sd_notify(0, "STOPPING=1");
	return end(n);
}

struct fwd_notify *fwd_notify_restarting(struct fwd_notify *n)
{
	fwd_notify_reloading();
	return end(n);
}
