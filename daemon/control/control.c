/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket (control/control.h). */
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/address.h"
#include "control/client.h"
#include "keep.h"
#include "log.h"
#include "trial.h"

#define ACCEPTS_PER_TURN 64
#define DRAIN_NS	 (2 * FW_NSEC_PER_SEC)

size_t fwd_control_requests(const struct fwd_control *c)
{
	const struct fwd_client *client;
	size_t n = 0;

	TAILQ_FOREACH(client, &c->all, all)
	n += client->in.text.cap;
	return n;
}

size_t fwd_control_answers(const struct fwd_control *c)
{
	const struct fwd_client *client;
	size_t n = 0;

	TAILQ_FOREACH(client, &c->all, all)
	n += client->out.cap;
	return n;
}

unsigned int fwd_control_clients(const struct fwd_control *c)
{
	return c->n;
}

void fwd_control_reload(struct fwd_control *c)
{
	fwd_groups_load(&c->groups);
}

/* The half request that has been silent for longest makes room.  False: all are at work. */
static bool evict(struct fwd_control *c)
{
	struct fwd_client *client, *victim = NULL;

	TAILQ_FOREACH(client, &c->all, all)
	if ((client->state == FWD_CLIENT_READING || client->state == FWD_CLIENT_LINGERING) &&
	    (!victim || client->progress < victim->progress))
		victim = client;
	if (!victim)
		return false;
	fwd_log(5, "control: closed an idle client (pid %d) to make room", (int)victim->peer.pid);
	fwd_client_free(victim);
	return true;
}

static void refuse(int fd, const struct fw_err *err)
{
	struct fw_buf out = FW_BUF_INIT;

	fwd_reply_error(err, &out);
	if (out.data)
		send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	fw_buf_deinit(&out);
	close(fd);
}

static void welcome(struct fwd_control *c, int fd)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_peer peer;
	int r;

	r = fwd_peer_get(fd, &c->groups, &peer);
	if (r) {
		fw_fail(&err, FW_ERR_PERM, "the kernel does not tell who asks: %s", strerror(-r));
		refuse(fd, &err);
	} else if (fwd_peer_check(&peer, FWD_RIGHT_READ, &err)) {
		refuse(fd, &err);
	} else {
		fwd_client_new(c, fd, &peer);
	}
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct fwd_control *c = io->data;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd;

		if (c->n >= FW_CLIENTS_MAX && !evict(c)) {
			ev_io_stop(loop, io); /* until somebody leaves */
			return;
		}
		fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			welcome(c, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			fwd_log(3, "control: cannot accept a client: %s", strerror(errno));
			ev_io_stop(loop, io); /* until somebody leaves, or the next tick */
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

/* Run one request.  True: its answer must wait for the commit. */
static bool run(struct fwd_control *c, struct fwd_client *client)
{
	struct fwd_call call = {.d = c->d, .peer = &client->peer, .out = &client->out};
	struct fw_err err = FW_ERR_INIT;
	struct fwd_request req;
	int r;

	fw_buf_str(&client->out, "ok\n");
	call.req = &req;
	call.crowded = fwd_control_answers(c) > FWD_ANSWERS_MAX;
	r = fwd_request_parse(&client->in, &req, &err);
	if (!r)
		r = fwd_verb_run(&call, &err);
	fwd_intake_deinit(&client->in);
	if (r) {
		free(call.more_priv);
		if (err.code == FW_ERR_NONE)
			fw_fail(&err, FW_ERR_RESOURCE, "%s", strerror(-r));
		fwd_client_refuse(client, &err);
		return false;
	}
	client->more = call.more;
	client->more_priv = call.more_priv;
	if (call.commit)
		return true;
	fwd_client_answer(client);
	return false;
}

/* Edits are on disk, or none of them happened: tell those who wait for it. */
static void commit(struct fwd_control *c, struct fwd_clients *waiting)
{
	struct fw_err err = FW_ERR_INIT;
	struct fwd_client *client;
	int r;

	r = fwd_edit_commit(&c->d->editor, &err);
	fwd_trial_settled(c->d, !r);
	if (r)
		fwd_log_err(2, "edits undone", &err);
	while ((client = TAILQ_FIRST(waiting))) {
		TAILQ_REMOVE(waiting, client, ready);
		if (r)
			fwd_client_refuse(client, &err);
		else
			fwd_client_answer(client);
	}
}

/* A new snapshot for a long journal.  The next request should not wait for it. */
static void compact(struct fwd *d)
{
	struct fwd_store *store = d->editor.store;
	struct fw_err err = FW_ERR_INIT;

	if (!store || !(d->editor.compact || fwd_store_due(store)))
		return;
	if (!fwd_store_broken(store) && fwd_keep_now(d->keeper))
		return;
	if (fwd_edit_snapshot(&d->editor, &err))
		fwd_log_err(3, NULL, &err);
}

/* The end of a turn: everything that became complete runs now. */
static void on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct fwd_control *c = w->data;
	struct fwd_clients waiting = TAILQ_HEAD_INITIALIZER(waiting);
	struct fwd_client *client;

	if (TAILQ_EMPTY(&c->ready))
		return;
	while ((client = TAILQ_FIRST(&c->ready))) {
		TAILQ_REMOVE(&c->ready, client, ready);
		client->state = FWD_CLIENT_ANSWERING;
		if (run(c, client))
			TAILQ_INSERT_TAIL(&waiting, client, ready);
	}
	commit(c, &waiting);
	compact(c->d);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	struct fwd_control *c = w->data;
	struct fwd_client *client = TAILQ_FIRST(&c->all), *next;

	for (; client; client = next) {
		next = TAILQ_NEXT(client, all);
		if (fwd_client_idle(client, ev_now(loop)))
			fwd_client_free(client);
	}
	fwd_control_admit(c);
	fwd_tidy(&c->d->core);
	fwd_edit_tidy(&c->d->editor);
	fwd_tidy_heap(&c->heap, c->d->core.ruleset->generation);
}

