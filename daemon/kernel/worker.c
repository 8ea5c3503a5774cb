/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: read what waits in the queue, judge it, answer; two system calls for up to 64 packets.
 *
 *	recvmmsg  ►  parse (no lock)  ►  core->lock: judge each  ►  one send with all answers
 *
 * Order.  Answers go out in the order in which packets came, which is also the cheapest for the
 * kernel.
 *
 * Weather.  EINTR, ENOBUFS and errors about packets that are gone (their device went down) are
 * counted and otherwise ignored; the loop ends only when told.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "handover.h"
#include "worker.h"

/* A whole packet with its attributes.  Not a power of two: then all buffers' first lines would
 * compete for the same few places of the cache. */
#define SLOT_SIZE (65536 + 2048 + 576)

#define GC_IDLE_BUDGET 4096

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * FW_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t fwd_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t fwd_wall(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* ---- answering ----------------------------------------------------------------------------- */

static void send_answers(struct fwd_worker *w)
{
	struct fwd_batch *b = w->batch;
	struct msghdr msg = {.msg_iov = b->out_iov};

	for (size_t i = 0, done = 0; i < b->n; i += done) {
		ssize_t n;

		msg.msg_iovlen =
			fwd_verdict_fill(b->out, b->out_iov, b->answers + i, b->n - i, &done);
		do {
			n = sendmsg(w->fd, &msg, 0);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			fwd_log(3, "queue %u: cannot answer: %s", w->number, strerror(errno));
	}
	if (b->barrier && fwd_queue_set_range(w->fd, w->parts_number, FWD_COPY_ALL, true) == 0) {
		w->barriers++;
		w->barrier_ns = b->now;
	}
}

static void send_rejects(struct fwd_worker *w)
{
	const unsigned int shift = w->k->core->config->mark_shift;
	struct fwd_batch *b = w->batch;

	for (size_t j = 0; j < b->n_rejects; j++) {
		const size_t i = b->rejects[j].i;

		if (!fwd_rejects_send(w->rejects, &b->msgs[i].pkt, &b->decisions[i],
				      b->rejects[j].to_many, shift, b->now))
			fwd_count(&w->unanswered);
	}
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Send round again what the last life had read and not answered (handover.c). */
static void repeat_up_to(struct fwd_worker *w, unsigned int which, uint32_t id)
{
	const uint16_t queue = fwd_queue_number(w->k->core->config, w->index, which);
	uint8_t buf[FWD_VERDICT_SIZE];

	if (send(w->fd, buf, fwd_verdict_batch(buf, queue, NF_REPEAT, id), 0) < 0)
		fwd_log(3, "queue %u: cannot repeat: %s", queue, strerror(errno));
}

static void recover(struct fwd_worker *w)
{
	for (unsigned int which = 0; which < FWD_QUEUES_EACH; which++) {
		uint64_t last = w->recover[which] && w->ids ? atomic_load(&w->ids[which]) : 0;

		if (last & FWD_ID_KNOWN)
			repeat_up_to(w, which, (uint32_t)last);
	}
}

/* Before this one there is nothing that waits for us to read it. */
static void note_id(struct fwd_worker *w, const struct fwd_msg *m)
{
	const struct fwd_config *config = w->k->core->config;
	const unsigned int which = (m->queue - config->queue_base) / config->queues;

	if (w->recover[which]) {
		w->recover[which] = false;
		repeat_up_to(w, which, m->id - 1);
	}
	if (w->ids)
		atomic_store_explicit(&w->ids[which], FWD_ID_KNOWN | m->id, memory_order_relaxed);
}

static void parse_all(struct fwd_worker *w, int n)
{
	const unsigned int shift = w->k->core->config->mark_shift;
	struct fwd_batch *b = w->batch;

	b->n = 0;
	for (int i = 0; i < n; i++) {
		int error;
		int r = fwd_msg_parse(b->iov[i].iov_base, b->hdrs[i].msg_len, shift, &b->msgs[b->n],
				      &error);

		if (r > 0)
			note_id(w, &b->msgs[b->n++]);
		else if (r < 0 || error)
			fwd_count(
				&w->overruns); /* mostly ENOENT: the packet went with its device */
		else if (w->barriers)
			w->barriers--;
	}
}

static void idle(struct fwd_worker *w)
{
	struct fwd_core *core = w->k->core;
	const uint64_t now = fwd_now();

	w->detours = w->barriers = 0;
	if (w->index != 0)
		return;
	fwd_core_lock(core);
	fwd_rtnl_freshen(w->k->rtnl, now);
	fw_ct_gc(core->world.ct, now, GC_IDLE_BUDGET);
	fwd_core_unlock(core);
}

/* Nothing came: a second passed, or something strange. */
static void no_packets(struct fwd_worker *w, int error)
{
	static const struct timespec pause = {.tv_nsec = 10000000};

	if (error == EAGAIN) {
		idle(w);
	} else if (error != EINTR) {
		fwd_count(&w->overruns);
		if (error != ENOBUFS) {
			fwd_log(3, "queue %u: cannot read: %s", w->number, strerror(error));
			nanosleep(&pause, NULL);
		}
	}
}

static int read_queue(struct fwd_worker *w, bool draining)
{
	static const struct timespec pause = {.tv_nsec = 2000000};
	int n = recvmmsg(w->fd, w->batch->hdrs, FWD_BATCH, draining ? MSG_DONTWAIT : MSG_WAITFORONE,
			 NULL);

	if (draining && n < 0 && errno == EAGAIN) {
		atomic_fetch_add(&w->empty, 1);
		nanosleep(&pause, NULL);
		errno = EINTR; /* nothing to tell */
	} else if (n > 0) {
		atomic_store_explicit(&w->empty, 0, memory_order_relaxed);
	}
	return n;
}

void *fwd_worker_main(void *worker)
{
	struct fwd_worker *w = worker;
	int phase;

	recover(w);
	while ((phase = atomic_load_explicit(&w->k->phase, memory_order_relaxed)) != FWD_STOPPED) {
		const int n = read_queue(w, phase == FWD_DRAINING);
		const uint64_t now = fwd_now();

		atomic_store_explicit(&w->beat_ns, now, memory_order_relaxed);
		if (n < 0) {
			no_packets(w, errno);
			continue;
		}
		parse_all(w, n);
		if (!w->batch->n)
			continue;
		atomic_fetch_add(&w->turns, 1);
		fwd_judge(w, now);
		send_answers(w);
		atomic_fetch_add(&w->turns, 1);
		send_rejects(w);
	}
	return NULL;
}

static bool has_answered(struct fwd_worker *w, uint32_t turns)
{
	return !(turns & 1) || atomic_load(&w->turns) != turns;
}

int fwd_kernel_answered(struct fwd_kernel *k)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	const uint64_t deadline = fwd_now() + FW_NSEC_PER_SEC;

	for (unsigned int i = 0; i < k->n_workers; i++) {
		const uint32_t turns = atomic_load(&k->workers[i].turns);

		while (!has_answered(&k->workers[i], turns)) {
			if (fwd_now() > deadline)
				return -ETIMEDOUT;
			nanosleep(&pause, NULL);
		}
	}
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* The last life's socket, or a new one. */
static int open_queue(struct fwd_worker *w, struct fw_err *err)
{
	const struct fwd_config *config = w->k->core->config;
	const uint32_t range = w->k->copy_range;
	char name[64];

	fwd_queue_fdname(config, w->index, name);
	w->ids = fwd_handover_ids(w->k->handover, w->index);
	w->fd = fwd_handover_take(w->k->handover, name);
	if (w->fd >= 0) {
		memset(w->recover, true, sizeof(w->recover));
		return fwd_queue_adopt(w->fd, config, w->index, range, &w->info, err);
	}
	w->fd = fwd_queue_open(config, w->index, range, &w->info, err);
	return w->fd < 0 ? w->fd : 0;
}

int fwd_worker_init(struct fwd_worker *w, struct fwd_kernel *k, unsigned int index,
		    struct fw_err *err)
{
	const struct fwd_config *config = k->core->config;
	struct fwd_batch *b = calloc(1, sizeof(*b));
	int r;

	w->k = k;
	w->index = index;
	w->fd = -1;
	w->number = fwd_queue_number(config, index, FWD_Q_HEADERS);
	w->full_number = fwd_queue_number(config, index, FWD_Q_FULL);
	w->parts_number = fwd_queue_number(config, index, FWD_Q_PARTS);
	w->pass_number = fwd_queue_number(config, index, FWD_Q_PASS);
	w->batch = b;
	if (!b)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for a worker"), -ENOMEM;
	b->slots = mmap(NULL, FWD_BATCH * SLOT_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->slots == MAP_FAILED) {
		b->slots = NULL;
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for a worker"), -ENOMEM;
	}
	for (size_t i = 0; i < FWD_BATCH; i++) {
		b->iov[i] = (struct iovec){b->slots + i * SLOT_SIZE, SLOT_SIZE};
		b->hdrs[i].msg_hdr.msg_iov = &b->iov[i];
		b->hdrs[i].msg_hdr.msg_iovlen = 1;
	}
	r = fwd_rejects_open(&w->rejects, err);
	if (r)
		return r;
	return open_queue(w, err);
}

void fwd_worker_deinit(struct fwd_worker *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->rejects = fwd_rejects_close(w->rejects);
	if (w->batch && w->batch->slots)
		munmap(w->batch->slots, FWD_BATCH * SLOT_SIZE);
	free(w->batch);
	w->batch = NULL;
}
