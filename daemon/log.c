/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log (log.h).
 *
 * Repeats.  A message is known by its format string; more than LIMIT_LINES of one kind within
 * LIMIT_S seconds are counted instead of written, and the count is told with the next one that
 * passes.  Lines whose format is only "%s" are somebody's own words (the LOG target, whose rule
 * has its own limits) and always pass.
 */
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core.h"

#define RING_SIZE   (256u * 1024)
#define LINE_SIZE   1024
#define LIMIT_LINES 20
#define LIMIT_S	    5
#define PATIENCE_S  1 /* with a reader, at the end */
#define KINDS	    64 /* places for kinds; two kinds in one place share their limit */

struct kind {
	const char *fmt;
	time_t since;
	unsigned int lines, suppressed;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more, written;
	pthread_t thread;
	bool journald, running, stopping, ended;
	char ring[RING_SIZE];
	size_t head, used; /* bytes [head, head + used) of the ring wait */
	unsigned long lost;
	struct kind kinds[KINDS];
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER,
	  .written = PTHREAD_COND_INITIALIZER};

void fwd_log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	self.journald = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		!fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

static void write_out(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody is there to be told */
		data += n;
		len -= (size_t)n;
	}
}

/* Lock held.  A line that does not fit is lost and counted. */
static void put(const char *line, size_t len)
{
	size_t at, first;

	if (len > RING_SIZE - self.used) {
		self.lost++;
		return;
	}
	at = (self.head + self.used) % RING_SIZE;
	first = len < RING_SIZE - at ? len : RING_SIZE - at;
	memcpy(self.ring + at, line, first);
	memcpy(self.ring, line + first, len - first);
	self.used += len;
	pthread_cond_signal(&self.more);
}

/* Lock held; may this kind be written now?  *suppressed: how many were not since the last. */
static bool allowed(const char *fmt, unsigned int *suppressed)
{
	struct kind *k = &self.kinds[((uintptr_t)fmt >> 3) % KINDS];
	struct timespec ts;

	*suppressed = 0;
	if (!strcmp(fmt, "%s") || !strcmp(fmt, "%.*s"))
		return true;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	if (k->fmt != fmt || ts.tv_sec - k->since >= LIMIT_S) {
		*suppressed = k->fmt == fmt ? k->suppressed : 0;
		*k = (struct kind){.fmt = fmt, .since = ts.tv_sec};
	}
	if (k->lines++ < LIMIT_LINES)
		return true;
	k->suppressed++;
	return false;
}

/* "<N>text" for journald, "fwd: text" for people; control characters cannot forge lines. */
static size_t print_line(char *line, int priority, const char *fmt, va_list ap)
{
	size_t at, len;
	int n;

	if (self.journald)
		n = snprintf(line, LINE_SIZE, "<%d>", priority & 7);
	else
		n = snprintf(line, LINE_SIZE, "fwd: ");
	at = (size_t)n;
	n = vsnprintf(line + at, LINE_SIZE - at - 1, fmt, ap);
	len = at + (n < 0 ? 0 : (size_t)n);
	if (len > LINE_SIZE - 2)
		len = LINE_SIZE - 2;
	for (size_t i = at; i < len; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			line[i] = '?';
	line[len++] = '\n';
	return len;
}

static void emit(const char *line, size_t len)
{
	if (self.running)
		put(line, len);
	else
		write_out(line, len);
}

void fwd_log(int priority, const char *fmt, ...)
{
	char line[LINE_SIZE], note[64];
	unsigned int suppressed;
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = print_line(line, priority, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&self.lock);
	if (allowed(fmt, &suppressed)) {
		if (suppressed)
			emit(note,
			     (size_t)snprintf(note, sizeof(note), "%s%u more like the next\n",
					      self.journald ? "<5>" : "fwd: ", suppressed));
		emit(line, len);
	}
	pthread_mutex_unlock(&self.lock);
}

/* Lock held: take a piece of the ring. */
static size_t take(char *piece, size_t size)
{
	size_t n = RING_SIZE - self.head;

	if (self.lost) {
		n = (size_t)snprintf(piece, size, "%s%lu lines of the log were lost\n",
				     self.journald ? "<4>" : "fwd: ", self.lost);
		self.lost = 0;
		return n;
	}
	if (n > self.used)
		n = self.used;
	if (n > size)
		n = size;
	memcpy(piece, self.ring + self.head, n);
	self.head = (self.head + n) % RING_SIZE;
	self.used -= n;
	return n;
}

static void *writer(void *unused)
{
	char piece[4096];
	size_t n;

	pthread_mutex_lock(&self.lock);
	while (!self.stopping || self.used) {
		if (!self.used) {
			pthread_cond_wait(&self.more, &self.lock);
			continue;
		}
		n = take(piece, sizeof(piece));
		pthread_mutex_unlock(&self.lock);
		write_out(piece, n);
		pthread_mutex_lock(&self.lock);
	}
	self.ended = true;
	pthread_cond_signal(&self.written);
	pthread_mutex_unlock(&self.lock);
	return NULL;
}

int fwd_log_start(void)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&self.thread, NULL, writer, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	pthread_setname_np(self.thread, "fwd-log");
	pthread_mutex_lock(&self.lock);
	self.running = true;
	pthread_mutex_unlock(&self.lock);
	return 0;
}

void fwd_log_stop(void)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&self.lock);
	self.stopping = true;
	pthread_cond_signal(&self.more);
	while (self.running && !self.ended &&
	       !pthread_cond_clockwait(&self.written, &self.lock, CLOCK_MONOTONIC, &until))
		;
	ended = self.running && self.ended;
	if (ended)
		self.running = false; /* else it waits for a reader: what comes waits in the ring */
	pthread_mutex_unlock(&self.lock);
	if (ended)
		pthread_join(self.thread, NULL);
}

void fwd_log_err(int priority, const char *file, const struct fw_err *err)
{
	char place[64] = "";

	if (err->line)
		snprintf(place, sizeof(place), "%s%u:%u: ", file ? ":" : "line ", err->line,
			 err->column);
	else if (file)
		strcpy(place, ": ");
	fwd_log(priority, "%s%s%s%s%s%s", file ? file : "", place, err->msg,
		err->hint[0] ? " (" : "", err->hint, err->hint[0] ? ")" : "");
}
