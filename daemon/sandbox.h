/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call filter: what a running daemon does, and nothing that a hijacked one would like
 * (no exec, no ptrace, no namespaces, no mounts, no kernel modules or programs).  What is not on
 * the list fails with EPERM: a firewall that is killed by its own filter protects nobody.
 */
#ifndef FWD_SANDBOX_H
#define FWD_SANDBOX_H

/* For this thread and all that it starts.  Failure is logged; the daemon goes on without. */
void fwd_sandbox_enter(void);

#endif
