/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOG lines on their way out.  Writing to stderr may block (a slow journal, a full pipe), and the
 * packet path must not; so lines go through a ring to a thread of their own.  When it is full they
 * are counted, and the count is told as soon as there is room: a flood of packets makes one line.
 *
 * One producer at a time (whoever holds core->lock), one consumer.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define RING	       (256 * 1024) /* bytes, a power of two */
#define LINE_MAX_BYTES 1000

struct head { /* before each line's bytes */
	uint16_t len;
	uint8_t level;
};

struct fwd_logring {
	_Atomic(uint64_t) put, got; /* bytes ever written and read */
	_Atomic(uint64_t) suppressed;
	_Atomic(bool) stop;
	bool news; /* producer's: lines since the last wake */
	sem_t wake;
	pthread_t thread;
	uint8_t data[RING];
};

static void copy_in(struct fwd_logring *r, uint64_t at, const void *src, size_t n)
{
	size_t off = at & (RING - 1), first = n < RING - off ? n : RING - off;

	memcpy(r->data + off, src, first);
	memcpy(r->data, (const uint8_t *)src + first, n - first);
}

static void copy_out(const struct fwd_logring *r, uint64_t at, void *dst, size_t n)
{
	size_t off = at & (RING - 1), first = n < RING - off ? n : RING - off;

	memcpy(dst, r->data + off, first);
	memcpy((uint8_t *)dst + first, r->data, n - first);
}

void fwd_logring_put(struct fwd_logring *r, int level, const char *line, size_t len)
{
	const uint64_t put = atomic_load_explicit(&r->put, memory_order_relaxed);
	const uint64_t got = atomic_load_explicit(&r->got, memory_order_acquire);
	struct head h = {.level = (uint8_t)level};

	if (len > LINE_MAX_BYTES)
		len = LINE_MAX_BYTES;
	h.len = (uint16_t)len;
	if (put - got + sizeof(h) + len > RING) {
		atomic_fetch_add_explicit(&r->suppressed, 1, memory_order_relaxed);
		return;
	}
	copy_in(r, put, &h, sizeof(h));
	copy_in(r, put + sizeof(h), line, len);
	atomic_store_explicit(&r->put, put + sizeof(h) + len, memory_order_release);
	r->news = true;
}

bool fwd_logring_news(struct fwd_logring *r)
{
	bool news = r->news;

	r->news = false;
	return news;
}

void fwd_logring_wake(struct fwd_logring *r)
{
	sem_post(&r->wake);
}

static void write_out(struct fwd_logring *r)
{
	uint64_t got = atomic_load_explicit(&r->got, memory_order_relaxed), lost;
	char line[LINE_MAX_BYTES];
	struct head h;

	while (got != atomic_load_explicit(&r->put, memory_order_acquire)) {
		copy_out(r, got, &h, sizeof(h));
		copy_out(r, got + sizeof(h), line, h.len);
		got += sizeof(h) + h.len;
		atomic_store_explicit(&r->got, got, memory_order_release);
		fwd_log(h.level, "%.*s", (int)h.len, line);
	}
	lost = atomic_exchange_explicit(&r->suppressed, 0, memory_order_relaxed);
	if (lost)
		fwd_log(4,
			"%llu log lines suppressed: packets are logged faster than they can be "
			"written",
			(unsigned long long)lost);
}

static void *writer(void *ring)
{
	struct fwd_logring *r = ring;

	do {
		while (sem_wait(&r->wake) < 0 && errno == EINTR)
			;
		while (sem_trywait(&r->wake) == 0)
			;
		write_out(r);
	} while (!atomic_load(&r->stop));
	return NULL;
}

struct fwd_logring *fwd_logring_start(void)
{
	struct fwd_logring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	sem_init(&r->wake, 0, 0);
	if (pthread_create(&r->thread, NULL, writer, r)) {
		free(r);
		return NULL;
	}
	pthread_setname_np(r->thread, "fwd-log");
	return r;
}

struct fwd_logring *fwd_logring_stop(struct fwd_logring *r)
{
	if (!r)
		return NULL;
	atomic_store(&r->stop, true);
	sem_post(&r->wake);
	pthread_join(r->thread, NULL);
	write_out(r);
	sem_destroy(&r->wake);
	free(r);
	return NULL;
}
