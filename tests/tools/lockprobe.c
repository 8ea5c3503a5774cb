/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: how long somebody who is no worker holds the engine lock.
 *
 * In CPU time of the thread that holds it, for what a busy machine does to a thread is not what a
 * test asks for.  The engine lock is known by its being the only mutex that is ever tried
 * (daemon/lock.c).  LOCKPROBE names a file that gets two numbers, which the test may set to 0: the
 * longest hold in nanoseconds, and how many there were.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct figures {
	_Atomic(uint64_t) longest, holds;
};

static struct figures *figures;
static _Atomic(pthread_mutex_t *) engine_lock;
static int (*real_lock)(pthread_mutex_t *), (*real_trylock)(pthread_mutex_t *);
static int (*real_unlock)(pthread_mutex_t *);
static _Thread_local uint64_t since; /* 0: not held, or a worker's */

static void *next(const char *symbol)
{
	void *real = dlsym(RTLD_NEXT, symbol);

	if (!real)
		abort();
	return real;
}

/* Other libraries' constructors may lock before ours runs. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LOCKPROBE");
	int fd;

	if (real_lock)
		return;
	fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	real_lock = (int (*)(pthread_mutex_t *))next("pthread_mutex_lock");
	real_trylock = (int (*)(pthread_mutex_t *))next("pthread_mutex_trylock");
	real_unlock = (int (*)(pthread_mutex_t *))next("pthread_mutex_unlock");
	if (fd < 0 || ftruncate(fd, sizeof(*figures)))
		abort();
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (figures == MAP_FAILED)
		abort();
	close(fd);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void held(const pthread_mutex_t *mutex)
{
	char name[16] = "";

	if (mutex != engine_lock)
		return;
	prctl(PR_GET_NAME, name);
	since = strcmp(name, "fwd-worker") ? cpu_ns() : 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int r;

	begin();
	r = real_lock(mutex);
	held(mutex);
	return r;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	int r;

	begin();
	r = real_trylock(mutex);
	engine_lock = mutex;
	if (!r)
		held(mutex);
	return r;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	begin();
	if (mutex == engine_lock && since) {
		const uint64_t took = cpu_ns() - since;

		if (took > figures->longest) /* holds do not overlap */
			figures->longest = took;
		figures->holds++;
		since = 0;
	}
	return real_unlock(mutex);
}