void fwd_control_admit(struct fwd_control *c)
{
	if (!ev_is_active(&c->accept) && !c->draining)
		ev_io_start(c->d->loop, &c->accept);
}

/* After a restart the one who answers there is ourselves. */
int fwd_control_probe(struct fwd *d, struct fw_err *err)
{
	int r = fwd_address_find(&d->address, d->options.config.socket, err);

	if (r || fwd_address_adopt(&d->address, d->baton.control, d->baton.socket))
		return r;
	d->baton.control = -1;
	return fwd_address_probe(&d->address, err);
}

int fwd_control_open(struct fwd_control **ret, struct fwd *d, struct fw_err *err)
{
	struct fwd_control *c = calloc(1, sizeof(*c));
	int fd;

	if (!c)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	c->d = d;
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->ready);
	fwd_groups_load(&c->groups);
	fd = d->baton.control;
	if (fd < 0)
		fd = fwd_address_listen(&d->address, err);
	if (fd < 0) {
		free(c);
		return fd;
	}
	ev_io_init(&c->accept, on_accept, fd, EV_READ);
	ev_prepare_init(&c->turn, on_turn);
	ev_timer_init(&c->tick, on_tick, 1.0, 1.0);
	c->accept.data = c->turn.data = c->tick.data = c;
	ev_io_start(d->loop, &c->accept);
	ev_prepare_start(d->loop, &c->turn);
	ev_timer_start(d->loop, &c->tick);
	*ret = c;
	return 0;
}

void fwd_control_drain(struct fwd_control *c)
{
	const uint64_t end = fwd_now() + DRAIN_NS;

	c->draining = true;
	ev_io_stop(c->d->loop, &c->accept);
	while (c->n && c->d->restart && fwd_now() < end)
		ev_run(c->d->loop, EVRUN_ONCE); /* the tick comes each second */
}

static void release(struct fwd_control *c)
{
	struct fwd_client *client;

	c->draining = true; /* who goes makes no room */
	while ((client = TAILQ_FIRST(&c->all)))
		fwd_client_free(client);
	ev_io_stop(c->d->loop, &c->accept);
	ev_prepare_stop(c->d->loop, &c->turn);
	ev_timer_stop(c->d->loop, &c->tick);
	free(c);
}

int fwd_control_leave(struct fwd_control *c)
{
	int fd = c->accept.fd;

	release(c);
	return fd;
}

struct fwd_control *fwd_control_close(struct fwd_control *c)
{
	int fd;

	if (!c)
		return NULL;
	fd = c->accept.fd;
	fwd_address_remove(&c->d->address);
	release(c);
	close(fd);
	return NULL;
}
