/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system call filter (sandbox.h). */
#include "sandbox.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core.h"

#ifdef FWD_SECCOMP
#include <seccomp.h>

#ifndef __SANITIZE_ADDRESS__
/* By name: a kernel or libseccomp that does not know one has no use for it either. */
/* clang-format off */
static const char *const allowed[] = {
	/* packets, netlink, control clients */
	"socket", "bind", "listen", "connect", "accept4", "getsockname", "getpeername", "getsockopt",
	"setsockopt", "shutdown", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2", "signalfd4", "timerfd_create",
	"timerfd_settime",
	/* files: state directory, /proc, name databases */
	"open", "openat", "close", "read", "pread64", "readv", "write", "pwrite64", "writev", "lseek",
	"fstat", "stat", "lstat", "newfstatat", "statx", "fstatfs", "access", "faccessat", "faccessat2",
	"readlink", "readlinkat", "getdents64", "rename", "renameat", "renameat2", "unlink", "unlinkat",
	"symlink", "symlinkat", "mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "fsync", "fdatasync",
	"ftruncate", "flock", "fcntl", "ioctl", "dup", "dup2", "dup3", "getcwd",
	/* memory, threads, time */
	"mmap", "mprotect", "munmap", "mremap", "madvise", "brk", "futex", "clone", "clone3",
	"set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity",
	"set_tid_address", "exit", "exit_group", "clock_gettime", "clock_nanosleep", "nanosleep",
	"gettimeofday", "time", "getrandom", "membarrier", "getcpu",
	/* signals and oneself */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "tgkill",
	"getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrusage", "prlimit64",
	"getrlimit", "prctl", "restart_syscall", "uname", "sysinfo",
	/* a restart in place, whose program starts under this filter */
	"execve", "memfd_create", "arch_prctl", "capget", "capset",
};
/* clang-format on */

static int load(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = 0;

	if (!ctx)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !r; i++) {
		int nr = seccomp_syscall_resolve_name(allowed[i]);

		/* negative: not a call of this architecture */
		if (nr != __NR_SCMP_ERROR && nr >= 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
#endif

void fwd_sandbox_enter(void)
{
#ifdef __SANITIZE_ADDRESS__
	int r = -ENOTSUP; /* the leak check at the exit traces its own process */
#else
	int r = load();
#endif

	if (r)
		fwd_log(4, "running without a system call filter: %s", strerror(-r));
}
#else
void fwd_sandbox_enter(void)
{
	fwd_log(5, "built without a system call filter");
}
#endif
