/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics over HTTP (http/http.h).
 *
 * libmicrohttpd's thread talks to the network, and never takes the engine lock or touches anything
 * of the daemon's.  A request for /metrics is handed to the control thread and put to sleep; the
 * control thread lends it a reference to the ruleset in force and the few numbers that change under
 * locks, and wakes it.  The long part, a line for each rule, is then written by the HTTP thread
 * from the borrowed snapshot, which never changes; the reference goes back to the control thread,
 * because only that one may drop it.  So neither packets nor edits wait for a scrape of 100,000
 * rules, let alone for a slow reader; and as workers never wait for us, it does no harm that our
 * own segments go through their queues.
 *
 *	HTTP thread:    asked ──► (asleep) ──► write rules ──► returned
 *	control thread:      └► lend, wake ┘                  └► drop the reference
 *
 * Strangers are bounded: connections in all and from one address, bytes of a request, seconds of
 * silence.
 */
#include "http/http.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "control/metrics.h"
#include "http/endpoint.h"

#define CONNECTIONS_MAX	 32
#define CONNECTIONS_EACH 8 /* of one address */
#define REQUEST_BYTES	 16384 /* headers and all */
#define SILENCE_S	 10
#define TYPE		 "text/plain; version=0.0.4; charset=utf-8"

struct job { /* one request for /metrics */
	TAILQ_ENTRY(job) entry;
	struct fwd_http *http;
	struct MHD_Connection *connection;
	struct fw_ruleset *rules; /* NULL: we are stopping */
	struct fw_buf text;
};
TAILQ_HEAD(jobs, job);

struct fwd_http {
	struct fwd *d;
	struct MHD_Daemon *server;
	int fd; /* ours until the server has it */
	ev_async wake;
	pthread_mutex_t lock; /* what follows */
	struct jobs asked, returned;
	bool stopping;
};

/* ---- HTTP thread --------------------------------------------------------------------------- */

