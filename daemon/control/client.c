/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One control client (control/client.h). */
#include "control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control.h"

#define PIECE	     (64 * 1024) /* bytes of one recv or send */
#define TURN_PIECES  4 /* of them for one client in one turn of the loop */
#define LINGER_BYTES (4u * 1024 * 1024)
#define LINGER_S     2.0

static void on_event(struct ev_loop *loop, ev_io *io, int events);

static void watch(struct fwd_client *client, int events)
{
	struct ev_loop *loop = client->control->d->loop;

	if (ev_is_active(&client->io) && client->io.events == events)
		return;
	ev_io_stop(loop, &client->io);
	if (!events)
		return;
	ev_io_set(&client->io, client->io.fd, events);
	ev_io_start(loop, &client->io);
}

struct fwd_client *fwd_client_new(struct fwd_control *c, int fd, const struct fwd_peer *peer)
{
	struct fwd_client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return NULL;
	}
	client->control = c;
	client->peer = *peer;
	client->progress = ev_now(c->d->loop);
	ev_io_init(&client->io, on_event, fd, EV_READ);
	client->io.data = client;
	TAILQ_INSERT_TAIL(&c->all, client, all);
	c->n++;
	ev_io_start(c->d->loop, &client->io);
	return client;
}

void fwd_client_free(struct fwd_client *client)
{
	struct fwd_control *c = client->control;

	ev_io_stop(c->d->loop, &client->io);
	close(client->io.fd);
	if (client->state == FWD_CLIENT_READY)
		TAILQ_REMOVE(&c->ready, client, ready);
	TAILQ_REMOVE(&c->all, client, all);
	c->n--;
	fwd_intake_deinit(&client->in);
	fw_buf_deinit(&client->out);
	free(client->more_priv);
	free(client);
	fwd_control_admit(c);
}

bool fwd_client_idle(const struct fwd_client *client, ev_tstamp now)
{
	if (client->state == FWD_CLIENT_READY)
		return false;
	return now - client->progress >
		(client->state == FWD_CLIENT_LINGERING ? LINGER_S : FW_CLIENT_IDLE_S);
}

/* All is sent.  True when the client is gone. */
static bool finish(struct fwd_client *client)
{
	if (!client->cut_short || shutdown(client->io.fd, SHUT_WR)) {
		fwd_client_free(client);
		return true;
	}
	client->state = FWD_CLIENT_LINGERING;
	fwd_intake_deinit(&client->in);
	watch(client, EV_READ);
	return false;
}

/* Ask for the next piece when little is left. */
static void refill(struct fwd_client *client)
{
	if (client->sent == client->out.len) {
		fw_buf_reset(&client->out);
		client->sent = 0;
	}
	if (!client->more || client->out.len - client->sent >= PIECE)
		return;
	if (client->sent) {
		client->out.len -= client->sent;
		memmove(client->out.data, client->out.data + client->sent, client->out.len);
		client->sent = 0;
	}
	if (!client->more(client->control->d, client->more_priv, &client->out))
		client->more = NULL;
}

/* Send a turn's worth. */
static void send_some(struct fwd_client *client)
{
	for (int i = 0; i < TURN_PIECES; i++) {
		size_t left;
		ssize_t n;

		refill(client);
		if (!fw_buf_ok(&client->out)) {
			fwd_client_free(client); /* an answer cut short must not look whole */
			return;
		}
		left = client->out.len - client->sent;
		if (!left && !client->more) {
			finish(client);
			return;
		}
		n = send(client->io.fd, client->out.data + client->sent,
			 left < PIECE ? left : PIECE, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			fwd_client_free(client);
			return;
		}
		client->sent += (size_t)n;
		client->progress = ev_now(client->control->d->loop);
	}
	watch(client, EV_WRITE);
}

void fwd_client_answer(struct fwd_client *client)
{
	client->state = FWD_CLIENT_ANSWERING;
	client->progress = ev_now(client->control->d->loop);
	send_some(client);
}

void fwd_client_refuse(struct fwd_client *client, const struct fw_err *err)
{
	fw_buf_reset(&client->out);
	fwd_reply_error(err, &client->out);
	fwd_client_answer(client);
}

static void complete(struct fwd_client *client)
{
	watch(client, 0);
	client->state = FWD_CLIENT_READY;
	TAILQ_INSERT_TAIL(&client->control->ready, client, ready);
}

/* Take in a piece.  False: this turn is over for the client (or the client is gone). */
static bool take(struct fwd_client *client, const char *piece, size_t n)
{
	struct fw_err err = FW_ERR_INIT;

	client->progress = ev_now(client->control->d->loop);
	if (client->in.text.len + n > FWD_REQUEST_SMALL &&
	    fwd_control_requests(client->control) + n > FWD_REQUESTS_MAX) {
		fw_fail(&err, FW_ERR_RESOURCE, "too many large requests at the same time");
		fw_err_hint(&err, "try again when the others are done");
	} else if (!fwd_intake_add(&client->in, piece, n, &err)) {
		return true;
	}
	client->cut_short = true;
	fwd_client_refuse(client, &err);
	return false;
}

static void drop(struct fwd_client *client, ssize_t n)
{
	client->lingered += (size_t)n;
	if (!n || client->lingered > LINGER_BYTES)
		fwd_client_free(client);
}

static void read_some(struct fwd_client *client)
{
	static char piece[PIECE]; /* one thread reads */

	for (int i = 0; i < TURN_PIECES; i++) {
		ssize_t n = recv(client->io.fd, piece, sizeof(piece), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			fwd_client_free(client);
			return;
		}
		if (client->state == FWD_CLIENT_LINGERING) {
			drop(client, n);
			return;
		}
		if (!n) {
			complete(client);
			return;
		}
		if (!take(client, piece, (size_t)n))
			return;
	}
}

static void on_event(struct ev_loop *loop, ev_io *io, int events)
{
	struct fwd_client *client = io->data;

	if (client->state == FWD_CLIENT_ANSWERING)
		send_some(client);
	else
		read_some(client);
}
