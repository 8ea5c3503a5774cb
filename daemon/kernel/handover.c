/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crash that nobody notices.
 *
 * A queue belongs to a socket, not to a process, and so does our table.  The service manager keeps
 * copies of both (its "fd store"); when fwd dies, nothing is unbound, packets go on being queued,
 * and the next fwd finds the sockets among its descriptors and goes on.  Nothing is lost, nothing
 * passes unjudged; only when the manager gives up does --fail decide.
 *
 * Packets that the old process had read and not answered would hang for ever.  They are sent round
 * again (NF_REPEAT): they enter the same chain anew, are queued anew and judged by the new process.
 * Which ones: all up to the id that the old process had noted in memory that the manager keeps,
 * too; and, for what it read and had no time to note, all before the first one that we read.
 *
 * A clean stop takes everything out of the store: then the hooks are to go.
 *
 * A restart in place (`fwctl restart`) needs no manager: the process starts its program anew
 * (execve), and the sockets stay open over that, in the same clothes that a manager would hand
 * them over in, so that the next life cannot tell one from the other.
 */
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define IDS_FDNAME "fwd-ids"
#define IDS_SIZE   4096
#define MAX_NAMES  64
#define BARRIER_US 2000000

_Static_assert(FWD_MAX_QUEUES * FWD_QUEUES_EACH * sizeof(uint64_t) <= IDS_SIZE, "a page is enough");

struct item {
	char name[64];
	int fd; /* handed to us and not taken yet; -1: taken, or only kept by the manager */
	int used; /* what is in use under that name, another's to close; -1: nothing */
};

struct fwd_handover {
	struct item items[MAX_NAMES];
	unsigned int n;
	_Atomic(uint64_t) *ids;
	int ids_fd;
};

void fwd_queue_fdname(const struct fwd_config *config, unsigned int worker, char ret[64])
{
	snprintf(ret, 64, "fwd-queue-%u-%u", config->queue_base + worker,
		 config->queue_base + (FWD_QUEUES_EACH - 1) * config->queues + worker);
}

static struct item *find(struct fwd_handover *h, const char *name)
{
	for (unsigned int i = 0; i < h->n; i++)
		if (strcmp(h->items[i].name, name) == 0)
			return &h->items[i];
	return NULL;
}

static void add(struct fwd_handover *h, const char *name, int fd, int used)
{
	struct item *item = &h->items[h->n];

	if (h->n == MAX_NAMES)
		return;
	snprintf(item->name, sizeof(item->name), "%s", name);
	item->fd = fd;
	item->used = used;
	h->n++;
}

static void take_all(struct fwd_handover *h)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (strncmp(names[i], "fwd-", 4) == 0 && h->n < MAX_NAMES && !find(h, names[i]))
			add(h, names[i], fd, -1);
		else
			close(fd);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void discard(struct item *item)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", item->name);
	if (item->fd >= 0)
		close(item->fd);
	item->fd = -1;
}

/* Queues are taken over all or none: other numbers may be bound by sockets that we do not want. */
static bool queues_fit(struct fwd_handover *h, const struct fwd_config *config)
{
	unsigned int found = 0, wanted = 0;
	char name[64];

	for (unsigned int i = 0; i < h->n; i++)
		found += strncmp(h->items[i].name, "fwd-queue-", 10) == 0;
	for (unsigned int w = 0; w < config->queues; w++) {
		fwd_queue_fdname(config, w, name);
		wanted += find(h, name) != NULL;
	}
	return found == wanted && wanted == config->queues;
}

static void open_ids(struct fwd_handover *h)
{
	int fd = fwd_handover_take(h, IDS_FDNAME);
	void *at;

	if (fd < 0)
		fd = memfd_create("fwd-ids", MFD_CLOEXEC);
	if (fd < 0)
		return;
	if (ftruncate(fd, IDS_SIZE) == 0) {
		at = mmap(NULL, IDS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		h->ids = at == MAP_FAILED ? NULL : at;
	}
	h->ids_fd = fd;
	if (h->ids)
		fwd_handover_keep(h, IDS_FDNAME, fd);
}

struct fwd_handover *fwd_handover_open(const struct fwd_config *config)
{
	struct fwd_handover *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ids_fd = -1;
	take_all(h);
	if (h->n && !queues_fit(h, config)) {
		fwd_log(4, "the queues that the last fwd left do not fit the configuration");
		h = fwd_handover_close(h, true);
		sd_notify_barrier(0, BARRIER_US); /* now they are unbound */
		h = calloc(1, sizeof(*h));
		if (!h)
			return NULL;
		h->ids_fd = -1;
	}
	open_ids(h);
	return h;
}

struct fwd_handover *fwd_handover_close(struct fwd_handover *h, bool all)
{
	if (!h)
		return NULL;
	for (unsigned int i = 0; i < h->n; i++) {
		if (all)
			discard(&h->items[i]);
		else if (h->items[i].fd >= 0)
			close(h->items[i].fd);
	}
	if (h->ids)
		munmap((void *)h->ids, IDS_SIZE);
	if (h->ids_fd >= 0)
		close(h->ids_fd);
	free(h);
	return NULL;
}

int fwd_handover_take(struct fwd_handover *h, const char *name)
{
	struct item *item = find(h, name);
	int fd = item ? item->fd : -1;

	if (item)
		item->fd = -1;
	return fd;
}

void fwd_handover_keep(struct fwd_handover *h, const char *name, int fd)
{
	struct item *item = find(h, name);
	char state[128];

	if (item) {
		item->used = fd; /* the manager has it since the last life */
		return;
	}
	/* FDPOLL=0: a queue socket may well signal an error without being of no use */
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	add(h, name, -1, fd);
}

/* Above all descriptors that the next life expects in their places. */
#define OUT_OF_THE_WAY (SD_LISTEN_FDS_START + MAX_NAMES)

/* Put what is in use where sd_listen_fds() looks, and say so in the environment.  There is no way
 * back: whatever stood there is closed. */
static int dress(struct fwd_handover *h)
{
	char names[MAX_NAMES * sizeof(h->items[0].name)] = "", number[16];
	int high[MAX_NAMES], n = 0;

	for (unsigned int i = 0; i < h->n; i++) {
		if (h->items[i].used < 0)
			continue;
		high[n] = fcntl(h->items[i].used, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
		if (high[n++] < 0)
			return -errno;
		if (names[0])
			strcat(names, ":");
		strcat(names, h->items[i].name);
	}
	for (int i = 0; i < n; i++)
		if (dup2(high[i], SD_LISTEN_FDS_START + i) < 0)
			return -errno;
	snprintf(number, sizeof(number), "%d", n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	return 0;
}

int fwd_handover_exec(struct fwd_handover *h, const char *path, char **argv)
{
	int r = dress(h);

	if (r)
		return r;
	execv(path, argv);
	return -errno;
}

_Atomic(uint64_t) *fwd_handover_ids(struct fwd_handover *h, unsigned int worker)
{
	return h->ids ? h->ids + FWD_QUEUES_EACH * worker : NULL;
}
