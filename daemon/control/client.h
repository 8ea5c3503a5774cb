/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One control client, from accept to close:
 *
 *	READING ──half-closed──► READY ──run by control.c──► ANSWERING ──all sent──► closed
 *	   └──a limit is passed─────────────────────────────►    └──► LINGERING ──► closed
 *
 * LINGERING: the answer came before the request's end.  Closing at once would make the kernel throw
 * away the answer that the client has not read yet, so what still comes is read and dropped, up to
 * a bound.
 */
#ifndef FWD_CONTROL_CLIENT_H
#define FWD_CONTROL_CLIENT_H

#include <ev.h>
#include <sys/queue.h>

#include "control/peer.h"
#include "control/request.h"
#include "control/address.h"
#include "control/verbs.h"
#include "tidy.h"

enum fwd_client_state {
	FWD_CLIENT_READING,
	FWD_CLIENT_READY,
	FWD_CLIENT_ANSWERING,
	FWD_CLIENT_LINGERING
};

struct fwd_client {
	TAILQ_ENTRY(fwd_client) all; /* every client */
	TAILQ_ENTRY(fwd_client) ready; /* those READY */
	struct fwd_control *control;
	ev_io io;
	enum fwd_client_state state;
	struct fwd_peer peer;
	struct fwd_intake in;
	struct fw_buf out;
	size_t sent;
	size_t lingered;
	bool cut_short; /* the request was not read to its end */
	fwd_more_fn *more; /* the answer goes on */
	void *more_priv;
	ev_tstamp progress; /* when it last read or wrote anything */
};
TAILQ_HEAD(fwd_clients, fwd_client);

struct fwd_control {
	struct fwd *d;
	struct fwd_clients all, ready;
	unsigned int n;
	ev_io accept;
	ev_prepare turn;
	ev_timer tick;
	struct fwd_groups groups;
	struct fwd_heap heap;
	bool draining; /* nobody is let in any more */
};

/* There is room: let clients in (again). */
void fwd_control_admit(struct fwd_control *c);

/* Take over a connected, non-blocking socket.  NULL: no memory, and the socket is closed. */
struct fwd_client *fwd_client_new(struct fwd_control *c, int fd, const struct fwd_peer *peer);
void fwd_client_free(struct fwd_client *client);
/* Send what is in client->out (and what client->more adds), then close. */
void fwd_client_answer(struct fwd_client *client);
/* Answer with a refusal. */
void fwd_client_refuse(struct fwd_client *client, const struct fw_err *err);
/* Has it made no progress for too long? */
bool fwd_client_idle(const struct fwd_client *client, ev_tstamp now);
/* Bytes of memory that all clients' requests, and answers, hold. */
size_t fwd_control_requests(const struct fwd_control *c);
size_t fwd_control_answers(const struct fwd_control *c);

#endif