static enum MHD_Result reply(struct MHD_Connection *c, unsigned int status, const char *type,
			     struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result reply_static(struct MHD_Connection *c, unsigned int status, const char *type,
				    const char *text)
{
	return reply(c, status, type,
		     MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
						     MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result unavailable(struct MHD_Connection *c)
{
	return reply_static(c, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "not now\n");
}

/* Ask the control thread; it wakes the connection up. */
static enum MHD_Result ask(struct fwd_http *h, struct MHD_Connection *c, void **place)
{
	struct job *job = calloc(1, sizeof(*job));
	bool stopping;

	if (!job)
		return unavailable(c);
	*job = (struct job){.http = h, .connection = c, .text = FW_BUF_INIT};
	*place = job;
	pthread_mutex_lock(&h->lock);
	stopping = h->stopping;
	if (!stopping) {
		MHD_suspend_connection(c);
		TAILQ_INSERT_TAIL(&h->asked, job, entry);
	}
	pthread_mutex_unlock(&h->lock);
	if (stopping)
		return unavailable(c);
	ev_async_send(h->d->loop, &h->wake);
	return MHD_YES;
}

/* The reference goes home; the job itself is freed when the request is over. */
static void give_back(struct job *job)
{
	struct fwd_http *h = job->http;

	pthread_mutex_lock(&h->lock);
	TAILQ_INSERT_TAIL(&h->returned, job, entry);
	pthread_mutex_unlock(&h->lock);
	ev_async_send(h->d->loop, &h->wake);
}

static enum MHD_Result answer_metrics(struct MHD_Connection *c, struct job *job)
{
	struct MHD_Response *r;

	if (!job->rules)
		return unavailable(c);
	fwd_metrics_rules(job->rules, &job->text);
	if (!fw_buf_ok(&job->text))
		return unavailable(c);
	r = MHD_create_response_from_buffer(job->text.len, job->text.data, MHD_RESPMEM_MUST_FREE);
	if (r)
		job->text = (struct fw_buf)FW_BUF_INIT; /* the response has it */
	return reply(c, MHD_HTTP_OK, TYPE, r);
}

static enum MHD_Result on_request(void *priv, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *body,
				  size_t *size, void **place)
{
	static const char index[] =
		"<!DOCTYPE html><title>fwd</title><h1>fwd " FWD_VERSION
		"</h1><p><a href=\"/metrics\">metrics</a> in Prometheus' text format\n";
	struct job *job = *place;

	if (job)
		return answer_metrics(c, job);
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return reply_static(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET\n");
	if (!strcmp(url, "/metrics"))
		return ask(priv, c, place);
	if (!strcmp(url, "/"))
		return reply_static(c, MHD_HTTP_OK, "text/html; charset=utf-8", index);
	return reply_static(c, MHD_HTTP_NOT_FOUND, "text/plain", "there is /metrics\n");
}

/* The answer is out, or the client has gone. */
static void on_completed(void *priv, struct MHD_Connection *c, void **place,
			 enum MHD_RequestTerminationCode why)
{
	struct job *job = *place;

	*place = NULL;
	if (!job)
		return;
	fw_buf_deinit(&job->text);
	if (job->rules)
		give_back(job);
	else
		free(job);
}

static void on_log(void *priv, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	fwd_log(6, "http: %s", line);
}

/* ---- control thread ------------------------------------------------------------------------ */

static void lend(struct fwd_http *h, struct job *job, bool stopping)
{
	if (!stopping) {
		fwd_metrics_rest(h->d, &job->text);
		job->rules = fw_ruleset_ref(h->d->core.ruleset);
	}
	MHD_resume_connection(job->connection);
}

static struct job *take(struct fwd_http *h, struct jobs *from)
{
	struct job *job;

	pthread_mutex_lock(&h->lock);
	job = TAILQ_FIRST(from);
	if (job)
		TAILQ_REMOVE(from, job, entry);
	pthread_mutex_unlock(&h->lock);
	return job;
}

static void serve(struct fwd_http *h, bool stopping)
{
	struct job *job;

	while ((job = take(h, &h->asked)))
		lend(h, job, stopping);
	while ((job = take(h, &h->returned))) {
		fwd_edit_forget(&h->d->editor, job->rules);
		free(job);
	}
}

static void on_wake(struct ev_loop *loop, ev_async *w, int events)
{
	serve(w->data, false);
}

/* The address may not be there yet: a firewall starts before the network. */
static int listen_at(const char *where, struct fw_err *err)
{
	struct sockaddr_storage addr;
	const int one = 1;
	socklen_t len;
	int fd, r = fwd_endpoint_parse(where, &addr, &len, err);

	if (r)
		return r;
	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fw_fail(err, FW_ERR_RESOURCE, "metrics: no socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr.ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	}
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, CONNECTIONS_MAX)) {
		fw_fail(err, FW_ERR_RESOURCE, "metrics: cannot listen at %s: %s", where,
			strerror(errno));
		if (errno == EADDRINUSE)
			fw_err_hint(err,
				    "another program has that port: choose one with --metrics");
		close(fd);
		return -EADDRINUSE;
	}
	return fd;
}

/* Signals are the control thread's: the server's thread is started with all blocked. */
static int start_server(struct fwd_http *h, struct fw_err *err)
{
	const unsigned int flags =
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	h->server = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_EACH,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (h->server)
		return 0;
	return fw_fail(err, FW_ERR_RESOURCE, "metrics: the HTTP server does not start");
}

int fwd_http_open(struct fwd_http **ret, struct fwd *d, struct fw_err *err)
{
	const char *where = d->options.config.metrics;
	struct fwd_http *h;
	int r = 0;

	if (!where)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	h->d = d;
	TAILQ_INIT(&h->asked);
	TAILQ_INIT(&h->returned);
	pthread_mutex_init(&h->lock, NULL);
	ev_async_init(&h->wake, on_wake);
	h->wake.data = h;
	ev_async_start(d->loop, &h->wake);
	h->fd = listen_at(where, err);
	if (h->fd < 0)
		r = h->fd;
	else
		r = start_server(h, err);
	if (!r) {
		fwd_log(5, "metrics at http://%s/metrics", where);
		*ret = h;
		return 0;
	}
	if (h->fd >= 0)
		close(h->fd);
	ev_async_stop(d->loop, &h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return r;
}

struct fwd_http *fwd_http_close(struct fwd_http *h)
{
	if (!h)
		return NULL;
	pthread_mutex_lock(&h->lock);
	h->stopping = true; /* nobody falls asleep from here on */
	pthread_mutex_unlock(&h->lock);
	serve(h, true);
	MHD_stop_daemon(h->server); /* joins its thread, closes the socket */
	serve(h, true);
	ev_async_stop(h->d->loop, &h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return NULL;
}

bool fwd_http_built(void)
{
	return true;
}
